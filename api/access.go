package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/api/reqlog"
	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

// Access says who may call, from where, and how much. The zero value is for one's own
// machine: whoever reaches the port may do everything, but a web page of somebody else's
// may not.
type Access struct {
	Keeper  *access.Keeper // nil: access is off
	Hosts   []string       // names to answer to while access is off, beside those of loopback
	Origins []string       // web pages that may read answers, as scheme://host[:port]
	Proxies []netip.Prefix // whose X-Forwarded-For is believed

	Rate    Rate // requests of one principal, and refused ones of one address
	Streams int  // open at once for one principal; 0: any number

	BodyIdle   time.Duration // the longest a body may bring nothing; 30 s
	AnswerIdle time.Duration // the longest a client may take nothing of an answer, but for streams; 30 s
	IngestIdle time.Duration // the same for provisioner events, which come as they happen; 10 min
	Recheck    time.Duration // how often a stream's principal is looked up again; 30 s
}

// bodyTotal is how long a whole body may take, in idle times: what trickles ends too.
const bodyTotal = 10

func (a Access) withDefaults() Access {
	for d, otherwise := range map[*time.Duration]time.Duration{
		&a.BodyIdle: 30 * time.Second, &a.AnswerIdle: 30 * time.Second, &a.IngestIdle: 10 * time.Minute, &a.Recheck: 30 * time.Second,
	} {
		if *d <= 0 {
			*d = otherwise
		}
	}
	return a
}

// gate is what access control remembers from one request to the next.
type gate struct {
	Access
	requests  *buckets // by principal
	strangers *buckets // by address: what was refused
	streams   *counter
	strict    http.CrossOriginProtection // trusts no other origin
	listed    http.CrossOriginProtection // trusts those of the allow-list
}

func newGate(a Access, now func() time.Time) *gate {
	a = a.withDefaults()
	g := &gate{Access: a, requests: newBuckets(a.Rate, now), strangers: newBuckets(a.Rate, now), streams: newCounter(a.Streams)}
	for _, o := range a.Origins {
		_ = g.listed.AddTrustedOrigin(o) // one that is none matches nothing
	}
	return g
}

// denial is an answer to who may not.
type denial struct {
	status    int
	answer    errorAnswer
	challenge string        // of WWW-Authenticate
	wait      time.Duration // before it is worth another try
}

func (d *denial) Error() string { return d.answer.Error + ": " + d.answer.Detail }

func unauthorized(challenge, detail string) error {
	return &denial{status: http.StatusUnauthorized, answer: errorAnswer{Error: "unauthorized", Detail: detail}, challenge: challenge}
}

func forbidden(slug, format string, args ...any) *denial {
	return &denial{status: http.StatusForbidden, answer: errorAnswer{Error: slug, Detail: fmt.Sprintf(format, args...)}}
}

// deny answers with a denial, or with whatever else the error is.
func (h *server) deny(w http.ResponseWriter, r *http.Request, err error) {
	var d *denial
	giveUp(w, r)
	if !errors.As(err, &d) {
		h.fail(w, r, err)
		return
	}
	if d.challenge != "" {
		w.Header().Set("WWW-Authenticate", d.challenge)
	}
	if d.wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int64((d.wait+time.Second-1)/time.Second)))
	}
	h.Logger.DebugContext(r.Context(), "request denied", "method", r.Method, "path", r.URL.Path, "status", d.status, "why", d.answer.Error)
	h.answerError(w, d.status, d.answer)
}

// guard stands before every handler that is routed to: who calls, may they, how much,
// and for how long.
func (h *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := routeOf(r.Method, chi.RouteContext(r.Context()).RoutePattern())
		rule := ruleOf(route)
		p, err := h.gate.caller(r, rule)
		if h.gate.Keeper != nil {
			reqlog.SetPrincipal(r.Context(), p.Key) // also of who is denied; names are not unique
		}
		if err == nil {
			err = h.admit(r, rule, p)
		}
		if err == nil {
			err = checkQuery(r, route)
		}
		if err != nil {
			h.deny(w, r, err)
			return
		}
		r = r.WithContext(access.With(r.Context(), p))
		body := h.gate.pace(w, r, rule.kind)
		defer body.leave()
		if rule.kind != live { // whose writer has deadlines of its own
			w = h.gate.paceAnswer(w)
		}
		if !rule.kind.lasts() {
			next.ServeHTTP(w, r)
			return
		}
		h.lasting(w, r, lasting{rule, p, body}, next)
	})
}

// admit checks the scope, then whether what is asked for is there for the principal.
func (h *server) admit(r *http.Request, rule rule, p access.Principal) error {
	if rule.open {
		return nil
	}
	if !p.May(rule.scope) {
		d := forbidden("forbidden", "this needs the scope %q, which %q does not have", rule.scope, p.Name)
		d.challenge = fmt.Sprintf(`Bearer realm="provflow", error="insufficient_scope", scope=%q`, rule.scope)
		return d
	}
	return h.visible(r, rule.target, p)
}

// caller says who sent the request. Refusals are counted by address, so that nobody may
// try tokens without end; what was looked up a moment ago is not held up by that.
func (g *gate) caller(r *http.Request, rule rule) (access.Principal, error) {
	from := "address " + g.address(r)
	switch {
	case g.Keeper == nil:
		return access.Anyone, g.requests.take(from)
	case rule.open:
		return access.Principal{}, g.requests.take(from)
	}
	c, ok := credentialOf(r)
	if !ok {
		return access.Principal{}, errors.Join(g.strangers.take(from), errNoCredential)
	}
	p, err := g.identify(r.Context(), c, from)
	var refused *access.RefusedError
	switch {
	case errors.As(err, &refused):
		_ = g.strangers.take(from) // the next one is held up by it
		return p, unauthorized(`Bearer realm="provflow", error="invalid_token"`, refused.Reason)
	case err != nil:
		return p, err
	}
	return p, g.requests.take(p.Key)
}

func (g *gate) identify(ctx context.Context, c access.Credential, from string) (access.Principal, error) {
	if p, ok, refused := g.Keeper.Recall(c); ok {
		return p, refused
	}
	if err := g.strangers.left(from); err != nil {
		return access.Principal{}, err
	}
	return g.Keeper.Identify(ctx, c)
}

var errNoCredential = unauthorized(`Bearer realm="provflow"`,
	"send `Authorization: Bearer TOKEN`; an operator makes a token with `provflow token create`")

// credentialOf reads a bearer token, else a session's cookie. A token in the URL is none:
// URLs are written to logs.
func credentialOf(r *http.Request) (access.Credential, bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		token = strings.TrimSpace(token)
		return access.Credential{Text: token}, strings.EqualFold(scheme, "Bearer") && token != ""
	}
	c, err := r.Cookie(cookieName(r))
	if err != nil || c.Value == "" {
		return access.Credential{}, false
	}
	return access.Credential{Text: c.Value, Session: true}, true
}

// address is where a request comes from: the last hop that is not a proxy of ours. All
// of an IPv6 customer's addresses count as one.
func (g *gate) address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && g.trusts(ip); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap()
	}
	if ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

func (g *gate) trusts(ip netip.Addr) bool {
	for _, p := range g.Proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// seen is for handlers that learn an id from the body: NotFound where it is not the
// principal's, exactly as where there is no such deployment.
func seen(ctx context.Context, id string) error {
	if access.Sees(ctx, id) {
		return nil
	}
	return flow.NotFoundf("deployment-not-found", "there is no deployment %q", id)
}
