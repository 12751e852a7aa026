package reports

import (
	"fmt"
	"strconv"
	"time"

	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/form"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// What stands where there is nothing to say.
const nothing = "-"

var changeWords = map[timeline.Change]string{
	timeline.OnlyInA: "only in A", timeline.OnlyInB: "only in B", timeline.Faster: "faster", timeline.Slower: "slower", timeline.Same: "",
}

var pathWords = map[timeline.PathChange]string{
	timeline.OnPath: "in both", timeline.OffPath: "", timeline.MovedOn: "only in B", timeline.MovedOff: "only in A",
}

func took(ms int64) string { return gantt.Duration(time.Duration(ms) * time.Millisecond) }

func maybe(ms *int64) string {
	if ms == nil {
		return nothing
	}
	return took(*ms)
}

func count(n int) string { return strconv.Itoa(n) }

func date(t *time.Time) string {
	if t == nil {
		return nothing
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// side is what a job ran in one of the two flows, where it is there.
func side(jobID string, ranMs int64) string {
	if jobID == "" {
		return nothing
	}
	return took(ranMs)
}

func more(d form.Difference) string {
	switch {
	case d.JobIDA == "" || d.JobIDB == "" || d.MoreMs == 0:
		return nothing
	case d.MoreMs > 0:
		return "+" + took(d.MoreMs)
	}
	return took(d.MoreMs)
}

func tries(d form.Difference) string {
	if d.AttemptsA == d.AttemptsB {
		return count(d.AttemptsA)
	}
	return fmt.Sprintf("%d, %d", d.AttemptsA, d.AttemptsB)
}
