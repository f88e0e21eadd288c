-- A ticket opens one stream for whatever its holder was authenticated by; of both, hashes only.
-- Reached by the owner of the tables alone.
CREATE TABLE stream_tickets (
    ticket_hash bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('user', 'key')),
    credential_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX stream_tickets_by_expiry ON stream_tickets (expires_at);
