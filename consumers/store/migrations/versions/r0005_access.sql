-- Who may do what. Users and their sessions belong to no organisation and are reached by the owner
-- of the tables alone (Database.system); what belongs to one is guarded as everything else is.
-- Tokens and codes are kept as hashes only; what must be read again is sealed with the cloud's secret.

CREATE TABLE users (
    user_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mail text NOT NULL UNIQUE CHECK (mail = lower(mail)),
    name text NOT NULL DEFAULT '',
    password_hash text,
    password_changed_at timestamptz,
    totp_seed text,
    -- Of an authenticator that is not confirmed yet.
    totp_next_seed text,
    totp_confirmed_at timestamptz,
    -- The newest step whose code was used: a code works once.
    totp_step bigint NOT NULL DEFAULT 0,
    phone text,
    phone_confirmed_at timestamptz,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN users.totp_seed IS 'sealed';
COMMENT ON COLUMN users.totp_next_seed IS 'sealed';
COMMENT ON COLUMN users.phone IS 'E.164; for codes once confirmed';

CREATE TABLE memberships (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES organisations,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    -- Limited to these sites and to the cameras of these groups; ids of what is gone allow nothing.
    limited boolean NOT NULL DEFAULT false,
    sites text[] NOT NULL DEFAULT '{}',
    group_ids uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, organisation_id),
    CHECK (limited OR (sites = '{}' AND group_ids = '{}')),
    CHECK (role <> 'owner' OR NOT limited)
);
CREATE INDEX memberships_by_organisation ON memberships (organisation_id, created_at, user_id);

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash bytea NOT NULL UNIQUE,
    user_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    -- Logged in by password or provider, but the second factor that the user has is still due.
    pending boolean NOT NULL,
    provider text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '',
    browser text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    stepped_up_at timestamptz,
    FOREIGN KEY (user_id, organisation_id) REFERENCES memberships ON DELETE CASCADE
);
CREATE INDEX sessions_by_user ON sessions (user_id, organisation_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Browsers that a user has logged in from: strangers' failures do not slow them down.
CREATE TABLE devices (
    device_hash bytea NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (device_hash, user_id)
);
CREATE INDEX devices_by_user ON devices (user_id);
CREATE INDEX devices_by_time ON devices (seen_at);

CREATE TABLE api_keys (
    key_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations,
    -- The start of the key, to tell it by; the rest is known to its holder alone.
    prefix text NOT NULL UNIQUE,
    key_hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    permissions text[] NOT NULL,
    limited boolean NOT NULL DEFAULT false,
    sites text[] NOT NULL DEFAULT '{}',
    group_ids uuid[] NOT NULL DEFAULT '{}',
    -- The key can never do more than this member can at present; NULL: made by the cloud's operators.
    made_by uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    used_at timestamptz,
    CHECK (limited OR (sites = '{}' AND group_ids = '{}')),
    FOREIGN KEY (made_by, organisation_id) REFERENCES memberships ON DELETE CASCADE
);
CREATE INDEX api_keys_by_organisation ON api_keys (organisation_id, created_at);
CREATE INDEX api_keys_by_maker ON api_keys (made_by, organisation_id);

CREATE TABLE invitations (
    invitation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations,
    mail text NOT NULL CHECK (mail = lower(mail)),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    limited boolean NOT NULL DEFAULT false,
    sites text[] NOT NULL DEFAULT '{}',
    group_ids uuid[] NOT NULL DEFAULT '{}',
    token_hash bytea NOT NULL UNIQUE,
    -- NULL: by the cloud's operators.
    made_by uuid REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    CHECK (limited OR (sites = '{}' AND group_ids = '{}')),
    CHECK (role <> 'owner' OR NOT limited),
    -- A second invitation of the same person takes the place of the first.
    UNIQUE (organisation_id, mail)
);

-- Codes of a few digits and links to set a password. A code is bound to the session it was asked for.
CREATE TABLE one_time_codes (
    code_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id uuid REFERENCES sessions ON DELETE CASCADE,
    purpose text NOT NULL,
    target text NOT NULL DEFAULT '',
    code_hash bytea NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_codes_by_session ON one_time_codes (session_id, purpose);
CREATE INDEX one_time_codes_by_hash ON one_time_codes (code_hash);
CREATE INDEX one_time_codes_by_user ON one_time_codes (user_id, purpose);
CREATE INDEX one_time_codes_by_expiry ON one_time_codes (expires_at);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- Who failed how often, by a hash of what is counted (an account at a source, a source, a session).
CREATE TABLE throttles (
    key bytea PRIMARY KEY,
    charges double precision NOT NULL,
    charged_at timestamptz NOT NULL,
    free_at timestamptz NOT NULL
);
CREATE INDEX throttles_by_time ON throttles (charged_at);

CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- Logins under way at an identity provider.
CREATE TABLE provider_logins (
    state_hash bytea PRIMARY KEY,
    provider text NOT NULL,
    nonce text NOT NULL,
    verifier text NOT NULL,
    landing text NOT NULL,
    invitation_hash bytea,
    expires_at timestamptz NOT NULL
);
CREATE INDEX provider_logins_by_expiry ON provider_logins (expires_at);

-- The audit trail: append-only, numbered and chained for each organisation. Organisation zero is the
-- cloud itself: what its operators do, and logins of nobody known.
CREATE TABLE audit (
    organisation_id uuid NOT NULL,
    n bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    session_id uuid,
    source text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    -- JSON as it was given: the hash is over this text.
    details text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (organisation_id, n)
);
CREATE INDEX audit_by_subject ON audit (organisation_id, subject, n);

-- The end of each chain; its row is locked while an entry is appended.
CREATE TABLE audit_heads (
    organisation_id uuid PRIMARY KEY,
    n bigint NOT NULL,
    hash bytea NOT NULL
);

-- Entries of transactions under way. They are chained at commit, so that nobody who notes something
-- early in a long transaction holds up, or deadlocks with, the others of the organisation.
CREATE UNLOGGED TABLE audit_inbox (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_kind text NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    session_id uuid,
    source text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details text NOT NULL CHECK (jsonb_typeof(details::jsonb) = 'object')
);

-- A field as its length in bytes, a colon and itself, so that no two lists of fields look alike.
CREATE FUNCTION sightline_audit_field(field text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-')
$$;

-- consumers/access/audit_chain.py computes the same.
CREATE FUNCTION sightline_audit_hash(entry audit) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
    SELECT sha256(convert_to(
        sightline_audit_field(entry.organisation_id::text)
        || sightline_audit_field(entry.n::text)
        || sightline_audit_field((extract(epoch FROM entry.at) * 1000000)::bigint::text)
        || sightline_audit_field(entry.actor_kind)
        || sightline_audit_field(entry.actor_id::text)
        || sightline_audit_field(entry.actor_name)
        || sightline_audit_field(entry.session_id::text)
        || sightline_audit_field(entry.source)
        || sightline_audit_field(entry.action)
        || sightline_audit_field(entry.subject)
        || sightline_audit_field(entry.details)
        || sightline_audit_field(encode(entry.previous, 'hex')),
        'UTF8'))
$$;

CREATE FUNCTION sightline_audit_append() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head audit_heads;
    entry audit;
BEGIN
    INSERT INTO audit_heads VALUES (NEW.organisation_id, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM audit_heads WHERE organisation_id = NEW.organisation_id FOR UPDATE;
    entry := ROW(
        NEW.organisation_id, head.n + 1, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.actor_name,
        NEW.session_id, NEW.source, NEW.action, NEW.subject, NEW.details, head.hash, NULL);
    entry.hash := sightline_audit_hash(entry);
    INSERT INTO audit SELECT entry.*;
    UPDATE audit_heads SET n = entry.n, hash = entry.hash
    WHERE organisation_id = NEW.organisation_id;
    DELETE FROM audit_inbox WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END
$$;
-- It acts with the owner's rights: a caller's temporary tables must not stand in for ours.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION sightline_audit_append() SET search_path = %I, pg_temp',
        current_schema());
END
$$;
CREATE CONSTRAINT TRIGGER chain AFTER INSERT ON audit_inbox
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sightline_audit_append();

CREATE FUNCTION sightline_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION sightline_refuse();

SELECT sightline_protect(name, granted) FROM (VALUES
    ('memberships', 'SELECT, INSERT, UPDATE, DELETE'),
    ('api_keys', 'SELECT, INSERT, UPDATE'),
    ('invitations', 'SELECT, INSERT, UPDATE, DELETE'),
    ('audit', 'SELECT'),
    ('audit_heads', 'SELECT'),
    ('audit_inbox', 'INSERT')
) AS guarded (name, granted);

-- The people of the present organisation, for lists and assignments.
CREATE VIEW members WITH (security_barrier) AS
    SELECT m.organisation_id, u.user_id, u.mail, u.name, m.role, m.limited, m.sites, m.group_ids,
        m.created_at, u.disabled_at, u.totp_confirmed_at IS NOT NULL AS has_authenticator
    FROM memberships m JOIN users u USING (user_id)
    WHERE m.organisation_id = sightline_organisation();
GRANT SELECT ON members TO sightline_app;
