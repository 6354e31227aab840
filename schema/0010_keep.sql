-- How long rows are kept, and how old chunks are made small; all of it by the keeper of a lane, a step at a time.
--
-- ops.chunk is the list of all chunks. A chunk of readings lives like this:
--
--     made -> (older than `pack`) packing -> copied -> packed -> (older than `keep`) detached -> dropped
--
-- A packed chunk is the same rows again, by device, part and time, columns in order of their alignment, texts by lz4,
-- and two small BRIN indexes in place of the B-tree: rows of one device lie together. While it is copied a trigger on
-- the old chunk notes whether a late row came; then the copy is thrown away and made again later. So nobody waits for it.
--
-- What goes by policy is counted by batch (ops.dropped) in the transaction that drops it: audit still balances.

SET LOCAL ROLE wallwatch_owner;

CREATE TABLE ops.policy (
    class text     NOT NULL,
    level text     NOT NULL CHECK (level IN ('reading', 'minute', 'hour', 'day')),
    keep  interval NOT NULL CHECK (keep >= '1 day'),
    pack  interval,
    width interval NOT NULL DEFAULT '1 day',
    PRIMARY KEY (class, level)
);
COMMENT ON TABLE ops.policy IS 'how long rows are kept, from the class files by wallwatch migrate / 各类别各级别的保留策略，由 migrate 写入';
COMMENT ON COLUMN ops.policy.class IS 'class / 类别';
COMMENT ON COLUMN ops.policy.level IS 'reading, minute, hour or day / 级别';
COMMENT ON COLUMN ops.policy.keep IS 'a chunk goes when its end is older / 保留时长';
COMMENT ON COLUMN ops.policy.pack IS 'a chunk is made small when its end is older; NULL: never / 压缩前时长，空为不压缩';
COMMENT ON COLUMN ops.policy.width IS 'length of new chunks, from the measured rate / 新分区的时间跨度，按实测速率';

CREATE TABLE ops.chunk (
    chunk    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class    text        NOT NULL,
    level    text        NOT NULL,
    name     text        NOT NULL,
    low      timestamptz NOT NULL,
    high     timestamptz NOT NULL,
    made     timestamptz NOT NULL DEFAULT clock_timestamp(),
    state    text        NOT NULL DEFAULT 'made' CHECK (state IN ('made', 'packing', 'copied', 'packed', 'detached', 'dropped')),
    dirty    boolean     NOT NULL DEFAULT false,
    bytes    bigint,
    rows     bigint,
    changed  timestamptz,
    why      text
);
CREATE UNIQUE INDEX chunk_there ON ops.chunk (class, level, low) WHERE state NOT IN ('detached', 'dropped');
COMMENT ON TABLE ops.chunk IS 'every chunk that was ever made, and what became of it / 全部分区及其去向';
COMMENT ON COLUMN ops.chunk.chunk IS 'number / 编号';
COMMENT ON COLUMN ops.chunk.class IS 'class / 类别';
COMMENT ON COLUMN ops.chunk.level IS 'reading, minute, hour or day / 级别';
COMMENT ON COLUMN ops.chunk.name IS 'its table / 表名';
COMMENT ON COLUMN ops.chunk.low IS 'begin / 起始时间（含）';
COMMENT ON COLUMN ops.chunk.high IS 'end / 结束时间（不含）';
COMMENT ON COLUMN ops.chunk.made IS 'when it was made / 建立时间';
COMMENT ON COLUMN ops.chunk.state IS 'made, packing, copied, packed, detached or dropped / 状态';
COMMENT ON COLUMN ops.chunk.dirty IS 'a row came while it was copied / 复制期间有新行';
COMMENT ON COLUMN ops.chunk.bytes IS 'size before it was packed, or when it was dropped / 压缩前或删除时的字节数';
COMMENT ON COLUMN ops.chunk.rows IS 'rows when it was packed or dropped / 压缩或删除时的行数';
COMMENT ON COLUMN ops.chunk.changed IS 'when it came to that state / 状态变更时间';
COMMENT ON COLUMN ops.chunk.why IS 'dropped: by policy, or found missing / 删除原因';

