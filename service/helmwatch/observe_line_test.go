package helmwatch_test

import (
	"fmt"
	"testing"

	"github.com/openova-io/provflow/service/helmwatch"
)

// ofGitea is what controller-runtime adds to each line about a release.
const ofGitea = `"controller":"helmrelease","controllerGroup":"helm.toolkit.fluxcd.io","controllerKind":"HelmRelease",` +
	`"HelmRelease":{"name":"bp-gitea","namespace":"flux-system"},"namespace":"flux-system","name":"bp-gitea","reconcileID":"7f1d"`

func TestAttributeLine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, line, want string }{
		{"JSON", `{"level":"info","ts":"2026-04-01T12:00:18.345Z","msg":"running 'install' action with timeout of 5m0s",` + ofGitea + `}`,
			"flux-system/bp-gitea info @18.345 running 'install' action with timeout of 5m0s"},
		{"an error", `{"level":"error","ts":"2026-04-01T12:00:20Z","msg":"Reconciler error",` + ofGitea + `,"error":"terminal error: exceeded maximum retries"}`,
			"flux-system/bp-gitea error @20 Reconciler error: terminal error: exceeded maximum retries"},
		{"debug is info", `{"level":"debug","ts":"2026-04-01T12:00:20Z","msg":"determining state",` + ofGitea + `}`,
			"flux-system/bp-gitea info @20 determining state"},
		{"the API server's time in front", `2026-04-01T12:00:18.400000001Z {"level":"info","ts":"2026-04-01T12:00:18.345Z","msg":"a",` + ofGitea + `}`,
			"flux-system/bp-gitea info @18.345 a"},
		{"no time but that", `2026-04-01T12:00:18.4Z {"level":"info","msg":"a",` + ofGitea + `}`, "flux-system/bp-gitea info @18.4 a"},
		{"without the field of its kind", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"a","controllerKind":"HelmRelease","name":"bp-x","namespace":"apps"}`,
			"apps/bp-x info @18 a"},
		{"the console form", "2026-04-01T12:00:18.345Z\tINFO\trelease in-sync with desired state\t{" + ofGitea + "}",
			"flux-system/bp-gitea info @18.345 release in-sync with desired state"},
		{"the console form with a logger", "2026-04-01T12:00:18.345Z\tERROR\tcontroller\tReconciler error\t{" + ofGitea + `,"error":"boom"}`,
			"flux-system/bp-gitea error @18.345 Reconciler error: boom"},
		{"a secret", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"set password=hunter2",` + ofGitea + `}`, "flux-system/bp-gitea info @18 set password=***"},
		{"of no release", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"starting manager"}`, ""},
		{"of another kind", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"a","controllerKind":"HelmChart","name":"bp-x","namespace":"apps"}`, ""},
		{"no message", `{"level":"info","ts":"2026-04-01T12:00:18Z",` + ofGitea + `}`, ""},
		{"no time", `{"level":"info","msg":"a",` + ofGitea + `}`, ""},
		{"of klog", `I0401 12:00:18.345678       1 leaderelection.go:257] attempting to acquire leader lease`, ""},
		{"cut off", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"a",`, ""},
		{"a name that is none", `{"level":"info","ts":"2026-04-01T12:00:18Z","msg":"a","controllerKind":"HelmRelease","name":{},"namespace":"apps"}`, ""},
		{"empty", ``, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if l, ok := helmwatch.AttributeLine([]byte(tt.line)); ok {
				got = fmt.Sprintf("%s %s @%s %s", l.Release, l.Level, second(l.Time), l.Message)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzAttributeLine(f *testing.F) {
	f.Add([]byte("2026-04-01T12:00:18.345Z\tINFO\ta\t{" + ofGitea + "}"))
	f.Add([]byte(`2026-04-01T12:00:18Z {"level":"error","msg":"a","error":"b",` + ofGitea + `}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if l, ok := helmwatch.AttributeLine(line); ok {
			roundTrip(t, l.Event(""))
		}
	})
}
