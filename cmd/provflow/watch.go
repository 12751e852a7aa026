package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch"
	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
)

// watchFlags say which clusters are watched, and what in them.
type watchFlags struct {
	KubeconfigsDir    string        `env:"PROVFLOW_KUBECONFIGS_DIR" placeholder:"DIR" help:"Folder of kubeconfigs of clusters to watch, <deployment>.yaml and <deployment>-<region>.yaml; files may come, change and go."`
	InCluster         bool          `env:"PROVFLOW_IN_CLUSTER" help:"Watch the cluster the program runs in, as --deployment."`
	Deployment        string        `env:"PROVFLOW_DEPLOYMENT" placeholder:"ID" help:"Deployment whose cluster that is."`
	Region            string        `env:"PROVFLOW_REGION" placeholder:"REGION" help:"Region of that cluster; none: the primary one."`
	ReleasePrefix     string        `env:"PROVFLOW_RELEASE_PREFIX" default:"bp-" placeholder:"PREFIX" help:"How the names of the releases begin that are watched (${default})."`
	ReleaseNamespaces []string      `env:"PROVFLOW_RELEASE_NAMESPACES" placeholder:"NAMESPACE" help:"Namespaces they are in; none: all."`
	ReleaseSelector   string        `env:"PROVFLOW_RELEASE_SELECTOR" placeholder:"LABELS" help:"Labels they have, such as tier=platform; none: any."`
	Controller        string        `env:"PROVFLOW_CONTROLLER" default:"flux-system/app=helm-controller" placeholder:"NAMESPACE/LABELS" help:"Pods whose log lines are kept with the releases they are about (${default}); off: none."`
	WatchTimeout      time.Duration `env:"PROVFLOW_WATCH_TIMEOUT" default:"1h" placeholder:"TIME" help:"How long a release may take until the flow says that it timed out (${default}); 0: for ever."`
	WatchFirst        time.Duration `env:"PROVFLOW_WATCH_FIRST" default:"10m" placeholder:"TIME" help:"How long nothing may be seen in a cluster until the flow says what to check (${default}); 0: for ever."`
}

// watchPlan is what is watched. The zero plan is nothing.
type watchPlan struct {
	folder  string
	own     []kubeconfig.Cluster // the cluster the program runs in
	options helmwatch.Options
}

// watches checks the flags, so that a mistake is told at once.
func (f watchFlags) watches(log *slog.Logger) (p watchPlan, err error) {
	p.folder = f.KubeconfigsDir
	if p.own, err = f.ownCluster(); err != nil {
		return p, err
	}
	if p.options.Select, err = f.selection(); err != nil {
		return p, err
	}
	if p.options.Controllers, err = f.controllers(); err != nil {
		return p, err
	}
	p.options.Limits = helmwatch.Limits{Install: f.WatchTimeout, First: f.WatchFirst}
	p.options.Holder, p.options.Logger = holder(), log
	klog.SetSlogLogger(log.With("from", "kubernetes")) // its library logs by itself
	return p, nil
}

func (f watchFlags) ownCluster() ([]kubeconfig.Cluster, error) {
	if !f.InCluster {
		// In the environment the deployment is also that of `provflow record`.
		if f.Region != "" || f.Deployment != os.Getenv("PROVFLOW_DEPLOYMENT") {
			return nil, errors.New("--deployment and --region name the cluster of --in-cluster; give that too, or put a kubeconfig into --kubeconfigs-dir")
		}
		return nil, nil
	}
	if f.Deployment == "" {
		return nil, errors.New("--in-cluster: --deployment is missing; name the deployment whose cluster this is")
	}
	if err := errors.Join(flow.CheckDeploymentID(f.Deployment), flow.CheckRegion(f.Region)); err != nil {
		return nil, err
	}
	own, err := kubeconfig.InCluster(flow.WatchKey{FlowID: f.Deployment, Region: f.Region})
	if err != nil {
		return nil, fmt.Errorf("--in-cluster: %w; it is for a pod with a service account", err)
	}
	return []kubeconfig.Cluster{own}, nil
}

func (f watchFlags) selection() (helmwatch.Selection, error) {
	s := helmwatch.Selection{Prefix: f.ReleasePrefix, Namespaces: f.ReleaseNamespaces}
	if f.ReleaseSelector == "" {
		return s, nil
	}
	var err error
	if s.Labels, err = labels.Parse(f.ReleaseSelector); err != nil {
		return s, fmt.Errorf("--release-selector: %w; use labels such as tier=platform,!experimental", err)
	}
	return s, nil
}

func (f watchFlags) controllers() (helmwatch.Controllers, error) {
	if f.Controller == "off" || f.Controller == "" {
		return helmwatch.Controllers{}, nil
	}
	namespace, selector, ok := strings.Cut(f.Controller, "/")
	if _, err := labels.Parse(selector); err != nil || !ok || namespace == "" {
		return helmwatch.Controllers{}, fmt.Errorf("--controller %q: use a namespace and labels, such as flux-system/app=helm-controller, or off", f.Controller)
	}
	return helmwatch.Controllers{Namespace: namespace, Labels: selector}, nil
}

// holder names this replica as nobody else is named, for whoever reads the table of terms.
func holder() string {
	host, _ := os.Hostname()
	return host + "/" + rand.Text()
}

// newWatcher makes the part that watches. Where the plan is nothing it has nothing to do.
func (p *parts) newWatcher() *helmwatch.Watcher {
	o := p.watches.options
	o.Recorder, o.Terms, o.Jobs = p.recorder, p.store, p.store
	return helmwatch.New(o)
}

// watch watches until the server is told to stop, and gives the clusters up at once; while it
// drains, another replica watches already.
func (p *parts) watch(told, failed context.Context) error {
	ctx, stop := context.WithCancel(failed)
	defer stop()
	defer context.AfterFunc(told, stop)()
	return p.watcher.Run(ctx, p.clusters)
}

// clusters gives those that are to be watched.
func (p *parts) clusters(ctx context.Context, give func([]kubeconfig.Cluster)) error {
	if p.watches.folder == "" {
		give(p.watches.own)
		<-ctx.Done()
		return nil
	}
	folder := kubeconfig.Folder{Dir: p.watches.folder, Record: p.store, Logger: p.log}
	return folder.Run(ctx, func(found []kubeconfig.Cluster) { give(slices.Concat(found, p.watches.own)) })
}
