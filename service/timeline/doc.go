// Package timeline says what a provision's time went into: who waited for whom, which
// chain of jobs decided the end, how runs differ, what failed first, how long it will
// take. It is arithmetic on what is recorded: it reads no store and changes no state.
//
// # Definitions
//
// A row is one attempt at a job that is no group. A job that has not begun has one row
// with attempt 0. An attempt that runs is taken up to now.
//
// The jobs a job comes after are those its finish-to-start edges name, and those that the
// groups it is in come after; a group ends with the last of its leaves. Edges of other
// types hold nobody up here, and a lag counts as idle time.
//
// The blocker of an attempt is, of all it comes after and of the job's own previous
// attempt, the one that ended last before it began. What had begun and not yet ended by
// then (sources' clocks differ) counts as ended at that moment. Idle is the time from there
// to the attempt's beginning. So no duration is ever negative.
//
// The critical path is the walk back from the attempt that ended last, from blocker to
// blocker. The times run and idle on it add up to the time from the flow's start to that
// end; with nothing idle its length is the flow's duration.
//
// The slack of an attempt is how much later it could have ended without moving that end:
// the least, over what comes after it, of that one's slack and the time by which this
// attempt ended before its blocker. It is zero exactly for what decided the end: what such
// a walk back meets. Where attempts ended at the same moment there are several such walks;
// all that any of them meets has no slack and is critical, and the path is the one of them
// that takes what began first.
//
// An attempt after its job had succeeded once (an upgrade), and every job of day-2
// mutations, is Later: it is no part of the provision, so not of its path either.
package timeline
