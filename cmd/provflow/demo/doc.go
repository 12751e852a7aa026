// Package demo plays a whole provision against a running server, the way a
// provisioning API would: as provisioner events, one request at a time.
//
// What is played is a plan, the same every time: Phase 0 with its steps and tofu's
// output, then the 35 releases of a real bootstrap kit in the order of their
// dependencies. One of them is degraded for a while and recovers, one fails and
// succeeds when it is tried again. Only how long things take is made up.
//
//	kit.json ─► schedule (when does what run) ─► plan (what is said when) ─► player ─► server
//
// It knows the server by its address alone. It is for looking at, not for measuring.
package demo
