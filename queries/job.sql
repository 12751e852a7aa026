-- name: JobListChangedSince :many
-- With since -1: all jobs. In no order: the reader puts them into that of appearance, which
-- they nearly are in, while a sort here would copy every row.
SELECT
    job_id, position, name, display_name, type, family, app_id, region, namespace, chart, source, status,
    started_at, finished_at, state, reason, chart_version, attempt, execution_id, waiting_on, meta,
    action, coalesce(run_status, '') AS run_status, run_started_at, run_finished_at
FROM jobs
WHERE flow_id = @flow_id AND changed_version > @since;

-- name: JobPutAll :exec
-- Of one flow or of several whose locks are held, as all of these that take the flow by row.
INSERT INTO jobs (
    flow_id, changed_version, job_id, position, name, display_name, type, family, app_id, region, namespace, chart,
    source, status, started_at, finished_at, state, reason, chart_version, attempt, execution_id, waiting_on, meta,
    action, run_status, run_started_at, run_finished_at)
SELECT
    r.flow_id, r.changed_version, r.job_id, r.position, r.name, r.display_name, r.type, r.family, r.app_id, r.region,
    r.namespace, r.chart, r.source, r.status, r.started_at, r.finished_at, r.state, r.reason, r.chart_version,
    r.attempt, r.execution_id,
    -- An array of arrays cannot be unnested by rows, so each comes as a JSON list.
    ARRAY(SELECT json_array_elements_text(r.waiting_on::json)),
    nullif(r.meta, '')::json, r.action, nullif(r.run_status, ''), r.run_started_at, r.run_finished_at
FROM (
    SELECT
        unnest(@flow_ids::text[]) AS flow_id,
        unnest(@changed_versions::bigint[]) AS changed_version,
        unnest(@job_ids::text[]) AS job_id,
        unnest(@positions::bigint[]) AS position,
        unnest(@names::text[]) AS name,
        unnest(@display_names::text[]) AS display_name,
        unnest(@types::text[]) AS type,
        unnest(@families::text[]) AS family,
        unnest(@app_ids::text[]) AS app_id,
        unnest(@regions::text[]) AS region,
        unnest(@namespaces::text[]) AS namespace,
        unnest(@charts::text[]) AS chart,
        unnest(@sources::text[]) AS source,
        unnest(@statuses::text[]) AS status,
        unnest(@started_ats::timestamptz[]) AS started_at,
        unnest(@finished_ats::timestamptz[]) AS finished_at,
        unnest(@states::text[]) AS state,
        unnest(@reasons::text[]) AS reason,
        unnest(@chart_versions::text[]) AS chart_version,
        unnest(@attempts::integer[]) AS attempt,
        unnest(@execution_ids::text[]) AS execution_id,
        unnest(@waiting_ons::text[]) AS waiting_on,
        unnest(@metas::text[]) AS meta,
        unnest(@actions::text[]) AS action,
        unnest(@run_statuses::text[]) AS run_status,
        unnest(@run_started_ats::timestamptz[]) AS run_started_at,
        unnest(@run_finished_ats::timestamptz[]) AS run_finished_at
) r
ON CONFLICT (flow_id, job_id) DO UPDATE SET
    changed_version = excluded.changed_version,
    position = excluded.position,
    name = excluded.name,
    display_name = excluded.display_name,
    type = excluded.type,
    family = excluded.family,
    app_id = excluded.app_id,
    region = excluded.region,
    namespace = excluded.namespace,
    chart = excluded.chart,
    source = excluded.source,
    status = excluded.status,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    state = excluded.state,
    reason = excluded.reason,
    chart_version = excluded.chart_version,
    attempt = excluded.attempt,
    execution_id = excluded.execution_id,
    waiting_on = excluded.waiting_on,
    meta = excluded.meta,
    action = excluded.action,
    run_status = excluded.run_status,
    run_started_at = excluded.run_started_at,
    run_finished_at = excluded.run_finished_at;

-- name: JobDeleteAll :exec
WITH gone AS (
    DELETE FROM jobs j WHERE j.flow_id = @flow_id AND j.job_id = ANY (@job_ids::text[])
)
INSERT INTO tombstones (flow_id, from_id, changed_version, removed_at)
SELECT @flow_id, unnest(@job_ids::text[]), @changed_version, @now
ON CONFLICT (flow_id, from_id, to_id, type) DO UPDATE SET
    changed_version = excluded.changed_version,
    removed_at = excluded.removed_at;

-- name: JobListPlaced :many
-- The jobs of a flow with their surroundings, latest start first: of those statuses, or
-- of any where none is given; those ids alone, where some are given. OFFSET 0 for the
-- reason given in graph.sql.
SELECT
    j.job_id, j.position, j.name, j.display_name, j.type, j.family, j.app_id, j.region, j.namespace, j.chart, j.source,
    j.status, j.started_at, j.finished_at, j.state, j.reason, j.chart_version, j.attempt, j.execution_id, j.waiting_on,
    j.meta, j.action, coalesce(j.run_status, '') AS run_status, j.run_started_at, j.run_finished_at,
    coalesce(parent.id, '')::text AS parent_id,
    coalesce(before.ids, '{}')::text[] AS depends_on,
    coalesce(child.ids, '{}')::text[] AS child_ids
FROM jobs j
LEFT JOIN LATERAL (
    SELECT r.to_id AS id
    FROM relationships r
    WHERE r.flow_id = j.flow_id AND r.from_id = j.job_id AND r.type = 'contains' AND r.visible AND r.local
    ORDER BY r.position, r.to_id
    LIMIT 1
) parent ON true
-- Edges from jobs that are not known yet are not visible, and are dependencies; a job
-- of another flow is none that could be looked up here.
LEFT JOIN LATERAL (
    SELECT array_agg(r.from_id ORDER BY r.position, r.from_id) AS ids
    FROM relationships r
    WHERE r.flow_id = j.flow_id AND r.to_id = j.job_id AND r.type = 'finish-to-start' AND r.local
    OFFSET 0
) before ON true
LEFT JOIN LATERAL (
    SELECT array_agg(r.from_id ORDER BY r.position, r.from_id) AS ids
    FROM relationships r
    WHERE r.flow_id = j.flow_id AND r.to_id = j.job_id AND r.type = 'contains' AND r.visible AND r.local
    OFFSET 0
) child ON true
WHERE j.flow_id = @flow_id
    AND (coalesce(cardinality(@statuses::text[]), 0) = 0 OR j.status = ANY (@statuses::text[]))
    AND (coalesce(cardinality(@job_ids::text[]), 0) = 0 OR j.job_id = ANY (@job_ids::text[]))
-- The same order in every database, whatever its collation.
ORDER BY j.started_at DESC NULLS LAST, j.name COLLATE "C", j.job_id COLLATE "C";

-- name: JobOwnerGet :one
-- Whether there is a deployment's record or a flow of that id, and the primary region.
SELECT
    (EXISTS (SELECT 1 FROM flows f WHERE f.flow_id = @flow_id)
        OR EXISTS (SELECT 1 FROM deployments d WHERE d.deployment_id = @flow_id))::bool AS known,
    coalesce((SELECT d.regions[1] FROM deployments d WHERE d.deployment_id = @flow_id), '')::text AS primary_region;
