package kubeconfig

import (
	"errors"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/openova-io/provflow/service/flow"
)

// Cluster is a cluster to watch and how it is reached. Print tells one way of reaching it
// from another.
type Cluster struct {
	flow.WatchKey
	Config *rest.Config // nil where Wrong says why there is none
	Wrong  error
	Print  [32]byte
}

// parse reads a kubeconfig. One that would run a program is refused: a file in a folder must
// not be able to do that here.
func parse(text []byte) (*rest.Config, error) {
	config, err := clientcmd.Load(text)
	if err != nil {
		return nil, fmt.Errorf("not a kubeconfig: %w", err)
	}
	for name, user := range config.AuthInfos {
		if user.Exec != nil || user.AuthProvider != nil {
			return nil, fmt.Errorf("user %q gets its credentials by running a program; give a token or a certificate", name)
		}
	}
	if config.CurrentContext == "" {
		return nil, errors.New("it has no current-context")
	}
	return clientcmd.NewDefaultClientConfig(*config, nil).ClientConfig()
}

// InCluster is the cluster the program runs in, reached as the pod's service account.
func InCluster(key flow.WatchKey) (Cluster, error) {
	config, err := rest.InClusterConfig()
	return Cluster{WatchKey: key, Config: config}, err
}
