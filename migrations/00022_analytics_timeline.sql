-- Timelines and provisions: what is kept, and what is computed when it is asked for.

-- +goose Up
-- What is kept of flows that have ended, and what is computed of the others when they are
-- asked for. A predicate on flow_id reaches both sides. What is kept gives the function no flow, for which it is not even
-- called: with a join against what is kept the planner may well call it first.
CREATE VIEW analytics.timeline AS
SELECT
    f.flow_id,
    f.epoch,
    true AS latest,
    t.job_id::text AS job_id,
    t.name::text AS name,
    t.label::text AS label,
    t.attempt::integer AS attempt,
    t.execution_id::text AS execution_id,
    t.status::text AS status,
    t.phase::text AS phase,
    t.group_id::text AS group_id,
    t.region::text AS region,
    t.component::text AS component,
    t.chart_version::text AS chart_version,
    t.waiting_from::timestamptz AS waiting_from,
    t.waited_on::text[] AS waited_on,
    t.blocker_job_id::text AS blocker_job_id,
    t.blocker_attempt::integer AS blocker_attempt,
    t.waited_seconds::double precision AS waited_seconds,
    t.blocked_seconds::double precision AS blocked_seconds,
    t.idle_seconds::double precision AS idle_seconds,
    t.started_at::timestamptz AS started_at,
    t.ended_at::timestamptz AS ended_at,
    t.until::timestamptz AS until,
    t.ran_seconds::double precision AS ran_seconds,
    t.later::boolean AS later,
    t.critical::boolean AS critical,
    t.slack_seconds::double precision AS slack_seconds,
    t.path_step::integer AS path_step,
    t.path_idle_seconds::double precision AS path_idle_seconds,
    t.path_ran_seconds::double precision AS path_ran_seconds,
    t.position::bigint AS position
FROM analytics.flows f
CROSS JOIN LATERAL analytics.live_timeline(CASE WHEN NOT EXISTS (
    SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version) THEN f.flow_id END, now()) AS t(
    job_id, name, label, attempt, execution_id, status, phase, group_id, region, component, chart_version, position,
    waiting_from, waited_on, blocker_job_id, blocker_attempt, waited_seconds, blocked_seconds, idle_seconds,
    started_at, ended_at, until, ran_seconds, later, critical, slack_seconds, path_step, path_idle_seconds, path_ran_seconds)
UNION ALL
SELECT
    a.flow_id, a.epoch, CASE WHEN f.flow_id IS NULL THEN NOT k.superseded ELSE f.epoch = k.epoch END, a.job_id, a.name,
    a.label, a.attempt, a.execution_id, a.status, a.phase, a.group_id, a.region, a.component, a.chart_version,
    a.waiting_from, a.waited_on, a.blocker_job_id, a.blocker_attempt, a.waited_seconds, a.blocked_seconds, a.idle_seconds,
    a.started_at, a.ended_at, a.until, a.ran_seconds, a.later, a.critical, a.slack_seconds, a.path_step,
    a.path_idle_seconds, a.path_ran_seconds, a.position
FROM attempt_facts a
JOIN flow_facts k ON k.flow_id = a.flow_id AND k.epoch = a.epoch
LEFT JOIN flows f ON f.flow_id = a.flow_id
WHERE f.flow_id IS NULL OR f.epoch <> k.epoch OR f.version = k.version;

-- The part of a flow's row that follows from its timeline. In plpgsql, so that its plan is made once a session, and only
-- where something is computed: as a part of the view it would be planned with every question about what is kept.
-- +goose StatementBegin
CREATE FUNCTION analytics.live_provision(flow text, clock timestamptz DEFAULT now())
RETURNS TABLE (
    started_at timestamptz, provisioned_at timestamptz, duration_seconds double precision, phase_seconds jsonb,
    jobs integer, jobs_pending integer, jobs_running integer, jobs_succeeded integer, jobs_failed integer,
    attempts integer, retries integer, path_seconds double precision, path_idle_seconds double precision,
    first_failure_job_id text, first_failure_attempt integer, first_failed_at timestamptz)
