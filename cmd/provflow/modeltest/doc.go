// Package modeltest holds whole replicas, in one process and over a real PostgreSQL, to a
// naive model: after every step of a random history, what a subscriber has folded is what
// the database held at the cursor it stands at, in the same order. It tests the parts as
// cmd wires them, without HTTP, and must not know how they do it.
//
// `make test` plays 200 histories; `make soak` as many as are asked for.
package modeltest
