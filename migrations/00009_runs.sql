-- A step that contains resources is a group, and yet runs itself: tofu can fail without
-- any resource failing, and goes on after the last of them is done. So such a group keeps
-- its own run beside what is rolled up into it, and counts itself among its leaves.

-- +goose Up
ALTER TABLE jobs
    ADD COLUMN run_status      text,
    ADD COLUMN run_started_at  timestamptz,
    ADD COLUMN run_finished_at timestamptz,
    -- What is done to a resource. The same job is one time created and another time deleted.
    ADD COLUMN action          text NOT NULL DEFAULT '',
    ADD CONSTRAINT jobs_run_of_groups CHECK (run_status IS NULL OR type = 'group'),
    ADD CONSTRAINT jobs_run_status_known CHECK (run_status IN ('pending', 'running', 'succeeded', 'failed')),
    ADD CONSTRAINT jobs_run_finished_when_final CHECK ((run_finished_at IS NOT NULL) = (coalesce(run_status, '') IN ('succeeded', 'failed')));

-- +goose Down
ALTER TABLE jobs
    DROP COLUMN run_status,
    DROP COLUMN run_started_at,
    DROP COLUMN run_finished_at,
    DROP COLUMN action;
