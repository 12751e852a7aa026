package flow

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxLine is the longest text kept of one message, in bytes.
const MaxLine = 16 << 10

const cutMark = " …[cut]"

// escape matches terminal control sequences; SGR (colour) is `…m` and stays.
var escape = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])`)

// CleanText makes text fit for the database and for a reader: invalid UTF-8 is
// replaced, NUL and other control characters are dropped (tab, newline and SGR
// colours stay), known secrets are hidden, and it is cut at MaxLine bytes.
func CleanText(s string) string {
	if plain(s) {
		return Redact(cut(s))
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = escape.ReplaceAllStringFunc(s, keepColour)
	s = strings.Map(dropControl, s)
	return Redact(cut(s))
}

// CleanName makes a short text (a label, a version) fit for the database.
func CleanName(s string) string {
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, s))
}

// plain reports printable ASCII, the common case that needs no cleaning.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 && s[i] != '\t' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func keepColour(seq string) string {
	if strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m") {
		return seq
	}
	return ""
}

func dropControl(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == 0x1b:
		return r
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return -1
	}
	return r
}

// cut shortens at a rune's boundary.
func cut(s string) string {
	if len(s) <= MaxLine {
		return s
	}
	end := MaxLine - len(cutMark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + cutMark
}
