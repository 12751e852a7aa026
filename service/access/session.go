package access

import (
	"context"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// StartSession makes a session for a principal and gives the text that a browser is to
// keep, and when it ends: with the principal, or after SessionLife.
func (k *Keeper) StartSession(ctx context.Context, p Principal) (text string, ends time.Time, err error) {
	text = sessionPrefix + newSecret()
	s := k.sessionOf(p)
	s.Hash = hashOf(text)
	return text, s.Principal.ExpiresAt, k.Store.AddSession(ctx, s, k.Now())
}

func (k *Keeper) sessionOf(p Principal) Session {
	now := k.Now()
	if ends := now.Add(k.SessionLife); p.ExpiresAt.IsZero() || p.ExpiresAt.After(ends) {
		p.ExpiresAt = ends
	}
	return Session{Principal: p, CreatedAt: now}
}

func (k *Keeper) lookSession(ctx context.Context, text string) (Principal, error) {
	over := &RefusedError{"the session is over; make a new one with POST /api/v1/session"}
	if !strings.HasPrefix(text, sessionPrefix) {
		return Principal{}, over
	}
	hash := hashOf(text)
	s, err := k.Store.Session(ctx, hash)
	switch {
	case flow.CodeOf(err) == flow.NotFound, err == nil && !hash.equal(s.Hash):
		return Principal{}, over
	case err != nil:
		return Principal{}, err
	}
	return s.Principal, nil
}

// EndSession ends a session; on other replicas within Remember.
func (k *Keeper) EndSession(ctx context.Context, text string) error {
	err := k.Store.EndSession(ctx, hashOf(text))
	if err == nil {
		k.memory.drop(Credential{Text: text, Session: true}.key())
	}
	return err
}

// IssueCode gives a code that is good for one session of the principal, for a minute. It
// is for a link: what is in a link ends up in histories and logs, and is used up by then.
func (k *Keeper) IssueCode(ctx context.Context, p Principal) (text string, until time.Time, err error) {
	text = codePrefix + newSecret()
	c := Code{Hash: hashOf(text), ExpiresAt: k.Now().Add(codeLife), Session: k.sessionOf(p)}
	return text, c.ExpiresAt, k.Store.AddSessionCode(ctx, c, k.Now())
}

// RedeemCode makes the code's session. *RefusedError when it was used, is too old, or
// never was.
func (k *Keeper) RedeemCode(ctx context.Context, code string) (text string, ends time.Time, err error) {
	refused := &RefusedError{"the code was used, or is older than a minute; ask for a new one"}
	if !strings.HasPrefix(code, codePrefix) {
		return "", time.Time{}, refused
	}
	text = sessionPrefix + newSecret()
	s, err := k.Store.RedeemSessionCode(ctx, hashOf(code), hashOf(text), k.Now())
	if flow.CodeOf(err) == flow.NotFound {
		return "", time.Time{}, refused
	}
	return text, s.Principal.ExpiresAt, err
}
