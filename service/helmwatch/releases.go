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

// errGone says that HelmReleases are not served any more as they were.
var errGone = errors.New("HelmReleases are not served under this version any more")

// watchReleases goes on until ctx ends, whatever the API server does.
func (s *session) watchReleases(ctx context.Context) {
	retry := retries(10 * time.Second)
	for ctx.Err() == nil {
		begun := s.options.Now()
		err := s.watchServed(ctx)
		s.sight.note(err)
		if s.options.Now().Sub(begun) > time.Minute { // it had gone well
			retry = retries(10 * time.Second)
		}
		pause(ctx, retry.Step())
	}
}

// watchServed watches for as long as HelmReleases are served as they are now; not at all
// while they are not.
func (s *session) watchServed(ctx context.Context) error {
	api, err := connect(s.Config)
	if err != nil {
		return err
	}
	resource, err := api.releases(ctx)
	if s.absent.Store(err == nil && resource.Empty()); err != nil || resource.Empty() {
		return err
	}
	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	var parts sync.WaitGroup
	var synced []cache.InformerSynced
	for _, namespace := range s.namespaces() {
		informer, handled, err := s.informer(ctx, api.dynamic.Resource(resource).Namespace(namespace), gone)
		if err != nil {
			return err
		}
		synced = append(synced, handled)
		parts.Go(func() { informer.RunWithContext(ctx) })
	}
	if cache.WaitForCacheSync(ctx.Done(), synced...) {
		s.allListed(ctx)
	}
	parts.Wait()
	return nil // it is told to stop, or is to ask anew what is served
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
func (s *session) informer(ctx context.Context, of dynamic.ResourceInterface, gone context.CancelCauseFunc) (i cache.SharedIndexInformer, handled cache.InformerSynced, err error) {
	i = cache.NewSharedIndexInformer(s.listWatch(of, gone), &unstructured.Unstructured{}, sayAgain, cache.Indexers{})
	// Each failure was noted where it happened; what the reflector adds is for nobody.
	if err := i.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}); err != nil {
		return nil, nil, err
	}
	r, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { s.saw(ctx, o) },
		UpdateFunc: func(was, o any) { s.sawAgain(ctx, was, o) },
		DeleteFunc: func(o any) { s.sawDeleted(ctx, o) },
	})
	if err != nil {
		return nil, nil, err
	}
	return i, r.HasSynced, nil
}

// listWatch notes of every try whether it could look.
func (s *session) listWatch(of dynamic.ResourceInterface, gone context.CancelCauseFunc) cache.ListerWatcher {
	labels := ""
	if l := s.options.Select.Labels; l != nil {
		labels = l.String()
	}
	note := func(ctx context.Context, err error) {
		switch {
		case ctx.Err() != nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err):
			// It was told to stop, or is to list again: that is no blindness.
		case apierrors.IsNotFound(err):
			gone(errGone)
		default:
			s.sight.note(err)
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = labels
			list, err := of.List(ctx, o)
			note(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = labels
			w, err := of.Watch(ctx, o)
			note(ctx, err)
			return w, err
		},
	}
}
