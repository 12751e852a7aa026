package flow

// Direction says which way to walk along finish-to-start edges.
type Direction string

// The directions: what a job waits for, what waits for it, or both.
const (
	Upstream   Direction = "upstream"
	Downstream Direction = "downstream"
	Both       Direction = "both"
)

// Part names a piece of a flow: all that Root contains or, where Root is empty, what
// lies around the job Around in a Direction. Jobs are named in full or by bare name.
type Part struct {
	Root      string
	Around    string
	Direction Direction
}

// Only gives the delta with nothing left but those jobs and the edges between them.
func (d Delta) Only(ids []string) Delta {
	in := make(map[string]bool, len(ids))
	for _, id := range ids {
		in[id] = true
	}
	part := Delta{From: d.From, To: d.To, Reset: d.Reset, Flow: d.Flow}
	for _, j := range d.Jobs {
		if in[j.ID] {
			part.Jobs = append(part.Jobs, j)
		}
	}
	for _, r := range d.Relationships {
		if r.Local() && in[r.FromID] && in[r.ToID] {
			part.Relationships = append(part.Relationships, r)
		}
	}
	return part
}
