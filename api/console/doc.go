// Package console is what a client of a flow's stream does, for tests: it reads frames as
// an EventSource does and folds them as the contract says. It must know nothing of the
// server but the contract, and checks what the contract promises of every frame: versions
// only grow within a history, an edge's ends are there, lists are never left out.
package console
