// Package bridge turns observations (what a source saw) into changes of a flow: jobs,
// groups, dependencies, attempts, history and log lines.
//
// It is rules only: no I/O, no clock, no goroutine. A Ledger holds one flow's graph
// while the writer has the flow's lock; observations are applied to it in order and
// Changes says what has to be stored.
//
// Invariants. An attempt ends once: what is repeated or arrives late goes to history
// and changes no status. A finished install does not run again because a controller
// looks at it. An execution is open exactly while its attempt is. An event that does
// not speak of dependencies leaves them alone.
package bridge
