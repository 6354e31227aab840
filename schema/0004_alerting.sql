-- The copy of the lanes' ledgers. The ledger is the truth; here is what queries need.
-- Bodies are json, not jsonb: the hash chain is over the event's text, and json keeps it.

SET LOCAL ROLE wallwatch_owner;

CREATE TABLE alerting.event (
    lane   text        NOT NULL,
    n      bigint      NOT NULL,
    at     timestamptz NOT NULL,
    event  text        NOT NULL,
    alert  text,
    who    text,
    why    text,
    body   json        NOT NULL,
    copied timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, n)
);
COMMENT ON TABLE alerting.event IS 'everything that happened to cases, in order; hash-chained / 案件的全部变化，按序，哈希链';
COMMENT ON COLUMN alerting.event.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.event.n IS 'number of the event in its lane / 通道内的事件序号';
COMMENT ON COLUMN alerting.event.at IS 'when it happened / 发生时间';
COMMENT ON COLUMN alerting.event.event IS 'what happened / 事件名';
COMMENT ON COLUMN alerting.event.alert IS 'id of the case / 案件编号';
COMMENT ON COLUMN alerting.event.who IS 'who did it / 操作人';
COMMENT ON COLUMN alerting.event.why IS 'reason given / 理由';
COMMENT ON COLUMN alerting.event.body IS 'the event as the ledger holds it / 台账原文';
COMMENT ON COLUMN alerting.event.copied IS 'when it was copied here / 复制时间';
CREATE INDEX event_alert ON alerting.event (alert, n);
CREATE INDEX event_at ON alerting.event USING brin (at) WITH (autosummarize = on);

CREATE TABLE alerting.case (
    alert        text        PRIMARY KEY,
    lane         text        NOT NULL,
    n            bigint      NOT NULL,
    rule         text        NOT NULL,
    class        text,
    subject      text,
    part         text,
    compound     text,
    building     text,
    district     text,
    subdistrict  text,
    station      text,
    point        text,
    side         text,
    severity     text        NOT NULL,
    stage        text,
    state        text        NOT NULL,
    condition    text,
    tier         text,
    loop         text,
    opened       timestamptz NOT NULL,
    since        timestamptz,
    acknowledged timestamptz,
    owner        text,
    late         boolean,
    suspect      boolean,
    title_zh     text,
    title_en     text,
    config       integer,
    body         json        NOT NULL
);
COMMENT ON TABLE alerting.case IS 'every case as its newest event left it / 每个案件的当前状态';
COMMENT ON COLUMN alerting.case.alert IS 'id of the case / 案件编号';
COMMENT ON COLUMN alerting.case.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.case.n IS 'number of the event that made this picture / 形成该状态的事件序号';
COMMENT ON COLUMN alerting.case.rule IS 'rule that opened it / 触发规则';
COMMENT ON COLUMN alerting.case.class IS 'class of the device / 设备类别';
COMMENT ON COLUMN alerting.case.subject IS 'device, zone, building or compound / 对象';
COMMENT ON COLUMN alerting.case.part IS 'part of the device / 部件';
COMMENT ON COLUMN alerting.case.compound IS 'compound / 小区';
COMMENT ON COLUMN alerting.case.building IS 'building / 楼栋';
COMMENT ON COLUMN alerting.case.district IS 'unit of the district tier / 区级单元';
COMMENT ON COLUMN alerting.case.subdistrict IS 'unit of the subdistrict tier / 街镇级单元';
COMMENT ON COLUMN alerting.case.station IS 'unit of the station tier / 居村工作站';
COMMENT ON COLUMN alerting.case.point IS 'unit of the point tier / 小区信息点';
COMMENT ON COLUMN alerting.case.side IS 'inside or outside the wall / 墙内或墙外';
COMMENT ON COLUMN alerting.case.severity IS 'red, orange, yellow or blue / 红橙黄蓝';
COMMENT ON COLUMN alerting.case.stage IS 'stage of the rule / 规则阶段';
COMMENT ON COLUMN alerting.case.state IS 'state of the case / 案件状态';
COMMENT ON COLUMN alerting.case.condition IS 'state of the condition / 条件状态';
COMMENT ON COLUMN alerting.case.tier IS 'highest tier told / 已通知的最高层级';
COMMENT ON COLUMN alerting.case.loop IS 'loop in which it was settled / 办结所在闭环';
COMMENT ON COLUMN alerting.case.opened IS 'when it opened / 立案时间';
COMMENT ON COLUMN alerting.case.since IS 'when the condition began / 条件起始时间';
COMMENT ON COLUMN alerting.case.acknowledged IS 'when somebody took it / 接单时间';
COMMENT ON COLUMN alerting.case.owner IS 'who took it / 接单人';
COMMENT ON COLUMN alerting.case.late IS 'opened by a late reading / 由迟到数据触发';
COMMENT ON COLUMN alerting.case.suspect IS 'opened by a suspect reading / 由可疑数据触发';
COMMENT ON COLUMN alerting.case.title_zh IS 'title in Chinese / 中文标题';
COMMENT ON COLUMN alerting.case.title_en IS 'title in English / 英文标题';
COMMENT ON COLUMN alerting.case.config IS 'configuration version / 配置版本';
COMMENT ON COLUMN alerting.case.body IS 'the whole picture / 完整快照';
CREATE INDEX case_opened ON alerting.case (opened);
CREATE INDEX case_state ON alerting.case (state, severity);

