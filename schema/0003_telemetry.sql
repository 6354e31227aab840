-- Tables of readings: one per class, partitioned by day of row time, chunks made on demand.
-- Classes come from the configuration, so their tables are made by telemetry.ensure_class at
-- migrate; the writer owns nothing and calls telemetry.ensure_chunk before a batch.

SET LOCAL ROLE wallwatch_owner;

ALTER DEFAULT PRIVILEGES IN SCHEMA telemetry GRANT INSERT ON TABLES TO wallwatch_writer;

-- Makes the table of a class, or adds the columns that are new. Columns are never dropped, their
-- types never changed. fields: [{"name", "type": "number" or "text", "comment"}, ...].
-- Returns what was done, one line each.
CREATE FUNCTION telemetry.ensure_class(class text, title text, fields jsonb)
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
            ) PARTITION BY RANGE (time);
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
            $sql$, class);
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
COMMENT ON FUNCTION telemetry.ensure_class IS 'makes or widens the table of a class / 建立或扩展一类设备的表';

-- The chunk that holds rows of that time exists when this returns. Own transaction, never inside a
-- batch: ATTACH locks. Two lanes may race: the second waits on the advisory lock and finds it.
-- Times before 400 days ago or after the day after tomorrow are refused: nobody believes them, and
-- a clock that jumps must not fill the catalogue.
CREATE FUNCTION telemetry.ensure_chunk(class text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    day date := (at AT TIME ZONE 'UTC')::date;
    parent regclass := to_regclass(format('telemetry.%I', class));
    chunk text := format('%s_p%s', class, to_char(day, 'YYYYMMDD'));
    full_name text := format('telemetry.%I', chunk);
BEGIN
    IF parent IS NULL OR NOT EXISTS (SELECT 1 FROM pg_partitioned_table WHERE partrelid = parent) THEN
        RAISE EXCEPTION 'class ''%'' has no table', class
            USING ERRCODE = 'undefined_table', HINT = 'run wallwatch migrate';
    END IF;
    IF EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = parent AND inhrelid = to_regclass(full_name)) THEN
        RETURN false;
    END IF;
    IF at < now() - interval '400 days' OR at > now() + interval '2 days' THEN
        RAISE EXCEPTION 'class ''%'': % is not a believable row time', class, at
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(full_name, 0));
    IF EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = parent AND inhrelid = to_regclass(full_name)) THEN
        RETURN false;
    END IF;
    IF to_regclass(full_name) IS NULL THEN
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', full_name, parent);
        EXECUTE format('CREATE INDEX ON %s (device, part, time)', full_name);
        EXECUTE format('CREATE INDEX ON %s USING brin (time) WITH (autosummarize = on)', full_name);
        EXECUTE format('COMMENT ON TABLE %s IS %L', full_name, 'chunk of one UTC day / 一天（UTC）的分区');
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, full_name,
        day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    RETURN true;
END
$$;
COMMENT ON FUNCTION telemetry.ensure_chunk IS 'makes the chunk for rows of that time / 为该时间建立分区';

-- Every class table, for tools that go through all of them.
CREATE VIEW telemetry.class AS
SELECT c.relname::text AS class, obj_description(c.oid) AS title
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'telemetry' AND c.relkind = 'p';
COMMENT ON VIEW telemetry.class IS 'the class tables / 各类设备的表';

GRANT EXECUTE ON FUNCTION telemetry.ensure_chunk TO wallwatch_writer;
