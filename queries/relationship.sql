-- name: RelationshipListChangedSince :many
-- With since -1: all relationships, those not shown yet among them. In no order, as jobs.
SELECT from_id, to_id, type, position, from_flow_id, to_flow_id, condition, lag_seconds, source, visible
FROM relationships
WHERE flow_id = @flow_id AND changed_version > @since;

-- name: RelationshipPutAll :exec
INSERT INTO relationships (
    flow_id, changed_version, from_id, to_id, type, position, from_flow_id, to_flow_id, condition, lag_seconds, source, visible)
SELECT
    @flow_id,
    @changed_version,
    unnest(@from_ids::text[]),
    unnest(@to_ids::text[]),
    unnest(@types::text[]),
    unnest(@positions::bigint[]),
    unnest(@from_flow_ids::text[]),
    unnest(@to_flow_ids::text[]),
    unnest(@conditions::text[]),
    unnest(@lags::integer[]),
    unnest(@sources::text[]),
    unnest(@visibles::bool[])
ON CONFLICT (flow_id, from_id, to_id, type) DO UPDATE SET
    changed_version = excluded.changed_version,
    position = excluded.position,
    from_flow_id = excluded.from_flow_id,
    to_flow_id = excluded.to_flow_id,
    condition = excluded.condition,
    lag_seconds = excluded.lag_seconds,
    source = excluded.source,
    visible = excluded.visible;

-- name: RelationshipDeleteAll :exec
WITH keys AS (
    SELECT
        unnest(@from_ids::text[]) AS k_from,
        unnest(@to_ids::text[]) AS k_to,
        unnest(@types::text[]) AS k_type
),
gone AS (
    DELETE FROM relationships r
    USING keys k
    WHERE r.flow_id = @flow_id AND r.from_id = k.k_from AND r.to_id = k.k_to AND r.type = k.k_type
)
INSERT INTO tombstones (flow_id, from_id, to_id, type, changed_version, removed_at)
SELECT @flow_id, k.k_from, k.k_to, k.k_type, @changed_version, @now
FROM keys k
ON CONFLICT (flow_id, from_id, to_id, type) DO UPDATE SET
    changed_version = excluded.changed_version,
    removed_at = excluded.removed_at;

-- name: TombstoneListChangedSince :many
SELECT from_id, to_id, type
FROM tombstones
WHERE flow_id = @flow_id AND changed_version > @since
ORDER BY changed_version, from_id, to_id, type;

-- name: TombstoneListOldFlows :many
-- Flows that have tombstones from before that time, those with the oldest first.
SELECT flow_id
FROM tombstones
WHERE removed_at < @before
GROUP BY flow_id
ORDER BY min(removed_at), flow_id
LIMIT @page_size;

-- name: TombstoneDeleteOld :one
-- Forgets up to page_size tombstones of a flow whose lock is held, and notes the last
-- version at which something was removed that nobody can be told of any more.
WITH old AS (
    SELECT t.from_id AS o_from, t.to_id AS o_to, t.type AS o_type
    FROM tombstones t
    WHERE t.flow_id = @flow_id AND t.removed_at < @before
    ORDER BY t.changed_version
    LIMIT @page_size
),
gone AS (
    DELETE FROM tombstones t
    USING old o
    WHERE t.flow_id = @flow_id AND t.from_id = o.o_from AND t.to_id = o.o_to AND t.type = o.o_type
    RETURNING t.changed_version AS g_version
),
noted AS (
    UPDATE flows f
    SET pruned_version = greatest(f.pruned_version, (SELECT max(g.g_version) FROM gone g))
    WHERE f.flow_id = @flow_id AND EXISTS (SELECT 1 FROM gone)
)
SELECT count(*) FROM gone;
