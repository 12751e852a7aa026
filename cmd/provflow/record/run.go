package record

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

// run is one command line of the tool on its way.
type run struct {
	Options
	cmd       command
	signals   *signals
	recording *recording
	secrets   *tofu.Secrets

	mu     sync.Mutex // output and errors come from two goroutines
	mapper *tofu.Mapper
	screen *screen
	maker  tofu.Maker // of the tool; zero until it has said
	raw    bool       // the person asked for the tool's own output
}

// Tool runs the tool and records what it does. It gives an ExitError where the tool did not end well.
func Tool(ctx context.Context, o Options, line []string) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	to, err := newServer(o)
	if err != nil {
		return err
	}
	c := parseCommand(line)
	if !c.recorded() {
		return replace(line, o.Env)
	}
	secrets := tofu.NewSecrets(o.Env)
	c, o.Env = c.withEnvironment(o.Env)
	c.tell(secrets)
	r := &run{Options: o, cmd: c, signals: catchSignals(), secrets: secrets}
	defer r.signals.stop()
	r.recording = begin(ctx, o, to)
	code, err := r.tool()
	r.recording.finish(o.Patience, r.signals.another())
	r.recording.sender.report(o)
	if err == nil && code != 0 {
		err = ExitError(code)
	}
	return err
}

// replace makes this process the tool, for what is not recorded.
func replace(line, env []string) error {
	path, err := exec.LookPath(line[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("running %s: %w", path, syscall.Exec(path, line, env))
}

func (r *run) tool() (int, error) {
	r.raw = r.cmd.is("json")
	hides := !r.cmd.is("show-sensitive")
	switch {
	case r.cmd.name == "init":
		return r.spoken(flow.StepInit, true)
	case r.cmd.name == "output":
		return r.spoken(flow.StepOutput, hides && !r.raw && !r.cmd.is("raw") && len(r.cmd.plain()) == 0)
	case r.cmd.is("json-into") && r.cmd.name == "plan": // the tool does not write JSON to two places
		return r.spoken(flow.StepPlan, hides)
	case r.cmd.is("json-into"):
		return r.spoken(flow.StepApply, hides)
	case r.cmd.name == "plan" && r.raw:
		return r.step(flow.StepPlan, nil, r.cmd.line("plan", r.cmd.args...))
	case r.cmd.name == "plan":
		return r.plan()
	case r.raw:
		return r.step(flow.StepApply, nil, r.cmd.line(r.cmd.name, r.cmd.args...))
	case len(r.cmd.plain()) > 0:
		return r.applyFile()
	}
	return r.planAndApply()
}

// step runs the tool with its JSON output as one step.
func (r *run) step(step string, plan *tofu.Plan, args []string) (int, error) {
	r.begin(step)
	if plan != nil {
		r.keep(func(now time.Time) []tofu.Event { return r.mapper.Plan(now, *plan) })
	}
	out, errs := r.messages(r.Stdout), r.messages(r.Stderr)
	code, err := r.child(args, out, errs)
	out.flush()
	errs.flush()
	r.screen.close()
	r.end(code, err)
	return code, err
}

// messages gives a writer that shows and records each line of JSON.
func (r *run) messages(raw io.Writer) *lines {
	return &lines{each: func(line []byte) {
		m := tofu.Decode(line)
		r.record(m) // the last line of the screen counts it
		if r.raw {
			_, _ = raw.Write(append(append([]byte{}, line...), '\n'))
		} else {
			r.screen.show(m)
		}
	}}
}

func (r *run) record(m tofu.Message) {
	r.keep(func(now time.Time) []tofu.Event {
		if maker, ok := m.Maker(); ok {
			r.maker = maker
		}
		return r.mapper.Message(m, now)
	})
}

// keep records what the mapper has to say.
func (r *run) keep(events func(now time.Time) []tofu.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recording.write(events(time.Now()))
}

// spoken runs what speaks no JSON as one step: its output goes through as it is, byte by
// byte, and its lines are recorded too where they hold no secrets.
func (r *run) spoken(step string, record bool) (int, error) {
	r.begin(step)
	out := r.Stdout
	said := &lines{each: func(line []byte) { r.record(tofu.Message{Level: "info", Text: string(line)}) }}
	warned := &lines{each: func(line []byte) { r.record(tofu.Message{Level: "warn", Text: string(line)}) }}
	if record {
		out = io.MultiWriter(r.Stdout, said)
	}
	errs := io.MultiWriter(r.Stderr, warned)
	code, err := r.child(r.cmd.line(r.cmd.name, r.cmd.args...), out, errs)
	said.flush()
	warned.flush()
	r.screen.close()
	r.end(code, err)
	return code, err
}

func (r *run) begin(step string) {
	r.mapper = tofu.NewMapper(step, r.secrets)
	r.screen = newScreen(r.Stdout, r.progress)
	if r.cmd.is("no-color") {
		r.screen.Paint = false
	}
	r.screen.Terse = true // the plan is shown whole, before it is applied
	r.screen.Sensitive = r.cmd.is("show-sensitive")
	r.screen.Destroy = r.cmd.name == "destroy"
	r.keep(func(now time.Time) []tofu.Event { return r.mapper.Begin(now, r.cmd.String()) })
}

func (r *run) progress() (done, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mapper.Progress()
}

// end records how the step ended. A plan with changes is none that failed.
func (r *run) end(code int, err error) {
	how := fmt.Sprintf("exit code %d", code)
	if err != nil {
		how = err.Error()
	}
	well := err == nil && (code == 0 || code == exitChanges && r.mapper.Step() == flow.StepPlan)
	r.keep(func(now time.Time) []tofu.Event { return r.mapper.End(now, well, how) })
}

// exitChanges is the exit code of `plan -detailed-exitcode` where there is something to do.
const exitChanges = 2

// plainOutput runs the tool for its output alone.
func (r *run) plainOutput(args []string) ([]byte, error) {
	var text, errs strings.Builder
	code, err := r.child(args, &text, &errs)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s %s: exit code %d: %s", r.cmd.tool, args[0], code, strings.TrimSpace(errs.String()))
	}
	return []byte(text.String()), err
}

// temporary gives the path of a plan file in a folder of its own, which only its owner can
// enter: a plan holds secrets.
func temporary() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "provflow-plan-")
	return dir + "/plan", func() { _ = os.RemoveAll(dir) }, err
}
