// Package crash breaks a whole installation for a while and then counts: three replicas,
// each behind a proxy, one PostgreSQL, writers that note what they send and what was
// acknowledged, and consoles that watch. It knows the program by its HTTP interface only.
//
//	writers ──► replica ──► proxy ──┐
//	                                ├──► PostgreSQL
//	consoles ◄── replica ◄── proxy ─┘
//
// What it breaks is on loopback and its own: it ends by itself, and `make crash` runs it.
package crash
