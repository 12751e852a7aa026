package flow

import (
	"bytes"
	"encoding/json"
)

// CleanJSON writes any JSON value in one form, with its keys in order and its texts cleaned,
// so that the same value sent again is the same bytes.
func CleanJSON(raw []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // a large number must come out as it went in
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(clean(v))
}

func clean(v any) any {
	switch v := v.(type) {
	case string:
		return CleanText(v)
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[CleanName(k)] = clean(e)
		}
		return out
	}
	return v
}
