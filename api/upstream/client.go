package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// UserAgent is how the client names itself. Who is asked by it must not ask on: two
// servers that are each other's upstream would ask for ever.
const UserAgent = "provflow-upstream"

const (
	dialTimeout   = 5 * time.Second
	maxHeader     = 64 << 10 // of an answer, in bytes
	maxSnapshot   = 32 << 20 // and the largest frame of a stream: its first is a snapshot
	maxRefusal    = 64 << 10 // the body of an error
	snapshotSlots = 16       // bodies read at once, since each may be that large
)

// Options say where upstreams are and how long they are waited for. The zero value of
// each field gives its default.
type Options struct {
	// FlowServerURL is asked for every flow, in place of the deployments' own upstreams.
	FlowServerURL string
	// Zones are the domains in which a deployment's name must lie; none: any.
	Zones []string
	// AllowCIDRs are ranges that may be dialled although they are not public.
	AllowCIDRs []string
	// SkipVerify takes any certificate.
	SkipVerify bool
	// Timeout bounds a snapshot, and the wait for a stream's first byte. Default 10 s.
	Timeout time.Duration
	// Idle is the longest silence of a stream. Default 60 s.
	Idle time.Duration
	// Resolver looks names up. Default: the system's.
	Resolver *net.Resolver
	Now      func() time.Time
	Logger   *slog.Logger
}

// Client asks upstreams. All methods may be called concurrently. A nil Client has none.
type Client struct {
	timeout, idle time.Duration
	operator      Target
	zones         []string
	port          string // after a deployment's host; empty but in tests
	public        *http.Transport
	trusted       *http.Transport
	breakers      *breakers
	slots         chan struct{}
}

// New makes a client, or says what is wrong with an option.
func New(o Options) (*Client, error) {
	operator, err := parseOperator(o.FlowServerURL)
	if err != nil {
		return nil, err
	}
	zones, err := parseZones(o.Zones)
	if err != nil {
		return nil, err
	}
	allow, err := parsePrefixes(o.AllowCIDRs)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	public := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver, Control: guard{allow}.control}
	trusted := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver}
	return &Client{
		timeout: o.Timeout, idle: o.Idle, operator: operator, zones: zones,
		public: transport(public, o), trusted: transport(trusted, o),
		breakers: newBreakers(o.Now, o.Logger), slots: make(chan struct{}, snapshotSlots),
	}, nil
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Idle <= 0 {
		o.Idle = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return o
}

func transport(d *net.Dialer, o Options) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // the environment's proxy would dial where we may not
		DialContext:            d.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.SkipVerify},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // what is packed small may unpack to anything
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
}

// Close drops the connections that are not in use.
func (c *Client) Close() {
	if c != nil {
		c.public.CloseIdleConnections()
		c.trusted.CloseIdleConnections()
	}
}

// Open is how many upstreams are not asked now because they failed, for metrics.
func (c *Client) Open() int {
	if c == nil {
		return 0
	}
	return c.breakers.open()
}

// Answer is what an upstream said. A body it would not be safe to pass on is left out,
// and ContentType with it.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// RefusedError is an upstream's answer to a stream that is not one, such as 404.
type RefusedError struct{ Answer }

func (e *RefusedError) Error() string { return fmt.Sprintf("upstream: answered %d", e.Status) }

var (
	// errUnfit is an answer that is none: a redirect, another content type, too much.
	errUnfit = errors.New("upstream: unfit answer")
	// errBusy is our own doing.
	errBusy = errors.New("upstream: too many answers are being read")
)

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUnfit}, args...)...)
}

// ask sends a GET and gives the answer with its body unread, once it is one that may be
// read: not a redirect, not packed, a 200 of the wanted type or an error.
func (c *Client) ask(ctx context.Context, t Target, flowID, part, accept string, header ...string) (*http.Response, error) {
	url, err := t.url(flowID, part)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	// Nothing of the client's own request is passed on.
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", UserAgent)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	// The transport and not a Client: that would follow redirects and keep cookies.
	res, err := c.transport(t).RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if err := fit(res, accept); err != nil {
		_ = res.Body.Close() // it is not read
		return nil, err
	}
	return res, nil
}

func (c *Client) transport(t Target) *http.Transport {
	if t.trusted {
		return c.trusted
	}
	return c.public
}

func fit(res *http.Response, accept string) error {
	coding := res.Header.Get("Content-Encoding")
	switch status := res.StatusCode; {
	case status < 400 && status != http.StatusOK:
		return unfit("status %d", status)
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return unfit("its content is encoded as %.40q", coding)
	case status == http.StatusOK && mediaType(res) != accept && (accept != typeJSON || !isJSON(mediaType(res))):
		return unfit("its content type is %.80q", res.Header.Get("Content-Type"))
	}
	return nil
}

const (
	typeJSON   = "application/json"
	typeStream = "text/event-stream"
)

func mediaType(res *http.Response) string {
	t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return t
}

func isJSON(t string) bool {
	return t == typeJSON || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

// judge says how a call went for the breaker. An unfit answer to one flow says nothing of
// the others, and costs no waiting. The caller's own leaving says nothing at all.
func judge(ctx context.Context, status int, err error) outcome {
	switch {
	case errors.Is(err, errUnfit):
		return answered
	case errors.Is(err, errBusy), err != nil && ctx.Err() != nil:
		return abandoned
	case err != nil, status >= http.StatusInternalServerError:
		return failed
	}
	return answered
}
