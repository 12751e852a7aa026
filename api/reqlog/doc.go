// Package reqlog says of every request, once, how it went: in the log, and to whoever
// counts. It must not change what a client gets but for the request's id, and never
// notes a body or a query: those may hold secrets.
//
// A request's id is the client's own where that is a sane one, else a new one. It goes
// back with the answer and stands in every line that is logged with the request's context.
package reqlog
