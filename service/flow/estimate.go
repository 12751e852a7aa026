package flow

import (
	"encoding/json"
	"time"
)

// Estimate says between which moments a running flow is expected to end, and on how many
// earlier provisions that rests. The zero value is: not known.
type Estimate struct {
	Earliest time.Time `json:"earliest,omitzero"`
	Latest   time.Time `json:"latest,omitzero"`
	Runs     int       `json:"runs,omitempty"`
}

// roughness is the part of a whole duration by which ends may differ and be shown as the
// same, and leastRoughness the least of it: an end that is estimated anew with every event
// is not news each time.
const (
	roughness      = 20
	leastRoughness = 15 * time.Second
)

// Near reports whether another estimate of a flow that began then says about the same.
func (e Estimate) Near(other Estimate, began time.Time) bool {
	if e.Known() != other.Known() {
		return false
	}
	rough := max(e.Latest.Sub(began)/roughness, leastRoughness)
	return e.Earliest.Sub(other.Earliest).Abs() <= rough && e.Latest.Sub(other.Latest).Abs() <= rough
}

// Known reports whether it says anything.
func (e Estimate) Known() bool { return !e.Latest.IsZero() }

// estimateWire is an estimate in a flow's meta. Times are unix milliseconds, as in all of the envelope.
type estimateWire struct {
	Earliest int64 `json:"earliest"`
	Latest   int64 `json:"latest"`
	Runs     int   `json:"runs"`
}

func (e Estimate) wire() json.RawMessage {
	text, _ := json.Marshal(estimateWire{Millis(e.Earliest), Millis(e.Latest), e.Runs}) // numbers can always be written
	return text
}

func sameEstimate(a, b Estimate) bool {
	return a.Runs == b.Runs && sameTime(a.Earliest, b.Earliest) && sameTime(a.Latest, b.Latest)
}
