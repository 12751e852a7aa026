package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

var streamRows = []row{
	{sentence: "headers", steps: []step{
		events(event(0, "tofu-init")),
		streamsAt("/api/v1/flows/$d/stream"),
	}},
	{sentence: "retry is sent once, jittered, and every frame but the heartbeat carries an id", steps: []step{
		events(event(0, "tofu-init")),
		func(c *exchange) {
			seen := map[string]bool{}
			for range 8 {
				text := c.firstBytes("/api/v1/flows/"+c.id+"/stream", regexp.MustCompile(`(?s)^retry: \d+\n\nevent: snapshot\nid: \S+\ndata: .+\n\n$`))
				seen[strings.SplitN(text, "\n", 2)[0]] = true
			}
			if len(seen) < 2 {
				c.t.Errorf("all were told %v", seen)
			}
		},
	}},
	{sentence: "first frame: snapshot; then deltas as they commit, named like their envelope's type", steps: []step{
		emits(upsert(node("a", "running"))),
		opens("", frames("snapshot", `{"type":"snapshot","nodes":[{"id":"a"}]}`)),
		emits(upsert(node("b", "pending"))), frames("upsert-nodes", `{"type":"upsert-nodes","nodes":[{"id":"b"}]}`),
		emits(upsertRels(rel("a", "b", "triggers"))), frames("upsert-rels", `{"type":"upsert-rels","relationships":[{"fromId":"a"}]}`),
		emits(`{"type":"upsert-flow","flow":{"meta":{"k":1}}}`), frames("upsert-flow", `{"type":"upsert-flow","flow":{"meta":{"k":1}}}`),
		emits(`{"type":"delete-rels","pairs":[` + rel("a", "b", "triggers") + `]}`), frames("delete-rels", `{"type":"delete-rels","pairs":[{"fromId":"a","toId":"b","type":"triggers"}]}`),
		emits(`{"type":"delete-nodes","ids":["b"]}`), frames("delete-nodes", `{"type":"delete-nodes","ids":["b"]}`),
		folds,
	}},
	{sentence: "a write through one replica reaches the subscribers of the other", steps: []step{
		registers(`{}`),
		onAnother(opens("", frames("snapshot", `{"nodes":[]}`))),
		events(event(0, "tofu-init"), component(5, "a", "installed")),
		folds,
	}},
	{sentence: "what follows from a change comes in the same delta", steps: []step{
		events(component(1, "a", "installing"), component(1, "b", "pending", "dependsOn", "a")),
		opens("", frames("snapshot", `{"flow":{"status":"running"}}`)),
		events(component(9, "a", "failed")),
		frames("upsert-nodes", `{"nodes":[{"id":"$d:bootstrap-kit","status":"failed"},{"id":"$d:install-a","status":"failed"}]}`),
		frames("upsert-flow", `{"flow":{"status":"running","meta":{"failed":1}}}`),
		folds,
	}},
	{sentence: "of several frames of one change only the last carries the new cursor", steps: []step{
		emits(upsert(node("a", "running"))),
		opens("", frames("snapshot", `{}`)),
		emits(snapshotOf("$d", []string{node("b", "running"), node("c", "pending")}, []string{rel("b", "c", "triggers")})),
		func(c *exchange) {
			old, now := c.stream.state.Cursor, strings.Trim(c.get("/api/v1/flows/"+c.id+"/snapshot").header.Get("ETag"), `"`)
			var ids, names []string
			for c.stream.state.Cursor != now && !c.stream.beyond(now) {
				f := c.nextFrame()
				ids, names = append(ids, f.id), append(names, f.event)
			}
			for i, id := range ids {
				if last := i == len(ids)-1; !last && id != old {
					c.t.Errorf("%v carry %v, the old cursor is %s", names, ids, old)
				}
			}
			if len(ids) < 3 {
				c.t.Errorf("only %v came", names)
			}
		},
		folds,
	}},
	{sentence: "Last-Event-ID and ?lastEventId= get exactly what changed since", steps: []step{
		emits(upsert(node("a", "running"), node("b", "running"), node("gone", "running"))),
		snapshot(),
		emits(upsert(node("b", "failed")), `{"type":"delete-nodes","ids":["gone"]}`),
		opens("$cursor", frames("delete-nodes", `{"ids":["gone"]}`), frames("upsert-nodes", `{"nodes":[{"id":"b","status":"failed"}]}`)),
		opensBy("?lastEventId=$cursor", frames("delete-nodes", `{"ids":["gone"]}`), frames("upsert-nodes", `{"nodes":[{"id":"b","status":"failed"}]}`)),
		onAnother(opens("$cursor", frames("delete-nodes", `{"ids":["gone"]}`), frames("upsert-nodes", `{"nodes":[{"id":"b","status":"failed"}]}`))),
	}},
	{sentence: "a cursor that is no longer known gets a snapshot", steps: []step{
		emits(upsert(node("a", "running"))),
		opens("!", frames("snapshot", `{"nodes":[{"id":"a"}]}`)),
		opens("foreign.5", frames("snapshot", `{"nodes":[{"id":"a"}]}`)),
		snapshot(), // its cursor is of a life that ends now
		ask("DELETE /v1/flows/$d", 204), ends,
		emits(upsert(node("b", "running"))),
		opens("$cursor", frames("snapshot", `{"nodes":[{"id":"b"}]}`)),
	}},
	{sentence: "a known deployment never gets an error: with no jobs an empty snapshot, live from the first on", steps: []step{
		registers(`{}`),
		opens("", frames("snapshot", `{"flow":{"id":"$d","status":"pending"},"nodes":[],"relationships":[]}`)),
		events(event(0, "tofu-init")),
		folds,
	}},
	{sentence: "flow deleted: the stream ends, and the client is resolved afresh", steps: []step{
		events(event(0, "tofu-init")),
		opens("", frames("snapshot", `{}`)),
		ask("DELETE /api/v1/flows/$d", 204), ends,
		opens("", frames("snapshot", `{"nodes":[]}`)), // the deployment is known
		events(event(0, "tofu-init")), folds,
		ask("DELETE /api/v1/deployments/$d", 204), ends,
		ask("GET /api/v1/flows/$d/stream", 404, fails("flow-not-found")),
	}},
	{sentence: "a heartbeat at most 15 s after the last frame, with data {} and no id", steps: []step{
		events(event(0, "tofu-init")),
		opens("", frames("snapshot", `{}`)),
		func(c *exchange) {
			if f, ok := c.stream.next(); !ok || f != (frame{"heartbeat", "", "{}"}) {
				c.t.Errorf("%+v came", f)
			}
		},
	}},
}

