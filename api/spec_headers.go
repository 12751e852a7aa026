package api

import (
	"net/http"
	"slices"
)

// Headers of answers that a client acts on, as the description shows them.
type (
	tagHeader struct {
		ETag string `header:"ETag" description:"The cursor, quoted; absent where at is given."`
	}
	linkHeader struct {
		Link string `header:"Link" description:"Where there is more: the next page, as rel=next."`
	}
	challengeHeader struct {
		Challenge string `header:"WWW-Authenticate" description:"Bearer, and why a token that was sent is not good."`
	}
	retryHeader struct {
		RetryAfter int `header:"Retry-After" description:"After so many seconds it is worth another try."`
	}
	cookieHeader struct {
		Cookie string `header:"Set-Cookie" description:"The session's cookie, or its end."`
	}
	onwardHeaders struct {
		cookieHeader
		Location string `header:"Location" description:"The page to go on to."`
	}
)

// headers are those of an answer with that status, one of the types above; nil for none.
func (op operation) headers(status int) any {
	switch status {
	case http.StatusUnauthorized:
		return challengeHeader{}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return retryHeader{}
	case http.StatusSeeOther:
		return onwardHeaders{}
	case http.StatusNoContent:
		if slices.Contains([]string{"startSession", "endSession"}, op.id) {
			return cookieHeader{}
		}
	case http.StatusOK, http.StatusNotModified:
		switch op.parameters.(type) {
		case partParams:
			return tagHeader{}
		case provisionsParams, componentsParams:
			return linkHeader{}
		}
	}
	return nil
}
