/* day.h - the work of one session at scale: who is drawn for whom, what servicers claim and
 * fishermen see, and the messages that say so, into the stage's pool.
 *
 * Requestors requestor1 ... with 24 servicers on their pairs; every seat makes a claim of one
 * client, or as many as said, with one relay each, made again from labels whenever it is needed.
 * Messages are unordered, so no mirror is necessary. */
#ifndef VPR_BENCH_DAY_H
#define VPR_BENCH_DAY_H

#include "tests/cast/work.h"
#include "tests/driver/send.h"

#define DAY_CLAIM_CU 100
#define DAY_SAMPLES 5 /* of a servicer on a card: the least that counts */

struct day_claim {
    struct vpr_address servicer;
    uint32_t bench, seat;
};
struct day {
    uint64_t session;
    struct vpr_bench *benches;
    size_t bench_count;
    struct day_claim *claims; /* by servicer, then sid */
    size_t claim_count;
};

/* Asks the node who is drawn in `session`, which runs, for each pair of `requestors`: all of
 * chains 1 to `chains`, zone 1.  day_close gives back what it took. */
void day_open(struct day *day, struct stage *stage, uint64_t session, uint64_t requestors,
              uint16_t chains);
void day_close(struct day *day);

/* How a day's work is told. */
struct day_way {
    const struct work_asked *asked; /* NULL: Commits and seals; else Proves and Reveals */
    size_t per_message;             /* entries or cards, at most as many as one may hold */
    size_t claims_max, cards_max;   /* stop there; 0: all */
    bool first_seats, other_seats;  /* claims of seat 0 of each sid, of all others */
    size_t clients;                 /* of each claim; 0: one */
    bool no_samples;                /* Proves of tails alone */
    unsigned fishermen_before;      /* so many say nothing */
    unsigned cards_percent;         /* of the sids */
    bool empty_cards;               /* that saw nothing */
};
/* Both return how many claims or cards they told of. */
size_t day_servicers(const struct day *day, struct stage *stage, const struct day_way *way);
/* One report card a fisherman and as many Reveals as it takes. */
size_t day_fishermen(const struct day *day, struct stage *stage, unsigned fishermen,
                   const struct day_way *way);

/* What the challenge of a session asks for, which must be drawn; with the parameters of the
 * main network. */
const struct work_asked *day_asked(struct stage *stage, uint64_t session,
                                   struct work_asked *ret);

#endif
