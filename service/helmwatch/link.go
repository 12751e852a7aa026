package helmwatch

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

const (
	// pingAfter is how long a connection may be silent until it is pinged, pingBound how long
	// the answer is waited for; then the connection is given up.
	pingAfter, pingBound = time.Second, 4 * time.Second
	// dialBound is how long a connection may take to be made.
	dialBound = 5 * time.Second
)

// link is how a cluster is heard: it knows when anything last came from its API server.
type link struct {
	now   func() time.Time
	heard atomic.Pointer[time.Time]
	pings atomic.Bool // the server answers pings: who is silent is not there
}

// over leads a configuration's connections over the link.
func (l *link) over(config *rest.Config) {
	config.Dial = l.dial
	config.Wrap(l.wrap)
}

// last is when something was last heard.
func (l *link) last() time.Time {
	if at := l.heard.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// silent reports that nothing was heard for so long that a ping must have gone unanswered.
func (l *link) silent(now time.Time) bool {
	return l.pings.Load() && now.Sub(l.last()) >= pingAfter+pingBound
}

func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialBound, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: pingAfter, Interval: time.Second, Count: int(pingBound / time.Second)}}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &listened{c, l}, nil
}

// listened is a connection whose sounds are noted.
type listened struct {
	net.Conn
	link *link
}

func (c *listened) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		now := c.link.now()
		c.link.heard.Store(&now)
	}
	return n, err
}

// wrap has the transport ping; each link has one of its own, since its way to dial is. What
// cannot be told to ping is known by its answers alone.
func (l *link) wrap(rt http.RoundTripper) http.RoundTripper {
	t, canPing := innermost(rt).(*http.Transport)
	if canPing {
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingBound}
	}
	return pinger{rt, l, canPing}
}

func innermost(rt http.RoundTripper) http.RoundTripper {
	for {
		w, ok := rt.(utilnet.RoundTripperWrapper)
		if !ok {
			return rt
		}
		rt = w.WrappedRoundTripper()
	}
}

// pinger notes whether what it speaks has pings: HTTP/1.1 has none.
type pinger struct {
	http.RoundTripper
	link    *link
	canPing bool
}

// WrappedRoundTripper is how the library finds what is to be closed.
func (p pinger) WrappedRoundTripper() http.RoundTripper { return p.RoundTripper }

func (p pinger) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := p.RoundTripper.RoundTrip(r)
	if err == nil {
		p.link.pings.Store(p.canPing && answer.ProtoMajor == 2)
	}
	return answer, err
}

// freshToken has a token that a file holds read anew once it is refused. The library reads
// it once a minute and no sooner: one that was replaced before its time would be refused for
// that long.
func freshToken(config *rest.Config) {
	if config.BearerTokenFile == "" {
		return
	}
	source := transport.NewCachedFileTokenSource(config.BearerTokenFile)
	config.BearerToken, config.BearerTokenFile = "", ""
	config.Wrap(transport.ResettableTokenSourceWrapTransport(source))
}
