-- Organisations own sites. Every row that a site sends up is marked with its organisation as it
-- arrives, and row-level security shows the role of the services only those of the organisation
-- that it works for. Sinks write as the owner of the tables.

CREATE TABLE organisations (
    organisation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{1,40}$'),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A site that nobody owns yet is there as soon as it sends something; its rows are seen by nobody.
CREATE TABLE sites (
    site text PRIMARY KEY CHECK (site ~ '^[a-z0-9-]{1,40}$'),
    organisation_id uuid REFERENCES organisations,
    name text NOT NULL DEFAULT '',
    timezone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sites_by_organisation ON sites (organisation_id);

CREATE TABLE cameras (
    site text NOT NULL REFERENCES sites,
    camera text NOT NULL,
    organisation_id uuid REFERENCES organisations,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site, camera)
);

CREATE TABLE camera_groups (
    group_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organisation_id uuid NOT NULL REFERENCES organisations,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organisation_id, name)
);

CREATE TABLE camera_group_members (
    group_id uuid NOT NULL REFERENCES camera_groups ON DELETE CASCADE,
    site text NOT NULL,
    camera text NOT NULL,
    organisation_id uuid NOT NULL REFERENCES organisations,
    PRIMARY KEY (group_id, site, camera),
    FOREIGN KEY (site, camera) REFERENCES cameras ON DELETE CASCADE
);

-- The organisation that the present transaction works for; NULL sees nothing.
CREATE FUNCTION sightline_organisation() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('sightline.organisation', true), '')::uuid
$$;

CREATE FUNCTION sightline_own() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    SELECT organisation_id INTO NEW.organisation_id FROM sites WHERE site = NEW.site;
    IF NOT FOUND THEN
        INSERT INTO sites (site) VALUES (NEW.site) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION sightline_note_camera() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO cameras (site, camera, organisation_id)
    VALUES (NEW.site, NEW.name, NEW.organisation_id) ON CONFLICT DO NOTHING;
    RETURN NEW;
END
$$;

-- A site's configuration names its time zone, and its agent repeats it. What somebody sets here
-- holds until the configuration names another.
CREATE FUNCTION sightline_note_zone() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    zone text := sightline_json(NEW.details) ->> 'timezone';
    before text;
BEGIN
    SELECT details_json ->> 'timezone' INTO before FROM health WHERE health_id = NEW.health_id;
    IF zone IS DISTINCT FROM before AND EXISTS (
        SELECT FROM pg_timezone_names WHERE name = zone
    ) THEN
        UPDATE sites SET timezone = zone WHERE site = NEW.site AND timezone <> zone;
    END IF;
    RETURN NEW;
END
$$;

DO $$
DECLARE
    record_table text;
