-- What the bridge has to remember to know an attempt again that it was told of before: a
-- controller lists the attempts it remembers with everything it says, and who watches
-- it hears of some of them late, and of all of them again after each restart.

-- +goose Up
ALTER TABLE bridge_cursors
    ADD COLUMN began_at      timestamptz,
    ADD COLUMN revision      integer NOT NULL DEFAULT 0,
    ADD COLUMN began_attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN failures      integer NOT NULL DEFAULT 0;

-- Whether the clusters of a flow can be looked at, and how they came out: facts of the
-- flow, beside its status, which follows from its jobs alone.
ALTER TABLE flows ADD COLUMN watches json;

-- +goose Down
ALTER TABLE flows DROP COLUMN watches;
ALTER TABLE bridge_cursors
    DROP COLUMN began_at,
    DROP COLUMN revision,
    DROP COLUMN began_attempt,
    DROP COLUMN failures;
