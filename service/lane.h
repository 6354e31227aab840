/*
 * lane: one lane as one process (design sections 3, 4, 11). It wires; it decides nothing.
 *
 *   Paho's thread: mqtt -> journal -> wake
 *   loop:          journal -> normalise -> engine -> ledger -> outbox -> post, webhooks
 *                                       \-> writer (a cursor of its own when it lags)
 *   pool:          one sync of journal and ledger at a time; checkpoint files
 *
 * Order that everything here keeps: an input is appended to the ledger before it is fed, its
 * events before anything that follows from them is done, and nothing is done before both logs
 * are on disk (or known to be in memory only).
 *
 * Threads: everything runs on the loop, but for what lane_intake_uv.c says of Paho's. Time:
 * base/io/clock, read once per event.
 */
#pragma once

#include "alerting/dispatch/envelope.h"
#include "alerting/dispatch/post_uv.h"
#include "alerting/dispatch/webhook_curl.h"
#include "alerting/engine/engine.h"
#include "alerting/ledger/copy_pg.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/io/http_mhd.h"
#include "base/map.h"
#include "base/vec.h"
#include "base/wal.h"
#include "config/config.h"
#include "config/coverage.h"
#include "ingest/mqtt/mqtt_paho.h"
#include "ingest/normalise/normalise.h"
#include "ingest/writer/keeper_pg.h"
#include "ingest/writer/writer_pg.h"
#include "service/canary.h"
#include "service/checkpoint.h"
#include "service/peers.h"

#include <stdatomic.h>

#include <uv.h>

#define LANE_TURN_US 5000 /* no callback works longer (style.md) */
#define LANE_PATH_BYTES 4096

/* Records after pos are decoded under this configuration. */
struct lane_era {
    uint64_t pos;
    uint32_t version;
    struct config *config; /* a reference; NULL: not loaded yet */
};

struct intake {
    struct wal_cursor *cursor;
    uint64_t judged;  /* position of the newest record fed */
    uint64_t records; /* fed in this run */
    struct arena arena;
    uv_async_t wake;       /* the one thing Paho's thread touches besides the journal */
    atomic_ullong taken;   /* appended to the journal */
    atomic_ullong foreign; /* dropped before it: another lane owns the topic */
    atomic_ullong waits;   /* turns in which the journal was full */
    atomic_bool stopping;  /* gives up waiting for room */
    atomic_int mqtt_state; /* enum mqtt_state */
    atomic_bool session_lost;
    int seen_state;
    uint64_t lost_gaps; /* places where the journal could not be read */
};

enum act_kind {
    ACT_PUBLISH, /* a retained picture, a receipt, an answer: nobody waits for its end */
    ACT_SEND,    /* one attempt of a delivery over MQTT */
    ACT_WEBHOOK, /* one attempt of a delivery over HTTP */
    ACT_CANARY,  /* the third stop of the canary */
};

struct act { /* one effect on its way out; heap, owned by the outbox, then by its completion */
    struct act *next;
    struct lane *lane;
    uint64_t serial;
    uint64_t journal, ledger; /* both logs must be on disk up to there */
    enum act_kind kind;
    bool retained, urgent;
    uint32_t attempt;
    uint64_t canary;
    struct instant received;           /* of what this is the receipt for; 0: it is none */
    struct view topic, body, delivery; /* into the same block */
    const char *channel, *to;          /* likewise; HTTP and mail: looked up when it leaves */
};

struct acts {
    struct act *first, **last; /* not yet allowed out */
    size_t waiting;
    uint64_t serial;    /* of the newest */
    uint64_t committed; /* those up to here may go */
    bool syncing, want_sync;
    uint64_t sync_upto;
    uv_work_t work;
    uv_timer_t span; /* background sync of a lane with sync: SPAN */
    struct err journal_err, ledger_err;
    bool journal_ok, ledger_ok;
    size_t out; /* acts given to post or webhooks, not yet reported */
    struct {
        uint64_t sent, failed;
        struct span total, longest; /* from received to sent, of those sent */
    } receipts;
};

