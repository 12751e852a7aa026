package bridge

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Phases of a provisioner event that are not steps of their own.
const (
	phaseTofu         = "tofu"           // a line of the active step
	PhaseComponent    = "component"      // a HelmRelease's state
	PhaseComponentLog = "component-log"  // a controller's log line about it
	PhaseWatch        = "watch"          // what who watches the cluster says of the whole
	phaseResource     = "tofu-resource"  // a resource of a step: its state, or a line about it
	phaseFluxAlias    = "flux-bootstrap" // older name of cluster-bootstrap
)

// States a component can be in.
const (
	StatePending    = "pending"
	StateInstalling = "installing"
	StateInstalled  = "installed"
	StateDegraded   = "degraded"
	StateFailed     = "failed"
	StateDeleted    = "deleted" // no status: the job goes, its history stays
)

// FinerRetrying with StateFailed tells of the attempt that failed, with StateInstalling of
// the one that follows it. No other finer state means anything to the rules.
const FinerRetrying = "retrying"

// statusOf maps a component's state to what clients know.
var statusOf = map[string]flow.Status{
	StatePending:    flow.Pending,
	StateInstalling: flow.Running,
	StateDegraded:   flow.Running,
	StateInstalled:  flow.Succeeded,
	StateFailed:     flow.Failed,
}

// MaxClockSkew is how far ahead of this clock an event's time may be.
const MaxClockSkew = 5 * time.Minute

// maxDependencies is how many jobs one event may name.
const maxDependencies = 1000

// maxComponents is how many releases one list of them may name.
const maxComponents = 10000

// Earliest is the first time believed; anything before is a clock that was never set. Clients
// take unix milliseconds below 10^12 for seconds.
var Earliest = time.UnixMilli(1e12).UTC()

// Event is one provisioner event, checked and cleaned. Component is the chart's bare
// name, or a resource's address; DependsOn is nil where the event does not speak of dependencies.
type Event struct {
	Time         time.Time
	Phase        string
	Level        string
	Message      string
	Component    string
	State        string
	DependsOn    []string
	Region       string
	ChartVersion string
	Step         string // of a resource: the step it belongs to
	Action       string // what is done to a resource

	Namespace  string    // of the release; "" is the home namespace
	Finer      string    // what the state is more precisely, such as "waiting"
	Reason     string    // in a word; the message says it in full
	Began      time.Time // when the attempt began that the event speaks of
	Revision   int       // tells attempts that began in the same second apart
	Failures   int       // attempts that have failed so far
	AsOf       time.Time // when the source knew it, by which facts about one component are in order
	Components []string  // all releases there are, with the watch's state "listed"; nil with any other
}

// EventWire is a provisioner event as it travels.
type EventWire struct {
	Time         *string   `json:"time" format:"date-time"`
	Phase        string    `json:"phase" enum:"tofu-init,tofu-plan,tofu-apply,tofu-output,cluster-bootstrap,flux-bootstrap,tofu,tofu-resource,component,component-log,watch"`
	Level        string    `json:"level,omitempty" enum:"info,warn,error"`
	Message      string    `json:"message,omitempty"`
	Component    string    `json:"component,omitempty"`
	State        string    `json:"state,omitempty"`
	DependsOn    *[]string `json:"dependsOn,omitempty"`
	Region       string    `json:"region,omitempty"`
	ChartVersion string    `json:"chartVersion,omitempty"`
	Step         string    `json:"step,omitempty"`
	Action       string    `json:"action,omitempty"`
	Namespace    string    `json:"namespace,omitempty"`
	Finer        string    `json:"finer,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Began        string    `json:"began,omitempty"`
	Revision     int       `json:"revision,omitempty"`
	Failures     int       `json:"failures,omitempty"`
	AsOf         string    `json:"asOf,omitempty"`
	Components   *[]string `json:"components,omitempty"`
}

// ParseEvent reads one line of NDJSON. Its errors are flow.Invalid and name the field.
func ParseEvent(line []byte, now time.Time) (Event, error) {
	var w EventWire
	line = escapeNUL(line)
	if err := json.Unmarshal(line, &w); err != nil {
		return Event{}, jsonError(line, err)
	}
	e := Event{
		Phase: w.Phase, Level: cmp.Or(w.Level, "info"), Message: flow.CleanText(w.Message), State: w.State,
		Region: w.Region, ChartVersion: flow.CleanName(w.ChartVersion), Namespace: w.Namespace, Finer: w.Finer,
		Step: w.Step, Action: w.Action, Reason: flow.CleanName(w.Reason), Revision: w.Revision, Failures: w.Failures,
	}
	if e.Phase == phaseFluxAlias {
		e.Phase = flow.StepBootstrap
	}
	if e.Step == "" && e.Phase == phaseResource {
		e.Step = flow.StepApply
	}
	e.DependsOn, e.Components = list(w.DependsOn), list(w.Components)
	return e, errors.Join(e.readTimes(w, now), e.readComponent(w.Component), e.check())
}

// Wire gives the event as it travels; read again it is the same event.
func (e Event) Wire() EventWire {
	at := e.Time.Format(time.RFC3339Nano)
	w := EventWire{
		Time: &at, Phase: e.Phase, Level: e.Level, Message: e.Message, Component: e.Component, State: e.State,
		Region: e.Region, ChartVersion: e.ChartVersion, Step: e.Step, Action: e.Action, Namespace: e.Namespace,
		Finer: e.Finer, Reason: e.Reason,
		Began: wireTime(e.Began), Revision: e.Revision, Failures: e.Failures, AsOf: wireTime(e.AsOf),
	}
	if e.DependsOn != nil { // absent is not empty
		w.DependsOn = &e.DependsOn
	}
	if e.Components != nil {
		w.Components = &e.Components
	}
	return w
}

// list gives a list that was sent; nil where there was none.
func list(sent *[]string) []string {
	if sent == nil {
		return nil
	}
	return append([]string{}, *sent...)
}

func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// asOf is by what facts about one component are in order.
func (e Event) asOf() time.Time { return orKnownTime(e.AsOf, e.Time) }
