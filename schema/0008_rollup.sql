-- Roll-ups of the readings by minute, hour and day, kept right when late rows come.
--
-- A batch says which minutes of which class it has touched (ops.touched, same transaction). A lane's
-- keeper calls rollup.step now and then: what is over is computed anew from the readings, and
-- nothing else. Minutes and hours come from the readings, days from hours.
--
-- rollup.CLASS_minute, _hour, _day: per device and part, one column per field of numbers
-- (rollup.stat), and for truth values and codes, by hour and day, how long and how often:
-- states -> field -> value -> [seconds, entries]. A value holds until the next one is heard, or for
-- three expected intervals.

SET LOCAL ROLE wallwatch_owner;

CREATE SCHEMA rollup;
COMMENT ON SCHEMA rollup IS 'readings by minute, hour and day / 按分钟、小时和天汇总的读数';
GRANT USAGE ON SCHEMA rollup TO wallwatch_writer, wallwatch_reader, wallwatch_console;
ALTER DEFAULT PRIVILEGES IN SCHEMA rollup
    GRANT SELECT ON TABLES TO wallwatch_writer, wallwatch_reader, wallwatch_console;

CREATE TYPE rollup.stat AS (n bigint, min float8, max float8, mean float8, last float8, rise float8);
COMMENT ON TYPE rollup.stat IS 'rise: sum of increases, a fall to a smaller value counts as a start from zero; hours and days only / rise：增量之和，仅小时和天';

CREATE TABLE rollup.class (
    class    text     PRIMARY KEY,
    interval interval NOT NULL
);
COMMENT ON TABLE rollup.class IS 'classes that are rolled up / 参与汇总的类别';
COMMENT ON COLUMN rollup.class.class IS 'class / 类别';
COMMENT ON COLUMN rollup.class.interval IS 'how often a device is expected to be heard / 预期上报间隔';

CREATE TABLE rollup.field (
    class text NOT NULL REFERENCES rollup.class,
    field text NOT NULL,
    kind  text NOT NULL CHECK (kind IN ('number', 'state')),
    PRIMARY KEY (class, field)
);
COMMENT ON TABLE rollup.field IS 'fields that are rolled up / 参与汇总的字段';
COMMENT ON COLUMN rollup.field.class IS 'class / 类别';
COMMENT ON COLUMN rollup.field.field IS 'field / 字段';
COMMENT ON COLUMN rollup.field.kind IS 'number: a column of its own; state: in states / number 独立列，state 在 states 中';

CREATE TABLE ops.touched (
    level  text        NOT NULL DEFAULT 'minute' CHECK (level IN ('minute', 'hour', 'day')),
    class  text        NOT NULL,
    time   timestamptz NOT NULL,
    device bigint
);
COMMENT ON TABLE ops.touched IS 'what must be rolled up anew; no key: a lane never waits for another / 待重新汇总的时段';
COMMENT ON COLUMN ops.touched.level IS 'minute, hour or day / 级别';
COMMENT ON COLUMN ops.touched.class IS 'class / 类别';
COMMENT ON COLUMN ops.touched.time IS 'its begin / 开始时间';
COMMENT ON COLUMN ops.touched.device IS 'only this one, NULL: all / 仅此设备，空为全部';
GRANT INSERT ON ops.touched TO wallwatch_writer;

CREATE FUNCTION rollup.width(level text) RETURNS interval LANGUAGE sql IMMUTABLE
AS $$ SELECT ('1 ' || level)::interval $$;
COMMENT ON FUNCTION rollup.width IS 'length of a bucket / 时段长度';

-- Makes or widens the three tables of a class. fields: [{"name", "kind"}, ...]; kind text is left out.
CREATE FUNCTION rollup.ensure_class(of_class text, of_interval interval, fields jsonb)
RETURNS SETOF text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    level text;
    f record;
