-- name: KeyInsertNew :many
-- Gives back the keys that were not there: those writes have not had their effect yet.
INSERT INTO idempotency_keys (flow_id, key, created_at)
SELECT unnest(@flow_ids::text[]), unnest(@keys::bytea[]), @now
ON CONFLICT DO NOTHING
RETURNING flow_id, key;

-- name: BridgeCursorListChangedSince :many
SELECT
    b.job_id,
    b.state,
    b.chart_version,
    b.observed_at,
    b.depends_at,
    b.active_at,
    b.ended_at,
    b.execution_id,
    b.began_at,
    b.revision,
    b.began_attempt,
    b.failures,
    coalesce(x.attempt, 0)::integer AS attempt,
    coalesce(x.status, '')::text AS status,
    x.started_at,
    x.finished_at
FROM bridge_cursors b
-- OFFSET 0 for the reason given in graph.sql.
LEFT JOIN LATERAL (
    SELECT e.attempt, e.status, e.started_at, e.finished_at
    FROM executions e
    WHERE e.flow_id = b.flow_id AND e.execution_id = b.execution_id
    OFFSET 0
) x ON true
WHERE b.flow_id = @flow_id AND b.changed_version > @since;

-- name: BridgeCursorPutAll :exec
INSERT INTO bridge_cursors (
    flow_id, changed_version, job_id, state, chart_version, observed_at, depends_at, active_at, ended_at, execution_id,
    began_at, revision, began_attempt, failures)
SELECT
    unnest(@flow_ids::text[]),
    unnest(@changed_versions::bigint[]),
    unnest(@job_ids::text[]),
    unnest(@states::text[]),
    unnest(@chart_versions::text[]),
    unnest(@observed_ats::timestamptz[]),
    unnest(@depends_ats::timestamptz[]),
    unnest(@active_ats::timestamptz[]),
    unnest(@ended_ats::timestamptz[]),
    unnest(@execution_ids::text[]),
    unnest(@began_ats::timestamptz[]),
    unnest(@revisions::integer[]),
    unnest(@began_attempts::integer[]),
    unnest(@failures::integer[])
ON CONFLICT (flow_id, job_id) DO UPDATE SET
    changed_version = excluded.changed_version,
    state = excluded.state,
    chart_version = excluded.chart_version,
    observed_at = excluded.observed_at,
    depends_at = excluded.depends_at,
    -- These are also written without a version of their own, so a writer may know older ones.
    active_at = greatest(bridge_cursors.active_at, excluded.active_at),
    ended_at = greatest(bridge_cursors.ended_at, excluded.ended_at),
    execution_id = excluded.execution_id,
    began_at = excluded.began_at,
    revision = excluded.revision,
    began_attempt = excluded.began_attempt,
    failures = excluded.failures;

-- name: BridgeCursorHearAll :exec
-- Notes when jobs were last heard of. It moves no version: a line of a log wakes nobody.
UPDATE bridge_cursors b
SET active_at = greatest(b.active_at, h.active_at), ended_at = greatest(b.ended_at, h.ended_at)
FROM (
    SELECT
        unnest(@flow_ids::text[]) AS flow_id,
        unnest(@job_ids::text[]) AS job_id,
        unnest(@active_ats::timestamptz[]) AS active_at,
        unnest(@ended_ats::timestamptz[]) AS ended_at
) h
WHERE b.flow_id = h.flow_id AND b.job_id = h.job_id;

-- name: ExecutionPutAll :exec
-- Writes executions, and the lines they have gained: numbers go on from the execution's
-- count, in the order given; the flow's lock is held. One statement for both, since nearly
-- every event moves an execution and leaves a line; and the rows are found by conflict and
-- not by a join, whose plan may read every execution of the flow.
WITH put AS (
    INSERT INTO executions (flow_id, execution_id, job_id, attempt, status, started_at, finished_at, line_count, log_day)
    SELECT
        r.flow_id, r.execution_id, r.job_id, r.attempt, r.status, r.started_at, r.finished_at, r.line_count,
        -- The day of an execution's log partition is that of its first opening and stays.
        (r.started_at AT TIME ZONE 'UTC')::date
    FROM (
        SELECT
            unnest(@flow_ids::text[]) AS flow_id,
            unnest(@execution_ids::text[]) AS execution_id,
            unnest(@job_ids::text[]) AS job_id,
            unnest(@attempts::integer[]) AS attempt,
            unnest(@statuses::text[]) AS status,
            unnest(@started_ats::timestamptz[]) AS started_at,
            unnest(@finished_ats::timestamptz[]) AS finished_at,
            unnest(@line_counts::bigint[]) AS line_count
    ) r
    -- What has ended does not run again, whatever an old copy says.
    ON CONFLICT (flow_id, execution_id) DO UPDATE SET
        status = CASE excluded.status WHEN 'running' THEN executions.status ELSE excluded.status END,
        started_at = CASE WHEN executions.status = 'running' OR excluded.status <> 'running' THEN excluded.started_at ELSE executions.started_at END,
        finished_at = coalesce(excluded.finished_at, executions.finished_at),
        line_count = executions.line_count + excluded.line_count
    RETURNING flow_id AS p_flow, execution_id AS p_id, line_count AS p_count, log_day AS p_day
)
INSERT INTO log_lines (flow_id, execution_id, line_number, log_day, at, level, message)
SELECT l.flow_id, l.execution_id, p.p_count - l.later, p.p_day, l.at, l.level, l.message
FROM (
    SELECT
        unnest(@line_flow_ids::text[]) AS flow_id,
        unnest(@line_execution_ids::text[]) AS execution_id,
        -- How many lines of the same execution come after it here.
        unnest(@line_laters::bigint[]) AS later,
        unnest(@line_ats::timestamptz[]) AS at,
        unnest(@line_levels::text[]) AS level,
        unnest(@line_messages::text[]) AS message
) l
JOIN put p ON p.p_flow = l.flow_id AND p.p_id = l.execution_id;

-- name: TransitionInsertAll :exec
INSERT INTO transitions (
    flow_id, version, recorded_at, job_id, execution_id, from_status, to_status, state, occurred_at, cause)
SELECT
    unnest(@flow_ids::text[]),
    unnest(@versions::bigint[]),
    @recorded_at,
    unnest(@job_ids::text[]),
    unnest(@execution_ids::text[]),
    unnest(@from_statuses::text[]),
    unnest(@to_statuses::text[]),
    unnest(@states::text[]),
    unnest(@occurred_ats::timestamptz[]),
    unnest(@causes::text[]);

-- name: KeyDeleteOld :execrows
-- Forgets up to page_size keys from before that time; those that somebody else forgets at
-- the same time are left to them.
DELETE FROM idempotency_keys k
USING (
    SELECT o.flow_id AS o_flow, o.key AS o_key
    FROM idempotency_keys o
    WHERE o.created_at < @before
    ORDER BY o.created_at
    LIMIT @page_size
    FOR UPDATE SKIP LOCKED
) old
WHERE k.flow_id = old.o_flow AND k.key = old.o_key;

-- name: AnswerGet :one
SELECT coalesce(answer, 'null')::json AS answer
FROM idempotency_keys
WHERE flow_id = @flow_id AND key = @key;

-- name: AnswerPutFirst :exec
-- The first answer stays, however often the request is sent again; none is kept for a flow
-- that was deleted meanwhile.
INSERT INTO idempotency_keys (flow_id, key, answer, created_at)
SELECT f.flow_id, @key, @answer, @now
FROM flows f
WHERE f.flow_id = @flow_id
FOR KEY SHARE
ON CONFLICT (flow_id, key) DO NOTHING;