// streamsAt wants a path to give server-sent events.
func streamsAt(path string) step {
	return func(c *exchange) {
		c.t.Helper()
		c.firstBytes(c.fill(path), regexp.MustCompile(`(?s)^retry: \d+\n\nevent: .+\ndata: .+\n\n$`))
	}
}

// firstBytes reads a stream as far as it takes to be of that form, and checks its headers.
func (c *exchange) firstBytes(path string, form *regexp.Regexp) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"} {
		if got := res.Header.Get(name); got != want {
			c.t.Errorf("%s: %q", name, got)
		}
	}
	var text []byte
	for piece := make([]byte, 4096); !form.Match(text); {
		n, err := res.Body.Read(piece)
		if text = append(text, piece[:n]...); err != nil {
			c.t.Fatalf("%s: %d %v after %q", path, res.StatusCode, err, text)
		}
	}
	return string(text)
}

const itsSnapshot = `{"type":"snapshot","flow":{"id":"u","status":"running","startedAt":1790000000000},"nodes":[{"id":"u:n","flowId":"u","label":"n","status":"running"}],"relationships":[]}`

// itsStream sends one event and then waits for the client to leave.
func itsStream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "event: snapshot\nid: 41\ndata: "+itsSnapshot+"\n\n")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// knows is an upstream that has every flow.
func knows(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/stream") {
		itsStream(w, r)
		return
	}
	says(http.StatusOK, "application/json", itsSnapshot)(w, r)
}

// breaks ends every connection without an answer.
func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

