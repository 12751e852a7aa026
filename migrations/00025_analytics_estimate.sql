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
    SELECT j.* FROM analytics.leaves j WHERE j.flow_id = flow
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
        WHERE r.flow_id = flow AND r.to_id = h.job_id AND r.type = 'finish-to-start' AND r.local)
FROM job j
LEFT JOIN here h ON h.name = j.name
ORDER BY j.n
$$;

-- This flow is run to its end once with the durations of each earlier run. What lies between the tenth and the ninetieth
-- percentile of the ends, counted so that four in five of such runs end in it (with fewer than nine, between the
-- least and the most), is the estimate. A failed job ends nobody knows when, and so does what waits for it. Of a job that
-- runs for longer than an earlier run's did, that run says nothing; where none is left, it is not known either.
-- +goose StatementBegin
CREATE FUNCTION analytics.estimate(flow text, clock timestamptz DEFAULT now(), most integer DEFAULT 20)
RETURNS TABLE (kind text, job_id text, name text, low_seconds double precision, high_seconds double precision, runs integer)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    begun   double precision;
    today   double precision := extract(epoch FROM clock);
    unknown CONSTANT double precision := 'infinity';
    outrun  CONSTANT double precision := 'NaN'; -- goes through sums and greatest()
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
        SELECT j.job_id, j.name
        FROM analytics.leaves j
        WHERE j.flow_id = flow AND j.status IN ('pending', 'running')
    ),
    remaining AS (
        SELECT
            u.name,
            nullif(percentile_disc(edge) WITHIN GROUP (ORDER BY nullif(u.remains, outrun)), unknown) AS low,
            nullif(percentile_disc(1 - edge) WITHIN GROUP (ORDER BY nullif(u.remains, outrun)), unknown) AS high
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
