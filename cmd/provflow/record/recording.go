package record

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/tofu"
)

// recording is where a run's events go. Nothing that goes wrong with it reaches the run.
type recording struct {
	spool   *spool
	sender  *sender
	say     func(format string, args ...any)
	watched bool // what is said goes to a terminal
	cancel  context.CancelFunc
	emptied chan struct{} // closed when the sender has nothing left, or gave up

	mu     sync.Mutex
	broken error
}

// begin opens a recording, which first sends what earlier runs of the deployment left.
func begin(ctx context.Context, o Options, to *server) *recording {
	r := &recording{sender: newSender(to), say: o.say, watched: terminal(o.Stderr) != nil, emptied: make(chan struct{})}
	dir := o.folder()
	spools, err := leftBehind(dir)
	if err != nil {
		o.say("some of what earlier runs left cannot be sent: %v", err)
	}
	if r.spool, err = newSpool(dir, time.Now()); err != nil {
		r.fail(err)
	}
	spools = append(spools, r.spool)
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx)) // ended by finish
	go func() {
		defer close(r.emptied)
		r.sender.send(ctx, spools)
	}()
	return r
}

// write keeps events for the sender.
func (r *recording) write(events []tofu.Event) {
	if len(events) == 0 {
		return
	}
	if err := r.spool.write(events); err != nil {
		r.fail(err)
	}
}

// fail says once that events have no place but memory; neither the run nor the sending ends with that.
func (r *recording) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.say("the run goes on, and what happens is in memory only until it is sent: %v", err)
	}
	r.broken = err
}

// hintAfter is how long it is waited in silence.
const hintAfter = time.Second

// finish waits for what is left to be sent, until the patience ends or the person does not
// want to wait, and says what remains.
func (r *recording) finish(patience time.Duration, enough <-chan struct{}) {
	r.spool.finish()
	if r.watched {
		hint := time.AfterFunc(hintAfter, func() {
			r.say("waiting up to %s for the server to take what is left; an interrupt leaves it for later", patience)
		})
		defer hint.Stop()
	}
	r.sender.await(r.emptied, patience, enough)
	r.cancel()
	<-r.emptied
	if n := r.spool.lost(); n > 0 {
		r.say("%d events could neither be sent nor kept, and are lost", n)
	}
}

// await gives the sender a bounded time.
func (s *sender) await(emptied <-chan struct{}, patience time.Duration, enough <-chan struct{}) {
	close(s.hurry)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-emptied:
	case <-timer.C:
	case <-enough:
	}
}

// report says what was refused, and what was not sent and where it is. It counts the events left.
func (s *sender) report(o Options) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, why := range s.refused {
		if i == 3 {
			o.say("and %d more were refused", len(s.refused)-i)
			break
		}
		o.say("the server refused an event, which is kept in %s", why)
	}
	left, err := waiting(o.folder())
	if err != nil {
		o.say("what is left cannot be read: %v", err)
	}
	if left > 0 {
		o.say("%d events could not be sent yet%s", left, because(s.trouble))
		o.say("they are kept in %s and are sent with the next run, or by\n  provflow record --flush --deployment %s --server %s",
			o.folder(), o.Deployment, o.Server)
	}
	return left
}

func because(trouble error) string {
	if trouble == nil {
		return ""
	}
	return ": " + reason(trouble)
}

// waiting counts the events in a folder's spools that no running program is about to send.
func waiting(dir string) (n int, err error) {
	spools, err := leftBehind(dir)
	for _, s := range spools {
		n += bytes.Count(s.read(s.sent(), 1<<40), []byte("\n"))
		s.close()
	}
	return n, err
}

func (o Options) say(format string, args ...any) {
	fmt.Fprintf(o.Stderr, "provflow: "+format+"\n", args...)
}