CREATE TABLE ops.dropped (
    chunk  bigint  NOT NULL REFERENCES ops.chunk,
    src    integer NOT NULL,
    to_pos bigint  NOT NULL,
    rows   bigint  NOT NULL
);
CREATE INDEX dropped_src ON ops.dropped (src, to_pos);
COMMENT ON TABLE ops.dropped IS 'readings that went by policy, by batch: audit counts them / 按策略删除的读数，按批次记账';
COMMENT ON COLUMN ops.dropped.chunk IS 'chunk that they were in / 所在分区';
COMMENT ON COLUMN ops.dropped.src IS 'journal / 来源编号';
COMMENT ON COLUMN ops.dropped.to_pos IS 'where their batch ended then / 当时批次的结束位置';
COMMENT ON COLUMN ops.dropped.rows IS 'how many / 行数';

-- Old batches become one line an hour: what lies side by side only, so that a gap stays a gap.
ALTER TABLE ops.batch ADD COLUMN batches integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN ops.batch.batches IS 'so many transactions, folded into one line after three days / 折叠的批次数，三天后合并';
CREATE OR REPLACE VIEW ops.account AS
SELECT j.lane, b.src, date_trunc('hour', b.committed) AS hour, sum(b.batches)::bigint AS batches,
    sum(b.records) AS records, sum(b.stored) AS stored, sum(b.rejected) AS rejected,
    sum(b.duplicate) AS duplicate, sum(b.own) AS own, sum(b.shed) AS shed,
    sum(b.readings) AS readings, sum(b.rejects) AS rejects
FROM ops.batch b JOIN ops.journal j USING (src)
GROUP BY j.lane, b.src, date_trunc('hour', b.committed);

CREATE FUNCTION ops.fold_batches()
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH hour AS (
        SELECT src, date_trunc('hour', committed, 'UTC') AS at FROM ops.batch
        WHERE committed < date_trunc('hour', now(), 'UTC') - interval '3 days'
        GROUP BY 1, 2 HAVING count(*) > 1 AND bool_or(batches = 1) ORDER BY 2 LIMIT 12
    ), gone AS (
        DELETE FROM ops.batch b USING hour h
        WHERE b.src = h.src AND b.committed >= h.at AND b.committed < h.at + interval '1 hour' RETURNING b.*
    ), parted AS (
        SELECT *, from_pos IS DISTINCT FROM lag(to_pos) OVER (PARTITION BY src ORDER BY to_pos)
            OR date_trunc('hour', committed, 'UTC') IS DISTINCT FROM lag(date_trunc('hour', committed, 'UTC')) OVER (PARTITION BY src ORDER BY to_pos) AS first FROM gone
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE first) OVER (PARTITION BY src ORDER BY to_pos) AS piece FROM parted
    ), folded AS (
        INSERT INTO ops.batch (src, from_pos, to_pos, epoch, config, records, stored, rejected, duplicate, own, shed, readings, rejects, committed, batches)
        SELECT src, min(from_pos), max(to_pos), max(epoch), max(config), sum(records), sum(stored), sum(rejected), sum(duplicate), sum(own),
            sum(shed), sum(readings), sum(rejects), max(committed), sum(batches) FROM numbered GROUP BY src, piece RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM folded)
$$;
COMMENT ON FUNCTION ops.fold_batches IS 'makes one line an hour of old batches / 将旧批次按小时合并';

-- What is there already.
INSERT INTO ops.chunk (class, level, name, low, high)
SELECT CASE n.nspname WHEN 'telemetry' THEN p.relname::text ELSE regexp_replace(p.relname::text, '_(minute|hour|day)$', '') END,
    CASE n.nspname WHEN 'telemetry' THEN 'reading' ELSE substring(p.relname::text FROM '_(minute|hour|day)$') END,
    format('%I.%I', n.nspname, c.relname), b[1]::timestamptz, b[2]::timestamptz
FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = p.relnamespace,
    LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS b) AS x
