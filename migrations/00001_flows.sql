-- Deployments are what people own; flows are what is shown of them. They are apart
-- because a flow may be deleted and made again while the record stays, and because an
-- emitter may write a flow that belongs to no deployment.

-- +goose Up
CREATE TABLE deployments (
    deployment_id  text        PRIMARY KEY,
    sovereign_fqdn text        NOT NULL DEFAULT '',
    provider       text        NOT NULL DEFAULT '',
    regions        text[]      NOT NULL DEFAULT '{}',
    -- json and not jsonb here and below: what was sent is compared byte by byte with
    -- what is sent again, and jsonb would not give it back as it came.
    meta           json,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT deployments_id_form CHECK (deployment_id ~ '^[a-z0-9][a-z0-9-]{0,62}$')
);

CREATE INDEX deployments_newest ON deployments (created_at DESC, deployment_id DESC);

-- version moves by one in every transaction that changes the flow's state, under this
-- row's lock, so that commit order is version order without gaps. epoch tells a flow
-- from another one of the same id that was there before it.
CREATE TABLE flows (
    flow_id         text        PRIMARY KEY,
    epoch           text        NOT NULL,
    version         bigint      NOT NULL DEFAULT 0,
    changed_version bigint      NOT NULL DEFAULT 0,
    definition_id   text        NOT NULL DEFAULT '',
    parent_flow_id  text        NOT NULL DEFAULT '',
    triggered_by    json,
    -- An emitter has said what the flow's status is; else it follows from its jobs.
    declared        boolean     NOT NULL DEFAULT false,
    status          text        NOT NULL DEFAULT 'pending',
    started_at      timestamptz,
    ended_at        timestamptz,
    failed_jobs     integer     NOT NULL DEFAULT 0,
    meta            json,
    created_at      timestamptz NOT NULL,
    CONSTRAINT flows_status_known CHECK (status IN ('pending', 'running', 'succeeded', 'failed')),
    CONSTRAINT flows_version_not_behind CHECK (version >= changed_version),
    CONSTRAINT flows_not_ended_before_end CHECK (ended_at IS NULL OR status IN ('succeeded', 'failed')),
    CONSTRAINT flows_id_form CHECK (char_length(flow_id) BETWEEN 1 AND 512)
)
-- The row is rewritten with every version: room on its page keeps that cheap.
WITH (fillfactor = 70);

-- The database's own history: it differs after a restore into another database and
-- after a failover, so that a version number is never read in the wrong history. In
-- plpgsql, which keeps the plans for the session: it is asked with every cursor, and
-- planned anew each time it took longer than the rest of the query.
-- +goose StatementBegin
CREATE FUNCTION database_history() RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN to_hex((SELECT oid FROM pg_database WHERE datname = current_database())::bigint)
        || '-' || to_hex((SELECT system_identifier FROM pg_control_system()) & 4294967295)
        || '-' || CASE WHEN pg_is_in_recovery() THEN '0'
                       ELSE ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0') END;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION database_history();
DROP TABLE flows;
DROP TABLE deployments;
