// Package tofu reads what OpenTofu and Terraform say in JSON, and turns it into the
// provisioner events of a flow and into the output that a person expects.
//
// It runs no tool, sends nothing and keeps no time: bytes in, events and text out. What
// leaves it as an event has no secret in it that it could know of; what it renders for the
// person at the terminal hides sensitive outputs, as the tool does.
//
//	line ─► Decode ─► Message ─┬─► Mapper ─► events (redacted)
//	plan ─► ParsePlan ─────────┤     ▲
//	        (dependencies,     └─► Screen ─► text
//	         secrets)
package tofu