BEGIN
    INSERT INTO rollup.class VALUES (of_class, of_interval)
        ON CONFLICT (class) DO UPDATE SET interval = excluded.interval;
    FOREACH level IN ARRAY ARRAY['minute', 'hour', 'day']
    LOOP
        IF to_regclass(format('rollup.%I', of_class || '_' || level)) IS NULL THEN
            EXECUTE format($sql$
                CREATE TABLE rollup.%1$I (
                    device bigint      NOT NULL,
                    time   timestamptz NOT NULL,
                    rows   integer     NOT NULL,
                    part   text        NOT NULL,
                    states jsonb,
                    PRIMARY KEY (device, part, time)
                ) PARTITION BY RANGE (time);
                COMMENT ON TABLE rollup.%1$I IS %2$L;
                COMMENT ON COLUMN rollup.%1$I.device IS 'key of the device, see ops.seen / 设备键';
                COMMENT ON COLUMN rollup.%1$I.time IS 'begin of the bucket / 时段开始';
                COMMENT ON COLUMN rollup.%1$I.rows IS 'readings in it / 读数条数';
                COMMENT ON COLUMN rollup.%1$I.part IS 'part of the device / 部件';
                COMMENT ON COLUMN rollup.%1$I.states IS 'field -> value -> [seconds, entries] / 字段 -> 值 -> [秒数, 进入次数]'
                $sql$, of_class || '_' || level, format('%s by %s / 按时段汇总', of_class, level));
            RETURN NEXT format('table rollup.%I made', of_class || '_' || level);
        END IF;
    END LOOP;
    FOR f IN SELECT name, kind FROM jsonb_to_recordset(fields) AS x(name text, kind text) WHERE kind <> 'text'
    LOOP
        INSERT INTO rollup.field VALUES (of_class, f.name, f.kind) ON CONFLICT (class, field) DO UPDATE SET kind = excluded.kind;
        FOREACH level IN ARRAY ARRAY['minute', 'hour', 'day']
        LOOP
            IF f.kind = 'number' THEN
                EXECUTE format('ALTER TABLE rollup.%I ADD COLUMN IF NOT EXISTS %I rollup.stat', of_class || '_' || level, f.name);
            END IF;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION rollup.ensure_class IS 'makes or widens the roll-ups of a class / 建立或扩展一类设备的汇总表';

-- Minutes are kept in chunks of a day, hours of a month, days of a year.
CREATE FUNCTION rollup.ensure_chunk(of_class text, level text, at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    unit text := CASE level WHEN 'minute' THEN 'day' WHEN 'hour' THEN 'month' ELSE 'year' END;
    low timestamp := date_trunc(unit, at AT TIME ZONE 'UTC');
    parent text := format('rollup.%I', of_class || '_' || level);
    chunk text := format('rollup.%I', of_class || '_' || level || '_p' || to_char(low, 'YYYYMMDD'));
BEGIN
    IF to_regclass(chunk) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', chunk, parent,
        low::text || '+00', (low + ('1 ' || unit)::interval)::text || '+00');
    EXECUTE format('COMMENT ON TABLE %s IS %L', chunk, 'chunk of one ' || unit || ' (UTC) / 分区');
END
$$;
COMMENT ON FUNCTION rollup.ensure_chunk IS 'makes the chunk for roll-ups of that time / 为该时间建立汇总分区';

-- How long and how often each value of the state fields was there, from low to high, by device and part;
-- and the rise of numbers. A value holds until the next one, at most three intervals, also from before low.
CREATE FUNCTION rollup.states_sql(of_class text)
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
    FROM rollup.field WHERE class = of_class AND kind = 'state'
$$;

-- One number field over the rows of a bucket; rise only where `before` is a column of the rows.
CREATE FUNCTION rollup.stat_sql(field text, with_rise boolean)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('CASE WHEN count(%1$I) > 0 THEN ROW(count(%1$I), min(%1$I), max(%1$I), avg(%1$I), '
        '(array_agg(%1$I ORDER BY time DESC) FILTER (WHERE %1$I IS NOT NULL))[1], %2$s)::rollup.stat END', field,
        CASE WHEN with_rise THEN format('coalesce(sum(CASE WHEN %1$I >= %2$I THEN %1$I - %2$I ELSE %1$I END) FILTER (WHERE %2$I IS NOT NULL), 0)',
            field, '<' || field)
        ELSE 'NULL' END)
$$;

