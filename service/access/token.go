package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// What each kind of secret begins with, so that scanners find one that was let out.
const (
	tokenPrefix   = "pvf_"
	sessionPrefix = "pvs_"
	codePrefix    = "pvc_"
)

// TokenPattern is what a static token looks like, for secret scanners.
const TokenPattern = `pvf_[0-9a-f]{16}_[a-z2-7]{52}`

var (
	tokenForm = regexp.MustCompile(`^` + TokenPattern + `$`)
	letters   = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// Hash is the SHA-256 of a secret's text, which is all that is stored of it.
type Hash [sha256.Size]byte

func hashOf(text string) Hash { return sha256.Sum256([]byte(text)) }

// equal takes the same time wherever two hashes differ.
func (h Hash) equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// newSecret is 256 random bits in letters that need no escaping anywhere.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return letters.EncodeToString(b[:])
}

// Token is a static token as it is stored. Times that are not known are zero.
type Token struct {
	ID         string
	Hash       Hash // of the secret part
	Name       string
	Scopes     Scopes
	Prefix     string
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time
	LastUsedAt time.Time // to within some minutes
}

// maxName bounds a token's name, in bytes.
const maxName = 100

// NewToken makes a token and its text, which is nowhere else: `pvf_<id>_<secret>`.
func NewToken(name string, scopes Scopes, prefix string, now, expires time.Time) (text string, t Token, err error) {
	if clean := flow.CleanName(name); clean == "" || clean != name || len(name) > maxName {
		return "", Token{}, flow.Invalidf("invalid-name", "name %.40q: say what the token is for, in 1 to %d characters", name, maxName)
	}
	if err := CheckPrefix(prefix); err != nil {
		return "", Token{}, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	secret := newSecret()
	t = Token{
		ID: hex.EncodeToString(id[:]), Hash: hashOf(secret), Name: name, Scopes: scopes, Prefix: prefix, CreatedAt: now, ExpiresAt: expires,
	}
	return tokenPrefix + t.ID + "_" + secret, t, nil
}

// parseToken takes a text apart; ok is false for what cannot be a token.
func parseToken(text string) (id string, secret Hash, ok bool) {
	if !tokenForm.MatchString(text) {
		return "", Hash{}, false
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(text, tokenPrefix), "_")
	return id, hashOf(rest), true
}

// principal is who calls with the token.
func (t Token) principal() Principal {
	return Principal{
		Key: "token:" + t.ID, Name: t.Name, Scopes: t.Scopes, Prefix: t.Prefix, ExpiresAt: t.ExpiresAt, TokenID: t.ID,
	}
}

// State is what people read of it: active, expired or revoked.
func (t Token) State(now time.Time) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case t.principal().Expired(now):
		return "expired"
	}
	return "active"
}
