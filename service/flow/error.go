package flow

import (
	"errors"
	"fmt"
)

// Code is the closed set of reasons for which a call can fail. The HTTP side has
// one table from Code to status; nothing else decides on a status.
type Code string

// The codes. Invalid: the caller's input, say what to change. NotFound: no such
// thing, or not the caller's to see. Conflict: the state does not allow it now.
// Unavailable: try again later, nothing was lost. Internal: everything else.
const (
	Invalid     Code = "invalid"
	NotFound    Code = "not_found"
	Conflict    Code = "conflict"
	Unavailable Code = "unavailable"
	Internal    Code = "internal"
)

// Error is a failure a caller may see. Slug is stable and machine-readable
// (`invalid-event`); Detail tells a person what to do. Cause is for logs only.
type Error struct {
	Code   Code
	Slug   string
	Detail string
	Cause  error
}

// Error implements error; it includes the cause, so it is for logs, not for clients.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Slug, e.Detail, e.Cause)
	}
	return e.Slug + ": " + e.Detail
}

// Unwrap gives the internal cause.
func (e *Error) Unwrap() error { return e.Cause }

// Invalidf makes an Invalid error with a slug and a formatted detail.
func Invalidf(slug, format string, args ...any) *Error {
	return &Error{Code: Invalid, Slug: slug, Detail: fmt.Sprintf(format, args...)}
}

// NotFoundf makes a NotFound error with a slug and a formatted detail.
func NotFoundf(slug, format string, args ...any) *Error {
	return &Error{Code: NotFound, Slug: slug, Detail: fmt.Sprintf(format, args...)}
}

// NoExecution is what is said of an execution that is not there, or not for who asks.
func NoExecution(id string) *Error {
	return NotFoundf("execution-not-found", "there is no execution %q", id)
}

// Conflictf makes a Conflict error with a slug and a formatted detail.
func Conflictf(slug, format string, args ...any) *Error {
	return &Error{Code: Conflict, Slug: slug, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf says which code an error carries; Internal where it carries none, and "" of nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return Internal
}
