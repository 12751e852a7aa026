package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

// codeAnswer is a one-time code, and the link that uses it.
type codeAnswer struct {
	Code      string    `json:"code"`
	Path      string    `json:"path"` // add &to=/some/path to be sent on there
	ExpiresAt time.Time `json:"expiresAt"`
}

func (h *server) sessionRoutes(r chi.Router) {
	r.Post("/api/v1/session", h.startSession)
	r.Post("/api/v1/session/code", h.issueCode)
	r.Get("/api/v1/session", h.redeemCode)
	r.Delete("/api/v1/session", h.endSession)
}

// redeemParams is what a link with a code says.
type redeemParams struct {
	Code string `query:"code" required:"true" description:"A code of POST /api/v1/session/code; it is used up."`
	To   string `query:"to" description:"A path on this server to be sent on to; / where none is named."`
}

func sessionOperations() []operation {
	const one = "/api/v1/session"
	return []operation{
		{"startSession", http.MethodPost, one, "session", "Exchange a bearer token for a session's cookie", "For browsers: an EventSource cannot send a header. The session ends with the token, or after some hours.", nil, content{},
			[]presented{{204, nil, "", "The cookie is set; while access is off there is none."}, bad(401), bad(429), bad(503)}},
		{"createSessionCode", http.MethodPost, one + "/code", "session", "Exchange a bearer token for a one-time code", "For a link that a browser opens: the code is good once, for a minute.", nil, content{},
			[]presented{{200, codeAnswer{}, "", ""}, bad(401), bad(404), bad(429), bad(503)}},
		{"redeemSessionCode", http.MethodGet, one, "session", "Use a code", "Sets the session's cookie and goes on to a path on this server.", redeemParams{}, content{},
			[]presented{{303, nil, "", "The cookie is set."}, bad(400), bad(401), bad(429), bad(503)}},
		{"endSession", http.MethodDelete, one, "session", "End the session", "", nil, content{},
			[]presented{{204, nil, "", "It is over, or was not there."}, bad(503)}},
	}
}

// startSession exchanges a bearer token for a cookie, so that an EventSource, which
// cannot send a header, is let in without a token in its URL.
func (h *server) startSession(w http.ResponseWriter, r *http.Request) {
	if h.gate.Keeper == nil { // there is nothing to be let into
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p, err := bearer(r)
	if err != nil {
		h.deny(w, r, err)
		return
	}
	text, ends, err := h.gate.Keeper.StartSession(r.Context(), p)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	setCookie(w, r, text, ends)
	w.WriteHeader(http.StatusNoContent)
}

// issueCode exchanges a bearer token for a code, for a link that a browser opens.
func (h *server) issueCode(w http.ResponseWriter, r *http.Request) {
	if h.gate.Keeper == nil {
		h.fail(w, r, flow.NotFoundf("access-off", "access is off; open the page itself"))
		return
	}
	p, err := bearer(r)
	if err != nil {
		h.deny(w, r, err)
		return
	}
	code, until, err := h.gate.Keeper.IssueCode(r.Context(), p)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, codeAnswer{code, "/api/v1/session?code=" + code, until.UTC()})
}

// bearer gives the principal of a request that shows a token: a session makes no other
// session, or it would never end.
func bearer(r *http.Request) (access.Principal, error) {
	p, ok := access.From(r.Context())
	if !ok || r.Header.Get("Authorization") == "" {
		return p, errNoCredential
	}
	return p, nil
}

// redeemCode makes the session of a code and sends the browser on to ?to, a path here.
func (h *server) redeemCode(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	to, err := localPath(r.URL.Query().Get("to"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if r.Method != http.MethodGet { // a HEAD is somebody's preview and would use the code up
		w.Header().Set("Allow", "GET, POST, DELETE")
		h.answerError(w, http.StatusMethodNotAllowed, errorAnswer{Error: "method-not-allowed", Detail: "use GET"})
		return
	}
	if h.gate.Keeper != nil {
		text, ends, err := h.gate.Keeper.RedeemCode(r.Context(), r.URL.Query().Get("code"))
		var refused *access.RefusedError
		if errors.As(err, &refused) {
			err = unauthorized(`Bearer realm="provflow"`, refused.Reason)
		}
		if err != nil {
			h.deny(w, r, err)
			return
		}
		setCookie(w, r, text, ends)
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// endSession ends the session of the cookie, whether there is one or not.
func (h *server) endSession(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName(r)); err == nil && h.gate.Keeper != nil {
		if err := h.gate.Keeper.EndSession(r.Context(), c.Value); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	setCookie(w, r, "", time.Unix(1, 0))
	w.WriteHeader(http.StatusNoContent)
}

// localPath refuses what leads to another host. Browsers take `//host`, `/\host` and what
// is left of `/<tab>/host` for one.
func localPath(to string) (string, error) {
	if to == "" {
		return "/", nil
	}
	u, err := url.Parse(to)
	odd := strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f })
	if err != nil || odd || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		return "", flow.Invalidf("invalid-to", "to %.80q is not a path on this server, such as /docs", to)
	}
	return u.String(), nil
}

// secure reports whether the browser came by HTTPS. A proxy's word is enough: who lies
// about it harms only a cookie of their own.
func secure(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
}

// The session's cookie. Over HTTPS its name has the prefix with which no other host can set it.
const (
	httpCookie  = "provflow"
	httpsCookie = "__Host-provflow"
)

func cookieName(r *http.Request) string {
	if secure(r) {
		return httpsCookie
	}
	return httpCookie
}

func setCookie(w http.ResponseWriter, r *http.Request, text string, ends time.Time) {
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: text, Path: "/", Expires: ends, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteLaxMode,
	})
}
