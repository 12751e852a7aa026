package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// object reads a JSON object that is kept as it stands; nil where it is not said.
func (r *reader) object(field string, raw json.RawMessage) json.RawMessage {
	kept := r.json(field, raw)
	if kept != nil && kept[0] != '{' {
		r.fail(flow.Invalidf(slugMessage, "field %q must be an object", field))
	}
	return kept
}

// json reads any JSON value and writes it in one form, with its keys in order and its
// texts cleaned, so that the same value sent again is the same bytes.
func (r *reader) json(field string, raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	raw, err := flow.CleanJSON(raw)
	if err != nil {
		r.fail(flow.Invalidf(slugMessage, "field %q is not JSON: %v", field, err))
		return nil
	}
	return raw
}

// triggers reads what starts the flow: [{flowId, when}].
func (r *reader) triggers(field string, raw json.RawMessage) json.RawMessage {
	var list []struct {
		FlowID string `json:"flowId"`
		When   string `json:"when"`
	}
	kept := r.json(field, raw)
	if kept != nil && json.Unmarshal(kept, &list) != nil {
		r.fail(flow.Invalidf(slugMessage, "field %q must be a list of {flowId, when}", field))
	}
	for i, t := range list {
		r.fail(flow.CheckID(fmt.Sprintf("%s[%d].flowId", field, i), t.FlowID))
		if !slices.Contains([]string{"success", "failure", "always"}, t.When) {
			r.fail(flow.Invalidf(slugMessage, "field \"%s[%d].when\" %.40q is unknown; use success, failure or always", field, i, t.When))
		}
	}
	return kept
}

// escapeNUL writes a NUL as JSON has it, which takes none as it is: the text it stands in is
// cleaned like any other, and an id is refused.
func escapeNUL(body []byte) []byte {
	if bytes.IndexByte(body, 0) < 0 {
		return body
	}
	return bytes.ReplaceAll(body, []byte{0}, []byte(`\u0000`))
}

// readStatus reads a status; one that clients do not know is shown as pending.
func readStatus(s string) flow.Status {
	if s == "" {
		return ""
	}
	known, _ := flow.ParseStatus(s)
	return known
}

// millis reads unix milliseconds. What is below 10^12 was meant as seconds.
func (r *reader) millis(field string, ms float64) time.Time {
	switch {
	case ms == 0:
		return time.Time{}
	case ms < 1e12 || ms > 253402300799999: // the year 9999
		r.fail(flow.Invalidf(slugMessage, "field %q is %.15g; times are unix milliseconds", field, ms))
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}
