// Package record runs tofu or terraform for a person, or reads its JSON output, and sends
// what happens to a server as provisioner events.
//
// The tool comes first. What it says goes to the terminal, its exit code is the program's,
// and signals and standard input reach it; a server that is slow, away or refuses changes
// none of that. Events are written to a file first (a spool) and sent from there, so that
// what a run could not send a later one does.
//
//	tool ─► lines ─► screen
//	          └────► events ─► spool file ─► sender ─► server
package record
