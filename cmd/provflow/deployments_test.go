package main

import (
	"encoding/json"
	"fmt"
	"net/http"
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
		if s := r.snapshot(id); len(s.Nodes.ByID) != 0 {
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
