-- Views and functions over the timeline: each answers one question.

-- +goose Up
CREATE VIEW analytics.phases AS
SELECT
    t.flow_id,
    t.epoch,
    t.latest,
    t.phase,
    min(t.started_at) AS started_at,
    CASE WHEN bool_and(t.status IN ('succeeded', 'failed')) THEN max(t.ended_at) END AS ended_at,
    extract(epoch FROM max(t.until) - min(t.started_at))::double precision AS seconds,
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
    window_from timestamptz, window_to timestamptz, only_region text DEFAULT NULL, only_prefix text DEFAULT '')
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
        AND starts_with(t.flow_id, only_prefix)
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

-- Only errors are in it, so that it costs next to nothing where lines are written.
CREATE INDEX log_lines_errors ON log_lines (flow_id, at) WHERE level = 'error';

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
        s.side,
        t.name,
        min(t.job_id) AS job_id,
        (array_agg(t.status ORDER BY t.attempt DESC))[1] AS status,
        count(*) FILTER (WHERE t.attempt > 0)::integer AS attempts,
        sum(t.waited_seconds::numeric) AS waited,
        sum(t.ran_seconds::numeric) AS ran,
        bool_or(t.critical) AS critical
    FROM (VALUES ('a', flow_a), ('b', flow_b)) AS s(side, flow_id)
    JOIN analytics.timeline t ON t.flow_id = s.flow_id
    WHERE t.latest AND NOT t.later
    GROUP BY s.side, t.name
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

-- What cannot begin, or failed, because these jobs have not done their part: what comes after them, and after
-- the groups they are in, through every job that therefore does not succeed.
CREATE FUNCTION analytics.held_by(flow text, origins text[])
RETURNS TABLE (origin text, job_id text)
LANGUAGE sql STABLE AS $$
WITH RECURSIVE walk(origin, id, held) AS (
    SELECT o.id, o.id, false FROM unnest(origins) AS o(id)
    UNION
    SELECT w.origin, n.id, n.held
    FROM walk w
    CROSS JOIN LATERAL (
        SELECT r.to_id AS id, r.type = 'finish-to-start' AS held
        FROM analytics.relationships r
        JOIN analytics.jobs j ON j.flow_id = r.flow_id AND j.job_id = r.from_id
        WHERE NOT w.held
            AND r.flow_id = flow
            AND r.from_id = w.id
            AND r.to_flow_id = flow
            AND (r.type = 'contains' OR r.type = 'finish-to-start' AND NOT CASE r.condition
                WHEN 'always' THEN j.status IN ('succeeded', 'failed')
                WHEN 'on-failure' THEN j.status = 'failed'
                ELSE j.status = 'succeeded'
            END)
        UNION ALL
        SELECT r.from_id, true
        FROM analytics.relationships r
        WHERE w.held AND r.flow_id = flow AND r.to_id = w.id AND r.type = 'contains'
        UNION ALL
        SELECT j.job_id, false
        FROM analytics.jobs j
        WHERE w.held AND j.flow_id = flow AND j.job_id = w.id AND j.type <> 'group' AND j.status IN ('pending', 'failed')
        OFFSET 0
    ) n
)
SELECT w.origin, j.job_id
FROM walk w
JOIN analytics.jobs j ON j.flow_id = flow AND j.job_id = w.id
WHERE w.held AND w.id <> w.origin AND j.type <> 'group' AND j.status IN ('pending', 'failed')
$$;

CREATE FUNCTION analytics.diagnose(flow text)
RETURNS TABLE (
    role text, job_id text, name text, component text, status text, attempt integer, execution_id text,
    failed_at timestamptz, reason text, stops integer, roots text[], only_by_roots boolean)
