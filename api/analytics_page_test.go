package api

import (
	"errors"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ from, to, wantFrom, wantTo, slug string }{
		{"", "", "2026-03-02T12:00:00Z", "2026-04-01T12:00:00Z", ""},
		{"2026-01-01", "", "2026-01-01T00:00:00Z", "2026-04-01T12:00:00Z", ""},
		{"", "2026-02-01", "2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z", ""},
		{"2026-01-01T02:00:00+02:00", "1767312000000", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ""},
		{"2025-01-01", "2026-01-02", "2025-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ""},
		{"2025-01-01", "2026-01-03", "", "", "invalid-range"},
		{"2026-01-02", "2026-01-01", "", "", "invalid-range"},
		{"2026-01-02", "2026-01-02", "", "", "invalid-range"},
		{"yesterday", "", "", "", "invalid-time"},
		{"", "17", "", "", "invalid-time"},
		{"", "999999999999", "", "", "invalid-time"},
		{"", "2305844709213693952", "", "", "invalid-time"},
		{"", "0001-01-01", "", "", "invalid-time"},
		{"", "99999999999999999", "", "", "invalid-time"},
	} {
		w, err := windowOf(tt.from, tt.to, now)
		var known *flow.Error
		if tt.slug != "" {
			if !errors.As(err, &known) || known.Slug != tt.slug {
				t.Errorf("%q to %q: %v", tt.from, tt.to, err)
			}
		} else if err != nil || w.From.Format(time.RFC3339) != tt.wantFrom || w.To.Format(time.RFC3339) != tt.wantTo {
			t.Errorf("%q to %q: %v, %v", tt.from, tt.to, w, err)
		}
	}
}

func TestPlacesComeBack(t *testing.T) {
	t.Parallel()
	want := timeline.Place{StartedAt: time.Date(2026, 4, 1, 12, 0, 0, 123456000, time.UTC), FlowID: "a:b/ü", Epoch: "e1"}
	if got, err := parseProvisionPlace(formatProvisionPlace(want)); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, s := range []string{"!", "e30", formatAfter(`{"FlowID":"x","StartedAt":"0001-01-01T00:00:00Z"}`), formatAfter("[]"), formatAfter("\x00")} {
		if got, err := parseProvisionPlace(s); flow.CodeOf(err) != flow.Invalid {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}
