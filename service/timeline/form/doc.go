// Package form is how timelines and what is asked about them travel: the forms of the
// answers, as docs/contract.md describes them, made from what package timeline says and, for
// what a client draws, turned back into it. It must not compute anything.
//
// Times are RFC 3339 in UTC, durations in whole milliseconds. A field is left out where
// there is nothing to say, a list is never null.
package form
