-- What a provision's time went into, for people with an SQL client of their own: the
-- schema analytics holds what they may read and nothing else, and its views and functions
-- are an interface (docs/analytics.md is made from their comments).
--
-- Everything in it reads through the views in it, so that a reading role needs no right on
-- any table, and no function runs with another's rights. A view says so where a table it
-- reads gains a column; so these come after the tables, and their numbers begin anew.

-- +goose Up
CREATE SCHEMA analytics;

CREATE VIEW analytics.flows AS
SELECT
    f.flow_id,
    f.epoch,
    f.version,
    f.definition_id,
    f.status,
    f.started_at,
    f.ended_at,
    -- Counted, since EXISTS would have all jobs read until the first of this flow.
    f.declared AND (
        SELECT count(*)
        FROM jobs j
        WHERE j.flow_id = f.flow_id AND (j.type <> 'group' OR j.run_status IS NOT NULL) AND j.source = 'bridge') = 0 AS declared,
    coalesce(d.provider, '') AS provider,
    coalesce(d.regions, '{}') AS regions
FROM flows f
LEFT JOIN deployments d ON d.deployment_id = f.flow_id;

CREATE VIEW analytics.jobs AS
SELECT
    j.flow_id,
    j.job_id,
    j.name,
    CASE WHEN j.display_name = '' THEN j.name ELSE j.display_name END AS label,
    j.type,
    j.family,
    j.region,
    CASE WHEN j.chart = '' THEN j.name ELSE j.chart END AS component,
    j.chart_version,
    j.status,
    j.state,
    j.reason,
    j.attempt,
    j.waiting_on,
    j.position,
    j.started_at,
    j.finished_at AS ended_at
FROM jobs j;

-- What counts in a roll-up: a group that runs itself does so by its own run, and what was
-- set aside does not.
CREATE VIEW analytics.leaves AS
SELECT
    j.flow_id,
    j.job_id,
    j.name,
    CASE WHEN j.display_name = '' THEN j.name ELSE j.display_name END AS label,
    j.type,
    j.region,
    CASE WHEN j.chart = '' THEN j.name ELSE j.chart END AS component,
    j.chart_version,
    coalesce(j.run_status, j.status) AS status,
    j.state,
    j.reason,
    j.attempt,
    j.position,
    CASE WHEN j.run_status IS NULL THEN j.started_at ELSE j.run_started_at END AS started_at,
    CASE WHEN j.run_status IS NULL THEN j.finished_at ELSE j.run_finished_at END AS ended_at
FROM jobs j
WHERE j.run_status IS NOT NULL
    OR j.type <> 'group' AND NOT (j.source = 'bridge' AND j.status = 'pending' AND j.state = 'cancelled');

CREATE VIEW analytics.relationships AS
SELECT
    r.flow_id,
    r.from_id,
    r.to_id,
    r.type,
    CASE WHEN r.condition = '' THEN 'on-success' ELSE r.condition END AS condition,
    r.lag_seconds,
    coalesce(nullif(r.from_flow_id, ''), r.flow_id) AS from_flow_id,
    coalesce(nullif(r.to_flow_id, ''), r.flow_id) AS to_flow_id,
    r.local
FROM relationships r
WHERE r.visible;

-- Nothing has happened after it was recorded, whatever a source's clock says.
CREATE VIEW analytics.transitions AS
SELECT
    t.flow_id,
    t.seq,
    t.job_id,
    nullif(t.execution_id, '') AS execution_id,
    t.version,
    t.from_status,
    t.to_status,
    t.state,
    least(t.occurred_at, t.recorded_at) AS happened_at,
    t.occurred_at,
    t.recorded_at,
    greatest(extract(epoch FROM t.recorded_at - t.occurred_at), 0)::double precision AS recorded_after_seconds,
    t.from_status <> t.to_status AS effective,
    t.cause
FROM transitions t;

-- Sources' clocks differ: nothing ends before it began. A log line may open an execution
-- while its job still waits: the attempt begins with the job. A job's own beginning is that of
-- what came after its last success: what had ended by then keeps its own.
CREATE VIEW analytics.attempts AS
SELECT
    x.flow_id,
    x.job_id,
    x.attempt,
    x.execution_id,
    x.status,
    b.began AS started_at,
    CASE WHEN x.finished_at IS NOT NULL THEN greatest(x.finished_at, b.began) END AS ended_at
FROM executions x
JOIN analytics.leaves j ON j.flow_id = x.flow_id AND j.job_id = x.job_id
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN x.attempt < j.attempt AND x.finished_at <= j.started_at THEN x.started_at
        ELSE greatest(x.started_at, j.started_at)
    END AS began
) b
WHERE j.started_at IS NOT NULL
UNION ALL
-- Of a job without executions its source says one beginning and one end.
SELECT
    j.flow_id,
    j.job_id,
    1 AS attempt,
    NULL::text AS execution_id,
    j.status,
    coalesce(j.started_at, j.ended_at) AS started_at,
    CASE WHEN j.ended_at IS NOT NULL THEN greatest(j.ended_at, j.started_at) END AS ended_at
FROM analytics.leaves j
WHERE j.status <> 'pending'
    AND NOT EXISTS (SELECT 1 FROM executions x WHERE x.flow_id = j.flow_id AND x.job_id = j.job_id);

CREATE VIEW analytics.log_errors AS
SELECT
    l.flow_id,
    x.job_id,
    j.name,
    CASE WHEN j.chart = '' THEN j.name ELSE j.chart END AS component,
    j.region,
    x.attempt,
    l.execution_id,
    l.line_number,
    l.log_day,
    l.at,
    l.message
FROM log_lines l
JOIN executions x ON x.flow_id = l.flow_id AND x.execution_id = l.execution_id AND x.log_day = l.log_day
JOIN jobs j ON j.flow_id = x.flow_id AND j.job_id = x.job_id
WHERE l.level = 'error';

-- +goose Down
DROP VIEW analytics.log_errors;
DROP VIEW analytics.attempts;
DROP VIEW analytics.transitions;
DROP VIEW analytics.relationships;
DROP VIEW analytics.leaves;
DROP VIEW analytics.jobs;
DROP VIEW analytics.flows;
DROP SCHEMA analytics;
