package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// body is a request's body that is written as the provision goes on.
type body struct {
	*io.PipeWriter
	done chan answer
}

func (r *replica) postLive(deployment string) *body {
	r.t.Helper()
	in, out := io.Pipe()
	b := &body{out, make(chan answer, 1)}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.url+"/api/v1/deployments/"+deployment+"/provisioner-events", in)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = out.Close() })
	go func() {
		defer close(b.done)
		res, err := cmp.Or(r.client, http.DefaultClient).Do(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		b.done <- answer{res.StatusCode, res.Header, string(text)}
	}()
	return b
}

func (b *body) write(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(b, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (b *body) answer(t *testing.T) answer {
	t.Helper()
	select {
	case a, ok := <-b.done:
		if ok {
			return a
		}
	case <-time.After(patience):
	}
	t.Fatal("no answer came")
	return answer{}
}

// What is wrong with a line is told while the body goes on, and not at its end.
func TestABadLineOfALongBodyIsToldAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	b := r.postLive("d1")
	b.write(t, event(0, "tofu-init"))
	b.write(t, "{")
	if a := b.answer(t); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"line":2`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := r.snapshot("d1").status("d1:tofu-init"); got != "running" {
		t.Errorf("the step is %q", got)
	}
}

func TestALongBodyIsShownLineByLine(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", "")
	s := r.stream("d1", "")
	b := r.postLive("d1")
	for i := range 5 {
		id := fmt.Sprint("x", i)
		b.write(t, component(float64(i), id, "installing"))
		for s.state.status("d1:install-"+id) != "running" {
			s.next()
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if a := b.answer(t); a.status != http.StatusOK || !strings.Contains(a.body, `"accepted":5`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Nobody knows when a long body will end, so a server that is told to stop does not wait
// for it: what has come is kept, and the emitter is told to send the rest elsewhere.
func TestALongBodyDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r, other := start(t, dsn), start(t, dsn)
	b := r.postLive("d1")
	b.write(t, event(0, "tofu-init"))
	eventually(t, "the line", func() bool { return r.get("/api/v1/flows/d1/snapshot").status == http.StatusOK })
	r.stop()
	a := b.answer(t)
	a.wantUnavailable(t, "a body cut by a stop")
	if !strings.Contains(a.body, `"accepted":1`) {
		t.Errorf("what is kept is not told: %s", a.body)
	}
	if got := other.snapshot("d1").status("d1:tofu-init"); got != "running" {
		t.Errorf("the step is %q", got)
	}
}
