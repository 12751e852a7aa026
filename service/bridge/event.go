package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Phases of a provisioner event that are not steps of their own.
const (
	phaseTofu         = "tofu"           // a line of the active step
	phaseComponent    = "component"      // a HelmRelease's state
	phaseComponentLog = "component-log"  // a controller's log line about it
	phaseResource     = "tofu-resource"  // a resource of a step: its state, or a line about it
	phaseFluxAlias    = "flux-bootstrap" // older name of cluster-bootstrap
)

// States a component can be in.
const (
	statePending    = "pending"
	stateInstalling = "installing"
	stateInstalled  = "installed"
	stateDegraded   = "degraded"
	stateFailed     = "failed"
)

// statusOf maps a component's state to what clients know.
var statusOf = map[string]flow.Status{
	statePending:    flow.Pending,
	stateInstalling: flow.Running,
	stateDegraded:   flow.Running,
	stateInstalled:  flow.Succeeded,
	stateFailed:     flow.Failed,
}

// MaxClockSkew is how far ahead of this clock an event's time may be.
const MaxClockSkew = 5 * time.Minute

// maxDependencies is how many jobs one event may name.
const maxDependencies = 1000

// earliest is the first time believed; anything before is a clock that was never set.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

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
}

// EventWire is a provisioner event as it travels.
type EventWire struct {
	Time         *string   `json:"time"`
	Phase        string    `json:"phase"`
	Level        string    `json:"level"`
	Message      string    `json:"message"`
	Component    string    `json:"component"`
	State        string    `json:"state"`
	DependsOn    *[]string `json:"dependsOn"`
	Region       string    `json:"region"`
	ChartVersion string    `json:"chartVersion"`
	Step         string    `json:"step"`
	Action       string    `json:"action"`
}

// ParseEvent reads one line of NDJSON. Its errors are flow.Invalid and name the field.
func ParseEvent(line []byte, now time.Time) (Event, error) {
	var w EventWire
	if err := json.Unmarshal(line, &w); err != nil {
		return Event{}, jsonError(line, err)
	}
	e := Event{
		Phase: w.Phase, Level: w.Level, Message: flow.CleanText(w.Message), State: w.State,
		Region: w.Region, ChartVersion: flow.CleanName(w.ChartVersion), Step: w.Step, Action: w.Action,
	}
	if e.Phase == phaseFluxAlias {
		e.Phase = flow.StepBootstrap
	}
	if e.Level == "" {
		e.Level = "info"
	}
	if e.Step == "" && e.Phase == phaseResource {
		e.Step = flow.StepApply
	}
	if w.DependsOn != nil {
		e.DependsOn = append([]string{}, *w.DependsOn...)
	}
	return e, errors.Join(e.readTime(w.Time, now), e.readComponent(w.Component), e.check())
}

func jsonError(line []byte, err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")):
		return flow.Invalidf("invalid-event", "not a JSON object: send one object per line")
	case errors.As(err, &wrongType) && wrongType.Field == "dependsOn":
		return invalid("dependsOn", "is a %s; it must be a list of strings", wrongType.Value)
	case errors.As(err, &wrongType):
		return invalid(wrongType.Field, "is a %s; it must be a string", wrongType.Value)
	}
	return flow.Invalidf("invalid-event", "not JSON: %v", err)
}

func (e *Event) readTime(s *string, now time.Time) error {
	if s == nil || *s == "" {
		return invalid("time", "is missing; use RFC 3339, such as %s", earliest.Format(time.RFC3339))
	}
	t, err := time.Parse(time.RFC3339Nano, *s)
	switch {
	case err != nil:
		return invalid("time", "%.40q is not RFC 3339, such as 2026-01-31T12:00:00Z", *s)
	case t.Before(earliest):
		return invalid("time", "%s is before 2000: is the sender's clock set?", *s)
	case t.After(now.Add(MaxClockSkew)):
		return invalid("time", "%s is more than %s in the future: is the sender's clock right?", *s, MaxClockSkew)
	}
	// The database keeps microseconds; what is compared later must not keep more.
	e.Time = t.UTC().Truncate(time.Microsecond)
	return nil
}

func (e *Event) readComponent(s string) error {
	if e.Phase == phaseResource {
		e.Component = s
		return flow.CheckAddress("component", s)
	}
	if s == "" && !e.aboutComponent() {
		return nil
	}
	if s == "" {
		return invalid("component", "is missing; a %s event names one", e.Phase)
	}
	chart, err := flow.ParseComponent(s)
	e.Component = chart
	return err
}

func (e *Event) check() error {
	return errors.Join(e.checkPhase(), e.checkState(), e.checkLevel(), flow.CheckRegion(e.Region), e.checkDependsOn(), e.checkResource())
}

func (e *Event) aboutComponent() bool {
	return e.Phase == phaseComponent || e.Phase == phaseComponentLog
}

func (e *Event) isStep() bool { return slices.Contains(flow.Steps, e.Phase) }

func (e *Event) checkPhase() error {
	if e.isStep() || e.aboutComponent() || e.Phase == phaseTofu || e.Phase == phaseResource {
		return nil
	}
	return invalid("phase", "%.40q is unknown; use one of %s, %s, %s, %s, %s", e.Phase,
		strings.Join(flow.Steps, ", "), phaseTofu, phaseResource, phaseComponent, phaseComponentLog)
}

func (e *Event) checkState() error {
	_, known := statusOf[e.State]
	switch {
	case e.Phase == phaseComponent && !known:
		return invalid("state", "%.40q is unknown; use pending, installing, installed, degraded or failed", e.State)
	case e.isStep() && !slices.Contains([]string{"", "running", "succeeded", "failed"}, e.State):
		return invalid("state", "%.40q is unknown for a step; use running, succeeded or failed, or leave it out", e.State)
	}
	return nil
}

func (e *Event) checkLevel() error {
	if slices.Contains([]string{"info", "warn", "error"}, e.Level) {
		return nil
	}
	return invalid("level", "%.40q is unknown; use info, warn or error", e.Level)
}

func (e *Event) checkDependsOn() error {
	if len(e.DependsOn) > maxDependencies {
		return invalid("dependsOn", "names %d jobs; %d are the most", len(e.DependsOn), maxDependencies)
	}
	check := flow.CheckID
	if e.Phase == phaseResource {
		check = flow.CheckAddress
	}
	for i, ref := range e.DependsOn {
		if err := check(fmt.Sprintf("dependsOn[%d]", i), ref); err != nil {
			return err
		}
	}
	return nil
}

func (e *Event) checkResource() error {
	_, known := resourceStatus[e.State]
	switch {
	case e.Phase != phaseResource:
		return nil
	case !known && e.State != "":
		return invalid("state", "%.40q is unknown for a resource; use planned, running, succeeded or failed, or leave it out for a line of its log", e.State)
	case e.Action != "" && !slices.Contains(actions, e.Action):
		return invalid("action", "%.40q is unknown; use %s", e.Action, strings.Join(actions, ", "))
	case !slices.Contains(flow.Steps, e.Step):
		return invalid("step", "%.40q is unknown; use one of %s", e.Step, strings.Join(flow.Steps, ", "))
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return flow.Invalidf("invalid-event", "field %q "+format, append([]any{field}, args...)...)
}
