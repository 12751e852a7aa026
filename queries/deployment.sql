-- name: DeploymentEnsure :exec
-- Locks the record as well: who changes it meanwhile waits, and then sees the flow that
-- this transaction makes.
INSERT INTO deployments AS d (deployment_id, created_at, updated_at)
VALUES (@deployment_id, @now, @now)
ON CONFLICT (deployment_id) DO UPDATE SET updated_at = d.updated_at;

-- name: DeploymentGet :one
SELECT deployment_id, sovereign_fqdn, provider, regions, meta, created_at, updated_at
FROM deployments
WHERE deployment_id = @deployment_id;

-- name: DeploymentListRegions :many
-- Of those that are known, which regions they have.
SELECT deployment_id, regions FROM deployments WHERE deployment_id = ANY (@deployment_ids::text[]);

-- name: DeploymentGetRecord :one
SELECT
    sqlc.embed(d),
    (f.flow_id IS NOT NULL)::bool AS has_flow,
    coalesce(f.status, 'pending')::text AS status,
    coalesce(f.version, 0)::bigint AS version
FROM deployments d
LEFT JOIN flows f ON f.flow_id = d.deployment_id
WHERE d.deployment_id = @deployment_id;

-- name: DeploymentListRecordsBefore :many
-- One page, newest first, of those that come after the given one in that order. All of
-- them come after infinity.
SELECT
    sqlc.embed(d),
    (f.flow_id IS NOT NULL)::bool AS has_flow,
    coalesce(f.status, 'pending')::text AS status,
    coalesce(f.version, 0)::bigint AS version
FROM deployments d
LEFT JOIN flows f ON f.flow_id = d.deployment_id
WHERE (d.created_at, d.deployment_id) < (@created_at::timestamptz, @deployment_id::text)
    AND starts_with(d.deployment_id, @prefix::text)
ORDER BY d.created_at DESC, d.deployment_id DESC
LIMIT @page_size;

-- name: DeploymentPut :exec
-- What is NULL stays as it is. What changes nothing is no update.
INSERT INTO deployments AS d (deployment_id, sovereign_fqdn, provider, regions, meta, created_at, updated_at)
VALUES (
    @deployment_id,
    coalesce(sqlc.narg(sovereign_fqdn)::text, ''),
    coalesce(sqlc.narg(provider)::text, ''),
    coalesce(sqlc.narg(regions)::text[], '{}'),
    sqlc.narg(meta)::json,
    @now,
    @now)
ON CONFLICT (deployment_id) DO UPDATE SET
    sovereign_fqdn = coalesce(sqlc.narg(sovereign_fqdn)::text, d.sovereign_fqdn),
    provider = coalesce(sqlc.narg(provider)::text, d.provider),
    regions = coalesce(sqlc.narg(regions)::text[], d.regions),
    meta = coalesce(sqlc.narg(meta)::json, d.meta),
    updated_at = @now
WHERE (d.sovereign_fqdn, d.provider, d.regions, coalesce(d.meta::text, '')) IS DISTINCT FROM (
    coalesce(sqlc.narg(sovereign_fqdn)::text, d.sovereign_fqdn),
    coalesce(sqlc.narg(provider)::text, d.provider),
    coalesce(sqlc.narg(regions)::text[], d.regions),
    coalesce(sqlc.narg(meta)::json::text, d.meta::text, ''));

-- name: DeploymentDelete :exec
DELETE FROM deployments WHERE deployment_id = @deployment_id;

-- name: RegionConflictGet :one
-- A job that is here under an id that would be made otherwise once that region is the
-- primary one in place of the other: '' where there is none.
SELECT coalesce((
    SELECT j.job_id
    FROM jobs j
    WHERE j.flow_id = @flow_id AND j.source = 'bridge' AND (
        (@primary_region::text <> '' AND j.region = @primary_region)
        OR (@was::text <> '' AND j.region = '' AND j.family = 'install'))
    ORDER BY j.position
    LIMIT 1), '')::text AS job_id;
