package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const config = `apiVersion: v1
kind: Config
current-context: it
clusters: [{name: it, cluster: {server: "https://%s:6443"}}]
contexts: [{name: it, context: {cluster: it, user: it}}]
users: [{name: it, user: %s}]
`

// folder is a folder that is looked at all the time.
type folder struct {
	t   *testing.T
	dir string
	log *strings.Builder
	mu  sync.Mutex

	known Regions
	away  error
	given chan []Cluster
}

func newFolder(t *testing.T, known Regions) *folder {
	t.Helper()
	f := &folder{t: t, dir: t.TempDir(), known: known, log: &strings.Builder{}, given: make(chan []Cluster, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	watched := Folder{Dir: f.dir, Record: f, Every: time.Millisecond, Logger: slog.New(slog.NewTextHandler(f, nil))}
	go func() {
		defer close(done)
		_ = watched.Run(ctx, func(c []Cluster) { f.given <- c })
	}()
	t.Cleanup(func() { cancel(); <-done })
	f.want()
	return f
}

func (f *folder) DeploymentRegions(context.Context, []string) (map[string][]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known, f.away
}

// Write takes the log.
func (f *folder) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *folder) record(known Regions, away error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known, f.away = known, away
}

func (f *folder) put(name, host string) {
	f.t.Helper()
	f.putText(name, fmt.Sprintf(config, host, "{token: abc}"))
}

func (f *folder) putText(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// want waits until these clusters are given, each as flow/region=host, or with what is wrong.
func (f *folder) want(clusters ...string) {
	f.t.Helper()
	var got []string
	for deadline := time.After(20 * time.Second); ; {
		select {
		case given := <-f.given:
			got = nil
			for _, c := range given {
				reached := fmt.Sprint(c.Wrong)
				if c.Wrong == nil {
					reached = strings.TrimSuffix(strings.TrimPrefix(c.Config.Host, "https://"), ":6443")
				}
				got = append(got, c.FlowID+"/"+c.Region+"="+reached)
			}
			if slices.Equal(got, clusters) {
				return
			}
		case <-deadline:
			f.t.Fatalf("want %q, got %q", clusters, got)
		}
	}
}

// wantSaid waits until the log has said something.
func (f *folder) wantSaid(words string) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		said := strings.Contains(f.log.String(), words)
		f.mu.Unlock()
		if said {
			return
		}
	}
	f.t.Fatalf("%q is not said: %s", words, f.log)
}

func TestFilesArePickedUpReplacedAndDropped(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Regions{"d": {"hel1", "nbg1"}})
	f.put("d.yaml", "one")
	f.want("d/=one")
	f.put("d-nbg1.yaml", "two")
	f.put("README.md", "none")
	f.want("d/=one", "d/nbg1=two")
	f.put("d.yaml", "three")
	f.want("d/=three", "d/nbg1=two")
	f.remove("d-nbg1.yaml")
	f.want("d/=three")
}

func TestAMountedSecretIsSeenWhenItIsSwapped(t *testing.T) {
	t.Parallel()
	f := newFolder(t, nil)
	for _, v := range []string{"..1", "..2"} {
		if err := os.Mkdir(filepath.Join(f.dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		f.put(v+"/d.yaml", "host"+v[2:])
	}
	link := func(to, name string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(f.dir, name+".new")), os.Rename(filepath.Join(f.dir, name+".new"), filepath.Join(f.dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	link("..1", "..data")
	link("..data/d.yaml", "d.yaml")
	f.want("d/=host1")
	link("..2", "..data")
	f.want("d/=host2")
}

func TestAFileThatMakesNoSenseStaysAsItWas(t *testing.T) {
	t.Parallel()
	f := newFolder(t, nil)
	f.put("d.yaml", "one")
	f.want("d/=one")
	f.putText("d.yaml", "apiVersion: v1\nclusters: [{na")
	f.wantSaid("not a kubeconfig")
	f.put("e.yaml", "two")
	f.want("d/=one", "e/=two")
}

// What cannot be used from the first on is given for what is wrong with it, where it is a known
// deployment's: any other file may be no kubeconfig at all.
func TestAKubeconfigThatRunsAProgramIsRefused(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Regions{"d": nil})
	exec := fmt.Sprintf(config, "one", `{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never}}`)
	const wrong = `user "it" gets its credentials by running a program; give a token or a certificate`
	f.putText("unknown.yaml", exec)
	f.wantSaid("file=unknown.yaml")
	f.putText("d.yaml", exec)
	f.want("d/=" + wrong)
	f.put("e.yaml", "two")
	f.want("d/="+wrong, "e/=two")
	f.putText("d.yaml", `{apiVersion: v1, kind: Config}`)
	f.want("d/=it has no current-context", "e/=two")
	f.put("d.yaml", "one")
	f.want("d/=one", "e/=two")
	f.putText("d.yaml", exec)
	f.wantSaid("file=d.yaml")
	f.put("f.yaml", "three")
	f.want("d/=one", "e/=two", "f/=three")
}

func TestANameWaitsForTheRecord(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Regions{"d": nil})
	f.put("d-nbg1.yaml", "one")
	f.wantSaid("it waits")
	f.record(Regions{"d": {"hel1", "nbg1"}}, nil)
	f.want("d/nbg1=one")
	f.record(nil, errors.New("the database is away"))
	f.wantSaid("is away")
	f.put("e.yaml", "two")
	f.record(Regions{"d": {"nbg1"}}, nil)
	f.want("d/=one", "e/=two") // the region has become the primary one
}

func TestTwoFilesOfOneClusterAreOne(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Regions{"d": {"hel1"}})
	f.put("d-hel1.yaml", "one")
	f.want("d/=one")
	f.put("d.yaml", "two")
	f.want("d/=two")
	f.wantSaid("another file means the same cluster")
	f.remove("d.yaml")
	f.want("d/=one")
}

// A broken file does not keep its cluster from being watched by another one.
func TestOfTwoFilesOfOneClusterTheOneThatMakesSenseCounts(t *testing.T) {
	t.Parallel()
	f := newFolder(t, Regions{"d": {"hel1"}})
	f.putText("d.yaml", `{apiVersion: v1, kind: Config}`)
	f.want("d/=it has no current-context")
	f.put("d-hel1.yaml", "two")
	f.want("d/=two")
	f.put("d.yaml", "one")
	f.want("d/=one")
}
