package helmwatch

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a log is like and however it comes: each line is taken once, in order, and of a
// long one what there is room for.
func TestALogIsTakenLineByLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const room = 32
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z]{0,90}`)).Draw(t, "lines")
		in := bufio.NewReaderSize(rapidReader{t, strings.NewReader(strings.Join(lines, "\n"))}, room)
		for i, want := range lines {
			got, err := takeLine(in)
			if want = want[:min(len(want), room)]; strings.TrimSuffix(string(got), "\n") != want {
				t.Fatalf("line %d is %q, want %q", i, got, want)
			}
			if last := i == len(lines)-1; errors.Is(err, io.EOF) != last || err != nil && !last {
				t.Fatalf("after line %d of %d: %v", i, len(lines), err)
			}
		}
	})
}

// rapidReader gives what it reads in pieces of any size.
type rapidReader struct {
	t  *rapid.T
	of io.Reader
}

func (r rapidReader) Read(p []byte) (int, error) {
	return r.of.Read(p[:rapid.IntRange(1, len(p)).Draw(r.t, "piece")])
}
