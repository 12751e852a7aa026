package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// workshop is a folder with a configuration, the installed tofu or terraform, and a server.
type workshop struct {
	*replica
	tool, dsn, dir, spool string
}

// network is a configuration of three resources in a row; the middle one runs a command.
const network = `
variable "password" {
  default   = "correct-horse"
  sensitive = true
}
resource "terraform_data" "network" {
  input = "10.0.0.0/16"
}
resource "terraform_data" "node" {
  count = 2
  input = terraform_data.network.output
  provisioner "local-exec" {
    command = "COMMAND"
  }
}
resource "terraform_data" "app" {
  input = terraform_data.node[*].output
}
output "address" { value = terraform_data.network.output }
output "password" {
  value     = var.password
  sensitive = true
}
`

func newWorkshop(t *testing.T, command string) *workshop {
	t.Helper()
	tool := installed("tofu", "terraform")
	if tool == "" {
		t.Skip("there is neither tofu nor terraform on this machine to run")
	}
	dsn := dbtest.New(t)
	w := &workshop{replica: start(t, dsn), tool: tool, dsn: dsn, dir: t.TempDir(), spool: t.TempDir()}
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(strings.Replace(network, "COMMAND", command, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run("init").want(t, 0, "initialized")
	return w
}

// installed gives the first of these programs that there is.
func installed(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (w *workshop) env() []string {
	return []string{
		"PROVFLOW_SERVER=" + w.url, "PROVFLOW_DEPLOYMENT=d1", "PROVFLOW_SPOOL=" + w.spool,
		"TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_DATA_DIR=",
	}
}

// recording is the command line that records a command of the tool.
func (w *workshop) recording(args ...string) []string {
	return append([]string{"record", "--", w.tool, "-chdir=" + w.dir}, args...)
}

// run runs a command of the tool through the program.
func (w *workshop) run(args ...string) outcome {
	w.t.Helper()
	return run(w.t.(*testing.T), w.env(), w.recording(args...)...)
}

// jobs gives every job's status, and its dependencies.
func (w *workshop) jobs() map[string]string {
	w.t.Helper()
	var list struct {
		Jobs []struct {
			ID, Status, Action string
			DependsOn          []string
		}
	}
	if err := json.Unmarshal([]byte(w.get("/api/v1/deployments/d1/jobs").body), &list); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]string{}
	for _, j := range list.Jobs {
		slices.Sort(j.DependsOn)
		waits := strings.ReplaceAll(strings.Join(j.DependsOn, " "), "d1:tofu-apply/terraform_data.", "")
		all[strings.TrimPrefix(j.ID, "d1:")] = strings.Join(strings.Fields(j.Status+" "+j.Action+" "+waits), " ")
	}
	return all
}

// want compares jobs, and what is stored with what recursive SQL says.
func (w *workshop) want(want map[string]string) {
	w.t.Helper()
	got := w.jobs()
	for name, status := range want {
		if got[name] != status {
			w.t.Errorf("%s is %q, want %q", name, got[name], status)
		}
	}
	run(w.t.(*testing.T), []string{"DATABASE_URL=" + w.dsn}, "check").want(w.t.(*testing.T), 0, "0 roll-ups differ")
	if text := w.get("/api/v1/flows/d1/snapshot").body; strings.Contains(text, "correct-horse") {
		w.t.Error("a secret is in the flow")
	}
}

// logged is the whole log of everything, for what must not be in it.
func (w *workshop) logged(t *testing.T) string {
	return query[string](t, w.dsn, `SELECT coalesce(string_agg(message, E'\n'), '') FROM log_lines`)
}

func TestARunSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, "echo node is up, correct-horse")
	w.run("apply", "-auto-approve").want(t, 0, "will be created", "node is up", "Apply complete!", `address = "10.0.0.0/16"`, "password = <sensitive>")
	applied := map[string]string{
		"tofu-init": "succeeded", "tofu-plan": "succeeded d1:tofu-init", "tofu-apply": "succeeded d1:tofu-plan", "provisioner": "succeeded",
		"tofu-apply/terraform_data.network": "succeeded create", "tofu-apply/terraform_data.node[0]": "succeeded create network",
		"tofu-apply/terraform_data.node[1]": "succeeded create network", "tofu-apply/terraform_data.app": "succeeded create node[0] node[1]",
	}
	w.want(applied)
	if log := w.logged(t); strings.Contains(log, "correct-horse") || !strings.Contains(log, "node is up, ***") {
		t.Errorf("the log is %s", log)
	}
	w.run("output").want(t, 0, "password = <sensitive>")
	w.run("output", "-raw", "password").want(t, 0, "correct-horse")
	w.run("plan", "-destroy", "-out=p").want(t, 0, "4 to destroy")
	w.run("apply", "p").want(t, 0, "Apply complete!")
	w.want(map[string]string{
		"tofu-apply": "succeeded d1:tofu-plan", "tofu-output": "succeeded d1:tofu-apply", "tofu-apply/terraform_data.app": "succeeded delete",
		"tofu-apply/terraform_data.node[0]": "succeeded delete app", "tofu-apply/terraform_data.network": "succeeded delete node[0] node[1]",
	})
	if strings.Contains(w.logged(t), "correct-horse") {
		t.Error("a secret is in the log")
	}
}

