-- Hierarchy and reachability are walked with UNION on ids: each job is met once, so a
-- graph with many paths between two jobs costs no more than its edges.

-- name: JobListSubtree :many
-- A job and everything it contains, at any depth.
WITH RECURSIVE below(id) AS (
    SELECT j.job_id FROM jobs j WHERE j.flow_id = @flow_id AND j.job_id = @root_id
    UNION
    SELECT r.from_id
    FROM below b
    JOIN relationships r ON r.flow_id = @flow_id AND r.to_id = b.id AND r.type = 'contains' AND r.visible
)
SELECT b.id::text AS job_id FROM below b;

-- name: JobListUpstream :many
-- A job and all that it waits for, directly or not.
WITH RECURSIVE upstream(id) AS (
    SELECT j.job_id FROM jobs j WHERE j.flow_id = @flow_id AND j.job_id = @job_id
    UNION
    SELECT r.from_id
    FROM upstream u
    JOIN relationships r ON r.flow_id = @flow_id AND r.to_id = u.id AND r.type = 'finish-to-start' AND r.visible
)
SELECT u.id::text AS job_id FROM upstream u;

-- name: JobListDownstream :many
-- A job and all that waits for it, directly or not.
WITH RECURSIVE downstream(id) AS (
    SELECT j.job_id FROM jobs j WHERE j.flow_id = @flow_id AND j.job_id = @job_id
    UNION
    SELECT r.to_id
    FROM downstream d
    JOIN relationships r ON r.flow_id = @flow_id AND r.from_id = d.id AND r.type = 'finish-to-start' AND r.visible
)
SELECT d.id::text AS job_id FROM downstream d;

-- name: GroupListTallies :many
-- Every group's roll-up, from the leaves up, at any depth: what is stored with the
-- group must say the same. A leaf on several paths to a group counts once.
WITH RECURSIVE below(group_id, id) AS (
    SELECT j.job_id, j.job_id FROM jobs j WHERE j.flow_id = @flow_id AND j.type = 'group'
    UNION
    SELECT b.group_id, r.from_id
    FROM below b
    JOIN relationships r ON r.flow_id = @flow_id AND r.to_id = b.id AND r.type = 'contains' AND r.visible
)
SELECT
    g.job_id,
    g.status,
    g.started_at,
    g.finished_at,
    count(leaf.job_id) FILTER (WHERE leaf.status = 'pending') AS pending,
    count(leaf.job_id) FILTER (WHERE leaf.status = 'running') AS running,
    count(leaf.job_id) FILTER (WHERE leaf.status = 'succeeded') AS succeeded,
    count(leaf.job_id) FILTER (WHERE leaf.status = 'failed') AS failed,
    coalesce(min(leaf.started_at), '-infinity')::timestamptz AS first_start,
    coalesce(max(leaf.finished_at), '-infinity')::timestamptz AS last_finish
FROM jobs g
JOIN below b ON b.group_id = g.job_id
LEFT JOIN jobs leaf ON leaf.flow_id = g.flow_id AND leaf.job_id = b.id AND leaf.type <> 'group'
WHERE g.flow_id = @flow_id AND g.type = 'group'
GROUP BY g.job_id, g.status, g.started_at, g.finished_at
ORDER BY g.job_id;
