package bridge

import (
	"bytes"
	"encoding/json"

	"github.com/openova-io/provflow/service/flow"
)

// object reads a JSON object that is kept as it stands; nil where it is not said.
func (r *reader) object(field string, raw json.RawMessage) json.RawMessage {
	kept := r.json(field, raw)
	if kept != nil && kept[0] != '{' {
		r.fail(flow.Invalidf("invalid-message", "field %q must be an object", field))
	}
	return kept
}

// json reads any JSON value and writes it in one form, with its keys in order and its
// texts cleaned, so that the same value sent again is the same bytes.
func (r *reader) json(field string, raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // a large number must come out as it went in
	var v any
	err := decoder.Decode(&v)
	if err == nil {
		raw, err = json.Marshal(clean(v))
	}
	if err != nil {
		r.fail(flow.Invalidf("invalid-message", "field %q is not JSON: %v", field, err))
		return nil
	}
	return raw
}

func clean(v any) any {
	switch v := v.(type) {
	case string:
		return flow.CleanText(v)
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[flow.CleanName(k)] = clean(e)
		}
		return out
	}
	return v
}