WHERE n.nspname IN ('telemetry', 'rollup') AND p.relkind = 'p';

-- fields of keep: reading, minute, hour, day, pack, each in microseconds; pack 0: never.
CREATE FUNCTION ops.ensure_policy(of_class text, unused text, kept jsonb)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_level text;
    new_keep interval;
    new_pack interval;
    old ops.policy;
BEGIN
    FOREACH of_level IN ARRAY ARRAY['reading', 'minute', 'hour', 'day']
    LOOP
        new_keep := (kept->>of_level)::bigint * interval '1 microsecond';
        new_pack := CASE of_level WHEN 'reading' THEN nullif((kept->>'pack')::bigint, 0) * interval '1 microsecond' END;
        SELECT * INTO old FROM ops.policy p WHERE p.class = of_class AND p.level = of_level;
        IF old.keep IS DISTINCT FROM new_keep OR old.pack IS DISTINCT FROM new_pack THEN
            INSERT INTO ops.policy AS p (class, level, keep, pack) VALUES (of_class, of_level, new_keep, new_pack)
                ON CONFLICT (class, level) DO UPDATE SET keep = excluded.keep, pack = excluded.pack;
            RETURN NEXT format('policy of %s %s: kept %s days%s', of_class, of_level, round(extract(epoch FROM new_keep) / 86400, 1),
                CASE WHEN new_pack IS NULL THEN '' ELSE format(', packed after %s', round(extract(epoch FROM new_pack) / 86400, 1)) END);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ops.ensure_policy IS 'takes over the policy of a class / 写入一类设备的保留策略';

-- The chunks that hold rows of that UTC day exist when this returns; true: one was made. Own transaction, never
-- inside a batch. Two lanes may race: the second waits on the advisory lock. Times before 400 days ago or after
-- the day after tomorrow are refused: nobody believes them, and a clock that jumps must not fill the catalogue.
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
    IF parent IS NULL OR NOT EXISTS (SELECT 1 FROM pg_partitioned_table WHERE partrelid = parent) THEN
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

-- Is there a chunk for every hour of that UTC day?
CREATE FUNCTION ops.covered(of_class text, parent regclass, day timestamptz)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(sum(least(c.high, day + interval '1 day') - greatest(c.low, day)) = interval '1 day', false)
    FROM ops.chunk c JOIN pg_inherits i ON i.inhrelid = to_regclass(c.name) AND i.inhparent = parent
    WHERE c.class = of_class AND c.level = 'reading' AND c.state <> 'dropped' AND c.low < day + interval '1 day' AND c.high > day
$$;
COMMENT ON FUNCTION ops.covered IS 'whether chunks cover a day / 分区是否覆盖某天';

CREATE FUNCTION ops.make_chunk(of_class text, parent regclass, low timestamptz, high timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text := format('telemetry.%I', of_class || '_p' || to_char(low AT TIME ZONE 'UTC', CASE WHEN high - low < interval '1 day' THEN 'YYYYMMDDHH24' ELSE 'YYYYMMDD' END));
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', name, parent);
        EXECUTE format('CREATE INDEX ON %s (device, part, time)', name);
        EXECUTE format('CREATE INDEX ON %s USING brin (time) WITH (autosummarize = on)', name);
        EXECUTE format('COMMENT ON TABLE %s IS %L', name, format('chunk from %s on / 分区', low));
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, name, low, high);
    INSERT INTO ops.chunk (class, level, name, low, high) VALUES (of_class, 'reading', name, low, high);
END
$$;
COMMENT ON FUNCTION ops.make_chunk IS 'makes one chunk of readings / 建立一个读数分区';

