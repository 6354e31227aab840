-- The configured units, compounds and devices, copied at each applied version, for joins.
-- Configuration is files; nothing here is ever read back by the program.

SET LOCAL ROLE wallwatch_owner;

CREATE TABLE grid.version (
    version integer     PRIMARY KEY,
    hash    text        NOT NULL,
    copied  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE grid.version IS 'configuration versions that are copied here / 已复制的配置版本';
COMMENT ON COLUMN grid.version.version IS 'number of the version, 0: not applied yet / 版本号';
COMMENT ON COLUMN grid.version.hash IS 'digest of its files / 文件摘要';
COMMENT ON COLUMN grid.version.copied IS 'when / 复制时间';

CREATE TABLE grid.unit (
    version integer NOT NULL REFERENCES grid.version ON DELETE CASCADE,
    id      text    NOT NULL,
    tier    text    NOT NULL,
    parent  text,
    name_zh text    NOT NULL,
    name_en text    NOT NULL,
    PRIMARY KEY (version, id)
);
COMMENT ON TABLE grid.unit IS 'units of the four tiers / 四级网格单元';
COMMENT ON COLUMN grid.unit.version IS 'configuration version / 配置版本';
COMMENT ON COLUMN grid.unit.id IS 'id of the unit / 单元编号';
COMMENT ON COLUMN grid.unit.tier IS 'point, station, subdistrict or district / 层级';
COMMENT ON COLUMN grid.unit.parent IS 'unit above / 上级单元';
COMMENT ON COLUMN grid.unit.name_zh IS 'name in Chinese / 中文名';
COMMENT ON COLUMN grid.unit.name_en IS 'name in English / 英文名';

CREATE TABLE grid.compound (
    version     integer NOT NULL REFERENCES grid.version ON DELETE CASCADE,
    id          text    NOT NULL,
    name_zh     text    NOT NULL,
    name_en     text    NOT NULL,
    point       text,
    station     text,
    subdistrict text,
    district    text,
    PRIMARY KEY (version, id)
);
COMMENT ON TABLE grid.compound IS 'residential compounds / 住宅小区';
COMMENT ON COLUMN grid.compound.version IS 'configuration version / 配置版本';
COMMENT ON COLUMN grid.compound.id IS 'id of the compound / 小区编号';
COMMENT ON COLUMN grid.compound.name_zh IS 'name in Chinese / 中文名';
COMMENT ON COLUMN grid.compound.name_en IS 'name in English / 英文名';
COMMENT ON COLUMN grid.compound.point IS 'its information point / 信息点';
COMMENT ON COLUMN grid.compound.station IS 'its workstation / 工作站';
COMMENT ON COLUMN grid.compound.subdistrict IS 'its subdistrict / 街镇';
COMMENT ON COLUMN grid.compound.district IS 'its district / 区';

CREATE TABLE grid.device (
    version      integer NOT NULL REFERENCES grid.version ON DELETE CASCADE,
    device       bigint  NOT NULL,
    code         text    NOT NULL,
    class        text    NOT NULL,
    compound     text    NOT NULL,
    building     text    NOT NULL,
    zone         text    NOT NULL,
    name         text    NOT NULL,
    side         text    NOT NULL,
    install_year integer,
    PRIMARY KEY (version, device)
);
COMMENT ON TABLE grid.device IS 'listed devices / 在册设备';
COMMENT ON COLUMN grid.device.version IS 'configuration version / 配置版本';
COMMENT ON COLUMN grid.device.device IS 'key, as rows carry it / 设备键';
COMMENT ON COLUMN grid.device.code IS 'code of the device / 设备编码';
COMMENT ON COLUMN grid.device.class IS 'class / 类别';
COMMENT ON COLUMN grid.device.compound IS 'compound / 小区';
COMMENT ON COLUMN grid.device.building IS 'building, empty: none / 楼栋';
COMMENT ON COLUMN grid.device.zone IS 'zone, empty: its own / 防护区';
COMMENT ON COLUMN grid.device.name IS 'name for people / 名称';
COMMENT ON COLUMN grid.device.side IS 'inside or outside the wall / 墙内或墙外';
COMMENT ON COLUMN grid.device.install_year IS 'year of installation / 安装年份';

CREATE VIEW grid.current_unit AS SELECT * FROM grid.unit WHERE version = (SELECT max(version) FROM grid.version);
CREATE VIEW grid.current_compound AS SELECT * FROM grid.compound WHERE version = (SELECT max(version) FROM grid.version);
CREATE VIEW grid.current_device AS SELECT * FROM grid.device WHERE version = (SELECT max(version) FROM grid.version);
COMMENT ON VIEW grid.current_unit IS 'units of the newest version / 最新版本的单元';
COMMENT ON VIEW grid.current_compound IS 'compounds of the newest version / 最新版本的小区';
COMMENT ON VIEW grid.current_device IS 'devices of the newest version / 最新版本的设备';

-- Copies one version; again for the same version replaces it. Ten versions are kept.
-- body: {"units": [...], "compounds": [...], "devices": [...]} with the columns' names as keys.
CREATE FUNCTION grid.load(of_version integer, of_hash text, body jsonb)
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
    INSERT INTO grid.device SELECT of_version, x.* FROM jsonb_to_recordset(body->'devices')
        AS x(device bigint, code text, class text, compound text, building text, zone text, name text,
            side text, install_year integer);
$$;
COMMENT ON FUNCTION grid.load IS 'copies one configuration version / 复制一个配置版本';
