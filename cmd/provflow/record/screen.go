package record

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/openova-io/provflow/service/tofu"
)

// screen shows a run to a person: what the tool says and, on a terminal, a last line that
// says how far it is.
type screen struct {
	tofu.Screen
	out      io.Writer
	progress func() (done, all int)
	terminal *os.File // nil where it is none
	began    time.Time

	mu   sync.Mutex
	drew bool // the last line is ours
	stop chan struct{}
	gone sync.WaitGroup
}

func newScreen(out io.Writer, progress func() (done, all int)) *screen {
	s := &screen{out: out, progress: progress, terminal: terminal(out), began: time.Now(), stop: make(chan struct{})}
	if s.terminal != nil {
		s.Paint = os.Getenv("NO_COLOR") == ""
		s.gone.Go(s.tick)
	}
	return s
}

// terminal gives the terminal that somebody reads what is written on; nil where it is none.
func terminal(out any) *os.File {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// show writes what a message has to say.
func (s *screen) show(m tofu.Message) {
	if text, ok := s.Text(m); ok {
		s.print(text + "\n")
	}
}

// print writes text as it is, above the last line.
func (s *screen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	_, _ = io.WriteString(s.out, text) // as for the tool itself: a terminal that is gone ends nothing
	s.draw()
}

// tick keeps the time on the last line going.
func (s *screen) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.print("")
		}
	}
}

func (s *screen) erase() {
	if s.drew {
		_, _ = io.WriteString(s.out, "\r\x1b[K")
		s.drew = false
	}
}

func (s *screen) draw() {
	done, all := s.progress()
	if s.terminal == nil || all == 0 {
		return
	}
	line := fmt.Sprintf("[%d of %d resources, %s]", done, all, time.Since(s.began).Round(time.Second))
	if width, _, err := term.GetSize(int(s.terminal.Fd())); err == nil && 0 < width && width <= len(line) {
		line = line[:width-1] // what wraps could not be taken away
	}
	_, _ = io.WriteString(s.out, line)
	s.drew = true
}

// close takes the last line away.
func (s *screen) close() {
	close(s.stop)
	s.gone.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}