-- A bucket anew from the readings (minute, hour) or the hours (day).
CREATE FUNCTION rollup.compute(of_class text, level text, low timestamptz, of_device bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    high timestamptz := low + rollup.width(level);
    held interval := (SELECT interval FROM rollup.class WHERE class = of_class);
    numbers text[] := (SELECT coalesce(array_agg(field ORDER BY field), '{}') FROM rollup.field WHERE class = of_class AND kind = 'number');
    columns text := (SELECT coalesce(string_agg(format(', %I', f), '' ORDER BY f), '') FROM unnest(numbers) AS f);
    states text := rollup.states_sql(of_class);
    target text := format('rollup.%I', of_class || '_' || level);
BEGIN
    PERFORM rollup.ensure_chunk(of_class, level, low);
    EXECUTE format('DELETE FROM %s WHERE time = $1 AND ($2 IS NULL OR device = $2)', target) USING low, of_device;
    IF level = 'minute' THEN
        EXECUTE format('INSERT INTO %s (device, part, time, rows%s) SELECT device, part, $1, count(*)%s FROM telemetry.%I '
            'WHERE time >= $1 AND time < $2 AND ($3 IS NULL OR device = $3) GROUP BY device, part', target, columns,
            (SELECT coalesce(string_agg(', ' || rollup.stat_sql(f, false), '' ORDER BY f), '') FROM unnest(numbers) AS f), of_class)
            USING low, high, of_device;
    ELSIF level = 'hour' THEN
        -- "<field" is the value before, also from before the hour
        EXECUTE format('WITH %s rows AS (SELECT device, part, time%s FROM telemetry.%I WHERE time >= $1 - 3 * $4 AND time < $2 '
            'AND ($3 IS NULL OR device = $3) WINDOW w AS (PARTITION BY device, part ORDER BY time)), '
            'numbers AS (SELECT device, part, count(*) AS rows%s FROM rows WHERE time >= $1 GROUP BY device, part) '
            'INSERT INTO %s (device, part, time, rows, states%s) SELECT n.device, n.part, $1, n.rows, %s%s FROM numbers n %s',
            coalesce(states || ', ', ''),
            (SELECT coalesce(string_agg(format(', %1$I, lag(%1$I) OVER w AS %2$I', f, '<' || f), '' ORDER BY f), '') FROM unnest(numbers) AS f),
            of_class,
            (SELECT coalesce(string_agg(format(', %s AS %I', rollup.stat_sql(f, true), f), '' ORDER BY f), '') FROM unnest(numbers) AS f),
            target, columns, CASE WHEN states IS NULL THEN 'NULL' ELSE 's.states' END,
            (SELECT coalesce(string_agg(format(', n.%I', f), '' ORDER BY f), '') FROM unnest(numbers) AS f),
            CASE WHEN states IS NULL THEN '' ELSE 'LEFT JOIN states s USING (device, part)' END)
            USING low, high, of_device, held;
    ELSE
        EXECUTE format('WITH hours AS (SELECT * FROM rollup.%1$I WHERE time >= $1 AND time < $2 AND ($3 IS NULL OR device = $3)), '
            'held AS (SELECT h.device, h.part, f.key AS field, v.key AS value, sum((v.value->>0)::numeric) AS seconds, sum((v.value->>1)::bigint) AS entries '
            'FROM hours h, jsonb_each(h.states) f, jsonb_each(f.value) v GROUP BY 1, 2, 3, 4), '
            'states AS (SELECT device, part, jsonb_object_agg(field, by_value) AS states FROM (SELECT device, part, field, '
            'jsonb_object_agg(value, jsonb_build_array(seconds, entries)) AS by_value FROM held GROUP BY 1, 2, 3) AS f GROUP BY 1, 2) '
            'INSERT INTO %2$s (device, part, time, rows, states%3$s) SELECT h.device, h.part, $1, sum(h.rows), '
            '(SELECT s.states FROM states s WHERE s.device = h.device AND s.part = h.part)%4$s '
            'FROM hours h GROUP BY h.device, h.part', of_class || '_hour', target, columns,
            (SELECT coalesce(string_agg(format(', CASE WHEN sum((h.%1$I).n) > 0 THEN ROW(sum((h.%1$I).n), min((h.%1$I).min), max((h.%1$I).max), '
                'sum((h.%1$I).mean * (h.%1$I).n) / sum((h.%1$I).n), '
                '(array_agg((h.%1$I).last ORDER BY h.time DESC) FILTER (WHERE (h.%1$I).n > 0))[1], sum((h.%1$I).rise))::rollup.stat END', f), '' ORDER BY f), '')
                FROM unnest(numbers) AS f))
            USING low, high, of_device;
    END IF;
END
$$;
COMMENT ON FUNCTION rollup.compute IS 'one bucket anew / 重新计算一个时段';

-- Up to most buckets that are over and were touched. Returns how many; -1: another lane is at it.
CREATE FUNCTION rollup.step(most integer)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    b record;
    done integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('wallwatch rollup', 0)) THEN
        RETURN -1;
    END IF;
    -- Taken first, computed afterwards: what is committed in between is seen, or comes again.
    FOR b IN
        WITH buckets AS (
            SELECT DISTINCT level, class, time FROM ops.touched
            WHERE time + rollup.width(level) <= now() - interval '15 seconds'
            ORDER BY level DESC, time LIMIT most -- minute, hour, day
        ), gone AS (
            DELETE FROM ops.touched t USING buckets d
            WHERE t.level = d.level AND t.class = d.class AND t.time = d.time
            RETURNING t.level, t.class, t.time, t.device
        )
        SELECT DISTINCT n.level, n.class, n.time, n.device FROM gone n JOIN rollup.class c USING (class)
        WHERE n.device IS NULL OR NOT EXISTS (SELECT 1 FROM gone a
            WHERE a.level = n.level AND a.class = n.class AND a.time = n.time AND a.device IS NULL)
        ORDER BY n.level DESC, n.time, n.class, n.device
    LOOP
        PERFORM rollup.compute(b.class, b.level, b.time, b.device);
        done := done + 1;
        IF b.level <> 'day' THEN
            INSERT INTO ops.touched (level, class, time, device)
            SELECT x.level, b.class, date_trunc(x.level, b.time, 'UTC'), b.device
            FROM (SELECT CASE b.level WHEN 'minute' THEN 'hour' ELSE 'day' END AS level) AS x
            WHERE NOT EXISTS (SELECT 1 FROM ops.touched t WHERE t.level = x.level AND t.class = b.class
                AND t.time = date_trunc(x.level, b.time, 'UTC') AND (t.device IS NULL OR t.device = b.device));
        END IF;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION rollup.step IS 'rolls up what was touched and is over; -1: somebody else does / 汇总已结束且有变动的时段';
