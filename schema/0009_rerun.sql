-- `wallwatch rejects --rerun`: after a profile is mended, stored rejects go through the normaliser
-- again and become rows with their original times (design section 11). Nobody judges them.
--
-- ops.rerun has a line per run and batch that it changed, so that the books of that batch still balance:
-- its readings are those it claims and the lines' `readings`; its rejects those it claims, less `turned`, and `added`.

SET LOCAL ROLE wallwatch_owner;

ALTER TABLE ops.reject
    ADD COLUMN topic    text,
    ADD COLUMN retained boolean,
    ADD COLUMN readings smallint,
    ADD COLUMN run      bigint;
COMMENT ON COLUMN ops.reject.topic IS 'topic of the message; NULL: stored before it was kept / 消息主题，旧数据为空';
COMMENT ON COLUMN ops.reject.retained IS 'the broker had kept the message / 是否为保留消息';
COMMENT ON COLUMN ops.reject.readings IS 'readings that became of the same record at once; NULL: not known / 同一记录当时入库的读数，空为未知';
COMMENT ON COLUMN ops.reject.run IS 'verdict rerun: the run that made readings of it, see ops.rerun / 重跑编号';

CREATE SEQUENCE ops.run;
CREATE TABLE ops.rerun (
    run       bigint      NOT NULL,
    src       integer     NOT NULL REFERENCES ops.journal,
    to_pos    bigint      NOT NULL,
    config    integer     NOT NULL,
    records   integer     NOT NULL,
    readings  integer     NOT NULL,
    mended    integer     NOT NULL,
    turned    integer     NOT NULL,
    added     integer     NOT NULL,
    committed timestamptz NOT NULL DEFAULT clock_timestamp(),
    by        text        NOT NULL DEFAULT session_user
);
CREATE INDEX rerun_src ON ops.rerun (src, to_pos);
COMMENT ON TABLE ops.rerun IS 'what reruns of rejects changed, by batch of the first time / 拒收重跑对各批次的变更';
COMMENT ON COLUMN ops.rerun.run IS 'number of the run / 重跑编号';
COMMENT ON COLUMN ops.rerun.src IS 'journal / 来源编号';
COMMENT ON COLUMN ops.rerun.to_pos IS 'where the batch ends that had the records / 原批次的结束位置';
COMMENT ON COLUMN ops.rerun.config IS 'configuration version of the rerun / 重跑所用配置版本';
COMMENT ON COLUMN ops.rerun.records IS 'verdict rerun: records that were rejected, in whole or in part / 重跑的记录数';
COMMENT ON COLUMN ops.rerun.readings IS 'rows that are new in the tables of telemetry / 新增读数行数';
COMMENT ON COLUMN ops.rerun.mended IS 'rows that were there and are complete now / 补全的读数行数';
COMMENT ON COLUMN ops.rerun.turned IS 'rejects with verdict rerun / 转为 rerun 的拒收行数';
COMMENT ON COLUMN ops.rerun.added IS 'rejects that are new: what is still wrong / 新增的拒收行数';
COMMENT ON COLUMN ops.rerun.committed IS 'when / 时间';
COMMENT ON COLUMN ops.rerun.by IS 'by whom / 执行人';

-- Rows of one class; said: [{"class", "fresh", "row": {column: value}}]. What the record has stored before is
-- completed; a message that was sent again until somebody understood it becomes one row.
CREATE FUNCTION ops.rerun_class(of_class text, said jsonb)
RETURNS TABLE (src integer, pos bigint, added integer, mended integer)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    fields text[] := (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = format('telemetry.%I', of_class)::regclass AND attnum > 0 AND NOT attisdropped);
    fixed CONSTANT text[] := ARRAY['device', 'part', 'time', 'received', 'committed', 'src', 'pos', 'idx',
        'boot', 'sequence', 'config', 'suspect', 'server_time', 'under_test'];
    columns text := (SELECT string_agg(quote_ident(f), ', ') FROM unnest(fields) AS f WHERE f <> 'committed');
    own text[] := ARRAY(SELECT f FROM unnest(fields) AS f WHERE f <> ALL (fixed));
    sets text := (SELECT coalesce(string_agg(format(', %1$I = coalesce(n.%1$I, o.%1$I)', f), ''), '') FROM unnest(own) AS f);
    differs text := (SELECT coalesce(string_agg(format(' OR o.%1$I IS DISTINCT FROM coalesce(n.%1$I, o.%1$I)', f), ''), '') FROM unnest(own) AS f);
