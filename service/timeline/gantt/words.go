package gantt

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// summary says what a provision came to.
func (c chart) summary() []string {
	parts := []string{string(c.Outcome)}
	if c.begun() {
		verb := ", took "
		if c.running() {
			verb = " for "
		}
		parts = []string{string(c.Outcome) + verb + Duration(c.to.Sub(c.from)), "began " + c.from.UTC().Format("2006-01-02 15:04:05 UTC")}
	}
	parts = append(parts, counts(c.Jobs))
	if c.Retries > 0 {
		parts = append(parts, plural(c.Retries, "retry", "retries"))
	}
	if c.later > 0 {
		parts = append(parts, plural(c.later, "later attempt", "later attempts")+" not drawn")
	}
	return parts
}

// counts says how many jobs there are, and how many are not simply done.
func counts(t timeline.Tally) string {
	text := plural(t.All, "job", "jobs")
	for _, part := range []struct {
		n    int
		what string
	}{{t.Running, "running"}, {t.Pending, "waiting"}, {t.Failed, "failed"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// tell says all about a job, for whoever points at it or has it read out.
func (c chart) tell(l lane) string {
	text := l.label
	if l.critical {
		text += " (on the critical path)"
	}
	for _, r := range l.attempts {
		text += "; " + tellAttempt(r)
	}
	return text
}

func tellAttempt(r timeline.Row) string {
	text := "has not begun"
	if !r.StartedAt.IsZero() {
		text = fmt.Sprintf("attempt %d: %s, ran %s", max(r.Attempt, 1), r.Status, Duration(r.Ran))
	}
	if r.Status == flow.Pending {
		text = "has not begun"
	}
	if r.Wait.Waited > 0 {
		text += ", waited " + Duration(r.Wait.Waited)
		if r.Wait.Blocker != "" {
			text += ", at last for " + r.Wait.Blocker
		}
	}
	return text
}

// Shorten takes out of a text what moves a cursor, and cuts it to so many cells of a fixed
// font; a wide letter is two.
func Shorten(s string, cells int) string {
	s = clean(s)
	if uniseg.StringWidth(s) <= cells {
		return s
	}
	var out strings.Builder
	used, state, rest := 0, -1, s
	for rest != "" {
		var grapheme string
		var wide int
		grapheme, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+wide > cells-1 {
			break
		}
		used += wide
		out.WriteString(grapheme)
	}
	return out.String() + "…"
}

// escape makes a text safe between tags and in attributes; what XML has no place for is replaced.
func escape(s string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(clean(s))) // a Builder does not fail
	return out.String()
}
