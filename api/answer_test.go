package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// A client that still sends when the connection is closed does not see why.
func TestTheRestOfABodyThatIsTooLargeIsReadAway(t *testing.T) {
	t.Parallel()
	body := strings.NewReader(strings.Repeat("x", 3<<20))
	_, err := readBody(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body), 1<<20)
	var known *flow.Error
	if !errors.As(err, &known) || known.Slug != slugTooLarge {
		t.Error(err)
	}
	if body.Len() > 0 {
		t.Errorf("%d bytes are left to be sent", body.Len())
	}
}

func TestTheCursorIsFoundAmongAllETagsOfAllLines(t *testing.T) {
	t.Parallel()
	at := flow.Cursor{Epoch: "e", Version: 7}
	mine := `"` + at.String() + `"`
	for _, c := range []struct {
		lines []string
		want  bool
	}{
		{[]string{mine}, true}, {[]string{"W/" + mine}, true}, {[]string{`"a", ` + mine}, true}, {[]string{`"a"`, mine}, true}, {[]string{"*"}, true},
		{nil, false}, {[]string{`"a"`, `"b"`}, false}, {[]string{at.String()}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["If-None-Match"] = c.lines
		if got := notModified(httptest.NewRecorder(), r, at); got != c.want {
			t.Errorf("%q: %v", c.lines, got)
		}
	}
}
