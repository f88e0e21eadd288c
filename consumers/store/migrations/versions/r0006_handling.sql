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

-- How people handle an event stands in its row, so that a list needs no join. A sink's upsert names
-- the columns of the record alone and leaves these as they are.
ALTER TABLE events
    ADD COLUMN handling text NOT NULL DEFAULT 'new'
        CHECK (handling IN ('new', 'acknowledged', 'resolved')),
    ADD COLUMN handling_version bigint NOT NULL DEFAULT 0,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN assigned_to uuid,
    ADD COLUMN label text CHECK (label IN ('true', 'false', 'ignore_here')),
    -- What comments say, so that a search finds it.
    ADD COLUMN remarks text NOT NULL DEFAULT '';

-- What a search finds: names whole as well as in parts ("cam-7", not only "cam"), and prose.
CREATE FUNCTION sightline_words(names text[], prose text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array(
        SELECT left(lower(name), 200) FROM unnest(names) AS name WHERE name <> ''
    )) || to_tsvector('simple', array_to_string(names, ' ') || ' ' || prose)
$$;
ALTER TABLE events ADD COLUMN search tsvector GENERATED ALWAYS AS (sightline_words(
    ARRAY[site, camera, rule, sensor, severity, class_name], remarks)) STORED;

-- Handling is no change of the record; and an upsert runs what stands before an insert anyway.
DROP TRIGGER note_change ON events;
CREATE TRIGGER note_change BEFORE INSERT ON events
    FOR EACH ROW EXECUTE FUNCTION sightline_note_event_change();
REVOKE UPDATE ON events FROM sightline_app;
GRANT UPDATE (
    handling, handling_version, acknowledged_at, acknowledged_by, assigned_to, label, remarks
) ON events TO sightline_app;

-- All columns of a page's order rise, so that one scan, read backwards, gives the newest first.
DROP INDEX events_by_time, events_by_organisation, events_by_camera, events_by_rule;
CREATE INDEX events_by_time ON events (opened_at);
CREATE INDEX events_by_organisation ON events (organisation_id, opened_at, event_id);
CREATE INDEX events_by_site ON events (site, opened_at, event_id);
CREATE INDEX events_by_camera ON events (site, camera, opened_at, event_id);
CREATE INDEX events_by_rule ON events (organisation_id, rule, opened_at, event_id);
CREATE INDEX events_by_class ON events (organisation_id, class_name, opened_at, event_id);
CREATE INDEX events_new ON events (organisation_id, opened_at, event_id) WHERE handling = 'new';
CREATE INDEX events_assigned ON events (assigned_to, opened_at, event_id)
    WHERE assigned_to IS NOT NULL;
CREATE INDEX events_by_word ON events USING gin (search);

DROP INDEX verdicts_by_organisation, verdicts_by_time;
CREATE INDEX verdicts_by_organisation ON verdicts (organisation_id, matched_at, candidate_id);
CREATE INDEX verdicts_by_verdict ON verdicts (organisation_id, verdict, matched_at, candidate_id);
CREATE INDEX verdicts_by_camera ON verdicts (site, camera, matched_at, candidate_id);

CREATE INDEX evidence_by_organisation ON evidence (organisation_id, from_at, evidence_id);

-- Row-level security lets no index but one with a leakproof operator be used, and that of texts has
-- none. A view of the owner's shows the same rows and hides them in a way that planners see through.
CREATE VIEW searched_events AS
    SELECT * FROM events WHERE organisation_id = sightline_organisation();
GRANT SELECT ON searched_events TO sightline_app;

-- What was done with an event, by whom; kept as long as the event is.
CREATE TABLE event_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    event_id text NOT NULL,
    opened_at timestamptz NOT NULL,
    site text NOT NULL,
    camera text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id uuid NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_history_by_event ON event_history (event_id, history_id);
CREATE INDEX event_history_by_time ON event_history (opened_at);

-- Operators' words for the sites: written with what they are about, then sent to Kafka; a row
-- without sent_at is still to go. See consumers/api/outbox.py.
CREATE TABLE feedback (
    feedback_id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    organisation_id uuid NOT NULL REFERENCES organisations,
    site text NOT NULL,
    camera text NOT NULL,
    event_id text,
    candidate_id text,
    -- When the event was opened, or the candidate matched.
    subject_at timestamptz NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('confirmed', 'dismissed', 'ignored_here')),
    author text NOT NULL,
    said_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    CHECK (num_nonnulls(event_id, candidate_id) = 1)
);
CREATE INDEX feedback_by_event ON feedback (event_id, number) WHERE event_id IS NOT NULL;
CREATE INDEX feedback_by_candidate ON feedback (candidate_id, number) WHERE candidate_id IS NOT NULL;
CREATE INDEX feedback_by_time ON feedback (subject_at);
CREATE INDEX feedback_unsent ON feedback (number) WHERE sent_at IS NULL;

SELECT sightline_protect(name, granted) FROM (VALUES
    ('idempotent_answers', 'SELECT, INSERT, UPDATE'),
    ('event_history', 'SELECT, INSERT'),
    ('feedback', 'SELECT, INSERT')
) AS guarded (name, granted);

-- A list of cameras shows the last event of each: found once, when it comes.
ALTER TABLE cameras ADD COLUMN last_event_id text, ADD COLUMN last_event_at timestamptz;
CREATE FUNCTION sightline_note_last_event() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO cameras AS known (site, camera, organisation_id, last_event_id, last_event_at)
    VALUES (NEW.site, NEW.camera, NEW.organisation_id, NEW.event_id, NEW.opened_at)
    ON CONFLICT (site, camera) DO UPDATE
    SET last_event_id = EXCLUDED.last_event_id, last_event_at = EXCLUDED.last_event_at
    WHERE known.last_event_at IS NULL OR known.last_event_at < EXCLUDED.last_event_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_last_event AFTER INSERT ON events
    FOR EACH ROW EXECUTE FUNCTION sightline_note_last_event();
