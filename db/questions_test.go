package db_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

func at(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

// did gives a job that ran from one minute to another; to 0: it runs, from -1: it waits.
func did(id string, from, to int, s flow.Status) flow.Job {
	j := flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: "emitter", Status: s}
	if from >= 0 {
		j.StartedAt = at(from)
	}
	if to > 0 {
		j.FinishedAt = at(to)
	}
	return j
}

func TestDiagnosisFindsRootsAndWhatTheyStop(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	put(t, store, "f", func(g *flow.Graph) {
		g.PutJob(flow.Job{ID: "g", Name: "g", Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending})
		broken := did("broken", 1, 2, flow.Failed)
		broken.Reason = "no space"
		for _, j := range []flow.Job{
			did("fine", 0, 1, flow.Succeeded), broken, did("runs", 1, 0, flow.Running), did("after", 3, 4, flow.Failed),
			did("stopped", -1, 0, flow.Pending), did("behind", -1, 0, flow.Pending), did("both", -1, 0, flow.Pending), did("free", -1, 0, flow.Pending),
			did("anyway", -1, 0, flow.Pending), did("in-group", -1, 0, flow.Pending),
		} {
			g.PutJob(j)
		}
		for _, e := range [][2]string{
			{"fine", "broken"}, {"broken", "after"}, {"broken", "stopped"}, {"stopped", "behind"}, {"broken", "both"}, {"runs", "both"}, {"fine", "free"}, {"broken", "g"},
		} {
			g.Relate(edge(e[0], e[1], flow.FinishToStart))
		}
		g.Relate(edge("in-group", "g", flow.Contains))
		always := edge("broken", "anyway", flow.FinishToStart)
		always.Condition = "always"
		g.Relate(always)
	})
	d, err := store.Diagnosis(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Roots) != 1 || d.Roots[0].JobID != "broken" || d.Roots[0].Reason != "no space" || d.Roots[0].Stops != 5 || !d.Roots[0].FailedAt.Equal(at(2)) {
		t.Errorf("roots %+v", d.Roots)
	}
	var got []string
	for _, s := range d.Stopped {
		got = append(got, fmt.Sprintf("%s %s %v %v", s.JobID, s.Status, s.Roots, s.Only))
	}
	want := []string{
		"after failed [broken] true", "stopped pending [broken] true", "behind pending [broken] true", "both pending [broken] false", "in-group pending [broken] true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := store.Diagnosis(t.Context(), "nobody"); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("of no flow: %v", err)
	}
}

func TestAComparisonShowsWhatDiffers(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	put(t, store, "a", func(g *flow.Graph) {
		g.PutJob(did("x", 0, 5, flow.Succeeded))
		g.PutJob(did("y", 0, 3, flow.Succeeded))
		g.PutJob(did("same", 0, 1, flow.Succeeded))
		g.PutJob(did("old", 0, 1, flow.Succeeded))
	})
	put(t, store, "b", func(g *flow.Graph) {
		g.PutJob(did("x", 0, 4, flow.Succeeded))
		g.PutJob(did("y", 0, 9, flow.Succeeded))
		g.PutJob(did("same", 0, 1, flow.Succeeded))
		g.PutJob(did("new", 0, 2, flow.Succeeded))
	})
	c, err := store.Compare(t.Context(), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.Jobs {
		got = append(got, fmt.Sprint(d.Name, " ", d.Change, " ", d.More, " ", d.Path))
	}
	want := []string{"y slower 6m0s moved-on", "new only-in-b 0s off", "old only-in-a 0s off", "x faster -1m0s moved-off"}
	if !slices.Equal(got, want) || c.A.Took != 5*time.Minute || c.B.Took != 9*time.Minute {
		t.Errorf("got  %q of %v and %v\nwant %q", got, c.A.Took, c.B.Took, want)
	}
	if _, err := store.Compare(t.Context(), "a", "nobody"); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("with no flow: %v", err)
	}
}

func TestAFlowDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	for seed := range 20 {
		g := rapid.Custom(func(rt *rapid.T) generated { return drawFlow(rt, fmt.Sprint("f", seed)) }).Example(seed)
		g.store(t, store)
		for range 2 { // computed, and kept
			if c, err := store.Compare(t.Context(), g.id, g.id); err != nil || len(c.Jobs) > 0 {
				t.Errorf("%+v, %v", c.Jobs, err)
			}
			keepTimelines(t, store)
		}
	}
}