CREATE OR REPLACE FUNCTION rollup.ensure_chunk(of_class text, level text, at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    unit text := CASE level WHEN 'minute' THEN 'day' WHEN 'hour' THEN 'month' ELSE 'year' END;
    low timestamp := date_trunc(unit, at AT TIME ZONE 'UTC');
    parent text := format('rollup.%I', of_class || '_' || level);
    of_chunk text := format('rollup.%I', of_class || '_' || level || '_p' || to_char(low, 'YYYYMMDD'));
BEGIN
    IF to_regclass(of_chunk) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', of_chunk, parent,
        low::text || '+00', (low + ('1 ' || unit)::interval)::text || '+00');
    EXECUTE format('COMMENT ON TABLE %s IS %L', of_chunk, 'chunk of one ' || unit || ' (UTC) / 分区');
    UPDATE ops.chunk c SET state = 'dropped', why = 'found missing', changed = clock_timestamp()
        WHERE c.name = of_chunk AND c.state NOT IN ('dropped', 'detached');
    INSERT INTO ops.chunk (class, level, name, low, high)
        VALUES (of_class, ensure_chunk.level, of_chunk, low AT TIME ZONE 'UTC', (low + ('1 ' || unit)::interval) AT TIME ZONE 'UTC');
END
$$;

-- A bucket whose readings went by policy is never computed again: the little that came late would replace what was there.
ALTER FUNCTION rollup.compute(text, text, timestamptz, bigint) RENAME TO compute_anew;
CREATE FUNCTION rollup.compute(of_class text, level text, low timestamptz, of_device bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ops.chunk c WHERE c.class = of_class AND c.state IN ('detached', 'dropped') AND c.why = 'policy'
        AND c.level = CASE compute.level WHEN 'day' THEN 'hour' ELSE 'reading' END
        AND c.low < compute.low + rollup.width(compute.level) AND c.high > compute.low) THEN
        PERFORM rollup.compute_anew(of_class, level, low, of_device);
    END IF;
END
$$;
COMMENT ON FUNCTION rollup.compute IS 'one bucket anew, if its readings are all there / 重新计算一个时段';
COMMENT ON FUNCTION rollup.compute_anew IS 'one bucket anew / 重新计算一个时段';

