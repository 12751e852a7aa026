package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	corsMethods = "GET, HEAD, POST, PUT, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Flow-Source, X-Request-Id"
	corsExposed = "Content-Disposition, ETag, Link, Retry-After, WWW-Authenticate, X-Request-Id"
)

// origins is about where a request was made: whether a web page of somebody else's had
// a browser send it, and whether such a page may read the answer.
func (h *server) origins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody { // for whatever answers without reading it
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.gate.BodyIdle))
		}
		if err := h.gate.rightHost(r); err != nil {
			h.deny(w, r, err)
			return
		}
		h.gate.allowOrigin(w, r)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.preflight(w, r)
			return
		}
		if err := h.gate.ownOrigin(r); err != nil {
			h.deny(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// rightHost refuses a name that is not this server's while there is no other protection:
// somebody's page may have its own name resolve to this machine, and is then its own origin.
func (g *gate) rightHost(r *http.Request) error {
	if g.Keeper != nil || r.Host == "" || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	ip, err := netip.ParseAddr(host)
	own := err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
	if own || slices.Contains(g.Hosts, host) {
		return nil
	}
	return forbidden("forbidden-host", "access is off, so only localhost is answered to and not %.80q; name it in PROVFLOW_HOSTS, or turn access on with PROVFLOW_ACCESS=on", host)
}

// ownOrigin refuses a write that another origin's page had a browser send. A page of the
// allow-list may write with a token, which no browser sends by itself; never by a cookie,
// and never where nothing is asked for.
func (g *gate) ownOrigin(r *http.Request) error {
	check := &g.strict
	if g.Keeper != nil && r.Header.Get("Authorization") != "" {
		check = &g.listed
	}
	if err := check.Check(r); err != nil {
		return forbidden("cross-origin", "another origin's page may not write here; send it from the same origin, or with a bearer token from one in PROVFLOW_CORS_ORIGINS")
	}
	return nil
}

// allowOrigin lets a page of the allow-list read the answer.
func (g *gate) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if len(g.Origins) == 0 {
		return
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); slices.Contains(g.Origins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
}

// preflight answers a browser that asks before it sends. It asks without credentials.
func (h *server) preflight(w http.ResponseWriter, r *http.Request) {
	if w.Header().Get("Access-Control-Allow-Origin") == "" {
		h.deny(w, r, forbidden("cross-origin", "origin %.80q is not in PROVFLOW_CORS_ORIGINS", r.Header.Get("Origin")))
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", corsMethods)
	w.Header().Set("Access-Control-Allow-Headers", corsHeaders)
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
