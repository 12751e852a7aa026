package db

import (
	"context"
	"time"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

// AddAccessToken keeps a new token.
func (s *Store) AddAccessToken(ctx context.Context, t access.Token) error {
	return mapError(s.q.AccessTokenAdd(ctx, dbsqlc.AccessTokenAddParams{
		TokenID: t.ID, SecretHash: t.Hash[:], Name: t.Name, Scopes: t.Scopes.Strings(), FlowPrefix: t.Prefix,
		CreatedAt: stamp(t.CreatedAt), ExpiresAt: stamp(t.ExpiresAt),
	}))
}

// AccessToken gives a token by its id, revoked and expired ones as well; NotFound when
// there is none.
func (s *Store) AccessToken(ctx context.Context, id string) (access.Token, error) {
	r, err := s.q.AccessTokenGet(ctx, id)
	if err != nil {
		return access.Token{}, mapError(err)
	}
	return tokenOf(r), nil
}

// AccessTokens lists all tokens, oldest first.
func (s *Store) AccessTokens(ctx context.Context) ([]access.Token, error) {
	rows, err := s.q.AccessTokenList(ctx)
	tokens := make([]access.Token, len(rows))
	for i, r := range rows {
		tokens[i] = tokenOf(r)
	}
	return tokens, mapError(err)
}

// RevokeAccessToken revokes a token, and with it its sessions; NotFound when there is none.
func (s *Store) RevokeAccessToken(ctx context.Context, id string) error {
	n, err := s.q.AccessTokenRevoke(ctx, dbsqlc.AccessTokenRevokeParams{Now: stamp(s.now()), TokenID: id})
	if err == nil && n == 0 {
		return flow.NotFoundf("token-not-found", "there is no token %q; `provflow token list` has their ids", id)
	}
	return mapError(err)
}

// AccessTokenUsed notes when a token was last used.
func (s *Store) AccessTokenUsed(ctx context.Context, id string, at time.Time) error {
	return mapError(s.q.AccessTokenUsed(ctx, dbsqlc.AccessTokenUsedParams{At: stamp(at), TokenID: id}))
}

// AddSession keeps a session, and forgets those that are over.
func (s *Store) AddSession(ctx context.Context, a access.Session, now time.Time) error {
	p := a.Principal
	err := s.q.AccessSessionAdd(ctx, dbsqlc.AccessSessionAddParams{
		SessionHash: a.Hash[:], TokenID: orNull(p.TokenID), Principal: p.Key, Name: p.Name, Scopes: p.Scopes.Strings(),
		FlowPrefix: p.Prefix, CreatedAt: stamp(a.CreatedAt), ExpiresAt: stamp(p.ExpiresAt),
	})
	if err == nil {
		err = s.q.AccessSessionDeleteOver(ctx, stamp(now))
	}
	return mapError(err)
}

// Session gives a session; NotFound when there is none, or its token was revoked.
func (s *Store) Session(ctx context.Context, hash access.Hash) (access.Session, error) {
	r, err := s.q.AccessSessionGetUnlessRevoked(ctx, hash[:])
	if err != nil {
		return access.Session{}, mapError(err)
	}
	return sessionOf(&r.AccessSession), nil
}

// EndSession forgets a session; that there is none is no error.
func (s *Store) EndSession(ctx context.Context, hash access.Hash) error {
	return mapError(s.q.AccessSessionDelete(ctx, hash[:]))
}

// AddSessionCode keeps a code, and forgets those that are over.
func (s *Store) AddSessionCode(ctx context.Context, c access.Code, now time.Time) error {
	p := c.Session.Principal
	err := s.q.AccessCodeAdd(ctx, dbsqlc.AccessCodeAddParams{
		CodeHash: c.Hash[:], TokenID: orNull(p.TokenID), Principal: p.Key, Name: p.Name, Scopes: p.Scopes.Strings(),
		FlowPrefix: p.Prefix, ExpiresAt: stamp(c.ExpiresAt), SessionExpiresAt: stamp(p.ExpiresAt),
	})
	if err == nil {
		err = s.q.AccessCodeDeleteOver(ctx, stamp(now))
	}
	return mapError(err)
}

// RedeemSessionCode makes the code's session and forgets the code, both or neither;
// NotFound when there is no such code or its time is over.
func (s *Store) RedeemSessionCode(ctx context.Context, code, session access.Hash, now time.Time) (access.Session, error) {
	r, err := s.q.AccessCodeRedeem(ctx, dbsqlc.AccessCodeRedeemParams{SessionHash: session[:], CodeHash: code[:], Now: stamp(now)})
	if err != nil {
		return access.Session{}, mapError(err)
	}
	return sessionOf(r), nil
}

func tokenOf(r *dbsqlc.AccessToken) access.Token {
	return access.Token{
		ID: r.TokenID, Hash: hashFrom(r.SecretHash), Name: r.Name, Scopes: scopesOf(r.Scopes), Prefix: r.FlowPrefix,
		CreatedAt: instant(r.CreatedAt), ExpiresAt: instant(r.ExpiresAt), RevokedAt: instant(r.RevokedAt), LastUsedAt: instant(r.LastUsedAt),
	}
}

func sessionOf(r *dbsqlc.AccessSession) access.Session {
	p := access.Principal{
		Key: r.Principal, Name: r.Name, Scopes: scopesOf(r.Scopes), Prefix: r.FlowPrefix, ExpiresAt: instant(r.ExpiresAt),
	}
	if r.TokenID != nil {
		p.TokenID = *r.TokenID
	}
	return access.Session{Hash: hashFrom(r.SessionHash), Principal: p, CreatedAt: instant(r.CreatedAt)}
}

// hashFrom reads a hash; the schema has none of another length.
func hashFrom(b []byte) (h access.Hash) {
	copy(h[:], b)
	return h
}

func scopesOf(names []string) access.Scopes {
	scopes := make(access.Scopes, len(names))
	for i, name := range names {
		scopes[i] = access.Scope(name)
	}
	return scopes
}

// orNull is nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
