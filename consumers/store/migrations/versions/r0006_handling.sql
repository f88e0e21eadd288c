-- Answers to requests that may be sent again: see consumers/api/idempotency.py.
CREATE TABLE idempotent_answers (
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    principal_id uuid NOT NULL,
    key text NOT NULL,
    request_sha256 text NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organisation_id, principal_id, key)
);
CREATE INDEX idempotent_answers_by_time ON idempotent_answers (created_at);
SELECT sightline_protect('idempotent_answers', 'SELECT, INSERT, UPDATE');
