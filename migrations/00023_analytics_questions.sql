-- Views and functions over the timeline: each answers one question.

-- +goose Up
CREATE VIEW analytics.phases AS
SELECT
    t.flow_id,
    t.epoch,
    t.latest,
    t.phase,
    min(t.started_at) FILTER (WHERE t.until IS NOT NULL) AS started_at,
    CASE WHEN bool_and(t.status IN ('succeeded', 'failed')) THEN max(t.ended_at) END AS ended_at,
    extract(epoch FROM max(t.until) - min(t.started_at) FILTER (WHERE t.until IS NOT NULL))::double precision AS seconds,
    count(DISTINCT t.job_id)::integer AS jobs,
    count(*) FILTER (WHERE t.status = 'failed')::integer AS failed_attempts
FROM analytics.timeline t
WHERE NOT t.later
GROUP BY t.flow_id, t.epoch, t.latest, t.phase;

CREATE VIEW analytics.blockers AS
SELECT
    t.flow_id,
    t.epoch,
    t.latest,
    t.job_id,
    t.name,
    t.attempt,
    t.waiting_from,
    t.started_at AS waiting_until,
    t.waited_seconds,
    t.waited_on,
    t.blocker_job_id,
    t.blocker_attempt,
    t.blocked_seconds,
    t.idle_seconds
FROM analytics.timeline t
WHERE t.waited_seconds > 0 OR t.attempt = 0;

CREATE VIEW analytics.concurrency AS
SELECT
    c.flow_id,
    c.epoch,
    c.latest,
    c.at::timestamptz AS at,
    (lead(c.at) OVER moments)::timestamptz AS until,
    (sum(sum(c.change)) OVER moments)::integer AS running
FROM (
    SELECT
        t.flow_id,
        t.epoch,
        t.latest,
        unnest(ARRAY[t.started_at, t.ended_at]) AS at,
        unnest(ARRAY[1, -1]) AS change
    FROM analytics.timeline t
    WHERE t.until IS NOT NULL
) c
WHERE c.at IS NOT NULL
GROUP BY c.flow_id, c.epoch, c.latest, c.at
WINDOW moments AS (PARTITION BY c.flow_id, c.epoch, c.latest ORDER BY c.at);

CREATE FUNCTION analytics.component_stats(
    window_from timestamptz, window_to timestamptz, only_region text DEFAULT NULL, flow_prefix text DEFAULT '')
RETURNS TABLE (
    component text, runs bigint, flows bigint, failures bigint, retries bigint,
    waited_p50_seconds double precision, waited_p90_seconds double precision, waited_p99_seconds double precision,
    ran_p50_seconds double precision, ran_p90_seconds double precision, ran_p99_seconds double precision)
LANGUAGE sql STABLE AS $$
SELECT
    s.component, s.runs, s.flows, s.failures, s.retries,
    s.waited[1], s.waited[2], s.waited[3], s.ran[1], s.ran[2], s.ran[3]
FROM (
    SELECT
        t.component,
        count(*) AS runs,
        count(DISTINCT (t.flow_id, t.epoch)) AS flows,
        count(*) FILTER (WHERE t.status = 'failed') AS failures,
        count(*) FILTER (WHERE t.attempt > 1 AND NOT t.later) AS retries,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY t.waited_seconds) FILTER (WHERE NOT t.later) AS waited,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY t.ran_seconds) FILTER (WHERE t.status = 'succeeded') AS ran
    FROM analytics.timeline t
    WHERE t.ended_at IS NOT NULL
        AND t.started_at >= window_from
        AND t.started_at < window_to
        AND (only_region IS NULL OR t.region = only_region)
        AND starts_with(t.flow_id, flow_prefix)
    GROUP BY t.component
) s
$$;

CREATE VIEW analytics.component_stats AS
SELECT
    s.component::text AS component,
    s.runs::bigint AS runs,
    s.flows::bigint AS flows,
    s.failures::bigint AS failures,
    s.retries::bigint AS retries,
    s.waited_p50_seconds::double precision AS waited_p50_seconds,
    s.waited_p90_seconds::double precision AS waited_p90_seconds,
    s.waited_p99_seconds::double precision AS waited_p99_seconds,
    s.ran_p50_seconds::double precision AS ran_p50_seconds,
    s.ran_p90_seconds::double precision AS ran_p90_seconds,
    s.ran_p99_seconds::double precision AS ran_p99_seconds
FROM analytics.component_stats('-infinity', 'infinity') AS s(
    component, runs, flows, failures, retries, waited_p50_seconds, waited_p90_seconds, waited_p99_seconds,
    ran_p50_seconds, ran_p90_seconds, ran_p99_seconds);