LANGUAGE sql STABLE AS $$
WITH
leaf AS MATERIALIZED (
    SELECT j.* FROM analytics.jobs j WHERE j.flow_id = flow AND j.type <> 'group'
),
failed AS MATERIALIZED (
    SELECT h.origin, h.job_id
    FROM analytics.held_by(flow, ARRAY(SELECT j.job_id FROM leaf j WHERE j.status = 'failed')) h
),
-- A failure that comes after another one is no root. (Two that come after each other are.)
root AS (
    SELECT j.*
    FROM leaf j
    WHERE j.status = 'failed' AND NOT EXISTS (
        SELECT 1 FROM failed h
        WHERE h.job_id = j.job_id
            AND NOT EXISTS (SELECT 1 FROM failed b WHERE b.origin = j.job_id AND b.job_id = h.origin))
),
stopped AS (
    SELECT h.job_id, array_agg(h.origin ORDER BY h.origin COLLATE "C") AS roots
    FROM failed h
    WHERE h.origin IN (SELECT r.job_id FROM root r) AND h.job_id NOT IN (SELECT r.job_id FROM root r)
    GROUP BY h.job_id
),
running AS MATERIALIZED (
    SELECT DISTINCT h.job_id
    FROM analytics.held_by(flow, ARRAY(SELECT j.job_id FROM leaf j WHERE j.status = 'running')) h
),
-- What waits and is held by neither a failure nor a running job may begin by itself.
ready AS MATERIALIZED (
    SELECT DISTINCT h.job_id
    FROM analytics.held_by(flow, ARRAY(
        SELECT j.job_id
        FROM leaf j
        WHERE j.status = 'pending'
            AND j.job_id NOT IN (SELECT h.job_id FROM failed h)
            AND j.job_id NOT IN (SELECT h.job_id FROM running h))) h
)
SELECT
    'root', r.job_id, r.name, r.component, r.status, r.attempt, x.execution_id, r.ended_at,
    coalesce(nullif(r.reason, ''), l.message, ''),
    (SELECT count(*)::integer FROM stopped s WHERE r.job_id = ANY (s.roots)),
    NULL::text[], NULL::boolean
FROM root r
LEFT JOIN LATERAL (
    SELECT a.execution_id
    FROM analytics.attempts a
    WHERE a.flow_id = flow AND a.job_id = r.job_id
    ORDER BY a.attempt DESC
    LIMIT 1
) x ON true
LEFT JOIN LATERAL (
    SELECT e.message
    FROM analytics.log_errors e
    WHERE e.flow_id = flow AND e.execution_id = x.execution_id
    ORDER BY e.line_number DESC
    LIMIT 1
) l ON true
UNION ALL
SELECT
    'stopped', j.job_id, j.name, j.component, j.status, j.attempt, NULL, j.ended_at, j.reason, NULL, s.roots,
    j.job_id NOT IN (SELECT h.job_id FROM running h) AND j.job_id NOT IN (SELECT h.job_id FROM ready h)
FROM stopped s
JOIN leaf j ON j.job_id = s.job_id
$$;

