package helmwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
)

const (
	fluxGroup    = "helm.toolkit.fluxcd.io"
	fluxResource = "helmreleases"
	// askBound is how long an answer is waited for that is not a watch.
	askBound = 20 * time.Second
)

// kubernetes is a cluster's API server, of which we only read.
type kubernetes struct {
	dynamic dynamic.Interface
	raw     *rest.RESTClient
	close   func()
}

// codecs know the API server's errors and nothing else.
var codecs = func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return serializer.NewCodecFactory(scheme)
}()

// connect makes a client whose connections go over the link. It is to be closed.
func connect(to kubeconfig.Cluster, over *link) (kubernetes, error) {
	if to.Wrong != nil {
		return kubernetes{}, fmt.Errorf("its kubeconfig cannot be used: %w", to.Wrong)
	}
	config := rest.CopyConfig(to.Config)
	over.over(config)
	freshToken(config)
	config.UserAgent = "provflow"
	config.QPS, config.Burst = 20, 40
	config.NegotiatedSerializer = codecs.WithoutConversion()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return kubernetes{}, err
	}
	dyn, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return kubernetes{}, err
	}
	raw, err := rest.UnversionedRESTClientForConfigAndClient(config, client)
	return kubernetes{dyn, raw, func() { utilnet.CloseIdleConnectionsFor(client.Transport) }}, err
}

// releases says under which version HelmReleases are served: the one the API server
// prefers, else the first that has them. It is the zero resource while there is none, as in
// a cluster that Flux has not come to yet.
func (k kubernetes) releases(ctx context.Context) (schema.GroupVersionResource, error) {
	var group metav1.APIGroup
	if err := k.get(ctx, "/apis/"+fluxGroup, &group); err != nil {
		return schema.GroupVersionResource{}, ignoreNotFound(err)
	}
	for _, v := range append([]metav1.GroupVersionForDiscovery{group.PreferredVersion}, group.Versions...) {
		var list metav1.APIResourceList
		if err := k.get(ctx, "/apis/"+v.GroupVersion, &list); ignoreNotFound(err) != nil {
			return schema.GroupVersionResource{}, err
		}
		for _, r := range list.APIResources {
			if r.Name == fluxResource {
				return schema.GroupVersionResource{Group: fluxGroup, Version: v.Version, Resource: fluxResource}, nil
			}
		}
	}
	return schema.GroupVersionResource{}, nil
}

func (k kubernetes) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	body, err := k.raw.Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// pod is a pod of a controller and the container whose log is read.
type pod struct{ namespace, name, uid, container string }

func (k kubernetes) pods(ctx context.Context, of Controllers) ([]pod, error) {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	list, err := k.dynamic.Resource(resource).Namespace(of.Namespace).List(ctx, metav1.ListOptions{LabelSelector: of.Labels})
	if err != nil {
		return nil, err
	}
	var pods []pod
	for i := range list.Items {
		if p, ok := podOf(&list.Items[i]); ok {
			pods = append(pods, p)
		}
	}
	return pods, nil
}

func podOf(u *unstructured.Unstructured) (pod, bool) {
	name := controllerOf(u)
	return pod{u.GetNamespace(), u.GetName(), string(u.GetUID()), name}, name != ""
}

// controllerOf gives the container of a pod that is the controller: the one that the pod
// says is meant where none is named, else the one that is called as those of Flux are, else
// the first. The others are what a mesh or a policy has put beside it.
func controllerOf(u *unstructured.Unstructured) string {
	var names []string
	containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "containers")
	for _, c := range containers {
		if c, ok := c.(map[string]any); ok {
			name, _ := c["name"].(string)
			names = append(names, name)
		}
	}
	for _, name := range []string{u.GetAnnotations()["kubectl.kubernetes.io/default-container"], "manager"} {
		if slices.Contains(names, name) {
			return name
		}
	}
	return slices.Concat(names, []string{""})[0]
}

// log follows a container's log from a time on, each line with its time in front.
func (k kubernetes) log(ctx context.Context, p pod, since time.Time) (io.ReadCloser, error) {
	r := k.raw.Get().AbsPath("/api/v1/namespaces", p.namespace, "pods", p.name, "log").
		Param("container", p.container).Param("follow", "true").Param("timestamps", "true")
	if !since.IsZero() {
		r = r.Param("sinceTime", since.UTC().Format(time.RFC3339))
	}
	return r.Stream(ctx)
}
