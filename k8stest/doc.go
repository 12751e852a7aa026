// Package k8stest shows provflow against a real API server: Kubernetes' own
// apiextensions-apiserver in this process, on an etcd in this process, with a HelmRelease CRD
// and a stand-in for helm-controller. provflow itself is the program, built and run as it is,
// and known by what it serves.
//
// It is a module of its own, so that nothing of this gets into the program's dependencies. It
// must not know provflow's packages beyond databases for tests.
package k8stest
