package tofu

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

const (
	// shortest is the shortest text taken for a secret: hiding every "1" or "yes" would hide
	// everything else with it.
	shortest = 4
	// shortestVariable is the same for a variable whose name does not sound like a secret's.
	shortestVariable = 8
	// shortestLine is the same for one line of a longer secret.
	shortestLine = 8
	hidden       = "***"
)

// secretName matches the names of variables that hold secrets.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw(or)?d|passphrase|credentials?|api_?key|access_?key|private_?key)s?$`)

// Secrets hides what is known to be secret, in any of the forms in which it may turn up, and
// what looks like a secret. It is for one goroutine.
type Secrets struct {
	known    map[string]bool
	replacer *strings.Replacer
	inKey    map[string]bool // of each source: whether it is in the middle of a private key
}

// NewSecrets knows the values of the environment that are secret by their name (`*_TOKEN`,
// `*_SECRET`, `*_PASSWORD` and the like) and those of tofu's own variables, `TF_VAR_*`.
func NewSecrets(environment []string) *Secrets {
	s := &Secrets{known: map[string]bool{}, inKey: map[string]bool{}}
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case secretName.MatchString(name):
			s.addText(value, shortest)
		case strings.HasPrefix(name, "TF_VAR_"):
			s.addText(value, shortestVariable)
		}
	}
	return s
}

// addText takes a variable's text, and what is in it where it is a list or an object.
func (s *Secrets) addText(text string, atLeast int) {
	s.add(text, atLeast)
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		s.addValue(decodeValue(json.RawMessage(t)), atLeast)
	}
}

// Add makes a value known as secret, with all that is in it.
func (s *Secrets) Add(value any) { s.addValue(value, shortest) }

func (s *Secrets) addValue(value any, atLeast int) {
	switch v := value.(type) {
	case string:
		s.add(v, atLeast)
	case json.Number:
		s.add(v.String(), atLeast)
	case []any:
		for _, e := range v {
			s.addValue(e, atLeast)
		}
	case map[string]any:
		for _, e := range v {
			s.addValue(e, atLeast)
		}
	}
}

// add takes a text in the forms in which it may be printed: as it is, in JSON, in a URL, in
// base64, and line by line.
func (s *Secrets) add(text string, atLeast int) {
	text = strings.TrimSpace(text)
	if len(text) < atLeast || slices.Contains([]string{"true", "false", "null"}, text) || s.known[text] {
		return
	}
	quoted, _ := json.Marshal(text) // a string always encodes
	for _, form := range []string{
		text, strings.Trim(string(quoted), `"`), url.QueryEscape(text), url.PathEscape(text),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
	} {
		s.known[form] = true
	}
	if strings.Contains(text, "\n") {
		for l := range strings.Lines(text) {
			if l = strings.TrimSpace(l); len(l) >= shortestLine {
				s.known[l] = true
			}
		}
	}
	s.replacer = nil
}

// Hide hides all secrets in a text, and cleans it as the server would. The source is what the text comes from (a resource): of
// a private key that comes line by line, every line is hidden until its end.
func (s *Secrets) Hide(source, text string) string {
	text = s.hideKey(source, text)
	if s.replacer == nil {
		s.replacer = s.build()
	}
	return flow.CleanText(s.replacer.Replace(text))
}

// build puts the longest first, so that one that contains another is hidden whole.
func (s *Secrets) build() *strings.Replacer {
	var pairs []string
	for known := range s.known {
		pairs = append(pairs, known)
	}
	slices.SortFunc(pairs, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	with := make([]string, 0, 2*len(pairs))
	for _, known := range pairs {
		with = append(with, known, hidden)
	}
	return strings.NewReplacer(with...)
}

func (s *Secrets) hideKey(source, text string) string {
	begins, ends := strings.LastIndex(text, "-----BEGIN"), strings.LastIndex(text, "-----END")
	inside := s.inKey[source]
	if begins >= 0 && strings.Contains(text[begins:], "PRIVATE KEY-----") && ends < begins {
		s.inKey[source] = true
	} else if ends >= 0 {
		delete(s.inKey, source)
	}
	if inside && begins < 0 {
		return hidden
	}
	return text
}
