// Package listen carries the hint that a flow has changed from the replica that wrote
// it to all others, through LISTEN and NOTIFY. It must not be relied on: a hint may be
// lost, doubled or late, and the poll behind it is the guarantee.
//
// The listening side has one connection of its own, from no pool and past any pooler:
//
//	connect ──► LISTEN ──► gap (everything watched is read again) ──► live
//	   ▲                                                               │
//	   └── pause: jittered, capped ◄── broken, or a ping unanswered ◄──┘
//
// It pings after every silence, since a bare wait never notices a dead link. Whatever
// was announced while it was not live is lost; that is what the gap is told for.
//
// The announcing side speaks after the commit and outside any transaction that writes:
// all commits that notify share one lock in the server.
package listen
