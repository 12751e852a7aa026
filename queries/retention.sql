-- name: LogPartitionEnsure :one
SELECT ensure_log_partition(@day::date)::bool AS made;

-- name: LogPartitionDropOldestBefore :one
-- The name of the partition that was dropped; '' where none was left.
SELECT coalesce(drop_log_partition_before(@day::date), '')::text AS dropped;

-- name: LogLineDeleteDefaultBefore :one
SELECT delete_default_log_lines_before(@day::date, @page_size::integer)::bigint AS deleted;

-- name: FlowLockExpired :one
-- The flow that ended first, where that was before that time. One that somebody else has
-- locked is being removed, or written anew.
SELECT flow_id
FROM flows
WHERE ended_at < @ended_before
ORDER BY ended_at, flow_id
LIMIT 1
FOR UPDATE SKIP LOCKED;
