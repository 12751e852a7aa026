-- What the HTTP side asks of the schema analytics. The outputs of functions are cast,
-- since the generator does not know their types.

-- name: ProvisionGet :one
-- The latest life of a flow.
SELECT
    flow_id, epoch, removed, definition_id, provider, regions, outcome, started_at, ended_at, provisioned_at,
    coalesce(duration_seconds, 0)::double precision AS duration_seconds,
    phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed, attempts, retries,
    (path_seconds IS NOT NULL)::boolean AS has_path,
    coalesce(path_seconds, 0)::double precision AS path_seconds,
    coalesce(path_idle_seconds, 0)::double precision AS path_idle_seconds,
    coalesce(first_failure_job_id, '')::text AS first_failure_job_id,
    coalesce(first_failure_attempt, 0)::integer AS first_failure_attempt,
    first_failed_at
FROM analytics.provisions
WHERE flow_id = @flow_id AND latest;

-- name: ProvisionListBegun :many
-- One page of those that began in the window, latest first, after the last one seen.
SELECT
    flow_id, epoch, removed, definition_id, provider, regions, outcome, started_at, ended_at, provisioned_at,
    coalesce(duration_seconds, 0)::double precision AS duration_seconds,
    phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed, attempts, retries,
    (path_seconds IS NOT NULL)::boolean AS has_path,
    coalesce(path_seconds, 0)::double precision AS path_seconds,
    coalesce(path_idle_seconds, 0)::double precision AS path_idle_seconds,
    coalesce(first_failure_job_id, '')::text AS first_failure_job_id,
    coalesce(first_failure_attempt, 0)::integer AS first_failure_attempt,
    first_failed_at
FROM analytics.provisions
WHERE started_at >= @window_from
    AND started_at < @window_to
    AND starts_with(flow_id, @prefix::text)
    AND (@outcome::text = '' OR outcome = @outcome::text)
    AND (started_at, flow_id, epoch) < (@after_started_at::timestamptz, @after_flow_id::text, @after_epoch::text)
ORDER BY started_at DESC, flow_id DESC, epoch DESC
LIMIT @page_size;

-- name: TimelineList :many
-- In order of beginning, what has not begun last.
SELECT
    job_id, name, label, attempt,
    coalesce(execution_id, '')::text AS execution_id,
    status, phase,
    coalesce(group_id, '')::text AS group_id,
    region, component, chart_version, position, waiting_from, waited_on,
    coalesce(blocker_job_id, '')::text AS blocker_job_id,
    coalesce(blocker_attempt, 0)::integer AS blocker_attempt,
    coalesce(waited_seconds, 0)::double precision AS waited_seconds,
    coalesce(blocked_seconds, 0)::double precision AS blocked_seconds,
    coalesce(idle_seconds, 0)::double precision AS idle_seconds,
    started_at, ended_at, until,
    coalesce(ran_seconds, 0)::double precision AS ran_seconds,
    later, critical,
    coalesce(slack_seconds, -1)::double precision AS slack_seconds,
    coalesce(path_step, 0)::integer AS path_step,
    coalesce(path_idle_seconds, 0)::double precision AS path_idle_seconds,
    coalesce(path_ran_seconds, 0)::double precision AS path_ran_seconds
FROM analytics.timeline
WHERE flow_id = @flow_id AND latest
ORDER BY started_at, until, position, attempt;

-- name: ComponentStatsList :many
-- One page by name, after the last one seen.
SELECT
    s.component::text AS component,
    s.runs::bigint AS runs,
    s.flows::bigint AS flows,
    s.failures::bigint AS failures,
    s.retries::bigint AS retries,
    coalesce(s.waited_p50_seconds, -1)::double precision AS waited_p50_seconds,
    coalesce(s.waited_p90_seconds, -1)::double precision AS waited_p90_seconds,
    coalesce(s.waited_p99_seconds, -1)::double precision AS waited_p99_seconds,
    coalesce(s.ran_p50_seconds, -1)::double precision AS ran_p50_seconds,
    coalesce(s.ran_p90_seconds, -1)::double precision AS ran_p90_seconds,
    coalesce(s.ran_p99_seconds, -1)::double precision AS ran_p99_seconds
