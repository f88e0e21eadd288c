-- How long an organisation keeps what; a kind without a row is kept as consumers/keeping/policy.py says.
CREATE TABLE retention (
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    kind text NOT NULL,
    days integer NOT NULL CHECK (days BETWEEN 1 AND 36500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organisation_id, kind)
);

-- A legal hold keeps an event and all that belongs to it until it is released.
CREATE TABLE holds (
    hold_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations,
    event_id text NOT NULL,
    site text NOT NULL,
    camera text NOT NULL,
    reason text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_by text,
    released_at timestamptz
);
CREATE UNIQUE INDEX holds_in_force ON holds (event_id) WHERE released_at IS NULL;
CREATE INDEX holds_by_organisation ON holds (organisation_id, placed_at DESC, hold_id);

CREATE TABLE erasures (
    erasure_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations,
    site text NOT NULL,
    -- NULL: every camera of the site.
    camera text,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done')),
    done_at timestamptz,
    report jsonb NOT NULL DEFAULT '{}',
    CHECK (from_at < to_at)
);
CREATE INDEX erasures_by_organisation ON erasures (organisation_id, requested_at DESC, erasure_id);
CREATE INDEX erasures_in_force ON erasures (requested_at);

SELECT sightline_protect(name, granted) FROM (VALUES
    ('retention', 'SELECT, INSERT, UPDATE, DELETE'),
    ('holds', 'SELECT, INSERT, UPDATE'),
    ('erasures', 'SELECT, INSERT')
) AS guarded (name, granted);
