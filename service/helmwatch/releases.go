package helmwatch

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// sayAgain is how often everything is said again. What is known has no effect; a flow that
// was deleted meanwhile is there again.
const sayAgain = 5 * time.Minute

// whatIsServed is what is looked at first.
const whatIsServed = "what is served"

// errGone says that HelmReleases are not served any more as they were.
var errGone = errors.New("HelmReleases are not served under this version any more")

// watchReleases goes on until ctx ends, whatever the API server does.
func (s *session) watchReleases(ctx context.Context, api kubernetes) {
	retry := retries(10 * time.Second)
	for ctx.Err() == nil {
		begun := s.options.Now()
		s.watchServed(ctx, api)
		if s.options.Now().Sub(begun) > time.Minute { // it had gone well
			retry = retries(10 * time.Second)
		}
		pause(ctx, retry.Step())
	}
}

// watchServed watches for as long as HelmReleases are served as they are now; not at all
// while they are not.
func (s *session) watchServed(ctx context.Context, api kubernetes) {
	s.sight.ask(whatIsServed)
	resource, err := api.releases(ctx)
	s.sight.note(whatIsServed, err)
	if s.absent.Store(err == nil && resource.Empty()); err != nil || resource.Empty() {
		return
	}
	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	var parts sync.WaitGroup
	var synced []cache.InformerSynced
	for _, namespace := range s.namespaces() {
		informer, handled := s.informer(ctx, s.listWatch(api.dynamic.Resource(resource).Namespace(namespace), "releases/"+namespace, gone))
		synced = append(synced, handled)
		parts.Go(func() { informer.RunWithContext(ctx) })
	}
	if cache.WaitForCacheSync(ctx.Done(), synced...) {
		s.allListed(ctx)
	}
	parts.Wait() // it is told to stop, or is to ask anew what is served
}

// namespaces are those to watch, each by itself so that no right to see others is needed; ""
// is all of them.
func (s *session) namespaces() []string {
	if n := s.options.Select.Namespaces; len(n) > 0 {
		return n
	}
	return []string{""}
}

// informer watches one namespace, or all. handled reports that all it has found at first
// were seen.
func (s *session) informer(ctx context.Context, from cache.ListerWatcher) (i cache.SharedIndexInformer, handled cache.InformerSynced) {
	i = cache.NewSharedIndexInformer(from, &unstructured.Unstructured{}, sayAgain, cache.Indexers{})
	// Each failure was noted where it happened; what the reflector adds is for nobody. This and
	// what follows fail for an informer that has been started only.
	_ = i.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {})
	r, _ := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { s.saw(ctx, o) },
		UpdateFunc: func(was, o any) { s.sawAgain(ctx, was, o) },
		DeleteFunc: func(o any) { s.sawDeleted(ctx, o) },
	})
	return i, r.HasSynced
}

// listWatch asks for releases, and notes of every try what became of it.
func (s *session) listWatch(of dynamic.ResourceInterface, what string, gone context.CancelCauseFunc) cache.ListerWatcher {
	labels := ""
	if l := s.options.Select.Labels; l != nil {
		labels = l.String()
	}
	note := func(ctx context.Context, err error) {
		switch {
		case ctx.Err() != nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err):
			s.sight.drop(what) // it was told to stop, or is to list again: that is no blindness
		case apierrors.IsNotFound(err):
			s.sight.note(what, nil)
			gone(errGone)
		default:
			s.sight.note(what, err)
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = labels
			s.sight.ask(what)
			list, err := of.List(ctx, o)
			note(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = labels
			s.sight.ask(what)
			w, err := of.Watch(ctx, o)
			note(ctx, err)
			return w, err
		},
	}
}
