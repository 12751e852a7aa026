package record

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/tofu"
)

// What a disk has no room for is sent all the same, in its place, and stored once there is.
func TestADiskThatIsFullForAWhile(t *testing.T) {
	t.Parallel()
	sp, err := newSpool(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer sp.close()
	want := ""
	write := func() error {
		stamp := time.Unix(int64(len(want)), 0).UTC().Format(time.RFC3339)
		want += fmt.Sprintf(`{"time":"%s","phase":"tofu","message":"a line"}`, stamp) + "\n"
		return sp.write([]tofu.Event{{Time: &stamp, Phase: "tofu", Message: "a line"}})
	}
	stored := func() string {
		text, err := os.ReadFile(sp.path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	room, before := sp.file, want
	if sp.file, err = os.Open(sp.path); err != nil { // in which nothing can be written
		t.Fatal(err)
	}
	for n := range 2 {
		if write() == nil || stored() != before || sp.lost() != n+1 {
			t.Errorf("stored is %q, lost are %d", stored(), sp.lost())
		}
	}
	for at := range len(want) {
		if got := string(sp.read(int64(at), 1<<20)); got != want[at:] {
			t.Fatalf("from %d on it is %q, want %q", at, got, want[at:])
		}
		if got := string(sp.read(int64(at), 10)); got != want[at:min(at+10, len(want))] {
			t.Fatalf("ten from %d on are %q", at, got)
		}
	}
	if sp.noteSent(int64(len(before) + 1)); sp.lost() != 2 {
		t.Errorf("lost are %d", sp.lost())
	}
	_ = sp.file.Close()
	sp.file = room
	if err := write(); err != nil || stored() != want || sp.lost() != 0 {
		t.Errorf("%v, stored is %q, lost are %d", err, stored(), sp.lost())
	}
}

// A proxy that takes less at a time than the server would is given less at a time.
func TestAProxyThatTakesLittle(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer(func(body []string) (int, string) {
		if len(body) > 2 {
			return http.StatusRequestEntityTooLarge, "<html>a proxy's page</html>"
		}
		return 0, ""
	})
	b := newBench(t, f.URL, stream1)
	if err := b.run(t, "apply", "p.plan"); err != nil {
		t.Fatal(err)
	}
	if got := f.lines(); len(got) != 5 || !strings.Contains(got[4], `"state":"succeeded"`) || len(b.files(t, "")) > 0 {
		t.Errorf("sent %q, left are %v, it said %s", got, b.files(t, ""), b.said)
	}
}
