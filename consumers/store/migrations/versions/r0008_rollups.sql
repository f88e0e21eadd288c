-- Finished tracks as they are searched: Mongo holds the same as whole documents.
CREATE TABLE tracks (
    track_id text NOT NULL,
    site text NOT NULL,
    camera text NOT NULL,
    organisation_id uuid,
    epoch_at timestamptz NOT NULL,
    class_name text NOT NULL,
    score_mean double precision NOT NULL,
    score_max double precision NOT NULL,
    observations bigint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    -- For each point three numbers: seconds since started_at, x, y.
    path double precision[] NOT NULL,
    area box NOT NULL,
    zones text[] NOT NULL,
    colours text[] NOT NULL,
    config_version bigint NOT NULL,
    model text NOT NULL,
    model_version text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site, track_id, started_at)
) PARTITION BY RANGE (started_at);
CREATE TABLE tracks_other PARTITION OF tracks DEFAULT;
CREATE INDEX tracks_by_camera ON tracks (site, camera, started_at DESC);
CREATE INDEX tracks_by_time ON tracks (site, started_at);
-- The few that a look at the hour before would miss.
CREATE INDEX tracks_long ON tracks (site, started_at)
    WHERE ended_at - started_at > interval '1 hour';
CREATE TRIGGER a_own BEFORE INSERT ON tracks FOR EACH ROW EXECUTE FUNCTION sightline_own();

-- The table health holds the latest word alone. Here is what was said before: each change of state,
CREATE TABLE health_changes (
    health_id text NOT NULL,
    revision bigint NOT NULL,
    site text NOT NULL,
    organisation_id uuid,
    kind text NOT NULL,
    name text NOT NULL,
    camera text GENERATED ALWAYS AS (CASE WHEN kind = 'camera' THEN name END) STORED,
    state text NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    PRIMARY KEY (health_id, revision)
);
CREATE INDEX health_changes_by_time ON health_changes (site, at);
CREATE TRIGGER a_own BEFORE INSERT ON health_changes
    FOR EACH ROW EXECUTE FUNCTION sightline_own();

-- and, for each hour of a camera, the minutes (bit 0 is the first) in which it was said to be online
-- and to be otherwise. Changes alone would count a camera as online that was never heard again.
CREATE TABLE health_minutes (
    site text NOT NULL,
    camera text NOT NULL,
    organisation_id uuid,
    hour_at timestamptz NOT NULL,
    online bit(60) NOT NULL,
    other bit(60) NOT NULL,
    PRIMARY KEY (site, camera, hour_at)
);
CREATE INDEX health_minutes_by_time ON health_minutes (site, hour_at);
CREATE TRIGGER a_own BEFORE INSERT ON health_minutes
    FOR EACH ROW EXECUTE FUNCTION sightline_own();

SELECT sightline_protect(name, 'SELECT')
FROM (VALUES ('tracks'), ('health_changes'), ('health_minutes')) AS guarded (name);

CREATE FUNCTION sightline_note_health_change() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO health_changes (health_id, revision, site, kind, name, state, reason, at)
    VALUES (NEW.health_id, NEW.revision, NEW.site, NEW.kind, NEW.name, NEW.state, NEW.reason,
        NEW.at)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_first AFTER INSERT ON health
    FOR EACH ROW EXECUTE FUNCTION sightline_note_health_change();
CREATE TRIGGER note_change AFTER UPDATE ON health
    FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION sightline_note_health_change();

-- Before the row: an INSERT ... ON CONFLICT runs it for repeats and for older revisions too. Bits
-- are only ever set, so that order and repeats change nothing.
CREATE FUNCTION sightline_note_health_minute() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    none CONSTANT bit(60) := repeat('0', 60)::bit(60);
    said bit(60) := set_bit(none, extract(minute FROM NEW.at AT TIME ZONE 'UTC')::integer, 1);
