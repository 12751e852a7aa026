-- A role that may read the schema analytics and nothing else: grant it to people's own roles.
-- Roles belong to the whole server, so another database's migration may make it at the same
-- moment; and not everybody may make one, which must not keep the program from starting.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'provflow_analyst') THEN
        BEGIN
            CREATE ROLE provflow_analyst NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- somebody else was faster
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'the role provflow_analyst was not made, for want of CREATEROLE: docs/analytics.md says how to make it';
                RETURN;
        END;
    END IF;
    GRANT USAGE ON SCHEMA analytics TO provflow_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO provflow_analyst;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- The role may be another database's too, and stays.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'provflow_analyst') THEN
        REVOKE SELECT ON ALL TABLES IN SCHEMA analytics FROM provflow_analyst;
        REVOKE USAGE ON SCHEMA analytics FROM provflow_analyst;
    END IF;
END
$$;
-- +goose StatementEnd
