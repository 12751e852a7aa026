package tofu

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// The phases of events other than the steps'.
const (
	phaseLine     = "tofu"
	phaseResource = "tofu-resource"
)

// believable is the message without what the server would refuse: a time that no clock shows,
// an address or an action that is none.
func believable(msg Message, now time.Time) Message {
	if msg.At.Before(bridge.Earliest) || msg.At.After(now.Add(bridge.MaxClockSkew)) {
		msg.At = now
	}
	if flow.CheckAddress("", msg.Resource) != nil {
		msg.Resource = ""
		if strings.HasPrefix(msg.Type, "apply_") || msg.Type == typePlanned {
			msg.Type = ""
		}
	}
	if _, known := partsOf[msg.Action]; !known {
		msg.Action = ""
	}
	return msg
}

// partsOf says how many operations an action takes: a replacement deletes and creates.
var partsOf = map[string]int{"create": 1, "update": 1, "delete": 1, "read": 1, "replace": 2}

// line is something the tool said: of a resource, or of the step.
func (m *Mapper) line(at time.Time, level, resource, text string) []Event {
	if resource != "" {
		return m.send(m.resource(at, level, resource, "", text))
	}
	if text == "" {
		return nil
	}
	return m.send(m.event(at, phaseLine, level, "", text))
}

func (m *Mapper) resource(at time.Time, level, address, state, text string) Event {
	e := m.event(at, phaseResource, level, address, text)
	e.Component, e.Step, e.State = m.name(address), m.step, state
	return e
}

// name is an address as it is sent: without the secrets that an instance's key may hold, and
// still a name of its own.
func (m *Mapper) name(address string) string {
	if name, known := m.names[address]; known {
		return name
	}
	name := m.secrets.HideName(address)
	if bare := name; bare != address {
		for n, taken := 2, slices.Collect(maps.Values(m.names)); slices.Contains(taken, name); n++ {
			name = fmt.Sprintf("%s (%d)", bare, n)
		}
	}
	m.names[address] = name
	return name
}

func (m *Mapper) event(at time.Time, phase, level, source, text string) Event {
	at = at.UTC().Truncate(time.Microsecond) // as the server keeps it
	if at.After(m.last) {
		m.last = at
	}
	stamp := at.Format(time.RFC3339Nano)
	return Event{Time: &stamp, Phase: phase, Level: level, Message: m.secrets.Hide(source, text)}
}

// send gives the event to be sent, its time moved on by microseconds where an equal one was
// sent before.
func (m *Mapper) send(e Event) []Event {
	at, _ := time.Parse(time.RFC3339Nano, *e.Time) // written by event
	for m.sent.again(at, e) {
		at = at.Add(time.Microsecond)
	}
	stamp := at.Format(time.RFC3339Nano)
	e.Time = &stamp
	return []Event{e}
}
