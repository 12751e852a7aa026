package flow

import (
	"encoding/json"
	"strconv"
)

// watchWire is a Watch as it travels in a flow's meta. Times are unix milliseconds.
type watchWire struct {
	Region         string `json:"region,omitempty"`
	State          string `json:"state,omitempty"`
	Since          int64  `json:"since,omitempty"`
	Message        string `json:"message,omitempty"`
	Outcome        string `json:"outcome,omitempty"`
	OutcomeSince   int64  `json:"outcomeSince,omitempty"`
	OutcomeMessage string `json:"outcomeMessage,omitempty"`
}

// wireMeta lays what is derived over what an emitter said.
func (f Flow) wireMeta() json.RawMessage {
	derived := map[string]json.RawMessage{}
	if f.FailedJobs > 0 && !f.Status.Terminal() {
		derived["failed"] = strconv.AppendInt(nil, int64(f.FailedJobs), 10)
	}
	if list := f.wireWatches(); list != nil {
		derived["watch"] = list
	}
	if f.Estimate.Known() {
		derived["estimate"] = f.Estimate.wire()
	}
	if len(derived) == 0 {
		return f.Meta
	}
	return mergeMeta(f.Meta, derived)
}

func (f Flow) wireWatches() json.RawMessage {
	if len(f.Watches) == 0 {
		return nil
	}
	list := make([]watchWire, len(f.Watches))
	for i, w := range f.Watches {
		list[i] = watchWire{Region: w.Region, State: w.Sight.State, Since: Millis(w.Sight.Since), Message: w.Sight.Message}
		if o := w.Outcome; o.State != "" {
			list[i].Outcome, list[i].OutcomeSince, list[i].OutcomeMessage = o.State, Millis(o.Since), o.Message
		}
	}
	out, _ := json.Marshal(list) // texts and numbers always encode
	return out
}
