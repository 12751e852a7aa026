-- What a provision's time went into, for people with an SQL client of their own: the
-- schema analytics holds what they may read and nothing else, and its views and functions
-- are an interface (docs/analytics.md is made from the comments below).
--
-- Everything in it reads through the views in it, so that a reading role needs no right on
-- any table, and no function runs with another's rights.
--
-- Facts about a flow that has ended are computed once and kept. They carry the flow's
-- version: as soon as the flow goes on they no longer fit, and the views compute what they
-- show until new ones are there. They refer to no flow, because they outlive it.

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
    f.declared AND NOT EXISTS (
        SELECT 1 FROM jobs j WHERE j.flow_id = f.flow_id AND j.type <> 'group' AND j.source = 'bridge') AS declared,
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

CREATE VIEW analytics.relationships AS
SELECT
    r.flow_id,
    r.from_id,
    r.to_id,
    r.type,
    CASE WHEN r.condition = '' THEN 'on-success' ELSE r.condition END AS condition,
    r.lag_seconds,
    coalesce(nullif(r.from_flow_id, ''), r.flow_id) AS from_flow_id,
    coalesce(nullif(r.to_flow_id, ''), r.flow_id) AS to_flow_id
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
-- while its job still waits: the attempt begins with the job.
CREATE VIEW analytics.attempts AS
SELECT
    x.flow_id,
    x.job_id,
    x.attempt,
    x.execution_id,
    x.status,
    greatest(x.started_at, j.started_at) AS started_at,
    CASE WHEN x.finished_at IS NOT NULL THEN greatest(x.finished_at, x.started_at, j.started_at) END AS ended_at
FROM executions x
JOIN jobs j ON j.flow_id = x.flow_id AND j.job_id = x.job_id
WHERE j.type <> 'group' AND j.started_at IS NOT NULL
UNION ALL
-- Of a job without executions its source says one beginning and one end.
SELECT
    j.flow_id,
    j.job_id,
    1 AS attempt,
    NULL::text AS execution_id,
    j.status,
    coalesce(j.started_at, j.finished_at) AS started_at,
    CASE WHEN j.finished_at IS NOT NULL THEN greatest(j.finished_at, j.started_at) END AS ended_at
FROM jobs j
WHERE j.type <> 'group'
    AND j.status <> 'pending'
    AND NOT EXISTS (SELECT 1 FROM executions x WHERE x.flow_id = j.flow_id AND x.job_id = j.job_id);

-- An attempt as the pass over a flow needs it: node and within are numbers of the job and
-- of it and the groups it is in, after those of what it comes after.
CREATE TYPE analytics.live_attempt AS (
    job_id        text,
    name          text,
    label         text,
    attempt       integer,
    execution_id  text,
    status        text,
    phase         text,
    group_id      text,
    region        text,
    component     text,
    chart_version text,
    position      bigint,
    known_at      timestamptz,
    started_at    timestamptz,
    ended_at      timestamptz,
    until         timestamptz,
    later         boolean,
    waiting_on    text[],
    node          integer,
    within        integer[],
    after         integer[]
);

