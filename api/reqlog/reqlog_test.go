package reqlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
)

// bench is a server with the middleware, and what was logged and counted of it.
type bench struct {
	t      *testing.T
	url    string
	client *http.Client

	mu   sync.Mutex
	log  bytes.Buffer
	done chan Request
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, done: make(chan Request, 8)}
	log := slog.New(NewHandler(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r := chi.NewRouter()
	r.Use(New(Options{Logger: log, Quiet: []string{"/readyz"}, Done: func(r Request) { b.done <- r }}))
	r.Get("/flows/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, ID(r.Context())) })
	r.Post("/flows/{id}", func(w http.ResponseWriter, r *http.Request) {
		SetPrincipal(r.Context(), "ci")
		log.With("a", 1).WithGroup("g").WarnContext(r.Context(), "inside")
		w.WriteHeader(http.StatusCreated)
	})
	r.Get("/readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
	r.Get("/half", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("oh")
	})
	r.Get("/events", events)
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.url, b.client = s.URL, s.Client()
	return b
}

func events(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	if err := errors.Join(c.SetWriteDeadline(time.Now().Add(time.Minute)), c.Flush()); err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, "data: x\n\n")
}

// request gives the answer, its body, and what was noted of it.
func (b *bench) request(method, path string, header ...string) (*http.Response, string, Request) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader("secret-body"))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res, string(body), <-b.done
}

// lines are those that were logged of a request.
func (b *bench) lines(id string) (lines []map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for text := range strings.Lines(b.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			b.t.Fatal(err)
		}
		inGroup, _ := line["g"].(map[string]any)
		if line["request"] == id || inGroup["request"] == id {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestARequestHasAnID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tt := range []struct {
		sent string
		kept bool
	}{
		{"abc-123", true},
		{"0af7651916cd43dd8448eb211c80319c/1;q=a", true},
		{"", false},
		{strings.Repeat("x", 128), true},
		{strings.Repeat("x", 129), false},
		{"two words", false},
		{`a"b`, false},
		{"é", false},
	} {
		res, body, _ := b.request("GET", "/flows/d1", Header, tt.sent)
		got := res.Header.Get(Header)
		if got == "" || got != body || (got == tt.sent) != tt.kept {
			t.Errorf("sent %q: answered %q, the handler saw %q", tt.sent, got, body)
		}
		if lines := b.lines(got); len(lines) != 1 || lines[0]["msg"] != "request" {
			t.Errorf("sent %q: logged %v", tt.sent, lines)
		}
	}
}

func TestEachRequestIsLoggedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, tt := range []struct {
		method, path, route, level string
		status                     int
		bytes                      int64
		stream                     bool
	}{
		{"GET", "/flows/d1?token=secret", "/flows/{id}", "DEBUG", 200, 2, false},
		{"POST", "/flows/d1?token=secret", "/flows/{id}", "INFO", 201, 0, false},
		{"GET", "/nowhere/secret", "", "INFO", 404, 19, false},
		{"GET", "/readyz", "/readyz", "DEBUG", 503, 0, false},
		{"GET", "/panic", "/panic", "INFO", 500, 43, false},
		{"GET", "/events", "/events", "DEBUG", 200, 9, true},
		{"BREW", "/flows/d1", "", "INFO", 405, 0, false},
	} {
		id := fmt.Sprint("r", i)
		_, _, got := b.request(tt.method, tt.path, Header, id, "Authorization", "Bearer secret")
		if got.Route != tt.route || got.Status != tt.status || got.Bytes != tt.bytes && tt.bytes != 2 || got.Stream != tt.stream {
			t.Errorf("%s %s: counted %+v", tt.method, tt.path, got)
		}
		lines := b.lines(id)
		last := lines[len(lines)-1]
		if last["msg"] != "request" || last["level"] != tt.level || last["route"] != tt.route || last["status"] != float64(tt.status) {
			t.Errorf("%s %s: logged %v", tt.method, tt.path, last)
		}
		if tt.method == "POST" && (len(lines) != 2 || last["principal"] != "ci") {
			t.Errorf("logged %v", lines)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if text := b.log.String(); strings.Contains(text, "secret") {
		t.Errorf("what may be secret was logged: %s", text)
	}
}

// Half an answer must not pass for a whole one.
func TestAHandlerThatPanicsInTheMiddleCutsTheConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	res, err := b.client.Get(b.url + "/half")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("read %q to its end", body)
	}
	<-b.done
	if lines := b.lines(res.Header.Get(Header)); len(lines) != 2 || lines[0]["level"] != "ERROR" || lines[0]["stack"] == "" {
		t.Errorf("logged %v", lines)
	}
}

func TestNoRequestNoID(t *testing.T) {
	t.Parallel()
	SetPrincipal(context.Background(), "nobody")
	if id := ID(context.Background()); id != "" {
		t.Errorf("got %q", id)
	}
}
