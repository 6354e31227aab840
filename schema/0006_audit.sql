-- What `wallwatch audit` counts (design section 11, P2). Read only; slow by nature: each goes
-- through the rows of every class table.

SET LOCAL ROLE wallwatch_owner;

-- One SELECT over all class tables: UNION ALL of "SELECT columns FROM table WHERE condition".
CREATE FUNCTION ops.over_classes(columns text, condition text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(format('SELECT %L::text AS class, %s FROM telemetry.%I WHERE %s', class, columns,
        class, condition), ' UNION ALL ' ORDER BY class),
        format('SELECT NULL::text AS class, %s FROM ops.reject WHERE false',
            'NULL::bigint AS device, NULL::bigint AS pos, NULL::smallint AS idx, NULL::integer AS src, '
            'NULL::bigint AS boot, NULL::bigint AS sequence'))
    FROM telemetry.class
$$;
COMMENT ON FUNCTION ops.over_classes IS 'a query over all class tables / 遍历各类设备表的查询';

-- Batches whose rows are not the rows they claim; and rows that no batch claims (batch NULL).
CREATE FUNCTION ops.audit_balance(of_src integer)
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
            SELECT 'readings'::text AS what, pos FROM (%s) AS r
            UNION ALL SELECT 'rejects', pos FROM ops.reject WHERE src = $1 AND verdict = 'rejected'
        ), placed AS (
            SELECT what, pos, CASE WHEN cardinality($3) = 0 THEN 1 ELSE width_bucket(pos - 1, $3) + 1 END AS n FROM rows
        ), counted AS (
            SELECT what, CASE WHEN pos > $2[n] THEN n END AS n, min(pos) AS low, max(pos) AS high, count(*) AS found
            FROM placed GROUP BY 1, 2
        ), claims AS (
            SELECT x.what, row_number() OVER (PARTITION BY x.what ORDER BY b.to_pos)::integer AS n, b.from_pos,
                b.to_pos, x.claimed
            FROM ops.batch b, LATERAL (VALUES ('readings', b.readings::bigint), ('rejects', b.rejects)) AS x(what, claimed)
            WHERE b.src = $1
        )
        SELECT coalesce(claims.what, counted.what), coalesce(claims.from_pos, counted.low),
            coalesce(claims.to_pos, counted.high), coalesce(claims.claimed, 0), coalesce(counted.found, 0)
        FROM claims FULL JOIN counted ON counted.what = claims.what AND counted.n = claims.n
        WHERE coalesce(claims.claimed, 0) <> coalesce(counted.found, 0)
        ORDER BY 3, 1$sql$, ops.over_classes('pos', 'src = $1'))
    USING of_src, froms, tos;
END
$$;
COMMENT ON FUNCTION ops.audit_balance IS 'batches whose rows are not what they claim / 行数与账目不符的批次';

-- Places in the journal that are not covered once: before is where the batch before ended.
CREATE FUNCTION ops.audit_tiles(of_src integer)
RETURNS TABLE (before bigint, from_pos bigint, to_pos bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.before, t.from_pos, t.to_pos
    FROM (SELECT b.from_pos, b.to_pos, lag(b.to_pos, 1, 0::bigint) OVER (ORDER BY b.to_pos) AS before
        FROM ops.batch b WHERE b.src = of_src) AS t
    WHERE t.from_pos <> t.before
    UNION ALL
    SELECT coalesce(max(b.to_pos), 0), m.pos, m.pos FROM ops.mark m LEFT JOIN ops.batch b USING (src)
    WHERE m.src = of_src GROUP BY m.pos HAVING coalesce(max(b.to_pos), 0) <> m.pos
    ORDER BY 3
$$;
COMMENT ON FUNCTION ops.audit_tiles IS 'gaps and overlaps between batches, and the mark / 批次之间的缺口与重叠';

-- Readings that are there more than once.
CREATE FUNCTION ops.audit_doubles(of_src integer)
RETURNS TABLE (class text, pos bigint, idx integer, times bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT min(class), pos, idx::integer, count(*) FROM (%s) AS r GROUP BY pos, idx HAVING count(*) > 1 '
        'UNION ALL SELECT ''ops.reject'', pos, idx, count(*) FROM ops.reject WHERE src = $1 '
        'GROUP BY pos, idx, reason, detail, raw HAVING count(*) > 1 ORDER BY 2, 3',
        ops.over_classes('pos, idx', 'src = $1')) USING of_src;
END
$$;
COMMENT ON FUNCTION ops.audit_doubles IS 'readings that are there more than once / 重复的读数';

-- Devices that number their messages, and whose numbers have holes.
CREATE FUNCTION ops.audit_gaps(of_lane text)
RETURNS TABLE (class text, code text, boot bigint, first bigint, last bigint, missing bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT r.class, coalesce(s.code, r.device::text), r.boot, min(r.sequence), max(r.sequence), '
        'max(r.sequence) - min(r.sequence) + 1 - count(DISTINCT r.sequence) FROM (%s) AS r '
        'LEFT JOIN ops.seen s ON s.device = r.device GROUP BY r.class, r.device, s.code, r.boot '
        'HAVING max(r.sequence) - min(r.sequence) + 1 > count(DISTINCT r.sequence) ORDER BY 6 DESC, 2, 3',
        ops.over_classes('device, boot, sequence',
            'boot IS NOT NULL AND src IN (SELECT src FROM ops.journal WHERE lane = $1)')) USING of_lane;
END
$$;
COMMENT ON FUNCTION ops.audit_gaps IS 'holes in the sequence numbers of devices / 设备消息序号的缺口';

-- Every numbered message that came since then: in how many records, with how many rows.
CREATE FUNCTION ops.audit_messages(since timestamptz)
RETURNS TABLE (device bigint, boot bigint, sequence bigint, records bigint, rows bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT device, boot, sequence, count(DISTINCT (src, pos)), count(*) FROM (%s) AS r GROUP BY 1, 2, 3',
        ops.over_classes('device, boot, sequence, src, pos', 'boot IS NOT NULL AND received >= $1')) USING since;
END
$$;
COMMENT ON FUNCTION ops.audit_messages IS 'numbered messages and how often they are there / 有序号的消息及其次数';

GRANT EXECUTE ON FUNCTION ops.over_classes, ops.audit_balance, ops.audit_tiles, ops.audit_doubles, ops.audit_gaps,
    ops.audit_messages TO wallwatch_writer, wallwatch_reader, wallwatch_console;
