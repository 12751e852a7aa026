package embedded

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	maxLogSize = 16 << 20 // a longer log of earlier runs is put aside at the next start
	tailBytes  = 16 << 10
	tailLines  = 20
)

// serverLog is the file that takes what the children say.
type serverLog struct {
	file  *os.File
	start int64 // where this child's words begin
}

func (s *Server) openLog() (*serverLog, error) {
	path := s.home.logFile()
	if fi, err := os.Stat(path); err == nil && fi.Size() > maxLogSize {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the server's log: %w", err)
	}
	_ = s.home.acct.give(path) // a later start without root must be able to open it
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &serverLog{file: f, start: end}, nil
}

// tail gives the last lines since the log was opened.
func (l *serverLog) tail() string {
	end, err := l.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text := make([]byte, min(end-l.start, tailBytes))
	n, _ := l.file.ReadAt(text, end-int64(len(text)))
	lines := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

func (l *serverLog) close() { _ = l.file.Close() }
