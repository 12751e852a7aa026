package k8stest

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// inPod runs a command that finds a service account where a pod has it: at a path that is the
// command's alone, in a mount namespace of its own.
const inPod = `mount -t tmpfs none /var/run && mkdir -p /var/run/secrets/kubernetes.io &&
ln -s "$ACCOUNT" /var/run/secrets/kubernetes.io/serviceaccount && exec "$@"`

// account makes the folder that holds a service account in a pod.
func (c *cluster) account() string {
	c.t.Helper()
	dir := c.t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate().Certificate[0]})
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "ca.crt"), ca, 0o600), os.WriteFile(filepath.Join(dir, "token"), []byte(c.door.token), 0o600)); err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// pod is how a program is begun as in a pod of the cluster, by that account.
func (c *cluster) pod(account string) (command, env []string) {
	c.t.Helper()
	unshare := []string{"unshare", "--mount", "sh", "-ec", inPod, "pod"}
	if os.Getuid() != 0 {
		unshare = slices.Insert(unshare, 1, "--map-root-user")
	}
	probe := exec.CommandContext(context.Background(), unshare[0], append(unshare[1:], "true")...)
	probe.Env = append(os.Environ(), "ACCOUNT="+account)
	if said, err := probe.CombinedOutput(); err != nil {
		c.t.Skipf("this machine lets nobody mount where a pod's service account is: %v %s", err, said)
	}
	host, port, err := net.SplitHostPort(c.door.address)
	if err != nil {
		c.t.Fatal(err)
	}
	return append(unshare, provflow), []string{"ACCOUNT=" + account, "KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port}
}

// In a pod no kubeconfig is needed: the cluster is reached by the pod's account, and believed
// by the authority that comes with it.
func TestTheClusterItRunsInIsWatched(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	account := c.account()
	command, env := c.pod(account)
	p := install(t, dbtest.Empty(t)).startAs(command, env, "--in-cluster", "--deployment", deployment)
	p.known(deployment)
	s := subscribe(t, p, deployment)
	all := kit(t)[:8]
	c.releases().create(all...)
	c.controller().drive(all)
	agree(t, c, p, deployment, s)
	wantAttempts(t, p, all)

	// Its token is replaced before its time; what was given before is refused.
	c.door.changeToken("second")
	if err := os.WriteFile(filepath.Join(account, "token"), []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.releases().delete(all[7].Name)
	agree(t, c, p, deployment, s)
	wantSight(t, p, "watching")
}

// The cluster it runs in may be that of one of a deployment's regions.
func TestTheClusterItRunsInMayBeARegions(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	command, env := c.pod(c.account())
	p := install(t, dbtest.Empty(t)).startAs(command, env, "--in-cluster", "--deployment", deployment, "--region", "nbg-1")
	p.known(deployment, "fsn1", "nbg-1")
	one := kit(t)[0]
	c.releases().create(one)
	c.controller().drive([]component{one})
	id := deployment + ":install-nbg-1:" + one.Name
	eventually(t, "it to be shown in its region", func() bool {
		return p.now(deployment).nodes[id].Status == "succeeded"
	})
}
