package db

// InPortionsOf has a history removed in smaller portions than usual.
func (s *Store) InPortionsOf(rows int32) { s.portion = rows }
