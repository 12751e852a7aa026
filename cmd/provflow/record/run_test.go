package record

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// stream is a small run of the tool, in JSON.
const stream1 = `
cat <<'END'
{"@level":"info","@message":"a.b: Plan to create","@timestamp":"2026-11-23T09:22:49.1Z","type":"planned_change","change":{"resource":{"addr":"a.b"},"action":"create"}}
{"@level":"info","@message":"a.b: Creating...","@timestamp":"2026-11-23T09:22:49.2Z","type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"create"}}
{"@level":"info","@message":"a.b: Creation complete","@timestamp":"2026-11-23T09:22:49.3Z","type":"apply_complete","hook":{"resource":{"addr":"a.b"},"action":"create"}}
END
`

// The tool's own exit code, output, errors and input are the program's, whatever it does
// with the JSON.
func TestTheToolIsAsItWouldBeAlone(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f.URL, `read line; printf 'asked: '; echo "got $line"; echo oops >&2; exit 7`)
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	feed.WriteString("yes please\nmore\n")
	feed.Close()
	b.Stdin = in
	var exit ExitError
	if err := b.run(t, "init"); !errors.As(err, &exit) || exit != 7 {
		t.Errorf("it ended with %v", err)
	}
	if b.out.String() != "asked: got yes please\n" || b.said.String() != "oops\n" {
		t.Errorf("it said %q and %q", b.out, b.said)
	}
	sent := strings.Join(f.lines(), "\n")
	for _, want := range []string{`"phase":"tofu-init","level":"info","message":"` + b.tool, `"message":"asked: got yes please"`, `"level":"warn","message":"oops"`, `"phase":"tofu-init","level":"error","message":"exit code 7"`} {
		if !strings.Contains(sent, want) {
			t.Errorf("%s was not sent: %s", want, sent)
		}
	}
}

func TestAToolThatASignalEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, newFake(t).URL, `kill -9 $$`)
	var exit ExitError
	if err := b.run(t, "init"); !errors.As(err, &exit) || exit != 137 {
		t.Errorf("it ended with %v", err)
	}
}

func TestAToolThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, newFake(t).URL, "")
	b.tool += "-that-is-not-there"
	if err := b.run(t, "init"); err == nil || !strings.Contains(err.Error(), "not-there") {
		t.Errorf("it ended with %v", err)
	}
}

// Without -json a person sees text; with it, the tool's own bytes.
func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, newFake(t).URL, stream1)
	if err := b.run(t, "apply", "p.plan"); err != nil || b.out.String() != "a.b: Creating...\na.b: Creation complete\n" {
		t.Errorf("%v, shown:\n%s", err, b.out)
	}
	b.out.Reset()
	if err := b.run(t, "apply", "-json", "p.plan"); err != nil || strings.Count(b.out.String(), `{"@level"`) != 3 {
		t.Errorf("%v, shown:\n%s", err, b.out)
	}
}

// An apply without a plan file asks, and does nothing without a yes.
func TestAnApplyAsks(t *testing.T) {
	t.Parallel()
	const script = `echo "$@" >>"$0.log"; case "$1" in plan) exit 2;; show) echo "the plan";; esac`
	for _, answer := range []string{"yes\n", "no\n", ""} {
		b := newBench(t, newFake(t).URL, script)
		in, feed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		feed.WriteString(answer)
		feed.Close()
		b.Stdin = in
		err = b.run(t, "apply", "-var", "a=b")
		in.Close()
		log, _ := os.ReadFile(b.tool + ".log")
		applied := strings.Contains(string(log), "\napply -json ")
		if yes := answer == "yes\n"; applied != yes || (err == nil) != yes {
			t.Errorf("%q: %v, it ran\n%s", answer, err, log)
		}
		if !strings.HasPrefix(string(log), "plan -json -detailed-exitcode -out=") || !strings.Contains(b.out.String(), "the plan\n\nDo you want") {
			t.Errorf("it ran\n%s and showed\n%s", log, b.out)
		}
	}
	b := newBench(t, newFake(t).URL, script)
	if err := b.run(t, "destroy", "-input=false"); err == nil || !strings.Contains(err.Error(), "-auto-approve") {
		t.Errorf("where it may not ask: %v", err)
	}
}

// A server that takes everything and answers nothing holds up neither the run nor its end.
func TestAServerThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFake(t)
	f.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	b := newBench(t, f.URL, stream1)
	b.Patience = time.Millisecond
	if err := b.run(t, "apply", "p.plan"); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if len(b.files(t, spoolEnding)) != 1 || !strings.Contains(b.said.String(), "could not be sent yet: the server has not answered yet") || !strings.Contains(b.said.String(), "--flush") {
		t.Errorf("it said %s", b.said)
	}
}

// A folder that cannot be written costs neither the run nor, while the server is there, the
// recording. What could not be sent in the end is said to be lost.
func TestNoPlaceForTheSpool(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f.URL, stream1)
	b.Spool = b.tool // a file
	if err := b.run(t, "apply", "p.plan"); err != nil || !strings.Contains(b.said.String(), "the run goes on") || b.out.Len() == 0 {
		t.Errorf("%v, it said %s", err, b.said)
	}
	sent := f.lines()
	if len(sent) != 5 || !strings.Contains(sent[4], `"state":"succeeded"`) || strings.Contains(b.said.String(), "lost") {
		t.Errorf("sent %q, it said %s", sent, b.said)
	}
	f.answer(func([]string) (int, string) { return http.StatusServiceUnavailable, "" })
	b.Patience = time.Millisecond
	if err := b.run(t, "apply", "p.plan"); err != nil || !strings.Contains(b.said.String(), "5 events could neither be sent nor kept") {
		t.Errorf("%v, it said %s", err, b.said)
	}
}
