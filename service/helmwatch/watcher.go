package helmwatch

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
	"github.com/openova-io/provflow/service/record"
)

// Recorder takes what is seen. It gives flow.ErrTermOver where a fence's term is over,
// flow.Unavailable where the same is to be sent again.
type Recorder interface {
	Record(ctx context.Context, flowID string, items []record.Item) (flow.Cursor, error)
}

// Terms keeps who watches what. Its errors carry flow codes.
type Terms interface {
	// TakeTerm gives the next term of a watch; ok is false while somebody else has it.
	TakeTerm(ctx context.Context, key flow.WatchKey, holder string, lasts time.Duration) (t flow.WatchTerm, ok bool, err error)
	// RenewTerm makes a term last that long from now on and keeps its LinesAt; it gives
	// flow.ErrTermOver once somebody else has the watch.
	RenewTerm(ctx context.Context, t flow.WatchTerm, lasts time.Duration) error
	// EndTerm gives the watch up.
	EndTerm(ctx context.Context, t flow.WatchTerm) error
}

// Jobs tells what a flow shows.
type Jobs interface {
	// Jobs lists a deployment's jobs; flow.NotFound where there is no such deployment.
	Jobs(ctx context.Context, deploymentID string, statuses ...flow.Status) ([]flow.PlacedJob, error)
}

// Options are what a watcher needs; zero values of the rest choose the defaults.
type Options struct {
	Recorder Recorder
	Terms    Terms
	Jobs     Jobs
	Holder   string // names this replica; no other one may have the same

	Select      Selection
	Controllers Controllers
	Limits      Limits
	Lease       time.Duration // after which a silent holder's watch is free: 6 s
	Now         func() time.Time
	Logger      *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Lease = cmp.Or(o.Lease, 6*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Watcher watches the clusters it is given, each as long as this replica has its term.
type Watcher struct {
	options Options
	counts  counts

	mu       sync.Mutex
	clusters map[flow.WatchKey]*cluster
}

// New makes a watcher. It must be Run.
func New(o Options) *Watcher {
	return &Watcher{options: o.withDefaults(), clusters: map[flow.WatchKey]*cluster{}}
}

// cluster is one that is watched, until stop is called; done is closed once it is not.
type cluster struct {
	*Watcher
	kubeconfig.Cluster
	log     *slog.Logger
	sight   *sight
	stop    context.CancelFunc
	done    chan struct{}
	dropped atomic.Bool // nobody is to watch it any more
}

// Run watches until ctx ends, and gives up all terms then. find says which clusters there
// are, and again whenever that changes; it runs until its context ends.
func (w *Watcher) Run(ctx context.Context, find func(ctx context.Context, give func([]kubeconfig.Cluster)) error) error {
	defer w.set(ctx, nil)
	return find(ctx, func(clusters []kubeconfig.Cluster) { w.set(ctx, clusters) })
}

// set stops watching what is not given, or is reached in another way now, and begins with
// what is new. It is called by one goroutine.
func (w *Watcher) set(ctx context.Context, clusters []kubeconfig.Cluster) {
	wanted := map[flow.WatchKey]kubeconfig.Cluster{}
	for _, c := range clusters {
		wanted[c.WatchKey] = c
	}
	for _, c := range w.without(wanted, ctx.Err() == nil) {
		<-c.done
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, c := range wanted {
		if w.clusters[key] == nil && ctx.Err() == nil {
			w.clusters[key] = w.begin(ctx, c)
		}
	}
}

// without tells those to stop that are not wanted as they are, and gives them. While this
// replica goes on, those that are not wanted at all are nobody's.
func (w *Watcher) without(wanted map[flow.WatchKey]kubeconfig.Cluster, goesOn bool) []*cluster {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stopped []*cluster
	for key, c := range w.clusters {
		if to, ok := wanted[key]; !ok || to.Print != c.Print {
			c.dropped.Store(goesOn && !ok)
			c.stop()
			stopped = append(stopped, c)
			delete(w.clusters, key)
		}
	}
	return stopped
}

func (w *Watcher) begin(ctx context.Context, to kubeconfig.Cluster) *cluster {
	c := w.idle(to)
	ctx, c.stop = context.WithCancel(ctx)
	go func() {
		defer close(c.done)
		c.run(ctx)
	}()
	return c
}

// idle is a cluster that is not watched yet.
func (w *Watcher) idle(to kubeconfig.Cluster) *cluster {
	log := w.options.Logger.With("flow", to.FlowID, "region", to.Region)
	return &cluster{Watcher: w, Cluster: to, log: log, sight: newSight(w.options.Now), done: make(chan struct{})}
}