LANGUAGE plpgsql STABLE STRICT ROWS 1
SET plan_cache_mode = force_generic_plan
SET jit = off AS $$
BEGIN
RETURN QUERY
WITH
line AS MATERIALIZED (SELECT l.* FROM analytics.live_timeline(flow, clock) l),
-- A job is done with when it has succeeded once or has ended. Nobody waits for day-2 work.
job AS (
    SELECT
        r.job_id,
        bool_or(r.status = 'succeeded') OR bool_and(r.status IN ('succeeded', 'failed')) AS done,
        max(r.ended_at) AS done_at
    FROM line r
    WHERE NOT r.later
    GROUP BY r.job_id
),
phase AS (
    SELECT r.phase AS name, extract(epoch FROM max(r.until) - min(r.started_at))::double precision AS took
    FROM line r
    WHERE NOT r.later AND r.until IS NOT NULL
    GROUP BY r.phase
),
failure AS (
    SELECT r.job_id, r.attempt, r.ended_at
    FROM line r
    WHERE r.status = 'failed' AND r.ended_at IS NOT NULL
    ORDER BY r.ended_at, r.position, r.attempt
    LIMIT 1
),
whole AS (
    SELECT
        analytics.start_of(flow) AS started_at,
        CASE
            WHEN NOT EXISTS (SELECT 1 FROM line r WHERE r.later) THEN f.ended_at
            WHEN (SELECT bool_and(j.done) FROM job j) THEN (SELECT max(j.done_at) FROM job j)
        END AS provisioned_at
    FROM analytics.flows f
    WHERE f.flow_id = flow
)
SELECT
    w.started_at,
    w.provisioned_at,
    CASE WHEN w.started_at IS NOT NULL THEN
        greatest(extract(epoch FROM coalesce(w.provisioned_at, analytics.clock_of(flow, clock)) - w.started_at), 0) END::double precision,
    coalesce((SELECT jsonb_object_agg(p.name, p.took) FROM phase p), '{}'),
    s.jobs, s.pending, s.running, s.succeeded, s.failed, t.attempts, t.retries, t.path_ran, t.path_idle,
    x.job_id, x.attempt, x.ended_at
FROM whole w
CROSS JOIN (
    SELECT
        count(*)::integer AS jobs,
        count(*) FILTER (WHERE j.status = 'pending')::integer AS pending,
        count(*) FILTER (WHERE j.status = 'running')::integer AS running,
        count(*) FILTER (WHERE j.status = 'succeeded')::integer AS succeeded,
        count(*) FILTER (WHERE j.status = 'failed')::integer AS failed
    FROM analytics.leaves j
    WHERE j.flow_id = flow
) s
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE r.attempt > 0)::integer AS attempts,
        count(*) FILTER (WHERE r.attempt > 1 AND NOT r.later)::integer AS retries,
        sum(r.path_ran_seconds) AS path_ran,
        sum(r.path_idle_seconds) AS path_idle
    FROM line r
) t
LEFT JOIN failure x ON true;
END
$$;
-- +goose StatementEnd

CREATE VIEW analytics.provisions AS
SELECT
    f.flow_id,
    f.epoch,
    true AS latest,
    false AS removed,
    f.definition_id,
    f.provider::text AS provider,
    f.regions::text[] AS regions,
    f.status AS outcome,
    p.started_at::timestamptz AS started_at,
    f.ended_at,
    p.provisioned_at::timestamptz AS provisioned_at,
    p.duration_seconds::double precision AS duration_seconds,
    p.phase_seconds::jsonb AS phase_seconds,
    p.jobs::integer AS jobs,
    p.jobs_pending::integer AS jobs_pending,
    p.jobs_running::integer AS jobs_running,
    p.jobs_succeeded::integer AS jobs_succeeded,
    p.jobs_failed::integer AS jobs_failed,
    p.attempts::integer AS attempts,
    p.retries::integer AS retries,
    p.path_seconds::double precision AS path_seconds,
    p.path_idle_seconds::double precision AS path_idle_seconds,
    p.first_failure_job_id::text AS first_failure_job_id,
    p.first_failure_attempt::integer AS first_failure_attempt,
    p.first_failed_at::timestamptz AS first_failed_at
FROM analytics.flows f
CROSS JOIN LATERAL analytics.live_provision(CASE WHEN NOT EXISTS (
    SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version) THEN f.flow_id END, now()) AS p(
    started_at, provisioned_at, duration_seconds, phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed,
    attempts, retries, path_seconds, path_idle_seconds, first_failure_job_id, first_failure_attempt, first_failed_at)
UNION ALL
SELECT
    k.flow_id, k.epoch, CASE WHEN f.flow_id IS NULL THEN NOT k.superseded ELSE f.epoch = k.epoch END,
    f.flow_id IS NULL OR f.epoch <> k.epoch, k.definition_id, k.provider, k.regions, k.outcome, k.started_at, k.ended_at,
    k.provisioned_at, k.duration_seconds, k.phase_seconds, k.jobs, k.jobs_pending, k.jobs_running, k.jobs_succeeded,
    k.jobs_failed, k.attempts, k.retries, k.path_seconds, k.path_idle_seconds, k.first_failure_job_id,
    k.first_failure_attempt, k.first_failed_at
FROM flow_facts k
LEFT JOIN flows f ON f.flow_id = k.flow_id
WHERE f.flow_id IS NULL OR f.epoch <> k.epoch OR f.version = k.version;

-- +goose Down
DROP VIEW analytics.provisions;
DROP FUNCTION analytics.live_provision(text, timestamptz);
DROP VIEW analytics.timeline;
