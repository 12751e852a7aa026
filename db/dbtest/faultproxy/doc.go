// Package faultproxy stands between a client and PostgreSQL in tests and lets go wrong
// what can go wrong on that way: links that break, that go silent, or that break just
// when it matters. It reads no more of the protocol than it takes to know where a
// request and its answer end, changes nothing by itself, and is for tests only.
//
// A trip is what a client sends up to the point at which it waits (a Sync, or a simple
// query) and what the server answers to it. Arm breaks one of them, counted from then
// on, so that a test can go through an operation trip by trip:
//
//	client ──► request ──► server        Lost: cut here, the server never hears of it
//	                         │           Refused: an error in its place
//	client ◄── answer ◄──────┘           Unheard: done, and cut here
//	                                     Slow, Abandoned: held here
package faultproxy
