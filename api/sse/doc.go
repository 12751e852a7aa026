// Package sse writes server-sent events. It must not know what they mean: it takes
// batches of frames and a connection, and is done when either ends.
//
// What holds:
//
//   - A bad frame cannot be built: names and ids are types that refuse line breaks, and
//     data is split at them.
//   - What is sent in one go is one write and one flush.
//   - Every write has a deadline of its own. A client that does not read ends its own
//     stream by it, and nobody else's.
//   - Nothing is written before the connection is known to flush and to keep deadlines,
//     so that the handler can still answer with an error.
package sse
