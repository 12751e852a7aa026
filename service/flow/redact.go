package flow

import (
	"regexp"
	"strings"
)

// secretPattern is one kind of secret. A text must have one of its hints, in whatever case,
// for the pattern to match: looking for them costs a hundredth.
type secretPattern struct {
	hints   []string
	pattern *regexp.Regexp
	with    string
}

var secretPatterns = []secretPattern{
	// A block of several lines; one that is cut is hidden to the end.
	{[]string{"private key"}, regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), "$1***$2"},
	// `key=value` and `key: value` of well-known names, and bearer tokens.
	{[]string{"passw", "secret", "token", "key", "bearer"}, regexp.MustCompile(`(?i)\b((?:[a-z0-9]+[_-])*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"?\s*[:=]\s*"?)([^\s",;]+)|(\bbearer\s+)([a-z0-9._~+/=-]{8,})`), "$1$3***"},
	{[]string{"basic "}, regexp.MustCompile(`(?i)(\bauthorization"?\s*[:=]\s*"?basic\s+)[a-z0-9+/=_-]+`), "$1***"},
	{[]string{"://"}, regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:)[^\s/@"']+@`), "$1***@"},
	{[]string{"akia", "asia"}, regexp.MustCompile(`\bA[KS]IA[A-Z0-9]{16}\b`), "***"},
	{[]string{"eyj"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?`), "***"},
	{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, regexp.MustCompile(`\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}`), "***"},
	{[]string{"glpat-", "xox"}, regexp.MustCompile(`\b(?:glpat|xox[abeoprs])-[A-Za-z0-9_-]{10,}`), "***"},
	{[]string{"aiza"}, regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`), "***"},
	{[]string{"pvf_"}, regexp.MustCompile(`\bpvf_[0-9a-f]{16}_[a-z2-7]{20,}`), "***"},
}

// Redact hides what looks like a secret, whoever wrote it. It is the one place where the
// patterns are: for what comes in, and for what a program of ours is about to send.
func Redact(s string) string {
	lower := strings.ToLower(s)
	for i := range secretPatterns {
		if p := &secretPatterns[i]; p.hinted(lower) && p.pattern.MatchString(s) {
			s = p.pattern.ReplaceAllString(s, p.with)
		}
	}
	return s
}

func (p *secretPattern) hinted(lower string) bool {
	for _, hint := range p.hints {
		if strings.Contains(lower, hint) {
			return true
		}
	}
	return false
}