CREATE TABLE alerting.order (
    id     text        PRIMARY KEY,
    alert  text        NOT NULL,
    lane   text        NOT NULL,
    n      bigint      NOT NULL,
    centre text        NOT NULL,
    state  text        NOT NULL,
    at     timestamptz NOT NULL
);
COMMENT ON TABLE alerting.order IS 'every dispatch order as its newest event left it / 每张派单的当前状态';
COMMENT ON COLUMN alerting.order.id IS 'id of the order / 派单编号';
COMMENT ON COLUMN alerting.order.alert IS 'case it hangs on / 所属案件';
COMMENT ON COLUMN alerting.order.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.order.n IS 'number of the event that made this picture / 形成该状态的事件序号';
COMMENT ON COLUMN alerting.order.centre IS 'centre it was sent to / 受派中心';
COMMENT ON COLUMN alerting.order.state IS 'state of the order / 派单状态';
COMMENT ON COLUMN alerting.order.at IS 'when it came to that state / 进入该状态的时间';
CREATE INDEX order_alert ON alerting.order (alert);

CREATE TABLE alerting.evidence (
    alert text   PRIMARY KEY,
    lane  text   NOT NULL,
    n     bigint NOT NULL,
    body  json   NOT NULL
);
COMMENT ON TABLE alerting.evidence IS 'readings and raw messages frozen when a case opened / 立案时固化的证据';
COMMENT ON COLUMN alerting.evidence.alert IS 'id of the case / 案件编号';
COMMENT ON COLUMN alerting.evidence.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.evidence.n IS 'number of the event that carried it / 携带它的事件序号';
COMMENT ON COLUMN alerting.evidence.body IS 'the evidence / 证据内容';

CREATE TABLE alerting.unreadable (
    lane   text        NOT NULL,
    pos    bigint      NOT NULL,
    detail text        NOT NULL,
    raw    bytea       NOT NULL,
    copied timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, pos)
);
COMMENT ON TABLE alerting.unreadable IS 'ledger events that the database refused; must be empty / 数据库拒收的台账事件，应为空';
COMMENT ON COLUMN alerting.unreadable.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.unreadable.pos IS 'position in the ledger / 台账位置';
COMMENT ON COLUMN alerting.unreadable.detail IS 'what the database said / 数据库报错';
COMMENT ON COLUMN alerting.unreadable.raw IS 'the event''s bytes / 原始字节';
COMMENT ON COLUMN alerting.unreadable.copied IS 'when / 时间';

CREATE TABLE alerting.ledger_mark (
    lane   text        NOT NULL,
    ledger bytea       NOT NULL CHECK (length(ledger) = 16),
    pos    bigint      NOT NULL CHECK (pos >= 0),
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, ledger)
);
COMMENT ON TABLE alerting.ledger_mark IS 'up to where each ledger is copied / 每个台账已复制的位置';
COMMENT ON COLUMN alerting.ledger_mark.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN alerting.ledger_mark.ledger IS 'random id in the header of the ledger / 台账标识';
COMMENT ON COLUMN alerting.ledger_mark.pos IS 'position of the last copied record / 已复制的最后位置';
COMMENT ON COLUMN alerting.ledger_mark.at IS 'when it moved last / 最后更新时间';

