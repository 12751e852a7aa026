-- History: attempts, transitions and log lines are added to and never rewritten,
-- beside the live state. Analytics and replay read them. They refer to the flow by no
-- foreign key: whoever writes holds the flow's row, and it costs as much as the row itself.

-- +goose Up
CREATE TABLE executions (
    flow_id      text        NOT NULL,
    execution_id text        NOT NULL,
    job_id       text        NOT NULL,
    attempt      integer     NOT NULL,
    status       text        NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    line_count   bigint      NOT NULL DEFAULT 0,
    -- The partition of its lines, fixed when it is opened: a retry meets the same one.
    log_day      date        NOT NULL,
    PRIMARY KEY (flow_id, execution_id),
    CONSTRAINT executions_attempt_once UNIQUE (flow_id, job_id, attempt),
    CONSTRAINT executions_attempt_counts_from_one CHECK (attempt >= 1),
    CONSTRAINT executions_status_known CHECK (status IN ('running', 'succeeded', 'failed')),
    CONSTRAINT executions_finished_when_final CHECK ((finished_at IS NOT NULL) = (status IN ('succeeded', 'failed'))),
    CONSTRAINT executions_not_backwards CHECK (finished_at >= started_at)
) WITH (fillfactor = 80);

-- A log page is asked for by execution alone.
CREATE INDEX executions_by_id ON executions (execution_id);

CREATE TABLE transitions (
    flow_id      text        NOT NULL,
    seq          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    job_id       text        NOT NULL,
    execution_id text        NOT NULL DEFAULT '',
    version      bigint      NOT NULL,
    from_status  text        NOT NULL,
    to_status    text        NOT NULL,
    state        text        NOT NULL DEFAULT '',
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    cause        text        NOT NULL DEFAULT '',
    PRIMARY KEY (flow_id, seq),
    CONSTRAINT transitions_status_known CHECK (
        from_status IN ('pending', 'running', 'succeeded', 'failed')
        AND to_status IN ('pending', 'running', 'succeeded', 'failed'))
);

CREATE INDEX transitions_of_job ON transitions (flow_id, job_id, seq);

CREATE TABLE log_lines (
    flow_id      text        NOT NULL,
    execution_id text        NOT NULL,
    line_number  bigint      NOT NULL,
    log_day      date        NOT NULL,
    at           timestamptz NOT NULL,
    level        text        NOT NULL,
    message      text        NOT NULL,
    PRIMARY KEY (flow_id, execution_id, line_number, log_day)
) PARTITION BY RANGE (log_day);

-- Lines of a day for which no partition was made are kept here: none is ever refused.
CREATE TABLE log_lines_default PARTITION OF log_lines DEFAULT;

-- Makes the partition of a day unless it is there, or unless the default one already
-- holds lines of that day. Says whether it made one.
-- +goose StatementBegin
CREATE FUNCTION ensure_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'log_lines_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NOT NULL
        OR EXISTS (SELECT 1 FROM log_lines_default WHERE log_day = day) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF log_lines FOR VALUES FROM (%L) TO (%L)', partition, day, day + 1);
    RETURN true;
EXCEPTION
    WHEN duplicate_table OR check_violation THEN
        RETURN false;
END
$$;
-- +goose StatementEnd

-- One row for each write that must have its effect once: an emitter's key, or the
-- fingerprint of an event. answer is what the first of them was told.
CREATE TABLE idempotency_keys (
    flow_id    text        NOT NULL,
    key        bytea       NOT NULL,
    answer     json,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (flow_id, key)
);

-- +goose Down
DROP TABLE idempotency_keys;
DROP FUNCTION ensure_log_partition(date);
DROP TABLE log_lines;
DROP TABLE transitions;
DROP TABLE executions;
