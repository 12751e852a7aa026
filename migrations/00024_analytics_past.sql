-- What failed and what that stops; and what a flow was at a past moment.

-- +goose Up
-- What cannot begin, or failed, because these jobs have not done their part: what comes after them, and after
-- the groups they are in, through every job that therefore does not succeed; and a step that runs itself, because of what
-- it contains.
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
            AND r.local
            AND (r.type = 'contains' OR r.type = 'finish-to-start' AND NOT CASE r.condition
                WHEN 'always' THEN j.status IN ('succeeded', 'failed')
                WHEN 'on-failure' THEN j.status = 'failed'
                ELSE j.status = 'succeeded'
            END)
        UNION ALL
        SELECT r.from_id, true
        FROM analytics.relationships r
        WHERE w.held AND r.flow_id = flow AND r.to_id = w.id AND r.type = 'contains' AND r.local
        UNION ALL
        SELECT j.job_id, false
        FROM analytics.leaves j
        WHERE w.held AND j.flow_id = flow AND j.job_id = w.id AND j.status IN ('pending', 'failed')
        OFFSET 0
    ) n
)
SELECT DISTINCT w.origin, j.job_id
FROM walk w
JOIN analytics.leaves j ON j.flow_id = flow AND j.job_id = w.id
WHERE (w.held OR j.type = 'group') AND w.id <> w.origin AND j.status IN ('pending', 'failed')
$$;

CREATE FUNCTION analytics.diagnose(flow text)
RETURNS TABLE (
    role text, job_id text, name text, component text, status text, attempt integer, execution_id text,
    failed_at timestamptz, reason text, stops integer, roots text[], only_by_roots boolean)
