-- Who watches a cluster. Several replicas could, and each would write what it saw when it
-- saw it: an old one that was stopped for a moment would lay what it remembers over what is
-- there now. So one of them has the term, every write of a watcher names its term in the
-- transaction that writes, and a term that is over writes nothing.
--
-- There is no reference to flows: a cluster is watched before anything has happened in it,
-- and goes on being watched when its flow is deleted.

-- +goose Up
CREATE TABLE watch_terms (
    flow_id    text        NOT NULL,
    region     text        NOT NULL, -- '' is the primary one
    -- Moves with every holder, also where the same one comes back.
    term       bigint      NOT NULL,
    holder     text        NOT NULL,
    -- By the database's clock: replicas' clocks need not agree on who is late.
    expires_at timestamptz NOT NULL,
    -- When anybody first watched this cluster: limits count from here, restarts or not.
    since      timestamptz NOT NULL,
    -- Up to here the controller's lines have been read; the next holder goes on from it.
    lines_at   timestamptz,
    PRIMARY KEY (flow_id, region),
    CONSTRAINT watch_terms_count_from_one CHECK (term >= 1),
    CONSTRAINT watch_terms_have_a_holder CHECK (holder <> '')
)
-- A heartbeat rewrites the row every few seconds.
WITH (fillfactor = 50);

-- +goose Down
DROP TABLE watch_terms;
