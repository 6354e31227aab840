-- The two drivers behind the same tables: plain PostgreSQL with native partitions, and TimescaleDB, where the
-- tables of readings are hypertables. Chosen once, at the first migrate, written down in ops.setting.
--
-- Chunks have the same names and bounds on both, and are in ops.chunk: who reads, writes, rolls up or counts cannot
-- tell the drivers apart. Roll-ups are partitioned natively on both. What differs is here: how a class's table and a
-- chunk are made, how a chunk is made small (compress_chunk, where the edition has it) and how it goes (drop_chunks).

SET LOCAL ROLE wallwatch_owner;

CREATE FUNCTION ops.driver() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT value FROM ops.setting WHERE key = 'driver' $$;
COMMENT ON FUNCTION ops.driver IS 'plain or timescale / 存储驱动';

-- The schema that the extension's functions are in.
CREATE FUNCTION ops.timescale() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb' $$;
COMMENT ON FUNCTION ops.timescale IS 'schema of the timescaledb extension, NULL: not there / timescaledb 扩展所在模式';

-- What the driver and its edition can do, for people.
CREATE FUNCTION ops.can_pack() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ops.driver() = 'plain' OR current_setting('timescaledb.license', true) = 'timescale' $$;
COMMENT ON FUNCTION ops.can_pack IS 'false: the Apache edition of TimescaleDB, which has no compression / 是否支持压缩';

