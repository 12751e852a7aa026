package db_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func operations() []operation {
	return slices.Concat(writes(), terms(), keeping(), afterwards(), accessWrites(), reads(), analyses())
}

func writes() []operation {
	fqdn := "a.example.org"
	return []operation{
		{name: "record events of a new deployment", do: events(firstEvents)},
		{name: "record events after another replica", before: wrote(firstEvents), do: events(laterEvents)},
		{name: "record events that are there already", before: wrote(firstEvents), do: events(firstEvents)},
		{name: "record events in one transaction with another flow", before: both(wrote(firstEvents)), do: func(ctx context.Context, s *subject) (any, error) {
			s.beside = s.id + "-beside"
			return events(laterEvents)(ctx, s)
		}},
		{name: "record a line of a step", before: wrote(stepEvent), do: events(lineEvent)},
		{name: "record a message with a key", before: said(wholeMessage), do: message(shorterMessage, "k")},
		{name: "record a message without a key", before: said(wholeMessage), do: message(shorterMessage, "")},
		{name: "import an index", do: importIndex},
		{name: "keep an answer", before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) { return nil, keepAnswer(ctx, s) }},
		{name: "delete a flow", before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.DeleteFlow(ctx, s.id)
			return nil, err
		}},
		{name: "put a deployment", before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) {
			d, err := s.store.PutDeployment(ctx, s.id, flow.DeploymentChange{SovereignFQDN: &fqdn, Regions: []string{"a", "b"}})
			return d, err
		}},
		{name: "delete a deployment", before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.DeleteDeployment(ctx, s.id)
		}},
		{name: "make partitions", do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.EnsureLogPartitions(ctx, noon, 1)
			return nil, err
		}},
	}
}

// terms are told by the database's clock. A term that was taken unheard runs out.
func terms() []operation {
	key := func(s *subject) flow.WatchKey { return flow.WatchKey{FlowID: s.id} }
	first := func(s *subject) flow.WatchTerm { return flow.WatchTerm{WatchKey: key(s), Term: 1} }
	take := func(ctx context.Context, s *subject) error {
		_, _, err := s.store.TakeTerm(ctx, key(s), "holder", time.Hour)
		return err
	}
	taken := func(s *subject) error { return take(context.Background(), s) }
	return []operation{
		{name: "take a term", do: func(ctx context.Context, s *subject) (any, error) { return nil, take(ctx, s) }},
		{name: "renew a term", before: taken, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.RenewTerm(ctx, first(s), time.Hour)
		}},
		{name: "end a term", before: taken, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.EndTerm(ctx, first(s))
		}},
		{name: "record by a term", before: taken, do: func(ctx context.Context, s *subject) (any, error) {
			return recordEvents(ctx, s, firstEvents, first(s).Fence())
		}},
	}
}

// keeping is done to the whole database.
func keeping() []operation {
	later := noon.Add(time.Hour)
	return []operation{
		{name: "forget tombstones", alone: true, before: said(wholeMessage, shorterMessage), do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.PruneTombstones(ctx, later, 10)
			return nil, err
		}},
		{name: "forget keys", alone: true, before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.PruneKeys(ctx, later, 100)
			return nil, err
		}},
		{name: "expire a flow", alone: true, before: counted(said(endedMessage)), do: func(ctx context.Context, s *subject) (any, error) {
			for { // who lost the connection may still hold it, and then it is left to him
				if id, err := s.store.ExpireFlow(ctx, later); id != "" || err != nil {
					return nil, err
				}
				there, err := s.store.Cursors(ctx, []string{s.id})
				if _, left := there[s.id]; !left || err != nil {
					return nil, err
				}
			}
		}},
	}
}

const (
	firstEvents = `{"time":"2026-04-01T12:00:00Z","phase":"tofu-init"}
{"time":"2026-04-01T12:00:01Z","phase":"tofu","message":"a"}
{"time":"2026-04-01T12:00:02Z","phase":"component","component":"cilium","state":"installing"}
{"time":"2026-04-01T12:00:03Z","phase":"component","component":"flux","state":"pending","dependsOn":["cilium"]}`
	laterEvents = `{"time":"2026-04-01T12:00:09Z","phase":"component","component":"cilium","state":"failed","message":"b"}
{"time":"2026-04-01T12:00:10Z","phase":"component","component":"cilium","state":"installing","message":"c"}
{"time":"2026-04-01T12:00:11Z","phase":"component","component":"flux","state":"pending","dependsOn":[]}`
	stepEvent    = `{"time":"2026-04-01T12:00:00Z","phase":"tofu-init","message":"a"}`
	lineEvent    = `{"time":"2026-04-01T12:00:05Z","phase":"tofu-init","message":"b"}`
	wholeMessage = `{"type":"snapshot","flow":{"status":"running"},"nodes":[{"id":"a","status":"running"},{"id":"b"},{"id":"c"}],
		"relationships":[{"fromId":"a","toId":"b","type":"finish-to-start"},{"fromId":"b","toId":"c","type":"contains"}]}`
	shorterMessage = `{"type":"snapshot","flow":{"status":"succeeded"},"nodes":[{"id":"c","status":"succeeded"},{"id":"a","status":"failed"}],
		"relationships":[]}`
	endedMessage = `{"type":"snapshot","flow":{"status":"succeeded","startedAt":1775044800000,"endedAt":1775044801000},"nodes":[],"relationships":[]}`
)

