package feed

import "sync/atomic"

type counters struct {
	subscribers, polls, reads, encodes, hits, gone, behind atomic.Int64
}

// Stats are the hub's counters, for metrics. Subscribers, Topics, Behind and Away are as
// they are now, the others count since the start.
type Stats struct {
	Subscribers  int64
	Topics       int64
	Polls        int64 // reads of the versions of all watched flows
	Reads        int64 // reads of changes or of whole flows
	Encodes      int64 // segments and snapshots rendered
	SnapshotHits int64 // snapshots served without a read
	Gone         int64 // topics that ended because their flow did
	Behind       int64 // how many versions the last poll found a topic behind, at most
	Away         bool  // the database is, as the last poll found
}

// Stats gives the counters.
func (h *Hub) Stats() Stats {
	topics := int64(len(h.all()))
	c := &h.counts
	away, _, _ := h.health.state()
	return Stats{
		Subscribers: c.subscribers.Load(), Topics: topics, Polls: c.polls.Load(), Reads: c.reads.Load(),
		Encodes: c.encodes.Load(), SnapshotHits: c.hits.Load(), Gone: c.gone.Load(), Behind: c.behind.Load(), Away: away,
	}
}
