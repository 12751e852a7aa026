// Package helmwatch is the source that watches clusters: it turns Flux's HelmReleases, and
// what helm-controller logs about them, into provisioner events. It only reads, and decides
// nothing about jobs: package bridge does, by the same rules for whoever sends such events.
//
// Reading an object is pure: the same object gives the same observation and the same events,
// so that a restart, a relist or another replica says nothing new.
package helmwatch
