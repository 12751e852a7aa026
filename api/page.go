package api

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// pageLimit reads ?limit; more than most is taken for most.
func pageLimit(s string, otherwise, most int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, flow.Invalidf("invalid-limit", "limit %.40q: use a number from 1 to %d", s, most)
	}
	return min(n, most), nil
}

// cut gives a page of a list that holds one more where there is more, and the place after
// that page; "" at the end.
func cut[T any](list []T, limit int, place func(T) string) (page []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], place(list[limit-1])
}

// formatAfter writes a place in a list so that nobody reads anything into it.
func formatAfter(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func parseAfter(s string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) > 0 && flow.CheckID("after", string(b)) != nil {
		return "", errAfter
	}
	return string(b), nil
}

var errAfter = flow.Invalidf("invalid-after", "after is not a `next` that was given here; leave it out to begin anew")

// inReach reports a time that the database can hold.
func inReach(micros int64) bool {
	t := time.UnixMicro(micros)
	return t.Year() > 1900 && t.Year() < 10000
}
