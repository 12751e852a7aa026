-- The cursor's epoch is the flow's own and the database's history together; the
-- sub-select keeps the history to one reading for each statement. Where it is read all the
-- time the session remembers it: a server that is not in recovery goes on in the one history
-- it has for as long as its sessions live, and one that is may be promoted at any moment.

-- name: FlowLock :one
-- Holds the flow's row until the transaction ends: versions are taken under it. What the
-- rules need of the deployment's record comes along.
SELECT
    (f.epoch || '-' || (SELECT database_history()))::text AS epoch,
    f.version,
    (d.deployment_id IS NOT NULL)::bool AS has_deployment,
    coalesce(d.provider, '')::text AS provider,
    coalesce(d.regions, '{}')::text[] AS regions
FROM flows f
LEFT JOIN deployments d ON d.deployment_id = f.flow_id
WHERE f.flow_id = @flow_id
FOR NO KEY UPDATE OF f;

-- name: FlowLockFree :many
-- The same of those flows that nobody else holds: it waits for nobody.
SELECT l.flow_id, l.epoch::text AS epoch, l.version, l.has_deployment::bool AS has_deployment, l.provider::text AS provider, l.regions::text[] AS regions
FROM (SELECT unnest(@flow_ids::text[]) AS id) w
CROSS JOIN LATERAL (
    SELECT
        f.flow_id,
        f.epoch || '-' || (SELECT database_history()) AS epoch,
        f.version,
        d.deployment_id IS NOT NULL AS has_deployment,
        coalesce(d.provider, '') AS provider,
        coalesce(d.regions, '{}') AS regions
    FROM flows f
    LEFT JOIN deployments d ON d.deployment_id = f.flow_id
    WHERE f.flow_id = w.id
    FOR NO KEY UPDATE OF f SKIP LOCKED
) l;

-- name: FlowEnsure :exec
INSERT INTO flows (flow_id, epoch, created_at)
VALUES (@flow_id, @epoch, @now)
ON CONFLICT DO NOTHING;

-- name: FlowGet :one
SELECT
    (f.epoch || '-' || (
        SELECT CASE WHEN pg_is_in_recovery() THEN database_history() ELSE coalesce(
            nullif(current_setting('provflow.history', true), ''),
            set_config('provflow.history', database_history(), false)) END
    ))::text AS cursor_epoch,
    f.version,
    f.changed_version,
    f.pruned_version,
    f.definition_id,
    f.parent_flow_id,
    f.triggered_by,
    f.declared,
    f.status,
    f.started_at,
    f.ended_at,
    f.failed_jobs,
    f.meta,
    f.watches,
    f.estimate_earliest,
    f.estimate_latest,
    f.estimate_runs,
    f.created_at
FROM flows f
WHERE f.flow_id = @flow_id;

-- name: FlowListCursors :many
SELECT
    f.flow_id,
    (f.epoch || '-' || (
        SELECT CASE WHEN pg_is_in_recovery() THEN database_history() ELSE coalesce(
            nullif(current_setting('provflow.history', true), ''),
            set_config('provflow.history', database_history(), false)) END
    ))::text AS epoch,
    f.version
FROM flows f
WHERE f.flow_id = ANY (@flow_ids::text[]);

-- name: FlowAdvanceAll :exec
-- Moves versions to those that the rows of this transaction carry; where a flow's own row is
-- one of them, FlowPutAll does. The locks of the flows are held.
UPDATE flows f
SET version = w.version
FROM (SELECT unnest(@flow_ids::text[]) AS flow_id, unnest(@versions::bigint[]) AS version) w
WHERE f.flow_id = w.flow_id;

-- name: FlowLockForPrune :one
-- Not while a writer holds the flow: it will be there the next time.
SELECT f.flow_id FROM flows f WHERE f.flow_id = @flow_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: FlowPutAll :exec
UPDATE flows f SET
    version = w.version,
    changed_version = w.version,
    definition_id = w.definition_id,
    parent_flow_id = w.parent_flow_id,
    triggered_by = nullif(w.triggered_by, '')::json,
    declared = w.declared,
    status = w.status,
    started_at = w.started_at,
    ended_at = w.ended_at,
    failed_jobs = w.failed_jobs,
    meta = nullif(w.meta, '')::json,
    watches = nullif(w.watches, '')::json,
    estimate_earliest = w.estimate_earliest,
    estimate_latest = w.estimate_latest,
    estimate_runs = w.estimate_runs