-- A class without states has none: no row, so NULL.
CREATE OR REPLACE FUNCTION rollup.states_sql(of_class text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format($sql$
        said AS (
            SELECT r.device, r.part, r.time, v.field, v.value
            FROM telemetry.%1$I r, LATERAL (VALUES %2$s) AS v(field, value)
            WHERE r.time >= $1 - 3 * $4 AND r.time < $2 AND ($3 IS NULL OR r.device = $3) AND v.value IS NOT NULL
        ), spans AS (
            SELECT device, part, field, value, time,
                least(lead(time) OVER w, time + 3 * $4, $2) AS until, lag(value) OVER w AS before
            FROM said WINDOW w AS (PARTITION BY device, part, field ORDER BY time)
        ), held AS (
            SELECT device, part, field, value,
                round(sum(extract(epoch FROM until - greatest(time, $1)))::numeric, 3) AS seconds,
                count(*) FILTER (WHERE time >= $1 AND value IS DISTINCT FROM before) AS entries
            FROM spans WHERE until > $1 GROUP BY 1, 2, 3, 4
        ), states AS (
            SELECT device, part, jsonb_object_agg(field, by_value) AS states FROM (
                SELECT device, part, field, jsonb_object_agg(value::text, jsonb_build_array(seconds, entries)) AS by_value
                FROM held GROUP BY 1, 2, 3) AS f
            GROUP BY 1, 2
        )$sql$, of_class, string_agg(format('(%L, r.%I)', field, field), ', ' ORDER BY field))
    FROM rollup.field WHERE class = of_class AND kind = 'state' HAVING count(*) > 0
$$;

-- Rows of detached chunks count until they are dropped and booked.
CREATE OR REPLACE FUNCTION ops.over_classes(columns text, condition text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(format('SELECT %L::text AS class, %s FROM %s WHERE %s', class, columns,
        name, condition), ' UNION ALL ' ORDER BY class, name),
        format('SELECT NULL::text AS class, %s FROM ops.reject WHERE false',
            'NULL::bigint AS device, NULL::bigint AS pos, NULL::smallint AS idx, NULL::integer AS src, '
            'NULL::bigint AS boot, NULL::bigint AS sequence'))
    FROM (SELECT class, format('telemetry.%I', class) AS name FROM telemetry.class
        UNION ALL SELECT class, name FROM ops.chunk WHERE level = 'reading' AND state = 'detached' AND to_regclass(name) IS NOT NULL) AS t
$$;

CREATE OR REPLACE FUNCTION ops.audit_changes(of_src integer)
RETURNS TABLE (what text, pos bigint, n bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.what, r.to_pos, x.n FROM ops.rerun r, LATERAL (VALUES ('readings', r.readings::bigint),
        ('rejects', r.added - r.turned), ('reruns', r.turned)) AS x(what, n)
    WHERE r.src = of_src AND x.n <> 0
    UNION ALL SELECT 'readings', d.to_pos, -d.rows FROM ops.dropped d WHERE d.src = of_src
$$;

-- What wallwatch audit says besides: rejects that became readings, readings that went by policy.
CREATE VIEW ops.afterwards AS
SELECT j.lane, coalesce(r.records, 0) AS rerun_records, coalesce(r.readings, 0) AS rerun_readings, coalesce(d.rows, 0) AS dropped_readings
FROM (SELECT lane, array_agg(src) AS srcs FROM ops.journal GROUP BY lane) j,
    LATERAL (SELECT sum(records) AS records, sum(readings) AS readings FROM ops.rerun WHERE src = ANY (j.srcs)) r,
    LATERAL (SELECT sum(rows) AS rows FROM ops.dropped WHERE src = ANY (j.srcs)) d;
COMMENT ON VIEW ops.afterwards IS 'what changed the rows of a lane after their batches / 入库之后的变动：重跑与按策略删除';

-- What would go or be packed, and when.
CREATE VIEW ops.storage_plan AS
SELECT c.class, c.level, c.name, c.low, c.high, x.what, x.due, pg_total_relation_size(to_regclass(c.name)) AS bytes,
    (SELECT greatest(k.reltuples, 0)::bigint FROM pg_class k WHERE k.oid = to_regclass(c.name)) AS rows
FROM ops.chunk c JOIN ops.policy p USING (class, level),
    LATERAL (VALUES ('drop', c.high + p.keep), ('pack', CASE WHEN c.state IN ('made', 'packing', 'copied') AND p.pack < p.keep THEN c.high + p.pack END)) AS x(what, due)
WHERE c.state <> 'dropped' AND x.due IS NOT NULL AND to_regclass(c.name) IS NOT NULL;
COMMENT ON VIEW ops.storage_plan IS 'what goes or is packed by policy, and when / 按策略将被删除或压缩的分区及时间';

-- Bytes per reading at each age.
CREATE VIEW ops.storage_age AS
SELECT class, age, count(*) AS chunks, sum(bytes)::bigint AS bytes, sum(rows)::bigint AS rows FROM (
    SELECT c.class, CASE WHEN c.state = 'packed' THEN 'packed' WHEN c.high > now() - interval '7 days' THEN 'fresh' ELSE 'old' END AS age,
        pg_total_relation_size(to_regclass(c.name)) AS bytes,
        (SELECT greatest(k.reltuples, 0) FROM pg_class k WHERE k.oid = to_regclass(c.name)) AS rows
    FROM ops.chunk c WHERE c.level = 'reading' AND c.state NOT IN ('detached', 'dropped') AND to_regclass(c.name) IS NOT NULL) AS t
GROUP BY class, age;
COMMENT ON VIEW ops.storage_age IS 'readings by age: fresh (a week), old, packed; rows as last analysed / 各龄期读数占用空间';

CREATE FUNCTION ops.note_late()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE ops.chunk c SET dirty = true WHERE c.name = format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        AND c.state IN ('packing', 'copied') AND NOT c.dirty;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ops.note_late IS 'a row came to a chunk that is being copied / 复制期间有新行到达';

CREATE FUNCTION ops.set_state(of_chunk bigint, of_state text)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ UPDATE ops.chunk SET state = of_state, changed = clock_timestamp() WHERE chunk = of_chunk $$;
COMMENT ON FUNCTION ops.set_state IS 'moves a chunk on / 变更分区状态';

-- The copy of a chunk, as small as plain tables get.
CREATE FUNCTION ops.pack_copy(c ops.chunk)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    copy text := c.name || '_packed';
    f record;
    n bigint;
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %s', copy);
    EXECUTE format('CREATE TABLE %s (%s)', copy, (
        SELECT string_agg(format('%I %s%s%s', attname, format_type(atttypid, atttypmod),
            CASE WHEN attname = 'committed' THEN ' DEFAULT clock_timestamp()' ELSE '' END, CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END), ', '
            ORDER BY attlen = -1, array_position('{d,i,s,c}'::"char"[], attalign), NOT attnotnull, attnum)
        FROM pg_attribute WHERE attrelid = c.name::regclass AND attnum > 0 AND NOT attisdropped));
    FOR f IN SELECT attname, col_description(attrelid, attnum) AS text, attlen = -1 AS long FROM pg_attribute
        WHERE attrelid = c.name::regclass AND attnum > 0 AND NOT attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', copy, f.attname, f.text);
        IF f.long THEN
            BEGIN
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', copy, f.attname);
            EXCEPTION WHEN feature_not_supported THEN
                NULL; -- this server was built without
            END;
        END IF;
    END LOOP;
    EXECUTE format('INSERT INTO %s (%2$s) SELECT %2$s FROM %3$s ORDER BY device, part, time', copy, (
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = c.name::regclass AND attnum > 0 AND NOT attisdropped), c.name);
    GET DIAGNOSTICS n = ROW_COUNT;
    -- with it ATTACH need not look at the rows
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT bounds CHECK (time >= %L AND time < %L)', copy, c.low, c.high);
    EXECUTE format('CREATE INDEX ON %s USING brin (device, part) WITH (pages_per_range = 8, autosummarize = on)', copy);
    EXECUTE format('CREATE INDEX ON %s USING brin (time) WITH (pages_per_range = 32, autosummarize = on)', copy);
    EXECUTE format('ANALYZE %s', copy);
    UPDATE ops.chunk o SET rows = n, bytes = pg_total_relation_size(o.name::regclass) WHERE o.chunk = c.chunk;
END
$$;
COMMENT ON FUNCTION ops.pack_copy IS 'copies a chunk by device and time / 按设备和时间重排分区';

-- Its copy takes the place of a chunk, unless rows came in the meantime.
CREATE FUNCTION ops.pack_swap(c ops.chunk)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    copy text := c.name || '_packed';
    own text := split_part(c.name, '.', 2);
BEGIN
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', c.name);
    -- or the class has a new column
    IF (SELECT o.dirty FROM ops.chunk o WHERE o.chunk = c.chunk) OR (SELECT count(*) FROM pg_attribute WHERE attrelid = c.name::regclass
        AND attnum > 0 AND NOT attisdropped) <> (SELECT count(*) FROM pg_attribute WHERE attrelid = copy::regclass AND attnum > 0) THEN
        EXECUTE format('DROP TABLE %s', copy);
        EXECUTE format('DROP TRIGGER late ON %s', c.name);
        UPDATE ops.chunk o SET dirty = false, state = 'made', changed = clock_timestamp() WHERE o.chunk = c.chunk;
        RETURN format('%s: late rows came, packed later', c.name);
    END IF;
    EXECUTE format('ALTER TABLE telemetry.%I DETACH PARTITION %s', c.class, c.name);
    EXECUTE format('DROP TABLE %s', c.name);
    EXECUTE format('ALTER TABLE %s RENAME TO %s', copy, own);
    EXECUTE format('COMMENT ON TABLE %s IS %L', c.name, format('packed chunk from %s on / 已压缩的分区', c.low));
    EXECUTE format('ALTER TABLE telemetry.%I ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', c.class, c.name, c.low, c.high);
    PERFORM ops.set_state(c.chunk, 'packed');
    RETURN format('%s packed: %s rows, %s -> %s bytes', c.name, c.rows, c.bytes, pg_total_relation_size(c.name::regclass));
END
$$;
COMMENT ON FUNCTION ops.pack_swap IS 'puts the packed copy in the place of a chunk / 以压缩副本替换分区';

CREATE FUNCTION ops.drop_detached(c ops.chunk)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n bigint;
    size bigint := pg_total_relation_size(c.name::regclass);
    of_src integer;
    tos bigint[];
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', c.name) INTO n;
    FOR of_src IN SELECT src FROM ops.journal WHERE c.level = 'reading' AND n > 0
    LOOP
        SELECT coalesce(array_agg(b.to_pos ORDER BY b.to_pos), '{}') INTO tos FROM ops.batch b WHERE b.src = of_src;
        IF cardinality(tos) > 0 THEN
            EXECUTE format('INSERT INTO ops.dropped (chunk, src, to_pos, rows) SELECT $1, $2, $3[least(width_bucket(pos - 1, $3) + 1, cardinality($3))], count(*) '
                'FROM %s WHERE src = $2 GROUP BY 3', c.name) USING c.chunk, of_src, tos;
        END IF;
    END LOOP;
    EXECUTE format('DROP TABLE %s', c.name);
    UPDATE ops.chunk o SET rows = n, bytes = size WHERE o.chunk = c.chunk;
    PERFORM ops.set_state(c.chunk, 'dropped');
    RETURN format('%s dropped by policy: %s rows, %s bytes', c.name, n, size);
END
$$;
COMMENT ON FUNCTION ops.drop_detached IS 'books and drops a detached chunk / 记账并删除已分离的分区';

-- New chunks of a class shall hold some million rows: a week each for quiet classes, six hours for loud ones.
CREATE FUNCTION ops.measure_width()
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE ops.policy p SET width = m.width FROM (
        SELECT DISTINCT ON (c.class) c.class, CASE WHEN r.a_day > 40e6 THEN interval '6 hours' WHEN r.a_day > 500e3 THEN interval '1 day'
            ELSE interval '7 days' END AS width
        FROM ops.chunk c JOIN pg_class k ON k.oid = to_regclass(c.name),
            LATERAL (SELECT k.reltuples / (extract(epoch FROM c.high - c.low) / 86400) AS a_day) r
        WHERE c.level = 'reading' AND c.state IN ('made', 'packed') AND c.high <= now() AND c.high > now() - interval '30 days' AND k.reltuples >= 0
        ORDER BY c.class, c.low DESC) m
    WHERE p.class = m.class AND p.level = 'reading' AND p.width <> m.width
$$;
COMMENT ON FUNCTION ops.measure_width IS 'chunk length from the measured rate / 按实测速率确定分区跨度';

-- One small step of the housekeeping; says what was done, NULL: nothing is due, or another lane is at it. It gives
-- way to everybody: lock_timeout, and again ten seconds later. A lane owns nothing, so DETACH is the short exclusive
-- kind here: DETACH CONCURRENTLY cannot run inside of a function.
CREATE FUNCTION ops.keep_step()
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
        WHERE k.state = 'made' AND k.level = 'reading' AND k.high < now() - p.pack AND to_regclass(k.name) IS NOT NULL
        AND (k.changed IS NULL OR k.changed < now() - interval '1 hour')
        AND NOT EXISTS (SELECT FROM ops.touched t WHERE t.class = k.class AND t.time >= k.low AND t.time < k.high)
        ORDER BY k.low, k.chunk LIMIT 1;
    IF FOUND THEN
        -- Waits for who writes to it now; whoever writes from now on is noted.
        EXECUTE format('CREATE OR REPLACE TRIGGER late AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION ops.note_late()', c.name);
        PERFORM ops.set_state(c.chunk, 'packing');
        RETURN format('%s is packed', c.name);
    END IF;
    PERFORM ops.measure_width();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ops.keep_step IS 'one step of housekeeping / 一步日常维护';
GRANT EXECUTE ON FUNCTION ops.keep_step TO wallwatch_writer;
GRANT SELECT ON ops.storage_plan, ops.storage_age, ops.afterwards TO wallwatch_writer, wallwatch_reader, wallwatch_console;