-- What has ended is looked at as of its end, so that an answer does not change with the hour.
CREATE FUNCTION analytics.clock_of(flow text, clock timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
SELECT least(clock, CASE WHEN f.status IN ('succeeded', 'failed') THEN coalesce(
    f.ended_at,
    (SELECT max(a.ended_at) FROM analytics.attempts a WHERE a.flow_id = f.flow_id)) END)
FROM analytics.flows f
WHERE f.flow_id = flow
$$;

-- In the order of the pass: what has begun first, then what waits. Without nested loops, since the joins
-- are of steps whose size the planner cannot know: in a database without statistics it
-- would compare every job with every edge.
CREATE FUNCTION analytics.live_attempts(flow text, clock timestamptz) RETURNS SETOF analytics.live_attempt
LANGUAGE sql STABLE ROWS 60
SET enable_nestloop = off
SET jit = off AS $$
WITH RECURSIVE
node AS MATERIALIZED (
    SELECT j.*, row_number() OVER (ORDER BY j.position, j.job_id)::integer AS n
    FROM analytics.jobs j
    WHERE j.flow_id = flow
),
edge AS MATERIALIZED (
    SELECT
        r.type,
        f.n AS from_n,
        t.n AS to_n,
        f.job_id AS from_id,
        CASE r.condition
            WHEN 'always' THEN f.status IN ('succeeded', 'failed')
            WHEN 'on-failure' THEN f.status = 'failed'
            ELSE f.status = 'succeeded'
        END AS satisfied
    FROM analytics.relationships r
    JOIN node f ON f.job_id = r.from_id
    JOIN node t ON t.job_id = r.to_id
    WHERE r.flow_id = flow
        AND r.from_flow_id = flow
        AND r.to_flow_id = flow
        AND r.type IN ('contains', 'finish-to-start')
),
inside(leaf, n) AS (
    SELECT j.n, j.n FROM node j WHERE j.type <> 'group'
    UNION
    SELECT i.leaf, e.to_n FROM inside i JOIN edge e ON e.from_n = i.n AND e.type = 'contains'
),
place AS (
    SELECT
        i.leaf,
        array_agg(i.n ORDER BY i.n) AS within,
        (array_agg(g.name ORDER BY g.n) FILTER (WHERE i.n <> i.leaf AND NOT EXISTS (
            SELECT 1 FROM edge up WHERE up.from_n = i.n AND up.type = 'contains')))[1] AS phase
    FROM inside i
    JOIN node g ON g.n = i.n
    GROUP BY i.leaf
),
parent AS (
    SELECT e.from_n AS leaf, (array_agg(g.job_id ORDER BY g.n))[1] AS group_id
    FROM edge e
    JOIN node g ON g.n = e.to_n
    WHERE e.type = 'contains'
    GROUP BY e.from_n
),
after AS (
    SELECT
        i.leaf,
        array_agg(DISTINCT e.from_n) AS after,
        array_agg(DISTINCT e.from_id) FILTER (WHERE NOT e.satisfied) AS waiting_on
    FROM inside i
    JOIN edge e ON e.to_n = i.n AND e.type = 'finish-to-start'
    GROUP BY i.leaf
),
attempt AS (
    SELECT
        a.*,
        lag(a.ended_at) OVER (PARTITION BY a.job_id ORDER BY a.attempt) AS failed_at,
        coalesce(bool_or(a.status = 'succeeded') OVER (
            PARTITION BY a.job_id ORDER BY a.attempt ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS later
    FROM analytics.attempts a
    WHERE a.flow_id = flow
)
SELECT
    j.job_id, j.name, j.label, coalesce(a.attempt, 0), a.execution_id, coalesce(a.status, j.status),
    coalesce(p.phase, ''), g.group_id, j.region, j.component, j.chart_version, j.position,
    CASE WHEN a.later THEN a.started_at ELSE coalesce(a.failed_at, k.happened_at, f.started_at) END,
    a.started_at,
    a.ended_at,
    CASE WHEN a.status = 'running' THEN greatest(clock, a.started_at) ELSE a.ended_at END AS until,
    coalesce(a.later OR p.phase = 'day-2-mutations', false),
    CASE WHEN a.attempt IS NULL THEN coalesce(d.waiting_on, '{}') END,
    j.n, p.within, coalesce(d.after, '{}')
FROM node j
JOIN analytics.flows f ON f.flow_id = j.flow_id
JOIN place p ON p.leaf = j.n
LEFT JOIN parent g ON g.leaf = j.n
LEFT JOIN after d ON d.leaf = j.n
LEFT JOIN attempt a ON a.job_id = j.job_id
LEFT JOIN LATERAL (
    SELECT t.happened_at
    FROM analytics.transitions t
    WHERE t.flow_id = flow AND t.job_id = j.job_id
    ORDER BY t.seq
    LIMIT 1
) k ON true
ORDER BY (CASE WHEN a.status = 'running' THEN a.started_at ELSE a.ended_at END) IS NULL, a.started_at, until, j.position, a.attempt
$$;

-- The pass, forward for blockers and backward for slack: see service/timeline for the
-- definitions. Linear in attempts, edges and depth of groups.
-- +goose StatementBegin
CREATE FUNCTION analytics.live_timeline(flow text, clock timestamptz DEFAULT now())
RETURNS TABLE (
    job_id text, name text, label text, attempt integer, execution_id text, status text, phase text, group_id text,
    region text, component text, chart_version text, "position" bigint, waiting_from timestamptz, waited_on text[],
    blocker_job_id text, blocker_attempt integer, waited_seconds double precision, blocked_seconds double precision,
    idle_seconds double precision, started_at timestamptz, ended_at timestamptz, until timestamptz,
    ran_seconds double precision, later boolean, critical boolean, slack_seconds double precision,
    path_step integer, path_idle_seconds double precision, path_ran_seconds double precision)
LANGUAGE plpgsql STABLE ROWS 60 AS $$
DECLARE
    today   timestamptz := analytics.clock_of(flow, clock);
    start   timestamptz := (SELECT f.started_at FROM analytics.flows f WHERE f.flow_id = flow);
    rows    analytics.live_attempt[] := ARRAY(SELECT a FROM analytics.live_attempts(flow, today) a);
    ids     text[] := ARRAY(SELECT j.job_id FROM analytics.jobs j WHERE j.flow_id = flow ORDER BY j.position, j.job_id);
    n       integer := cardinality(rows);
    -- By number of the job: of what has begun up to now, the attempt that ended last; and
    -- how late it may end without harm.
    last    integer[] := array_fill(0, ARRAY[cardinality(ids)]);
    limits  timestamptz[] := array_fill(NULL::timestamptz, ARRAY[cardinality(ids)]);
    -- By attempt: its blocker, when that ended, its place on the path, and the attempt after it there.
    blocker integer[] := array_fill(0, ARRAY[n]);
    freed   timestamptz[] := array_fill(NULL::timestamptz, ARRAY[n]);
    next    integer[] := array_fill(0, ARRAY[n]);
    final   integer := 0;
    steps   integer := 0;
    r       analytics.live_attempt;
    begun   timestamptz;
    at      timestamptz;
    before  integer;
    node    integer;
BEGIN
    FOR i IN 1..n LOOP
        r := rows[i];
        CONTINUE WHEN r.later OR r.attempt > 0 AND r.until IS NULL;
        begun := coalesce(r.started_at, today);
        FOREACH node IN ARRAY r.after || r.node LOOP
            before := last[node];
            CONTINUE WHEN before = 0;
            at := rows[before].until;
            IF r.attempt > 0 AND node <> r.node AND at > least(r.known_at, begun) THEN
                r.waiting_on := r.waiting_on || ids[node];
            END IF;
            at := least(at, begun);
            IF freed[i] IS NULL OR at > freed[i] OR at = freed[i] AND before < blocker[i] THEN
                blocker[i] := before;
                freed[i] := at;
            END IF;
        END LOOP;
        rows[i] := r;
        CONTINUE WHEN r.attempt = 0;
        FOREACH node IN ARRAY r.within LOOP
            IF last[node] = 0 OR r.until > rows[last[node]].until THEN
                last[node] := i;
            END IF;
        END LOOP;
        IF final = 0 OR r.until > rows[final].until THEN
            final := i;
        END IF;
    END LOOP;
    before := final;
    WHILE before > 0 LOOP
        steps := steps + 1;
        IF blocker[before] > 0 THEN
            next[blocker[before]] := before;
        END IF;
        before := blocker[before];
    END LOOP;
    FOR i IN REVERSE n..1 LOOP
        r := rows[i];
        begun := coalesce(r.started_at, CASE WHEN r.attempt = 0 THEN today END);
        job_id := r.job_id; name := r.name; label := r.label; attempt := r.attempt; execution_id := r.execution_id;
        status := r.status; phase := r.phase; group_id := r.group_id; region := r.region; component := r.component;
        chart_version := r.chart_version; "position" := r.position; later := r.later;
        started_at := r.started_at; ended_at := r.ended_at; until := r.until;
        ran_seconds := extract(epoch FROM r.until - r.started_at);
        waiting_from := least(r.known_at, begun);
        waited_on := ARRAY(SELECT u FROM unnest(r.waiting_on) u ORDER BY u COLLATE "C");
        IF r.attempt = 0 AND waited_on <> '{}' THEN -- nothing has ended this wait yet
            blocker[i] := 0;
            freed[i] := begun;
        END IF;
        before := blocker[i];
        blocker_job_id := CASE WHEN before > 0 THEN rows[before].job_id END;
        blocker_attempt := CASE WHEN before > 0 THEN rows[before].attempt END;
        at := greatest(freed[i], waiting_from);
        waited_seconds := extract(epoch FROM begun - waiting_from);
        blocked_seconds := extract(epoch FROM at - waiting_from);
        idle_seconds := extract(epoch FROM begun - at);
        critical := false; slack_seconds := NULL;
        path_step := NULL; path_idle_seconds := NULL; path_ran_seconds := NULL;
        IF NOT r.later AND r.attempt > 0 AND r.until IS NOT NULL THEN
            at := NULL;
            FOREACH node IN ARRAY r.within LOOP
                at := least(at, limits[node]);
            END LOOP;
            at := greatest(coalesce(at, rows[final].until), r.until);
            slack_seconds := extract(epoch FROM at - r.until);
            critical := at = r.until;
            IF before > 0 THEN
                FOREACH node IN ARRAY r.after || r.node LOOP
                    limits[node] := least(limits[node], freed[i] + (at - r.until));
                END LOOP;
            END IF;
            IF i = final OR next[i] > 0 THEN
                path_step := steps;
                steps := steps - 1;
                path_idle_seconds := extract(epoch FROM begun - least(coalesce(freed[i], start), begun));
                path_ran_seconds := extract(epoch FROM
                    CASE WHEN next[i] > 0 THEN freed[next[i]] ELSE r.until END - begun);
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- What is kept of flows that have ended, and what is computed of the others when they are
-- asked for. A predicate on flow_id reaches both sides.
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
CROSS JOIN LATERAL analytics.live_timeline(f.flow_id, now()) AS t(
    job_id, name, label, attempt, execution_id, status, phase, group_id, region, component, chart_version, position,
    waiting_from, waited_on, blocker_job_id, blocker_attempt, waited_seconds, blocked_seconds, idle_seconds,
    started_at, ended_at, until, ran_seconds, later, critical, slack_seconds, path_step, path_idle_seconds, path_ran_seconds)
WHERE NOT EXISTS (
    SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version)
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

-- The part of a flow's row that follows from its timeline.
CREATE FUNCTION analytics.live_provision(flow text, clock timestamptz DEFAULT now())
RETURNS TABLE (
    provisioned_at timestamptz, duration_seconds double precision, phase_seconds jsonb,
    jobs integer, jobs_pending integer, jobs_running integer, jobs_succeeded integer, jobs_failed integer,
    attempts integer, retries integer, path_seconds double precision, path_idle_seconds double precision,
    first_failure_job_id text, first_failure_attempt integer, first_failed_at timestamptz)
LANGUAGE sql STABLE ROWS 1 AS $$
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
        f.started_at,
        CASE
            WHEN NOT EXISTS (SELECT 1 FROM line r WHERE r.later) THEN f.ended_at
            WHEN (SELECT bool_and(j.done) FROM job j) THEN (SELECT max(j.done_at) FROM job j)
        END AS provisioned_at
    FROM analytics.flows f
    WHERE f.flow_id = flow
)
SELECT
    w.provisioned_at,
    greatest(extract(epoch FROM coalesce(w.provisioned_at, analytics.clock_of(flow, clock)) - w.started_at), 0)::double precision,
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
    FROM analytics.jobs j
    WHERE j.flow_id = flow AND j.type <> 'group'
) s
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE r.attempt > 0)::integer AS attempts,
        count(*) FILTER (WHERE r.attempt > 1 AND NOT r.later)::integer AS retries,
        sum(r.path_ran_seconds) AS path_ran,
        sum(r.path_idle_seconds) AS path_idle
    FROM line r
) t
LEFT JOIN failure x ON true
$$;

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
    f.started_at,
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
CROSS JOIN LATERAL analytics.live_provision(f.flow_id, now()) AS p(
    provisioned_at, duration_seconds, phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed,
    attempts, retries, path_seconds, path_idle_seconds, first_failure_job_id, first_failure_attempt, first_failed_at)
WHERE NOT EXISTS (
    SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version)
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
DROP FUNCTION analytics.live_timeline(text, timestamptz);
DROP FUNCTION analytics.live_attempts(text, timestamptz);
DROP FUNCTION analytics.clock_of(text, timestamptz);
DROP TYPE analytics.live_attempt;
DROP VIEW analytics.attempts;
DROP VIEW analytics.transitions;
DROP VIEW analytics.relationships;
DROP VIEW analytics.jobs;
DROP VIEW analytics.flows;
DROP SCHEMA analytics;
DROP TABLE attempt_facts;
DROP TABLE flow_facts;
