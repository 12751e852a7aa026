package record

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/backoff"
)

const (
	// batchLines and batchBytes bound what is sent at a time.
	batchLines = 500
	batchBytes = 1 << 20
	// The first wait doubles up to the longest while the server is away.
	firstWait   = 250 * time.Millisecond
	longestWait = 10 * time.Second
)

// sender sends spools, one after the other and each in its order.
type sender struct {
	server *server
	hurry  chan struct{} // closed when there is little time: no long waits
	first  time.Duration // the first wait

	mu      sync.Mutex
	trouble error    // why the server was last away; nil while it is not
	refused []string // files with what it would not take
}

func newSender(s *server) *sender {
	return &sender{server: s, hurry: make(chan struct{}), first: firstWait}
}

// send empties the spools in their order and takes them away. It ends early with ctx: what
// is left then stays where it is. Spools are closed in any case.
func (s *sender) send(ctx context.Context, spools []*spool) {
	for _, sp := range spools {
		if s.empty(ctx, sp) {
			sp.remove()
		} else {
			sp.close()
		}
	}
}

// empty sends a spool until it is whole and all of it is sent.
func (s *sender) empty(ctx context.Context, sp *spool) bool {
	offset, most := sp.sent(), batchLines
	retry := &backoff.Backoff{Least: s.first, Most: longestWait}
	for ctx.Err() == nil {
		whole := sp.isWhole() // before reading: what is written until then is read
		lines := wholeLines(sp.read(offset, batchBytes), most)
		if len(lines) == 0 {
			if whole {
				return true
			}
			sleep(ctx, time.Hour, sp.wake)
			continue
		}
		err := s.server.post(ctx, lines)
		no := refusal(err)
		switch {
		case no != nil && no.Line == 0 && bytes.Count(lines, []byte("\n")) > 1:
			most = bytes.Count(lines, []byte("\n")) / 2 // it did not say which
			continue
		case no != nil:
			accepted, line := split(lines, no.Line)
			s.setAside(sp, line, no)
			offset += int64(len(accepted) + len(line))
		case err != nil:
			s.note(ctx, err)
			s.rest(ctx, waitOf(err), retry)
			continue
		default:
			offset += int64(len(lines))
		}
		s.note(ctx, nil)
		retry.Reset()
		sp.noteSent(offset)
	}
	return false
}

// rest waits before the next try, at least as long as the server asks for. When there is
// little time left it is tried at once, and often.
func (s *sender) rest(ctx context.Context, asked time.Duration, retry *backoff.Backoff) {
	select {
	case <-s.hurry:
		retry.Reset()
		sleep(ctx, retry.Next(), nil)
	default:
		sleep(ctx, max(min(asked, longestWait), retry.Next()), s.hurry)
	}
}

// note keeps why the server is away. A request that we broke off ourselves says less than what
// was answered before it.
func (s *sender) note(ctx context.Context, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if trouble == nil || s.trouble == nil || ctx.Err() == nil {
		s.trouble = trouble
	}
}

func (s *sender) setAside(sp *spool, line []byte, no error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := sp.refuse(bytes.TrimSpace(line), no); err == nil {
		s.refused = append(s.refused, sp.beside(refusedEnding)+": "+no.Error())
	} else {
		s.refused = append(s.refused, "it could not be kept ("+err.Error()+"): "+no.Error())
	}
}

// split gives the lines before a line, counted from 1, and the line. A number that is none
// of them means the first.
func split(lines []byte, number int) (before, line []byte) {
	all := bytes.SplitAfter(lines, []byte("\n"))
	if number < 1 || number > len(all) {
		number = 1
	}
	return bytes.Join(all[:number-1], nil), all[number-1]
}

// wholeLines gives the whole lines that a text begins with, at most so many.
func wholeLines(text []byte, most int) []byte {
	end := 0
	for range most {
		next := bytes.IndexByte(text[end:], '\n')
		if next < 0 {
			break
		}
		end += next + 1
	}
	return text[:end]
}

// sleep waits for a while, or until something happens.
func sleep(ctx context.Context, d time.Duration, early <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-early:
	}
}
