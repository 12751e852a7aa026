-- name: ExecutionListOfJob :many
-- A job's attempts, newest first.
SELECT execution_id, job_id, attempt, status, started_at, finished_at, line_count
FROM executions
WHERE flow_id = @flow_id AND job_id = @job_id
ORDER BY attempt DESC;

-- name: ExecutionGetLog :one
-- Whose log it is, where its lines are kept and how many there are. Flows may hold
-- executions of the same id, since an archive may name them as it likes: the flow that the
-- id begins with goes first, so that nobody can put a log in the place of another's.
SELECT flow_id, status, finished_at, line_count, log_day
FROM executions
WHERE execution_id = @execution_id
ORDER BY starts_with(execution_id, flow_id || ':') DESC, flow_id
LIMIT 1;

-- name: LogLineListFrom :many
-- Up to page_size lines in order. The day leads to one partition, the rest of the
-- condition to a range of its primary key. Lines are numbered in the transaction that
-- counts them and never change, so with the count read before as last_line this agrees
-- with it, without a transaction around both.
SELECT line_number, at, level, message
FROM log_lines
WHERE log_day = @log_day
    AND flow_id = @flow_id
    AND execution_id = @execution_id
    AND line_number BETWEEN @first_line AND @last_line
ORDER BY line_number
LIMIT @page_size;
