-- Roles, schemas, and the list of what was migrated.
--
-- Group roles without login; login users are granted one of them. Nothing else may connect.
-- Runs as the user who migrates: a superuser, or a user with CREATEROLE who owns the database.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['wallwatch_owner', 'wallwatch_writer', 'wallwatch_reader', 'wallwatch_console']
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the whole server: another database has made it
        END;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;
    IF NOT pg_has_role(current_user, 'wallwatch_owner', 'MEMBER') THEN
        EXECUTE format('GRANT wallwatch_owner TO %I', current_user);
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO wallwatch_owner', current_database());
END
$$;

COMMENT ON ROLE wallwatch_owner IS 'owns all tables; migrates / 所有者：拥有全部表，执行迁移';
COMMENT ON ROLE wallwatch_writer IS 'lanes: adds rows, owns nothing / 写入者：只追加数据，不拥有任何对象';
COMMENT ON ROLE wallwatch_reader IS 'reports and BI tools: reads / 只读者：报表与分析工具';
COMMENT ON ROLE wallwatch_console IS 'the web console: reads, adds to ops / 控制台：只读，并向 ops 追加记录';

SET LOCAL ROLE wallwatch_owner;

CREATE SCHEMA telemetry;
CREATE SCHEMA alerting;
CREATE SCHEMA grid;
CREATE SCHEMA ops;
COMMENT ON SCHEMA telemetry IS 'readings, one table per class of device / 设备读数，每类设备一张表';
COMMENT ON SCHEMA alerting IS 'copy of the lanes'' ledgers: cases, orders, events / 告警台账副本：事件、案件、派单';
COMMENT ON SCHEMA grid IS 'copy of the configured units, compounds and devices / 网格、小区与设备配置副本';
COMMENT ON SCHEMA ops IS 'how the data came here: lanes, batches, rejects / 运行账目：通道、批次、拒收';

GRANT USAGE ON SCHEMA telemetry, alerting, grid, ops TO wallwatch_writer, wallwatch_reader, wallwatch_console;
ALTER DEFAULT PRIVILEGES IN SCHEMA telemetry, alerting, grid, ops
    GRANT SELECT ON TABLES TO wallwatch_writer, wallwatch_reader, wallwatch_console;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE ops.migration (
    version  integer     PRIMARY KEY,
    name     text        NOT NULL,
    checksum text        NOT NULL,
    applied  timestamptz NOT NULL DEFAULT clock_timestamp(),
    by       text        NOT NULL DEFAULT session_user
);
COMMENT ON TABLE ops.migration IS 'migrations that were applied, in order; forward only / 已执行的迁移，只向前';
COMMENT ON COLUMN ops.migration.version IS 'number in the file name / 文件名中的编号';
COMMENT ON COLUMN ops.migration.name IS 'file name / 文件名';
COMMENT ON COLUMN ops.migration.checksum IS 'BLAKE2b-256 of the file / 文件摘要';
COMMENT ON COLUMN ops.migration.applied IS 'when / 执行时间';
COMMENT ON COLUMN ops.migration.by IS 'by whom / 执行人';

CREATE TABLE ops.setting (
    key   text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE ops.setting IS 'choices made once, at the first migrate / 首次迁移时定下的选择';
COMMENT ON COLUMN ops.setting.key IS 'driver: plain or timescale / 驱动：plain 或 timescale';
COMMENT ON COLUMN ops.setting.value IS 'the choice / 取值';
INSERT INTO ops.setting VALUES ('driver', 'plain');
