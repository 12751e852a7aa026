-- What is old can be forgotten: whole partitions of log lines by their day, and flows by
-- their end. Partitions are made and dropped under a lock that lets lines be written and
-- read, so that replicas that do it at the same time wait for each other; and with a bound
-- on every wait, since all who write into a table wait behind who waits for it in vain.

-- +goose Up
-- Attaching a table that was made beside it locks log_lines less than making a partition of
-- it does: lines of other days are written meanwhile. Lines of that day that the default
-- partition took while there was no other are moved.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ensure_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
    partition text := 'log_lines_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE log_lines IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE log_lines INCLUDING ALL)', partition);
    -- Nobody may add lines of that day to the default partition between the move and the
    -- end; attaching takes this lock in any case.
    LOCK TABLE log_lines_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM log_lines_default WHERE log_day = %L RETURNING *) INSERT INTO %I SELECT * FROM moved', day, partition);
    EXECUTE format('ALTER TABLE log_lines ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, day, day + 1);
    RETURN true;
END
$$;
-- +goose StatementEnd

-- Drops the oldest partition of a day before that one and gives its name; NULL where there
-- is none. One at a time, since each needs log_lines for itself for a moment.
-- +goose StatementBegin
CREATE FUNCTION drop_log_partition_before(day date) RETURNS text
LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
    oldest regclass;
BEGIN
    LOCK TABLE log_lines IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT c.oid::regclass INTO oldest
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'log_lines'::regclass
        AND c.relname ~ '^log_lines_[0-9]{8}$'
        AND to_date(right(c.relname, 8), 'YYYYMMDD') < day
    ORDER BY c.relname
    LIMIT 1;
    IF oldest IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', oldest);
    END IF;
    RETURN oldest::text;
END
$$;
-- +goose StatementEnd

-- The default partition holds many days: those that are over are looked for by this.
CREATE INDEX log_lines_default_day ON log_lines_default (log_day);

-- Up to so many lines of days before that one, of those in the default partition. Lines
-- that somebody else is at are left to him.
-- +goose StatementBegin
CREATE FUNCTION delete_default_log_lines_before(day date, most integer) RETURNS bigint
LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM log_lines_default
        WHERE ctid = ANY (ARRAY(
            SELECT l.ctid FROM log_lines_default l WHERE l.log_day < day LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
-- +goose StatementEnd

CREATE INDEX flows_ended ON flows (ended_at) WHERE ended_at IS NOT NULL;

-- Between which moments a running flow is expected to end, as its subscribers are told.
ALTER TABLE flows
    ADD COLUMN estimate_earliest timestamptz,
    ADD COLUMN estimate_latest timestamptz,
    ADD COLUMN estimate_runs integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE flows DROP COLUMN estimate_earliest, DROP COLUMN estimate_latest, DROP COLUMN estimate_runs;
DROP INDEX flows_ended;
DROP FUNCTION delete_default_log_lines_before(date, integer);
DROP INDEX log_lines_default_day;
DROP FUNCTION drop_log_partition_before(date);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ensure_log_partition(day date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'log_lines_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NOT NULL
        OR EXISTS (SELECT 1 FROM log_lines_default WHERE log_day = day) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF log_lines FOR VALUES FROM (%L) TO (%L)', partition, day, day + 1);
    RETURN true;
EXCEPTION
    WHEN duplicate_table OR check_violation THEN
        RETURN false;
END
$$;
-- +goose StatementEnd