BEGIN
    INSERT INTO health_minutes AS known (site, camera, hour_at, online, other)
    VALUES (NEW.site, NEW.name, date_trunc('hour', NEW.at, 'UTC'),
        CASE WHEN NEW.state = 'online' THEN said ELSE none END,
        CASE WHEN NEW.state = 'online' THEN none ELSE said END)
    ON CONFLICT (site, camera, hour_at) DO UPDATE
    SET online = known.online | EXCLUDED.online, other = known.other | EXCLUDED.other
    WHERE known.online <> known.online | EXCLUDED.online
        OR known.other <> known.other | EXCLUDED.other;
    RETURN NEW;
END
$$;
-- A file that has come to its end is neither online nor in trouble.
CREATE TRIGGER c_note_minute BEFORE INSERT ON health
    FOR EACH ROW WHEN (NEW.kind = 'camera' AND NEW.state <> 'ended')
    EXECUTE FUNCTION sightline_note_health_minute();

-- Which buckets are to be computed again. A mark is written in the transaction that changes the
-- rows, and marks of one bucket never meet in a key: so none waits for another, and whoever takes a
-- mark away sees the rows that it stands for. See docs/adr/0020.
CREATE TABLE rollup_marks (
    -- The first of minute, hour, day, export whose turn it is.
    grain text NOT NULL,
    subject text NOT NULL,
    site text NOT NULL,
    at timestamptz NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rollup_marks_by_turn ON rollup_marks (grain, subject, site, at);

-- By statement, not by row. An update marks only what it changed of a rollup's concern: giving a
-- site away does not. A track marks every hour that it lasts for, of its first day at most. What a
-- broken clock puts before 1970 or into far centuries is in no rollup. Marks are the owner's
-- business, whoever changes a row.
DO $$
DECLARE
    marking record;
BEGIN
    FOR marking IN SELECT * FROM (VALUES
        ('events', 'events', 'minute', 'opened_at', 'date_trunc(''minute'', opened_at, ''UTC'')',
            'site, opened_at, event_id, revision, label'),
        ('verdicts', 'verdicts', 'minute', 'matched_at',
            'date_trunc(''minute'', matched_at, ''UTC'')',
            'site, matched_at, candidate_id, revision'),
        ('counts', 'counts', 'hour', 'minute_at', 'date_trunc(''hour'', minute_at, ''UTC'')',
            'site, minute_at, count_id, revision'),
        ('tracks', 'tracks', 'hour', 'started_at',
            'generate_series(date_trunc(''hour'', started_at, ''UTC''), '
            'least(ended_at, started_at + interval ''24 hours''), interval ''1 hour'')',
            'site, started_at, track_id, ended_at, observations'),
        ('health_minutes', 'health', 'hour', 'hour_at', 'hour_at',
            'site, camera, hour_at, online, other')
    ) AS marking (name, subject, grain, timed, at, compared) LOOP
        EXECUTE format($f$
            CREATE FUNCTION sightline_mark_%1$s() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    INSERT INTO rollup_marks (grain, subject, site, at)
                    SELECT DISTINCT %2$L, %3$L, site, %4$s FROM (
                        SELECT %5$s FROM changed_rows EXCEPT SELECT %5$s FROM former_rows
                    ) AS differing WHERE %6$I >= '1970-01-01Z' AND %6$I < '9900-01-01Z';
                ELSE
                    INSERT INTO rollup_marks (grain, subject, site, at)
                    SELECT DISTINCT %2$L, %3$L, site, %4$s FROM changed_rows
                    WHERE %6$I >= '1970-01-01Z' AND %6$I < '9900-01-01Z';
                END IF;
                RETURN NULL;
            END
            $body$;
            CREATE TRIGGER mark_inserted AFTER INSERT ON %1$I REFERENCING NEW TABLE AS changed_rows
                FOR EACH STATEMENT EXECUTE FUNCTION sightline_mark_%1$s();
            CREATE TRIGGER mark_updated AFTER UPDATE ON %1$I
                REFERENCING NEW TABLE AS changed_rows OLD TABLE AS former_rows
                FOR EACH STATEMENT EXECUTE FUNCTION sightline_mark_%1$s();
            CREATE TRIGGER mark_deleted AFTER DELETE ON %1$I REFERENCING OLD TABLE AS changed_rows
                FOR EACH STATEMENT EXECUTE FUNCTION sightline_mark_%1$s();
        $f$, marking.name, marking.grain, marking.subject, marking.at, marking.compared, marking.timed);
    END LOOP;
END
$$;

-- Up to when the rows of a kind (as in the table retention, and health) may have been removed, by
-- site. A rollup of that time stands: computed again it would shrink. Whoever removes rows notes it
-- first, in a transaction of its own.
CREATE TABLE retention_horizon (
    kind text NOT NULL,
    site text NOT NULL,
    kept_from timestamptz NOT NULL,
    PRIMARY KEY (kind, site)
);
CREATE FUNCTION sightline_note_horizon(removed text, default_days integer, now timestamptz)
RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO retention_horizon AS known (kind, site, kept_from)
    SELECT removed, site, now - make_interval(days => coalesce(days, default_days))
    FROM sites LEFT JOIN retention
        ON retention.organisation_id = sites.organisation_id AND kind = removed
    ON CONFLICT (kind, site) DO UPDATE
    SET kept_from = greatest(known.kept_from, EXCLUDED.kept_from)
$$;

-- Rollups. A bucket is the minute, hour or day of UTC (grain minute, hour, day) or the day of the
-- site's time zone (local_day) from bucket_at to ends_at. Whose a row is, its site says: giving a
-- site away moves none.
CREATE INDEX counts_by_site ON counts (site, minute_at);
CREATE INDEX verdicts_by_site ON verdicts (site, matched_at);

CREATE TABLE rollup_counts (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    sensor text NOT NULL,
    forward bigint NOT NULL,
    backward bigint NOT NULL,
    entries bigint NOT NULL,
    exits bigint NOT NULL,
    -- In so many minutes something happened; occupancy_sum is the sum of their maxima.
    minutes bigint NOT NULL,
    occupancy_max bigint NOT NULL,
    occupancy_sum bigint NOT NULL,
    dwell_total_s double precision NOT NULL,
    dwell_max_s double precision NOT NULL,
    -- Visits by how long they were: see sightline_dwell_bounds.
    dwell bigint[] NOT NULL,
    PRIMARY KEY (grain, site, bucket_at, camera, sensor)
);

CREATE TABLE rollup_events (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    verdict text NOT NULL,
    mode text NOT NULL,
    events bigint NOT NULL,
    closed bigint NOT NULL,
    triggers bigint NOT NULL,
    lasted_total_s double precision NOT NULL,
    lasted_max_s double precision NOT NULL,
    -- What operators called them.
    called_true bigint NOT NULL,
    called_false bigint NOT NULL,
    PRIMARY KEY (grain, site, bucket_at, camera, rule, severity, verdict, mode)
);

CREATE TABLE rollup_candidates (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    rule text NOT NULL,
    candidates bigint NOT NULL,
    accepted bigint NOT NULL,
    -- By the filter.
    suppressed bigint NOT NULL,
    -- By an operator.
    dismissed bigint NOT NULL,
    cooling bigint NOT NULL,
    shadow bigint NOT NULL,
    false_positive_rate double precision
        GENERATED ALWAYS AS ((suppressed + dismissed)::double precision / candidates) STORED,
    PRIMARY KEY (grain, site, bucket_at, camera, rule)
);

-- Objects by class that came into view in the bucket, and how long each stayed.
CREATE TABLE rollup_tracks (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    class_name text NOT NULL,
    tracks bigint NOT NULL,
    in_view_total_s double precision NOT NULL,
    in_view_max_s double precision NOT NULL,
    in_view bigint[] NOT NULL,
    PRIMARY KEY (grain, site, bucket_at, camera, class_name)
);

CREATE TABLE rollup_uptime (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    minutes bigint NOT NULL,
    seen_minutes bigint NOT NULL,
    online_minutes bigint NOT NULL,
    PRIMARY KEY (grain, site, bucket_at, camera)
);

-- Milliseconds that tracks spent in each of 32 × 18 cells, row by row from the top left.
CREATE TABLE rollup_heat (
    grain text NOT NULL,
    site text NOT NULL,
    bucket_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    camera text NOT NULL,
    tracks bigint NOT NULL,
    cells bigint[] NOT NULL,
    PRIMARY KEY (grain, site, bucket_at, camera)
);

-- Upper bounds, in seconds, of the cells of a histogram of times; the last cell has none.
CREATE FUNCTION sightline_dwell_bounds() RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '{1,2,5,10,20,30,60,120,300,600,1800,3600}'::double precision[]
$$;

-- A count is the rollup of its minute already.
CREATE VIEW minute_counts WITH (security_invoker = true) AS
SELECT 'minute'::text AS grain, site, minute_at AS bucket_at,
    minute_at + interval '1 minute' AS ends_at, camera, sensor, forward, backward, entries, exits,
    1::bigint AS minutes, occupancy_max, occupancy_max AS occupancy_sum, dwell_total_s, dwell_max_s
FROM counts;

-- What lies in object storage for data teams, one object for each data set, site and UTC day.
CREATE TABLE parquet_objects (
    dataset text NOT NULL,
    site text NOT NULL,
    day date NOT NULL,
    organisation_id uuid NOT NULL,
    object_key text NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (dataset, site, day)
);

-- Another time zone has other days; another owner looks elsewhere for the site's objects.
CREATE FUNCTION sightline_mark_site() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    rollup record;
BEGIN
    FOR rollup IN SELECT * FROM (VALUES
        ('rollup_counts', 'counts'), ('rollup_events', 'events'),
        ('rollup_candidates', 'verdicts'), ('rollup_tracks', 'tracks'), ('rollup_heat', 'tracks'),
        ('rollup_uptime', 'health')
    ) AS rollup (name, subject) LOOP
        EXECUTE format(
            'INSERT INTO rollup_marks (grain, subject, site, at) SELECT DISTINCT $1, $2, site, '
            'bucket_at FROM %I WHERE site = $3 AND grain = $4', rollup.name)
        USING CASE WHEN TG_ARGV[0] = 'hour' THEN 'day' ELSE 'export' END, rollup.subject, NEW.site,
            TG_ARGV[0];
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_local_days AFTER UPDATE OF timezone ON sites
    FOR EACH ROW WHEN (NEW.timezone IS DISTINCT FROM OLD.timezone)
    EXECUTE FUNCTION sightline_mark_site('hour');
CREATE TRIGGER mark_objects AFTER UPDATE OF organisation_id ON sites
    FOR EACH ROW WHEN (NEW.organisation_id IS DISTINCT FROM OLD.organisation_id)
    EXECUTE FUNCTION sightline_mark_site('day');

-- Services show an organisation the rollups of its sites; who runs the cloud looks at all of them
-- as sightline_analyst (Grafana: see docs/analytics.md), a role that only reads.
DO $$
DECLARE
    shown text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sightline_analyst') THEN
        BEGIN
            CREATE ROLE sightline_analyst NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- Another database of this server made it at the same moment.
        END;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO sightline_analyst', current_schema());
    FOREACH shown IN ARRAY ARRAY[
        'rollup_counts', 'rollup_events', 'rollup_candidates', 'rollup_tracks', 'rollup_uptime',
        'rollup_heat', 'parquet_objects'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', shown);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO sightline_app USING (site IN (SELECT site FROM sites '
            'WHERE organisation_id = sightline_organisation()))', shown);
        EXECUTE format('GRANT SELECT ON %I TO sightline_app', shown);
    END LOOP;
    FOREACH shown IN ARRAY ARRAY[
        'organisations', 'sites', 'cameras', 'events', 'event_changes', 'verdicts', 'counts',
        'tracks', 'evidence', 'health', 'health_changes', 'health_minutes', 'receipts',
        'rollup_counts', 'rollup_events', 'rollup_candidates', 'rollup_tracks', 'rollup_uptime',
        'rollup_heat', 'parquet_objects'
    ] LOOP
        EXECUTE format('CREATE POLICY analyst ON %I FOR SELECT TO sightline_analyst USING (true)',
            shown);
        EXECUTE format('GRANT SELECT ON %I TO sightline_analyst', shown);
    END LOOP;
END
$$;
GRANT SELECT ON minute_counts TO sightline_app, sightline_analyst;
GRANT SELECT ON rollup_marks, retention_horizon TO sightline_analyst;
