package kubeconfig

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
)

func TestARecordSaysHowANameIsRead(t *testing.T) {
	t.Parallel()
	known := Regions{
		"omantel": {"fsn1", "nbg1"}, "eu": {"west-1", "central"}, "eu-west": {"fsn1", "1"}, "bare": nil, "a-b": nil, "a": {"x", "b"},
	}
	for name, want := range map[string]flow.WatchKey{
		"omantel":        {FlowID: "omantel"},
		"omantel-nbg1":   {FlowID: "omantel", Region: "nbg1"},
		"omantel-fsn1":   {FlowID: "omantel"}, // the primary one
		"omantel-hel1":   {},                  // not recorded, or a deployment that is not known yet
		"eu-west":        {FlowID: "eu-west"},
		"eu-west-1":      {FlowID: "eu-west", Region: "1"}, // the longest deployment
		"eu-central":     {FlowID: "eu", Region: "central"},
		"a-b":            {FlowID: "a-b"}, // a deployment before a region
		"bare":           {FlowID: "bare"},
		"bare-x":         {},
		"new":            {FlowID: "new"}, // nothing else it could be
		"new-one":        {},
		"omantel-nbg1-2": {},
	} {
		if got, ok := read(name, known); got != want || ok != (want != flow.WatchKey{}) {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// Whatever is known: a name is read as a deployment and region that it is made of, and only
// as what is recorded; and what else becomes known does not undo a whole name's reading.
func TestANameIsReadOnlyAsWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching(`[a-c](-[a-c]){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		known := Regions(rapid.MapOf(part, rapid.SliceOfDistinct(part, rapid.ID)).Draw(t, "known"))
		name := rapid.StringMatching(`[a-c](-[a-c]){1,4}`).Draw(t, "name")
		key, ok := read(name, known)
		regions, isKnown := known[key.FlowID]
		switch {
		case !ok:
			return
		case !isKnown:
			t.Fatalf("%s was read as %+v, which is not known", name, key)
		case name == key.FlowID && key.Region == "":
			return
		}
		for _, r := range regions {
			if name == key.FlowID+"-"+r && (key.Region == r || key.Region == "" && r == regions[0]) {
				return
			}
		}
		t.Fatalf("%s was read as %+v with %v", name, key, known)
	})
}
