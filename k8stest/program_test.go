package k8stest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is `provflow serve` as a process of its own.
type program struct {
	t    testing.TB
	url  string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// installation is what replicas share: a database and a folder of kubeconfigs.
type installation struct {
	t        testing.TB
	database string
	folder   string
}

func install(t testing.TB, database string) installation {
	t.Helper()
	return installation{t, database, t.TempDir()}
}

// give puts a kubeconfig into the folder as a mounted secret is: whole at once.
func (i installation) give(name, kubeconfig string) {
	i.t.Helper()
	path := filepath.Join(i.folder, name+".yaml")
	if err := os.WriteFile(path+".new", []byte(kubeconfig), 0o600); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		i.t.Fatal(err)
	}
}

func (i installation) take(name string) {
	i.t.Helper()
	if err := os.Remove(filepath.Join(i.folder, name+".yaml")); err != nil {
		i.t.Fatal(err)
	}
}

// start runs a replica that looks into the folder, and waits until it serves.
func (i installation) start(flags ...string) *program {
	i.t.Helper()
	return i.startAs([]string{provflow}, []string{"PROVFLOW_KUBECONFIGS_DIR=" + i.folder}, flags...)
}

// startAs runs a replica by a command of one's own, and waits until it serves.
func (i installation) startAs(command, env []string, flags ...string) *program {
	i.t.Helper()
	out, err := os.CreateTemp(i.t.TempDir(), "log")
	if err != nil {
		i.t.Fatal(err)
	}
	defer out.Close()
	p := &program{t: i.t, log: out.Name(), done: make(chan struct{})}
	args := slices.Concat(command, []string{"serve", "--listen", "127.0.0.1:0"}, flags)
	p.cmd = exec.CommandContext(context.Background(), args[0], args[1:]...)
	p.cmd.Env = slices.Concat(os.Environ(), []string{"DATABASE_URL=" + i.database, "PROVFLOW_DRAIN=0", "PROVFLOW_ACCESS=off"}, env)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.cmd.Wait() }()
	i.t.Cleanup(func() {
		p.kill()
		if i.t.Failed() {
			i.t.Logf("a replica said:\n%s", p.said())
		}
	})
	address := regexp.MustCompile(`msg=serving address=(\S+)`)
	eventually(i.t, "the program to serve", func() bool {
		found := address.FindStringSubmatch(p.said())
		if found != nil {
			p.url = found[1]
		}
		return found != nil
	})
	return p
}

func (p *program) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// watches reports that it has watched a cluster.
func (p *program) watches() bool {
	p.t.Helper()
	return strings.Contains(p.said(), "msg=watching")
}

// kill ends it as a power cut would.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// terminate asks it to stop, and waits.
func (p *program) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("it does not stop")
	}
}

// call sends a request and gives the status and the body.
func (p *program) call(method, path, body string) (int, []byte) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, text
}

// read gives what a GET answers.
func (p *program) read(path string, into any) {
	p.t.Helper()
	status, body := p.call("GET", path, "")
	if status != http.StatusOK {
		p.t.Fatalf("%s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		p.t.Fatal(err)
	}
}

// known makes a deployment known, with its regions.
func (p *program) known(id string, regions ...string) {
	p.t.Helper()
	body, _ := json.Marshal(map[string]any{"regions": regions})
	if status, text := p.call("PUT", "/api/v1/deployments/"+id, string(body)); status != http.StatusOK {
		p.t.Fatalf("PUT: %d %s", status, text)
	}
}

// lines gives all lines of the log of a job, over all its attempts, in order.
func (p *program) lines(id, job string) []string {
	p.t.Helper()
	var got struct{ Executions []struct{ ID string } }
	p.read(fmt.Sprintf("/api/v1/deployments/%s/jobs/%s", id, job), &got)
	var lines []string
	for _, x := range got.Executions {
		var page struct{ Lines []struct{ Message string } }
		p.read("/api/v1/actions/executions/"+x.ID+"/logs?limit=5000", &page)
		for _, l := range page.Lines {
			lines = append(lines, l.Message)
		}
	}
	return lines
}
