package helmwatch

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// Release names a HelmRelease of a cluster.
type Release struct {
	Namespace, Name string
}

// String writes the release as Kubernetes does.
func (r Release) String() string { return r.Namespace + "/" + r.Name }

// Observation is what one look at a HelmRelease says of it. The same object gives the same
// observation, whenever it is looked at.
type Observation struct {
	Release      Release
	State        string // pending, installing, installed or failed: the wire's words
	Finer        string // what the state is more precisely; "" where there is no more to say
	Reason       string // the controller's word for it
	Message      string
	At           time.Time // when it came to be so
	AsOf         time.Time // when the object was last seen to change
	ChartVersion string
	Failures     int          // attempts at what is wanted now that have failed
	Attempt      Attempt      // which one State speaks of; zero where the object does not say
	Past         []Attempt    // attempts that are over, the oldest first
	Unremembered Attempt      // the failure that State follows, where it left nothing but that it was; Began is zero
	Before       *Observation // see before; nil: there is nothing
	DependsOn    []Release    // never nil: a release always says what it depends on
}

// Attempt is one attempt at a release, as the controller remembers it.
type Attempt struct {
	Began        time.Time
	Ended        time.Time // not before Began; Began itself where nobody knows
	Revision     int       // Helm's number of it
	State        string    // how it ended: installed or failed
	ChartVersion string
	Message      string
}

// Finer states.
const (
	Waiting     = "waiting"            // for a dependency or a source
	Retrying    = bridge.FinerRetrying // the last attempt failed, another one follows
	Stalled     = "stalled"            // failed, and the controller has given up
	Remediating = "remediating"        // failed, and what it left is being cleared away
	RolledBack  = "rolled-back"        // failed, and what was there before is back
	Uninstalled = "uninstalled"        // failed, and what it left is cleared away
	Suspended   = "suspended"          // the controller does not look at it
	Deleting    = "uninstalling"       // it is being deleted
)

// Observe reads a HelmRelease of any served version. What it does not know it passes over.
func Observe(u *unstructured.Unstructured, now time.Time) (Observation, error) {
	r, err := decode(u)
	if err != nil {
		return Observation{}, err
	}
	r.settleTimes(now)
	said := r.said()
	o := Observation{
		Release: Release{u.GetNamespace(), u.GetName()}, State: said.state, Finer: said.finer,
		Reason: said.reason, Message: said.message, At: said.at, AsOf: r.asOf,
		Failures: r.Status.InstallFailures + r.Status.UpgradeFailures, DependsOn: r.dependsOn(),
	}
	o.Past = r.attempts()
	o.speakOfAttempt(r)
	o.Unremembered = r.unremembered(o)
	if o.Before = r.before(o); o.Before != nil {
		o.Past = o.Before.Past
	}
	return o, nil
}

// before is the failure that was the last word on what was wanted before, while nobody has
// looked at what is wanted now.
func (r *release) before(o Observation) *Observation {
	stalled := r.condition(condStalled)
	if o.State != bridge.StatePending || !r.unseen() || !isTrue(stalled) {
		return nil
	}
	said := r.stalled(stalled, r.condition(condRemediated))
	o.State, o.Finer, o.Reason, o.Message, o.At, o.AsOf = said.state, said.finer, said.reason, said.message, said.at, said.at
	o.speakOfAttempt(r)
	return &o
}

// speakOfAttempt says which attempt the state is about: the last one, where it ended as the
// state says and was of the same chart. It is then no longer told of as past.
func (o *Observation) speakOfAttempt(r *release) {
	o.ChartVersion = r.chartVersion(o.State)
	last := len(o.Past) - 1
	if last < 0 || o.Past[last].State != o.State || r.triedSince(o.Past[last]) {
		return
	}
	o.Attempt, o.Past = o.Past[last], o.Past[:last]
	o.ChartVersion = o.Attempt.ChartVersion
	if o.At.Before(o.Attempt.Began) {
		o.At = o.Attempt.Began
	}
}

// Events gives what the observation says as provisioner events of a release in that region
// ("" is the primary one), in the order in which they are to be applied together.
func (o Observation) Events(region string) []bridge.Event {
	var events []bridge.Event
	for _, a := range o.Past {
		events = append(events, o.past(region, a))
	}
	e := o.event(region)
	if u := o.Unremembered; u.State != "" {
		failed := e
		failed.Time, failed.State, failed.Finer, failed.Level, failed.Message = u.Ended, u.State, Retrying, "error", u.Message
		failed.ChartVersion = "" // what it was of nobody says
		events = append(events, failed)
	}
	if o.Before != nil {
		events = append(events, o.Before.event(region))
	}
	return append(events, e)
}

func (o Observation) event(region string) bridge.Event {
	e := o.about(region, bridge.PhaseComponent)
	e.Time, e.AsOf, e.Level = o.At, o.AsOf, levelOf(o.State, o.Finer)
	e.State, e.Finer, e.Reason, e.Message = o.State, o.Finer, o.Reason, o.Message
	e.ChartVersion, e.Failures = o.ChartVersion, o.Failures
	e.Began, e.Revision = o.Attempt.Began, o.Attempt.Revision
	e.DependsOn = o.refs()
	return e
}

func (o Observation) past(region string, a Attempt) bridge.Event {
	e := o.about(region, bridge.PhaseComponent)
	e.Time, e.Began, e.Revision, e.Level = a.Ended, a.Began, a.Revision, levelOf(a.State, "")
	e.State, e.ChartVersion, e.Message = a.State, a.ChartVersion, a.Message
	return e
}

func (o Observation) about(region, phase string) bridge.Event { return o.Release.about(region, phase) }

func (r Release) about(region, phase string) bridge.Event {
	chart, _ := flow.ParseComponent(r.Name) // a release's name is one
	return bridge.Event{Phase: phase, Level: "info", Component: chart, Namespace: r.Namespace, Region: region}
}

// refs names what the release depends on as its own namespace sees it.
func (o Observation) refs() []string {
	refs := make([]string, len(o.DependsOn))
	for i, d := range o.DependsOn {
		refs[i] = d.Name
		if d.Namespace != o.Release.Namespace {
			refs[i] = d.String()
		}
	}
	return refs
}

func levelOf(state, finer string) string {
	switch {
	case state == bridge.StateFailed:
		return "error"
	case finer == Retrying:
		return "warn"
	}
	return "info"
}
