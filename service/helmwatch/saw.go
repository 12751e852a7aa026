package helmwatch

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// saw takes a release that is new or has changed.
func (s *session) saw(ctx context.Context, object any) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok || !s.options.Select.Has(u) {
		return
	}
	o, err := Observe(u, s.options.Now())
	if err != nil {
		s.log.Warn("a release cannot be read", "release", Release{u.GetNamespace(), u.GetName()}, "error", err)
		return
	}
	if now := (seen{o, u}); s.releases.put(now) {
		s.say(ctx, now, keysOf(u))
	}
}

// sawAgain takes what has changed, and says again what has not: that is how the informer
// tells everything from time to time.
func (s *session) sawAgain(ctx context.Context, was, now any) {
	before, _ := was.(*unstructured.Unstructured)
	u, ok := now.(*unstructured.Unstructured)
	if before != nil && ok && before.GetResourceVersion() == u.GetResourceVersion() && s.options.Select.Has(u) {
		if o, err := Observe(u, s.options.Now()); err == nil {
			s.say(ctx, seen{o, u}, keysOf(u))
		}
		return
	}
	s.saw(ctx, now)
}

// keysOf recognises what an object says when it is said again, by whoever has the watch
// then. What comes again after something else is another version of the object.
func keysOf(u *unstructured.Unstructured) *bridge.Fingerprints {
	return bridge.NewFingerprints("helmrelease/" + string(u.GetUID()) + "/" + u.GetResourceVersion())
}

// say records what is seen of a release. Without keys it is applied although it was said
// before.
func (s *session) say(ctx context.Context, o seen, keys *bridge.Fingerprints) {
	for _, e := range o.Events(s.Region) {
		var key flow.Fingerprint
		if keys != nil {
			key = keys.Of(e)
		}
		s.counts.events.Add(1)
		s.events.put(ctx, entry{item: s.item(e, key)})
	}
}

// sawDeleted takes a release that is gone, also one that went while the watch was cut.
func (s *session) sawDeleted(ctx context.Context, object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	u, ok := object.(*unstructured.Unstructured)
	if !ok || !s.options.Select.Has(u) {
		return
	}
	gone, now := Release{u.GetNamespace(), u.GetName()}, s.options.Now()
	o, err := Observe(u, now)
	if err != nil {
		o.AsOf = now // nothing was ever said of it
	}
	s.releases.remove(gone)
	s.counts.events.Add(1)
	s.events.put(ctx, entry{item: s.item(Deleted(gone, s.Region, laterOf(now, o.AsOf), o.AsOf), flow.Fingerprint{})})
}

// allListed says which releases there are, which takes out those that went while nobody
// watched; and once that is written, it says again what the flow does not show although it
// is there: a job that was taken out meanwhile, say, by a kubeconfig that led elsewhere.
func (s *session) allListed(ctx context.Context) {
	all := s.releases.all()
	names := make([]Release, len(all))
	for i, o := range all {
		names[i] = o.Release
	}
	s.releases.allListed()
	s.events.put(ctx, entry{
		item: s.item(Listed(names, s.Region, s.options.Now()), flow.Fingerprint{}),
		then: func() { s.parts.Go(func() { s.sayMissing(ctx, all) }) }, // not here: it writes to who calls this
	})
}

func (s *session) sayMissing(ctx context.Context, all []seen) {
	jobs, err := s.options.Jobs.Jobs(ctx, s.FlowID)
	if err != nil {
		s.log.Warn("reading which releases are shown", "error", err)
		return
	}
	shown := map[string]bool{}
	for _, j := range jobs {
		if j.Region == s.Region {
			shown[j.AppID] = true
		}
	}
	for _, o := range all {
		if e := o.event(s.Region); !shown[flow.ComponentName(e.Namespace, e.Component)] {
			s.releases.ifThere(o.Release, func() { s.say(ctx, o, nil) })
		}
	}
}
