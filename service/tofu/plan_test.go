package tofu_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

// Plans say what waits for what: through variables and outputs of modules, through local
// values where the state knows it, and the other way round where things are deleted.
func TestDependenciesOfAPlan(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plan-create", "plan-change", "plan-destroy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plan(t, name+".json")
			var b strings.Builder
			var before []string
			for _, c := range p.Changes {
				fmt.Fprintf(&b, "%s %s %d: %s\n", c.Action, c.Resource, c.Parts, strings.Join(c.DependsOn, ", "))
				for _, d := range c.DependsOn {
					if !slices.Contains(before, d) {
						t.Errorf("%s comes before %s, which it waits for", c.Resource, d)
					}
				}
				before = append(before, c.Resource)
			}
			golden(t, name+".golden", b.String())
			if !slices.Contains(p.Secrets, any("hunter22pw")) {
				t.Errorf("its secrets are %v", p.Secrets)
			}
		})
	}
}

func TestAPlanThatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"format_version":"99.0"}`, "[]"} {
		if _, err := tofu.ParsePlan([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// After a plan, the resources are pending in their order; created, then destroyed, their
// dependencies turn and none is refused.
func TestPlannedResourcesAndTheirDependencies(t *testing.T) {
	t.Parallel()
	g := flow.NewGraph("d1")
	at := time.Date(2026, 11, 25, 7, 30, 0, 0, time.UTC)
	for i, name := range []string{"plan-create.json", "plan-destroy.json"} {
		p := plan(t, name)
		m := tofu.NewMapper(flow.StepApply, tofu.NewSecrets(nil))
		begin := at.Add(time.Duration(i) * time.Minute)
		apply(t, g, append(append(m.Begin(begin, "tofu apply"), m.Plan(begin, p)...), m.End(begin.Add(time.Second), true, "done")...))
		for _, c := range p.Changes {
			var want []string
			for _, d := range c.DependsOn {
				want = append(want, "d1:tofu-apply/"+d)
			}
			if got := g.Dependencies("d1:tofu-apply/" + c.Resource); !slices.Equal(got, want) {
				t.Errorf("%s: %s depends on %v, want %v", name, c.Resource, got, want)
			}
		}
	}
}

// A plan names its resources; what the stream says of them besides changes nothing.
func TestAPlanAndItsStream(t *testing.T) {
	t.Parallel()
	m := tofu.NewMapper(flow.StepApply, tofu.NewSecrets(nil))
	all := messages(t, "apply.jsonl")
	events := append(m.Begin(all[0].At, "tofu apply"), m.Plan(all[0].At, tofu.Plan{Changes: []tofu.Change{
		{Resource: "terraform_data.network", Action: "create", Parts: 1, DependsOn: []string{}},
		{Resource: "terraform_data.subnet[0]", Action: "create", Parts: 1, DependsOn: []string{"terraform_data.network"}},
	}})...)
	for _, msg := range all {
		events = append(events, m.Message(msg, time.Now())...)
	}
	g := flow.NewGraph("d1")
	apply(t, g, append(events, m.End(m.Last(), true, "done")...))
	if got := g.Dependencies("d1:tofu-apply/terraform_data.subnet[0]"); !slices.Equal(got, []string{"d1:tofu-apply/terraform_data.network"}) {
		t.Errorf("it depends on %v", got)
	}
	if j, _ := g.Job("d1:tofu-apply/terraform_data.subnet[0]"); j.Status != flow.Succeeded || j.Attempt != 1 {
		t.Errorf("got %+v", j)
	}
	if done, of := m.Progress(); done != 8 || of != 8 {
		t.Errorf("%d of %d are done", done, of)
	}
}

func FuzzParsePlan(f *testing.F) {
	for _, name := range []string{"plan-create.json", "plan-destroy.json"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := tofu.ParsePlan(text)
		if err != nil {
			return
		}
		var before []string
		for _, c := range p.Changes {
			if i := slices.IndexFunc(c.DependsOn, func(d string) bool { return !slices.Contains(before, d) }); i >= 0 {
				t.Fatalf("%s comes before %s", c.Resource, c.DependsOn[i])
			}
			before = append(before, c.Resource)
		}
	})
}
