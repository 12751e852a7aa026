package upstream

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func cutFrames(r io.Reader) (all []string) {
	f := frames{r: bufio.NewReaderSize(r, 16), most: 1 << 10, lineStart: true}
	for {
		b, err := f.next()
		if err != nil {
			return all
		}
		all = append(all, string(b))
	}
}

func TestEventsAreCutWhereTheyEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"data: 1\n\ndata: 2\n\n":             "data: 1\n\n|data: 2\n\n",
		"data: 1\r\n\r\ndata: 2\r\n\r\n":     "data: 1\r\n\r\n|data: 2\r\n\r\n",
		"data: 1\r\rdata: 2\r\r":             "data: 1\r\r|data: 2\r\r",
		"data: 1\n\r\ndata: 2\r\n\n":         "data: 1\n\r\n|data: 2\r\n\n",
		"\uFEFFdata: 1\n\n\uFEFFdata: 2\n\n": "data: 1\n\n|\uFEFFdata: 2\n\n",
		"data: 1\n\ndata: cut\n":             "data: 1\n\n",
		"\n\ndata: 1\n\n":                    "\n|\n|data: 1\n\n",
		"":                                   "",
		"\xEF":                               "",
	} {
		if got := strings.Join(cutFrames(strings.NewReader(text)), "|"); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

// However the bytes arrive, none is lost or moved, and each event but for the line feed
// of a line end that was cut in two ends with an empty line.
func TestNoByteOfAnEventIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("d:\r\n")), 0, 60, -1).Draw(t, "text")
		whole := strings.Join(cutFrames(strings.NewReader(text)), "")
		slow := strings.Join(cutFrames(iotest.OneByteReader(strings.NewReader(text))), "")
		if !strings.HasPrefix(text, whole) || strings.TrimSuffix(whole, "\n") != strings.TrimSuffix(slow, "\n") {
			t.Fatalf("%q: %q, byte by byte %q", text, whole, slow)
		}
		rest := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text[len(slow):])
		if strings.Contains(rest, "\n\n") {
			t.Fatalf("%q: an event was kept back: %q", text, rest)
		}
	})
}
