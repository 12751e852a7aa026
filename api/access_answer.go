package api

import (
	"net/http"
	"time"
)

// answerPiece is how much of an answer is written under one deadline: what a slow line
// takes in a few seconds.
const answerPiece = 64 << 10

// pacedAnswer is an answer that must be taken. Every piece of it has a deadline of its own,
// so a client that does not read ends its own request, and one that reads slowly does not.
type pacedAnswer struct {
	http.ResponseWriter
	conn *http.ResponseController
	idle time.Duration
}

func (g *gate) paceAnswer(w http.ResponseWriter) http.ResponseWriter {
	return &pacedAnswer{w, http.NewResponseController(w), g.AnswerIdle}
}

// Write implements io.Writer.
func (a *pacedAnswer) Write(p []byte) (n int, err error) {
	for {
		_ = a.conn.SetWriteDeadline(time.Now().Add(a.idle)) // a connection that has none is a test's
		written, err := a.ResponseWriter.Write(p[n:min(n+answerPiece, len(p))])
		if n += written; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Unwrap is for http.ResponseController.
func (a *pacedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// noDeadline takes off what an answer before has left on the connection.
func noDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}
