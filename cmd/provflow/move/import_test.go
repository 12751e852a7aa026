package move

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// FuzzWriteLog reads an older store's log. What it makes of it is an archive of this execution's
// lines, numbered from 1; what it refuses is named by file and line. Seeds are in testdata/fuzz.
func FuzzWriteLog(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "e1.log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := writeLogs(&out, []string{path}, "d1", io.Discard)
		if err != nil {
			if !strings.Contains(err.Error(), path+", line ") {
				t.Fatalf("it does not say where: %v", err)
			}
			return
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		for n, text := range lines[1:] {
			var r flow.ArchiveRecord
			if err := json.Unmarshal([]byte(text), &r); err != nil || r.Line == nil || r.Line.ExecutionID != "e1" || r.Line.Number != int64(n+1) {
				t.Fatalf("line %d is %s (%v)", n+1, text, err)
			}
			_, err := bridge.ParseArchiveRecord([]byte(text))
			if tooOld := r.Line.At.Year() < 2000; (err != nil) != tooOld {
				t.Fatalf("the server says %v of %s", err, text)
			}
		}
	})
}
