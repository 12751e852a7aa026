package flow_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

func TestWhatIsWrongWithABodyIsSaidInJSONsWords(t *testing.T) {
	t.Parallel()
	type body struct {
		Names []string
		Inner struct {
			Count int
			Share float64
			On    *bool
		}
		At time.Time
	}
	for text, want := range map[string]string{
		`{"Names":"x"}`:             `field "Names" is a string; it must be a list`,
		`{"Names":[5]}`:             `is a number; it must be a string`,
		`{"Inner":[]}`:              `field "Inner" is a list; it must be an object`,
		`{"Inner":{"Count":1.5}}`:   `field "Inner.Count" is a number 1.5; it must be a whole number`,
		`{"Inner":{"Share":true}}`:  `is true or false; it must be a number`,
		`{"Inner":{"Share":1e400}}`: `field "Inner.Share" is the number 1e400, which is too large`,
		`{"Inner":{"On":{}}}`:       `is an object; it must be true or false`,
		`{"At":"yesterday"}`:        `a time is "yesterday"; it must be RFC 3339`,
		`[]`:                        `not a JSON object but a list`,
		`{"Names":`:                 `not JSON: unexpected end of JSON input`,
		`{"Names":x}`:               `not JSON: invalid character 'x'`,
	} {
		var b body
		err := flow.JSONError("invalid-thing", json.Unmarshal([]byte(text), &b))
		if err.Slug != "invalid-thing" || !strings.Contains(err.Detail, want) {
			t.Errorf("%s: %s, want %s", text, err.Detail, want)
		}
		if strings.Contains(err.Detail, "Go ") || strings.Contains(err.Detail, "[]string") {
			t.Errorf("%s: %s speaks of the program", text, err.Detail)
		}
	}
}
