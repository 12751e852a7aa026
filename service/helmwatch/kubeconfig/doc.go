// Package kubeconfig says which clusters are to be watched: by the files in a folder, looked
// at again and again, or as the cluster the program runs in. It must not connect to any.
//
// A file `<deployment>.yaml` is a deployment's cluster, `<deployment>-<region>.yaml` that of
// one of its regions. Since ids may themselves contain a '-', the record decides how a name is
// to be read; one that it does not explain waits until it does. Wrongly read, one cluster's
// releases would be written into another's flow.
package kubeconfig