CREATE VIEW ops.storage_driver AS
SELECT ops.driver() AS driver, (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb' AND ops.driver() = 'timescale') AS version,
    CASE WHEN ops.driver() = 'timescale' THEN current_setting('timescaledb.license', true) END AS license, ops.can_pack() AS packs;
COMMENT ON VIEW ops.storage_driver IS 'driver, version and license of the extension, whether old chunks are made small / 驱动、扩展版本与许可、能否压缩';
COMMENT ON COLUMN ops.storage_driver.driver IS 'plain or timescale / 驱动';
COMMENT ON COLUMN ops.storage_driver.version IS 'of the extension, NULL on plain / 扩展版本';
COMMENT ON COLUMN ops.storage_driver.license IS 'timescale: with compression; apache: without / 许可证';
COMMENT ON COLUMN ops.storage_driver.packs IS 'whether old chunks are made small / 能否压缩旧分区';

-- The classes are those that are rolled up; their tables are partitioned or hypertables.
CREATE OR REPLACE VIEW telemetry.class AS
SELECT c.relname::text AS class, obj_description(c.oid) AS title
FROM rollup.class r JOIN pg_class c ON c.relname = r.class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'telemetry' AND c.relkind IN ('p', 'r');

-- Called by migrate, as the user who migrates: the extension is made by who may. wanted: NULL, the choice is ours.
CREATE FUNCTION ops.choose_driver(wanted text)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    have text := ops.driver();
    there boolean := EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb');
    chosen text := wanted;
BEGIN
    IF wanted NOT IN ('plain', 'timescale') THEN
        RAISE EXCEPTION 'driver ''%'' is not known, allowed are plain and timescale', wanted USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM ops.setting WHERE key = 'driver_chosen') OR EXISTS (SELECT FROM rollup.class) THEN
        IF wanted <> have THEN
            RAISE EXCEPTION 'the driver of this database is ''%'', chosen at its first migrate, and cannot become ''%''', have, wanted
                USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Leave --driver away; another driver needs a new database, filled from the journals or by a dump of the rows.';
        END IF;
        RETURN;
    END IF;
    IF chosen IS NULL THEN
        chosen := CASE WHEN there THEN 'timescale' ELSE 'plain' END;
        -- CREATE EXTENSION would end the connection
        IF there AND ops.timescale() IS NULL AND current_setting('shared_preload_libraries') !~ 'timescaledb' THEN
            RAISE EXCEPTION 'timescaledb is installed on this server and not loaded'
                USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Put timescaledb into shared_preload_libraries and restart it, or say --driver plain; the choice is for good.';
        END IF;
    ELSIF chosen = 'timescale' AND NOT there THEN
        RAISE EXCEPTION 'driver ''timescale'': the extension timescaledb is not installed on this server'
            USING ERRCODE = 'undefined_file', HINT = 'Install it, or say --driver plain.';
    END IF;
    IF chosen = 'timescale' THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public;
    END IF;
    UPDATE ops.setting SET value = chosen WHERE key = 'driver';
    INSERT INTO ops.setting VALUES ('driver_chosen', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
    RETURN NEXT format('driver %s chosen%s', chosen, CASE WHEN wanted IS NULL AND NOT there THEN ': timescaledb is not installed on this server' ELSE '' END);
END
$$;
COMMENT ON FUNCTION ops.choose_driver IS 'the driver, once / 选定存储驱动，仅一次';
COMMENT ON COLUMN ops.setting.key IS 'driver: plain or timescale; driver_chosen: when / 驱动：plain 或 timescale；driver_chosen：选定时间';

-- The same function on both drivers, also beside the extension's: weeks begin on Monday, months on the first.
CREATE FUNCTION telemetry.time_bucket(width interval, at timestamptz)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT CASE WHEN extract(month FROM width) = 0 AND extract(year FROM width) = 0
        THEN date_bin(width, at, timestamptz '2000-01-03 00:00:00+00')
        ELSE (timestamp '2000-01-01' + (floor(((extract(year FROM at AT TIME ZONE 'UTC') - 2000) * 12 + extract(month FROM at AT TIME ZONE 'UTC') - 1)
            / m.n) * m.n)::integer * interval '1 month') AT TIME ZONE 'UTC' END
    FROM (SELECT (extract(year FROM width) * 12 + extract(month FROM width))::integer AS n) AS m
$$;
COMMENT ON FUNCTION telemetry.time_bucket IS 'begin of the bucket that holds a time, UTC; as TimescaleDB''s / 时间所在时段的起点（UTC）';
GRANT EXECUTE ON FUNCTION telemetry.time_bucket, ops.driver, ops.timescale, ops.can_pack TO wallwatch_writer, wallwatch_reader, wallwatch_console;
GRANT SELECT ON ops.storage_driver TO wallwatch_writer, wallwatch_reader, wallwatch_console;

-- A class's table becomes a hypertable while it is empty and new. Called by telemetry.ensure_class.
CREATE FUNCTION ops.make_hypertable(of_class text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent text := format('telemetry.%I', of_class);
BEGIN
    EXECUTE format('SELECT %s.create_hypertable(%L::regclass, ''time''::name, chunk_time_interval => interval ''1 day'', '
        'create_default_indexes => false, if_not_exists => true)', ops.timescale(), parent);
    EXECUTE format('CREATE INDEX ON %s (device, part, time)', parent);
    EXECUTE format('CREATE INDEX ON %s USING brin (time) WITH (autosummarize = on)', parent);
    IF ops.can_pack() THEN
        EXECUTE format('ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = ''device, part'', '
            'timescaledb.compress_orderby = ''time'')', parent);
    END IF;
END
$$;
COMMENT ON FUNCTION ops.make_hypertable IS 'makes a hypertable of an empty table / 将空表转为超表';

-- One chunk of readings. On timescale by the extension's own function, under our name and bounds.
CREATE OR REPLACE FUNCTION ops.make_chunk(of_class text, parent regclass, low timestamptz, high timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own text := of_class || '_p' || to_char(low AT TIME ZONE 'UTC', CASE WHEN high - low < interval '1 day' THEN 'YYYYMMDDHH24' ELSE 'YYYYMMDD' END);
    name text := format('telemetry.%I', own);
BEGIN
    IF ops.driver() = 'timescale' THEN
        EXECUTE 'SELECT _timescaledb_functions.create_chunk($1, $2, ''telemetry'', $3)' USING parent,
            jsonb_build_object('time', jsonb_build_array((extract(epoch FROM low) * 1000000)::bigint, (extract(epoch FROM high) * 1000000)::bigint)), own;
    ELSE
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', name, parent);
            EXECUTE format('CREATE INDEX ON %s (device, part, time)', name);
            EXECUTE format('CREATE INDEX ON %s USING brin (time) WITH (autosummarize = on)', name);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, name, low, high);
    END IF;
    EXECUTE format('COMMENT ON TABLE %s IS %L', name, format('chunk from %s on / 分区', low));
    INSERT INTO ops.chunk (class, level, name, low, high) VALUES (of_class, 'reading', name, low, high);
END
$$;

CREATE OR REPLACE FUNCTION telemetry.ensure_class(class text, title text, fields jsonb)
RETURNS SETOF text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
    want text;
    have text;
    reserved CONSTANT text[] := ARRAY['device', 'part', 'time', 'received', 'committed', 'src', 'pos',
        'boot', 'sequence', 'idx', 'config', 'suspect', 'server_time', 'under_test'];
BEGIN
    IF class !~ '^[a-z][a-z0-9_]{0,39}$' THEN
        RAISE EXCEPTION 'class ''%'': the name is not one of a table, allowed are up to 40 of a-z, 0-9 and _', class
            USING ERRCODE = 'invalid_name';
    END IF;
    IF to_regclass(format('telemetry.%I', class)) IS NULL THEN
        EXECUTE format($sql$
            CREATE TABLE telemetry.%1$I (
                device      bigint      NOT NULL,
                time        timestamptz NOT NULL,
                received    timestamptz NOT NULL,
                committed   timestamptz NOT NULL DEFAULT clock_timestamp(),
                pos         bigint      NOT NULL,
                boot        bigint,
                sequence    bigint,
                src         integer     NOT NULL,
                config      integer     NOT NULL,
                idx         smallint    NOT NULL,
                suspect     smallint    NOT NULL,
                server_time boolean     NOT NULL,
                under_test  boolean     NOT NULL,
                part        text        NOT NULL
            ) %2$s;
            COMMENT ON COLUMN telemetry.%1$I.device IS 'key of the device, see ops.seen / 设备键';
            COMMENT ON COLUMN telemetry.%1$I.time IS 'the device''s time where believable, else received / 设备时间，不可信时为接收时间';
            COMMENT ON COLUMN telemetry.%1$I.received IS 'when the message was received / 消息接收时间';
            COMMENT ON COLUMN telemetry.%1$I.committed IS 'when the row was stored / 写入时间';
            COMMENT ON COLUMN telemetry.%1$I.pos IS 'position of the record in its journal / 日志中的位置';
            COMMENT ON COLUMN telemetry.%1$I.boot IS 'number of the device''s start, if it tells / 设备启动序号';
            COMMENT ON COLUMN telemetry.%1$I.sequence IS 'number of the message since that start, if it tells / 启动后的消息序号';
            COMMENT ON COLUMN telemetry.%1$I.src IS 'journal, see ops.journal / 来源编号';
            COMMENT ON COLUMN telemetry.%1$I.config IS 'configuration version / 配置版本';
            COMMENT ON COLUMN telemetry.%1$I.idx IS 'number within the record / 记录内序号';
            COMMENT ON COLUMN telemetry.%1$I.suspect IS 'sum of 1 retained, 2 check, 4 identity, 8 sequence, 16 late / 可疑原因之和：1 保留消息 2 校验 4 身份 8 序号 16 迟到';
            COMMENT ON COLUMN telemetry.%1$I.server_time IS 'time is received / 时间取自接收时间';
            COMMENT ON COLUMN telemetry.%1$I.under_test IS 'the device says that it is under test or inspection / 设备自报检修或测试';
            COMMENT ON COLUMN telemetry.%1$I.part IS 'part of the device, empty: the device itself / 部件，空为设备本身'
            $sql$, class, CASE ops.driver() WHEN 'plain' THEN 'PARTITION BY RANGE (time)' ELSE '' END);
        IF ops.driver() = 'timescale' THEN
            PERFORM ops.make_hypertable(class);
        END IF;
        RETURN NEXT format('table telemetry.%I made', class);
    END IF;
    EXECUTE format('COMMENT ON TABLE telemetry.%I IS %L', class, title);
    FOR f IN SELECT * FROM jsonb_to_recordset(fields) AS x(name text, type text, comment text)
    LOOP
        IF f.name = ANY (reserved) THEN
            RAISE EXCEPTION 'class ''%'': field ''%'' has the name of a column that every table has', class, f.name
                USING ERRCODE = 'duplicate_column', HINT = 'give the field another name';
        END IF;
        want := CASE f.type WHEN 'text' THEN 'text' ELSE 'double precision' END;
        SELECT format_type(a.atttypid, a.atttypmod) INTO have FROM pg_attribute a
            WHERE a.attrelid = format('telemetry.%I', class)::regclass AND a.attname = f.name
            AND NOT a.attisdropped;
        IF NOT FOUND THEN
            EXECUTE format('ALTER TABLE telemetry.%I ADD COLUMN %I %s', class, f.name, want);
            RETURN NEXT format('column telemetry.%I.%I added', class, f.name);
        ELSIF have <> want THEN
            RAISE EXCEPTION 'class ''%'': field ''%'' is % in the database and would be % now', class, f.name, have, want
                USING ERRCODE = 'datatype_mismatch', HINT = 'give the field of the new type another name; columns keep their type';
        END IF;
        EXECUTE format('COMMENT ON COLUMN telemetry.%I.%I IS %L', class, f.name, f.comment);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION telemetry.ensure_chunk(class text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    of_class CONSTANT text := ensure_chunk.class;
    day timestamptz := date_trunc('day', at, 'UTC');
    parent regclass := to_regclass(format('telemetry.%I', of_class));
    wide interval;
    begins timestamptz := day;
    made boolean := false;
BEGIN
    IF parent IS NULL OR NOT EXISTS (SELECT FROM telemetry.class k WHERE k.class = of_class) THEN
        RAISE EXCEPTION 'class ''%'' has no table', of_class
            USING ERRCODE = 'undefined_table', HINT = 'run wallwatch migrate';
    END IF;
    IF ops.covered(of_class, parent, day) THEN
        RETURN false;
    END IF;
    IF at < now() - interval '400 days' OR at > now() + interval '2 days' THEN
        RAISE EXCEPTION 'class ''%'': % is not a believable row time', of_class, at
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('wallwatch chunk ' || of_class, 0));
    -- somebody dropped it by hand: its name is free again
    UPDATE ops.chunk c SET state = 'dropped', why = 'found missing', changed = clock_timestamp()
        WHERE c.class = of_class AND c.level = 'reading' AND c.low < day + interval '1 day' AND c.high > day
        AND c.state NOT IN ('dropped', 'detached') AND to_regclass(c.name) IS NULL;
    SELECT p.width INTO wide FROM ops.policy p WHERE p.class = of_class AND p.level = 'reading';
    IF wide > interval '1 day' THEN
        begins := date_bin(wide, day, timestamptz '2024-01-01 00:00:00+00'); -- a Monday
        IF EXISTS (SELECT FROM ops.chunk c WHERE c.class = of_class AND c.level = 'reading' AND c.state NOT IN ('detached', 'dropped')
            AND c.low < begins + wide AND c.high > begins) THEN
            wide := interval '1 day';
            begins := day;
        END IF;
    END IF;
    wide := coalesce(wide, interval '1 day');
    FOR begins IN SELECT generate_series(begins, greatest(begins + wide, day + interval '1 day') - wide, wide)
    LOOP
        IF NOT EXISTS (SELECT FROM ops.chunk c WHERE c.class = of_class AND c.level = 'reading' AND c.state NOT IN ('detached', 'dropped')
            AND c.low < begins + wide AND c.high > begins) THEN
            PERFORM ops.make_chunk(of_class, parent, begins, begins + wide);
            made := true;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

-- How a chunk goes and is made small on timescale. Both are one step here: the extension has no state in between.
CREATE FUNCTION ops.chunk_bytes(chunk regclass)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    packed bigint;
BEGIN
    IF ops.driver() = 'timescale' THEN
        EXECUTE 'SELECT pg_total_relation_size(format(''%I.%I'', p.schema_name, p.table_name)::regclass) FROM _timescaledb_catalog.chunk o '
            'JOIN _timescaledb_catalog.chunk p ON p.id = o.compressed_chunk_id WHERE format(''%I.%I'', o.schema_name, o.table_name)::regclass = $1'
            INTO packed USING chunk;
    END IF;
    RETURN pg_total_relation_size(chunk) + coalesce(packed, 0);
END
$$;
COMMENT ON FUNCTION ops.chunk_bytes IS 'all that a chunk takes, with its packed rows on timescale / 分区占用的全部空间';
GRANT EXECUTE ON FUNCTION ops.chunk_bytes TO wallwatch_writer, wallwatch_reader, wallwatch_console;

-- Chunks that the extension made by itself, for rows that somebody inserted without ensure_chunk.
CREATE FUNCTION ops.adopt_chunks()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n bigint := 0;
BEGIN
    IF ops.driver() = 'timescale' THEN
        EXECUTE 'INSERT INTO ops.chunk (class, level, name, low, high) '
            'SELECT t.hypertable_name, ''reading'', format(''%I.%I'', t.chunk_schema, t.chunk_name), t.range_start, t.range_end '
            'FROM timescaledb_information.chunks t WHERE t.hypertable_schema = ''telemetry'' AND NOT EXISTS (SELECT FROM ops.chunk c '
            'WHERE c.name = format(''%I.%I'', t.chunk_schema, t.chunk_name) AND c.state <> ''dropped'')';
        GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION ops.adopt_chunks IS 'lists chunks that the extension made by itself / 登记扩展自建的分区';

CREATE FUNCTION ops.timescale_pack(c ops.chunk)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n bigint;
    size bigint := ops.chunk_bytes(c.name::regclass);
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', c.name) INTO n;
    EXECUTE format('SELECT %s.compress_chunk(%L::regclass)', ops.timescale(), c.name);
    UPDATE ops.chunk o SET rows = n, bytes = size WHERE o.chunk = c.chunk;
    PERFORM ops.set_state(c.chunk, 'packed');
    RETURN format('%s packed: %s rows, %s -> %s bytes', c.name, n, size, ops.chunk_bytes(c.name::regclass));
END
$$;
COMMENT ON FUNCTION ops.timescale_pack IS 'compresses a chunk by the extension / 由扩展压缩分区';

CREATE OR REPLACE FUNCTION ops.keep_step()
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '200ms'
AS $$
DECLARE
    c ops.chunk;
    of_class text;
    n bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('wallwatch keep', 0)) THEN
        RETURN NULL;
    END IF;
    FOR of_class IN SELECT k.class FROM telemetry.class k JOIN ops.policy p ON p.class = k.class AND p.level = 'reading' ORDER BY 1
    LOOP
        IF telemetry.ensure_chunk(of_class, now() + interval '1 day') OR telemetry.ensure_chunk(of_class, now()) THEN
            RETURN format('chunk of %s made ahead', of_class);
        END IF;
    END LOOP;
    PERFORM ops.adopt_chunks();
    n := ops.fold_batches();
    IF n > 0 THEN
        RETURN format('%s batches folded', n);
    END IF;
    SELECT * INTO c FROM ops.chunk WHERE state = 'detached' ORDER BY low, chunk LIMIT 1;
    IF FOUND THEN
        RETURN ops.drop_detached(c);
    END IF;
    SELECT k.* INTO c FROM ops.chunk k JOIN ops.policy p USING (class, level)
        WHERE k.state <> 'dropped' AND k.high < now() - p.keep AND to_regclass(k.name) IS NOT NULL
        AND NOT EXISTS (SELECT FROM ops.touched t WHERE t.class = k.class AND t.time >= k.low AND t.time < k.high)
        ORDER BY k.low, k.chunk LIMIT 1;
    IF FOUND THEN
        IF c.level = 'reading' AND ops.driver() = 'timescale' THEN
            UPDATE ops.chunk o SET why = 'policy' WHERE o.chunk = c.chunk;
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', c.name);
            RETURN ops.drop_detached(c);
        END IF;
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', CASE c.level WHEN 'reading' THEN format('telemetry.%I', c.class)
            ELSE format('rollup.%I', c.class || '_' || c.level) END, c.name);
        EXECUTE format('DROP TABLE IF EXISTS %s', c.name || '_packed');
        -- a device that comes back after months gets a new chunk of that name
        EXECUTE format('ALTER TABLE %s RENAME TO %s', c.name, split_part(c.name, '.', 2) || '_gone' || c.chunk);
        UPDATE ops.chunk o SET why = 'policy', name = c.name || '_gone' || c.chunk WHERE o.chunk = c.chunk;
        PERFORM ops.set_state(c.chunk, 'detached');
        RETURN format('%s detached', c.name);
    END IF;
    SELECT * INTO c FROM ops.chunk WHERE state IN ('packing', 'copied') AND to_regclass(name) IS NOT NULL ORDER BY low, chunk LIMIT 1;
    IF FOUND THEN
        IF c.state = 'copied' THEN
            RETURN ops.pack_swap(c);
        END IF;
        PERFORM ops.pack_copy(c);
        PERFORM ops.set_state(c.chunk, 'copied');
        RETURN format('%s copied', c.name);
    END IF;
    SELECT k.* INTO c FROM ops.chunk k JOIN ops.policy p USING (class, level)
        WHERE k.state = 'made' AND k.level = 'reading' AND ops.can_pack() AND k.high < now() - p.pack AND to_regclass(k.name) IS NOT NULL
        AND (k.changed IS NULL OR k.changed < now() - interval '1 hour')
        AND NOT EXISTS (SELECT FROM ops.touched t WHERE t.class = k.class AND t.time >= k.low AND t.time < k.high)
        ORDER BY k.low, k.chunk LIMIT 1;
    IF FOUND THEN
        IF ops.driver() = 'timescale' THEN
            RETURN ops.timescale_pack(c);
        END IF;
        -- Waits for who writes to it now; whoever writes from now on is noted.
        EXECUTE format('CREATE OR REPLACE TRIGGER late AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION ops.note_late()', c.name);
        PERFORM ops.set_state(c.chunk, 'packing');
        RETURN format('%s is packed', c.name);
    END IF;
    PERFORM ops.measure_width();
    RETURN NULL;
