package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

const (
	defaultLines = 500  // of a page
	mostLines    = 5000 // of a page
	// logHeartbeat is the longest silence of a log's stream.
	logHeartbeat = 10 * time.Second
)

var (
	eventLine = sse.MustEvent("line")
	eventEnd  = sse.MustEvent("end")
)

type logAnswer struct {
	Lines             []flow.LogLineWire `json:"lines"`
	Total             int64              `json:"total"`
	ExecutionFinished bool               `json:"executionFinished"`
}

// logPage answers with some lines of an execution's log.
func (h *server) logPage(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	from, err := queryNumber(r, "fromLine", 1)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	limit, err := queryNumber(r, "limit", defaultLines)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page, err := h.Store.LogPage(r.Context(), id, from, int(min(limit, mostLines)))
	if err == nil {
		err = seenExecution(r.Context(), page.FlowID, id)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, presentLog(page))
}

// seenExecution is asked of what was read: since the caller was let in, the execution may have
// become one of another flow.
func seenExecution(ctx context.Context, flowID, id string) error {
	if access.Sees(ctx, flowID) {
		return nil
	}
	return flow.NoExecution(id)
}

func presentLog(p flow.LogPage) logAnswer {
	answer := logAnswer{make([]flow.LogLineWire, len(p.Lines)), p.Total, p.Status.Terminal()}
	for i, l := range p.Lines {
		answer.Lines[i] = l.Wire()
	}
	return answer
}

// queryNumber reads a whole number, brought up to 1; what is too large for any log stays so.
func queryNumber(r *http.Request, name string, otherwise int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, flow.Invalidf("invalid-number", "%s %.40q is not a whole number", name, text)
	}
	return max(n, 1), nil
}

// logStream sends a log's lines as they come, until the execution is finished.
func (h *server) logStream(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	lines, err := h.followLog(r, id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer lines.Close()
	if err := seenExecution(r.Context(), lines.FlowID(), id); err != nil {
		h.fail(w, r, err)
		return
	}
	if headOfStream(w, r) {
		return
	}
	err = sendLog(w, r, lines)
	if errors.Is(err, http.ErrNotSupported) { // nothing was written yet
		h.fail(w, r, err)
	} else if err != nil {
		h.Logger.DebugContext(r.Context(), "log stream ended", "execution", id, "error", err)
	}
}

// followLog begins after the line the client saw last, else at ?fromLine. An id that is
// not a line's is a client's slip and no reason to refuse it: a browser gives up for
// good after an error.
func (h *server) followLog(r *http.Request, id string) (*feed.Follower, error) {
	from, err := queryNumber(r, "fromLine", 1)
	if err != nil {
		return nil, err
	}
	if last, err := strconv.ParseInt(sse.LastEventID(r), 10, 64); err == nil {
		return h.Tails.Resume(r.Context(), id, last)
	}
	return h.Tails.Follow(r.Context(), id, from)
}

func sendLog(w http.ResponseWriter, r *http.Request, lines *feed.Follower) error {
	out, err := sse.Start(w, sse.Options{Heartbeat: logHeartbeat})
	for err == nil {
		var some []feed.TailLine
		some, err = nextLines(r.Context(), lines)
		switch {
		case errors.Is(err, io.EOF):
			return out.Send(sse.Frame{Event: eventEnd, Data: []byte(`{"executionFinished":true}`)})
		case r.Context().Err() != nil, errors.Is(err, feed.ErrGone), errors.Is(err, feed.ErrStopped):
			return nil //nolint:nilerr // an orderly end, not a failure
		case errors.Is(err, context.DeadlineExceeded):
			err = out.Heartbeat()
		case err == nil:
			err = out.Send(lineFrames(some)...)
		}
	}
	return err
}

func nextLines(ctx context.Context, lines *feed.Follower) ([]feed.TailLine, error) {
	ctx, cancel := context.WithTimeout(ctx, logHeartbeat)
	defer cancel()
	return lines.Next(ctx)
}

func lineFrames(lines []feed.TailLine) []sse.Frame {
	frames := make([]sse.Frame, len(lines))
	for i, l := range lines {
		frames[i] = sse.Frame{Event: eventLine, ID: sse.NumberID(l.Number), Data: l.Data}
	}
	return frames
}
