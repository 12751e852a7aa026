-- What is kept only for a while, and what the bridge must remember to believe times and
-- not arrival.

-- +goose Up
-- An edge may name a job of another flow, and this flow may have one of the same id. Only
-- an edge whose both ends lie here is walked.
ALTER TABLE relationships ADD COLUMN local boolean NOT NULL
    GENERATED ALWAYS AS (from_flow_id IN ('', flow_id) AND to_flow_id IN ('', flow_id)) STORED;

-- Tombstones are forgotten after a while. Who stands before the last one forgotten can not
-- be told what was removed since, and is given the whole flow.
ALTER TABLE flows ADD COLUMN pruned_version bigint NOT NULL DEFAULT 0;
ALTER TABLE flows ADD CONSTRAINT flows_pruned_not_ahead CHECK (pruned_version <= version);
-- The program's clock says when; those from before have their time from here on.
ALTER TABLE tombstones ADD COLUMN removed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE tombstones ALTER COLUMN removed_at DROP DEFAULT;
CREATE INDEX tombstones_by_age ON tombstones (removed_at);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- When the job was last said to be at work, and when it was last said to have ended: facts
-- that come in another order are held against these.
ALTER TABLE bridge_cursors ADD COLUMN active_at timestamptz;
ALTER TABLE bridge_cursors ADD COLUMN ended_at timestamptz;

-- +goose Down
ALTER TABLE bridge_cursors DROP COLUMN ended_at;
ALTER TABLE bridge_cursors DROP COLUMN active_at;
DROP INDEX idempotency_keys_by_age;
ALTER TABLE tombstones DROP COLUMN removed_at;
ALTER TABLE flows DROP COLUMN pruned_version;
ALTER TABLE relationships DROP COLUMN local;
