package move

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/cmd/provflow/terminaltest"
)

// archive is one that goes over in several pieces.
func archive() string {
	const records = 100
	line := `{"line":{"message":"` + strings.Repeat("x", 4<<10) + `"}}` + "\n"
	return fmt.Sprintf(`{"provflow":{"format":1,"flowId":"d1","records":%d}}`+"\n", records) + strings.Repeat(line, records)
}

// On a terminal both ways show how far they are, and take it away at the end; elsewhere, as in a
// log, there is only what came of it.
func TestProgressIsShownOnATerminal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		answer := archive()
		if r.Method == http.MethodPost {
			answer = `{"accepted":101,"version":7}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "d1.ndjson")
	if err := os.WriteFile(file, []byte(archive()), 0o600); err != nil {
		t.Fatal(err)
	}
	both := map[string]struct {
		run func(Client) error
		end string
	}{
		"importing d1.ndjson": {func(c Client) error { return c.Import(t.Context(), file) }, "d1.ndjson: 100 records, the flow is at version 7"},
		"exporting d1":        {func(c Client) error { return c.Export(t.Context(), "d1", &bytes.Buffer{}) }, "d1: 100 records"},
	}
	for shown, way := range both {
		program, person := terminaltest.Open(t, 120)
		var plain bytes.Buffer
		came := make(chan error, 1)
		go func() { came <- way.run(Client{Client: remote.Client{Server: server.URL}, Status: program}) }()
		said := terminaltest.Until(t, person, way.end)
		if err := errors.Join(<-came, way.run(Client{Client: remote.Client{Server: server.URL}, Status: &plain})); err != nil {
			t.Fatal(err)
		}
		if bar := regexp.MustCompile(regexp.QuoteMeta(shown) + ` +[1-9][0-9]?% `); !bar.MatchString(said) {
			t.Errorf("%q is not shown half-way in %q", shown, said)
		}
		if left := said[strings.LastIndexByte(strings.TrimSpace(said), '\r')+1:]; strings.TrimSpace(left) != way.end {
			t.Errorf("%q is left, want %q", left, way.end)
		}
		if plain.String() != way.end+"\n" {
			t.Errorf("without a terminal it says %q, want %q", plain.String(), way.end)
		}
	}
}
