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
-- One page of a flow's history, in the order in which it was recorded, and of each how
-- many equal ones come before it. OFFSET 0 for the reason given in graph.sql.
SELECT t.seq, t.job_id, t.execution_id, t.from_status, t.to_status, t.state, t.occurred_at, t.cause, equal.before::integer AS before
FROM transitions t
CROSS JOIN LATERAL (
    SELECT count(*) AS before
    FROM transitions e
    WHERE e.flow_id = t.flow_id AND e.job_id = t.job_id AND e.seq < t.seq AND e.occurred_at = t.occurred_at
        AND e.execution_id = t.execution_id AND e.from_status = t.from_status AND e.to_status = t.to_status
        AND e.state = t.state AND e.cause = t.cause
    OFFSET 0
) equal
WHERE t.flow_id = @flow_id AND t.seq > @after
ORDER BY t.seq
LIMIT @page_size;

-- name: LogLineListAfter :many
-- One page of an execution's lines. The day leads to the one partition they are in.
SELECT line_number, at, level, message
FROM log_lines
WHERE flow_id = @flow_id AND execution_id = @execution_id AND log_day = @log_day AND line_number > @after
ORDER BY line_number
LIMIT @page_size;