BEGIN
    FOREACH record_table IN ARRAY ARRAY[
        'events', 'event_changes', 'verdicts', 'counts', 'health', 'receipts', 'evidence'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN organisation_id uuid', record_table);
        -- Named to run first among the triggers of its table: they run in the order of their names.
        EXECUTE format(
            'CREATE TRIGGER a_own BEFORE INSERT ON %I '
            'FOR EACH ROW EXECUTE FUNCTION sightline_own()', record_table);
    END LOOP;
END
$$;
CREATE TRIGGER b_note_camera BEFORE INSERT ON health
    FOR EACH ROW WHEN (NEW.kind = 'camera') EXECUTE FUNCTION sightline_note_camera();
CREATE TRIGGER b_note_zone BEFORE INSERT ON health
    FOR EACH ROW WHEN (NEW.kind = 'process' AND NEW.name = 'agent')
    EXECUTE FUNCTION sightline_note_zone();

CREATE INDEX events_by_organisation ON events (organisation_id, opened_at DESC, event_id);
CREATE INDEX verdicts_by_organisation ON verdicts (organisation_id, matched_at DESC, candidate_id);

-- The tables whose rows are marked as they arrive, whichever step made them.
CREATE VIEW owned_tables AS
SELECT relname::text AS name FROM pg_class JOIN pg_trigger ON tgrelid = pg_class.oid
WHERE tgname = 'a_own' AND tgparentid = 0 AND relnamespace = current_schema()::regnamespace;

-- The tables that are partitioned by day, and by which column.
CREATE VIEW parted_tables AS
SELECT relname::text AS name, attname::text AS key
FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid
    JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
WHERE relnamespace = current_schema()::regnamespace;

-- Give a site to an organisation (NULL: to nobody), with everything that it has sent.
CREATE FUNCTION sightline_give_site(given text, receiver uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    record_table text;
BEGIN
    INSERT INTO sites (site, organisation_id) VALUES (given, receiver)
    ON CONFLICT (site) DO UPDATE SET organisation_id = receiver;
    DELETE FROM camera_group_members
    WHERE site = given AND organisation_id IS DISTINCT FROM receiver;
    FOR record_table IN SELECT 'cameras' UNION SELECT * FROM owned_tables LOOP
        EXECUTE format(
            'UPDATE %I SET organisation_id = $2 '
            'WHERE site = $1 AND organisation_id IS DISTINCT FROM $2', record_table)
        USING given, receiver;
    END LOOP;
END
$$;

-- Make the partitions of all days from first to last that are missing; rows of such a day that
-- lie in the partition for other days move. Returns how many were made.
CREATE FUNCTION sightline_make_partitions(first date, last date) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    parted record;
    day date;
    part text;
    names text;
    low timestamptz;
    high timestamptz;
    crowded boolean;
    made integer := 0;
BEGIN
    FOR parted IN SELECT * FROM parted_tables LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO names FROM pg_attribute
        WHERE attrelid = parted.name::regclass AND attnum > 0
            AND NOT attisdropped AND attgenerated = '';
        FOR day IN SELECT generate_series(first, last, '1 day')::date LOOP
            part := format('%s_%s', parted.name, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            low := day::timestamp AT TIME ZONE 'UTC';
            high := (day + 1)::timestamp AT TIME ZONE 'UTC';
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1 AND %I < $2)',
                parted.name || '_other', parted.key, parted.key) INTO crowded USING low, high;
            IF crowded THEN
                EXECUTE format('ALTER TABLE %I DETACH PARTITION %I',
                    parted.name, parted.name || '_other');
            END IF;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                part, parted.name, low, high);
            IF crowded THEN
                EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I WHERE %I >= $1 AND %I < $2',
                    parted.name, names, names, parted.name || '_other', parted.key, parted.key)
                USING low, high;
                EXECUTE format('DELETE FROM %I WHERE %I >= $1 AND %I < $2',
                    parted.name || '_other', parted.key, parted.key) USING low, high;
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT',
                    parted.name, parted.name || '_other');
            END IF;
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- The role that services take on for one organisation: no owner, so row-level security binds it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sightline_app') THEN
        BEGIN
            CREATE ROLE sightline_app NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- Another database of this server made it at the same moment.
        END;
    END IF;
    EXECUTE format('GRANT sightline_app TO %I', current_user);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO sightline_app', current_schema());
END
$$;

-- Show a table's rows to their organisation alone, and let sightline_app do so much with them.
CREATE FUNCTION sightline_protect(guarded text, granted text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format(
        'CREATE POLICY tenant ON %I TO sightline_app '
        'USING (organisation_id = sightline_organisation()) '
        'WITH CHECK (organisation_id = sightline_organisation())', guarded);
    EXECUTE format('GRANT %s ON %I TO sightline_app', granted, guarded);
END
$$;

SELECT sightline_protect(name, granted) FROM (VALUES
    ('organisations', 'SELECT, UPDATE'),
    ('sites', 'SELECT, UPDATE'),
    ('cameras', 'SELECT, UPDATE'),
    ('camera_groups', 'SELECT, INSERT, UPDATE, DELETE'),
    ('camera_group_members', 'SELECT, INSERT, UPDATE, DELETE'),
    ('events', 'SELECT, UPDATE'),
    ('event_changes', 'SELECT'),
    ('verdicts', 'SELECT'),
    ('counts', 'SELECT'),
    ('health', 'SELECT'),
    ('receipts', 'SELECT'),
    ('evidence', 'SELECT')
) AS guarded (name, granted);
-- An id and a time; whoever asks for the event itself meets the policy of its table.
GRANT SELECT ON event_places TO sightline_app;
