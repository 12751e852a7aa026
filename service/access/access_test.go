package access

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// setup is a Keeper over a store in memory, with a clock that is moved by hand.
func setup(t *testing.T) (*Keeper, *fakeStore) {
	t.Helper()
	s := &fakeStore{now: noon, tokens: map[string]Token{}, sessions: map[Hash]Session{}, codes: map[Hash]Code{}}
	return New(Options{Store: s, Now: s.clock}), s
}

func (s *fakeStore) make(t *testing.T, scopes Scopes, prefix string, expires time.Time) (string, Token) {
	t.Helper()
	text, token, err := NewToken("test", scopes, prefix, s.now, expires)
	if err != nil {
		t.Fatal(err)
	}
	s.tokens[token.ID] = token
	return text, token
}

func refusedFor(t *testing.T, err error, reason string) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Reason, reason) {
		t.Errorf("got %v, want a refusal for %q", err, reason)
	}
}

func TestATokenIsFoundByScannersAndNotTwiceTheSame(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^` + TokenPattern + `$`)
	seen := map[string]bool{}
	for range 100 {
		text, token, err := NewToken("x", Scopes{Read}, "", noon, time.Time{})
		if err != nil || !form.MatchString(text) || seen[text] || seen[token.ID] {
			t.Fatalf("%q %v", text, err)
		}
		seen[text], seen[token.ID] = true, true
		id, hash, ok := parseToken(text)
		if !ok || id != token.ID || !hash.equal(token.Hash) {
			t.Fatalf("%q does not read back", text)
		}
	}
}

func TestWhatIsNoTokenIsToldApart(t *testing.T) {
	t.Parallel()
	text, _, _ := NewToken("x", Scopes{Read}, "", noon, time.Time{})
	for _, s := range []string{"", "pvf_", text[1:], text + "a", text[:len(text)-1], strings.ToUpper(text), text + "\n", " " + text} {
		if _, _, ok := parseToken(s); ok {
			t.Errorf("%q was taken for a token", s)
		}
	}
}

func TestTokensThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"", ""}, {" x", ""}, {strings.Repeat("x", 101), ""}, {"a\nb", ""}, {"x", "Acme"}, {"x", "a:b"}, {"x", "-"}} {
		if _, _, err := NewToken(c[0], Scopes{Read}, c[1], noon, time.Time{}); flow.CodeOf(err) != flow.Invalid || err == nil {
			t.Errorf("name %q, prefix %q: %v", c[0], c[1], err)
		}
	}
	if _, err := ParseScopes(nil); err == nil {
		t.Error("no scope is a scope")
	}
	if _, err := ParseScopes([]string{"read", "write"}); err == nil {
		t.Error("write is a scope")
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, have := range known {
		for _, want := range known {
			if got := (Scopes{have}).Allow(want); got != (have == want || have == Admin) {
				t.Errorf("%s allows %s: %v", have, want, got)
			}
		}
	}
	if (Scopes{}).Allow(Read) || !(Scopes{}).Allow("") {
		t.Error("nobody's scopes")
	}
	if got := KnownScopes([]string{"openid", "provflow:logs", "read"}); len(got) != 2 || !got.Allow(Logs) || !got.Allow(Read) {
		t.Errorf("of an issuer's scopes: %v", got)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefix, id string
		sees       bool
	}{
		{"", "anything", true}, {"acme-", "acme-1", true}, {"acme-", "acme", false}, {"acme-", "acmes", false}, {"acme", "acmes", true},
		{"acme-", "other", false}, {"acme-", "", false}, {"acme-", "xacme-1", false}, {"acme-", "ACME-1", false}, {"acme-", "acme-1:job", true},
	} {
		if got := (Principal{Prefix: c.prefix}).Sees(c.id); got != c.sees {
			t.Errorf("%q sees %q: %v", c.prefix, c.id, got)
		}
	}
	if Sees(context.Background(), "x") {
		t.Error("a context without a principal sees something")
	}
	if !Sees(With(context.Background(), Anyone), "x") {
		t.Error("with access off something is hidden")
	}
}

func TestWhoATokenIs(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	text, token := s.make(t, Scopes{Read}, "acme-", noon.Add(time.Hour))
	p, err := k.Identify(t.Context(), Credential{Text: text})
	if err != nil || p.Key != "token:"+token.ID || !p.May(Read) || p.May(Logs) || p.Prefix != "acme-" {
		t.Fatalf("%+v %v", p, err)
	}
	other, _ := s.make(t, Scopes{Read}, "", time.Time{})
	for name, c := range map[string]Credential{
		"another's secret": {Text: text[:21] + other[21:]}, "no such token": {Text: "pvf_0123456789abcdef" + text[20:]},
		"as a session": {Text: text, Session: true}, "nonsense": {Text: "x"}, "no issuer": {Text: "a.b.c"},
	} {
		if p, err := k.Identify(t.Context(), c); err == nil || p.Key != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	s.now = s.now.Add(time.Hour)
	_, err = k.Identify(t.Context(), Credential{Text: text})
	refusedFor(t, err, "expired")
}

func TestARevokedTokenIsGoodForAMomentAtMost(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	text, token := s.make(t, Scopes{Read}, "", time.Time{})
	if _, err := k.Identify(t.Context(), Credential{Text: text}); err != nil {
		t.Fatal(err)
	}
	token.RevokedAt = s.now
	s.tokens[token.ID] = token
	s.now = s.now.Add(Remember)
	_, err := k.Identify(t.Context(), Credential{Text: text})
	refusedFor(t, err, "revoked")
}

// One look-up for all requests of a moment, one note of the use for those of ten minutes.
func TestLookUpsAreFew(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	text, _ := s.make(t, Scopes{Read}, "", time.Time{})
	for range 600 {
		if _, err := k.Identify(t.Context(), Credential{Text: text}); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(time.Second)
	}
	if s.looked != 600/5 || s.used != 1 {
		t.Errorf("%d look-ups, %d notes", s.looked, s.used)
	}
}

func TestAStoreThatIsAwayDecidesNothing(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	text, _ := s.make(t, Scopes{Read}, "", time.Time{})
	s.away = &flow.Error{Code: flow.Unavailable, Slug: "database-unavailable"}
	for range 2 {
		if _, err := k.Identify(t.Context(), Credential{Text: text}); flow.CodeOf(err) != flow.Unavailable {
			t.Errorf("away: %v", err)
		}
	}
	s.away = nil
	if _, err := k.Identify(t.Context(), Credential{Text: text}); err != nil {
		t.Errorf("back: %v", err)
	}
}

func TestASessionIsItsPrincipalAndEndsWithIt(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	p := Principal{Key: "token:1", Scopes: Scopes{Logs}, Prefix: "a", ExpiresAt: noon.Add(time.Hour)}
	text, ends, err := k.StartSession(t.Context(), p)
	if err != nil || !ends.Equal(p.ExpiresAt) {
		t.Fatalf("%v %v", ends, err)
	}
	got, err := k.Identify(t.Context(), Credential{Text: text, Session: true})
	if err != nil || got.Key != p.Key || got.Prefix != "a" || !got.May(Logs) {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := k.Identify(t.Context(), Credential{Text: text}); err == nil {
		t.Error("a session is a bearer token")
	}
	if err := k.EndSession(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	_, err = k.Identify(t.Context(), Credential{Text: text, Session: true})
	refusedFor(t, err, "over")
	if _, ends, _ = k.StartSession(t.Context(), Principal{}); !ends.Equal(s.now.Add(12 * time.Hour)) {
		t.Errorf("without an end of its own it lasts to %v", ends)
	}
}

func TestACodeIsGoodOnceAndForAMinute(t *testing.T) {
	t.Parallel()
	k, s := setup(t)
	code, _, err := k.IssueCode(t.Context(), Principal{Key: "x", Scopes: Scopes{Read}})
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := k.RedeemCode(t.Context(), code)
	if p, idErr := k.Identify(t.Context(), Credential{Text: text, Session: true}); err != nil || idErr != nil || p.Key != "x" {
		t.Fatalf("%+v %v %v", p, err, idErr)
	}
	_, _, err = k.RedeemCode(t.Context(), code)
	refusedFor(t, err, "was used")
	late, _, _ := k.IssueCode(t.Context(), Principal{Key: "x"})
	s.now = s.now.Add(time.Minute)
	for _, c := range []string{late, text, ""} {
		_, _, err = k.RedeemCode(t.Context(), c)
		refusedFor(t, err, "was used")
	}
}

func TestMadeUpTokensDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	m := newMemory(time.Second, func() time.Time { return noon })
	var work sync.WaitGroup
	for g := range 4 {
		work.Go(func() {
			for i := range mostRemembered {
				m.put(hashOf(strings.Repeat("x", g)+string(rune(i))), Principal{}, errNotValid)
			}
		})
	}
	work.Wait()
	if len(m.of) > mostRemembered {
		t.Errorf("%d are remembered", len(m.of))
	}
}