-- Events in order, as one JSON array. What is there already is left alone, so it may be called again.
CREATE FUNCTION alerting.copy_events(of_lane text, events json)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO alerting.event (lane, n, at, event, alert, who, why, body)
    SELECT of_lane, (e->>'n')::bigint, (e->>'at')::timestamptz, e->>'event', e->>'alert', e->>'who', e->>'why', e
    FROM json_array_elements(events) AS e
    ON CONFLICT DO NOTHING;

    INSERT INTO alerting.case AS c (alert, lane, n, rule, class, subject, part, compound, building, district,
        subdistrict, station, point, side, severity, stage, state, condition, tier, loop, opened, since,
        acknowledged, owner, late, suspect, title_zh, title_en, config, body)
    SELECT DISTINCT ON (s->>'alert') s->>'alert', of_lane, (e->>'n')::bigint, coalesce(s->>'rule', ''), s->>'class',
        s->>'subject', s->>'part', s->>'compound', s->>'building', s#>>'{units,district}',
        s#>>'{units,subdistrict}', s#>>'{units,station}', s#>>'{units,point}', s->>'side',
        coalesce(s->>'severity', ''), s->>'stage', coalesce(s->>'state', ''), s->>'condition', s->>'tier',
        s->>'loop', coalesce(s->>'opened', e->>'at')::timestamptz, (s->>'since')::timestamptz,
        (s#>>'{acknowledged,at}')::timestamptz, s#>>'{acknowledged,by}', (s->>'late')::boolean,
        (s->>'suspect')::boolean, s#>>'{title,zh}', s#>>'{title,en}', (s->>'config')::integer, s
    FROM json_array_elements(events) AS e, LATERAL (SELECT e->'snapshot' AS s) AS x
    WHERE json_typeof(s) = 'object' AND s->>'alert' IS NOT NULL
    ORDER BY s->>'alert', (e->>'n')::bigint DESC
    ON CONFLICT (alert) DO UPDATE SET n = excluded.n, rule = excluded.rule, class = excluded.class,
        subject = excluded.subject, part = excluded.part, compound = excluded.compound,
        building = excluded.building, district = excluded.district, subdistrict = excluded.subdistrict,
        station = excluded.station, point = excluded.point, side = excluded.side, severity = excluded.severity,
        stage = excluded.stage, state = excluded.state, condition = excluded.condition, tier = excluded.tier,
        loop = excluded.loop, opened = excluded.opened, since = excluded.since,
        acknowledged = excluded.acknowledged, owner = excluded.owner, late = excluded.late,
        suspect = excluded.suspect, title_zh = excluded.title_zh, title_en = excluded.title_en,
        config = excluded.config, body = excluded.body
    WHERE c.n < excluded.n;

    INSERT INTO alerting.order AS o (id, alert, lane, n, centre, state, at)
    SELECT DISTINCT ON (r->>'order') r->>'order', s->>'alert', of_lane, (e->>'n')::bigint,
        coalesce(r->>'centre', ''), coalesce(r->>'state', ''), coalesce(r->>'at', e->>'at')::timestamptz
    FROM json_array_elements(events) AS e, LATERAL (SELECT e->'snapshot' AS s) AS x,
        LATERAL json_array_elements(CASE WHEN json_typeof(s->'orders') = 'array' THEN s->'orders' ELSE '[]' END) AS r
    WHERE json_typeof(s) = 'object' AND s->>'alert' IS NOT NULL AND r->>'order' IS NOT NULL
    ORDER BY r->>'order', (e->>'n')::bigint DESC
    ON CONFLICT (id) DO UPDATE SET n = excluded.n, centre = excluded.centre, state = excluded.state, at = excluded.at
    WHERE o.n < excluded.n;

    INSERT INTO alerting.evidence (alert, lane, n, body)
    SELECT e->>'alert', of_lane, (e->>'n')::bigint, e->'evidence'
    FROM json_array_elements(events) AS e
    WHERE json_typeof(e->'evidence') IN ('array', 'object') AND e->>'alert' IS NOT NULL
    ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION alerting.copy_events IS 'copies ledger events; twice does no harm / 复制台账事件，可重复执行';

GRANT INSERT, UPDATE ON alerting.case, alerting.order, alerting.ledger_mark TO wallwatch_writer;
GRANT INSERT ON alerting.event, alerting.evidence, alerting.unreadable TO wallwatch_writer;
GRANT EXECUTE ON FUNCTION alerting.copy_events TO wallwatch_writer;
