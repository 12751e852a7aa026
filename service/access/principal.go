package access

import (
	"context"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Principal is who calls.
type Principal struct {
	Key       string // the same for the same caller, however often and wherever it calls
	Name      string // for people
	Scopes    Scopes
	Prefix    string    // of the ids it may see and write; "" is all
	ExpiresAt time.Time // zero: never
	TokenID   string    // the static token it follows from; "" where there is none
}

// Anyone is the principal of every request while access is off.
var Anyone = Principal{Key: "anyone", Name: "anyone", Scopes: Scopes{Admin}}

// May reports whether it has the scope.
func (p Principal) May(s Scope) bool { return p.Scopes.Allow(s) }

// Sees reports whether a flow or a deployment of that id is there for it. The prefix is
// taken letter by letter: `acme-` covers acme-1 and not acmes, `acme` covers both. It is
// decided by the id alone, so that the answer tells nothing about what exists.
func (p Principal) Sees(id string) bool { return strings.HasPrefix(id, p.Prefix) }

// Expired reports whether its time is over.
func (p Principal) Expired(now time.Time) bool {
	return !p.ExpiresAt.IsZero() && !now.Before(p.ExpiresAt)
}

// CheckPrefix refuses a prefix that no deployment's id begins with.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if flow.CheckDeploymentID(prefix) != nil {
		return flow.Invalidf("invalid-prefix", "prefix %.80q: use the first letters of deployment ids, such as acme-", prefix)
	}
	return nil
}

type contextKey struct{}

// With puts a principal into a context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From gives the principal of a context. Where there is none it is one without scopes.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// Sees reports whether the principal of a context sees that id; without one nobody does.
func Sees(ctx context.Context, id string) bool {
	p, ok := From(ctx)
	return ok && p.Sees(id)
}
