package tofu

import (
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// Event is a provisioner event as it travels.
type Event = bridge.EventWire

// Mapper turns the messages of one run of the tool into provisioner events. No two of them
// are equal, so that each is known by its content however it is sent. It is for one goroutine.
type Mapper struct {
	step     string
	secrets  *Secrets
	planned  map[string]*progress // by the address of the resource
	names    map[string]string    // of addresses, as they are sent
	fromPlan bool                 // what is planned is known already
	sent     unique
	last     time.Time // the latest time met
	done     int
	ended    bool   // the tool summed up what it did
	why      string // the first error
}

// progress is how far a resource is.
type progress struct {
	change Change
	begun  bool
	done   int // of its parts
	over   bool
}

// mostDependencies is how many the server takes of one event.
const mostDependencies = 1000

// NewMapper begins a run of a step (flow.StepPlan, flow.StepApply, …).
func NewMapper(step string, secrets *Secrets) *Mapper {
	return &Mapper{step: step, secrets: secrets, planned: map[string]*progress{}, names: map[string]string{}, sent: unique{}}
}

// Begin says that the step begins.
func (m *Mapper) Begin(at time.Time, command string) []Event {
	e := m.event(at, m.step, "info", "", command)
	e.State = string(flow.Running)
	return m.send(e)
}

// Plan says what is to be done, before it begins: as planned resources, each after what it
// waits for, so that no dependency closes a cycle with what is left of an earlier run.
func (m *Mapper) Plan(at time.Time, p Plan) []Event {
	m.fromPlan = true
	var events []Event
	for _, c := range p.Changes {
		m.planned[c.Resource] = &progress{change: c}
		e := m.resource(at, "info", c.Resource, "planned", "to "+c.Action)
		waits := make([]string, min(len(c.DependsOn), mostDependencies))
		for i := range waits {
			waits[i] = m.name(c.DependsOn[i])
		}
		e.Action, e.DependsOn = c.Action, &waits
		events = append(events, m.send(e)...)
	}
	return events
}

// Message says what one message of the tool means. A message without a time of its own
// happened now.
func (m *Mapper) Message(msg Message, now time.Time) []Event {
	msg = believable(msg, now)
	at := msg.At
	switch {
	case msg.Type == typePlanned && m.step != flow.StepPlan:
		return m.plannedChange(at, msg)
	case msg.Type == typeApplyStart:
		return m.start(at, msg)
	case msg.Type == typeApplyComplete:
		return m.complete(at, msg)
	case msg.Type == typeApplyErrored:
		return m.errored(at, msg)
	case msg.Diagnostic != nil:
		return m.diagnostic(at, msg)
	case msg.Type == typeOutputs:
		return m.outputs(at, msg)
	case msg.Type == typeSummary:
		m.ended = m.ended || msg.Summary != nil && (m.step == flow.StepPlan || msg.Summary.Operation != "plan")
	case msg.Type == typeProvisionBad:
		msg.Level = "error"
	}
	return m.line(at, msg.Level, msg.Resource, msg.Text)
}

// End says that the step ended: well, or with what went wrong.
func (m *Mapper) End(at time.Time, ok bool, how string) []Event {
	if at.Before(m.last) {
		at = m.last
	}
	e := m.event(at, m.step, "info", "", how)
	e.State = string(flow.Succeeded)
	if !ok {
		e.State, e.Level = string(flow.Failed), "error"
		if m.why != "" {
			e.Message = m.secrets.Hide("", how+": "+m.why)
		}
	}
	return m.send(e)
}

// Broken says how a stream that ended without an exit code went: it did well when it
// summed up and had no error.
func (m *Mapper) Broken() (ok bool, how string) {
	switch {
	case m.why != "":
		return false, "failed"
	case !m.ended:
		return false, "the stream ends in the middle"
	}
	return true, "done"
}

// Step is the step that the run is of.
func (m *Mapper) Step() string { return m.step }

// Last is the latest time met.
func (m *Mapper) Last() time.Time { return m.last }

// Progress counts the resources that are over, and all that are known.
func (m *Mapper) Progress() (done, all int) { return m.done, len(m.planned) }

func (m *Mapper) plannedChange(at time.Time, msg Message) []Event {
	parts := partsOf[msg.Action]
	if m.fromPlan || parts == 0 {
		return m.line(at, msg.Level, msg.Resource, msg.Text)
	}
	if known := m.planned[msg.Resource]; known != nil { // a deposed object of it goes too
		known.change.Parts += parts
		return m.line(at, msg.Level, msg.Resource, msg.Text)
	}
	m.planned[msg.Resource] = &progress{change: Change{Resource: msg.Resource, Action: msg.Action, Parts: parts}}
	e := m.resource(at, msg.Level, msg.Resource, "planned", msg.Text)
	e.Action = msg.Action
	return m.send(e)
}

// of finds how far a resource is; one that nobody planned (a data source) takes one operation.
func (m *Mapper) of(msg Message) *progress {
	p := m.planned[msg.Resource]
	if p == nil || p.over && p.done >= p.change.Parts {
		p = &progress{change: Change{Resource: msg.Resource, Action: msg.Action, Parts: 1}}
		if m.planned[msg.Resource] != nil {
			m.done--
		}
		m.planned[msg.Resource] = p
	}
	return p
}

func (m *Mapper) start(at time.Time, msg Message) []Event {
	p := m.of(msg)
	p.begun = true
	e := m.resource(at, msg.Level, msg.Resource, string(flow.Running), msg.Text)
	e.Action = p.change.Action
	return m.send(e)
}

// complete ends a resource once all of its parts are done; until then it is a line.
func (m *Mapper) complete(at time.Time, msg Message) []Event {
	p := m.of(msg)
	p.done++
	if p.done < p.change.Parts || p.over {
		return m.line(at, msg.Level, msg.Resource, msg.Text)
	}
	p.over = true
	m.done++
	return m.send(m.resource(at, msg.Level, msg.Resource, string(flow.Succeeded), msg.Text))
}

func (m *Mapper) errored(at time.Time, msg Message) []Event {
	m.fail(m.of(msg))
	return m.send(m.resource(at, "error", msg.Resource, string(flow.Failed), msg.Text))
}

func (m *Mapper) fail(p *progress) {
	if !p.over {
		p.over = true
		m.done++
	}
}

// diagnostic fails the resource it is about, where that is one of this run's; else it is a line.
func (m *Mapper) diagnostic(at time.Time, msg Message) []Event {
	text := msg.Diagnostic.Brief()
	if !msg.Diagnostic.isError() {
		return m.line(at, "warn", msg.Resource, text)
	}
	if m.why == "" {
		m.why = msg.Diagnostic.Summary
	}
	p := m.planned[msg.Resource]
	if p == nil {
		return m.line(at, "error", msg.Resource, text)
	}
	m.fail(p)
	return m.send(m.resource(at, "error", msg.Resource, string(flow.Failed), text))
}

// outputs says each output's value; that of a sensitive one is a secret from now on.
func (m *Mapper) outputs(at time.Time, msg Message) []Event {
	events := m.line(at, msg.Level, "", msg.Text)
	given := map[string]Output{}
	for name, o := range msg.Outputs {
		if o.Sensitive {
			m.secrets.Add(decodeValue(o.Value))
		}
		if o.Sensitive || len(o.Value) > 0 {
			given[name] = o
		}
	}
	for _, l := range outputLines(given, false) {
		events = append(events, m.line(at, msg.Level, "", l)...)
	}
	return events
}
