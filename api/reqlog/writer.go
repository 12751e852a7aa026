package reqlog

import (
	"cmp"
	"net/http"
	"strings"
)

// writer counts what is written. Flushes and deadlines go through Unwrap, and with them
// their errors, by which a stream learns that its client is gone.
type writer struct {
	http.ResponseWriter
	status int // 0 until the answer has begun
	bytes  int64
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	// 1xx go before the answer.
	if w.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.status = w.code()
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// code is what the client is told; who says nothing says 200.
func (w *writer) code() int { return cmp.Or(w.status, http.StatusOK) }

func (w *writer) streams() bool {
	return w.code() == http.StatusOK && strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
}
