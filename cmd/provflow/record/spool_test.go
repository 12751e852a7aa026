package record

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/tofu"
)

// A server that comes up after the run gets everything, in order and once.
func TestTheServerComesUpLate(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer(func([]string) (int, string) { return http.StatusBadGateway, "a proxy's page" })
	b := newBench(t, f.URL, stream1)
	b.Patience = time.Millisecond
	if err := b.run(t, "apply", "p.plan"); err != nil {
		t.Fatal(err)
	}
	kept := b.files(t, spoolEnding)
	if len(kept) != 1 {
		t.Fatalf("the spool has %v", kept)
	}
	info, err := os.Stat(kept[0])
	text, readErr := os.ReadFile(kept[0])
	if err != nil || readErr != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, %v", err, readErr, info.Mode())
	}
	f.answer(nil)
	b.Patience = time.Minute
	if err := Flush(t.Context(), b.Options); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.lines(), "\n") + "\n"; got != string(text) {
		t.Errorf("sent\n%s\nwant\n%s", got, text)
	}
	if left := b.files(t, ""); len(left) > 0 {
		t.Errorf("the spool still has %v", left)
	}
}

// What an earlier run left is sent before what the next one has to say.
func TestTheNextRunSendsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer(func([]string) (int, string) {
		return http.StatusServiceUnavailable, `{"error":"not-ready","detail":""}`
	})
	b := newBench(t, f.URL, "echo first")
	b.Patience = time.Millisecond
	if err := b.run(t, "init"); err != nil {
		t.Fatal(err)
	}
	f.answer(nil)
	b.Patience = time.Minute
	if err := b.run(t, "output"); err != nil {
		t.Fatal(err)
	}
	var phases []string
	for _, l := range f.lines() {
		_, rest, _ := strings.Cut(l, `"phase":"`)
		phase, _, _ := strings.Cut(rest, `"`)
		phases = append(phases, phase)
	}
	if !slices.Equal(phases, []string{"tofu-init", "tofu", "tofu-init", "tofu-output", "tofu", "tofu-output"}) {
		t.Errorf("sent %v", phases)
	}
}

// An event that the server will never take is put aside and said; the others arrive.
func TestARefusedEvent(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} { // whether the server says which line it was
		f := newFake(t)
		f.answer(func(body []string) (int, string) {
			i := slices.IndexFunc(body, func(l string) bool { return strings.Contains(l, "Creating...") })
			if i < 0 {
				return 0, ""
			}
			if !named {
				return http.StatusRequestEntityTooLarge, `{"error":"too-large","detail":"no"}`
			}
			f.keep(body[:i])
			return http.StatusBadRequest, `{"error":"invalid-event","detail":"no","accepted":` + strconv.Itoa(i) + `,"line":` + strconv.Itoa(i+1) + `}`
		})
		b := newBench(t, f.URL, stream1)
		if err := b.run(t, "apply", "p.plan"); err != nil {
			t.Fatal(err)
		}
		if got := f.lines(); len(got) != 4 || strings.Contains(strings.Join(got, ""), "Creating...") {
			t.Errorf("sent %q", got)
		}
		aside := b.files(t, refusedEnding)
		if len(aside) != 1 || len(b.files(t, spoolEnding)) != 0 || !strings.Contains(b.said.String(), aside[0]) {
			t.Fatalf("aside %v, said %s", aside, b.said)
		}
		text, err := os.ReadFile(aside[0])
		if err != nil || strings.Count(string(text), "Creating...") != 1 || !strings.Contains(string(text), `"why":"`) {
			t.Errorf("%v, aside is %s", err, text)
		}
	}
}

// A token that is not good is no reason to put anything aside: all is kept for a better one.
func TestATokenThatIsNotGood(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer(func([]string) (int, string) {
		return http.StatusUnauthorized, `{"error":"unauthorized","detail":"give a token"}`
	})
	b := newBench(t, f.URL, stream1)
	b.Patience = 50 * time.Millisecond
	if err := b.run(t, "apply", "p.plan"); err != nil {
		t.Fatal(err)
	}
	if len(b.files(t, spoolEnding)) != 1 || len(b.files(t, refusedEnding)) != 0 {
		t.Errorf("the spool has %v", b.files(t, ""))
	}
}

