/* market.h - honest work on a driven chain, and the places where a strategy plays otherwise.
 *
 * Requestors ask every servicer drawn for the same part of its quota, servicers answer as well
 * as they can, fishermen see it with the luck of small samples, and every message goes out in
 * its window.  Luck depends on the seed and on who meets whom in which session, never on what
 * else happened: two plays of one seed differ by the strategy alone. */
#ifndef VPR_DRIVER_ADVERSARIES_MARKET_H
#define VPR_DRIVER_ADVERSARIES_MARKET_H

#include "tests/cast/work.h"
#include "tests/driver/dice.h"
#include "tests/driver/stage.h"

#define BENCHES_MAX 16
#define WORKS_MAX 128
#define CARDS_MAX 128
#define SHIFTS_MAX 5

struct job {
    struct ws_work *work; /* NULL: a fisherman's */
    struct ws_card *card;
    bool accepted; /* its Commit or ReportCard was OK */
};

/* The work of one session; jobs of one actor lie together. */
struct shift {
    uint64_t session;
    struct vpr_bench benches[BENCHES_MAX];
    struct job works[WORKS_MAX], cards[CARDS_MAX];
    size_t bench_count, work_count, card_count;
    bool committed, proved;
};

#define CLAIMS_WHAT_IT_ANSWERED UINT64_MAX
/* What a requestor's clients ask of a servicer in a sid, and how it answers. */
struct service {
    uint64_t demand_ppm;   /* of the quota */
    uint64_t answered_ppm; /* of the demand */
    uint64_t claimed_ppm;  /* of the demand it makes leaves for; CLAIMS_WHAT_IT_ANSWERED */
    uint64_t correct_ppm;  /* of what is answered */
    uint64_t latency_ms;
    uint64_t samples;      /* granted to each fisherman */
};

struct play;

/* Everything NULL: honest. */
struct moves {
    /* Changes how a servicer serves in a sid. */
    void (*serve)(struct play *play, const struct vpr_bench *bench,
                  const struct vpr_address *servicer, struct service *service);
    /* Changes a servicer's leaves and tree before it commits. */
    void (*bend)(struct play *play, struct ws_work *work);
    /* Before the jobs of one servicer are committed; true: the strategy sees to it. */
    bool (*commit)(struct play *play, struct job *jobs, size_t count);
    /* Changes a line of a fisherman's card; false: no card at all. */
    bool (*look)(struct play *play, const struct vpr_bench *bench,
                 const struct vpr_address *fisherman, struct vpr_card_line *line);
    /* Before each block. */
    void (*step)(struct play *play);
    void (*plan)(struct play *play, struct plan *plan);
};

struct play {
    struct stage *stage;
    const struct moves *moves;
    uint64_t seed, sessions; /* work is done in sessions 0 .. sessions - 1 */
    struct shift *shifts[SHIFTS_MAX];
    size_t shift_count;
    uint64_t next_session;
    uint64_t own[4]; /* the strategy's, 0 at the beginning */
    uint64_t cu_a_session; /* of a requestor whose throughput is what it gains */
    void *memory;    /* likewise; NULL, or freed at the end */
};

void market_open(struct play *play, struct stage *stage, const struct moves *moves,
                 uint64_t seed, uint64_t sessions);
void market_close(struct play *play);
/* One block, with all that is due in it. */
void market_block(struct play *play);
/* The session of the last block. */
uint64_t market_session(const struct play *play);

/* ---- for strategies ---- */

bool market_is(const struct vpr_address *who, const char *label);
/* True for the first `count` of "servicer1", "servicer2", ... */
bool market_among(const struct vpr_address *who, const char *kind, unsigned count);
/* Luck that depends on its arguments alone; either address may be NULL. */
struct dice market_dice(const struct play *play, const char *what, const struct vpr_hash *sid,
                        const struct vpr_address *a, const struct vpr_address *b);
/* One message in an unordered transaction; forced: the proposer takes it in any case. */
void market_send(struct play *play, const struct vpr_address *who,
                 const ProtobufCMessage *message, bool forced, struct job *told);
/* The coming block is number `offset` of the session that runs in it, counted from 0. */
bool market_at(const struct play *play, uint64_t offset);
/* The work of that session, or NULL. */
struct shift *market_shift(const struct play *play, uint64_t session);
/* Jobs of the same servicer as the first one, which lie together. */
size_t market_run(const struct job *jobs, size_t count);
void market_commit(struct play *play, struct job *jobs, size_t count, bool forced);

#endif