BEGIN
    RETURN QUERY EXECUTE format($sql$
        WITH new AS MATERIALIZED (
            SELECT r.*, (e->>'fresh')::boolean AS "<fresh" FROM jsonb_array_elements($1) AS e,
                jsonb_populate_record(NULL::telemetry.%1$I, e->'row') AS r
            WHERE e->>'class' = %1$L
        ), mended AS (
            UPDATE telemetry.%1$I o SET config = n.config, suspect = n.suspect %2$s FROM new n
            WHERE NOT n."<fresh" AND o.device = n.device AND o.part = n.part AND o.time = n.time AND o.src = n.src
                AND o.pos = n.pos AND o.idx = n.idx AND (o.suspect <> n.suspect %4$s)
            RETURNING o.src, o.pos, o.idx
        ), added AS (
            INSERT INTO telemetry.%1$I (%3$s) SELECT %3$s FROM (
                SELECT n.*, row_number() OVER (PARTITION BY device, part, boot, sequence, idx ORDER BY received, src, pos) AS "<th" FROM new n
            ) AS n WHERE ("<th" = 1 OR sequence IS NULL)
                AND (n."<fresh" OR NOT EXISTS (SELECT FROM telemetry.%1$I o WHERE o.device = n.device AND o.part = n.part
                    AND o.time BETWEEN n.received - interval '31 days' AND n.received + interval '1 hour'
                    AND o.src = n.src AND o.pos = n.pos AND o.idx = n.idx))
                AND (sequence IS NULL OR NOT EXISTS (SELECT FROM telemetry.%1$I o WHERE o.device = n.device AND o.part = n.part
                    AND o.time BETWEEN n.time - interval '1 day' AND n.time + interval '1 day'
                    AND o.boot = n.boot AND o.sequence = n.sequence AND o.idx = n.idx))
            RETURNING src, pos
        ), touched AS (
            INSERT INTO ops.touched (class, time, device)
            SELECT DISTINCT %1$L, date_trunc('minute', time, 'UTC'), device FROM new
        )
        SELECT src, pos, sum(a)::integer, sum(m)::integer
        FROM (SELECT src, pos, 1 AS a, 0 AS m FROM added UNION ALL SELECT src, pos, 0, 1 FROM mended) AS x GROUP BY 1, 2
        $sql$, of_class, sets, columns, differs) USING said;
END
$$;
COMMENT ON FUNCTION ops.rerun_class IS 'rows of one class from rerun rejects / 一类设备的重跑入库';

