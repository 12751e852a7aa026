-- Who may call. None of these tables holds a secret, only SHA-256 hashes of 256 random
-- bits, from which nothing can be had. They are of the whole installation and not of a
-- flow, so their keys do not begin with one. Nobody who only reads has business here:
-- give a reading role the other tables one by one.

-- +goose Up
CREATE TABLE access_tokens (
    token_id     text        PRIMARY KEY,
    secret_hash  bytea       NOT NULL,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    flow_prefix  text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    -- A revoked token stays, so that a log that names it can be read.
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT access_tokens_hash_whole CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT access_tokens_scopes_known CHECK (
        scopes <@ ARRAY['read', 'logs', 'ingest', 'admin'] AND cardinality(scopes) > 0)
);

-- A session keeps what its principal had, since an issuer's token is not asked for again;
-- one that follows from a static token ends with it.
CREATE TABLE access_sessions (
    session_hash bytea       PRIMARY KEY,
    token_id     text        REFERENCES access_tokens ON DELETE CASCADE,
    principal    text        NOT NULL,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    flow_prefix  text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT access_sessions_hash_whole CHECK (octet_length(session_hash) = 32),
    CONSTRAINT access_sessions_end CHECK (expires_at > created_at)
);

CREATE INDEX access_sessions_over ON access_sessions (expires_at);

-- A code is a session that waits for its browser. It is a table of its own so that a code
-- can never be taken for a session.
CREATE TABLE access_codes (
    code_hash          bytea       PRIMARY KEY,
    token_id           text        REFERENCES access_tokens ON DELETE CASCADE,
    principal          text        NOT NULL,
    name               text        NOT NULL,
    scopes             text[]      NOT NULL,
    flow_prefix        text        NOT NULL,
    expires_at         timestamptz NOT NULL,
    session_expires_at timestamptz NOT NULL,
    CONSTRAINT access_codes_hash_whole CHECK (octet_length(code_hash) = 32)
);

-- +goose Down
DROP TABLE access_codes;
DROP TABLE access_sessions;
DROP TABLE access_tokens;
