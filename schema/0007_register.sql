-- The device register: what devices.csv says besides, and when each device was last heard.

SET LOCAL ROLE wallwatch_owner;

ALTER TABLE grid.device
    ADD COLUMN profile    text,
    ADD COLUMN gateway    text,
    ADD COLUMN installed  date,
    ADD COLUMN interval_s integer,
    ADD COLUMN rated      jsonb,
    ADD COLUMN tags       text[];
COMMENT ON COLUMN grid.device.profile IS 'vendor profile / 厂家配置';
COMMENT ON COLUMN grid.device.gateway IS 'what it is heard through, empty: not known / 所经网关，空为未知';
COMMENT ON COLUMN grid.device.installed IS 'date of installation; 1 January where only the year is known / 安装日期，仅知年份时为 1 月 1 日';
COMMENT ON COLUMN grid.device.interval_s IS 'expected interval of its messages, seconds / 预期上报间隔（秒）';
COMMENT ON COLUMN grid.device.rated IS 'rated values: name -> {value, unit} / 额定值：名称对应数值与单位';
COMMENT ON COLUMN grid.device.tags IS 'tags / 标签';
CREATE OR REPLACE VIEW grid.current_device AS
    SELECT * FROM grid.device WHERE version = (SELECT max(version) FROM grid.version);

CREATE OR REPLACE FUNCTION grid.load(of_version integer, of_hash text, body jsonb)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM grid.version WHERE version = of_version
        OR version <= (SELECT max(version) FROM grid.version) - 10;
    INSERT INTO grid.version (version, hash) VALUES (of_version, of_hash);
    INSERT INTO grid.unit SELECT of_version, x.* FROM jsonb_to_recordset(body->'units')
        AS x(id text, tier text, parent text, name_zh text, name_en text);
    INSERT INTO grid.compound SELECT of_version, x.* FROM jsonb_to_recordset(body->'compounds')
        AS x(id text, name_zh text, name_en text, point text, station text, subdistrict text, district text);
    INSERT INTO grid.device (version, device, code, class, compound, building, zone, name, side,
            install_year, profile, gateway, installed, interval_s, rated, tags)
        SELECT of_version, x.device, x.code, x.class, x.compound, x.building, x.zone, x.name, x.side,
            x.install_year, x.profile, x.gateway, x.installed, x.interval_s, x.rated,
            ARRAY(SELECT jsonb_array_elements_text(x.tags))
        FROM jsonb_to_recordset(body->'devices')
        AS x(device bigint, code text, class text, compound text, building text, zone text, name text,
            side text, install_year integer, profile text, gateway text, installed date,
            interval_s integer, rated jsonb, tags jsonb);
$$;

-- A lane writes it at most once a minute for each device, before the batch that holds the reading;
-- a batch that comes again after a failure writes it again. Half-filled pages: updates stay in place.
ALTER TABLE ops.seen SET (fillfactor = 60);
ALTER TABLE ops.seen ADD COLUMN heard timestamptz;
COMMENT ON COLUMN ops.seen.heard IS 'last message that became readings, when it was received, to the minute / 最近一次有效上报的接收时间，精确到分钟';
COMMENT ON COLUMN ops.seen.class IS 'class under which it was heard last / 最近上报时的类别';
COMMENT ON COLUMN ops.seen.compound IS 'compound under which it was heard last / 最近上报时的小区';
COMMENT ON COLUMN ops.seen.lane IS 'lane that heard it last / 最近收到它的通道';
GRANT UPDATE (class, compound, lane, heard) ON ops.seen TO wallwatch_writer;

-- Silence is counted up to where the lane's messages are in the database, not up to now: a lane that
-- is down makes no device silent.
CREATE VIEW grid.device_state AS
SELECT d.*, s.heard, CASE
    WHEN s.heard IS NULL THEN 'never'
    WHEN s.heard < l.at - make_interval(secs => 3 * d.interval_s + 60) THEN 'silent'
    ELSE 'heard' END AS state
FROM grid.current_device d
LEFT JOIN ops.seen s USING (device)
LEFT JOIN (SELECT j.lane, max(m.at) AS at FROM ops.mark m JOIN ops.journal j USING (src)
    GROUP BY j.lane) l USING (lane);
COMMENT ON VIEW grid.device_state IS 'listed devices with when they were last heard, and heard, silent or never / 在册设备及其最近上报与状态';
CREATE VIEW grid.unlisted_device AS
SELECT s.* FROM ops.seen s LEFT JOIN grid.current_device d USING (device) WHERE d.device IS NULL;
COMMENT ON VIEW grid.unlisted_device IS 'devices that are heard and not listed / 有上报而未登记的设备';
