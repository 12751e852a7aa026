package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

// complete makes a spool that was left behind whole: without a last line that was cut, and
// with the end of a step that has none.
func (s *spool) complete() error {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) {
		text = text[:whole]
		if err := s.file.Truncate(int64(whole)); err != nil {
			return fmt.Errorf("mending %s: %w", s.path, err)
		}
	}
	s.stored = int64(len(text))
	step, last := openStep(text)
	if step == "" {
		return nil
	}
	stamp := last.Format(time.RFC3339Nano)
	_ = s.write([]tofu.Event{{ // on a full disk it is in memory, and sent all the same
		Time: &stamp, Phase: step, Level: "error", State: string(flow.Failed),
		Message: "the recording stops in the middle: the program was killed, or its disk was full",
	}})
	return nil
}

// openStep finds the step that began and did not end, and the time of what was last said.
func openStep(text []byte) (step string, last time.Time) {
	for line := range bytes.Lines(text) {
		var e tofu.Event
		if json.Unmarshal(line, &e) != nil || e.Time == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, *e.Time); err == nil && at.After(last) {
			last = at
		}
		switch flow.Status(e.State) {
		case flow.Running:
			if e.Component == "" {
				step = e.Phase
			}
		case flow.Succeeded, flow.Failed:
			if e.Component == "" {
				step = ""
			}
		}
	}
	return step, last
}
