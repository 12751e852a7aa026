-- The pass over a flow that finds who waited for whom, the critical path and slack. The
-- program itself computes what it keeps (service/timeline, which has the definitions);
-- this is for a flow that goes on. Tests hold the two to the same answers.

-- +goose Up
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
-- In plpgsql, so that what goes on does not have its attempts looked at, nor that planned.
-- +goose StatementBegin
CREATE FUNCTION analytics.clock_of(flow text, clock timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    f record;
BEGIN
    SELECT l.status, l.ended_at INTO f FROM analytics.flows l WHERE l.flow_id = flow;
    IF f.status IN ('succeeded', 'failed') THEN
        RETURN least(clock, coalesce(f.ended_at, (SELECT max(a.ended_at) FROM analytics.attempts a WHERE a.flow_id = flow)));
    END IF;
    RETURN CASE WHEN FOUND THEN clock END;
END
$$;
-- +goose StatementEnd

-- When a provision began: its flow's start, which moves when all that was first is done again (an
-- upgrade, a second run of tofu), or the first attempt where that was earlier. In plpgsql, which keeps
-- its plan for the session.
-- +goose StatementBegin
CREATE FUNCTION analytics.start_of(flow text) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
RETURN (
    SELECT least(f.started_at, (SELECT min(a.started_at) FROM analytics.attempts a WHERE a.flow_id = flow))
    FROM analytics.flows f
    WHERE f.flow_id = flow);
END
$$;
-- +goose StatementEnd

-- In the order of the pass: what has begun first, then what waits. Without nested loops, since the joins
-- are of steps whose size the planner cannot know: in a database without statistics it
-- would compare every job with every edge.
-- In plpgsql, which keeps the plan for the session: making it takes longer than running it. The joins are in a good order.
-- +goose StatementBegin
CREATE FUNCTION analytics.live_attempts(flow text, clock timestamptz) RETURNS SETOF analytics.live_attempt
LANGUAGE plpgsql STABLE ROWS 60
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = off
SET join_collapse_limit = 1
SET from_collapse_limit = 1
SET jit = off AS $$
BEGIN
RETURN QUERY
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
        AND r.local
        AND r.type IN ('contains', 'finish-to-start')
),
inside(leaf, n) AS (
    SELECT j.n, j.n FROM node j JOIN analytics.leaves l ON l.flow_id = flow AND l.job_id = j.job_id
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
    j.job_id, j.name, j.label, coalesce(a.attempt, 0), a.execution_id, coalesce(a.status, l.status),
    coalesce(p.phase, ''), g.group_id, j.region, j.component, j.chart_version, j.position,
    CASE WHEN a.later THEN a.started_at ELSE coalesce(
        a.failed_at, k.happened_at, (SELECT analytics.start_of(flow))) END,
    a.started_at,
    a.ended_at,
    CASE
        WHEN a.status <> 'running' AND a.started_at IS NOT NULL THEN a.ended_at
        WHEN a.started_at IS NOT NULL THEN greatest(clock, a.started_at)
    END AS until,
    coalesce(a.later OR p.phase = 'day-2-mutations', false),
    CASE WHEN a.attempt IS NULL THEN coalesce(d.waiting_on, '{}') END,
    j.n, p.within, coalesce(d.after, '{}')
FROM node j
JOIN analytics.leaves l ON l.flow_id = flow AND l.job_id = j.job_id
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
ORDER BY a.started_at IS NULL OR a.status <> 'running' AND a.ended_at IS NULL, a.started_at, until, j.position, a.attempt;
END
$$;
-- +goose StatementEnd

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
LANGUAGE plpgsql STABLE STRICT ROWS 60 AS $$
DECLARE
    today   timestamptz := analytics.clock_of(flow, clock);
    start   timestamptz := analytics.start_of(flow);
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
        at := CASE WHEN begun IS NOT NULL THEN greatest(freed[i], waiting_from) END;
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

-- +goose Down
DROP FUNCTION analytics.live_timeline(text, timestamptz);
DROP FUNCTION analytics.live_attempts(text, timestamptz);
DROP FUNCTION analytics.start_of(text);
DROP FUNCTION analytics.clock_of(text, timestamptz);
DROP TYPE analytics.live_attempt;
