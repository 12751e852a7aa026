package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

const slugEvent = "invalid-event"

func jsonError(line []byte, err error) error {
	if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		return flow.Invalidf(slugEvent, "not a JSON object: send one object per line")
	}
	return flow.JSONError(slugEvent, err)
}

func (e *Event) readTimes(w EventWire, now time.Time) (err error) {
	if w.Time == nil || *w.Time == "" {
		return invalid("time", "is missing; use RFC 3339, such as %s", aTime)
	}
	for _, field := range []struct {
		name, text string
		to         *time.Time
	}{{"time", *w.Time, &e.Time}, {"began", w.Began, &e.Began}, {"asOf", w.AsOf, &e.AsOf}} {
		if field.text != "" && err == nil {
			*field.to, err = readTime(field.name, field.text, now)
		}
	}
	return err
}

// aTime is what a time looks like.
const aTime = "2026-01-31T12:00:00Z"

func readTime(field, s string, now time.Time) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	switch {
	case err != nil:
		return t, invalid(field, "%.40q is not RFC 3339, such as %s", s, aTime)
	case t.Before(Earliest):
		return t, invalid(field, "%s is before %s: is the sender's clock set?", s, Earliest.Format(time.RFC3339))
	case t.After(now.Add(MaxClockSkew)):
		return t, invalid(field, "%s is more than %s in the future: is the sender's clock right?", s, MaxClockSkew)
	}
	// The database keeps microseconds; what is compared later must not keep more.
	return t.UTC().Truncate(time.Microsecond), nil
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
	return errors.Join(e.checkPhase(), e.checkState(), e.checkFiner(), e.checkLevel(), flow.CheckRegion(e.Region),
		flow.CheckNamespace(e.Namespace), e.checkNumbers(), e.checkRefs("dependsOn", e.DependsOn, maxDependencies),
		e.checkRefs("components", e.Components, maxComponents), e.checkResource())
}

func (e *Event) aboutComponent() bool {
	return e.Phase == PhaseComponent || e.Phase == PhaseComponentLog
}

func (e *Event) isStep() bool { return slices.Contains(flow.Steps, e.Phase) }

func (e *Event) checkPhase() error {
	if e.isStep() || e.aboutComponent() || e.Phase == phaseTofu || e.Phase == phaseResource || e.Phase == PhaseWatch {
		return nil
	}
	return invalid("phase", "%.40q is unknown; use one of %s, %s, %s, %s, %s, %s", e.Phase,
		strings.Join(flow.Steps, ", "), phaseTofu, phaseResource, PhaseComponent, PhaseComponentLog, PhaseWatch)
}

func (e *Event) checkState() error {
	_, known := statusOf[e.State]
	switch {
	case e.Phase == PhaseComponent && !known && e.State != StateDeleted:
		return invalid("state", "%.40q is unknown; use pending, installing, installed, degraded, failed or deleted", e.State)
	case e.Phase == PhaseWatch && !slices.Contains(watchStates, e.State):
		return invalid("state", "%.40q is unknown for a watch; use one of %s", e.State, strings.Join(watchStates, ", "))
	case e.Phase == PhaseWatch && e.State == WatchListed && e.Components == nil:
		return invalid("components", "is missing; name all releases there are, [] where there are none")
	case e.isStep() && !slices.Contains([]string{"", "running", "succeeded", "failed"}, e.State):
		return invalid("state", "%.40q is unknown for a step; use running, succeeded or failed, or leave it out", e.State)
	}
	return nil
}

// word is what a finer state looks like; any is taken, since sources differ.
var word = regexp.MustCompile(`^[a-z][a-z-]{0,39}$`)

func (e *Event) checkFiner() error {
	if e.Finer == "" || word.MatchString(e.Finer) {
		return nil
	}
	return invalid("finer", "%.40q is no word of up to 40 letters and '-'", e.Finer)
}

func (e *Event) checkNumbers() error {
	switch {
	case e.Revision < 0 || e.Revision > math.MaxInt32:
		return invalid("revision", "is %d; it counts from 1", e.Revision)
	case e.Failures < 0 || e.Failures > math.MaxInt32:
		return invalid("failures", "is %d; it counts from 0", e.Failures)
	}
	return nil
}

func (e *Event) checkLevel() error {
	if slices.Contains([]string{"info", "warn", "error"}, e.Level) {
		return nil
	}
	return invalid("level", "%.40q is unknown; use info, warn or error", e.Level)
}

func (e *Event) checkRefs(field string, refs []string, most int) error {
	if len(refs) > most {
		return invalid(field, "names %d jobs; %d are the most", len(refs), most)
	}
	check := flow.CheckID
	if e.Phase == phaseResource {
		check = flow.CheckAddress
	}
	for i, ref := range refs {
		if err := check(fmt.Sprintf("%s[%d]", field, i), ref); err != nil {
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
	return flow.Invalidf(slugEvent, "field %q "+format, append([]any{field}, args...)...)
}
