package flow

import "time"

// WatchKey names what one of several replicas watches: a deployment's cluster in a region,
// "" for the primary one.
type WatchKey struct {
	FlowID string
	Region string
}

// WatchTerm is the right to watch a cluster, until somebody else has the next one. Since is
// when the cluster was first watched by anybody; LinesAt, up to when its controller's lines
// were read, zero where none were.
type WatchTerm struct {
	WatchKey
	Term    int64
	Since   time.Time
	LinesAt time.Time
}

// Fence is what fences the term's writes.
func (t WatchTerm) Fence() Fence { return Fence{Region: t.Region, Term: t.Term} }

// ErrTermOver refuses what a term that is over would still do.
var ErrTermOver = &Error{Code: Conflict, Slug: "term-over", Detail: "another replica watches this cluster now; nothing was written"}
