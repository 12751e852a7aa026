-- Live state carries the version that last changed it: a delta is changed_version > v,
-- whoever asks and however far behind, and a removed row leaves a tombstone.

-- +goose Up
CREATE TABLE jobs (
    flow_id         text    NOT NULL REFERENCES flows ON DELETE CASCADE,
    job_id          text    NOT NULL,
    changed_version bigint  NOT NULL,
    position        bigint  NOT NULL,
    name            text    NOT NULL,
    display_name    text    NOT NULL DEFAULT '',
    type            text    NOT NULL,
    family          text    NOT NULL DEFAULT '',
    app_id          text    NOT NULL DEFAULT '',
    region          text    NOT NULL DEFAULT '',
    namespace       text    NOT NULL DEFAULT '',
    chart           text    NOT NULL DEFAULT '',
    source          text    NOT NULL,
    status          text    NOT NULL,
    started_at      timestamptz,
    finished_at     timestamptz,
    state           text    NOT NULL DEFAULT '',
    reason          text    NOT NULL DEFAULT '',
    chart_version   text    NOT NULL DEFAULT '',
    attempt         integer NOT NULL DEFAULT 0,
    execution_id    text    NOT NULL DEFAULT '',
    waiting_on      text[]  NOT NULL DEFAULT '{}',
    meta            json,
    PRIMARY KEY (flow_id, job_id),
    CONSTRAINT jobs_type_known CHECK (type IN ('install', 'group')),
    CONSTRAINT jobs_status_known CHECK (status IN ('pending', 'running', 'succeeded', 'failed')),
    -- A group is failed as soon as one of its leaves is, and ends only with the last.
    CONSTRAINT jobs_finished_only_when_final CHECK (finished_at IS NULL OR status IN ('succeeded', 'failed')),
    -- The bridge knows when a job ended. An emitter may say that it did and not when.
    CONSTRAINT jobs_final_only_when_finished CHECK (
        source <> 'bridge' OR type = 'group' OR status NOT IN ('succeeded', 'failed') OR finished_at IS NOT NULL),
    CONSTRAINT jobs_only_pending_waits CHECK (status = 'pending' OR waiting_on = '{}')
) WITH (fillfactor = 80);

CREATE INDEX jobs_changed ON jobs (flow_id, changed_version);

CREATE TABLE relationships (
    flow_id         text    NOT NULL REFERENCES flows ON DELETE CASCADE,
    from_id         text    NOT NULL,
    to_id           text    NOT NULL,
    type            text    NOT NULL,
    changed_version bigint  NOT NULL,
    position        bigint  NOT NULL,
    from_flow_id    text    NOT NULL DEFAULT '',
    to_flow_id      text    NOT NULL DEFAULT '',
    condition       text    NOT NULL DEFAULT '',
    lag_seconds     integer NOT NULL DEFAULT 0,
    source          text    NOT NULL,
    -- False while an end is not known: kept, and shown once the job is there.
    visible         boolean NOT NULL,
    PRIMARY KEY (flow_id, from_id, to_id, type),
    CONSTRAINT relationships_type_known CHECK (
        type IN ('contains', 'finish-to-start', 'start-to-start', 'finish-to-finish', 'start-to-finish', 'triggers')),
    CONSTRAINT relationships_condition_known CHECK (condition IN ('', 'on-success', 'on-failure', 'always')),
    CONSTRAINT relationships_not_to_itself CHECK (
        from_id <> to_id OR coalesce(nullif(from_flow_id, ''), flow_id) <> coalesce(nullif(to_flow_id, ''), flow_id))
);

CREATE INDEX relationships_changed ON relationships (flow_id, changed_version);
-- Walking against the arrows: the children of a group, what a job waits for.
CREATE INDEX relationships_to ON relationships (flow_id, to_id, type);

-- What a client that knew a row must be told to forget. to_id and type are empty for a job.
CREATE TABLE tombstones (
    flow_id         text   NOT NULL REFERENCES flows ON DELETE CASCADE,
    from_id         text   NOT NULL,
    to_id           text   NOT NULL DEFAULT '',
    type            text   NOT NULL DEFAULT '',
    changed_version bigint NOT NULL,
    PRIMARY KEY (flow_id, from_id, to_id, type)
);

CREATE INDEX tombstones_changed ON tombstones (flow_id, changed_version);

-- What the bridge remembers between two events, so that a restart goes on with the
-- same execution. It is apart from jobs because an emitter may write a job as well.
CREATE TABLE bridge_cursors (
    flow_id         text   NOT NULL REFERENCES flows ON DELETE CASCADE,
    job_id          text   NOT NULL,
    changed_version bigint NOT NULL,
    state           text   NOT NULL DEFAULT '',
    chart_version   text   NOT NULL DEFAULT '',
    observed_at     timestamptz,
    depends_at      timestamptz,
    execution_id    text   NOT NULL DEFAULT '',
    PRIMARY KEY (flow_id, job_id)
) WITH (fillfactor = 80);

CREATE INDEX bridge_cursors_changed ON bridge_cursors (flow_id, changed_version);

-- +goose Down
DROP TABLE bridge_cursors;
DROP TABLE tombstones;
DROP TABLE relationships;
DROP TABLE jobs;
