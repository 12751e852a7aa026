package kubeconfig

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// most is the largest kubeconfig that is read, in bytes.
const most = 1 << 20

// Record is asked which deployments are known. Its errors carry flow codes.
type Record interface {
	// DeploymentRegions gives the regions of those deployments that are known.
	DeploymentRegions(ctx context.Context, ids []string) (map[string][]string, error)
}

// Folder is a folder of kubeconfigs. It is looked at by content, not by notification: that
// sees what a mounted secret does, whose files are links that are swapped, and cannot miss.
type Folder struct {
	Dir    string
	Record Record
	Every  time.Duration // between two looks: 2 s
	Logger *slog.Logger

	files map[string]Cluster // without keys; what each held when it last made sense, or holds where it never did
	said  map[string]string
}

// Run gives the clusters of the folder, and again whenever they have changed, until ctx
// ends. What makes no sense any more stays as it last did; what never did is given for what is
// wrong with it, so that its flow can say so.
func (f *Folder) Run(ctx context.Context, give func([]Cluster)) error {
	f.files, f.said = map[string]Cluster{}, map[string]string{}
	every := cmp.Or(f.Every, 2*time.Second)
	var given []Cluster
	for first := true; ; first = false {
		now, err := f.look(ctx)
		f.say("", err)
		if err == nil && (first || !slices.EqualFunc(now, given, same)) {
			given = now
			give(now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every - every/8 + rand.N(every/4)):
		}
	}
}

func same(a, b Cluster) bool { return a.WatchKey == b.WatchKey && a.Print == b.Print }

// look reads the folder. Of two files that mean one cluster the first by name counts that makes sense.
func (f *Folder) look(ctx context.Context) ([]Cluster, error) {
	if err := f.readAll(); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(f.files))
	known, err := f.known(ctx, names)
	if err != nil {
		return nil, err
	}
	var clusters []Cluster
	for _, name := range names {
		c := f.files[name]
		var ok bool
		if c.WatchKey, ok = read(name, known); !ok {
			f.say(name, errUnexplained)
			continue
		}
		var err error
		if _, isKnown := known[c.FlowID]; isKnown || c.Wrong == nil { // else it may be anything
			clusters, err = join(clusters, c)
		}
		f.say(name, err)
	}
	return clusters, nil
}

// join adds a cluster, unless another file means it and makes sense.
func join(clusters []Cluster, c Cluster) ([]Cluster, error) {
	i := slices.IndexFunc(clusters, func(o Cluster) bool { return o.WatchKey == c.WatchKey })
	switch {
	case i < 0:
		return append(clusters, c), nil
	case clusters[i].Wrong != nil && c.Wrong == nil:
		clusters[i] = c
		return clusters, nil
	default:
		return clusters, errTwice
	}
}

var (
	errUnexplained = flow.Invalidf("unexplained-kubeconfig", "it waits: its name is neither a known deployment's nor that of one with a recorded region; "+
		"PUT /api/v1/deployments/{id}, with its regions where the name has one")
	errTwice = flow.Invalidf("second-kubeconfig", "it is passed over: another file means the same cluster")
)

// known asks the record about every deployment that any of the names may mean.
func (f *Folder) known(ctx context.Context, names []string) (Regions, error) {
	var ids []string
	for _, name := range names {
		ids = append(ids, readings(name)...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return f.Record.DeploymentRegions(ctx, ids)
}

// readAll brings files in step with the folder.
func (f *Folder) readAll() error {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok || len(readings(name)) == 0 {
			continue
		}
		there[name] = true
		f.say(name+".yaml", f.readOne(name, filepath.Join(f.Dir, e.Name())))
	}
	for name := range f.files {
		if !there[name] {
			delete(f.files, name)
		}
	}
	return nil
}

func (f *Folder) readOne(name, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > most {
		return flow.Invalidf("large-kubeconfig", "it has %d bytes; at most %d are read", info.Size(), most)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	known := f.files[name]
	if known.Print == sum {
		return known.Wrong
	}
	config, err := parse(text)
	if err == nil || known.Config == nil {
		f.files[name] = Cluster{Config: config, Wrong: err, Print: sum}
	}
	return err
}

// say logs what is wrong with a file, once for as long as it stays so; "" is the folder.
func (f *Folder) say(name string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if f.said[name] == text {
		return
	}
	f.said[name] = text
	if text != "" {
		f.Logger.Warn("kubeconfig", "folder", f.Dir, "file", name, "error", text)
	}
}
