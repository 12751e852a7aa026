// Package flow is the vocabulary of a provision: flows, jobs, relationships,
// executions, transitions, log lines, the wire envelope, ids, and the rules that
// derive one fact from others (roll-up, waiting, visibility of an edge).
//
// It does no I/O and imports the standard library only, so that every other
// package can speak it without inheriting a technology.
//
// A flow is a graph. Its nodes are jobs; a job that contains others is a group.
// Relationships run fromId → toId: `contains` from child to parent,
// `finish-to-start` from the job that must finish to the one that waits.
//
//	pending ──► running ──► succeeded
//	   │           ├──────► failed ──► running (a new attempt, a new execution)
//	   └───────────┴─ a subsequence of these is all an informer may deliver
package flow
