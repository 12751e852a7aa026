-- name: ArchiveCount :one
-- How many records an archive of the flow has beside its header.
SELECT
    (SELECT count(*) FROM deployments d WHERE d.deployment_id = @flow_id)
    + (SELECT count(*) FROM flows f WHERE f.flow_id = @flow_id)
    + (SELECT count(*) FROM jobs j WHERE j.flow_id = @flow_id)
    + (SELECT count(*) FROM relationships r WHERE r.flow_id = @flow_id)
    + (SELECT count(*) FROM executions e WHERE e.flow_id = @flow_id)
    + (SELECT count(*) FROM bridge_cursors b WHERE b.flow_id = @flow_id)
    + (SELECT count(*) FROM transitions t WHERE t.flow_id = @flow_id)
    + (SELECT count(*) FROM log_lines l WHERE l.flow_id = @flow_id) AS records;

-- name: ExecutionListOfFlow :many
SELECT execution_id, job_id, attempt, status, started_at, finished_at, line_count, log_day
FROM executions
WHERE flow_id = @flow_id
ORDER BY started_at, execution_id;

-- name: TransitionListAfter :many
-- One page of a flow's history, in the order in which it was recorded.
SELECT seq, job_id, execution_id, from_status, to_status, state, occurred_at, cause
FROM transitions
WHERE flow_id = @flow_id AND seq > @after
ORDER BY seq
LIMIT @page_size;

-- name: LogLineListAfter :many
-- One page of an execution's lines. The day leads to the one partition they are in.
SELECT line_number, at, level, message
FROM log_lines
WHERE flow_id = @flow_id AND execution_id = @execution_id AND log_day = @log_day AND line_number > @after
ORDER BY line_number
LIMIT @page_size;
