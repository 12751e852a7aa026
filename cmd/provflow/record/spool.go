package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/openova-io/provflow/service/tofu"
)

// The parts of a spool, side by side in a folder of the deployment.
const (
	spoolEnding   = ".ndjson"  // the events, one a line, as they are posted
	sentEnding    = ".sent"    // how many bytes of them the server has
	refusedEnding = ".refused" // what it would not take, and why
)

// spool is a file of events and the lock on it: who has the lock is the one who sends it.
// What finds no place in the file is in memory until it does.
type spool struct {
	path string
	file *os.File // nil: there is none, and all is in memory

	mu     sync.Mutex
	stored int64         // bytes that are in the file
	kept   []byte        // those after them
	taken  int64         // how many of all the server has, as far as this program knows
	whole  bool          // nothing more will be written
	wake   chan struct{} // of size 1: something was written, or it is whole
}

// mostKept bounds what a spool has in memory, in bytes.
const mostKept = 64 << 20

// newSpool begins a file, readable to its owner only. There is a spool in any case; with an
// error it has no file.
func newSpool(dir string, now time.Time) (s *spool, err error) {
	name := filepath.Join(dir, now.UTC().Format("20060102T150405.000000000")+"-"+strconv.Itoa(os.Getpid()))
	s = &spool{path: name + spoolEnding, wake: make(chan struct{}, 1)}
	if s.file, err = makeFile(dir, s.path); err != nil {
		return s, fmt.Errorf("making a spool: %w", err)
	}
	return s, nil
}

// makeFile makes a file that takes its name once it is locked, so that nobody takes it for
// one that was left behind.
func makeFile(dir, path string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(lock(file), os.Rename(file.Name(), path)); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func lock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// leftBehind locks the spools in a folder that no program has any more, oldest first. One
// whose run never ended gets an end: its program was killed.
func leftBehind(dir string) (found []*spool, err error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*"+spoolEnding))
	slices.Sort(paths)
	for _, path := range paths {
		file, openErr := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
		if openErr != nil {
			if !errors.Is(openErr, fs.ErrNotExist) {
				err = errors.Join(err, openErr)
			}
			continue
		}
		if lock(file) != nil {
			_ = file.Close()
			continue
		}
		s := &spool{path: path, file: file, whole: true, wake: make(chan struct{}, 1)}
		if endErr := s.complete(); endErr != nil {
			err = errors.Join(err, endErr)
			s.close()
			continue
		}
		found = append(found, s)
	}
	return found, err
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// write adds events. They are with the kernel when it returns without an error: a program
// that is killed then loses none.
func (s *spool) write(events []tofu.Event) error {
	var text []byte
	for _, e := range events {
		line, err := json.Marshal(e)
		if len(line) >= batchBytes { // names without end; the server would not take it either
			e.DependsOn = nil
			line, err = json.Marshal(e)
		}
		if err != nil {
			return fmt.Errorf("encoding an event: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.rouse()
	if len(s.kept)+len(text) > mostKept {
		return errors.New("there is no room in memory either")
	}
	s.kept = append(s.kept, text...)
	return s.store()
}

// store moves what is kept to the file, as far as there is room.
func (s *spool) store() error {
	n, err := s.file.Write(s.kept)
	s.stored += int64(n)
	if s.kept = s.kept[n:]; len(s.kept) == 0 {
		s.kept = nil
	}
	return err
}

// read gives at most so many bytes from an offset on. A file that cannot be read is empty.
func (s *spool) read(offset, most int64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _ := io.ReadAll(io.NewSectionReader(s.file, offset, max(min(most, s.stored-offset), 0)))
	if at := offset + int64(len(text)) - s.stored; 0 <= at && at < int64(len(s.kept)) {
		text = append(text, s.kept[at:min(int64(len(s.kept)), at+most-int64(len(text)))]...)
	}
	return text
}

// finish says that nothing more will be written.
func (s *spool) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.store()
	s.whole = true
	s.rouse()
}

// lost counts the events that were neither sent nor stored.
func (s *spool) lost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := min(max(s.taken-s.stored, 0), int64(len(s.kept)))
	return bytes.Count(s.kept[taken:], []byte("\n"))
}

func (s *spool) isWhole() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.whole
}

func (s *spool) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close lets go of the spool; what was not sent stays. It is unlocked by word: a child that
// is just being started has a copy of the file until it runs its program.
func (s *spool) close() {
	_ = syscall.Flock(int(s.file.Fd()), syscall.LOCK_UN)
	_ = s.file.Close()
}

// remove takes away a spool of which everything was sent or put aside.
func (s *spool) remove() {
	_ = os.Remove(s.path)
	_ = os.Remove(s.beside(sentEnding))
	s.close()
}

func (s *spool) beside(ending string) string { return strings.TrimSuffix(s.path, spoolEnding) + ending }

// sent reads how many bytes the server has; what was sent and not noted is sent again,
// which changes nothing.
func (s *spool) sent() int64 {
	text, _ := os.ReadFile(s.beside(sentEnding))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

func (s *spool) noteSent(offset int64) {
	s.mu.Lock()
	s.taken = offset
	s.mu.Unlock()
	_ = os.WriteFile(s.beside(sentEnding), strconv.AppendInt(nil, offset, 10), 0o600)
}

// refuse puts a line aside that the server would not take.
func (s *spool) refuse(line []byte, why error) error {
	file, err := os.OpenFile(s.beside(refusedEnding), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	event := json.RawMessage(line)
	if !json.Valid(line) {
		event, _ = json.Marshal(string(line)) // a string always encodes
	}
	err = json.NewEncoder(file).Encode(struct {
		Why   string          `json:"why"`
		Event json.RawMessage `json:"event"`
	}{why.Error(), event})
	return errors.Join(err, file.Close())
}
