package access

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

const (
	// Remember is how long a look-up is believed, so a revoked token is good for at most
	// that long after.
	Remember = 5 * time.Second
	// patience bounds a look-up.
	patience = 5 * time.Second
	// usedEvery is how exactly it is known when a token was last used: one write for all
	// requests of that time.
	usedEvery = 10 * time.Minute
	// codeLife is how long a one-time code waits for its browser.
	codeLife = time.Minute
)

// errNotValid is said of whatever is not a token that was given out: to the holder of a
// right id and a wrong secret as well.
var errNotValid = &RefusedError{"the token is not valid"}

// Options are the settings of a Keeper; all may be left out but Store.
type Options struct {
	Store       Store
	Issuer      Verifier      // nil: only static tokens
	SessionLife time.Duration // the longest a session lasts; 12 hours
	Remember    time.Duration // how long a look-up is believed; the constant of that name
	Now         func() time.Time
	Logger      *slog.Logger
}

// Keeper answers who somebody is. It is safe for concurrent use.
type Keeper struct {
	Options
	memory *memory
}

// New makes a Keeper.
func New(o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.SessionLife <= 0 {
		o.SessionLife = 12 * time.Hour
	}
	if o.Remember <= 0 {
		o.Remember = Remember
	}
	return &Keeper{o, newMemory(o.Remember, o.Now)}
}

// Credential is what somebody shows: a bearer token, or what a browser keeps of a session.
type Credential struct {
	Text    string
	Session bool
}

// key tells the two kinds apart: a session is no bearer token.
func (c Credential) key() Hash {
	if c.Session {
		return hashOf("session " + c.Text)
	}
	return hashOf("bearer " + c.Text)
}

// Recall gives what a credential was found to be a moment ago, and how it was refused; ok
// is false when that is not known and Identify must ask.
func (k *Keeper) Recall(c Credential) (p Principal, ok bool, refused error) {
	return k.memory.get(c.key())
}

// Identify says whose a credential is: *RefusedError where it is not good,
// flow.Unavailable where that cannot be found out now. It remembers what it learns,
// refusals too; that nobody could say is not remembered.
func (k *Keeper) Identify(ctx context.Context, c Credential) (Principal, error) {
	if p, ok, refused := k.Recall(c); ok {
		return p, refused
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := k.look(ctx, c)
	if err == nil && p.Expired(k.Now()) {
		p, err = Principal{}, &RefusedError{"the credential expired at " + p.ExpiresAt.UTC().Format(time.RFC3339)}
	}
	var refused *RefusedError
	if err == nil || errors.As(err, &refused) {
		k.memory.put(c.key(), p, err)
	}
	return p, err
}

func (k *Keeper) look(ctx context.Context, c Credential) (Principal, error) {
	switch {
	case c.Session:
		return k.lookSession(ctx, c.Text)
	case strings.HasPrefix(c.Text, tokenPrefix):
		return k.lookToken(ctx, c.Text)
	case k.Issuer == nil:
		return Principal{}, errNotValid
	}
	return k.Issuer.Verify(ctx, c.Text)
}

func (k *Keeper) lookToken(ctx context.Context, text string) (Principal, error) {
	id, hash, ok := parseToken(text)
	if !ok {
		return Principal{}, errNotValid
	}
	t, err := k.Store.AccessToken(ctx, id)
	switch {
	case flow.CodeOf(err) == flow.NotFound, err == nil && !hash.equal(t.Hash):
		return Principal{}, errNotValid
	case err != nil:
		return Principal{}, err
	case !t.RevokedAt.IsZero():
		return Principal{}, &RefusedError{"the token was revoked"}
	}
	k.used(ctx, t)
	return t.principal(), nil
}

// used is for people who tidy up; that it fails is no reason to turn anybody away.
func (k *Keeper) used(ctx context.Context, t Token) {
	now := k.Now()
	if now.Sub(t.LastUsedAt) < usedEvery || t.principal().Expired(now) {
		return
	}
	if err := k.Store.AccessTokenUsed(ctx, t.ID, now); err != nil {
		k.Logger.Debug("the last use of a token could not be noted", "token", t.ID, "error", err)
	}
}