END
$$;

CREATE OR REPLACE VIEW ops.storage_plan AS
SELECT c.class, c.level, c.name, c.low, c.high, x.what, x.due, ops.chunk_bytes(to_regclass(c.name)) AS bytes,
    (SELECT greatest(k.reltuples, 0)::bigint FROM pg_class k WHERE k.oid = to_regclass(c.name)) AS rows
FROM ops.chunk c JOIN ops.policy p USING (class, level),
    LATERAL (VALUES ('drop', c.high + p.keep), ('pack', CASE WHEN c.state IN ('made', 'packing', 'copied') AND ops.can_pack() AND p.pack < p.keep THEN c.high + p.pack END)) AS x(what, due)
WHERE c.state <> 'dropped' AND x.due IS NOT NULL AND to_regclass(c.name) IS NOT NULL;

CREATE OR REPLACE VIEW ops.storage_age AS
SELECT class, age, count(*) AS chunks, sum(bytes)::bigint AS bytes, sum(rows)::bigint AS rows FROM (
    SELECT c.class, CASE WHEN c.state = 'packed' THEN 'packed' WHEN c.high > now() - interval '7 days' THEN 'fresh' ELSE 'old' END AS age,
        ops.chunk_bytes(to_regclass(c.name)) AS bytes,
        (SELECT greatest(k.reltuples, 0) FROM pg_class k WHERE k.oid = to_regclass(c.name)) AS rows
    FROM ops.chunk c WHERE c.level = 'reading' AND c.state NOT IN ('detached', 'dropped') AND to_regclass(c.name) IS NOT NULL) AS t
GROUP BY class, age;

-- Table bytes with texts stored apart and with what the extension has packed.
CREATE OR REPLACE VIEW ops.storage AS
WITH parents AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS relation
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'rollup' AND c.relkind = 'p' OR n.nspname = 'telemetry' AND c.relname IN (SELECT class FROM telemetry.class)
), chunks AS (
    SELECT p.schema, p.relation, i.inhrelid AS oid FROM parents p LEFT JOIN pg_inherits i ON i.inhparent = p.oid
)
SELECT CASE schema WHEN 'telemetry' THEN relation::text ELSE regexp_replace(relation::text, '_(minute|hour|day)$', '') END AS class,
    CASE schema WHEN 'telemetry' THEN 'reading' ELSE substring(relation::text FROM '_(minute|hour|day)$') END AS level,
    count(oid) AS chunks,
    coalesce(sum(ops.chunk_bytes(oid) - pg_indexes_size(oid)), 0)::bigint AS table_bytes,
    coalesce(sum(pg_indexes_size(oid)), 0)::bigint AS index_bytes,
    coalesce(sum((SELECT greatest(c.reltuples, 0) FROM pg_class c WHERE c.oid = chunks.oid)), 0)::bigint AS rows
FROM chunks GROUP BY schema, relation;
