package tofu

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
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

// secretName matches the names of variables that hold secrets. The tool's own tokens have the
// name of a host at the end.
var secretName = regexp.MustCompile(`(?i)^TF_TOKEN_|(token|secret|passw(or)?d|passphrase|credentials?|(api|access|private|secret)_?key)s?$`)

// Secrets hides what is known to be secret, in any of the forms in which it may turn up, and
// what looks like a secret. It is for one goroutine.
type Secrets struct {
	known map[string]bool   // all forms; whether each is one for certain, and not just some variable's value
	hide  *strings.Replacer // nil: to be built anew
	names *strings.Replacer // the same of what is certain
	inKey map[string]bool   // of each source: whether it is in the middle of a private key
}

// NewSecrets knows the values of the environment that are secret by their name (`*_TOKEN`,
// `*_SECRET`, `*_PASSWORD` and the like) and those of tofu's own variables, `TF_VAR_*`.
func NewSecrets(environment []string) *Secrets {
	s := &Secrets{known: map[string]bool{}, inKey: map[string]bool{}}
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		if variable, ok := strings.CutPrefix(name, "TF_VAR_"); ok {
			s.AddVariable(variable, value)
		} else {
			s.AddSetting(name, value)
		}
	}
	return s
}

// AddVariable makes the value of one of the configuration's variables known as secret,
// whatever its name; how short it may be depends on that.
func (s *Secrets) AddVariable(name, value string) {
	s.AddSetting(name, value)
	s.addText(value, shortestVariable)
}

// AddSetting makes a value known as secret where its name says so.
func (s *Secrets) AddSetting(name, value string) {
	if secretName.MatchString(name) {
		s.addText(value, shortest)
	}
}

// addText takes a variable's text, and what is in it where it is a list or an object.
func (s *Secrets) addText(text string, atLeast int) {
	s.add(text, atLeast)
	t := strings.TrimSpace(text)
	if !strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "[") {
		return
	}
	if v := decodeValue(json.RawMessage(t)); v != nil {
		s.addValue(v, atLeast)
		return
	}
	for _, m := range quoted.FindAllStringSubmatch(t, -1) {
		if m[2] == "" { // else it is a name
			s.add(strings.ReplaceAll(m[1], `\"`, `"`), atLeast)
		}
	}
}

// quoted matches the texts of a value in the tool's own language.
var quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"(\s*[=:])?`)

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
// hexadecimal, in base64, and line by line.
func (s *Secrets) add(text string, atLeast int) {
	text = strings.TrimSpace(text)
	certain := atLeast == shortest
	was, known := s.known[text]
	if len(text) < atLeast || slices.Contains([]string{"true", "false", "null"}, text) || known && (was || !certain) {
		return
	}
	inJSON, _ := json.Marshal(text) // a string always encodes
	for _, form := range []string{
		text, strings.Trim(string(inJSON), `"`), url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text)),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
	} {
		s.know(form, certain)
	}
	s.addWithin(text, certain)
	if strings.Contains(text, "\n") {
		for l := range strings.Lines(text) {
			s.knowPart(strings.TrimSpace(l), certain)
		}
	}
	s.hide = nil
}

// addWithin takes what is left of a text in the base64 of a longer one, such as `user:text` or
// the text and a newline: it may begin at any of three places, and its ends are mixed with
// what is beside it. The base64 of a long text comes in lines.
func (s *Secrets) addWithin(text string, certain bool) {
	for skip := range 3 {
		whole := []byte(text[skip : skip+(len(text)-skip)/3*3])
		s.knowPart(base64.StdEncoding.EncodeToString(whole), certain)
		s.knowPart(base64.URLEncoding.EncodeToString(whole), certain)
	}
	for _, width := range []int{64, 76} {
		for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(text))), width) {
			s.knowPart(string(line), certain)
		}
	}
}

// know makes a form known.
func (s *Secrets) know(form string, certain bool) { s.known[form] = certain || s.known[form] }

// knowPart does, where it is long enough for a part of something.
func (s *Secrets) knowPart(form string, certain bool) {
	if len(form) >= shortestLine {
		s.know(form, certain)
	}
}

// Hide hides all secrets in a text, and cleans it as the server would. The source is what the text comes from (a resource): of
// a private key that comes line by line, every line is hidden until its end.
func (s *Secrets) Hide(source, text string) string {
	text = s.hideKey(source, text)
	s.build()
	return flow.CleanText(s.hide.Replace(text))
}

// HideName hides them in a name, which is to be one still: the values of variables that do not
// sound like secrets stay, as the keys of instances are such.
func (s *Secrets) HideName(name string) string {
	s.build()
	return flow.CleanText(s.names.Replace(name))
}

func (s *Secrets) build() {
	if s.hide != nil {
		return
	}
	var all, certain []string
	for form, isCertain := range s.known {
		all = append(all, form)
		if isCertain {
			certain = append(certain, form)
		}
	}
	s.hide, s.names = replacer(all), replacer(certain)
}

// replacer puts the longest first, so that one that contains another is hidden whole.
func replacer(forms []string) *strings.Replacer {
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	with := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		with = append(with, form, hidden)
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
