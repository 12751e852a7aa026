-- name: RelationshipListChangedSince :many
-- With since -1: all relationships, those not shown yet among them. In order of appearance.
SELECT from_id, to_id, type, position, from_flow_id, to_flow_id, condition, lag_seconds, source, visible
FROM relationships
WHERE flow_id = @flow_id AND changed_version > @since
ORDER BY position, from_id, to_id, type;

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
INSERT INTO tombstones (flow_id, from_id, to_id, type, changed_version)
SELECT @flow_id, k.k_from, k.k_to, k.k_type, @changed_version
FROM keys k
ON CONFLICT (flow_id, from_id, to_id, type) DO UPDATE SET changed_version = excluded.changed_version;

-- name: TombstoneListChangedSince :many
SELECT from_id, to_id, type
FROM tombstones
WHERE flow_id = @flow_id AND changed_version > @since
ORDER BY changed_version, from_id, to_id, type;