struct store {
    struct writer *writer; /* NULL: no database configured */
    struct ledger_copy *copy;
    struct keeper *keeper;
    struct wal_cursor *cursor;
    uint64_t at_cursor; /* where cursor stands */
    uint64_t pos;       /* records up to here were given to the writer */
    uint64_t mark;      /* committed */
    uint64_t copied;    /* ledger position that is in Postgres */
    bool ready, marked; /* writer may be fed; mark is known */
    uint64_t given;     /* records, of this run */
    uint32_t version;   /* the writer's classes are of that version */
    struct arena arena;
    uint64_t shed_from, shed_to, shed_records; /* given up, not yet told to the writer */
    struct instant away_since;                 /* 0: it is there */
    struct instant ready_since;                /* newest on_ready */
};

struct lane_checkpoints {
    uint64_t serial;                /* number of the newest file */
    uint64_t journal[2], ledger[2]; /* of the newest and the one before; 0: none */
    size_t kept;                    /* 0..2 */
    struct instant at;              /* of the newest */
    uint64_t records;               /* fed since */
    bool writing;
    uv_work_t work;
    struct buf bytes;
    uint64_t new_journal, new_ledger;
    struct err err;
    bool ok;
};

struct lane_roster { /* the nightly proof: lane_roster_uv.c */
    struct lane *lane;
    uv_work_t work;
    struct arena arena;
    struct config *config;
    struct coverage coverage;
    struct instant from;
    int64_t night; /* local day of the last one */
    uint32_t version;
    bool busy;
};

struct lane_fact {
    char code[40];
    char subject[64];
    bool on;
};

struct lane_age { /* where the logs ended at a time: for `keep` */
    struct instant at;
    uint64_t journal, ledger;
};

struct lane_trouble { /* of one log: what wal_trouble and wal_doubt said, as far as it was told */
    struct instant at;
    struct err err;
    uint64_t doubted;
};

struct lane {
    uv_loop_t *loop;
    const struct fs *fs;
    const char *program;
    char state_dir[LANE_PATH_BYTES];
    char dir[LANE_PATH_BYTES]; /* STATE/lane-NAME */
    const char *name;
    struct config *boot; /* what cannot change while running: lanes, broker, database */
    const struct lane_config *self;
    char canary_topic[96], told_topic[96], status_topic[96], command_topic[96], alert_prefix[96];

    struct wal *journal, *ledger;
    uint64_t segment_bytes; /* of the journal */
    uint32_t epoch;
    struct engine *engine;
    struct config *config;        /* in force at intake.judged; a reference */
    struct config *config_before; /* the one before, a reference: the engine may still read it */
    struct engine_options options;
    struct normalise_options normalise;
    VEC(struct lane_era) eras;
    struct arena keys_arena;
    struct sender_key *keys;
    size_t n_keys;

    struct intake intake;
    struct acts acts;
    struct store store;
    struct lane_checkpoints checkpoints;

    struct mqtt *mqtt;
    struct post *post;
    struct webhooks *hooks;
    struct http_server *http;

    /* start */
    struct instant down_from, down_until; /* when nobody ran this lane */
    struct instant opened, heard;         /* post came up; newest kept command or reply */
    bool ready;                           /* INPUT_READY was fed */
    bool differs;                         /* replay-differs */
    bool fresh;                           /* there is no state: neither checkpoint nor ledger */
    bool state_lost;                      /* there was one, and no checkpoint can be read */
    struct numbers {
        bool doubt;                       /* the last run's events may be in no file */
        uint64_t n;                       /* newest on record, of a state that was lost */
        char chain[2 * DIGEST_BYTES + 1]; /* its hash; empty: the engine's own */
    } numbers;
    bool marked; /* the file that says that the ledger is whole is there */

    /* watch */
    uv_timer_t tick, second, half_second, start_timer;
    struct instant tick_at;
    struct canary canary;
    struct peers peers;
    struct arena arena; /* lives as long as the lane */
    VEC(struct lane_fact) facts;
    VEC(struct lane_age) ages;
    struct instant post_down_since, aged, deadman_at;
    struct engine_audit audit; /* the newest */
    struct instant stolen_at;  /* 0: nobody took our client id */
    uint64_t refused;
    struct lane_trouble trouble[2]; /* journal, ledger */
    uint64_t lost_told;             /* of lost_gaps */
    struct lane_roster roster;

