package k8stest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// The API server does not know any more what the watch wants to go on from, and says so in
// either of its ways. That is no blindness: all is listed again.
func TestAWatchFromBeforeWhatIsKnownListsAgain(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]http.Handler{
		"at once":         refuse(http.StatusGone, "Expired", ""),
		"in the stream":   refuse(http.StatusGone, "Expired", `{"type":"ERROR","object":%s}`+"\n"),
		"for good reason": refuse(http.StatusGone, "Gone", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, p, s, all := partly(t)
			before := c.door.lists()
			c.door.pause()
			missed(c, all)
			told := c.door.nextWatchGets(gone)
			c.door.resume()
			agree(t, c, p, deployment, s)
			if told.Load() != 1 || c.door.lists() == before {
				t.Errorf("told %d times, listed %d times", told.Load(), c.door.lists()-before)
			}
			if strings.Contains(p.said(), "cannot be looked at") {
				t.Error("it took it for blindness")
			}
			wantAttempts(t, p, all[:34])
		})
	}
}

// nextWatchGets has the next watch that goes on from somewhere be answered so, and counts it.
func (d *door) nextWatchGets(answer http.Handler) *atomic.Int32 {
	var told atomic.Int32
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instead = func(r *http.Request) http.Handler {
		q := r.URL.Query()
		if !strings.HasSuffix(r.URL.Path, "/helmreleases") || q.Get("watch") == "" || q.Get("sendInitialEvents") == "true" || !told.CompareAndSwap(0, 1) {
			return nil
		}
		return answer
	}
	return &told
}