var upstreamRows = []row{
	{sentence: "an unknown id: the upstream's answer, passed through", upstream: knows, steps: []step{
		snapshot(is(itsSnapshot), headed("ETag", "^$")),
		opens("", frames("snapshot", itsSnapshot)),
	}},
	{sentence: "a known deployment with no jobs: the upstream's answer if it has one", upstream: knows, steps: []step{
		registers(`{}`), snapshot(is(itsSnapshot)),
	}},
	{sentence: "HEAD of what only the upstream has is answered at once, with its headers", upstream: knows, steps: []step{
		ask("HEAD /api/v1/flows/$d/snapshot", 200, headed("Content-Type", "^application/json$")),
		ask("HEAD /v1/flows/$d/stream", 200, headed("Content-Type", "^text/event-stream$")),
		registers(`{}`),
		ask("HEAD /api/v1/flows/$d/snapshot", 200), ask("HEAD /sovereign/v1/flows/$d/stream", 200, headed("Content-Type", "^text/event-stream$")),
	}},
	{sentence: "parts of a flow, its past and its history are not asked for upstream", upstream: knows, steps: []step{
		ask("GET /api/v1/flows/$d/snapshot?root=n", 404, fails("flow-not-found")), ask("GET /api/v1/flows/$d/snapshot?at=2026-04-01", 404, fails("flow-not-found")),
		ask("GET /api/v1/flows/$d/timeline", 404, fails("flow-not-found")), ask("GET /api/v1/deployments/$d/jobs", 404, fails("deployment-not-found")),
	}},
	{sentence: "a flow of an emitter without jobs is here: the upstream is not asked any more, and again once it is deleted", upstream: knows, steps: []step{
		opens("", frames("snapshot", itsSnapshot)),
		emits(`{"type":"upsert-flow","flow":{"status":"running"}}`),
		frames("snapshot", `{"flow":{"id":"$d","status":"running"},"nodes":[]}`),
		snapshot(has(`{"flow":{"id":"$d"},"nodes":[]}`)),
		ask("DELETE /v1/flows/$d", 204), ends,
		snapshot(is(itsSnapshot)),
	}},
	{sentence: "404 when it has none", upstream: refuses, steps: []step{
		snapshotIs404, ask("GET /api/v1/flows/$d/stream", 404, fails("flow-not-found")), ask("HEAD /v1/flows/$d/stream", 404),
		registers(`{}`), snapshot(shows()), opens("", frames("snapshot", `{"nodes":[]}`)),
	}},
	{sentence: "502 when it cannot be reached", upstream: breaks, steps: []step{
		ask("GET /api/v1/flows/$d/snapshot", 502, fails("upstream-unreachable")),
		ask("GET /api/v1/flows/$d/stream", 502, fails("upstream-unreachable")), ask("HEAD /v1/flows/$d/stream", 502), ask("HEAD /v1/flows/$d/snapshot", 502),
		registers(`{}`), snapshot(shows()), opens("", frames("snapshot", `{"nodes":[]}`)),
		events(event(0, "tofu-init")), folds,
	}},
	{sentence: "streams pass through, and the first local job moves the client to the local stream", upstream: knows, steps: []step{
		opens("", frames("snapshot", itsSnapshot)),
		events(event(0, "tofu-init")),
		frames("snapshot", `{"flow":{"id":"$d"},"nodes":[{"id":"$d:provisioner"},{"id":"$d:tofu-init"}]}`),
		events(event(5, "tofu-plan")), folds,
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running")),
	}},
	{sentence: "lists and logs wait for no upstream", upstream: hangs, steps: []step{
		registers(`{}`),
		ask("GET /api/v1/deployments/$d/jobs", 200, is(`{"jobs":[]}`)), ask("GET /api/v1/deployments/$d", 200), ask("GET /api/v1/deployments?limit=1", 200),
		ask("GET /api/v1/deployments/$d/jobs/tofu-init", 404), ask(initLog, 404),
	}},
	{sentence: "nothing of the client's credentials goes upstream", upstream: tellsWhatItGot, steps: []step{
		sendWith([]string{"Authorization", "Bearer s3cret", "Cookie", "s3cret=1", "X-Api-Key", "s3cret"}, "GET /api/v1/flows/$d/snapshot?token=s3cret", "", 200,
			hides("s3cret"), tells("/v1/flows/$d/snapshot")),
	}},
}

// tellsWhatItGot is an upstream that answers with the request.
func tellsWhatItGot(w http.ResponseWriter, r *http.Request) {
	says(http.StatusOK, "application/json", fmt.Sprintf("%q", fmt.Sprint(r.RequestURI, r.Header)))(w, r)
}
