package k8stest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openova-io/provflow/db/dbtest"
)

// add makes a release of that name in a namespace, with a label tier.
func (c *cluster) add(namespace, name, tier string, dependsOn ...any) {
	c.t.Helper()
	u := kit(c.t)[0].object()
	u.SetAPIVersion("helm.toolkit.fluxcd.io/" + c.version)
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetLabels(map[string]string{"tier": tier})
	u.Object["spec"].(map[string]any)["dependsOn"] = dependsOn
	_, err := c.client().Resource(c.helmReleases()).Namespace(namespace).Create(context.Background(), u, metav1.CreateOptions{})
	c.releases().must(err)
}

// installs gives the names of the releases that are shown, in order.
func (v *view) installs(flow string) []string {
	names := []string{}
	for id := range v.nodes {
		if name, ok := strings.CutPrefix(id, flow+":install-"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Only what is asked for is watched; and nothing but the namespaces that are named is asked
// of the API server, which need not allow more.
func TestOnlyTheReleasesAskedForAreWatched(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.door.instead = func(r *http.Request) http.Handler {
		if p := r.URL.Path; strings.HasSuffix(p, "/helmreleases") && !strings.Contains(p, "/namespaces/flux-system/") && !strings.Contains(p, "/namespaces/team-a/") {
			return refuse(http.StatusForbidden, "Forbidden", "")
		}
		return nil
	}
	i := install(t, dbtest.Empty(t))
	p := i.start("--release-prefix", "app-", "--release-namespaces", "flux-system,team-a", "--release-selector", "tier in (platform,base)")
	p.known(deployment)
	i.give(deployment, c.door.kubeconfig())
	c.add("flux-system", "app-base", "base")
	c.add("flux-system", "app-blog", "leisure")
	c.add("flux-system", "bp-base", "base")
	c.add("team-a", "app-shop", "platform", map[string]any{"name": "app-base", "namespace": "flux-system"})
	c.add("team-b", "app-shop", "platform")
	wantInstalls(t, p, "app-base", "app-shop@team-a")
	across := edge{deployment + ":install-app-base", deployment + ":install-app-shop@team-a", "finish-to-start"}
	eventually(t, "it to wait for one of another namespace", func() bool { return p.snapshot(deployment).edges[across.String()] })
	c.add("team-a", "app-late", "base")
	c.add("team-a", "app-later", "none")
	c.add("team-a", "app-last", "base")
	wantInstalls(t, p, "app-base", "app-last@team-a", "app-late@team-a", "app-shop@team-a")
	c.relabel("team-a", "app-last", "none")
	c.relabel("team-a", "app-later", "base")
	wantInstalls(t, p, "app-base", "app-late@team-a", "app-later@team-a", "app-shop@team-a")

	// Asked for something else after a restart, it takes out what is not wanted any more.
	p.terminate()
	wantInstalls(t, i.start("--release-namespaces", "flux-system"), "base")
}

// relabel gives a release another tier.
func (c *cluster) relabel(namespace, name, tier string) {
	c.t.Helper()
	patch := []byte(`{"metadata":{"labels":{"tier":"` + tier + `"}}}`)
	_, err := c.client().Resource(c.helmReleases()).Namespace(namespace).Patch(context.Background(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	c.releases().must(err)
}

func wantInstalls(t *testing.T, p *program, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("shown are %q", got)
		}
	}()
	eventually(t, strings.Join(want, ", "), func() bool {
		got = p.now(deployment).installs(deployment)
		return slices.Equal(got, want)
	})
}
