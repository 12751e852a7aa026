package helmwatch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
)

// newAPI serves over TLS as API servers do, and gives how it is reached.
func newAPI(t *testing.T, http2 bool, h http.HandlerFunc) *rest.Config {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
}

func connected(t *testing.T, config *rest.Config) (kubernetes, *link) {
	t.Helper()
	l := &link{now: time.Now}
	api, err := connect(kubeconfig.Cluster{Config: config}, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.close)
	return api, l
}

// answers is an API server without a network.
type answers func() (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a()
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Content-Type": {"application/json"}}, Request: r}, nil
}

// kubernetes is a client of it.
func (a answers) kubernetes(t *testing.T) kubernetes {
	t.Helper()
	config := &rest.Config{Host: "http://cluster.test", ContentConfig: rest.ContentConfig{NegotiatedSerializer: codecs.WithoutConversion()}}
	raw, err := rest.UnversionedRESTClientForConfigAndClient(config, &http.Client{Transport: a})
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes{raw: raw}
}

// A connection that nobody uses is heard all the same: it is pinged. One without pings is
// not taken for silent.
func TestAConnectionIsHeardWhileNothingIsSaid(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/2": true, "HTTP/1.1": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, l := connected(t, newAPI(t, http2, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
			if err := api.get(t.Context(), "/apis", &struct{}{}); err != nil {
				t.Fatal(err)
			}
			answered := l.last()
			if l.pings.Load() != http2 || l.silent(answered.Add(time.Hour)) != http2 {
				t.Fatalf("it is taken to ping: %v", l.pings.Load())
			}
			for deadline := time.Now().Add(time.Minute); http2 && !l.last().After(answered.Add(time.Second)); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("nothing is heard")
				}
			}
		})
	}
}

// A token that was replaced is read anew with the first refusal, not when it has grown old.
func TestATokenThatIsRefusedIsReadAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	put := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	var valid atomic.Value
	valid.Store("first")
	config := newAPI(t, true, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte("{}"))
	})
	config.BearerToken, config.BearerTokenFile = "first", file // as in a pod
	api, _ := connected(t, config)
	get := func() error { return api.get(t.Context(), "/apis", &struct{}{}) }
	if err := get(); err != nil {
		t.Fatal(err)
	}
	valid.Store("second")
	put("second")
	if get() == nil {
		t.Fatal("the first token is still taken: this test shows nothing")
	}
	if err := get(); err != nil {
		t.Error(err)
	}
}
