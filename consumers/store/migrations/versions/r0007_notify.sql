-- Where notifications go, under which conditions, and what became of each: consumers/notify.

-- Settings that may be shown stand in config, the others sealed in secrets.
CREATE TABLE notify_targets (
    target_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    -- Whose own it is, such as a browser; NULL: the organisation's.
    user_id uuid,
    kind text NOT NULL,
    name text NOT NULL,
    config jsonb NOT NULL,
    secrets text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    rate_most integer CHECK (rate_most > 0),
    rate_within_s integer CHECK (rate_within_s > 0),
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((rate_most IS NULL) = (rate_within_s IS NULL))
);
CREATE UNIQUE INDEX notify_targets_by_name ON notify_targets (organisation_id, name)
    WHERE user_id IS NULL;
CREATE UNIQUE INDEX notify_targets_by_user ON notify_targets (organisation_id, user_id, name)
    WHERE user_id IS NOT NULL;

CREATE TABLE notify_escalations (
    escalation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    name text NOT NULL,
    document jsonb NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organisation_id, name)
);

CREATE TABLE notify_routes (
    route_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    name text NOT NULL,
    document jsonb NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organisation_id, name)
);

CREATE TABLE notify_mutes (
    mute_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    -- For this user's own targets alone; NULL: for all.
    user_id uuid,
    -- Each NULL: any.
    site text,
    camera text,
    rule text,
    until timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    place bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX notify_mutes_by_organisation ON notify_mutes (organisation_id, until);

-- One row for each thing that a target is to be told. The unique key is the promise that an event
-- is notified once per target and state, whatever comes again and whoever restarts.
CREATE TABLE notify_deliveries (
    delivery_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations ON DELETE CASCADE,
    target_id uuid NOT NULL,
    route_id uuid,
    kind text NOT NULL CHECK (kind IN ('event', 'digest', 'summary', 'test')),
    -- Of kind event alone.
    event_id text,
    event_state text CHECK (event_state IN ('opened', 'updated', 'closed', 'escalated')),
    site text,
    camera text,
    content jsonb,
    status text NOT NULL CHECK (status IN (
        'pending', 'collecting', 'held', 'sent', 'collected', 'muted', 'skipped', 'cancelled',
        'dead', 'dropped')),
    reason text NOT NULL DEFAULT '',
    unless_acknowledged boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL,
    snapshot_until timestamptz,
    give_up_at timestamptz NOT NULL,
    -- The digest or summary that tells of it.
    told_in uuid,
    attempts integer NOT NULL DEFAULT 0,
    -- Its number among all that the target was ever sent, given with the first attempt.
    number bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at timestamptz,
    ended_at timestamptz,
    place bigint GENERATED ALWAYS AS IDENTITY,
    UNIQUE (organisation_id, target_id, event_id, event_state)
);
CREATE INDEX notify_deliveries_waiting ON notify_deliveries (target_id, due_at)
    WHERE status IN ('pending', 'collecting', 'held');
CREATE INDEX notify_deliveries_in_order ON notify_deliveries (organisation_id, place);
CREATE INDEX notify_deliveries_dead ON notify_deliveries (organisation_id, place)
    WHERE status = 'dead';
CREATE INDEX notify_deliveries_by_event ON notify_deliveries (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX notify_deliveries_told_in ON notify_deliveries (told_in) WHERE told_in IS NOT NULL;
CREATE INDEX notify_deliveries_age ON notify_deliveries USING brin (created_at);

-- What is remembered of each target between sendings, and which worker sends to it now.
CREATE TABLE notify_lines (
    target_id uuid PRIMARY KEY REFERENCES notify_targets ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    holder text,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    number bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    cuts integer NOT NULL DEFAULT 0,
    open_until timestamptz,
    window_at timestamptz,
    window_sent integer NOT NULL DEFAULT 0,
    problem text NOT NULL DEFAULT ''
);

-- The cloud's own keys, sealed; no organisation's.
CREATE TABLE notify_keys (
    name text PRIMARY KEY,
    sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

SELECT sightline_protect(name, granted) FROM (VALUES
    ('notify_targets', 'SELECT, INSERT, UPDATE, DELETE'),
    ('notify_escalations', 'SELECT, INSERT, UPDATE, DELETE'),
    ('notify_routes', 'SELECT, INSERT, UPDATE, DELETE'),
    ('notify_mutes', 'SELECT, INSERT, UPDATE, DELETE'),
    ('notify_deliveries', 'SELECT, INSERT, UPDATE'),
    ('notify_lines', 'SELECT, UPDATE')
) AS guarded (name, granted);
