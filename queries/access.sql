-- name: AccessTokenAdd :exec
INSERT INTO access_tokens (token_id, secret_hash, name, scopes, flow_prefix, created_at, expires_at)
VALUES (@token_id, @secret_hash, @name, @scopes, @flow_prefix, @created_at, @expires_at);

-- name: AccessTokenGet :one
SELECT token_id, secret_hash, name, scopes, flow_prefix, created_at, expires_at, revoked_at, last_used_at
FROM access_tokens
WHERE token_id = @token_id;

-- name: AccessTokenList :many
SELECT token_id, secret_hash, name, scopes, flow_prefix, created_at, expires_at, revoked_at, last_used_at
FROM access_tokens
ORDER BY created_at, token_id;

-- name: AccessTokenRevoke :execrows
-- The first time counts.
UPDATE access_tokens
SET revoked_at = coalesce(revoked_at, @now)
WHERE token_id = @token_id;

-- name: AccessTokenUsed :exec
-- Several replicas note the same use; the latest stays.
UPDATE access_tokens
SET last_used_at = @at
WHERE token_id = @token_id
    AND (last_used_at IS NULL OR last_used_at < @at);

-- name: AccessSessionAdd :exec
INSERT INTO access_sessions (session_hash, token_id, principal, name, scopes, flow_prefix, created_at, expires_at)
VALUES (@session_hash, @token_id, @principal, @name, @scopes, @flow_prefix, @created_at, @expires_at);

-- name: AccessSessionGetUnlessRevoked :one
SELECT sqlc.embed(s)
FROM access_sessions s
LEFT JOIN access_tokens t ON t.token_id = s.token_id
WHERE s.session_hash = @session_hash
    AND t.revoked_at IS NULL;

-- name: AccessSessionDelete :exec
DELETE FROM access_sessions WHERE session_hash = @session_hash;

-- name: AccessSessionDeleteOver :exec
DELETE FROM access_sessions WHERE expires_at <= @now;

-- name: AccessCodeAdd :exec
INSERT INTO access_codes (code_hash, token_id, principal, name, scopes, flow_prefix, expires_at, session_expires_at)
VALUES (@code_hash, @token_id, @principal, @name, @scopes, @flow_prefix, @expires_at, @session_expires_at);

-- name: AccessCodeDeleteOver :exec
DELETE FROM access_codes WHERE expires_at <= @now;

-- name: AccessCodeRedeem :one
-- The row is locked by its deletion: of two browsers with the same code one finds it.
WITH taken AS (
    DELETE FROM access_codes
    WHERE code_hash = @code_hash AND expires_at > @now::timestamptz
    RETURNING token_id, principal, name, scopes, flow_prefix, session_expires_at
)
INSERT INTO access_sessions (session_hash, token_id, principal, name, scopes, flow_prefix, created_at, expires_at)
SELECT @session_hash, taken.token_id, taken.principal, taken.name, taken.scopes, taken.flow_prefix, @now, taken.session_expires_at
FROM taken
WHERE taken.session_expires_at > @now
RETURNING session_hash, token_id, principal, name, scopes, flow_prefix, created_at, expires_at;
