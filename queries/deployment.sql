-- name: DeploymentEnsure :exec
INSERT INTO deployments (deployment_id, created_at, updated_at)
VALUES (@deployment_id, @now, @now)
ON CONFLICT DO NOTHING;

-- name: DeploymentGet :one
SELECT deployment_id, sovereign_fqdn, provider, regions, meta, created_at, updated_at
FROM deployments
WHERE deployment_id = @deployment_id;
