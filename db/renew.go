package db

import "context"

// RenewEpochs begins another life of every flow, and says how many there are: no cursor
// given before is believed any more. It is for a database that was put back to an earlier
// state in a way that its history does not tell of.
func (s *Store) RenewEpochs(ctx context.Context) (int, error) {
	n, err := s.q.FlowRenewEpochs(ctx, newEpoch())
	return int(n), mapError(err)
}
