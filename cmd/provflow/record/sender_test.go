package record

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/tofu"
)

// transport answers requests as it is told, in this process.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// Whatever the server does in between (away before or after it took something, refusing some
// lines), everything that is not refused arrives in order and once, and the rest is aside.
func TestEverythingArrivesOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(rt, "events")
		bad := rapid.SliceOfDistinct(rapid.IntRange(0, 30), rapid.ID).Draw(rt, "refused")
		moods := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 20).Draw(rt, "moods")
		f := &fake{heard: make(chan struct{}, 1)}
		handle := transport(func(r *http.Request) (*http.Response, error) { return moody(f, bad, &moods, r) })
		to, err := newServer(Options{Server: "http://server.test", Deployment: "d1", Client: &http.Client{Transport: handle}})
		if err != nil {
			rt.Fatal(err)
		}
		sp, err := newSpool(filepath.Join(dir, "d1"), time.Now())
		if err != nil {
			rt.Fatal(err)
		}
		s := newSender(to)
		s.first = time.Microsecond
		close(s.hurry)
		done := make(chan struct{})
		go func() { defer close(done); s.send(t.Context(), []*spool{sp}) }()
		var want []string
		for i := range n {
			stamp := time.Unix(int64(i), 0).UTC().Format(time.RFC3339)
			if err := sp.write([]tofu.Event{{Time: &stamp, Phase: "tofu", Message: fmt.Sprintf("line-%d.", i)}}); err != nil {
				rt.Fatal(err)
			}
			if !slices.Contains(bad, i) {
				want = append(want, fmt.Sprintf(`{"time":"%s","phase":"tofu","message":"line-%d."}`, stamp, i))
			}
		}
		sp.finish()
		<-done
		if !slices.Equal(f.kept, want) {
			rt.Fatalf("arrived %q, want %q", f.kept, want)
		}
		aside, _ := os.ReadFile(sp.beside(refusedEnding))
		if got := strings.Count(string(aside), "\n"); got != n-len(want) {
			rt.Fatalf("%d of %d are aside: %s", got, n-len(want), aside)
		}
	})
}

// moody is a server with moods: it is there, away, gone after it took everything, or there
// and unwilling to say which line it refuses.
func moody(f *fake, bad []int, moods *[]int, r *http.Request) (*http.Response, error) {
	mood := 0
	if len(*moods) > 0 {
		mood, *moods = (*moods)[0], (*moods)[1:]
	}
	f.wants = func(body []string) (int, string) {
		i := slices.IndexFunc(body, func(l string) bool {
			return slices.ContainsFunc(bad, func(n int) bool { return strings.Contains(l, fmt.Sprintf("line-%d.", n)) })
		})
		switch {
		case mood == 1:
			return http.StatusServiceUnavailable, ""
		case i < 0:
			return 0, ""
		case mood == 3:
			return http.StatusBadRequest, `{"error":"invalid-event"}`
		}
		f.keep(body[:i])
		return http.StatusBadRequest, fmt.Sprintf(`{"error":"invalid-event","line":%d}`, i+1)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if mood == 2 {
		return nil, errors.New("the connection broke")
	}
	res := w.Result()
	res.Request = r
	return res, nil
}
