package k8stest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// hushed is where connections come in that can all be made silent: they stay, new ones are
// taken, and nothing passes.
type hushed struct {
	net.Listener
	hush *sync.RWMutex
}

func (h hushed) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	return hushedConn{c, h.hush}, err
}

type hushedConn struct {
	net.Conn
	hush *sync.RWMutex
}

func (c hushedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.hush.RLock()
	defer c.hush.RUnlock()
	return n, err
}

func (c hushedConn) Write(p []byte) (int, error) {
	c.hush.RLock()
	defer c.hush.RUnlock()
	return c.Conn.Write(p)
}

// silence has nothing pass until it is told to go on.
func (d *door) silence() (goOn func()) {
	d.hush.Lock()
	return sync.OnceFunc(d.hush.Unlock)
}

// A network that swallows everything and closes nothing, as one does where a firewall has
// forgotten or a machine lost its power.
func TestASilentAPIServerIsNoticed(t *testing.T) {
	t.Parallel()
	c, p, s, all := partly(t)
	wantSight(t, p, "watching")

	goOn := c.door.silence()
	defer goOn()
	silent := time.Now()
	missed(c, all)
	told := wantSight(t, p, "blind")
	goOn()
	// It was heard until then; who noticed it by a connection that failed would say later.
	if since := time.UnixMilli(int64(told["since"].(float64))); since.After(silent.Add(2 * time.Second)) {
		t.Errorf("silent from %v on, and blind since %v", silent, since)
	}
	agree(t, c, p, deployment, s)
	wantSight(t, p, "watching")
	wantAttempts(t, p, all[:34])
}

// wantSight waits until the flow says so of whether its cluster can be looked at, and gives
// what it says.
func wantSight(t *testing.T, p *program, state string) (said map[string]any) {
	t.Helper()
	eventually(t, "the flow to say "+state, func() bool {
		said = p.now(deployment).watch()
		return said["state"] == state
	})
	return said
}
