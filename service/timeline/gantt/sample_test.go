package gantt_test

import (
	"fmt"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

var charts = []string{
	"cilium", "cert-manager", "crossplane", "external-dns", "keycloak", "gitea", "openbao", "harbor", "loki", "mimir", "tempo", "grafana",
	"postgres-operator", "opentelemetry-collector", "velero", "trivy", "falco", "kyverno", "flux-notification-controller", "seaweedfs",
}

// attempt is a row of a job that began after blocker ended.
func attempt(job, phase, region string, n int, s flow.Status, from, waited, ran int) timeline.Row {
	r := timeline.Row{
		JobID: "d1:" + job, Name: job, Label: flow.Label(job), Attempt: n, Status: s, Group: "d1:" + phase, Phase: phase, Region: region, Component: job,
		StartedAt: at(from), Ran: time.Duration(ran) * time.Second,
		Wait: timeline.Wait{From: at(from - waited), Waited: time.Duration(waited) * time.Second},
	}
	if s != flow.Running {
		r.EndedAt = at(from + ran)
	}
	return r
}

// sample is a provision of so many jobs in so many regions: the steps, then installs each
// of which waits for some other. Of a running one the end is still to come.
func sample(jobs, regions int, running bool) (timeline.Timeline, time.Time) {
	t := timeline.Timeline{Provision: timeline.Provision{FlowID: "omantel-prod", Outcome: flow.Succeeded, StartedAt: noon}}
	clock := 0
	for _, step := range flow.Steps {
		ran := 6 + 37*len(step)%200
		r := attempt(step, flow.GroupProvisioner, "", 1, flow.Succeeded, clock, 0, ran)
		r.Critical = true
		t.Rows = append(t.Rows, r)
		clock += ran
	}
	end := clock
	for region := range regions {
		name := ""
		if region > 0 {
			name = fmt.Sprintf("region-%d", region+1)
		}
		n := (jobs - len(flow.Steps)) / regions
		ends := make([]int, n)
		for i := range n {
			from := clock
			if i > 1 {
				blocker := i - 1 - (i*7)%min(i, 6)
				from = ends[blocker] + 1 + i%4
			}
			ran := 20 + (i*37+region*11)%160
			chart := charts[i%len(charts)]
			if i >= len(charts) {
				chart = fmt.Sprintf("%s-%d", chart, i/len(charts))
			}
			status := flow.Succeeded
			if i%17 == 9 {
				r := attempt("install-"+chart, flow.GroupBootstrapKit, name, 1, flow.Failed, from, from-clock, ran)
				t.Rows = append(t.Rows, r)
				t.Provision.Retries++
				from += ran + 15
			}
			r := attempt("install-"+chart, flow.GroupBootstrapKit, name, max(1, t.Provision.Retries), status, from, max(from-clock, 0), ran)
			r.JobID += name
			if i%17 == 9 {
				t.Rows[len(t.Rows)-1].JobID = r.JobID
				r.Attempt, r.Wait.From = 2, at(from-15)
			}
			ends[i] = from + ran
			r.Critical = region == 0 && i%5 == 0
			t.Rows = append(t.Rows, r)
			end = max(end, from+ran)
		}
	}
	now := at(end)
	if running {
		now = at(clock + (end-clock)/2)
		t.Provision.Outcome = flow.Running
		for i := range t.Rows {
			r := &t.Rows[i]
			switch {
			case r.StartedAt.After(now):
				r.Status, r.StartedAt, r.EndedAt, r.Ran, r.Attempt, r.Critical = flow.Pending, time.Time{}, time.Time{}, 0, 0, false
			case r.EndedAt.After(now):
				r.Status, r.EndedAt, r.Ran = flow.Running, time.Time{}, now.Sub(r.StartedAt)
			}
		}
	} else {
		t.Provision.EndedAt, t.Provision.ProvisionedAt = now, now
	}
	for _, r := range t.Rows {
		t.Provision.Jobs.All++
		if r.Status == flow.Running {
			t.Provision.Jobs.Running++
		}
		if r.Status == flow.Pending {
			t.Provision.Jobs.Pending++
		}
	}
	t.Provision.Jobs.All -= t.Provision.Retries
	for i := range t.Rows {
		if r := &t.Rows[i]; r.Critical {
			r.PathStep, r.PathRan = i+1, r.Ran
		}
	}
	return t, now
}
