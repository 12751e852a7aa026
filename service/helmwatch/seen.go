package helmwatch

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// releases are what was last seen of each release that is selected.
type releases struct {
	listed chan struct{} // closed when all there are were seen once
	once   sync.Once

	mu   sync.Mutex
	seen map[Release]seen
}

// seen is an observation and the object it is of.
type seen struct {
	Observation
	object *unstructured.Unstructured
}

func newReleases() *releases {
	return &releases{listed: make(chan struct{}), seen: map[Release]seen{}}
}

// all gives what was seen, in order of names.
func (r *releases) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]seen, 0, len(r.seen))
	for _, s := range r.seen {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b seen) int { return strings.Compare(a.Release.String(), b.Release.String()) })
	return list
}

// put keeps what was seen and reports whether it says anything new.
func (r *releases) put(s seen) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.seen[s.Release]
	r.seen[s.Release] = s
	last.AsOf = s.AsOf // that the object was written again is no news
	return !known || !reflect.DeepEqual(last.Observation, s.Observation)
}

func (r *releases) remove(gone Release) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, gone)
}

// ifThere does something about a release before it can go; nothing where it has gone.
func (r *releases) ifThere(release Release, do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[release]; ok {
		do()
	}
}

func (r *releases) has(release Release) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.seen[release]
	return ok
}

// allListed notes that each release that is there was seen.
func (r *releases) allListed() { r.once.Do(func() { close(r.listed) }) }
