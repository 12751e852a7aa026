// Package upstream asks another flow server for a flow that is not here: the one the
// operator named, or the one that belongs to a deployment. It reads only, and it knows
// neither the store nor the clients: what is asked on whose behalf is the caller's matter.
//
// A deployment's host name comes from whoever may write deployments, so asking it must
// not become a way to reach other hosts:
//
//   - The scheme is https, the port its default, the host `openova-flow.` before a
//     well-formed name within the zones allowed.
//   - The address is looked at when it is dialled, after the name was resolved, so that a
//     name that means one thing now and another thing then gains nothing. What is not on
//     the public Internet is refused unless the operator allowed it.
//   - No redirect is followed, no proxy of the environment used, no cookie kept. Of a
//     client's request nothing is passed on but the flow's id and, on a stream, an event id.
//   - Headers, bodies, frames and silence are bounded. What is not of the content type
//     that was asked for is no answer.
//
// The operator's own URL is exempt from the rules on scheme, name and address, not from
// the others.
//
// Each host has a breaker:
//
//	closed ── failures in a row ──► open ── after a while ──► half-open, one may try
//	   ▲                              ▲                           │       │
//	   └───────── it answered ────────┼───────────────────────────┘       │
//	                                  └─────── it failed, for longer ─────┘
package upstream
