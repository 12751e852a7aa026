// Package oidctest is an OpenID Connect issuer for tests, with keys of its own. No program
// may use it: it signs whatever it is given.
package oidctest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// Issuer is an issuer on loopback.
type Issuer struct {
	*httptest.Server
	Away  atomic.Bool  // answers nothing of use
	Asked atomic.Int32 // how often it was asked for its keys

	mu  sync.Mutex
	key *rsa.PrivateKey
	kid string
}

// New starts an issuer; it is to be closed.
func New() *Issuer {
	i := &Issuer{}
	i.Rotate("one")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", i.describe)
	mux.HandleFunc("/keys", i.keys)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.Away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return i
}

// describe also offers ways of signing that nobody may take.
func (i *Issuer) describe(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL, "token_endpoint": i.URL,
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.Asked.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": i.kid, "n": Encode(i.key.N.Bytes()), "e": Encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
}

// Rotate gives it a new key of that name, and forgets the old one.
func (i *Issuer) Rotate(kid string) {
	key := newKey()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.kid = key, kid
}

// Claims are what a token says.
type Claims map[string]any

// Sign makes a token; what is given replaces what a good one of that time says.
func (i *Issuer) Sign(now time.Time, c Claims) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return sign(i.key, i.kid, i.claims(now, c))
}

// Forge makes the same with a key that is not the issuer's.
func (i *Issuer) Forge(now time.Time, kid string, c Claims) string {
	return sign(newKey(), kid, i.claims(now, c))
}

func (i *Issuer) claims(now time.Time, c Claims) Claims {
	all := Claims{"iss": i.URL, "aud": "provflow", "sub": "ann", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "scope": "openid read logs"}
	for k, v := range c {
		all[k] = v
	}
	return all
}

// Encode writes bytes as tokens have them.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // never, by crypto/rand's documentation
	}
	return key
}

func sign(key *rsa.PrivateKey, kid string, c Claims) string {
	head, _ := json.Marshal(map[string]string{"alg": "RS256", "kid": kid, "typ": "JWT"})
	body, _ := json.Marshal(c)
	text := Encode(head) + "." + Encode(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // never, with a key of that size
	}
	return text + "." + Encode(signature)
}