FROM (
    SELECT
        unnest(@flow_ids::text[]) AS flow_id,
        unnest(@versions::bigint[]) AS version,
        unnest(@definition_ids::text[]) AS definition_id,
        unnest(@parent_flow_ids::text[]) AS parent_flow_id,
        unnest(@triggered_bys::text[]) AS triggered_by,
        unnest(@declareds::bool[]) AS declared,
        unnest(@statuses::text[]) AS status,
        unnest(@started_ats::timestamptz[]) AS started_at,
        unnest(@ended_ats::timestamptz[]) AS ended_at,
        unnest(@failed_jobs::integer[]) AS failed_jobs,
        unnest(@metas::text[]) AS meta,
        unnest(@watches::text[]) AS watches,
        unnest(@estimate_earliests::timestamptz[]) AS estimate_earliest,
        unnest(@estimate_latests::timestamptz[]) AS estimate_latest,
        unnest(@estimate_runs::integer[]) AS estimate_runs
) w
WHERE f.flow_id = w.flow_id;

-- name: FlowLockForDelete :one
-- Waits for the writer that holds the flow. What it wrote is seen by the next statement,
-- and would not be by one that had begun before.
SELECT f.flow_id FROM flows f WHERE f.flow_id = @flow_id FOR UPDATE;

-- name: FlowHistoryDeleteSome :one
-- Up to page_size log lines of one day, transitions and keys of the flow, of each that it has
-- more of, and how many those were: no statement has to delete all that a flow may have. Rows
-- are told by their places, which are looked for in an index's order, so that it takes as long
-- whatever is believed of the tables; of log lines a place is one only within a day.
WITH
more_lines AS (
    SELECT l.log_day FROM log_lines l
    WHERE l.flow_id = @flow_id ORDER BY l.execution_id, l.line_number OFFSET @page_size LIMIT 1
),
more_history AS (
    SELECT 1 FROM transitions t WHERE t.flow_id = @flow_id ORDER BY t.seq OFFSET @page_size LIMIT 1
),
more_keys AS (
    SELECT 1 FROM idempotency_keys k WHERE k.flow_id = @flow_id ORDER BY k.key OFFSET @page_size LIMIT 1
),
lines AS (
    DELETE FROM log_lines d
    WHERE d.log_day = (SELECT m.log_day FROM more_lines m) AND d.ctid = ANY (ARRAY(
        SELECT l.ctid FROM log_lines l
        WHERE l.flow_id = @flow_id AND l.log_day = (SELECT m.log_day FROM more_lines m)
        ORDER BY l.execution_id, l.line_number LIMIT @page_size))
    RETURNING 1
),
history AS (
    DELETE FROM transitions d
    WHERE EXISTS (SELECT 1 FROM more_history) AND d.ctid = ANY (ARRAY(
        SELECT t.ctid FROM transitions t WHERE t.flow_id = @flow_id ORDER BY t.seq LIMIT @page_size))
    RETURNING 1
),
keys AS (
    DELETE FROM idempotency_keys d
    WHERE EXISTS (SELECT 1 FROM more_keys) AND d.ctid = ANY (ARRAY(
        SELECT k.ctid FROM idempotency_keys k WHERE k.flow_id = @flow_id ORDER BY k.key LIMIT @page_size))
    RETURNING 1
)
SELECT ((SELECT count(*) FROM lines) + (SELECT count(*) FROM history) + (SELECT count(*) FROM keys))::bigint AS deleted;

-- name: FlowDelete :exec
-- What refers to the flow by a key goes with it; history and keys are removed beside it.
WITH
lines AS (DELETE FROM log_lines l WHERE l.flow_id = @flow_id),
history AS (DELETE FROM transitions t WHERE t.flow_id = @flow_id),
attempts AS (DELETE FROM executions x WHERE x.flow_id = @flow_id),
keys AS (DELETE FROM idempotency_keys k WHERE k.flow_id = @flow_id)
DELETE FROM flows f WHERE f.flow_id = @flow_id;

-- name: FlowListIDs :many
-- One page of ids in order, after the last one seen.
SELECT flow_id FROM flows WHERE flow_id > @after ORDER BY flow_id LIMIT @page_size;

-- name: FlowRenewEpochs :execrows
-- Every flow begins another life, so that no cursor given before is believed.
UPDATE flows SET epoch = @epoch;
