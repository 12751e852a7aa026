package record

import (
	"container/list"
	"sync"

	"github.com/openova-io/provflow/service/flow"
)

// graphs keeps the graphs of the flows written last. A graph is lent to one writer at a
// time: take removes it, put brings it back.
type graphs struct {
	mu    sync.Mutex
	limit int
	order *list.List // of *flow.Graph, the last written in front
	byID  map[string]*list.Element
}

func newGraphs(limit int) *graphs {
	return &graphs{limit: limit, order: list.New(), byID: map[string]*list.Element{}}
}

// take gives the flow's graph, an empty one where none is kept.
func (g *graphs) take(flowID string) *flow.Graph {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.byID[flowID]
	if e == nil {
		return flow.NewGraph(flowID)
	}
	delete(g.byID, flowID)
	return g.order.Remove(e).(*flow.Graph)
}

// has reports that the flow's graph is kept.
func (g *graphs) has(flowID string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byID[flowID] != nil
}

// put keeps a graph and drops the one written longest ago where there are too many.
func (g *graphs) put(flowID string, graph *flow.Graph) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byID[flowID] = g.order.PushFront(graph)
	if g.order.Len() > g.limit {
		last := g.order.Remove(g.order.Back()).(*flow.Graph)
		delete(g.byID, last.Flow().ID)
	}
}
