package flow

import "time"

// Delta is what changed in a flow between two cursors, each row as it is at To.
// Read from NoCursor it is the whole flow. Reset says that From is not a point in this
// flow's history (or no longer a known one): the rest is then the whole flow.
type Delta struct {
	From, To             Cursor
	Reset                bool
	Flow                 *Flow // nil: unchanged
	Jobs                 []Job
	RemovedJobs          []string
	Relationships        []Relationship // the invisible ones too
	RemovedRelationships []RelationshipKey
}

// Empty reports whether a client would see nothing of it.
func (d Delta) Empty() bool {
	return d.Flow == nil && len(d.Jobs)+len(d.RemovedJobs)+len(d.Relationships)+len(d.RemovedRelationships) == 0
}

// Changes is everything one transaction writes into one flow. What is removed goes first:
// what goes and comes back in one transaction is among both, and is last from then on.
type Changes struct {
	Flow                 *Flow
	Jobs                 []Job
	RemovedJobs          []string
	Relationships        []Relationship
	RemovedRelationships []RelationshipKey
	Executions           []Execution
	Spoken               []Execution // those that have gained lines, and nothing else
	Transitions          []Transition
	Lines                []LogLine // of what is in Executions or in Spoken
	Cursors              []BridgeCursor
	Heard                []BridgeCursor // those that differ in ActiveAt and EndedAt alone
	Restored             Restored
}

// Restored is history out of an archive. What the store has of it already stays as it is,
// so that it may be brought in again, and into the store it came from.
type Restored struct {
	Executions  []Execution
	Transitions []Transition // each with how many equal ones were before it
	Lines       []LogLine    // each with its number
}

// Moves reports whether the flow's version must move: whether state has changed.
// History and log lines alone do not move it, nor does what is restored of them, nor that a
// job was heard of again.
func (c Changes) Moves() bool { return c.Shows() || len(c.Executions)+len(c.Cursors) > 0 }

// Shows reports whether subscribers are told of it.
func (c Changes) Shows() bool {
	return c.Flow != nil || len(c.Jobs)+len(c.RemovedJobs)+len(c.Relationships)+len(c.RemovedRelationships) > 0
}

// Empty reports whether there is nothing of it.
func (r Restored) Empty() bool { return len(r.Executions)+len(r.Transitions)+len(r.Lines) == 0 }

// Empty reports whether there is nothing to write.
func (c Changes) Empty() bool {
	return !c.Moves() && len(c.Transitions)+len(c.Lines)+len(c.Heard) == 0 && c.Restored.Empty()
}

// State is a flow as its store holds it, for a writer that holds its lock: what
// changed since the writer last looked, and the bridge's cursors with it.
type State struct {
	Delta
	Cursors    []BridgeCursor
	Deployment Deployment // zero when there is no record
	Now        time.Time
}

// Fingerprint recognises a write that is sent again.
type Fingerprint [16]byte

// Fence is the term by which a cluster's watcher writes: of the flow's region, "" for the
// primary one. The zero Fence is none; terms count from 1.
type Fence struct {
	Region string
	Term   int64
}

// Write is one transaction on one flow. The store takes the flow's lock (making the
// flow, and its deployment's record where asked, if it is not there; NotFound instead, where
// only an Existing flow is meant), makes sure that the terms of the fences are held until the
// commit (ErrTermOver where one is not), registers the keys, calls Decide with what changed
// since Known and with which keys are new, and commits what Decide gives, all of it or nothing.
type Write struct {
	FlowID     string
	Known      Cursor
	Keys       []Fingerprint
	Fences     []Fence
	Deployment bool
	Existing   bool
	Decide     func(s State, fresh []bool) Changes
}
