// Package api is the HTTP side: it decodes a request, calls a service, and presents
// the answer. What clients see is written down in docs/contract.md.
//
// It holds no rule and no SQL, and asks nothing but the services it is given.
package api
