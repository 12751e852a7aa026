package access

import (
	"context"
	"time"
)

// Store keeps tokens, sessions and codes. Its errors carry flow codes: NotFound where
// there is none, Unavailable where nobody can say.
type Store interface {
	// AccessToken gives a token by its id, revoked and expired ones as well.
	AccessToken(ctx context.Context, id string) (Token, error)
	// AccessTokenUsed notes when a token was last used.
	AccessTokenUsed(ctx context.Context, id string, at time.Time) error
	// AddSession keeps a session, and forgets those that are over.
	AddSession(ctx context.Context, s Session, now time.Time) error
	// Session gives a session; NotFound also where the token it follows from was revoked.
	Session(ctx context.Context, hash Hash) (Session, error)
	// EndSession forgets a session; that there is none is no error.
	EndSession(ctx context.Context, hash Hash) error
	// AddSessionCode keeps a code, and forgets those that are over.
	AddSessionCode(ctx context.Context, c Code, now time.Time) error
	// RedeemSessionCode makes the code's session, of that hash, and forgets the code, both or neither.
	// NotFound when there is no such code or its time is over; of several calls one succeeds.
	RedeemSessionCode(ctx context.Context, code, session Hash, now time.Time) (Session, error)
}

// Verifier checks tokens of somebody else's issuer.
type Verifier interface {
	// Verify gives a token's principal; a *RefusedError where it is not good, an error with
	// flow.Unavailable where the issuer cannot be asked.
	Verify(ctx context.Context, token string) (Principal, error)
}

// Session is a browser's stay, made from a principal and no longer than it.
type Session struct {
	Hash      Hash
	Principal Principal // its ExpiresAt is the session's
	CreatedAt time.Time
}

// Code is good for one session, for a short while.
type Code struct {
	Hash      Hash
	ExpiresAt time.Time
	Session   Session // without its hash
}

// RefusedError is why a credential is not good. Only its holder gets to see it.
type RefusedError struct{ Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Reason }
