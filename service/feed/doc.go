// Package feed is the live side: it tells every subscriber of a flow what changed
// since the version that subscriber knows, and nothing else. It must not write, must
// not know who its subscribers are on the wire, and keeps no state that a restart
// could lose.
//
// A flow that somebody watches has a topic: one goroutine that reads what changed and
// keeps it rendered, once, for all subscribers of this replica.
//
//	Wake (hint) ──┐
//	poll (1 s) ───┴─► topic ── ChangedSince ──► ring of rendered segments ──► Next, Next, Next
//	                    └───── snapshots and catch-ups on request, shared ───┘
//
// What holds, whatever is lost, doubled or late:
//
//   - Wakes only wake; the cursor reads. A dropped wake costs a poll interval, no data.
//   - A subscription is on its topic before anything is read for it.
//   - A subscriber at version s takes a segment (from, to] with from ≤ s < to. Segments
//     hold rows as they are at `to`, so overlap is harmless and a gap impossible.
//   - No queue per subscriber: who falls out of the ring is served by one shared read
//     from where it stands. Nothing is skipped, nobody waits for a slow reader.
//   - Within an epoch the versions a subscriber gets only grow. Another epoch ends the
//     topic and its subscriptions (ErrGone): the client comes back and is resolved afresh.
//   - A database that is away ends no subscription; subscribers are told once that it
//     went and once that it is back.
//
// A log that somebody follows has a tail, by the same rules: one poll for all who follow it,
// and no queue, since a line's number is all that a follower needs (see Tails).
package feed
