-- How long a running flow will still take.

-- +goose Up
-- The runs an estimate rests on: the last provisions that went well, began before this one, by the same provider and
-- definition, and had every job that is known here; of the last 200, so that a shape of
-- which there are few does not have all history looked through.
CREATE FUNCTION analytics.runs_like(flow text, most integer DEFAULT 20)
RETURNS TABLE (flow_id text, epoch text, started_at timestamptz)
LANGUAGE sql STABLE AS $$
WITH
known AS MATERIALIZED (
    SELECT coalesce(array_agg(j.name), '{}') AS names
    FROM analytics.leaves j
    WHERE j.flow_id = flow
),
-- Not materialized: in its order, those after the last one wanted are not looked at.
recent AS NOT MATERIALIZED (
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

-- What each job of some provisions took: from its first beginning to its success, retries included. place numbers the jobs
-- of all of them, each one's in the order of beginning. All at once, since asking for one after another costs more than the
-- answer; in plpgsql, which keeps the plan for the session.
-- +goose StatementBegin
CREATE FUNCTION analytics.jobs_of(run_flows text[], run_epochs text[])
RETURNS TABLE (
    run integer, place integer, job_id text, name text, offset_seconds double precision, ran_seconds double precision,
    blocker_job_id text)
LANGUAGE plpgsql STABLE ROWS 1000
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = on
SET jit = off AS $$
BEGIN
RETURN QUERY
SELECT
    p.n::integer,
    row_number() OVER (ORDER BY p.n, min(t.started_at), max(t.until), min(t.position))::integer,
    min(t.job_id),
    t.name,
    extract(epoch FROM min(t.started_at) - min(min(t.started_at)) OVER (PARTITION BY p.n))::double precision,
    extract(epoch FROM max(t.until) - min(t.started_at))::double precision,
    (array_agg(t.blocker_job_id ORDER BY t.attempt))[1]
FROM unnest(run_flows, run_epochs) WITH ORDINALITY AS p(flow_id, epoch, n)
CROSS JOIN LATERAL (
    SELECT a.name, a.job_id, a.attempt, a.started_at, a.until, a.position, a.blocker_job_id
    FROM analytics.timeline a
    WHERE a.flow_id = p.flow_id AND a.epoch = p.epoch AND NOT a.later AND a.until IS NOT NULL
    OFFSET 0 -- each by its key
) t
GROUP BY p.n, t.name;
END
$$;
-- +goose StatementEnd

-- The jobs of earlier runs beside what this flow's job of that name does now: after says by place which of the run's jobs have
-- to end before it, here and there. Without nested loops, as live_attempts.
-- +goose StatementBegin
CREATE FUNCTION analytics.runs_beside(flow text, run_flows text[], run_epochs text[])
RETURNS TABLE (
    run integer, place integer, job_id text, name text, status text, started_at timestamptz, ended_at timestamptz,
    offset_seconds double precision, ran_seconds double precision, after integer[])
LANGUAGE plpgsql STABLE ROWS 1000
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = off
SET jit = off AS $$
BEGIN
RETURN QUERY
WITH
job AS MATERIALIZED (
    SELECT o.* FROM analytics.jobs_of(run_flows, run_epochs) o
),
here AS MATERIALIZED (
    SELECT l.job_id, l.name, l.status, l.started_at, l.ended_at FROM analytics.leaves l WHERE l.flow_id = flow
),
edge AS MATERIALIZED (
    SELECT f.name AS from_name, t.name AS to_name
    FROM analytics.relationships r
    JOIN here f ON f.job_id = r.from_id
    JOIN here t ON t.job_id = r.to_id
    WHERE r.flow_id = flow AND r.type = 'finish-to-start' AND r.local
),
before AS (
    SELECT j.place, b.place AS after
    FROM edge e
    JOIN job j ON j.name = e.to_name
    JOIN job b ON b.run = j.run AND b.name = e.from_name
    WHERE b.place < j.place
    UNION ALL
    SELECT j.place, b.place
    FROM job j
    JOIN job b ON b.run = j.run AND b.job_id = j.blocker_job_id
    WHERE b.place < j.place
),
held AS (
    SELECT b.place, array_agg(b.after) AS after FROM before b GROUP BY b.place
)
SELECT
    j.run, j.place, h.job_id, j.name, coalesce(h.status, 'pending'), h.started_at, h.ended_at,
    j.offset_seconds, j.ran_seconds, coalesce(d.after, '{}')
FROM job j
LEFT JOIN here h ON h.name = j.name
LEFT JOIN held d ON d.place = j.place
ORDER BY j.place;
END
$$;
-- +goose StatementEnd

-- This flow is run to its end once with the durations of each earlier run. What lies between the tenth and the ninetieth
-- percentile of the ends, counted so that four in five of such runs end in it (with fewer than nine, between the
-- least and the most), is the estimate. A failed job ends nobody knows when, and so does what waits for it. Of a job that
-- runs for longer than an earlier run's did, that run says nothing; where none is left, it is not known either.
-- +goose StatementBegin
CREATE FUNCTION analytics.estimate(flow text, clock timestamptz DEFAULT now(), most integer DEFAULT 20)
RETURNS TABLE (kind text, job_id text, name text, low_seconds double precision, high_seconds double precision, runs integer)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET jit = off AS $$
DECLARE
    begun   double precision;
    today   double precision := extract(epoch FROM clock);
    unknown CONSTANT double precision := 'infinity';
    outrun  CONSTANT double precision := 'NaN'; -- goes through sums and greatest()
    flows   text[];
    epochs  text[];
    n       integer;
    job     record;
    ends    double precision[] := '{}'; -- by place: here, and then
    ended   double precision[] := '{}';
    whole   double precision[]; -- by run
    i       integer;
    ready   double precision;
    was     double precision;
    finish  double precision;
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
    SELECT coalesce(array_agg(l.flow_id), '{}'), coalesce(array_agg(l.epoch), '{}') INTO flows, epochs
    FROM analytics.runs_like(flow, most) l;
    n := cardinality(flows);
    whole := array_fill(today, ARRAY[n]);
    FOR job IN SELECT b.* FROM analytics.runs_beside(flow, flows, epochs) b ORDER BY b.place LOOP
        CASE job.status
            WHEN 'succeeded' THEN
                finish := coalesce(extract(epoch FROM job.ended_at), today);
            WHEN 'failed' THEN
                finish := unknown;
            WHEN 'running' THEN
                finish := coalesce(extract(epoch FROM job.started_at), today) + job.ran_seconds;
                IF finish < today THEN
                    finish := outrun;
                END IF;
            ELSE
                ready := begun;
                was := 0;
                FOREACH i IN ARRAY job.after LOOP
                    ready := greatest(ready, ends[i]);
                    was := greatest(was, ended[i]);
                END LOOP;
                finish := greatest(today, ready + greatest(job.offset_seconds - was, 0)) + job.ran_seconds;
        END CASE;
        ends := array_append(ends, finish);
        ended := array_append(ended, job.offset_seconds + job.ran_seconds);
        IF job.status IN ('pending', 'running') THEN
            whole[job.run] := greatest(whole[job.run], finish);
            names := array_append(names, job.name);
            remains := array_append(remains, finish - today);
        END IF;
    END LOOP;
    edge := CASE WHEN n > 1 THEN greatest((0.1 * (n + 1) - 1) / (n - 1), 0) ELSE 0 END;
    RETURN QUERY
    WITH here AS (
        SELECT j.job_id, j.name
        FROM analytics.leaves j
        WHERE j.flow_id = flow AND j.status IN ('pending', 'running')
    ),
    remaining AS (
        SELECT
            u.name,
            nullif(percentile_disc(edge) WITHIN GROUP (ORDER BY nullif(u.remains, outrun)), unknown) AS low,
            nullif(percentile_disc(1 - edge) WITHIN GROUP (ORDER BY nullif(u.remains, outrun)), unknown) AS high
        FROM (
            SELECT k.name, k.remains FROM unnest(names, remains) AS k(name, remains)
            UNION ALL
            SELECT NULL, w - today FROM unnest(whole) AS w
        ) u
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
DROP FUNCTION analytics.runs_beside(text, text[], text[]);
DROP FUNCTION analytics.jobs_of(text[], text[]);
DROP FUNCTION analytics.runs_like(text, integer);
