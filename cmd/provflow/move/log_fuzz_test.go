package move

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// Whatever an older store left, its lines become records that are counted and that the
// server takes or refuses with advice; and a log that was cut anywhere has the lines before
// the cut. Seeds are in testdata/fuzz.
func FuzzCopyLog(f *testing.F) {
	f.Fuzz(func(t *testing.T, log []byte, at uint) {
		whole, err := copied(log)
		if err != nil && (!strings.HasPrefix(err.Error(), "line ") || strings.Contains(err.Error(), "Go ")) {
			t.Fatalf("which line, in JSON's words: %v", err)
		}
		for n, line := range bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n")) {
			if len(line) > 0 {
				wantLine(t, line, int64(n+1))
			}
		}
		if err != nil || len(log) == 0 {
			return
		}
		part, err := copied(log[:at%uint(len(log))])
		if err != nil || !bytes.HasPrefix(whole, part) {
			t.Fatalf("cut at %d: %v\n%s\nof\n%s", at%uint(len(log)), err, part, whole)
		}
	})
}

func copied(log []byte) ([]byte, error) {
	var out bytes.Buffer
	err := copyLog(json.NewEncoder(&out), "e1", bytes.NewReader(log))
	return out.Bytes(), err
}

func wantLine(t *testing.T, line []byte, number int64) {
	t.Helper()
	r, err := bridge.ParseArchiveRecord(line)
	if err != nil && flow.CodeOf(err) != flow.Invalid {
		t.Fatalf("%s: an error without advice: %v", line, err)
	}
	if r.Line == nil || r.Line.ExecutionID != "e1" || r.Line.Number != number {
		t.Fatalf("%s is not line %d", line, number)
	}
}