GRANT EXECUTE ON FUNCTION rollup.step TO wallwatch_writer;

-- One field of one device over time, from the coarsest level that gives about that many points; what is
-- not rolled up yet is computed from the readings.
CREATE FUNCTION rollup.series(of_class text, of_device bigint, of_part text, of_field text,
    low timestamptz, high timestamptz, points integer)
RETURNS TABLE (level text, "time" timestamptz, n bigint, min float8, max float8, mean float8, last float8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    per interval := (high - low) / greatest(points, 1);
    pick text := CASE WHEN per >= '1 day' THEN 'day' WHEN per >= '1 hour' THEN 'hour' WHEN per >= '1 minute' THEN 'minute' ELSE 'reading' END;
    ready timestamptz;
BEGIN
    IF pick = 'reading' THEN
        RETURN QUERY EXECUTE format('SELECT ''reading''::text, time, 1::bigint, %1$I, %1$I, %1$I, %1$I FROM telemetry.%2$I '
            'WHERE device = $1 AND part = $2 AND time >= $3 AND time < $4 AND %1$I IS NOT NULL ORDER BY time', of_field, of_class)
            USING of_device, of_part, low, high;
        RETURN;
    END IF;
    -- from here on it is computed: what waits, and what is not over
    ready := least((SELECT min(date_trunc(pick, t.time, 'UTC')) FROM ops.touched t WHERE t.class = of_class
        AND (t.device IS NULL OR t.device = of_device)), date_trunc(pick, now(), 'UTC'));
    RETURN QUERY EXECUTE format('SELECT %1$L::text, time, (%2$I).n, (%2$I).min, (%2$I).max, (%2$I).mean, (%2$I).last FROM rollup.%3$I '
        'WHERE device = $1 AND part = $2 AND time >= $3 AND time < $4 AND time < $5 AND %2$I IS NOT NULL '
        'UNION ALL SELECT %1$L, date_trunc(%1$L, time, ''UTC''), count(*), min(%2$I), max(%2$I), avg(%2$I), (array_agg(%2$I ORDER BY time DESC))[1] '
        'FROM telemetry.%4$I WHERE device = $1 AND part = $2 AND time >= greatest($3, $5) AND time < $4 AND %2$I IS NOT NULL GROUP BY 2 ORDER BY 2',
        pick, of_field, of_class || '_' || pick, of_class)
        USING of_device, of_part, low, high, ready;
END
$$;
COMMENT ON FUNCTION rollup.series IS 'one field of one device over time, from the coarsest level that answers / 自动选择最粗的汇总级别';
GRANT EXECUTE ON FUNCTION rollup.series, rollup.width TO wallwatch_writer, wallwatch_reader, wallwatch_console;

-- What `wallwatch storage` shows: bytes and rows (estimated) of each class and level, and how far it is rolled up.
CREATE VIEW ops.storage AS
WITH RECURSIVE parents AS (
    SELECT c.oid, n.nspname || '.' || c.relname AS name, n.nspname AS schema, c.relname AS relation
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('telemetry', 'rollup') AND c.relkind = 'p'
), chunks AS (
    SELECT p.name, p.schema, p.relation, i.inhrelid AS oid FROM parents p LEFT JOIN pg_inherits i ON i.inhparent = p.oid
)
SELECT CASE schema WHEN 'telemetry' THEN relation::text ELSE regexp_replace(relation::text, '_(minute|hour|day)$', '') END AS class,
    CASE schema WHEN 'telemetry' THEN 'reading' ELSE substring(relation::text FROM '_(minute|hour|day)$') END AS level,
    count(oid) AS chunks,
    coalesce(sum(pg_relation_size(oid)), 0)::bigint AS table_bytes,
    coalesce(sum(pg_indexes_size(oid)), 0)::bigint AS index_bytes,
    coalesce(sum((SELECT greatest(c.reltuples, 0) FROM pg_class c WHERE c.oid = chunks.oid)), 0)::bigint AS rows
FROM chunks GROUP BY schema, relation;
COMMENT ON VIEW ops.storage IS 'what each class and level takes; rows as last analysed / 各类别各级别占用的空间';
GRANT SELECT ON ops.storage TO wallwatch_reader, wallwatch_writer, wallwatch_console;
