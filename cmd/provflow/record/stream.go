package record

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

// Stream records the JSON output of a run that somebody else makes or made: a file, or
// standard input for "-". It is shown as the run of a tool is.
func Stream(ctx context.Context, o Options, from string) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	to, err := newServer(o)
	if err != nil {
		return err
	}
	in := io.ReadCloser(o.Stdin)
	if from != "-" {
		if in, err = os.Open(from); err != nil {
			return err
		}
	}
	defer func() { _ = in.Close() }()
	signals := catchSignals()
	defer signals.stop()
	s := &stream{Options: o, recording: begin(ctx, o, to), secrets: tofu.NewSecrets(o.Env)}
	err = s.read(in, signals.urged)
	s.recording.finish(o.Patience, signals.another())
	s.recording.sender.report(o)
	return err
}

// stream is one stream on its way.
type stream struct {
	Options
	recording *recording
	secrets   *tofu.Secrets
	screen    *screen

	mu     sync.Mutex // the screen asks for the progress at any time
	mapper *tofu.Mapper
	early  []tofu.Message // until it is known of which step they are
}

// read records a stream to its end, or until the person has enough of it: one interrupt is
// for whoever makes the stream, which then ends, two are for us.
func (s *stream) read(in io.Reader, enough <-chan struct{}) error {
	if s.Step != "" {
		s.start(s.Step)
	}
	s.screen = newScreen(s.Stdout, s.progress)
	defer s.screen.close()
	read := make(chan []byte)
	failed := make(chan error, 1)
	go func() {
		l := &lines{each: func(line []byte) {
			select {
			case read <- append([]byte{}, line...):
			case <-enough:
			}
		}}
		_, err := io.Copy(l, in)
		l.flush()
		failed <- err
		close(read)
	}()
	for {
		select {
		case line, ok := <-read:
			if !ok {
				s.end()
				return <-failed
			}
			s.message(tofu.Decode(line))
		case <-enough:
			s.end()
			return ExitError(130)
		}
	}
}

func (s *stream) message(m tofu.Message) {
	s.record(m) // the last line of the screen counts it
	s.screen.show(m)
}

func (s *stream) record(m tofu.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapper == nil {
		s.early = append(s.early, m)
		if m.Applies() {
			s.start(flow.StepApply)
		}
		return
	}
	s.recording.write(s.mapper.Message(m, time.Now()))
}

// start begins the step with what was read before it was known.
func (s *stream) start(step string) {
	s.mapper = tofu.NewMapper(step, s.secrets)
	at := time.Now()
	if len(s.early) > 0 && !s.early[0].At.IsZero() {
		at = s.early[0].At
	}
	s.recording.write(s.mapper.Begin(at, fmt.Sprintf("a stream of %s", s.Deployment)))
	for _, m := range s.early {
		s.recording.write(s.mapper.Message(m, time.Now()))
	}
	s.early = nil
}

// end ends the step as the stream says; one that applied nothing was a plan's.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapper == nil {
		if len(s.early) == 0 {
			return
		}
		s.start(flow.StepPlan)
	}
	ok, how := s.mapper.Broken()
	s.recording.write(s.mapper.End(s.mapper.Last(), ok, how))
}

func (s *stream) progress() (done, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapper == nil {
		return 0, 0
	}
	return s.mapper.Progress()
}
