package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func loaded(t *testing.T) []component {
	t.Helper()
	kit, err := loadKit()
	if err != nil {
		t.Fatal(err)
	}
	return kit
}

func TestTheKitIsWhole(t *testing.T) {
	t.Parallel()
	kit := loaded(t)
	if len(kit) != 35 {
		t.Errorf("the kit has %d components, want 35", len(kit))
	}
	for _, c := range kit {
		if c.Name == "" || c.Version == "" || c.Namespace == "" || c.DependsOn == nil {
			t.Errorf("%+v lacks something", c)
		}
	}
}

func TestEveryLongInstallIsOfTheKit(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range loaded(t) {
		known[c.Name] = true
	}
	for name, d := range installTimes {
		if !known[name] || d <= 0 || d >= failsAfter {
			t.Errorf("%s takes %s: it must be in the kit and take less than helm's patience, %s", name, d, failsAfter)
		}
	}
}

// checkOrder is what holds for every schedule: nothing begins before what it depends on
// has ended, and nothing that could begin is left to wait.
func checkOrder(t rapid.TB, runs []run, from time.Duration) {
	t.Helper()
	byName := map[string]run{}
	for _, r := range runs {
		byName[r.Name] = r
	}
	for i, r := range runs {
		ready := from
		for _, d := range r.DependsOn {
			ready = max(ready, byName[d].End)
		}
		if r.Start <= ready || r.Start > ready+10*time.Second {
			t.Errorf("%s (%d) begins at %s; all it depends on has ended at %s", r.Name, i, r.Start, ready)
		}
		if r.End <= r.last() || r.last() < r.Start {
			t.Errorf("%s begins at %s, tries last at %s and ends at %s", r.Name, r.Start, r.last(), r.End)
		}
	}
}

func TestTheKitIsInstalledInOrder(t *testing.T) {
	t.Parallel()
	runs, err := schedule(loaded(t), 8*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	checkOrder(t, runs, 8*time.Minute)
}

func TestOneFailsAndOneIsDegraded(t *testing.T) {
	t.Parallel()
	runs, err := schedule(loaded(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	var failures, degradations []string
	for _, r := range runs {
		if r.Failed > 0 {
			failures = append(failures, r.Name)
		}
		if r.Degraded > 0 {
			degradations = append(degradations, r.Name)
			if r.Degraded <= r.Start || r.Recovered <= r.Degraded || r.End <= r.Recovered {
				t.Errorf("%s is not degraded within its installation: %+v", r.Name, r)
			}
		}
	}
	if fmt.Sprint(failures, degradations) != "[keycloak] [openbao]" {
		t.Errorf("%v fail and %v are degraded, want one each", failures, degradations)
	}
}

// Any kit without a cycle can be scheduled, in whatever order it is written.
func TestAnyKitIsInstalledInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kit := anyKit(t)
		runs, err := schedule(kit, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		checkOrder(t, runs, time.Minute)
	})
}

// anyKit draws a graph whose edges lead from later names to earlier ones, and shuffles it.
func anyKit(t *rapid.T) []component {
	kit := make([]component, rapid.IntRange(1, 30).Draw(t, "size"))
	for i := range kit {
		kit[i].Name = fmt.Sprintf("c%d", i)
		for d := range i {
			if rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
				kit[i].DependsOn = append(kit[i].DependsOn, kit[d].Name)
			}
		}
	}
	return rapid.Permutation(kit).Draw(t, "order")
}

func TestAKitThatWaitsForItselfIsRefused(t *testing.T) {
	t.Parallel()
	for name, kit := range map[string][]component{
		"cycle":   {{Name: "a", DependsOn: []string{"b"}}, {Name: "b", DependsOn: []string{"a"}}},
		"unknown": {{Name: "a", DependsOn: []string{"nobody"}}},
	} {
		if _, err := schedule(kit, 0); err == nil || !strings.Contains(err.Error(), "a") {
			t.Errorf("%s: %v, want an error that names the component", name, err)
		}
	}
}
