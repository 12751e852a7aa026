package helmwatch

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestWhichContainerIsTheController(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, named string
		containers  []any
		want        string
	}{
		{"one alone", "", []any{"controller"}, "controller"},
		{"beside a proxy of a mesh", "", []any{"istio-proxy", "manager"}, "manager"},
		{"named by the pod", "helm", []any{"manager", "helm"}, "helm"},
		{"named and not there", "helm", []any{"proxy", "manager"}, "manager"},
		{"none is known", "", []any{"a", "b"}, "a"},
		{"there is none", "manager", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i, name := range tt.containers {
				tt.containers[i] = map[string]any{"name": name}
			}
			u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"containers": tt.containers}}}
			u.SetAnnotations(map[string]string{"kubectl.kubernetes.io/default-container": tt.named})
			if p, ok := podOf(u); p.container != tt.want || ok != (tt.want != "") {
				t.Errorf("it is %q, %v", p.container, ok)
			}
		})
	}
}
