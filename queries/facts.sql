-- What is kept of flows that have ended.

-- name: FlowListUncounted :many
-- One page of the flows that have ended and have no facts of their present version, after the last one seen.
SELECT f.flow_id
FROM flows f
WHERE f.flow_id > @after
    AND f.status IN ('succeeded', 'failed')
    AND NOT EXISTS (
        SELECT 1 FROM flow_facts k WHERE k.flow_id = f.flow_id AND k.epoch = f.epoch AND k.version = f.version)
ORDER BY f.flow_id
LIMIT @page_size;

-- name: FlowGetLife :one
SELECT f.epoch, f.version, coalesce(d.provider, '')::text AS provider, coalesce(d.regions, '{}')::text[] AS regions
FROM flows f
LEFT JOIN deployments d ON d.deployment_id = f.flow_id
WHERE f.flow_id = @flow_id;

-- name: TransitionListFirst :many
-- When each job was first heard of.
SELECT j.job_id, t.happened_at::timestamptz AS happened_at
FROM jobs j
CROSS JOIN LATERAL (
    SELECT least(t.occurred_at, t.recorded_at) AS happened_at
    FROM transitions t
    WHERE t.flow_id = j.flow_id AND t.job_id = j.job_id
    ORDER BY t.seq
    LIMIT 1
) t
WHERE j.flow_id = @flow_id AND j.type <> 'group';

-- name: FlowHoldLife :one
-- Nobody deletes the flow until the transaction ends. None: this life of it is over.
SELECT f.flow_id FROM flows f WHERE f.flow_id = @flow_id AND f.epoch = @epoch FOR KEY SHARE;

-- name: FlowFactsPut :execrows
-- None where later facts are there.
INSERT INTO flow_facts (
    flow_id, epoch, version, computed_at, definition_id, provider, regions, outcome, started_at, ended_at,
    provisioned_at, duration_seconds, phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed,
    attempts, retries, path_seconds, path_idle_seconds, first_failure_job_id, first_failure_attempt, first_failed_at)
VALUES (
    @flow_id, @epoch, @version, @now, @definition_id, @provider, @regions, @outcome, @started_at, @ended_at,
    @provisioned_at, sqlc.narg('duration_seconds'), @phase_seconds, @jobs, @jobs_pending, @jobs_running, @jobs_succeeded,
    @jobs_failed, @attempts, @retries, sqlc.narg('path_seconds'), sqlc.narg('path_idle_seconds'),
    sqlc.narg('first_failure_job_id'), sqlc.narg('first_failure_attempt'), @first_failed_at)
ON CONFLICT (flow_id, epoch) DO UPDATE SET
    version = excluded.version,
    computed_at = excluded.computed_at,
    definition_id = excluded.definition_id,
    provider = excluded.provider,
    regions = excluded.regions,
    outcome = excluded.outcome,
    started_at = excluded.started_at,
    ended_at = excluded.ended_at,
    provisioned_at = excluded.provisioned_at,
    duration_seconds = excluded.duration_seconds,
    phase_seconds = excluded.phase_seconds,
    jobs = excluded.jobs,
    jobs_pending = excluded.jobs_pending,
    jobs_running = excluded.jobs_running,
    jobs_succeeded = excluded.jobs_succeeded,
    jobs_failed = excluded.jobs_failed,
    attempts = excluded.attempts,
    retries = excluded.retries,
    path_seconds = excluded.path_seconds,
    path_idle_seconds = excluded.path_idle_seconds,
    first_failure_job_id = excluded.first_failure_job_id,
    first_failure_attempt = excluded.first_failure_attempt,
    first_failed_at = excluded.first_failed_at
WHERE flow_facts.version <= excluded.version;

-- name: FlowFactsSupersede :exec
-- Earlier lives of the id stay in the list of provisions, and are not what it stands for.
UPDATE flow_facts SET superseded = true WHERE flow_id = @flow_id AND epoch <> @epoch AND NOT superseded;

-- name: FlowFactsDelete :exec
-- Every life of the id, with its attempts.
DELETE FROM flow_facts WHERE flow_id = @flow_id;

-- name: AttemptFactsDelete :exec
DELETE FROM attempt_facts WHERE flow_id = @flow_id AND epoch = @epoch;

-- name: AttemptFactsInsertAll :exec
-- From one JSON list: an array of arrays cannot be unnested by rows.
INSERT INTO attempt_facts (
    flow_id, epoch, job_id, attempt, name, label, execution_id, status, phase, group_id, region, component,
    chart_version, position, waiting_from, waited_on, blocker_job_id, blocker_attempt, waited_seconds, blocked_seconds,
    idle_seconds, started_at, ended_at, until, ran_seconds, later, critical, slack_seconds, path_step,
    path_idle_seconds, path_ran_seconds)
SELECT
    @flow_id, @epoch, r.job_id, r.attempt, r.name, r.label, r.execution_id, r.status, r.phase, r.group_id, r.region,
    r.component, r.chart_version, r.position, r.waiting_from, r.waited_on, r.blocker_job_id, r.blocker_attempt,
    r.waited_seconds, r.blocked_seconds, r.idle_seconds, r.started_at, r.ended_at, r.until, r.ran_seconds, r.later,
    r.critical, r.slack_seconds, r.path_step, r.path_idle_seconds, r.path_ran_seconds
FROM jsonb_populate_recordset(NULL::attempt_facts, @rows::jsonb) r;
