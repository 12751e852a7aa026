-- Facts about a flow that has ended are computed once and kept. They carry the flow's
-- version: as soon as the flow goes on they no longer fit, and are computed by whoever asks
-- until new ones are there. They refer to no flow, because they outlive it.

-- +goose Up
CREATE TABLE flow_facts (
    flow_id               text        NOT NULL,
    epoch                 text        NOT NULL,
    version               bigint      NOT NULL,
    -- Another flow of the same id has facts too, and is the newer one.
    superseded            boolean     NOT NULL DEFAULT false,
    computed_at           timestamptz NOT NULL,
    definition_id         text        NOT NULL,
    provider              text        NOT NULL,
    regions               text[]      NOT NULL,
    outcome               text        NOT NULL,
    started_at            timestamptz,
    ended_at              timestamptz,
    provisioned_at        timestamptz,
    duration_seconds      double precision,
    phase_seconds         jsonb       NOT NULL,
    jobs                  integer     NOT NULL,
    jobs_pending          integer     NOT NULL,
    jobs_running          integer     NOT NULL,
    jobs_succeeded        integer     NOT NULL,
    jobs_failed           integer     NOT NULL,
    attempts              integer     NOT NULL,
    retries               integer     NOT NULL,
    path_seconds          double precision,
    path_idle_seconds     double precision,
    first_failure_job_id  text,
    first_failure_attempt integer,
    first_failed_at       timestamptz,
    PRIMARY KEY (flow_id, epoch)
);

-- The newest of a kind, for lists and for estimates.
CREATE INDEX flow_facts_newest ON flow_facts (started_at DESC, flow_id DESC);

CREATE TABLE attempt_facts (
    flow_id         text             NOT NULL,
    epoch           text             NOT NULL,
    job_id          text             NOT NULL,
    attempt         integer          NOT NULL,
    name            text             NOT NULL,
    label           text             NOT NULL,
    execution_id    text,
    status          text             NOT NULL,
    phase           text             NOT NULL,
    group_id        text,
    region          text             NOT NULL,
    component       text             NOT NULL,
    chart_version   text             NOT NULL,
    position        bigint           NOT NULL,
    waiting_from    timestamptz,
    waited_on       text[]           NOT NULL,
    blocker_job_id  text,
    blocker_attempt integer,
    waited_seconds  double precision,
    blocked_seconds double precision,
    idle_seconds    double precision,
    started_at      timestamptz,
    ended_at        timestamptz,
    until           timestamptz,
    ran_seconds     double precision,
    later           boolean          NOT NULL,
    critical        boolean          NOT NULL,
    slack_seconds   double precision,
    path_step       integer,
    path_idle_seconds double precision,
    path_ran_seconds double precision,
    PRIMARY KEY (flow_id, epoch, job_id, attempt),
    CONSTRAINT attempt_facts_of_flow FOREIGN KEY (flow_id, epoch) REFERENCES flow_facts ON DELETE CASCADE
);

-- A window of time over all flows.
CREATE INDEX attempt_facts_begun ON attempt_facts (started_at);

-- Only errors are in it, so that it costs next to nothing where lines are written.
CREATE INDEX log_lines_errors ON log_lines (flow_id, at) WHERE level = 'error';

-- +goose Down
DROP INDEX log_lines_errors;
DROP TABLE attempt_facts;
DROP TABLE flow_facts;
