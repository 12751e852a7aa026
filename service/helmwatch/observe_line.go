package helmwatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// LogLine is a line of helm-controller's log about a release.
type LogLine struct {
	Release Release
	Level   string // info, warn or error
	Message string
	Time    time.Time
}

// lineWire is what is read of a line: the fields that controller-runtime gives every one.
type lineWire struct {
	Level      string          `json:"level"`
	TS         string          `json:"ts"`
	Message    string          `json:"msg"`
	Error      string          `json:"error"`
	Kind       string          `json:"controllerKind"`
	Controller string          `json:"controller"`
	Release    *reference      `json:"HelmRelease"`
	Name       json.RawMessage `json:"name"`
	Namespace  json.RawMessage `json:"namespace"`
}

// AttributeLine says which release a line is about. The line may begin with the time that
// the API server puts in front where it is asked to, and be JSON or the console form that
// ends with it. What is about no release, or says not when, is not attributed.
func AttributeLine(line []byte) (LogLine, bool) {
	stamp, rest := cutTime(bytes.TrimSpace(line))
	w, ok := readLine(rest)
	if !ok {
		return LogLine{}, false
	}
	l := LogLine{Level: lineLevel(w.Level), Message: w.Message, Time: stamp, Release: w.release()}
	if own, err := time.Parse(time.RFC3339Nano, w.TS); err == nil {
		l.Time = own.UTC()
	}
	if w.Error != "" {
		l.Level, l.Message = "error", strings.TrimPrefix(w.Message+": "+w.Error, ": ")
	}
	l.Time = l.Time.Truncate(time.Microsecond)
	l.Message = flow.CleanText(l.Message)
	_, noName := flow.ParseComponent(l.Release.Name)
	named := noName == nil && flow.CheckNamespace(l.Release.Namespace) == nil
	return l, named && l.Message != "" && l.Time.After(epoch)
}

// cutTime takes the time off the front; the zero one where there is none.
func cutTime(line []byte) (time.Time, []byte) {
	first, rest, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(first))
	if err != nil {
		return time.Time{}, line
	}
	return at.UTC(), rest
}

func readLine(line []byte) (lineWire, bool) {
	var w lineWire
	if bytes.HasPrefix(line, []byte("{")) {
		return w, json.Unmarshal(line, &w) == nil
	}
	parts := strings.Split(string(line), "\t") // time, level, perhaps a logger, message, fields
	n := len(parts)
	if n < 4 || json.Unmarshal([]byte(parts[n-1]), &w) != nil {
		return w, false
	}
	w.TS, w.Level, w.Message = parts[0], parts[1], parts[n-2]
	return w, true
}

// release is the one that the line is about: of another kind's controller it is none.
func (w lineWire) release() Release {
	switch {
	case w.Release != nil:
		return Release{w.Release.Namespace, w.Release.Name}
	case w.Kind != "HelmRelease" && w.Controller != "helmrelease":
		return Release{}
	}
	var r Release
	if json.Unmarshal(w.Name, &r.Name) != nil || json.Unmarshal(w.Namespace, &r.Namespace) != nil {
		return Release{}
	}
	return r
}

func lineLevel(level string) string {
	switch strings.ToLower(cmp.Or(level, "info")) {
	case "error", "dpanic", "panic", "fatal":
		return "error"
	case "warn", "warning":
		return "warn"
	}
	return "info"
}

// Event gives the line as a provisioner event of a release in that region.
func (l LogLine) Event(region string) bridge.Event {
	e := l.Release.about(region, bridge.PhaseComponentLog)
	e.Time, e.Level, e.Message = l.Time, l.Level, l.Message
	return e
}
