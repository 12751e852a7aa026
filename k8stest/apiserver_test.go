package k8stest

import (
	"bytes"
	"context"
	_ "embed"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"
	servertesting "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

//go:embed testdata/helmrelease.yaml
var crd []byte

var (
	crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// cluster is an API server that can be stopped and started again on the same data, with a
// door in front of it at an address that stays.
type cluster struct {
	t      testing.TB
	etcd   *embed.Etcd
	socket string
	server *servertesting.TestServer
	door   *door

	version string // under which HelmReleases are served
}

// newCluster starts one in which Flux is installed.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := bareCluster(t)
	c.installFlux("v2")
	return c
}

// bareCluster starts one that knows no HelmRelease yet.
func bareCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	c.startEtcd()
	c.door = newDoor(t)
	c.startServer()
	t.Cleanup(func() {
		if c.server != nil {
			c.server.TearDownFn()
		}
	})
	return c
}

func (c *cluster) startEtcd() {
	c.t.Helper()
	dir, err := os.MkdirTemp("", "etcd-") // a socket's path must be short
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := func(name string) url.URL { return url.URL{Scheme: "unix", Path: filepath.Join(dir, name)} }
	o := embed.NewConfig()
	o.Dir, o.UnsafeNoFsync, o.LogLevel = filepath.Join(dir, "data"), true, "fatal"
	o.ListenClientUrls, o.AdvertiseClientUrls = []url.URL{at("client")}, []url.URL{at("client")}
	o.ListenPeerUrls, o.AdvertisePeerUrls = []url.URL{at("peer")}, []url.URL{at("peer")}
	o.InitialCluster = o.InitialClusterFromName(o.Name)
	if c.etcd, err = embed.StartEtcd(o); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.etcd.Close)
	<-c.etcd.Server.ReadyNotify()
	c.socket = "unix://" + at("client").Path
}

func (c *cluster) startServer() {
	c.t.Helper()
	config := filepath.Join(c.t.TempDir(), "none.yaml")
	if err := os.WriteFile(config, []byte(nobodysConfig), 0o600); err != nil {
		c.t.Fatal(err)
	}
	server, err := servertesting.StartTestServer(quiet{c.t}, nil, []string{
		"--etcd-servers=" + c.socket, "--authentication-skip-lookup", "--enable-priority-and-fairness=false",
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
		"--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
	}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = &server
	c.door.open(server.ClientConfig)
}

// nobodysConfig satisfies flags that want one.
const nobodysConfig = `{apiVersion: v1, kind: Config, current-context: none, clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}],
contexts: [{name: none, context: {cluster: none, user: none}}], users: [{name: none, user: {}}]}`

// quiet is the test without the server's small talk.
type quiet struct{ testing.TB }

func (quiet) Logf(string, ...any) {}

// restart has the API server begin anew while the door is shut.
func (c *cluster) restart() {
	c.t.Helper()
	c.server.TearDownFn()
	c.server = nil
	c.startServer()
}

// compact makes etcd forget all that was, so that nobody can go on from there.
func (c *cluster) compact() {
	c.t.Helper()
	now, err := c.etcd.Server.Range(context.Background(), &pb.RangeRequest{Key: []byte("/")})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.etcd.Server.Compact(context.Background(), &pb.CompactionRequest{Revision: now.Header.Revision, Physical: true}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) client() dynamic.Interface {
	c.t.Helper()
	client, err := dynamic.NewForConfig(c.server.ClientConfig)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// helmReleases is what HelmReleases are served as.
func (c *cluster) helmReleases() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "helm.toolkit.fluxcd.io", Version: c.version, Resource: "helmreleases"}
}

// installFlux has HelmReleases served, under that version.
func (c *cluster) installFlux(version string) {
	c.t.Helper()
	c.version = version
	var object map[string]any
	if err := yaml.Unmarshal(bytes.Replace(crd, []byte("name: v2"), []byte("name: "+version), 1), &object); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.client().Resource(crdResource).Create(c.t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "HelmReleases to be served", func() bool {
		_, err := c.client().Resource(c.helmReleases()).List(c.t.Context(), metav1.ListOptions{})
		return err == nil
	})
}
