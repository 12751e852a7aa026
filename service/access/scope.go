package access

import (
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// Scope is a kind of thing that may be done.
type Scope string

// The scopes. Read: snapshots, streams, deployments, jobs. Logs: the log lines of
// executions. Ingest: events, FlowMessages, imports. Admin: all of these, and making,
// changing, deleting and exporting deployments.
const (
	Read   Scope = "read"
	Logs   Scope = "logs"
	Ingest Scope = "ingest"
	Admin  Scope = "admin"
)

var known = []Scope{Read, Logs, Ingest, Admin}

// Scopes is what a principal has.
type Scopes []Scope

// ParseScopes reads names; each counts once, and one that is unknown is an error.
func ParseScopes(names []string) (Scopes, error) {
	var scopes Scopes
	for _, name := range names {
		s := Scope(name)
		if !slices.Contains(known, s) {
			return nil, flow.Invalidf("invalid-scope", "scope %.40q is unknown; use read, logs, ingest or admin", name)
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	if len(scopes) == 0 {
		return nil, flow.Invalidf("invalid-scope", "no scope is given; use some of read, logs, ingest, admin")
	}
	return scopes, nil
}

// KnownScopes picks out of names those that are scopes here; an issuer's tokens carry
// many that are not. `provflow:read` is the same as `read`.
func KnownScopes(names []string) Scopes {
	var scopes Scopes
	for _, s := range known {
		if slices.Contains(names, string(s)) || slices.Contains(names, "provflow:"+string(s)) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// Allow reports whether the scopes cover one; Admin covers every one, and any principal
// the empty one.
func (s Scopes) Allow(want Scope) bool {
	return want == "" || slices.Contains(s, want) || slices.Contains(s, Admin)
}

// Strings gives the names.
func (s Scopes) Strings() []string {
	names := make([]string, len(s))
	for i, scope := range s {
		names[i] = string(scope)
	}
	return names
}
