package record

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a server that keeps each different line once, as the real one does.
type fake struct {
	*httptest.Server

	mu    sync.Mutex
	kept  []string
	wants func(body []string) (status int, answer string) // 0: takes it
	heard chan struct{}                                   // of size 1: a request was answered
}

func newFake(t *testing.T) *fake {
	f := &fake{heard: make(chan struct{}, 1)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		select {
		case f.heard <- struct{}{}:
		default:
		}
	}()
	if f.wants != nil {
		if status, answer := f.wants(lines); status != 0 {
			w.WriteHeader(status)
			fmt.Fprint(w, answer)
			return
		}
	}
	f.keep(lines)
	fmt.Fprint(w, `{"accepted":1,"version":1}`)
}

func (f *fake) keep(lines []string) {
	for _, l := range lines {
		if !slices.Contains(f.kept, l) {
			f.kept = append(f.kept, l)
		}
	}
}

func (f *fake) answer(wants func(body []string) (int, string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wants = wants
}

func (f *fake) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.kept)
}

// bench is what a test of a whole run needs.
type bench struct {
	Options
	out, said *bytes.Buffer
	tool      string
}

// newBench makes options for a run of a shell script in place of the tool.
func newBench(t *testing.T, server, script string) *bench {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "tofu")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	b := &bench{out: &bytes.Buffer{}, said: &bytes.Buffer{}, tool: tool}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	b.Options = Options{
		Server: server, Deployment: "d1", Spool: t.TempDir(), Patience: time.Minute, Env: os.Environ(),
		Stdin: null, Stdout: b.out, Stderr: b.said, Client: client,
	}
	return b
}

func (b *bench) run(t *testing.T, args ...string) error {
	t.Helper()
	return Tool(t.Context(), b.Options, append([]string{b.tool}, args...))
}

// files lists what is in the spool, by the ending of its name.
func (b *bench) files(t *testing.T, ending string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.Spool, "d1", "*"+ending))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