-- A job nothing effective happened to after the moment is as it is now. Else the last thing
-- recorded of what had happened by then says what it was, since later knowledge is better.
CREATE FUNCTION analytics.at(flow text, moment timestamptz, clock timestamptz DEFAULT now())
RETURNS TABLE (
    kind text, job_id text, name text, status text, attempt integer, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
WITH RECURSIVE
past AS (
    SELECT
        t.job_id,
        min(t.happened_at) <= moment AS known,
        (array_agg(t.state ORDER BY t.seq DESC) FILTER (WHERE t.happened_at <= moment))[1] = 'removed' AS removed,
        coalesce(bool_or(t.effective AND t.happened_at > moment), false) AS changed_since,
        (array_agg(t.to_status ORDER BY t.seq DESC) FILTER (WHERE t.effective AND t.happened_at <= moment))[1] AS status,
        (array_agg(t.happened_at ORDER BY t.seq DESC) FILTER (WHERE t.effective AND t.happened_at <= moment))[1] AS since
    FROM analytics.transitions t
    WHERE t.flow_id = flow
    GROUP BY t.job_id
),
-- Of a job without history its times say what it was.
leaf AS MATERIALIZED (
    SELECT
        coalesce(j.job_id, p.job_id) AS id,
        coalesce(j.name, p.job_id) AS name,
        CASE
            WHEN moment >= clock AND j.job_id IS NOT NULL THEN j.status
            WHEN p.job_id IS NULL THEN CASE
                WHEN j.status = 'pending' OR coalesce(j.started_at, j.ended_at) > moment THEN 'pending'
                WHEN j.ended_at > moment THEN 'running'
                ELSE j.status
            END
            WHEN j.job_id IS NOT NULL AND NOT p.changed_since THEN j.status
            ELSE coalesce(p.status, 'pending')
        END AS status,
        j.started_at,
        j.ended_at,
        p.since,
        moment < clock AND coalesce(p.changed_since, j.ended_at > moment, false) AS past
    FROM (SELECT a.* FROM analytics.jobs a WHERE a.flow_id = flow) j
    FULL JOIN past p ON p.job_id = j.job_id
    WHERE j.type IS DISTINCT FROM 'group'
        AND CASE
            WHEN j.job_id IS NULL THEN p.known AND NOT p.removed
            ELSE moment >= clock OR p.job_id IS NULL OR p.known AND NOT p.removed
        END
),
job AS MATERIALIZED (
    SELECT
        l.id,
        l.name,
        l.status,
        CASE
            WHEN NOT l.past THEN l.started_at
            WHEN l.status = 'pending' THEN NULL
            WHEN l.started_at <= moment THEN l.started_at
            ELSE l.since
        END AS started_at,
        CASE
            WHEN NOT l.past THEN l.ended_at
            WHEN l.status IN ('succeeded', 'failed') THEN l.since
        END AS ended_at
    FROM leaf l
),
inside(group_id, id) AS (
    SELECT g.job_id, g.job_id FROM analytics.jobs g WHERE g.flow_id = flow AND g.type = 'group'
    UNION
    SELECT i.group_id, n.id
    FROM inside i
    CROSS JOIN LATERAL (
        SELECT r.from_id AS id
        FROM analytics.relationships r
        WHERE r.flow_id = flow AND r.to_id = i.id AND r.type = 'contains'
        OFFSET 0
    ) n
),
tally AS (
    SELECT
        i.group_id AS id,
        count(*) AS leaves,
        count(*) FILTER (WHERE l.status = 'running') AS running,
        count(*) FILTER (WHERE l.status = 'succeeded') AS succeeded,
        count(*) FILTER (WHERE l.status = 'failed') AS failed,
        min(l.started_at) AS started_at,
        max(l.ended_at) AS ended_at
    FROM inside i
    JOIN job l ON l.id = i.id
    GROUP BY i.group_id
    UNION ALL
    SELECT
        NULL, count(*), count(*) FILTER (WHERE l.status = 'running'), count(*) FILTER (WHERE l.status = 'succeeded'),
        count(*) FILTER (WHERE l.status = 'failed'), min(l.started_at), max(l.ended_at)
    FROM job l
)
SELECT
    'job', l.id, l.name, l.status,
    (SELECT count(*)::integer FROM analytics.attempts a WHERE a.flow_id = flow AND a.job_id = l.id AND (a.started_at <= moment OR moment >= clock)),
    l.started_at, l.ended_at
FROM job l
UNION ALL
SELECT
    'group', g.job_id, g.name,
    CASE
        WHEN t.failed > 0 THEN 'failed'
        WHEN t.succeeded = t.leaves THEN 'succeeded'
        WHEN t.running + t.succeeded > 0 THEN 'running'
        ELSE 'pending'
    END,
    0,
    t.started_at,
    CASE WHEN t.succeeded + t.failed = t.leaves THEN t.ended_at END
FROM analytics.jobs g
LEFT JOIN tally t ON t.id = g.job_id
WHERE g.flow_id = flow
    AND g.type = 'group'
    -- A group is there with the first thing in it, or has been empty always.
    AND (t.id IS NOT NULL OR moment >= clock OR NOT EXISTS (SELECT 1 FROM inside i WHERE i.group_id = g.job_id AND i.id <> g.job_id))
UNION ALL
SELECT
    'flow', f.flow_id, f.flow_id,
    CASE
        WHEN moment >= clock THEN f.status
        WHEN f.declared THEN CASE
            WHEN f.status = 'pending' OR f.started_at > moment THEN 'pending'
            WHEN f.ended_at > moment THEN 'running'
            ELSE f.status
        END
        WHEN t.leaves > 0 AND t.succeeded + t.failed = t.leaves THEN CASE WHEN t.failed > 0 THEN 'failed' ELSE 'succeeded' END
        WHEN t.running + t.succeeded + t.failed > 0 THEN 'running'
        ELSE 'pending'
    END,
    0,
    CASE WHEN moment >= clock OR f.declared THEN f.started_at ELSE t.started_at END,
    CASE
        WHEN moment >= clock OR f.declared AND f.ended_at <= moment THEN f.ended_at
        WHEN NOT f.declared AND t.succeeded + t.failed = t.leaves THEN t.ended_at
    END
FROM analytics.flows f
JOIN tally t ON t.id IS NULL
WHERE f.flow_id = flow
$$;

-- The runs an estimate rests on: the last provisions that went well, began before this one, by the same provider and
-- definition, and had every job that is known here; of the last 200, so that a shape of
-- which there are few does not have all history looked through.
CREATE FUNCTION analytics.runs_like(flow text, most integer DEFAULT 20)
RETURNS TABLE (flow_id text, epoch text, started_at timestamptz)
LANGUAGE sql STABLE AS $$
WITH
known AS MATERIALIZED (
    SELECT coalesce(array_agg(j.name), '{}') AS names
    FROM analytics.jobs j
    WHERE j.flow_id = flow AND j.type <> 'group'
),
recent AS MATERIALIZED (
    SELECT p.flow_id, p.epoch, p.started_at
    FROM analytics.flows f
    JOIN analytics.provisions p ON p.provider = f.provider AND p.definition_id = f.definition_id
    WHERE f.flow_id = flow
        AND p.outcome = 'succeeded'
        AND p.flow_id <> flow
        AND p.started_at < f.started_at
    ORDER BY p.started_at DESC, p.flow_id
    LIMIT 200
)
SELECT r.flow_id, r.epoch, r.started_at
FROM recent r
CROSS JOIN known k
WHERE k.names <> '{}'
    AND k.names <@ ARRAY(
        SELECT t.name FROM analytics.timeline t WHERE t.flow_id = r.flow_id AND t.epoch = r.epoch AND NOT t.later)
ORDER BY r.started_at DESC, r.flow_id
LIMIT most
$$;

-- How one earlier run went, job by job in the order of beginning, beside what this flow's job does now. A job's
-- time is from its first beginning to its success, retries included; after says, by place in that order, which
-- jobs have to end before it, here and in that run.
CREATE FUNCTION analytics.run_beside(flow text, run_flow text, run_epoch text)
RETURNS TABLE (
    job_id text, name text, status text, started_at timestamptz, ended_at timestamptz,
    offset_seconds double precision, ran_seconds double precision, after integer[])
LANGUAGE sql STABLE AS $$
WITH
attempt AS MATERIALIZED (
    SELECT t.* FROM analytics.timeline t
    WHERE t.flow_id = run_flow AND t.epoch = run_epoch AND NOT t.later AND t.until IS NOT NULL
),
job AS MATERIALIZED (
    SELECT
        a.name,
        min(a.job_id) AS job_id,
        min(a.started_at) AS started_at,
        extract(epoch FROM max(a.until) - min(a.started_at))::double precision AS ran,
        (array_agg(a.blocker_job_id ORDER BY a.attempt))[1] AS blocker,
        row_number() OVER (ORDER BY min(a.started_at), max(a.until), min(a.position))::integer AS n
    FROM attempt a
    GROUP BY a.name
),
here AS MATERIALIZED (
    SELECT j.* FROM analytics.jobs j WHERE j.flow_id = flow AND j.type <> 'group'
)
SELECT
    h.job_id, j.name, coalesce(h.status, 'pending'), h.started_at, h.ended_at,
    extract(epoch FROM j.started_at - (SELECT min(b.started_at) FROM job b))::double precision,
    j.ran,
    ARRAY(
        SELECT b.n FROM job b WHERE b.job_id = j.blocker AND b.n < j.n
        UNION
        SELECT b.n
        FROM analytics.relationships r
        JOIN here o ON o.job_id = r.from_id
        JOIN job b ON b.name = o.name AND b.n < j.n
        WHERE r.flow_id = flow AND r.to_id = h.job_id AND r.type = 'finish-to-start' AND r.to_flow_id = flow)
FROM job j
LEFT JOIN here h ON h.name = j.name
ORDER BY j.n
$$;

-- This flow is run to its end once with the durations of each earlier run. What lies between the tenth and the ninetieth
-- percentile of the ends, counted so that four in five of such runs end in it (with fewer than nine, between the
-- least and the most), is the estimate. A failed job ends nobody knows when, and so does what waits for it.
-- +goose StatementBegin
CREATE FUNCTION analytics.estimate(flow text, clock timestamptz DEFAULT now(), most integer DEFAULT 20)
RETURNS TABLE (kind text, job_id text, name text, low_seconds double precision, high_seconds double precision, runs integer)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    begun   double precision;
    today   double precision := extract(epoch FROM clock);
    unknown CONSTANT double precision := 'infinity';
    n       integer := 0;
    run     record;
    job     record;
    ends    double precision[]; -- by place in the order of the run: here, and then
    ended   double precision[];
    i       integer;
    ready   double precision;
    was     double precision;
    finish  double precision;
    whole   double precision;
    names   text[] := '{}';
    remains double precision[] := '{}';
    edge    double precision;
BEGIN
    SELECT extract(epoch FROM coalesce(f.started_at, clock)) INTO begun
    FROM analytics.flows f
    WHERE f.flow_id = flow AND f.status IN ('pending', 'running');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR run IN SELECT l.flow_id, l.epoch FROM analytics.runs_like(flow, most) l LOOP
        n := n + 1;
        ends := '{}';
        ended := '{}';
        whole := 0;
        FOR job IN SELECT b.* FROM analytics.run_beside(flow, run.flow_id, run.epoch) b LOOP
            CASE job.status
                WHEN 'succeeded' THEN
                    finish := coalesce(extract(epoch FROM job.ended_at), today);
                WHEN 'failed' THEN
                    finish := unknown;
                WHEN 'running' THEN
                    finish := greatest(today, coalesce(extract(epoch FROM job.started_at), today) + job.ran_seconds);
                ELSE
                    ready := begun;
                    was := 0;
                    FOREACH i IN ARRAY job.after LOOP
                        ready := greatest(ready, ends[i]);
                        was := greatest(was, ended[i]);
                    END LOOP;
                    finish := greatest(today, ready + greatest(job.offset_seconds - was, 0)) + job.ran_seconds;
            END CASE;
            ends := ends || finish;
            ended := ended || job.offset_seconds + job.ran_seconds;
            IF job.status IN ('pending', 'running') THEN
                whole := greatest(whole, finish);
                names := array_append(names, job.name);
                remains := remains || finish - today;
            END IF;
        END LOOP;
        names := array_append(names, NULL::text);
        remains := remains || greatest(whole - today, 0);
    END LOOP;
    edge := CASE WHEN n > 1 THEN greatest((0.1 * (n + 1) - 1) / (n - 1), 0) ELSE 0 END;
    RETURN QUERY
    WITH here AS (
        SELECT j.job_id, j.name FROM analytics.jobs j
        WHERE j.flow_id = flow AND j.type <> 'group' AND j.status IN ('pending', 'running')
    ),
    remaining AS (
        SELECT
            u.name,
            nullif(percentile_disc(edge) WITHIN GROUP (ORDER BY u.remains), unknown) AS low,
            nullif(percentile_disc(1 - edge) WITHIN GROUP (ORDER BY u.remains), unknown) AS high
        FROM unnest(names, remains) AS u(name, remains)
        GROUP BY u.name
    )
    SELECT 'flow', NULL::text, NULL::text, r.low, r.high, n
    FROM (SELECT 1) one
    LEFT JOIN remaining r ON r.name IS NULL
    UNION ALL
    SELECT 'job', h.job_id, coalesce(h.name, r.name), r.low, r.high, n
    FROM here h
    FULL JOIN (SELECT m.* FROM remaining m WHERE m.name IS NOT NULL) r ON r.name = h.name;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION analytics.estimate(text, timestamptz, integer);
DROP FUNCTION analytics.run_beside(text, text, text);
DROP FUNCTION analytics.runs_like(text, integer);
DROP FUNCTION analytics.at(text, timestamptz, timestamptz);
DROP FUNCTION analytics.diagnose(text);
DROP FUNCTION analytics.held_by(text, text[]);
DROP FUNCTION analytics.compare(text, text);
DROP FUNCTION analytics.critical_path(text);
DROP VIEW analytics.log_errors;
DROP INDEX log_lines_errors;
DROP VIEW analytics.flakiness;
DROP VIEW analytics.component_stats;
DROP FUNCTION analytics.component_stats(timestamptz, timestamptz, text, text);
DROP VIEW analytics.concurrency;
DROP VIEW analytics.blockers;
DROP VIEW analytics.phases;