FROM analytics.component_stats(@window_from::timestamptz, @window_to::timestamptz, nullif(@region::text, ''), @prefix::text) AS s(
    component, runs, flows, failures, retries, waited_p50_seconds, waited_p90_seconds, waited_p99_seconds,
    ran_p50_seconds, ran_p90_seconds, ran_p99_seconds)
WHERE s.component > @after::text
ORDER BY s.component
LIMIT @page_size;

-- name: ComparisonList :many
SELECT
    c.name::text AS name,
    c.change::text AS change,
    c.path::text AS path,
    coalesce(c.more_seconds, 0)::double precision AS more_seconds,
    coalesce(c.job_id_a, '')::text AS job_id_a,
    coalesce(c.job_id_b, '')::text AS job_id_b,
    coalesce(c.status_a, '')::text AS status_a,
    coalesce(c.status_b, '')::text AS status_b,
    coalesce(c.attempts_a, 0)::integer AS attempts_a,
    coalesce(c.attempts_b, 0)::integer AS attempts_b,
    coalesce(c.waited_a_seconds, 0)::double precision AS waited_a_seconds,
    coalesce(c.waited_b_seconds, 0)::double precision AS waited_b_seconds,
    coalesce(c.ran_a_seconds, 0)::double precision AS ran_a_seconds,
    coalesce(c.ran_b_seconds, 0)::double precision AS ran_b_seconds,
    coalesce(c.critical_a, false)::boolean AS critical_a,
    coalesce(c.critical_b, false)::boolean AS critical_b
FROM analytics.compare(@flow_a::text, @flow_b::text) AS c(
    name, change, path, more_seconds, job_id_a, job_id_b, status_a, status_b, attempts_a, attempts_b,
    waited_a_seconds, waited_b_seconds, ran_a_seconds, ran_b_seconds, critical_a, critical_b);

-- name: DiagnosisList :many
-- Roots first, in the order in which they failed; then what they stop, in order of appearance.
SELECT
    d.role::text AS role,
    d.job_id::text AS job_id,
    d.name::text AS name,
    d.component::text AS component,
    d.status::text AS status,
    d.attempt::integer AS attempt,
    coalesce(d.execution_id, '')::text AS execution_id,
    d.failed_at::timestamptz AS failed_at,
    coalesce(d.reason, '')::text AS reason,
    coalesce(d.stops, 0)::integer AS stops,
    coalesce(d.roots, '{}')::text[] AS roots,
    coalesce(d.only_by_roots, false)::boolean AS only_by_roots
FROM analytics.diagnose(@flow_id::text) AS d(
    role, job_id, name, component, status, attempt, execution_id, failed_at, reason, stops, roots, only_by_roots)
JOIN analytics.jobs j ON j.flow_id = @flow_id AND j.job_id = d.job_id
ORDER BY d.role, CASE WHEN d.role = 'root' THEN d.failed_at END, j.position;

-- name: EstimateList :many
-- The flow's row first, then jobs known here in order of appearance, then the others by name.
SELECT
    e.kind::text AS kind,
    coalesce(e.job_id, '')::text AS job_id,
    coalesce(e.name, '')::text AS name,
    coalesce(e.low_seconds, -1)::double precision AS low_seconds,
    coalesce(e.high_seconds, -1)::double precision AS high_seconds,
    e.runs::integer AS runs
FROM analytics.estimate(@flow_id::text, @now::timestamptz) AS e(kind, job_id, name, low_seconds, high_seconds, runs)
LEFT JOIN analytics.jobs j ON j.flow_id = @flow_id AND j.job_id = e.job_id
ORDER BY e.kind, j.position, e.name;

-- name: StateListAt :many
SELECT
    a.kind::text AS kind,
    a.job_id::text AS job_id,
    a.name::text AS name,
    a.status::text AS status,
    a.attempt::integer AS attempt,
    coalesce(a.failed, 0)::integer AS failed,
    a.started_at::timestamptz AS started_at,
    a.ended_at::timestamptz AS ended_at
FROM analytics.at(@flow_id::text, @moment::timestamptz, @now::timestamptz) AS a(
    kind, job_id, name, status, attempt, failed, started_at, ended_at);