CREATE VIEW analytics.flakiness AS
SELECT
    j.component,
    count(*) AS flows,
    count(*) FILTER (WHERE j.failures > 0 AND j.succeeded) AS flaky,
    count(*) FILTER (WHERE NOT j.succeeded) AS failed,
    (count(*) FILTER (WHERE j.failures > 0 AND j.succeeded))::double precision / count(*) AS flaky_ratio,
    sum(j.failures)::bigint AS failures,
    max(j.failed_at) AS last_failed_at
FROM (
    SELECT
        t.component,
        count(*) FILTER (WHERE t.status = 'failed') AS failures,
        bool_or(t.status = 'succeeded') AS succeeded,
        max(t.ended_at) FILTER (WHERE t.status = 'failed') AS failed_at
    FROM analytics.timeline t
    WHERE t.ended_at IS NOT NULL AND NOT t.later
    GROUP BY t.flow_id, t.epoch, t.job_id, t.component
) j
GROUP BY j.component;

CREATE FUNCTION analytics.critical_path(flow text)
RETURNS TABLE (
    step integer, job_id text, name text, attempt integer, phase text, region text, component text, status text,
    started_at timestamptz, ended_at timestamptz, idle_seconds double precision, ran_seconds double precision)
LANGUAGE sql STABLE AS $$
SELECT
    t.path_step, t.job_id, t.name, t.attempt, t.phase, t.region, t.component, t.status,
    t.started_at, t.ended_at, t.path_idle_seconds, t.path_ran_seconds
FROM analytics.timeline t
WHERE t.flow_id = flow AND t.latest AND t.path_step IS NOT NULL
ORDER BY t.path_step
$$;

-- Seconds are compared as decimals: sums of the same numbers in another order may differ.
CREATE FUNCTION analytics.compare(flow_a text, flow_b text)
RETURNS TABLE (
    name text, change text, path text, more_seconds double precision,
    job_id_a text, job_id_b text, status_a text, status_b text, attempts_a integer, attempts_b integer,
    waited_a_seconds double precision, waited_b_seconds double precision,
    ran_a_seconds double precision, ran_b_seconds double precision, critical_a boolean, critical_b boolean)
LANGUAGE sql STABLE AS $$
WITH job AS (
    SELECT
        t.side,
        t.name,
        min(t.job_id) AS job_id,
        (array_agg(t.status ORDER BY t.attempt DESC))[1] AS status,
        count(*) FILTER (WHERE t.attempt > 0)::integer AS attempts,
        sum(t.waited_seconds::numeric) AS waited,
        sum(t.ran_seconds::numeric) AS ran,
        bool_or(t.critical) AS critical
    FROM (
        -- Twice, since a join would have every flow's timeline computed.
        SELECT 'a' AS side, a.* FROM analytics.timeline a WHERE a.flow_id = flow_a
        UNION ALL
        SELECT 'b', b.* FROM analytics.timeline b WHERE b.flow_id = flow_b
    ) t
    WHERE t.latest AND NOT t.later
    GROUP BY t.side, t.name
)
SELECT
    coalesce(a.name, b.name),
    CASE
        WHEN b.name IS NULL THEN 'only-in-a'
        WHEN a.name IS NULL THEN 'only-in-b'
        WHEN b.ran < a.ran THEN 'faster'
        WHEN b.ran > a.ran THEN 'slower'
        ELSE 'same'
    END,
    CASE
        WHEN coalesce(a.critical, false) AND coalesce(b.critical, false) THEN 'on'
        WHEN b.critical THEN 'moved-on'
        WHEN a.critical THEN 'moved-off'
        ELSE 'off'
    END,
    (b.ran - a.ran)::double precision,
    a.job_id, b.job_id, a.status, b.status, a.attempts, b.attempts,
    a.waited::double precision, b.waited::double precision, a.ran::double precision, b.ran::double precision,
    a.critical, b.critical
FROM (SELECT j.* FROM job j WHERE j.side = 'a') a
FULL JOIN (SELECT j.* FROM job j WHERE j.side = 'b') b ON b.name = a.name
WHERE (a.status, a.attempts, a.waited, a.ran, a.critical) IS DISTINCT FROM (b.status, b.attempts, b.waited, b.ran, b.critical)
ORDER BY abs(coalesce(b.ran, 0) - coalesce(a.ran, 0)) DESC, 1
$$;

-- +goose Down
DROP FUNCTION analytics.compare(text, text);
DROP FUNCTION analytics.critical_path(text);
DROP VIEW analytics.flakiness;
DROP VIEW analytics.component_stats;
DROP FUNCTION analytics.component_stats(timestamptz, timestamptz, text, text);
DROP VIEW analytics.concurrency;
DROP VIEW analytics.blockers;
DROP VIEW analytics.phases;
