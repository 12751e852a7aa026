-- name: WatchTermTakeIfOver :one
-- Takes a watch that nobody has, or whose holder was not heard of in time. No row: somebody has it.
INSERT INTO watch_terms AS w (flow_id, region, term, holder, expires_at, since)
VALUES (@flow_id, @region, 1, @holder, clock_timestamp() + @lasts::interval, clock_timestamp())
ON CONFLICT (flow_id, region) DO UPDATE SET
    term = w.term + 1,
    holder = excluded.holder,
    expires_at = excluded.expires_at
WHERE w.expires_at <= clock_timestamp()
RETURNING term, since, lines_at;

-- name: WatchTermRenewIfHeld :execrows
-- A heartbeat. A term that ran out is renewed all the same where nobody has taken the next.
UPDATE watch_terms SET
    expires_at = clock_timestamp() + @lasts::interval,
    lines_at = greatest(lines_at, @lines_at)
WHERE flow_id = @flow_id AND region = @region AND term = @term;

-- name: WatchTermEndIfHeld :exec
-- The row stays, so that the next term has a higher number.
UPDATE watch_terms SET
    expires_at = '-infinity',
    lines_at = greatest(lines_at, @lines_at)
WHERE flow_id = @flow_id AND region = @region AND term = @term;

-- name: WatchTermListShared :many
-- The terms that a write is fenced by. Shared locks: who would take over waits for the
-- write, and then sees what it wrote; heartbeats wait as long.
SELECT region, term FROM watch_terms
WHERE flow_id = @flow_id AND region = ANY (@regions::text[])
ORDER BY region
FOR SHARE;