    /* end */
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t closing_timer;
    bool closing, closed;
    int open_parts; /* modules that still have to report closed */
    struct instant close_by;
    int exit_code;
    bool reloading;
    bool reload_again; /* asked for meanwhile */
    uv_work_t reload_work;
    uint32_t reload_version;
    struct config *reloaded;
    struct err reload_err;
};

/* lane_uv.c */
void lane_stop(struct lane *lane, int exit_code);
struct lane_era *lane_era_at(struct lane *lane, uint64_t pos);
/* Takes over a reference: from now on it is in force. */
void lane_use_config_take(struct lane *lane, struct config *config);

/* lane_start_uv.c: locks, opens the logs, loads the checkpoint, replays. */
MUST_USE bool lane_recover(struct lane *lane, struct err *err);

/* lane_numbers_uv.c: no event number stands for two events. */
void numbers_look(struct lane *lane);
void numbers_feed(struct lane *lane);
/* An event went to memory only: should this run be killed, the next one must know. */
void numbers_in_doubt(struct lane *lane);

/* lane_config_uv.c */
void lane_reload(struct lane *lane);
void lane_load_keys(struct lane *lane);

/* lane_feed_uv.c: the one door's door. body may be empty. */
void lane_feed(struct lane *lane, enum input_kind kind, struct view body);
void lane_feed_at(struct lane *lane, enum input_kind kind, struct instant now, struct view body);
/* Feeds one record; gives the final verdict. live: effects go out (else it is a replay). */
enum verdict lane_feed_record(struct lane *lane, const struct decoded *record);
void lane_effects(struct lane *lane, const struct effects *effects, uint64_t pos);
/* A fact of Wallwatch itself: fed when it is new or has changed. */
void lane_fact(
    struct lane *lane, const char *code, const char *subject, bool on, const char *detail);
/* Something that happened once: on and at once off, so that the next one counts too. */
void lane_fact_once(struct lane *lane, const char *code, const char *detail);
void lane_refused(struct lane *lane, const char *what, struct view sender, const char *why);
void lane_arm_tick(struct lane *lane);

/* lane_roster_uv.c */
void roster_second(struct lane *lane, struct instant now);

/* lane_effects_uv.c */
void acts_init(struct lane *lane);
void acts_add(struct lane *lane, const struct effect *effect);
void acts_add_canary(struct lane *lane, uint64_t number);
/* Lets out what may go; starts a sync if something waits. */
void acts_kick(struct lane *lane);
/* Syncs both logs soon, also if nothing waits. */
void acts_sync(struct lane *lane);
void acts_fini(struct lane *lane);

/* lane_intake_uv.c */
void intake_init(struct lane *lane);
void intake_on_message(void *arg, const struct mqtt_message *in);
void intake_on_state(void *arg, enum mqtt_state state, bool session_lost, const char *why);
/* Feeds what the journal holds beyond intake.judged for at most us; true: there is more. */
bool intake_drain(struct lane *lane, uint64_t us);

/* lane_store_uv.c */
MUST_USE bool store_open(struct lane *lane, struct err *err);
void store_take(struct lane *lane, const struct decoded *record, enum verdict verdict);
void store_pump(struct lane *lane);
uint64_t store_waiting(const struct lane *lane);
/* Trims both logs; under a full journal gives up what is judged but not stored. */
void store_second(struct lane *lane, struct instant now);

/* lane_checkpoint_uv.c */
void checkpoint_start(struct lane *lane, struct instant now);
MUST_USE bool checkpoint_final(struct lane *lane, struct err *err);
/* Newest valid one; *found false: none. bytes are kept in keep. */
MUST_USE bool checkpoint_newest(struct lane *lane, struct buf *keep, struct arena *arena,
    struct checkpoint *out, bool *found, struct err *err);

/* lane_post_uv.c */
void lane_open_post(struct lane *lane);
/* A signed answer of a centre; the HTTP status to give it. */
int lane_take_answer(struct lane *lane, const struct envelope *env, const char **why);
void lane_publish_all(struct lane *lane);

/* lane_status_uv.c */
void status_open(struct lane *lane);
void status_publish(struct lane *lane, bool up);
void status_second(struct lane *lane);

/* lane_http_uv.c */
MUST_USE bool lane_open_http(struct lane *lane, struct err *err);
