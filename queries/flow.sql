-- The cursor's epoch is the flow's own and the database's history together; the
-- sub-select keeps the history to one reading for each statement.

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
    (f.epoch || '-' || (SELECT database_history()))::text AS cursor_epoch,
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
    (f.epoch || '-' || (SELECT database_history()))::text AS epoch,
    f.version
FROM flows f
WHERE f.flow_id = ANY (@flow_ids::text[]);

-- name: FlowAdvance :exec
-- Moves the version to the one the rows of this transaction carry; where the flow's own row
-- is one of them, FlowPut does.
UPDATE flows SET version = @version
WHERE flow_id = @flow_id;

-- name: FlowLockForPrune :one
-- Not while a writer holds the flow: it will be there the next time.
SELECT f.flow_id FROM flows f WHERE f.flow_id = @flow_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: FlowPut :exec
UPDATE flows SET
    version = @version,
    changed_version = @version,
    definition_id = @definition_id,
    parent_flow_id = @parent_flow_id,
    triggered_by = @triggered_by,
    declared = @declared,
    status = @status,
    started_at = @started_at,
    ended_at = @ended_at,
    failed_jobs = @failed_jobs,
    meta = @meta,
    watches = @watches,
    estimate_earliest = @estimate_earliest,
    estimate_latest = @estimate_latest,
    estimate_runs = @estimate_runs
WHERE flow_id = @flow_id;

-- name: FlowLockForDelete :one
-- Waits for the writer that holds the flow. What it wrote is seen by the next statement,
-- and would not be by one that had begun before.
SELECT f.flow_id FROM flows f WHERE f.flow_id = @flow_id FOR UPDATE;

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
