package main

import "fmt"

// later is an index with the jobs of the phases that come after the provision.
const later = `{"deploymentId":"$d","jobs":[
	{"jobName":"install-a","appId":"a","parentId":"bootstrap-kit","status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:01:00Z"},
	{"jobName":"app-shop","parentId":"apps","status":"pending"},
	{"jobName":"cutover-dns","parentId":"cutover","status":"pending"},
	{"jobName":"handover-keys","parentId":"handover","status":"pending"},
	{"jobName":"mutation-resize","parentId":"day-2-mutations","status":"pending"}],"executions":[]}`

var nameRows = []row{
	{sentence: "job id: <deploymentId>:<jobName>", steps: []step{
		events(event(0, "tofu-init"), component(1, "a", "pending")),
		ask("GET /api/v1/deployments/$d/jobs/tofu-init", 200, has(`{"job":{"id":"$d:tofu-init","jobName":"tofu-init"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(`{"job":{"id":"$d:install-a","jobName":"install-a"}}`)),
	}},
	{sentence: "labels of the steps, which are children of provisioner; families", steps: []step{
		events(event(0, "tofu-init"), event(1, "tofu-plan"), event(2, "tofu-apply"), event(3, "tofu-output"), event(4, "cluster-bootstrap")),
		snapshot(has(`{"nodes":[{"label":"Provision","family":"group"},{"label":"Terraform Init","family":"tofu"},{"label":"Terraform Plan","family":"tofu"},
			{"label":"Terraform Apply","family":"tofu"},{"label":"Terraform Output","family":"tofu"},{"label":"Bootstrap Cluster","family":"bootstrap"}]}`),
			relates("tofu-init contains provisioner", "tofu-plan contains provisioner", "tofu-init finish-to-start tofu-plan", "tofu-apply contains provisioner",
				"tofu-plan finish-to-start tofu-apply", "tofu-output contains provisioner", "tofu-apply finish-to-start tofu-output",
				"cluster-bootstrap contains provisioner", "tofu-output finish-to-start cluster-bootstrap")),
	}},
	{sentence: "groups, their labels, the families of what is in them, and their order", steps: []step{
		events(event(0, "tofu-init")), imports(later),
		snapshot(nodeHas("$d:provisioner", `{"label":"Provision","family":"group"}`), nodeHas("$d:bootstrap-kit", `{"label":"Bootstrap","family":"group"}`),
			nodeHas("$d:cutover", `{"label":"Cutover","family":"group"}`), nodeHas("$d:handover", `{"label":"Handover","family":"group"}`),
			nodeHas("$d:apps", `{"label":"Apps","family":"group"}`), nodeHas("$d:day-2-mutations", `{"label":"Day-2 Mutations","family":"group"}`),
			nodeHas("$d:cutover-dns", `{"family":"cutover"}`), nodeHas("$d:handover-keys", `{"family":"handover"}`), nodeHas("$d:install-a", `{"family":"install"}`),
			nodeLacks("$d:mutation-resize", "family"),
			after("provisioner", "bootstrap-kit"), after("bootstrap-kit", "cutover"), after("cutover", "handover"), after("handover", "apps")),
	}},
	{sentence: "each group after the one before it, where both exist", steps: []step{
		imports(`{"deploymentId":"$d","jobs":[{"jobName":"handover-keys","parentId":"handover","status":"pending"},{"jobName":"install-a","parentId":"bootstrap-kit","status":"pending"}],"executions":[]}`),
		snapshot(relates("handover-keys contains handover", "install-a contains bootstrap-kit")),
		imports(`{"deploymentId":"$d","jobs":[{"jobName":"cutover-dns","parentId":"cutover","status":"pending"}],"executions":[]}`),
		snapshot(after("bootstrap-kit", "cutover"), after("cutover", "handover")),
	}},
	{sentence: "the provider names the provisioner group", steps: []step{
		registers(`{"provider":"hetzner"}`), events(event(0, "tofu-init")),
		snapshot(nodeHas("$d:provisioner", `{"label":"Provision Hetzner"}`)),
		onAnother(opens("", frames("snapshot", `{}`))),
		registers(`{"provider":"AWS"}`),
		frames("upsert-nodes", `{"nodes":[{"id":"$d:provisioner","label":"Provision AWS"}]}`), folds,
		snapshot(), registers(`{"provider":"AWS"}`), snapshot(asBefore), notModified,
	}},
	{sentence: "a job without a display name is labelled with its job name", steps: []step{
		events(component(0, "cilium", "pending")), snapshot(nodeHas("$d:install-cilium", `{"label":"install-cilium"}`)),
	}},
	{sentence: "bridge edges are finish-to-start with condition on-success", steps: []step{
		events(component(0, "a", "pending"), component(0, "b", "pending", "dependsOn", "a")),
		snapshot(tells(`{"fromId":"$d:install-a","toId":"$d:install-b","type":"finish-to-start","condition":"on-success"}`)),
	}},
	{sentence: "an edge to a job not seen yet is kept and shown once the job is there", steps: []step{
		events(component(0, "b", "pending", "dependsOn", "a")),
		snapshot(relates("install-b contains bootstrap-kit")),
		ask("GET /api/v1/deployments/$d/jobs/b", 200, has(`{"job":{"dependsOn":["$d:install-a"]}}`)),
		opens("", frames("snapshot", `{}`)),
		events(component(1, "a", "pending")), folds,
		snapshot(tells(`"toId":"$d:install-b","type":"finish-to-start"`)),
	}},
	{sentence: "an edge that would close a cycle is refused, the job kept", steps: []step{
		events(component(0, "a", "pending", "dependsOn", "b"), component(1, "b", "pending", "dependsOn", "a c"), component(2, "c", "pending", "dependsOn", "c a")),
		snapshot(shows("bootstrap-kit pending", "install-a pending", "install-b pending", "install-c pending"),
			edges("finish-to-start", "install-b finish-to-start install-a", "install-c finish-to-start install-b")),
		emits(upsert(node("x", "pending"), node("y", "pending")), upsertRels(rel("x", "y", "finish-to-start"), rel("y", "x", "finish-to-start"), rel("x", "y", "contains"), rel("y", "x", "contains"))),
		snapshot(tells(`"fromId":"x","toId":"y","type":"contains"`), hides(`"fromId":"y"`)),
	}},
	{sentence: "dependencies arrive as bare names, chart names or full ids, and are sent as full ids; a colon alone makes none", steps: []step{
		events(component(0, "z", "pending", "dependsOn", "install-a bp-b c $d:install-e other:thing install-bp-f")),
		ask("GET /api/v1/deployments/$d/jobs/z", 200, has(`{"job":{"dependsOn":["$d:install-a","$d:install-b","$d:install-c","$d:install-e","$d:install-f"]}}`)),
	}},
	{sentence: "regions: ids of the primary one and of others, groups inside the group", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		events(component(0, "a", "installed"), component(0, "b", "installed", "region", "fsn1"), component(0, "a", "installing", "region", "hel1")),
		snapshot(shows("bootstrap-kit running", "install-a succeeded", "install-b succeeded", "hel1:bootstrap-kit running", "install-hel1:a running"),
			relates("install-a contains bootstrap-kit", "install-b contains bootstrap-kit", "hel1:bootstrap-kit contains bootstrap-kit", "install-hel1:a contains hel1:bootstrap-kit"),
			nodeHas("$d:install-hel1:a", `{"region":"hel1","family":"install"}`), nodeHas("$d:hel1:bootstrap-kit", `{"region":"hel1","family":"group"}`)),
		ask("GET /api/v1/deployments/$d/jobs/install-hel1:a", 200, has(`{"job":{"region":"hel1","appId":"a","parentId":"$d:hel1:bootstrap-kit"}}`)),
	}},
	{sentence: "regions: recorded after the first events, a region does not become the primary one of jobs that are there", steps: []step{
		events(component(0, "a", "installing", "region", "fsn1")),
		send("PUT /api/v1/deployments/$d", `{"provider":"aws","regions":["fsn1","hel1"]}`, 409, fails("primary-region")),
		ask("GET /api/v1/deployments/$d", 200, hides("fsn1", "aws")),
		registers(`{"regions":["hel1","fsn1"]}`),
		events(component(1, "a", "installed", "region", "fsn1"), component(1, "a", "installed", "region", "hel1")),
		snapshot(shows("bootstrap-kit succeeded", "fsn1:bootstrap-kit succeeded", "install-fsn1:a succeeded", "install-a succeeded")),
		send("PUT /api/v1/deployments/$d", `{"regions":["fsn1","hel1"]}`, 409, fails("primary-region")),
		send("PUT /api/v1/deployments/$d", `{"regions":[]}`, 409, fails("primary-region")),
		registers(`{"regions":["hel1"]}`),
		ask("GET /api/v1/flows/$d/snapshot?around=$d:hel1:install-a", 200, shows("install-a succeeded")),
		ask("GET /api/v1/flows/$d/snapshot?root=hel1:install-a", 200, shows("install-a succeeded")),
	}},
	{sentence: "regions: jobs of no named region are the primary one's, whenever that is recorded", steps: []step{
		events(component(0, "a", "installing")), registers(`{"regions":["fsn1","hel1"]}`),
		events(component(1, "a", "installed", "region", "fsn1")),
		snapshot(shows("bootstrap-kit succeeded", "install-a succeeded")),
	}},
	{sentence: "<dep>:<region>:install-<chart> is an alias on look-up and import", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		imports(`{"deploymentId":"$d","jobs":[{"id":"$d:hel1:install-a","jobName":"install-a","region":"hel1","parentId":"$d:hel1:bootstrap-kit","status":"running","startedAt":"2026-04-01T12:00:00Z"},
			{"id":"$d:fsn1:install-a","jobName":"install-a","region":"fsn1","parentId":"bootstrap-kit","status":"running","startedAt":"2026-04-01T12:00:00Z"}],"executions":[]}`),
		ask("GET /api/v1/deployments/$d/jobs/$d:hel1:install-a", 200, has(`{"job":{"id":"$d:install-hel1:a"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/hel1:install-a", 200, has(`{"job":{"id":"$d:install-hel1:a"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/$d%3Afsn1%3Ainstall-a", 200, has(`{"job":{"id":"$d:install-a"}}`)),
		ask("GET /api/v1/flows/$d/snapshot?around=$d:hel1:install-a", 200, shows("install-hel1:a running")),
	}},
	{sentence: "region and kind are not blanked by who does not speak of them", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		events(component(0, "a", "installing", "region", "hel1")),
		imports(`{"deploymentId":"$d","jobs":[{"id":"$d:install-hel1:a","jobName":"install-hel1:a","status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:05Z"}],"executions":[]}`),
		emits(upsert(`{"id":"$d:install-hel1:a","status":"running"}`)),
		snapshot(nodeHas("$d:install-hel1:a", `{"region":"hel1","family":"install","status":"succeeded"}`)),
		ask("GET /api/v1/deployments/$d/jobs/install-hel1:a", 200, has(`{"job":{"region":"hel1","kind":"install","appId":"a"}}`)),
	}},
	{sentence: "no dependency crosses regions", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		events(component(0, "a", "pending"), component(0, "b", "pending", "region", "hel1", "dependsOn", "$d:install-a c cluster-bootstrap"), component(0, "c", "pending", "region", "hel1"),
			component(0, "d", "pending", "dependsOn", "$d:hel1:install-c a")),
		ask("GET /api/v1/deployments/$d/jobs/install-hel1:b", 200, has(`{"job":{"dependsOn":["$d:cluster-bootstrap","$d:install-hel1:c"]}}`)),
		ask("GET /api/v1/deployments/$d/jobs/d", 200, has(`{"job":{"dependsOn":["$d:install-a"]}}`)),
	}},
}

// after wants a bridge's edge between two groups.
func after(first, then string) want {
	return tells(`{"fromId":"$d:` + first + `","toId":"$d:` + then + `","type":"finish-to-start","condition":"on-success"}`)
}

// grouped is a region's group with installs in those states.
func grouped(status string, states ...string) row {
	var lines []string
	for i, s := range states {
		lines = append(lines, component(float64(10*i), fmt.Sprint("c", i), s))
	}
	return row{sentence: fmt.Sprintf("a group of %v is %s", states, status), steps: []step{
		events(lines...), snapshot(nodeHas("$d:bootstrap-kit", fmt.Sprintf(`{"status":%q}`, status))),
	}}
}

var ruleRows = []row{
	grouped("failed", "installed", "failed", "installing", "pending"),
	grouped("succeeded", "installed", "installed"),
	grouped("running", "pending", "installing"),
	grouped("running", "pending", "installed"),
	grouped("pending", "pending", "pending"),
	{sentence: "a group starts with its first descendant and finishes with its last, once all are terminal", steps: []step{
		events(component(1, "a", "installing"), component(5, "a", "installed"), component(3, "b", "installing")),
		snapshot(nodeHas("$d:bootstrap-kit", fmt.Sprintf(`{"startedAt":%d}`, ms+1000)), nodeLacks("$d:bootstrap-kit", "endedAt")),
		events(component(9, "b", "failed")),
		snapshot(nodeHas("$d:bootstrap-kit", fmt.Sprintf(`{"startedAt":%d,"endedAt":%d}`, ms+1000, ms+9000))),
	}},
	{sentence: "a group's descendants are its leaves, at any depth; with none it is pending", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		events(component(1, "a", "installed"), component(2, "a", "failed", "region", "hel1")),
		snapshot(shows("bootstrap-kit failed", "install-a succeeded", "hel1:bootstrap-kit failed", "install-hel1:a failed")),
		imports(`{"deploymentId":"$d-too","jobs":[{"id":"$d-too:apps","jobName":"apps","type":"group","status":"running"}],"executions":[]}`), // a placeholder's status
		ask("GET /api/v1/deployments/$d-too/jobs/apps", 200, has(`{"job":{"status":"pending"}}`)),
	}},
	{sentence: "the flow's status, from all leaves", steps: []step{
		events(component(0, "a", "pending"), component(0, "b", "pending")), snapshot(has(`{"flow":{"status":"pending"}}`)),
		events(component(1, "a", "installing")), snapshot(has(`{"flow":{"status":"running"}}`), hides("failed")),
		events(component(2, "a", "failed")), snapshot(has(`{"flow":{"status":"running","meta":{"failed":1}}}`), hides(`"endedAt":`+fmt.Sprint(ms+2000)+`},"nodes"`)),
		events(component(3, "b", "installed")), snapshot(has(fmt.Sprintf(`{"flow":{"status":"failed","endedAt":%d}}`, ms+3000))),
		events(component(4, "a", "installing"), component(5, "a", "installed")), snapshot(has(fmt.Sprintf(`{"flow":{"status":"succeeded","startedAt":%d,"endedAt":%d}}`, ms+1000, ms+5000)), hides(`"failed"`)),
	}},
	{sentence: "an emitter's flow keeps the status it was given until bridge jobs exist in it", steps: []step{
		emits(`{"type":"upsert-flow","flow":{"status":"succeeded"}}`, upsert(node("a", "running"))), snapshot(has(`{"flow":{"status":"succeeded"}}`)),
		events(component(1, "b", "installing")), snapshot(has(`{"flow":{"status":"running"}}`)),
	}},
	{sentence: "absent is not empty: what does not speak of dependencies leaves them alone, [] clears them", steps: []step{
		events(component(0, "a", "pending"), component(1, "b", "pending", "dependsOn", "a")),
		events(component(2, "b", "installing")), snapshot(edges("finish-to-start", "install-a finish-to-start install-b")),
		opens("", frames("snapshot", `{}`)),
		events(component(3, "b", "installing", "dependsOn", "")), snapshot(edges("finish-to-start")), folds,
	}},
	{sentence: "a finished install does not go back to running while it reconciles the same chart version", steps: []step{
		events(component(1, "a", "installing", "chartVersion", "1"), component(5, "a", "installed", "chartVersion", "1")), snapshot(),
		events(component(6, "a", "installing", "chartVersion", "1"), component(7, "a", "installing"), component(8, "a", "pending")), snapshot(asBefore),
	}},
	{sentence: "failed then installing, or a new chart version, is a new attempt: a new execution", steps: []step{
		events(component(1, "a", "failed", "chartVersion", "1"), component(2, "a", "installing", "chartVersion", "1"), component(3, "a", "installed", "chartVersion", "1"), component(4, "a", "installing", "chartVersion", "2")),
		snapshot(nodeHas("$d:install-a", `{"status":"running","meta":{"attempt":3,"chartVersion":"2"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(`{"executions":[{"status":"running"},{"status":"succeeded"},{"status":"failed"}]}`)),
	}},
	{sentence: "a pending job's meta.waitingOn names the unfinished jobs it waits for", steps: []step{
		events(component(0, "a", "installing"), component(0, "b", "installing"), component(0, "c", "pending", "dependsOn", "a b")),
		snapshot(nodeHas("$d:install-c", `{"meta":{"waitingOn":["$d:install-a","$d:install-b"]}}`)),
		events(component(5, "a", "installed")), snapshot(nodeHas("$d:install-c", `{"meta":{"waitingOn":["$d:install-b"]}}`)),
		events(component(6, "b", "installed")), snapshot(nodeLacks("$d:install-c", "waitingOn")),
	}},
}

// edges wants exactly these relationships of a type, in order.
func edges(typ string, wanted ...string) want {
	return listed(wanted, func(e envelope) (got []string) {
		for _, r := range e.Relationships {
			if r.Type == typ {
				got = append(got, r.FromID+" "+r.Type+" "+r.ToID)
			}
		}
		return got
	})
}
