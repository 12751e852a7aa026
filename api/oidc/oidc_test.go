package oidc

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/oidc/oidctest"
	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

type claims = oidctest.Claims

// clock is moved by hand.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.Load(), 0) }

func setup(t *testing.T, o Options) (*Verifier, *oidctest.Issuer, *clock) {
	t.Helper()
	i, c := oidctest.New(), &clock{}
	t.Cleanup(i.Close)
	c.Store(time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC).Unix())
	o.Issuer, o.Audience, o.Now = i.URL, "provflow", c.now
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v, i, c
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	var refused *access.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestWhoATokenIs(t *testing.T) {
	t.Parallel()
	v, i, c := setup(t, Options{})
	fresh := i.Sign(c.now(), claims{"iat": c.now().Add(time.Minute).Unix(), "nbf": c.now().Add(time.Minute).Unix()})
	if _, err := v.Verify(t.Context(), fresh); err != nil {
		t.Errorf("from an issuer whose clock is a minute ahead: %v", err)
	}
	for what, scope := range map[string]any{"names with spaces": "openid read provflow:logs", "a list": []string{"read", "logs", "other"}} {
		p, err := v.Verify(t.Context(), i.Sign(c.now(), claims{"scope": scope}))
		if err != nil || p.Key != "oidc:ann" || !p.May(access.Read) || !p.May(access.Logs) || p.May(access.Ingest) || p.Prefix != "" {
			t.Errorf("%s: %+v %v", what, p, err)
		}
		if !p.ExpiresAt.Equal(c.now().Add(time.Hour)) {
			t.Errorf("it ends at %v", p.ExpiresAt)
		}
	}
	p, err := v.Verify(t.Context(), i.Sign(c.now(), claims{"scope": 7, "aud": []string{"x", "provflow"}}))
	if err != nil || p.May(access.Read) {
		t.Errorf("no scopes: %+v %v", p, err)
	}
}

func TestClaimsOfOtherNames(t *testing.T) {
	t.Parallel()
	v, i, c := setup(t, Options{ScopeClaim: "https://x/roles", PrefixClaim: "tenant"})
	p, err := v.Verify(t.Context(), i.Sign(c.now(), claims{"https://x/roles": []string{"admin"}, "tenant": "acme-"}))
	if err != nil || !p.May(access.Admin) || p.Prefix != "acme-" {
		t.Errorf("%+v %v", p, err)
	}
	for _, tenant := range []any{nil, "", 7, []string{"a"}} { // nothing said is not "all"
		_, err := v.Verify(t.Context(), i.Sign(c.now(), claims{"tenant": tenant}))
		wantRefused(t, "tenant", err)
	}
}

func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	v, i, c := setup(t, Options{})
	good := i.Sign(c.now(), nil)
	parts := strings.Split(good, ".")
	none := oidctest.Encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	changed := parts[0] + "." + oidctest.Encode([]byte(`{"iss":"`+i.URL+`","aud":"provflow","sub":"ann","exp":9999999999,"scope":"admin"}`)) + "." + parts[2]
	for what, token := range map[string]string{
		"another audience": i.Sign(c.now(), claims{"aud": "other"}), "another issuer": i.Sign(c.now(), claims{"iss": "https://other.example"}),
		"expired": i.Sign(c.now(), claims{"exp": c.now().Add(-time.Second).Unix()}), "no end": i.Sign(c.now(), claims{"exp": nil}),
		"not yet": i.Sign(c.now(), claims{"nbf": c.now().Add(time.Hour).Unix()}), "no subject": i.Sign(c.now(), claims{"sub": ""}),
		"unsigned": none, "another's key": i.Forge(c.now(), "one", nil), "an unknown key": i.Forge(c.now(), "two", nil),
		"changed": changed, "half": good[:len(good)/2], "nonsense": "a.b.c", "no token": "x",
	} {
		_, err := v.Verify(t.Context(), token)
		wantRefused(t, what, err)
	}
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// Made-up keys make no load for the issuer, and a new key of its own is found.
func TestKeysAreKeptAndFound(t *testing.T) {
	t.Parallel()
	v, i, c := setup(t, Options{})
	for n := range 5 {
		_, _ = v.Verify(t.Context(), i.Sign(c.now(), nil))
		_, _ = v.Verify(t.Context(), i.Forge(c.now(), fmt.Sprint("made up ", n), nil))
	}
	if n := i.Asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	i.Rotate("two")
	c.Add(int64(pause / time.Second))
	if _, err := v.Verify(t.Context(), i.Sign(c.now(), nil)); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestAnIssuerThatIsAwayDecidesNothing(t *testing.T) {
	t.Parallel()
	v, i, c := setup(t, Options{})
	i.Away.Store(true)
	token := i.Sign(c.now(), nil)
	for range 2 {
		if _, err := v.Verify(t.Context(), token); flow.CodeOf(err) != flow.Unavailable || !strings.Contains(err.Error(), i.URL) {
			t.Errorf("away: %v", err)
		}
	}
	i.Away.Store(false)
	c.Add(int64(pause / time.Second))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("back: %v", err)
	}
	i.Away.Store(true)
	c.Add(int64(pause / time.Second))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("its keys are known: %v", err)
	}
	i.Rotate("three")
	if _, err := v.Verify(t.Context(), i.Sign(c.now(), nil)); flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Issuer: "https://x.example"}, {Issuer: "http://x.example", Audience: "a"}, {Issuer: "x.example", Audience: "a"}, {Audience: "a"},
		{Issuer: "https://u:p@x.example", Audience: "a"}, {Issuer: "https://x.example?a", Audience: "a"}, {Issuer: "http://127.0.0.1.evil.example", Audience: "a"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}
