-- The books of intake (design section 11, P2): which lane, which journal, which batch, up to where.
-- A batch is one transaction: rows, rejects, its line in ops.batch and the mark, or none of them.

SET LOCAL ROLE wallwatch_owner;

CREATE TABLE ops.lane (
    lane  text        PRIMARY KEY,
    epoch integer     NOT NULL CHECK (epoch > 0),
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ops.lane IS 'who may write for a lane: only the process with the newest epoch / 通道的写入权：只有最新任期的进程可写';
COMMENT ON COLUMN ops.lane.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN ops.lane.epoch IS 'grows by one with each start of the lane / 任期号，每次启动加一';
COMMENT ON COLUMN ops.lane.since IS 'when this epoch began / 任期开始时间';

CREATE TABLE ops.journal (
    src     integer     PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    lane    text        NOT NULL,
    journal bytea       NOT NULL CHECK (length(journal) = 16),
    since   timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (lane, journal)
);
COMMENT ON TABLE ops.journal IS 'journals that rows came from / 数据来源日志';
COMMENT ON COLUMN ops.journal.src IS 'small number that rows carry / 行中携带的来源编号';
COMMENT ON COLUMN ops.journal.lane IS 'name of the lane / 通道名';
COMMENT ON COLUMN ops.journal.journal IS 'random id in the header of the journal / 日志标识（128 位随机数）';
COMMENT ON COLUMN ops.journal.since IS 'first seen / 首次登记时间';

CREATE TABLE ops.mark (
    src   integer     PRIMARY KEY REFERENCES ops.journal,
    epoch integer     NOT NULL,
    pos   bigint      NOT NULL CHECK (pos >= 0),
    at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ops.mark IS 'up to where each journal is in the database / 每个日志已入库的位置';
COMMENT ON COLUMN ops.mark.src IS 'journal / 来源编号';
COMMENT ON COLUMN ops.mark.epoch IS 'epoch that moved it last / 最后更新者的任期';
COMMENT ON COLUMN ops.mark.pos IS 'position of the last record that has its verdict here / 已处理的最后一条记录的位置';
COMMENT ON COLUMN ops.mark.at IS 'when it moved last / 最后更新时间';

CREATE TABLE ops.batch (
    src       integer     NOT NULL REFERENCES ops.journal,
    from_pos  bigint      NOT NULL,
    to_pos    bigint      NOT NULL,
    epoch     integer     NOT NULL,
    config    integer     NOT NULL,
    records   bigint      NOT NULL,
    stored    integer     NOT NULL,
    rejected  integer     NOT NULL,
    duplicate integer     NOT NULL,
    own       integer     NOT NULL,
    shed      bigint      NOT NULL,
    readings  integer     NOT NULL,
    rejects   integer     NOT NULL,
    committed timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (src, to_pos),
    CHECK (from_pos < to_pos),
    CHECK (records = stored + rejected + duplicate + own + shed)
);
COMMENT ON TABLE ops.batch IS 'one transaction of a lane; batches tile the journal without gap or overlap / 每批写入一行，批次首尾相接覆盖日志';
COMMENT ON COLUMN ops.batch.src IS 'journal / 来源编号';
COMMENT ON COLUMN ops.batch.from_pos IS 'position before the first record / 起始位置（不含）';
COMMENT ON COLUMN ops.batch.to_pos IS 'position of the last record / 结束位置（含）';
COMMENT ON COLUMN ops.batch.epoch IS 'epoch of the lane / 任期号';
COMMENT ON COLUMN ops.batch.config IS 'configuration version of the last record / 最后一条记录所用的配置版本';
COMMENT ON COLUMN ops.batch.records IS 'journal records, each with one verdict / 日志记录数，每条恰有一个结论';
COMMENT ON COLUMN ops.batch.stored IS 'verdict stored / 已入库的记录数';
COMMENT ON COLUMN ops.batch.rejected IS 'verdict rejected / 被拒收的记录数';
COMMENT ON COLUMN ops.batch.duplicate IS 'verdict duplicate / 重复的记录数';
COMMENT ON COLUMN ops.batch.own IS 'verdict own: canaries, status / 自有消息数（探针、状态）';
COMMENT ON COLUMN ops.batch.shed IS 'verdict shed: given up, counted / 放弃的记录数';
COMMENT ON COLUMN ops.batch.readings IS 'rows in the tables of telemetry / 读数行数';
COMMENT ON COLUMN ops.batch.rejects IS 'rows in ops.reject / 拒收行数';
COMMENT ON COLUMN ops.batch.committed IS 'when / 写入时间';
CREATE INDEX batch_committed ON ops.batch USING brin (committed) WITH (autosummarize = on);

CREATE TABLE ops.reject (
    src       integer     NOT NULL,
    pos       bigint      NOT NULL,
    idx       integer     NOT NULL,
    config    integer     NOT NULL,
    received  timestamptz NOT NULL,
    committed timestamptz NOT NULL DEFAULT clock_timestamp(),
    verdict   text        NOT NULL DEFAULT 'rejected' CHECK (verdict IN ('rejected', 'rerun')),
    reason    text        NOT NULL,
    detail    text        NOT NULL,
    class     text        NOT NULL,
    device    text        NOT NULL,
    raw       bytea       NOT NULL
);
COMMENT ON TABLE ops.reject IS 'messages, or parts of them, that could not become readings / 未能成为读数的消息或其部分';
COMMENT ON COLUMN ops.reject.src IS 'journal / 来源编号';
COMMENT ON COLUMN ops.reject.pos IS 'position of the record in it / 日志中的位置';
COMMENT ON COLUMN ops.reject.idx IS 'number within the record / 记录内序号';
COMMENT ON COLUMN ops.reject.config IS 'configuration version / 配置版本';
COMMENT ON COLUMN ops.reject.received IS 'when the message was received / 消息接收时间';
COMMENT ON COLUMN ops.reject.committed IS 'when it was stored / 写入时间';
COMMENT ON COLUMN ops.reject.verdict IS 'rejected, or rerun: became readings later / rejected 拒收，rerun 后来重跑入库';
COMMENT ON COLUMN ops.reject.reason IS 'stable word; database: Postgres refused the row, raw is its COPY tuple / 原因词；database 表示数据库拒绝该行';
COMMENT ON COLUMN ops.reject.detail IS 'for a person / 给人看的说明';
COMMENT ON COLUMN ops.reject.class IS 'class, empty if unknown / 设备类别，未知为空';
COMMENT ON COLUMN ops.reject.device IS 'code of the device, empty if unknown / 设备编码，未知为空';
COMMENT ON COLUMN ops.reject.raw IS 'the rejected bytes / 原始字节';
CREATE INDEX reject_pos ON ops.reject (src, pos);
CREATE INDEX reject_received ON ops.reject USING brin (received) WITH (autosummarize = on);

CREATE TABLE ops.seen (
    device   bigint      PRIMARY KEY,
    code     text        NOT NULL,
    class    text        NOT NULL,
    compound text        NOT NULL,
    lane     text        NOT NULL,
    first    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ops.seen IS 'every device that a row was stored of, listed or not: from key to code / 入库过的每台设备：由键查编码';
COMMENT ON COLUMN ops.seen.device IS 'key: first 63 bits of BLAKE2b(code) / 设备键';
COMMENT ON COLUMN ops.seen.code IS 'code of the device / 设备编码';
COMMENT ON COLUMN ops.seen.class IS 'class under which it was seen first / 首次出现时的类别';
COMMENT ON COLUMN ops.seen.compound IS 'compound under which it was seen first / 首次出现时的小区';
COMMENT ON COLUMN ops.seen.lane IS 'lane that saw it first / 首次发现它的通道';
COMMENT ON COLUMN ops.seen.first IS 'when / 首次出现时间';

CREATE VIEW ops.account AS
SELECT j.lane, b.src, date_trunc('hour', b.committed) AS hour, count(*) AS batches,
    sum(b.records) AS records, sum(b.stored) AS stored, sum(b.rejected) AS rejected,
    sum(b.duplicate) AS duplicate, sum(b.own) AS own, sum(b.shed) AS shed,
    sum(b.readings) AS readings, sum(b.rejects) AS rejects
FROM ops.batch b JOIN ops.journal j USING (src)
GROUP BY j.lane, b.src, date_trunc('hour', b.committed);
COMMENT ON VIEW ops.account IS 'batches by lane and hour / 按通道和小时汇总的批次';

GRANT INSERT, UPDATE ON ops.lane, ops.mark TO wallwatch_writer;
GRANT INSERT ON ops.journal, ops.batch, ops.reject, ops.seen TO wallwatch_writer;
