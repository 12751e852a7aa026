package access

import (
	"context"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// fakeStore keeps everything in memory; away is what it answers while it is.
type fakeStore struct {
	now          time.Time
	away         error
	tokens       map[string]Token
	sessions     map[Hash]Session
	codes        map[Hash]Code
	looked, used int
}

func (s *fakeStore) clock() time.Time { return s.now }

func none() error { return flow.NotFoundf("not-found", "there is none") }

func (s *fakeStore) AccessToken(_ context.Context, id string) (Token, error) {
	s.looked++
	t, ok := s.tokens[id]
	if !ok && s.away == nil {
		return t, none()
	}
	return t, s.away
}

func (s *fakeStore) AccessTokenUsed(_ context.Context, id string, at time.Time) error {
	s.used++
	t := s.tokens[id]
	t.LastUsedAt = at
	s.tokens[id] = t
	return s.away
}

func (s *fakeStore) AddSession(_ context.Context, a Session, _ time.Time) error {
	s.sessions[a.Hash] = a
	return s.away
}

func (s *fakeStore) Session(_ context.Context, hash Hash) (Session, error) {
	a, ok := s.sessions[hash]
	if !ok && s.away == nil {
		return a, none()
	}
	return a, s.away
}

func (s *fakeStore) EndSession(_ context.Context, hash Hash) error {
	delete(s.sessions, hash)
	return s.away
}

func (s *fakeStore) AddSessionCode(_ context.Context, c Code, _ time.Time) error {
	s.codes[c.Hash] = c
	return s.away
}

func (s *fakeStore) RedeemSessionCode(_ context.Context, code, session Hash, now time.Time) (Session, error) {
	c, ok := s.codes[code]
	if !ok || !now.Before(c.ExpiresAt) {
		return Session{}, none()
	}
	delete(s.codes, code)
	c.Session.Hash = session
	s.sessions[session] = c.Session
	return c.Session, s.away
}