// chain writes a provision of three jobs, one after another with a minute between, that
// took so long; the clock says how far it is.
func chain(t testing.TB, store *db.Store, id string, start time.Time, clock time.Time, took [3]time.Duration) {
	put(t, store, id, func(g *flow.Graph) {
		begin := start
		for i, d := range took {
			j := flow.Job{ID: fmt.Sprint(id, ":", i), Name: fmt.Sprint("job-", i), Type: flow.TypeInstall, Source: "emitter", Status: flow.Pending}
			if !begin.After(clock) {
				j.Status, j.StartedAt = flow.Running, begin
			}
			if end := begin.Add(d); !end.After(clock) {
				j.Status, j.FinishedAt = flow.Succeeded, end
			}
			begin = begin.Add(d + time.Minute)
			g.PutJob(j)
			if i > 0 {
				g.Relate(edge(fmt.Sprint(id, ":", i-1), j.ID, flow.FinishToStart))
			}
		}
	})
}

func drawTook(r *rand.Rand) (took [3]time.Duration) {
	for i := range took {
		took[i] = time.Duration(60+r.IntN(600)) * time.Second
	}
	return took
}

// Of runs like those it rests on, the estimate holds four in five.
func TestAnEstimateHoldsTheRunsItShould(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same runs each time
	for i := range 20 {
		chain(t, store, fmt.Sprint("past", i), noon.AddDate(0, 0, -30+i), noon, drawTook(r))
	}
	keepTimelines(t, store)
	clock := noon.Add(30 * time.Second)
	later, err := db.Open(t.Context(), dsn, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	const held = 50
	inside := 0
	for i := range held {
		id, took := fmt.Sprint("held", i), drawTook(r)
		chain(t, store, id, noon, clock, took)
		e, err := later.Estimate(t.Context(), id)
		if err != nil || e.Runs != 20 || !e.Flow.Known || len(e.Jobs) != 3 || e.Flow.Low > e.Flow.High {
			t.Fatalf("%+v, %v", e, err)
		}
		left := took[0] + took[1] + took[2] + 2*time.Minute - 30*time.Second
		if e.Flow.Low <= left && left <= e.Flow.High {
			inside++
		}
	}
	if inside < 32 || inside > 48 {
		t.Errorf("%d of %d ended within it", inside, held)
	}
}

func TestAnEstimateKnowsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	chain(t, store, "alone", noon, noon, [3]time.Duration{time.Minute, time.Minute, time.Minute})
	if e, err := store.Estimate(t.Context(), "alone"); err != nil || e.Runs != 0 || e.Flow.Known || len(e.Jobs) != 3 || e.Jobs[0].Remaining.Known {
		t.Errorf("without earlier runs: %+v, %v", e, err)
	}
	chain(t, store, "past", noon.Add(-time.Hour), noon, [3]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute})
	e, err := store.Estimate(t.Context(), "alone")
	whole := timeline.Remaining{Low: 9 * time.Minute, High: 9 * time.Minute, Known: true}
	if err != nil || e.Runs != 1 || e.Flow != whole || e.Jobs[0].Remaining.Low != time.Minute || e.Jobs[1].Remaining.Low != 4*time.Minute {
		t.Errorf("with one: %+v, %v", e, err)
	}
	later, err := db.Open(t.Context(), dsn, func() time.Time { return noon.Add(2 * time.Minute) })
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	if e, err := later.Estimate(t.Context(), "alone"); err != nil || e.Runs != 1 || e.Flow.Known || e.Jobs[0].Remaining.Known {
		t.Errorf("of one that runs for longer than any before: %+v, %v", e, err)
	}
	put(t, store, "alone", func(g *flow.Graph) {
		j, _ := g.Job("alone:0")
		j.Status, j.FinishedAt = flow.Failed, noon
		g.PutJob(j)
	})
	if e, err := store.Estimate(t.Context(), "alone"); err != nil || e.Flow.Known || e.Jobs[0].Remaining.Known {
		t.Errorf("behind a failure: %+v, %v", e, err)
	}
	if e, err := store.Estimate(t.Context(), "past"); err != nil || e.Flow.Known || e.Jobs != nil {
		t.Errorf("of one that has ended: %+v, %v", e, err)
	}
}
