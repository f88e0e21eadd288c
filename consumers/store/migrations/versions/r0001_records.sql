-- Columns are named and typed as the fields of schemas/avro, for Connect writes them by name.
-- PostgreSQL 15 to 18, no extensions.
--
-- Events, their changes and verdicts are partitioned by the UTC day of a time that no revision
-- changes, so that retention drops days whole; see sightline_make_partitions in r0003.

-- A text that is no JSON must not stop the sink: beside it stands NULL.
CREATE FUNCTION sightline_json(value text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

-- RETURN NULL leaves the row as it is; an upsert counts it as done.
CREATE FUNCTION sightline_keep_newest() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision < OLD.revision THEN
        RETURN NULL;
    END IF;
    NEW.stored_at := OLD.stored_at;
    RETURN NEW;
END
$$;

CREATE TABLE events (
    event_id text NOT NULL,
    site text NOT NULL,
    rule text NOT NULL,
    camera text NOT NULL,
    sensor text NOT NULL,
    state text NOT NULL,
    revision bigint NOT NULL,
    severity text NOT NULL,
    mode text NOT NULL,
    group_key text NOT NULL,
    at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    triggers bigint NOT NULL,
    tracks text NOT NULL,
    class_name text,
    score double precision NOT NULL,
    verdict text NOT NULL,
    config_version bigint NOT NULL,
    model text NOT NULL,
    model_version text NOT NULL,
    provenance text NOT NULL,
    tracks_json jsonb GENERATED ALWAYS AS (sightline_json(tracks)) STORED,
    provenance_json jsonb GENERATED ALWAYS AS (sightline_json(provenance)) STORED,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, opened_at)
) PARTITION BY RANGE (opened_at);
CREATE TABLE events_other PARTITION OF events DEFAULT;
CREATE INDEX events_by_time ON events (opened_at DESC, event_id);
CREATE INDEX events_by_camera ON events (site, camera, opened_at DESC);
CREATE INDEX events_by_rule ON events (site, rule, opened_at DESC);

-- Every change of an event that arrived, so that opened, updated and closed can all be shown.
CREATE TABLE event_changes (
    event_id text NOT NULL,
    revision bigint NOT NULL,
    site text NOT NULL,
    rule text NOT NULL,
    camera text NOT NULL,
    state text NOT NULL,
    severity text NOT NULL,
    mode text NOT NULL,
    at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    triggers bigint NOT NULL,
    tracks text NOT NULL,
    class_name text,
    score double precision NOT NULL,
    verdict text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, revision, opened_at)
) PARTITION BY RANGE (opened_at);
CREATE TABLE event_changes_other PARTITION OF event_changes DEFAULT;
CREATE INDEX event_changes_by_arrival ON event_changes (stored_at);

-- When an event was opened: with it a look by id reads one partition, not all.
CREATE TABLE event_places (
    event_id text PRIMARY KEY,
    opened_at timestamptz NOT NULL,
    site text NOT NULL
);
CREATE INDEX event_places_by_time ON event_places USING brin (opened_at);

-- Before the row: an INSERT ... ON CONFLICT runs it for repeats and for older revisions too.
CREATE FUNCTION sightline_note_event_change() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO event_changes (
        event_id, revision, site, rule, camera, state, severity, mode, at, opened_at, closed_at,
        triggers, tracks, class_name, score, verdict
    ) VALUES (
        NEW.event_id, NEW.revision, NEW.site, NEW.rule, NEW.camera, NEW.state, NEW.severity,
        NEW.mode, NEW.at, NEW.opened_at, NEW.closed_at, NEW.triggers, NEW.tracks, NEW.class_name,
        NEW.score, NEW.verdict
    ) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO event_places (event_id, opened_at, site)
        VALUES (NEW.event_id, NEW.opened_at, NEW.site) ON CONFLICT DO NOTHING;
        PERFORM pg_notify('sightline_events', json_build_object(
            'event_id', NEW.event_id, 'revision', NEW.revision, 'state', NEW.state)::text);
    END IF;
    RETURN NEW;
END
$$;

CREATE TABLE verdicts (
    candidate_id text NOT NULL,
    site text NOT NULL,
    camera text NOT NULL,
    rule text NOT NULL,
    sensor text NOT NULL,
    track text,
    class_name text,
    matched_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    verdict text NOT NULL,
    event_id text,
    score double precision NOT NULL,
    reasons text NOT NULL,
    revision bigint NOT NULL,
    config_version bigint NOT NULL,
    provenance text NOT NULL,
    reasons_json jsonb GENERATED ALWAYS AS (sightline_json(reasons)) STORED,
    provenance_json jsonb GENERATED ALWAYS AS (sightline_json(provenance)) STORED,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (candidate_id, matched_at)
) PARTITION BY RANGE (matched_at);
CREATE TABLE verdicts_other PARTITION OF verdicts DEFAULT;
CREATE INDEX verdicts_by_event ON verdicts (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX verdicts_by_time ON verdicts (site, matched_at DESC);

CREATE TABLE counts (
    count_id text PRIMARY KEY,
    site text NOT NULL,
    camera text NOT NULL,
    sensor text NOT NULL,
    minute_at timestamptz NOT NULL,
    forward bigint NOT NULL,
    backward bigint NOT NULL,
    entries bigint NOT NULL,
    exits bigint NOT NULL,
    occupancy_max bigint NOT NULL,
    dwell_total_s double precision NOT NULL,
    dwell_max_s double precision NOT NULL,
    revision bigint NOT NULL,
    config_version bigint NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX counts_by_sensor ON counts (site, camera, sensor, minute_at);
CREATE INDEX counts_by_time ON counts (minute_at);

CREATE TABLE health (
    health_id text PRIMARY KEY,
    site text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    frames_per_s double precision,
    frames bigint NOT NULL,
    dropped bigint NOT NULL,
    details text NOT NULL,
    revision bigint NOT NULL,
    details_json jsonb GENERATED ALWAYS AS (sightline_json(details)) STORED,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX health_by_site ON health (site, kind);

CREATE TABLE receipts (
    receipt_id text PRIMARY KEY,
    site text NOT NULL,
    document text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    config_version bigint NOT NULL,
    sha256 text NOT NULL,
    errors text NOT NULL,
    at timestamptz NOT NULL,
    revision bigint NOT NULL,
    errors_json jsonb GENERATED ALWAYS AS (sightline_json(errors)) STORED,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The index of what lies in object storage; object_key is NULL where there is no object.
CREATE TABLE evidence (
    evidence_id text PRIMARY KEY,
    site text NOT NULL,
    camera text NOT NULL,
    event_id text,
    candidate_id text,
    kind text NOT NULL,
    status text NOT NULL,
    reason text,
    content_type text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    bucket text,
    object_key text,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX evidence_by_event ON evidence (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX evidence_by_candidate ON evidence (candidate_id) WHERE candidate_id IS NOT NULL;
CREATE INDEX evidence_by_time ON evidence (from_at);

CREATE TRIGGER note_change BEFORE INSERT OR UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION sightline_note_event_change();
CREATE TRIGGER keep_newest BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
CREATE TRIGGER keep_newest BEFORE UPDATE ON verdicts
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
CREATE TRIGGER keep_newest BEFORE UPDATE ON counts
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
CREATE TRIGGER keep_newest BEFORE UPDATE ON health
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
CREATE TRIGGER keep_newest BEFORE UPDATE ON receipts
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
CREATE TRIGGER keep_newest BEFORE UPDATE ON evidence
    FOR EACH ROW EXECUTE FUNCTION sightline_keep_newest();
