package k8stest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
)

// door stands before an API server: it takes one token, adds what a bare API server does
// not have (the controller's pod and its log), counts what came through, and can be closed.
type door struct {
	t       testing.TB
	address string

	mu      sync.Mutex
	behind  *rest.Config // what the door leads to
	leads   http.Handler // there
	server  *http.Server
	paused  chan struct{} // closed when it goes on; nil: it does
	slow    atomic.Bool   // answers come in small pieces
	hush    *sync.RWMutex // held while nothing passes, in either direction
	watches map[*listener]bool
	token   string
	instead func(*http.Request) http.Handler // answers in place of the API server; nil: that one does
	lines   []string                         // of the controller's log
	more    chan struct{}
	listed  int // how often all releases were asked for
	asked   map[string]int
}

func newDoor(t testing.TB) *door {
	t.Helper()
	d := &door{t: t, hush: &sync.RWMutex{}, token: "first", more: make(chan struct{}), asked: map[string]int{}, watches: map[*listener]bool{}, address: "127.0.0.1:0"}
	t.Cleanup(func() {
		d.close()
		for method := range d.asked {
			if method != http.MethodGet {
				t.Errorf("a watcher only reads, and this one asked with %s", method)
			}
		}
	})
	return d
}

// open serves what the API server behind it serves, at the address it had before. Open
// already, it leads there from now on.
func (d *door) open(to *rest.Config) {
	d.t.Helper()
	transport, err := rest.TransportFor(to)
	if err != nil {
		d.t.Fatal(err)
	}
	target, err := url.Parse(to.Host)
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(r *http.Response) error {
			if d.slow.Load() {
				r.Body = trickle{r.Body}
			}
			if r.Request.URL.Query().Get("watch") != "" {
				r.Body = d.listen(r.Body)
			}
			return nil
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /api/v1/namespaces/flux-system/pods", d.pods)
	mux.HandleFunc("GET /api/v1/namespaces/flux-system/pods/helm-controller-0/log", d.log)
	d.mu.Lock()
	d.behind, d.leads = to, mux
	isOpen := d.server != nil
	d.mu.Unlock()
	if !isOpen {
		d.serve()
	}
}

func (d *door) serve() {
	d.t.Helper()
	var socket net.Listener
	var err error
	eventually(d.t, "the address", func() bool {
		socket, err = net.Listen("tcp", d.address)
		return err == nil
	})
	server := &http.Server{Handler: http.HandlerFunc(d.guard), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}, ErrorLog: log.New(io.Discard, "", 0)}
	d.mu.Lock()
	d.address, d.server = socket.Addr().String(), server
	d.mu.Unlock()
	go func() { _ = server.ServeTLS(hushed{socket, d.hush}, "", "") }()
}

// certificate is one that nobody has signed.
func certificate() tls.Certificate {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	return s.TLS.Certificates[0]
}

// close refuses and cuts all connections.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		_ = d.server.Close()
	}
	d.server = nil
}

func (d *door) guard(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.asked[r.Method]++
	if q := r.URL.Query(); strings.HasSuffix(r.URL.Path, "/helmreleases") && (q.Get("watch") == "" || q.Get("sendInitialEvents") == "true") {
		d.listed++
	}
	allowed := r.Header.Get("Authorization") == "Bearer "+d.token
	paused := d.paused
	d.mu.Unlock()
	if paused != nil {
		<-paused
	}
	if !allowed {
		refuse(http.StatusUnauthorized, "Unauthorized", "")(w, r)
		return
	}
	d.mu.Lock()
	leads := d.leads
	if d.instead != nil {
		if other := d.instead(r); other != nil {
			leads = other
		}
	}
	d.mu.Unlock()
	leads.ServeHTTP(w, r)
}

// refuse answers as an API server refuses, after the beginning of an answer if there is one.
func refuse(code int, reason, before string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		status := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"reason":%q,"code":%d}`, reason, reason, code)
		if before != "" {
			_, _ = fmt.Fprintf(w, before, status)
			return
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, status)
	}
}

// pause ends all watches, as the API server does when their time is over, and has whoever
// asks wait until resume.
func (d *door) pause() {
	d.mu.Lock()
	d.paused = make(chan struct{})
	watches := d.watches
	d.watches = map[*listener]bool{}
	d.mu.Unlock()
	for l := range watches {
		l.ended.Store(true)
		_ = l.Close()
	}
}

func (d *door) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.paused)
	d.paused = nil
}

// changeToken makes the credentials that were given before worthless and cuts who used them.
func (d *door) changeToken(token string) {
	d.close()
	d.mu.Lock()
	d.token = token
	to := d.behind
	d.mu.Unlock()
	d.open(to)
}

// kubeconfig leads through the door.
func (d *door) kubeconfig() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: it, clusters: [{name: it, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}],
contexts: [{name: it, context: {cluster: it, user: it}}], users: [{name: it, user: {token: %s}}]}`, d.address, d.token)
}

// listener is a watch that can be ended.
type listener struct {
	io.ReadCloser
	ended atomic.Bool
}

func (d *door) listen(watch io.ReadCloser) io.ReadCloser {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := &listener{ReadCloser: watch}
	d.watches[l] = true
	return l
}

func (l *listener) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.ended.Load() {
		err = io.EOF
	}
	return n, err
}

// lists is how often all releases were asked for, as a list or at the begin of a watch.
func (d *door) lists() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listed
}

func (d *door) pods(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "PodList", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": "1"}, "items": []any{
		map[string]any{"kind": "Pod", "apiVersion": "v1", "metadata": map[string]any{"name": "helm-controller-0", "namespace": "flux-system", "uid": "u1"},
			"spec": map[string]any{"containers": []any{map[string]any{"name": "manager"}}}},
	}})
}

// say adds a line to the controller's log, with its time in front.
func (d *door) say(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
	close(d.more)
	d.more = make(chan struct{})
}

// log serves the lines since the second that is asked for, and follows.
func (d *door) log(w http.ResponseWriter, r *http.Request) {
	since := r.URL.Query().Get("sinceTime")
	for next := 0; ; {
		d.mu.Lock()
		lines, more := d.lines[next:], d.more
		next = len(d.lines)
		d.mu.Unlock()
		for _, line := range lines {
			if line[:min(len(since), 19)] >= strings.TrimSuffix(since, "Z") {
				_, _ = io.WriteString(w, line+"\n")
			}
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-more:
		}
	}
}
