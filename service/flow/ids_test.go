package flow_test

import (
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	names := flow.Names{Deployment: "d1", Primary: "fsn1"}
	tests := []struct{ name, region, ref, want string }{
		{"a chart's bare name", "", "cilium", "d1:install-cilium"},
		{"a release's name", "", "bp-cilium", "d1:install-cilium"},
		{"a release named like a phase or a group", "", "bp-apps", "d1:install-apps"},
		{"a job's name", "", "install-cilium", "d1:install-cilium"},
		{"a job's name with the release prefix inside", "", "install-bp-cilium", "d1:install-cilium"},
		{"a full id", "", "d1:install-cilium", "d1:install-cilium"},
		{"a colon alone does not make a full id", "", "other:thing", "d1:install-other:thing"},
		{"a step", "", "cluster-bootstrap", "d1:cluster-bootstrap"},
		{"a group", "", "bootstrap-kit", "d1:bootstrap-kit"},
		{"a later phase's job", "", "cutover-dns", "d1:cutover-dns"},
		{"the primary region by name", "fsn1", "cilium", "d1:install-cilium"},
		{"another region", "hel1", "cilium", "d1:install-hel1:cilium"},
		{"another region's job name", "hel1", "install-hel1:cilium", "d1:install-hel1:cilium"},
		{"a step from another region", "hel1", "tofu-apply", "d1:tofu-apply"},
		{"the alias of a region's job", "", "d1:hel1:install-cilium", "d1:install-hel1:cilium"},
		{"the alias of the primary region's job", "", "d1:fsn1:install-cilium", "d1:install-cilium"},
		{"the full id of a region's job", "", "d1:install-hel1:cilium", "d1:install-hel1:cilium"},
		{"the full id of a region's group", "", "d1:hel1:bootstrap-kit", "d1:hel1:bootstrap-kit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := names.Resolve(tt.region, tt.ref); got != tt.want {
				t.Errorf("Resolve(%q, %q) = %q, want %q", tt.region, tt.ref, got, tt.want)
			}
		})
	}
}

func TestNoDependencyCrossesRegions(t *testing.T) {
	t.Parallel()
	names := flow.Names{Deployment: "d1", Primary: "fsn1"}
	tests := []struct {
		region, job string
		want        bool
	}{
		{"", "d1:install-cilium", true},
		{"fsn1", "d1:install-cilium", true},
		{"hel1", "d1:install-cilium", false},
		{"hel1", "d1:install-hel1:cilium", true},
		{"", "d1:install-hel1:cilium", false},
		{"hel1", "d1:cluster-bootstrap", true},
	}
	for _, tt := range tests {
		if got := names.SameRegion(tt.region, tt.job); got != tt.want {
			t.Errorf("SameRegion(%q, %q) = %v, want %v", tt.region, tt.job, got, tt.want)
		}
	}
}

func TestCheckDeploymentID(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"a", "0", "prov-1", strings.Repeat("a", 63)} {
		if err := flow.CheckDeploymentID(ok); err != nil {
			t.Errorf("%q refused: %v", ok, err)
		}
	}
	for _, bad := range []string{"", " ", "-a", "A", "a:b", "a/b", "ä", strings.Repeat("a", 64), "a\n"} {
		if err := flow.CheckDeploymentID(bad); flow.CodeOf(err) != flow.Invalid || err == nil {
			t.Errorf("%q accepted: %v", bad, err)
		}
	}
}

func TestCheckID(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"a", "a:b", "ä b/c", strings.Repeat("ä", flow.MaxID)} {
		if err := flow.CheckID("id", ok); err != nil {
			t.Errorf("%q refused: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "a\x00", "a\nb", "\x7f", "\xff", strings.Repeat("a", flow.MaxID+1)} {
		if err := flow.CheckID("id", bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestCursorReadsBackAndForeignOnesAreNone(t *testing.T) {
	t.Parallel()
	c := flow.Cursor{Epoch: "ab12-4000-1", Version: 42}
	if got := flow.ParseCursor(c.String()); got != c {
		t.Errorf("ParseCursor(%q) = %v", c, got)
	}
	for _, bad := range []string{"", "x", ".5", "a.", "a.-1", "a.b", "a.99999999999999999999", flow.NoCursor.String()} {
		if got := flow.ParseCursor(bad); got != flow.NoCursor {
			t.Errorf("ParseCursor(%q) = %v, want none", bad, got)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("ab.1")
	f.Fuzz(func(t *testing.T, s string) {
		if c := flow.ParseCursor(s); c != flow.NoCursor && flow.ParseCursor(c.String()) != c {
			t.Errorf("%q reads as %v and does not read back", s, c)
		}
	})
}