// What the server said is what the person is told, also where it is asked again when the time
// is over.
func TestWhatTheServerSaidIsTold(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked atomic.Int32
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if asked.Add(1) > 1 {
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"forbidden","detail":"not this deployment"}`)
	})
	b := newBench(t, f.URL, stream1)
	b.Patience = time.Second
	if err := b.run(t, "apply", "p.plan"); err != nil {
		t.Fatal(err)
	}
	if said := b.said.String(); asked.Load() > 1 && !strings.Contains(said, "not this deployment") || len(b.files(t, spoolEnding)) != 1 {
		t.Errorf("asked %d times, it said %s", asked.Load(), said)
	}
}

// A recording that was killed is ended by whoever finds it; a running one is left alone.
func TestARecordingThatWasKilled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f.URL, "")
	dir := filepath.Join(b.Spool, "d1")
	runs, err := newSpool(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer runs.close()
	stamp := "2026-11-23T09:22:49Z"
	if err := runs.write([]tofu.Event{{Time: &stamp, Phase: "tofu", Message: "of a running one"}}); err != nil {
		t.Fatal(err)
	}
	const begun = `{"time":"2026-11-23T09:22:49Z","phase":"tofu-apply","state":"running"}`
	const later = `{"time":"2026-11-23T09:22:50Z","phase":"tofu-resource","component":"a.b","state":"succeeded"}`
	if err := os.WriteFile(filepath.Join(dir, "1-1"+spoolEnding), []byte(begun+"\n"+later+"\n"+`{"time":"2026-`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Flush(t.Context(), b.Options); err != nil {
		t.Fatal(err)
	}
	want := []string{begun, later, `{"time":"2026-11-23T09:22:50Z","phase":"tofu-apply","level":"error","message":"the recording stops in the middle: the program was killed, or its disk was full","state":"failed"}`}
	if got := f.lines(); !slices.Equal(got, want) {
		t.Errorf("sent %q", got)
	}
}

// A server that dies in the middle of a run, with what it had taken and not acknowledged, has
// all of it in the end, in order.
func TestTheServerDiesInTheMiddle(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	goOn := filepath.Join(t.TempDir(), "go-on")
	b := newBench(t, f.URL, `echo before; while [ ! -e `+goOn+` ]; do sleep 0.05; done; echo after`)
	b.Patience = time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- b.run(t, "init") }()
	for !strings.Contains(strings.Join(f.lines(), ""), `"before"`) {
		select {
		case <-f.heard:
		case <-time.After(time.Minute):
			t.Fatalf("it was sent %q", f.lines())
		}
	}
	f.answer(func(body []string) (int, string) {
		f.keep(body)
		return http.StatusInternalServerError, "it took it and could not say so"
	})
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	f.answer(nil)
	b.Patience = time.Minute
	if err := Flush(t.Context(), b.Options); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, l := range f.lines() {
		_, rest, _ := strings.Cut(l, `"message":"`)
		said = append(said, rest[:strings.IndexByte(rest, '"')])
	}
	if len(said) != 4 || said[1] != "before" || said[2] != "after" || len(b.files(t, "")) != 0 {
		t.Errorf("it was sent %q, left are %v, it said %s", said, b.files(t, ""), b.said)
	}
}

// A spool of every deployment is sent where none is named, and one that cannot be sent is
// said by the exit code.
func TestFlushingAllDeployments(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer(func([]string) (int, string) { return http.StatusServiceUnavailable, "" })
	b := newBench(t, f.URL, "echo x")
	b.Patience = time.Millisecond
	for _, id := range []string{"d1", "d2"} {
		b.Deployment = id
		if err := b.run(t, "init"); err != nil {
			t.Fatal(err)
		}
	}
	b.Deployment = ""
	if err := Flush(t.Context(), b.Options); err == nil || !strings.Contains(err.Error(), "6 events are left") {
		t.Errorf("it ended with %v", err)
	}
	f.answer(nil)
	b.Patience = time.Minute
	if err := Flush(t.Context(), b.Options); err != nil || len(f.lines()) != 6 {
		t.Errorf("%v, sent %q", err, f.lines())
	}
}
