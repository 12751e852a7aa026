// Package oidc checks bearer tokens of an OpenID Connect issuer. It must not decide what
// a token's holder may do: it reads the claims that say so and no more.
//
// The issuer is asked for its keys when the first token comes, and again when one is
// signed with a key that is not known. While it cannot be asked, nobody is refused for
// that and nobody believed: the answer is flow.Unavailable.
package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

const (
	// patience bounds a question to the issuer.
	patience = 5 * time.Second
	// pause lies between two questions to an issuer that did not answer, and between two
	// looks at its keys: made-up tokens must not become a load for it.
	pause = 5 * time.Second
)

// Options say whose tokens are taken and where in them the rights are.
type Options struct {
	Issuer      string // its URL, exactly as in the tokens
	Audience    string // one of the tokens' audiences
	ScopeClaim  string // a list, or names with spaces between; "scope" where it is not given
	PrefixClaim string // a text; "": the tokens are for all deployments
	Now         func() time.Time
	Client      *http.Client // nil: one with bounds
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	Options
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   error     // of the last try to find the issuer
	retry    time.Time // no try before
}

// New checks the options; it does not ask the issuer.
func New(o Options) (*Verifier, error) {
	if err := checkIssuer(o.Issuer); err != nil {
		return nil, err
	}
	if o.Audience == "" {
		return nil, errors.New("an OIDC audience must be given, or tokens for anything else the issuer knows would be taken")
	}
	if o.ScopeClaim == "" {
		o.ScopeClaim = "scope"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	client := *o.Client
	client.Transport = &restful{next: o.Client.Transport, now: o.Now}
	o.Client = &client
	return &Verifier{Options: o}, nil
}

// checkIssuer wants HTTPS: whoever can change the keys on their way can be anybody.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("the OIDC issuer %q is not a URL such as https://login.example.com/realms/main", issuer)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("the OIDC issuer %q must be https", issuer)
	}
	return nil
}

// Verify gives a token's principal: *access.RefusedError where it is not good,
// flow.Unavailable where the issuer cannot be asked.
func (v *Verifier) Verify(ctx context.Context, raw string) (access.Principal, error) {
	// What does not look like a token is no reason to ask anybody.
	if strings.Count(raw, ".") != 2 {
		return access.Principal{}, &access.RefusedError{Reason: "the token is not valid"}
	}
	verifier, err := v.issuer(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return access.Principal{}, v.explain(err)
	}
	return v.principal(token)
}

// issuer finds the issuer once. One who waits for it holds up the others, who would wait
// for the same answer.
func (v *Verifier) issuer(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	now := v.Now()
	if now.Before(v.retry) {
		return nil, v.unavailable(v.failed)
	}
	// Not the request's own context: that it ends says nothing about the issuer.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), v.Client), patience)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, v.Issuer)
	if err != nil {
		v.failed, v.retry = err, now.Add(pause)
		return nil, v.unavailable(err)
	}
	v.verifier = provider.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), v.Client), &oidc.Config{ClientID: v.Audience, Now: v.Now})
	return v.verifier, nil
}

func (v *Verifier) unavailable(cause error) error {
	return &flow.Error{
		Code: flow.Unavailable, Slug: "issuer-unavailable", Cause: cause,
		Detail: fmt.Sprintf("the issuer %s cannot be asked about the token; try again shortly", v.Issuer),
	}
}

// explain tells a token that is not good from an issuer that does not answer, which the
// library tells in words only.
func (v *Verifier) explain(err error) error {
	var expired *oidc.TokenExpiredError
	var lost net.Error
	switch {
	case errors.As(err, &expired):
		return &access.RefusedError{Reason: "the token expired at " + expired.Expiry.UTC().Format(time.RFC3339)}
	case strings.Contains(err.Error(), "fetching keys"), errors.As(err, &lost), errors.Is(err, context.Canceled):
		return v.unavailable(err)
	}
	return &access.RefusedError{Reason: "the token is not valid here: its issuer, audience, time or signature is another's"}
}

// principal reads the rights out of the claims. A token without the prefix claim that is
// asked for is refused: nothing said is not "all".
func (v *Verifier) principal(t *oidc.IDToken) (access.Principal, error) {
	var claims map[string]json.RawMessage
	if err := t.Claims(&claims); err != nil {
		return access.Principal{}, &access.RefusedError{Reason: "the token's claims cannot be read"}
	}
	p := access.Principal{Key: "oidc:" + t.Subject, Name: t.Subject, Scopes: access.KnownScopes(names(claims[v.ScopeClaim])), ExpiresAt: t.Expiry}
	if t.Subject == "" {
		return access.Principal{}, &access.RefusedError{Reason: "the token names no subject"}
	}
	if v.PrefixClaim == "" {
		return p, nil
	}
	if err := json.Unmarshal(claims[v.PrefixClaim], &p.Prefix); err != nil || p.Prefix == "" {
		return access.Principal{}, &access.RefusedError{Reason: fmt.Sprintf("the token has no claim %q, which says whose deployments it is for", v.PrefixClaim)}
	}
	return p, nil
}

// names reads a claim that is a list, or a text with spaces between names.
func names(claim json.RawMessage) []string {
	var list []string
	if json.Unmarshal(claim, &list) == nil {
		return list
	}
	var text string
	_ = json.Unmarshal(claim, &text) // anything else names nothing
	return strings.Fields(text)
}
