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
CREATE TRIGGER a_own BEFORE INSERT ON tracks FOR EACH ROW EXECUTE FUNCTION sightline_own();
SELECT sightline_protect('tracks', 'SELECT');