func TestARunFails(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, "test -e ok || exit 3")
	w.run("apply", "-auto-approve").want(t, 1, "Error: local-exec provisioner error", "on main.tf line", "exit status 3")
	w.want(map[string]string{
		"tofu-apply": "failed d1:tofu-plan", "provisioner": "failed", "tofu-apply/terraform_data.network": "succeeded create",
		"tofu-apply/terraform_data.node[0]": "failed create network", "tofu-apply/terraform_data.app": "pending create node[0] node[1]",
	})
	if text := w.get("/api/v1/flows/d1/snapshot").body; !strings.Contains(text, `"status":"failed","startedAt"`) || !strings.Contains(text, `"state":"cancelled"`) {
		t.Errorf("the flow is %s", text)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "ok"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.run("apply", "-auto-approve").want(t, 0, "Apply complete!")
	w.want(map[string]string{
		"tofu-apply": "succeeded d1:tofu-plan", "tofu-apply/terraform_data.network": "succeeded create",
		"tofu-apply/terraform_data.node[0]": "succeeded replace", "tofu-apply/terraform_data.app": "succeeded create node[0] node[1]",
	})
}

// An interrupt reaches the tool, which ends in good order, and so does the flow.
func TestARunIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, "touch began; exec sleep 600")
	p := beginWith(t, w.env(), w.recording("apply", "-auto-approve")...)
	eventually(t, "the command to run", func() bool {
		_, err := os.Stat(filepath.Join(w.dir, "began"))
		return err == nil || p.ended()
	})
	eventually(t, "it to be seen", func() bool { return strings.HasPrefix(w.jobs()["tofu-apply/terraform_data.node[0]"], "running") })
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to end", p.ended)
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.said(), "Interrupt received") {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	w.want(map[string]string{
		"tofu-apply": "failed d1:tofu-plan", "tofu-apply/terraform_data.network": "succeeded create",
		"tofu-apply/terraform_data.node[0]": "failed create network", "tofu-apply/terraform_data.app": "pending create node[0] node[1]",
	})
}

// Interrupted twice, the tool gives up at once; the program ends with it.
func TestARunIsInterruptedTwice(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, "trap '' INT TERM; touch began; sleep 15")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := beginWith(t, w.env(), w.recording("apply", "-auto-approve")...)
	for range 2 {
		eventually(t, "the command to run", func() bool {
			_, err := os.Stat(filepath.Join(w.dir, "began"))
			return err == nil || p.ended()
		})
		said := len(p.said())
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		eventually(t, "a word of it", func() bool { return len(p.said()) > said || p.ended() || ctx.Err() != nil })
	}
	eventually(t, "it to end", p.ended)
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	if got := w.jobs()["tofu-apply"]; !strings.HasPrefix(got, "failed") {
		t.Errorf("the step is %s", got)
	}
}

// A stream made elsewhere becomes what the run of it would have, however often it is read.
func TestAStreamMadeElsewhere(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	for stream, says := range map[string]string{"plan": `"id":"plan:tofu-plan"`, "apply": `:tofu-apply/module.app`, "apply-fail": `"status":"failed"`} {
		env := []string{"PROVFLOW_SERVER=" + r.url, "PROVFLOW_SPOOL=" + t.TempDir()}
		path := "../../service/tofu/testdata/" + stream + ".jsonl"
		run(t, env, "record", "--deployment", stream, "--from", path).want(t, 0, "terraform_data.network: ")
		once := r.get("/api/v1/flows/" + stream + "/snapshot")
		run(t, env, "record", "--deployment", stream, "--from", path).want(t, 0)
		again := r.get("/api/v1/flows/" + stream + "/snapshot")
		if once.body != again.body || once.header.Get("ETag") != again.header.Get("ETag") || !strings.Contains(once.body, says) {
			t.Errorf("once %s, again %s", once.body, again.body)
		}
	}
	run(t, []string{"DATABASE_URL=" + dsn}, "check").want(t, 0, "3 flows checked, 0 roll-ups differ")
	moved := start(t, dbtest.New(t))
	archive := filepath.Join(t.TempDir(), "archive")
	run(t, []string{"PROVFLOW_SERVER=" + r.url}, "export", "apply-fail", "-o", archive).want(t, 0)
	run(t, []string{"PROVFLOW_SERVER=" + moved.url}, "import", archive).want(t, 0)
	if here, there := r.snapshot("apply-fail").String(), moved.snapshot("apply-fail").String(); here != there {
		t.Errorf("was %s, moved it is %s", here, there)
	}
}
