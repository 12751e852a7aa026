//go:build crash

package crash

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/openova-io/provflow/db/dbtest/faultproxy"
)

// replica is one `provflow serve`, always at the same address.
type replica struct {
	name, address, metrics, log string
	proxy                       *faultproxy.Proxy
	pooled                      string // address of a pooler, where there is one

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// start begins the program; it is not ready yet when start returns.
func (r *replica) start() error {
	out, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(binary, "serve", "--listen", r.address, "--metrics-listen", r.metrics, "--drain", "1s")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+cmp.Or(r.pooled, r.proxy.DSN()), "DATABASE_URL_DIRECT="+r.proxy.DSN(), "PROVFLOW_LISTEN=")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cmd, r.done = cmd, done
	return nil
}

// signal tells the process something and gives what is closed at its end.
func (r *replica) signal(s syscall.Signal) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.cmd.Process.Signal(s)
	return r.done
}

// ended says whether it has ended by itself, when nobody has just stopped it.
func (r *replica) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *replica) kill() { <-r.signal(syscall.SIGKILL) }

// terminate asks it to stop; one that does not within the bound is made to say what it is
// about, which ends it.
func (r *replica) terminate(bound time.Duration) error {
	select {
	case <-r.signal(syscall.SIGTERM):
		return nil
	case <-time.After(bound):
		<-r.signal(syscall.SIGQUIT)
		return fmt.Errorf("replica %s did not stop within %s of SIGTERM:\n%s", r.name, bound, r.lastWords(30_000))
	}
}

func (r *replica) lastWords(bytes int) string {
	text, _ := os.ReadFile(r.log)
	return string(text[max(0, len(text)-bytes):])
}

func (r *replica) url(path string) string { return "http://" + r.address + path }

// get gives a body of status 200 and its ETag.
func (r *replica) get(path string) (body, etag string, err error) { return get(r.url(path)) }

func get(url string) (body, etag string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", url, res.Status, b)
	}
	return string(b), res.Header.Get("ETag"), err
}

// status is 0 where nobody answers.
func (r *replica) status(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url(path), nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// send posts a body and gives the status; 0 where no answer came.
func (r *replica) send(path, body string, header http.Header) (status int, answer string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url(path), strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}