-- One transaction of a rerun. of_records: [{"src", "pos"}]; said: their rows, see rerun_class, with "code", "compound" and
-- "lane"; still_left: rejects that they still have, with the columns' names, raw in hex. Records whose rejects
-- were turned in the meantime are left alone: twice gives nothing new.
CREATE FUNCTION ops.rerun(of_run bigint, of_config integer, of_records jsonb, said jsonb, still_left jsonb)
RETURNS TABLE (records bigint, readings bigint, mended bigint, turned bigint, added bigint)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    of_class text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('wallwatch rerun', 0));
    DROP TABLE IF EXISTS pg_temp.rerun_record;
    CREATE TEMP TABLE rerun_record ON COMMIT DROP AS
        SELECT x.src, x.pos, coalesce((SELECT min(b.to_pos) FROM ops.batch b WHERE b.src = x.src AND b.to_pos >= x.pos), x.pos) AS to_pos,
            0 AS readings, 0 AS mended, 0 AS turned, 0 AS added
        FROM jsonb_to_recordset(of_records) AS x(src integer, pos bigint)
        WHERE EXISTS (SELECT FROM ops.reject r WHERE r.src = x.src AND r.pos = x.pos AND r.verdict = 'rejected' AND r.reason <> 'database');
    said := (SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(said) AS e
        JOIN pg_temp.rerun_record x ON x.src = (e#>>'{row,src}')::integer AND x.pos = (e#>>'{row,pos}')::bigint);
    FOR of_class IN SELECT DISTINCT e->>'class' FROM jsonb_array_elements(said) AS e ORDER BY 1
    LOOP
        UPDATE pg_temp.rerun_record x SET readings = x.readings + c.added, mended = x.mended + c.mended
            FROM ops.rerun_class(of_class, said) AS c WHERE x.src = c.src AND x.pos = c.pos;
    END LOOP;
    INSERT INTO ops.seen AS s (device, code, class, compound, lane, heard)
        SELECT DISTINCT ON (1) (e#>>'{row,device}')::bigint, e->>'code', e->>'class', e->>'compound', e->>'lane', (e#>>'{row,received}')::timestamptz
        FROM jsonb_array_elements(said) AS e ORDER BY 1, 6 DESC
        ON CONFLICT (device) DO UPDATE SET heard = excluded.heard WHERE excluded.heard > s.heard OR s.heard IS NULL;
    WITH still AS MATERIALIZED (
        SELECT l.* FROM jsonb_to_recordset(still_left) AS l(src integer, pos bigint, idx integer, received timestamptz, reason text,
            detail text, class text, device text, raw text, topic text, retained boolean, readings smallint)
        JOIN pg_temp.rerun_record USING (src, pos)
    ), gone AS (
        UPDATE ops.reject r SET verdict = 'rerun', run = of_run FROM pg_temp.rerun_record x
        WHERE r.src = x.src AND r.pos = x.pos AND r.verdict = 'rejected' AND r.reason <> 'database' AND NOT EXISTS (
            SELECT FROM still l WHERE l.src = r.src AND l.pos = r.pos AND l.reason = r.reason AND l.detail = r.detail)
        RETURNING r.src, r.pos
    ), come AS (
        INSERT INTO ops.reject (src, pos, idx, config, received, reason, detail, class, device, raw, topic, retained, readings, run)
        SELECT l.src, l.pos, l.idx, of_config, l.received, l.reason, l.detail, l.class, l.device, decode(l.raw, 'hex'), l.topic, l.retained,
            l.readings, of_run
        FROM still l WHERE NOT EXISTS (SELECT FROM ops.reject r WHERE r.src = l.src AND r.pos = l.pos AND r.reason = l.reason AND r.detail = l.detail)
        RETURNING ops.reject.src, ops.reject.pos
    )
    UPDATE pg_temp.rerun_record x SET turned = c.turned, added = c.added FROM (
        SELECT src, pos, count(*) FILTER (WHERE t) AS turned, count(*) FILTER (WHERE NOT t) AS added
        FROM (SELECT src, pos, true AS t FROM gone UNION ALL SELECT src, pos, false FROM come) AS g GROUP BY 1, 2) AS c
    WHERE x.src = c.src AND x.pos = c.pos;
    INSERT INTO ops.rerun (run, src, to_pos, config, records, readings, mended, turned, added)
        SELECT of_run, x.src, x.to_pos, of_config, count(*), sum(x.readings), sum(x.mended), sum(x.turned), sum(x.added)
        FROM pg_temp.rerun_record x WHERE x.readings + x.mended + x.turned + x.added > 0 GROUP BY x.src, x.to_pos;
    RETURN QUERY SELECT count(*) FILTER (WHERE x.readings + x.mended + x.turned > 0), coalesce(sum(x.readings), 0),
        coalesce(sum(x.mended), 0), coalesce(sum(x.turned), 0), coalesce(sum(x.added), 0) FROM pg_temp.rerun_record x;
END
$$;
COMMENT ON FUNCTION ops.rerun IS 'one step of wallwatch rejects --rerun / 拒收重跑的一步';
GRANT EXECUTE ON FUNCTION ops.rerun TO wallwatch_writer;
GRANT USAGE ON SEQUENCE ops.run TO wallwatch_writer;

-- What changed a batch's rows after its own transaction: at a position within it, so many more or fewer.
CREATE FUNCTION ops.audit_changes(of_src integer)
RETURNS TABLE (what text, pos bigint, n bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.what, r.to_pos, x.n FROM ops.rerun r, LATERAL (VALUES ('readings', r.readings::bigint),
        ('rejects', r.added - r.turned), ('reruns', r.turned)) AS x(what, n)
    WHERE r.src = of_src AND x.n <> 0
$$;
COMMENT ON FUNCTION ops.audit_changes IS 'rows that came or went after their batch / 批次之后增减的行';

CREATE OR REPLACE FUNCTION ops.audit_balance(of_src integer)
RETURNS TABLE (what text, from_pos bigint, to_pos bigint, claimed bigint, found bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    froms bigint[];
    tos bigint[];
BEGIN
    SELECT coalesce(array_agg(b.from_pos ORDER BY b.to_pos), '{}'), coalesce(array_agg(b.to_pos ORDER BY b.to_pos), '{}')
        INTO froms, tos FROM ops.batch b WHERE b.src = of_src;
    -- width_bucket counts the batches that end before the row; the next one must hold it.
    RETURN QUERY EXECUTE format($sql$
        WITH rows AS (
            SELECT 'readings'::text AS what, pos, false AS claim, 1::bigint AS n FROM (%s) AS r
            UNION ALL SELECT CASE verdict WHEN 'rerun' THEN 'reruns' ELSE 'rejects' END, pos, false, 1 FROM ops.reject WHERE src = $1
            UNION ALL SELECT what, pos, true, n FROM ops.audit_changes($1)
        ), placed AS (
            SELECT what, pos, claim, n, CASE WHEN cardinality($3) = 0 THEN 1 ELSE width_bucket(pos - 1, $3) + 1 END AS at FROM rows
        ), counted AS (
            SELECT what, CASE WHEN pos > $2[at] THEN at END AS at, min(pos) AS low, max(pos) AS high,
                coalesce(sum(n) FILTER (WHERE NOT claim), 0)::bigint AS found, coalesce(sum(n) FILTER (WHERE claim), 0)::bigint AS changed
            FROM placed GROUP BY 1, 2
        ), claims AS (
            SELECT x.what, row_number() OVER (PARTITION BY x.what ORDER BY b.to_pos)::integer AS at, b.from_pos,
                b.to_pos, x.claimed
            FROM ops.batch b, LATERAL (VALUES ('readings', b.readings::bigint), ('rejects', b.rejects), ('reruns', 0)) AS x(what, claimed)
            WHERE b.src = $1
        )
        SELECT coalesce(claims.what, counted.what), coalesce(claims.from_pos, counted.low),
            coalesce(claims.to_pos, counted.high), coalesce(claims.claimed, 0) + coalesce(counted.changed, 0), coalesce(counted.found, 0)
        FROM claims FULL JOIN counted ON counted.what = claims.what AND counted.at = claims.at
        WHERE coalesce(claims.claimed, 0) + coalesce(counted.changed, 0) <> coalesce(counted.found, 0)
        ORDER BY 3, 1$sql$, ops.over_classes('pos', 'src = $1'))
    USING of_src, froms, tos;
END
$$;
GRANT EXECUTE ON FUNCTION ops.audit_changes TO wallwatch_writer, wallwatch_reader, wallwatch_console;
