-- name: JobListChangedSince :many
-- With since -1: all jobs. Always in order of appearance.
SELECT
    job_id, position, name, display_name, type, family, app_id, region, namespace, chart, source, status,
    started_at, finished_at, state, reason, chart_version, attempt, execution_id, waiting_on, meta
FROM jobs
WHERE flow_id = @flow_id AND changed_version > @since
ORDER BY position, job_id;

-- name: JobPutAll :exec
INSERT INTO jobs (
    flow_id, changed_version, job_id, position, name, display_name, type, family, app_id, region, namespace, chart,
    source, status, started_at, finished_at, state, reason, chart_version, attempt, execution_id, waiting_on, meta)
SELECT
    @flow_id, @changed_version, r.job_id, r.position, r.name, r.display_name, r.type, r.family, r.app_id, r.region,
    r.namespace, r.chart, r.source, r.status, r.started_at, r.finished_at, r.state, r.reason, r.chart_version,
    r.attempt, r.execution_id,
    -- An array of arrays cannot be unnested by rows, so each comes as a JSON list.
    ARRAY(SELECT json_array_elements_text(r.waiting_on::json)),
    nullif(r.meta, '')::json
FROM (
    SELECT
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
        unnest(@metas::text[]) AS meta
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
    meta = excluded.meta;

-- name: JobDeleteAll :exec
WITH gone AS (
    DELETE FROM jobs j WHERE j.flow_id = @flow_id AND j.job_id = ANY (@job_ids::text[])
),
forgotten AS (
    DELETE FROM bridge_cursors b WHERE b.flow_id = @flow_id AND b.job_id = ANY (@job_ids::text[])
)
INSERT INTO tombstones (flow_id, from_id, changed_version)
SELECT @flow_id, unnest(@job_ids::text[]), @changed_version
ON CONFLICT (flow_id, from_id, to_id, type) DO UPDATE SET changed_version = excluded.changed_version;