LANGUAGE sql STABLE AS $$
WITH
leaf AS MATERIALIZED (
    SELECT j.* FROM analytics.leaves j WHERE j.flow_id = flow
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
-- recorded of what had happened by then says what it was, since later knowledge is better;
-- of a job without history, its times. Who contains whom is as it is now.
CREATE FUNCTION analytics.at(flow text, moment timestamptz, clock timestamptz DEFAULT now())
RETURNS TABLE (
    kind text, job_id text, name text, status text, attempt integer, failed integer, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
WITH RECURSIVE
fact AS MATERIALIZED (
    SELECT t.*, t.state = 'deleted' AND t.cause <> 'late' AS removal
    FROM analytics.transitions t
    WHERE t.flow_id = flow AND moment < clock
),
removal AS (
    SELECT f.job_id, max(f.seq) AS seq FROM fact f WHERE f.removal AND f.happened_at <= moment GROUP BY f.job_id
),
-- What was said before a job was last taken out says nothing of the one that is there again.
past AS MATERIALIZED (
    SELECT
        f.job_id,
        bool_or(f.happened_at <= moment AND f.seq > coalesce(r.seq, 0)) AS known,
        bool_or((f.effective OR f.removal) AND f.happened_at > moment) AS changed_since,
        (array_agg(f.state ORDER BY f.seq DESC) FILTER (WHERE f.happened_at <= moment AND f.cause <> 'late'))[1] AS state,
        (array_agg(f.to_status ORDER BY f.seq DESC)
            FILTER (WHERE f.effective AND f.happened_at <= moment AND f.seq > coalesce(r.seq, 0)))[1] AS status,
        (array_agg(f.happened_at ORDER BY f.seq DESC)
            FILTER (WHERE f.effective AND f.happened_at <= moment AND f.seq > coalesce(r.seq, 0)))[1] AS since
    FROM fact f
    LEFT JOIN removal r ON r.job_id = f.job_id
    GROUP BY f.job_id
),
-- What counts now, with what is known of its past.
leaf AS MATERIALIZED (
    SELECT
        l.job_id AS id,
        l.name,
        l.type,
        CASE
            WHEN moment >= clock OR NOT p.changed_since THEN l.status
            WHEN p.job_id IS NOT NULL THEN coalesce(p.status, 'pending')
            WHEN l.status = 'pending' OR coalesce(l.started_at, l.ended_at) > moment THEN 'pending'
            WHEN l.ended_at > moment THEN 'running'
            ELSE l.status
        END AS status,
        moment < clock AND coalesce(p.changed_since, l.ended_at > moment, false) AS changed,
        p.state,
        p.since,
        l.started_at,
        l.ended_at
    FROM analytics.leaves l
    LEFT JOIN past p ON p.job_id = l.job_id
    WHERE l.flow_id = flow AND (p.job_id IS NULL OR p.known)
),
job AS MATERIALIZED (
    SELECT
        l.id,
        l.name,
        l.type,
        l.status,
        CASE
            WHEN NOT l.changed THEN l.started_at
            WHEN l.status <> 'pending' AND l.started_at <= moment THEN l.started_at
            WHEN l.status <> 'pending' THEN l.since
        END AS started_at,
        CASE
            WHEN NOT l.changed THEN l.ended_at
            WHEN l.status IN ('succeeded', 'failed') THEN coalesce(l.since, l.ended_at)
        END AS ended_at
    FROM leaf l
    WHERE moment >= clock OR l.status <> 'pending' OR l.state IS DISTINCT FROM 'cancelled'
    UNION ALL
    -- Taken out since, or set aside.
    SELECT p.job_id, coalesce(j.name, p.job_id), 'install', coalesce(p.status, 'pending'), CASE WHEN p.status <> 'pending' THEN p.since END,
        CASE WHEN p.status IN ('succeeded', 'failed') THEN p.since END
    FROM past p
    LEFT JOIN analytics.jobs j ON j.flow_id = flow AND j.job_id = p.job_id
    WHERE p.known
        AND p.state <> 'cancelled'
        AND p.job_id NOT IN (SELECT l.job_id FROM analytics.leaves l WHERE l.flow_id = flow)
        AND j.type IS DISTINCT FROM 'group'
),
inside(group_id, id) AS (
    SELECT g.job_id, g.job_id FROM analytics.jobs g WHERE g.flow_id = flow AND g.type = 'group'
    UNION
    SELECT i.group_id, n.id
    FROM inside i
    CROSS JOIN LATERAL (
        SELECT r.from_id AS id
        FROM analytics.relationships r
        WHERE r.flow_id = flow AND r.to_id = i.id AND r.type = 'contains' AND r.local
        OFFSET 0
    ) n
),
counted AS (
    SELECT i.group_id AS id, l.status, l.started_at, l.ended_at FROM inside i JOIN job l ON l.id = i.id
    UNION ALL
    SELECT NULL, l.status, l.started_at, l.ended_at FROM job l
),
tally AS (
    SELECT
        c.id,
        count(*) AS leaves,
        count(*) FILTER (WHERE c.status = 'running') AS running,
        count(*) FILTER (WHERE c.status = 'succeeded') AS succeeded,
        count(*) FILTER (WHERE c.status = 'failed') AS failed,
        min(c.started_at) AS started_at,
        CASE WHEN bool_and(c.status IN ('succeeded', 'failed')) THEN max(c.ended_at) END AS ended_at
    FROM counted c
    GROUP BY c.id
)
SELECT
    'job', l.id, l.name, l.status,
    (SELECT count(*)::integer FROM analytics.attempts a
     WHERE a.flow_id = flow AND a.job_id = l.id AND (a.started_at <= moment OR moment >= clock)),
    NULL::integer, l.started_at, l.ended_at
FROM job l
WHERE l.type <> 'group'
UNION ALL
-- Shown, and counted nowhere.
SELECT 'job', j.job_id, j.name, 'pending', 0, NULL, j.started_at, NULL
FROM analytics.jobs j
LEFT JOIN past p ON p.job_id = j.job_id
WHERE j.flow_id = flow
    AND j.type <> 'group'
    AND j.job_id NOT IN (SELECT l.id FROM job l)
    AND (p.job_id IS NULL OR p.known AND p.state = 'cancelled')
UNION ALL
SELECT
    'group', g.job_id, g.name,
    CASE
        WHEN t.failed > 0 THEN 'failed'
        WHEN t.succeeded = t.leaves THEN 'succeeded'
        WHEN t.running + t.succeeded > 0 THEN 'running'
        ELSE 'pending'
    END,
    0, coalesce(t.failed, 0)::integer, t.started_at, t.ended_at
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
        WHEN f.declared AND (f.status = 'pending' OR f.started_at > moment) THEN 'pending'
        WHEN f.declared AND f.ended_at > moment THEN 'running'
        WHEN f.declared THEN f.status
        WHEN t.succeeded + t.failed = t.leaves AND t.failed > 0 THEN 'failed'
        WHEN t.succeeded = t.leaves THEN 'succeeded'
        WHEN t.running + t.succeeded + t.failed > 0 THEN 'running'
        ELSE 'pending'
    END,
    0,
    coalesce(t.failed, 0)::integer,
    CASE WHEN moment >= clock OR f.declared THEN f.started_at ELSE t.started_at END,
    CASE
        WHEN moment >= clock OR f.declared AND f.ended_at <= moment THEN f.ended_at
        WHEN NOT f.declared THEN t.ended_at
    END
FROM analytics.flows f
LEFT JOIN tally t ON t.id IS NULL
WHERE f.flow_id = flow
$$;

-- +goose Down
DROP FUNCTION analytics.at(text, timestamptz, timestamptz);
DROP FUNCTION analytics.diagnose(text);
DROP FUNCTION analytics.held_by(text, text[]);
