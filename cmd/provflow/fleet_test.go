package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/timeline/form"
)

// inApril is the window in which the tests' provisions began.
const inApril = "from=2026-04-01&to=2026-05-01"

// fleet is five provisions, an hour apart, the third of which has failed and the last of
// which goes on; and one of another owner.
func fleet(t *testing.T, post func(id string, lines ...string)) {
	t.Helper()
	for i := range 5 {
		lines := kitRun(float64(i) * 3600)
		switch i {
		case 2:
			lines = append(lines[:12], component(2*3600+205, "gitea", "failed"))
		case 4:
			lines = lines[:9]
		}
		post(fmt.Sprint("a-", i), lines...)
	}
	post("b-1", kitRun(20*3600)...)
}

func ids(page form.Provisions) (ids []string) {
	for _, p := range page.Provisions {
		ids = append(ids, p.FlowID)
	}
	return ids
}

func TestTheFleetIsReadByPages(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	fleet(t, func(id string, lines ...string) { r.post(id, lines...) })
	var all []string
	for query := inApril + "&limit=2"; ; {
		a := r.get("/api/v1/analytics/provisions?" + query)
		var page form.Provisions
		r.json("/api/v1/analytics/provisions?"+query, &page)
		all = append(all, ids(page)...)
		link := a.header.Get("Link")
		if page.Next == "" {
			if link != "" || len(page.Provisions) != 2 {
				t.Errorf("the last page: %q %v", link, ids(page))
			}
			break
		}
		query, _, _ = strings.Cut(strings.TrimPrefix(link, "<?"), ">") // the Link leads on as `next` does
		if q, err := url.ParseQuery(query); err != nil || q.Get("after") != page.Next {
			t.Fatalf("Link %q, next %q", link, page.Next)
		}
	}
	if want := []string{"b-1", "a-4", "a-3", "a-2", "a-1", "a-0"}; !slices.Equal(all, want) {
		t.Errorf("%v", all)
	}
	var failed form.Provisions
	r.json("/api/v1/analytics/provisions?outcome=FAILED&"+inApril, &failed)
	if !slices.Equal(ids(failed), []string{"a-2"}) || failed.Provisions[0].FirstFailedJobID != "a-2:install-keycloak" {
		t.Errorf("%+v", failed)
	}
	if csv := r.table("/api/v1/analytics/provisions?" + inApril); len(csv) != 7 || csv[1][0] != "b-1" {
		t.Errorf("%q", csv)
	}
}

func TestComponentsByPagesAndRegion(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.do("PUT", "/api/v1/deployments/a-9", `{"regions":["fsn1","nbg1"]}`)
	fleet(t, func(id string, lines ...string) { r.post(id, lines...) })
	r.post("a-9", component(90000, "cilium", "installing", "region", "nbg1"), component(90070, "cilium", "installed", "region", "nbg1"))
	var names []string
	stats := map[string]form.Component{}
	for after := ""; ; {
		var page form.Components
		r.json("/api/v1/analytics/components?limit=3&"+inApril+"&after="+after, &page)
		for _, c := range page.Components {
			names = append(names, c.Component)
			stats[c.Component] = c
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if want := "cilium cluster-bootstrap gitea keycloak loki tofu-apply tofu-init"; strings.Join(names, " ") != want {
		t.Errorf("%v", names)
	}
	if k := stats["keycloak"]; k.Flows != 5 || k.Runs != 9 || k.Failures != 5 || k.Retries != 4 || *k.RanP50Ms != 40_000 {
		t.Errorf("keycloak %+v", k)
	}
	var there form.Components
	r.json("/api/v1/analytics/components?region=nbg1&"+inApril, &there)
	if len(there.Components) != 1 || there.Components[0].Runs != 1 || *there.Components[0].RanP90Ms != 70_000 {
		t.Errorf("%+v", there)
	}
}

func TestComparisons(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("a", kitRun(0)...)
	slower := kitRun(7200)
	slower[len(slower)-1] = component(7200+380, "gitea", "installed")
	r.post("b", slower...)
	var c form.Comparison
	r.json("/api/v1/analytics/compare?a=a&b=b", &c)
	if len(c.Jobs) != 1 || c.Jobs[0].Name != "install-gitea" || c.Jobs[0].Change != "slower" || c.Jobs[0].MoreMs != 80_000 || c.Jobs[0].Path != "on" {
		t.Errorf("%+v", c.Jobs)
	}
	if c.A.TookMs != 300_000 || c.B.TookMs != 380_000 {
		t.Errorf("%+v\n%+v", c.A, c.B)
	}
	r.json("/api/v1/analytics/compare?a=a&b=a", &c)
	if len(c.Jobs) != 0 {
		t.Errorf("compared with itself: %+v", c.Jobs)
	}
}

func TestQuestionsThatAreNone(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	for path, slug := range map[string]string{
		"provisions?from=2024-01-01":                  "invalid-range",
		"provisions?from=2026-02-01&to=2026-01-01":    "invalid-range",
		"components?from=then":                        "invalid-time",
		"provisions?limit=0":                          "invalid-limit",
		"components?limit=many":                       "invalid-limit",
		"provisions?outcome=fine":                     "invalid-outcome",
		"provisions?after=x!":                         "invalid-after",
		"provisions?after=eA":                         "invalid-after",
		"components?region=NOT%20A%20REGION":          "invalid-region",
		"compare?a=x":                                 "invalid-id",
		"compare?b=x":                                 "invalid-id",
		"compare?a=x&b=%00":                           "invalid-id",
		"components?after=" + url.QueryEscape("AA"):   "invalid-after",
		"components?from=2026-01-01T00:00:00&to=2026": "invalid-time",
	} {
		if a := r.get("/api/v1/analytics/" + path); a.status != http.StatusBadRequest || !strings.Contains(a.body, slug) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// Who sees some deployments gets lists and statistics of those, and cannot compare with others.
func TestListsAreOfWhatIsSeen(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	fleet(t, func(id string, lines ...string) {
		g.as(g.admin, "POST", "/api/v1/deployments/"+id+"/provisioner-events", strings.Join(lines, "\n"))
	})
	token, _ := g.token("b-", access.Read)
	if a := g.as(token, "GET", "/api/v1/analytics/provisions?"+inApril, ""); strings.Contains(a.body, "a-") || !strings.Contains(a.body, `"b-1"`) {
		t.Errorf("%s", a.body)
	}
	if a := g.as(token, "GET", "/api/v1/analytics/components?"+inApril, ""); strings.Contains(a.body, `"flows":5`) || !strings.Contains(a.body, `"flows":1`) {
		t.Errorf("%s", a.body)
	}
	for _, query := range []string{"a=b-1&b=a-1", "a=a-1&b=b-1"} {
		a := g.as(token, "GET", "/api/v1/analytics/compare?"+query, "")
		absent := g.as(g.admin, "GET", "/api/v1/analytics/compare?"+strings.ReplaceAll(query, "a-1", "a-77"), "")
		if a.status != http.StatusNotFound || a.body != strings.ReplaceAll(absent.body, "a-77", "a-1") {
			t.Errorf("%s: %d %s, what is not there: %s", query, a.status, a.body, absent.body)
		}
	}
}
