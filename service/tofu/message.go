package tofu

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// Message is one line of the tool's JSON output. A line that is not one (a crash, a wrapper
// script's word) is a Message with nothing but its Text.
type Message struct {
	Type     string
	Level    string // info, warn or error
	Text     string
	At       time.Time // zero where the line does not say
	Resource string    // address of the resource it is about
	Action   string
	Elapsed  float64 // seconds

	Summary    *Summary
	Outputs    map[string]Output
	Diagnostic *Diagnostic
}

// Summary counts what is planned or was done.
type Summary struct {
	Add       int    `json:"add"`
	Change    int    `json:"change"`
	Remove    int    `json:"remove"`
	Import    int    `json:"import"`
	Forget    int    `json:"forget"`
	Operation string `json:"operation"`
}

// Output is an output value; a sensitive one may or may not come with its value.
type Output struct {
	Sensitive bool            `json:"sensitive"`
	Value     json.RawMessage `json:"value"`
	Action    string          `json:"action"`
}

// The types of messages that mean something here. Any other is a line.
const (
	typeVersion       = "version"
	typePlanned       = "planned_change"
	typeSummary       = "change_summary"
	typeOutputs       = "outputs"
	typeApplyStart    = "apply_start"
	typeApplyComplete = "apply_complete"
	typeApplyErrored  = "apply_errored"
	typeProvisionBad  = "provision_errored"
	typeDiagnostic    = "diagnostic"
)

// part is what several types have in common: the resource, and what is done to it.
type part struct {
	Resource struct {
		Address string `json:"addr"`
	} `json:"resource"`
	Action  string  `json:"action"`
	Elapsed float64 `json:"elapsed_seconds"`
}

// line is a message as it is written. Its parts are read one by one, so that one in a form
// not known here costs no more than itself.
type line struct {
	Level      string          `json:"@level"`
	Message    *string         `json:"@message"`
	Timestamp  string          `json:"@timestamp"`
	Type       string          `json:"type"`
	Hook       json.RawMessage `json:"hook"`
	Change     json.RawMessage `json:"change"`
	Changes    json.RawMessage `json:"changes"`
	Outputs    json.RawMessage `json:"outputs"`
	Diagnostic json.RawMessage `json:"diagnostic"`
}

// Decode reads one line. There is no line it refuses.
func Decode(text []byte) Message {
	text = bytes.TrimRight(text, "\r\n")
	var l line
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || json.Unmarshal(text, &l) != nil || l.Message == nil {
		return Message{Level: "info", Text: string(text)}
	}
	m := Message{Type: l.Type, Level: levelOf(l.Level), Text: *l.Message}
	if at, err := time.Parse(time.RFC3339Nano, l.Timestamp); err == nil {
		m.At = at.UTC()
	}
	for _, raw := range []json.RawMessage{l.Hook, l.Change} {
		if p := decodePart[part](raw); p != nil {
			m.Resource, m.Action, m.Elapsed = p.Resource.Address, p.Action, p.Elapsed
		}
	}
	m.Summary, m.Diagnostic = decodePart[Summary](l.Changes), decodePart[Diagnostic](l.Diagnostic)
	if o := decodePart[map[string]Output](l.Outputs); o != nil {
		m.Outputs = *o
	}
	if m.Diagnostic != nil && m.Resource == "" {
		m.Resource = m.Diagnostic.Address
	}
	return m
}

func decodePart[T any](raw json.RawMessage) *T {
	var v *T
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

func levelOf(s string) string {
	switch s {
	case "warn", "error":
		return s
	}
	return "info"
}

// Applies reports a message that comes of an apply only, and not of a plan.
func (m Message) Applies() bool {
	switch m.Type {
	case typeApplyStart, typeApplyComplete, typeApplyErrored:
		return m.Action != "read"
	case typeSummary:
		return m.Summary != nil && m.Summary.Operation != "plan"
	}
	return false
}

// Maker is a tool and the beginning of its version.
type Maker struct {
	Tool         string // OpenTofu or Terraform
	Major, Minor int
}

// Maker says which tool speaks; ok in its first message only.
func (m Message) Maker() (k Maker, ok bool) {
	if m.Type != typeVersion {
		return k, false
	}
	n, _ := fmt.Sscanf(m.Text, "%s %d.%d", &k.Tool, &k.Major, &k.Minor)
	return k, n == 3
}

// Before compares versions of one tool.
func (k Maker) Before(other Maker) bool {
	return cmp.Or(cmp.Compare(k.Major, other.Major), cmp.Compare(k.Minor, other.Minor)) < 0
}