// events records lines of provisioner events as a request does.
func events(lines string) func(context.Context, *subject) (any, error) {
	return func(ctx context.Context, s *subject) (any, error) { return recordEvents(ctx, s, lines, flow.Fence{}) }
}

func recordEvents(ctx context.Context, s *subject, lines string, fence flow.Fence) (any, error) {
	prints := bridge.NewFingerprints("")
	var items []record.Item
	for line := range strings.Lines(lines) {
		e, err := bridge.ParseEvent([]byte(line), noon.Add(time.Minute))
		if err != nil {
			return nil, err
		}
		items = append(items, record.Item{Observation: e, Key: prints.Of(e), Fence: fence, OfDeployment: true})
	}
	at, err := s.recorder().Record(ctx, s.id, items)
	return at.Version, err
}

func message(body, key string) func(context.Context, *subject) (any, error) {
	return func(ctx context.Context, s *subject) (any, error) {
		m, err := bridge.ParseMessage([]byte(body), s.id, "emitter:x")
		if err != nil {
			return nil, err
		}
		item := record.Item{Observation: m}
		if key != "" {
			item.Key = flow.Fingerprint{7}
		}
		at, err := s.recorder().Record(ctx, s.id, []record.Item{item})
		return at.Version, err
	}
}

func keepAnswer(ctx context.Context, s *subject) error {
	return s.store.KeepAnswer(ctx, s.id, flow.Fingerprint{9}, []byte(`{"seq":1}`))
}

func answered(s *subject) error {
	if err := wrote(firstEvents)(s); err != nil {
		return err
	}
	return keepAnswer(context.Background(), s)
}

func wrote(lines string) func(*subject) error {
	return func(s *subject) error {
		_, err := events(lines)(context.Background(), s)
		return err
	}
}

// both does it to the flow, and to the one beside it.
func both(before func(*subject) error) func(*subject) error {
	return func(s *subject) error {
		if err := before(&subject{id: s.id + "-beside", store: s.store}); err != nil {
			return err
		}
		return before(s)
	}
}

func said(bodies ...string) func(*subject) error {
	return func(s *subject) (err error) {
		for _, body := range bodies {
			if err == nil {
				_, err = message(body, "")(context.Background(), s)
			}
		}
		return err
	}
}

func importIndex(ctx context.Context, s *subject) (any, error) {
	index, err := bridge.ParseLegacy([]byte(fmt.Sprintf(`{"deploymentId":%q,"jobs":[
		{"id":"%[1]s:install-x","jobName":"install-x","status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:01:00Z"},
		{"id":"%[1]s:install-y","jobName":"install-y","status":"pending","dependsOn":["install-x"]}],
		"executions":[{"id":"e-%[1]s","jobId":"%[1]s:install-x","status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:01:00Z"}]}`, s.id)))
	if err != nil {
		return nil, err
	}
	at, err := s.recorder().Record(ctx, s.id, []record.Item{{Observation: index, Key: index.Fingerprint(), OfDeployment: true}})
	return at.Version, err
}

// accessWrites have secrets that are made for one call; a second call with the same one
// finds that it is there, or that it is used up.
func accessWrites() []operation {
	isThere := func(err error) bool { return flow.CodeOf(err) == flow.Conflict }
	isUsed := func(err error) bool { return flow.CodeOf(err) == flow.NotFound }
	return []operation{
		{name: "add a token", done: isThere, do: func(ctx context.Context, s *subject) (any, error) { return nil, addToken(ctx, s) }},
		{name: "revoke a token", before: hasToken, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.RevokeAccessToken(ctx, s.id)
		}},
		{name: "note a token's use", before: hasToken, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.AccessTokenUsed(ctx, s.id, noon)
		}},
		{name: "add a session", done: isThere, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.AddSession(ctx, s.session(), noon)
		}},
		{name: "end a session", before: hasSession, do: func(ctx context.Context, s *subject) (any, error) {
			return nil, s.store.EndSession(ctx, s.hash("session"))
		}},
		{name: "add a code", done: isThere, do: func(ctx context.Context, s *subject) (any, error) { return nil, addCode(ctx, s) }},
		{name: "redeem a code", done: isUsed, before: hasCode, do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.RedeemSessionCode(ctx, s.hash("code"), s.hash("session"), noon)
			return nil, err
		}},
	}
}

func (s *subject) hash(of string) access.Hash { return sha256.Sum256([]byte(of + s.id)) }

func (s *subject) session() access.Session {
	return access.Session{Hash: s.hash("session"), CreatedAt: noon, Principal: access.Principal{
		Key: s.id, Name: "n", Scopes: access.Scopes{"read"}, ExpiresAt: noon.Add(time.Hour),
	}}
}

func addToken(ctx context.Context, s *subject) error {
	return s.store.AddAccessToken(ctx, access.Token{ID: s.id, Hash: s.hash("token"), Name: "n", Scopes: access.Scopes{"read"}, CreatedAt: noon})
}

func addCode(ctx context.Context, s *subject) error {
	return s.store.AddSessionCode(ctx, access.Code{Hash: s.hash("code"), ExpiresAt: noon.Add(time.Minute), Session: s.session()}, noon)
}

func hasToken(s *subject) error   { return addToken(context.Background(), s) }
func hasCode(s *subject) error    { return addCode(context.Background(), s) }
func hasSession(s *subject) error { return s.store.AddSession(context.Background(), s.session(), noon) }
