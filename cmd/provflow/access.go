package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openova-io/provflow/api"
	"github.com/openova-io/provflow/api/oidc"
	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/access"
)

// Limits of one principal, where access is on and nothing else is said.
const (
	defaultRate    = "100:200"
	defaultStreams = 200
)

// accessFlags say who may call.
type accessFlags struct {
	Access          string        `env:"PROVFLOW_ACCESS" enum:"auto,on,off" default:"auto" placeholder:"on|off" help:"Whether callers must show a token. Off only on loopback; on where an OIDC issuer is named."`
	OIDCIssuer      string        `name:"oidc-issuer" env:"PROVFLOW_OIDC_ISSUER" placeholder:"URL" help:"Issuer whose tokens are taken beside those of provflow token."`
	OIDCAudience    string        `name:"oidc-audience" env:"PROVFLOW_OIDC_AUDIENCE" placeholder:"NAME" help:"Audience that the issuer's tokens must be for."`
	OIDCScopeClaim  string        `name:"oidc-scope-claim" env:"PROVFLOW_OIDC_SCOPE_CLAIM" default:"scope" placeholder:"NAME" help:"Claim that holds the scopes (${default})."`
	OIDCPrefixClaim string        `name:"oidc-prefix-claim" env:"PROVFLOW_OIDC_PREFIX_CLAIM" placeholder:"NAME" help:"Claim that holds the prefix of the deployments a token is for; none: all of them."`
	CORSOrigins     []string      `name:"cors-origins" env:"PROVFLOW_CORS_ORIGINS" placeholder:"ORIGIN" help:"Web pages of other origins that may read answers, such as https://console.example.com."`
	Hosts           []string      `env:"PROVFLOW_HOSTS" placeholder:"NAME" help:"Host names to answer to while access is off, beside localhost."`
	TrustedProxies  []string      `env:"PROVFLOW_TRUSTED_PROXIES" placeholder:"CIDR" help:"Proxies whose X-Forwarded-For is believed."`
	Rate            string        `env:"PROVFLOW_RATE" placeholder:"N[:BURST]" help:"Requests a second of one principal, or off (100:200; off while access is off)."`
	Streams         *int          `env:"PROVFLOW_STREAMS" placeholder:"N" help:"Streams one principal may have open, 0 for any number (200; any while access is off)."`
	Session         time.Duration `env:"PROVFLOW_SESSION" default:"12h" placeholder:"TIME" help:"The longest a browser's session lasts (${default})."`
	IngestIdle      time.Duration `env:"PROVFLOW_INGEST_IDLE" default:"10m" placeholder:"TIME" help:"How long a body of provisioner events may bring nothing (${default})."`
}

// accessPlan is what the flags come to, checked before anything is started.
type accessPlan struct {
	on      bool
	issuer  *oidc.Verifier // nil: static tokens only
	session time.Duration
	recall  time.Duration // how long a look-up is believed; access.Remember where it is zero
	api     api.Access
}

// plan decides whether access is on for that address and refuses what would leave the
// server open.
func (f accessFlags) plan(listen string) (accessPlan, error) {
	local, host, err := loopback(listen)
	if err != nil {
		return accessPlan{}, err
	}
	oidcNamed := f.OIDCIssuer != "" || f.OIDCAudience != ""
	on := f.Access == "on" || f.Access != "off" && oidcNamed
	switch {
	case f.Access == "off" && oidcNamed:
		return accessPlan{}, errors.New("PROVFLOW_ACCESS=off and an OIDC issuer contradict each other; leave one of them out")
	case !on && !local:
		return accessPlan{}, fmt.Errorf("--listen %s: whoever reaches it could read and write everything. "+
			"Set PROVFLOW_ACCESS=on and make tokens with `provflow token create`, or set PROVFLOW_OIDC_ISSUER and PROVFLOW_OIDC_AUDIENCE; "+
			"without access control only a loopback address is served, such as 127.0.0.1:8080", listen)
	}
	p := accessPlan{on: on, session: f.Session, api: api.Access{IngestIdle: f.IngestIdle, Hosts: lower(append(f.Hosts, host))}}
	if oidcNamed {
		p.issuer, err = oidc.New(oidc.Options{
			Issuer: f.OIDCIssuer, Audience: f.OIDCAudience, ScopeClaim: f.OIDCScopeClaim, PrefixClaim: f.OIDCPrefixClaim,
		})
		if err != nil {
			return p, fmt.Errorf("PROVFLOW_OIDC_ISSUER, PROVFLOW_OIDC_AUDIENCE: %w", err)
		}
	}
	return p, f.limits(&p)
}

// limits reads the rest. While access is off all requests are one's own machine's, and
// limits are only where they are asked for.
func (f accessFlags) limits(p *accessPlan) (err error) {
	rate := f.Rate
	if p.on {
		p.api.Streams = defaultStreams
		if rate == "" {
			rate = defaultRate
		}
	}
	if f.Streams != nil {
		p.api.Streams = *f.Streams
	}
	if p.api.Rate, err = parseRate(rate); err != nil {
		return err
	}
	for _, cidr := range f.TrustedProxies {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return fmt.Errorf("PROVFLOW_TRUSTED_PROXIES: %q is not a range such as 10.0.0.0/8", cidr)
		}
		p.api.Proxies = append(p.api.Proxies, prefix)
	}
	for _, origin := range f.CORSOrigins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	p.api.Origins = f.CORSOrigins
	return nil
}

// control gives what the handlers need.
func (p accessPlan) control(store *db.Store, log *slog.Logger) api.Access {
	if !p.on {
		return p.api
	}
	o := access.Options{Store: store, SessionLife: p.session, Remember: p.recall, Logger: log}
	if p.issuer != nil {
		o.Issuer = p.issuer
	}
	p.api.Keeper = access.New(o)
	return p.api
}

// hint says what to do where access is on and nobody can have any.
func (p accessPlan) hint(ctx context.Context, store *db.Store, log *slog.Logger) {
	if !p.on || p.issuer != nil {
		return
	}
	if tokens, err := store.AccessTokens(ctx); err == nil && len(tokens) == 0 {
		log.Warn("access is on and there is no token yet; make one with `provflow token create --name NAME --scope read,logs`")
	}
}

// loopback reports whether an address is reached from this machine only.
func loopback(listen string) (local bool, host string, err error) {
	host, _, err = net.SplitHostPort(listen)
	if err != nil {
		return false, "", fmt.Errorf("--listen %s: %w; use host:port, such as 127.0.0.1:8080", listen, err)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), host, nil
}

func parseRate(s string) (api.Rate, error) {
	if s == "" || s == "off" {
		return api.Rate{}, nil
	}
	each, burst, given := strings.Cut(s, ":")
	perSecond, err := strconv.ParseFloat(each, 64)
	r := api.Rate{PerSecond: perSecond, Burst: max(int(2*perSecond), 1)}
	if given && err == nil {
		r.Burst, err = strconv.Atoi(burst)
	}
	if err != nil || !(perSecond > 0 && perSecond <= 1e6) || r.Burst < 1 {
		return api.Rate{}, fmt.Errorf("PROVFLOW_RATE: %q is not requests a second and a burst, such as 100:200, nor off", s)
	}
	return r, nil
}

// checkOrigin wants an origin as browsers write it, since they are compared letter by letter.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != origin {
		return fmt.Errorf("PROVFLOW_CORS_ORIGINS: %q is not an origin such as https://console.example.com, without path and without *", origin)
	}
	return nil
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
}
