package oidc

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxAnswer bounds what is read of an issuer's answer.
const maxAnswer = 1 << 20

// restful gives the last good answer again for a moment, so that tokens with made-up key
// ids do not become a request to the issuer each. An issuer's new key is known that much later.
type restful struct {
	next http.RoundTripper // nil: the default
	now  func() time.Time
	mu   sync.Mutex
	last map[string]kept
}

type kept struct {
	header http.Header
	body   []byte
	until  time.Time
}

// RoundTrip implements http.RoundTripper.
func (t *restful) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	k, ok := t.last[r.URL.String()]
	t.mu.Unlock()
	if ok && t.now().Before(k.until) {
		return k.response(r), nil
	}
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	defer func() { _ = res.Body.Close() }() // it was read, or there is an error
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return t.keep(r.URL.String(), kept{res.Header, body, t.now().Add(pause)}).response(r), nil
}

func (t *restful) keep(url string, k kept) kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[string]kept{}
	}
	t.last[url] = k // the issuer has two addresses, so this does not grow
	return k
}

func (k kept) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: k.header.Clone(), Body: io.NopCloser(bytes.NewReader(k.body)), ContentLength: int64(len(k.body)), Request: r,
	}
}
