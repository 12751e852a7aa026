// Package embedded runs a private PostgreSQL beside the program, so that a fresh
// clone works without a database of its own. It makes the data folder (initdb),
// starts postgres as a child on a unix socket, and stops it again.
//
// It never listens on TCP, never deletes data, never upgrades a data folder and
// never touches a server it did not start. It is meant for one machine: for
// evaluation, development and tests, not for a replicated installation.
//
// What a data folder holds:
//
//	provflow.lock   flock of the one program that uses the folder
//	pg/             the cluster; appears by rename, so it is whole or absent
//	postgres.log    what the server says
//	run/            the socket, where the path is short enough for one
//	server/         a copy of the binaries, where the server's user cannot reach them
//
// PostgreSQL refuses to run as root. Started as root, the server drops to the
// owner of an existing cluster, else to the user postgres, else to nobody; where
// that user cannot enter the wanted folder (a clone inside /root), the data is
// kept under /var/lib/provflow and a warning says so.
//
// Life of the child: the kernel sends it SIGINT (a fast shutdown) when the
// program ends, however it ends. A Start that comes before the orphan is gone
// waits for it; the lock tells an orphan from the server of a live program.
package embedded
