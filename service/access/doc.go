// Package access says who a caller is and what that caller may do: principals, their
// scopes and prefix, static tokens, browser sessions. It must not know HTTP or a
// database; it declares the store and the verifier it needs.
//
// What holds:
//
//   - Nothing is let through for want of an answer: with the store or the issuer away the
//     caller is told so (flow.Unavailable), and is neither believed nor refused.
//   - Secrets are 256 random bits, and only their SHA-256 is stored. A slow hash is for
//     what people choose and others can guess; nobody counts to 2^256, slow or fast, and a
//     slow one would be paid for at every request.
//   - What was looked up is believed for Remember and no longer. A token that is revoked,
//     or a session that is ended elsewhere, is refused after that everywhere.
//   - Where there is no principal in a context, nothing may be seen.
package access
