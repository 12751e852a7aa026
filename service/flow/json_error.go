package flow

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
)

// JSONError tells the sender of a body what is wrong with it, in JSON's words: which field is
// of which kind, and which it must be; or that the whole is no JSON object.
func JSONError(slug string, err error) *Error {
	var wrongKind *json.UnmarshalTypeError
	var badTime *time.ParseError
	var notJSON *json.SyntaxError
	switch {
	case errors.As(err, &wrongKind) && wrongKind.Field != "" && outOfRange(wrongKind):
		return Invalidf(slug, "field %q is the %s, which is too large", wrongKind.Field, wrongKind.Value)
	case errors.As(err, &wrongKind) && wrongKind.Field != "":
		return Invalidf(slug, "field %q is %s; it must be %s", wrongKind.Field, kindSent(wrongKind.Value), kindOf(wrongKind.Type))
	case errors.As(err, &wrongKind):
		return Invalidf(slug, "not a JSON object but %s", kindSent(wrongKind.Value))
	case errors.As(err, &badTime):
		return Invalidf(slug, "a time is %.40q; it must be RFC 3339, such as 2026-01-31T12:00:00Z", strings.Trim(badTime.Value, `"`))
	case errors.As(err, &notJSON):
		return Invalidf(slug, "not JSON: %v, at byte %d", notJSON, notJSON.Offset)
	}
	return Invalidf(slug, "not JSON: it ends too early, or a value in it cannot be read")
}

// outOfRange reports a number where one is expected.
func outOfRange(err *json.UnmarshalTypeError) bool {
	return strings.HasPrefix(err.Value, "number ") && err.Type.Kind() == reflect.Float64
}

// kindSent names what was sent; of a number the library says which.
func kindSent(value string) string {
	switch kind, rest, _ := strings.Cut(value, " "); kind {
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	case "object":
		return "an object"
	case "number":
		return strings.TrimSpace("a number " + rest)
	}
	return "a string"
}

// kindOf names what a Go type is in JSON.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time in RFC 3339"
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}
