package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// deployment is a record as a client reads it.
type deployment struct {
	ID, SovereignFQDN, Provider, Status string
	Regions                             []string
	Meta                                json.RawMessage
	CreatedAt, UpdatedAt                time.Time
}

func (r *replica) putDeployment(id, body string) deployment {
	r.t.Helper()
	a := r.do("PUT", "/api/v1/deployments/"+id, body)
	if a.status != http.StatusOK {
		r.t.Fatalf("PUT %s: %d %s", body, a.status, a.body)
	}
	return decode[deployment](r.t, a.body)
}

func decode[T any](t testing.TB, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func TestADeploymentsRecord(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	first := r.putDeployment("d1", `{"sovereignFQDN":"One.example.com","provider":"Hetzner","regions":["fsn1","nbg1"],"meta":{"a": [1]},"later":true}`)
	second := r.putDeployment("d1", `{"provider":"aws","regions":null}`)
	if second.SovereignFQDN != "One.example.com" || second.Provider != "aws" || string(second.Meta) != `{"a":[1]}` ||
		!slices.Equal(second.Regions, first.Regions) || second.Status != "pending" || !second.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if got := r.get("/sovereign/api/v1/deployments/d1"); got.body != r.do("PUT", "/api/v1/deployments/d1", `{}`).body {
		t.Errorf("an empty PUT changed something: %s", got.body)
	}
	if a := r.get("/api/v1/deployments/none"); a.status != http.StatusNotFound || !strings.Contains(a.body, "deployment-not-found") {
		t.Errorf("unknown: %d %s", a.status, a.body)
	}
}

func TestAPutMakesNoFlow(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.putDeployment("d1", `{"provider":"aws"}`)
	r.post("d2", "") // an empty body makes a deployment known, too
	if n := query[int64](t, dsn, `SELECT count(*) FROM flows`); n != 0 {
		t.Errorf("%d flows", n)
	}
	for _, id := range []string{"d1", "d2"} {
		if s := r.snapshot(id); len(s.nodes) != 0 {
			t.Errorf("%s: %s", id, s)
		}
	}
}

func TestWhatIsWrongInADeploymentIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	long := strings.Repeat("x", 64<<10)
	for body, want := range map[string]string{
		``:                                          "400 invalid-deployment",
		`[]`:                                        "400 invalid-deployment",
		`{"provider":1}`:                            "400 invalid-deployment",
		`{"regions":"fsn1"}`:                        "400 invalid-deployment",
		`{"provider":"a b"}`:                        "400 invalid-provider",
		`{"provider":"` + long[:33] + `"}`:          "400 invalid-provider",
		`{"regions":["fsn1","fsn1"]}`:               "400 invalid-region",
		`{"regions":["FSN"]}`:                       "400 invalid-region",
		`{"regions":[""]}`:                          "400 invalid-region",
		`{"meta":[]}`:                               "400 invalid-meta",
		`{"meta":"x"}`:                              "400 invalid-meta",
		`{"meta":{"a":"` + long + `"}}`:             "400 invalid-meta",
		`{"meta":{"a":"` + long + long + `"}}`:      "413 too-large",
		`{"sovereignFQDN":"https://a.example"}`:     "400 invalid-fqdn",
		`{"sovereignFQDN":"a.example:443"}`:         "400 invalid-fqdn",
		`{"sovereignFQDN":"u@a.example"}`:           "400 invalid-fqdn",
		`{"sovereignFQDN":"10.0.0.1"}`:              "400 invalid-fqdn",
		`{"sovereignFQDN":"[::1]"}`:                 "400 invalid-fqdn",
		`{"sovereignFQDN":"a.example."}`:            "400 invalid-fqdn",
		`{"sovereignFQDN":"localhost"}`:             "400 invalid-fqdn",
		`{"sovereignFQDN":"-a.example"}`:            "400 invalid-fqdn",
		`{"sovereignFQDN":"a..example"}`:            "400 invalid-fqdn",
		`{"sovereignFQDN":"ä.example"}`:             "400 invalid-fqdn",
		`{"sovereignFQDN":"` + long[:250] + `.de"}`: "400 invalid-fqdn",
	} {
		a := r.do("PUT", "/api/v1/deployments/d1", body)
		if got := fmt.Sprint(a.status, " ", decode[struct{ Error string }](t, a.body).Error); got != want {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
	}
	for _, path := range []string{"?limit=0", "?limit=x", "?after=x", "?after=LjE"} {
		if a := r.get("/api/v1/deployments" + path); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := r.get("/api/v1/deployments"); a.body != `{"deployments":[]}` {
		t.Errorf("left: %s", a.body)
	}
}

func TestDeploymentsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	for i := range 7 {
		r.putDeployment(fmt.Sprint("d", i), `{}`)
	}
	r.post("d6", event(0, "tofu-init"))
	type page struct {
		Deployments []deployment
		Next        string
	}
	var got []string
	for after := "?limit=3"; after != ""; {
		p := decode[page](t, r.get("/api/v1/deployments"+after).body)
		for _, d := range p.Deployments {
			got = append(got, d.ID+" "+d.Status)
		}
		if after = ""; p.Next != "" {
			after = "?limit=3&after=" + p.Next
		}
	}
	want := []string{"d6 running", "d5 pending", "d4 pending", "d3 pending", "d2 pending", "d1 pending", "d0 pending"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// The group is named after the provider: at once where it is made later, and live, on
// every replica, where it is there already.
func TestTheProviderNamesItsGroup(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	here.putDeployment("d1", `{"provider":"hetzner"}`)
	here.post("d1", event(0, "tofu-init"))
	s := there.stream("d1", "")
	s.until(there, "d1")
	label := func() string {
		return decode[struct{ Label string }](t, string(s.state.nodes["d1:provisioner"])).Label
	}
	if label() != "Provision Hetzner" {
		t.Errorf("label %q", label())
	}
	here.putDeployment("d1", `{"provider":"AWS"}`)
	f, _ := s.next()
	if f.event != "upsert-nodes" || label() != "Provision AWS" {
		t.Errorf("after %s: label %q", f.event, label())
	}
	before := s.state.cursor
	here.putDeployment("d1", `{"provider":"AWS"}`)
	if s.until(there, "d1"); s.state.cursor != before {
		t.Error("a PUT that changes nothing moved the flow")
	}
}

func TestADeletedDeploymentEndsItsStreams(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	here.post("d1", event(0, "tofu-init"))
	here.putDeployment("empty", `{}`)
	streams := []*stream{there.stream("d1", ""), there.stream("empty", "")}
	for i, id := range []string{"d1", "empty"} {
		streams[i].until(there, id)
		for range 2 {
			if a := here.do("DELETE", "/api/v1/deployments/"+id, ""); a.status != http.StatusNoContent {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		for ok := true; ok; {
			_, ok = streams[i].next()
		}
		for _, path := range []string{"deployments/" + id, "flows/" + id + "/snapshot", "flows/" + id + "/stream"} {
			if a := there.get("/api/v1/" + path); a.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
}
