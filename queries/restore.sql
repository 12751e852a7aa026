-- History that comes out of an archive. All of it may be here already, since an archive may
-- be brought in twice, or into the database it was taken from: what is here stays.

-- name: ExecutionRestoreAll :exec
-- An attempt that is open here may be known to have ended; one that has ended stays as it
-- is, and so does an attempt that has another id here.
INSERT INTO executions (flow_id, execution_id, job_id, attempt, status, started_at, finished_at, log_day)
SELECT
    @flow_id, r.execution_id, r.job_id, r.attempt, r.status, r.started_at, r.finished_at,
    (r.started_at AT TIME ZONE 'UTC')::date
FROM (
    SELECT
        unnest(@execution_ids::text[]) AS execution_id,
        unnest(@job_ids::text[]) AS job_id,
        unnest(@attempts::integer[]) AS attempt,
        unnest(@statuses::text[]) AS status,
        unnest(@started_ats::timestamptz[]) AS started_at,
        unnest(@finished_ats::timestamptz[]) AS finished_at
) r
WHERE NOT EXISTS (
    SELECT 1 FROM executions o
    WHERE o.flow_id = @flow_id AND o.job_id = r.job_id AND o.attempt = r.attempt AND o.execution_id <> r.execution_id)
ON CONFLICT (flow_id, execution_id) DO UPDATE SET
    status = excluded.status,
    finished_at = excluded.finished_at
WHERE executions.status = 'running' AND excluded.status <> 'running' AND excluded.finished_at >= executions.started_at;

-- name: TransitionRestoreAll :exec
-- Of equal transitions as many are kept as there were: one is here already when more equal
-- ones are than came before it.
INSERT INTO transitions (
    flow_id, version, recorded_at, job_id, execution_id, from_status, to_status, state, occurred_at, cause)
SELECT
    @flow_id, @version, @recorded_at, r.job_id, r.execution_id, r.from_status, r.to_status, r.state, r.occurred_at, r.cause
FROM (
    SELECT
        unnest(@ordinals::bigint[]) AS ordinal,
        unnest(@job_ids::text[]) AS job_id,
        unnest(@execution_ids::text[]) AS execution_id,
        unnest(@from_statuses::text[]) AS from_status,
        unnest(@to_statuses::text[]) AS to_status,
        unnest(@states::text[]) AS state,
        unnest(@occurred_ats::timestamptz[]) AS occurred_at,
        unnest(@causes::text[]) AS cause,
        unnest(@befores::integer[]) AS before
) r
WHERE r.before >= (
    SELECT count(*)
    FROM transitions t
    WHERE t.flow_id = @flow_id AND t.job_id = r.job_id AND t.occurred_at = r.occurred_at
        AND t.execution_id = r.execution_id AND t.from_status = r.from_status AND t.to_status = r.to_status
        AND t.state = r.state AND t.cause = r.cause)
ORDER BY r.ordinal;

-- name: LogLineRestoreAll :exec
-- Lines keep their numbers; one whose number is taken is here already. Lines of an
-- execution that is not here are of nobody.
WITH line AS (
    SELECT
        unnest(@execution_ids::text[]) AS execution_id,
        unnest(@numbers::bigint[]) AS number,
        unnest(@ats::timestamptz[]) AS at,
        unnest(@levels::text[]) AS level,
        unnest(@messages::text[]) AS message
),
counted AS (
    UPDATE executions x
    SET line_count = greatest(x.line_count, a.a_last)
    FROM (SELECT l.execution_id AS a_id, max(l.number) AS a_last FROM line l GROUP BY l.execution_id) a
    WHERE x.flow_id = @flow_id AND x.execution_id = a.a_id
    RETURNING x.execution_id AS c_id, x.log_day AS c_day
)
INSERT INTO log_lines (flow_id, execution_id, line_number, log_day, at, level, message)
SELECT @flow_id, l.execution_id, l.number, c.c_day, l.at, l.level, l.message
FROM line l
JOIN counted c ON c.c_id = l.execution_id
ON CONFLICT DO NOTHING;
