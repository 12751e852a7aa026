-- name: LogPartitionEnsure :one
SELECT ensure_log_partition(@day::date)::bool AS made;

-- name: LogPartitionDropOldestBefore :one
-- The name of the partition that was dropped; '' where none was left.
SELECT coalesce(drop_log_partition_before(@day::date), '')::text AS dropped;

-- name: LogLineDeleteDefaultBefore :one
SELECT delete_default_log_lines_before(@day::date, @page_size::integer)::bigint AS deleted;

-- name: FlowLockExpired :one
-- The flow that ended first, where that was before that time. One that somebody else has
-- locked is being removed, or written anew. Its provision stays: one whose facts are not kept
-- yet is not removed.
SELECT f.flow_id
FROM flows f
WHERE f.ended_at < @ended_before
    AND EXISTS (
        SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version)
ORDER BY f.ended_at, f.flow_id
LIMIT 1
FOR UPDATE OF f SKIP LOCKED;
