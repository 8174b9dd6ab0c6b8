/* select.h - which servicer next: what we know of each, and the choice.
 *
 * Owns one health record a (servicer, chain), kept over sessions.  Its one rule: two at
 * random, then the better with a probability of its share of both weights, so that nobody
 * is asked always and nobody never.  One thread; time and luck are arguments.
 *
 * Breaker of a health record:
 *   CLOSED  asked normally; five failures in a row, or half of at least ten within ten
 *           seconds, open it                                             (vpr_health_bad)
 *   OPEN    not asked for 5 s, doubling to 60 s                          (vpr_health_may)
 *   HALF    one request is on its way to see                             (vpr_health_asked)
 *           good: CLOSED; bad: OPEN again, longer */
#ifndef VPR_RELAY_SELECT_H
#define VPR_RELAY_SELECT_H

#include "app/base/base.h"

#define VPR_HEALTHS_MAX 2048
#define VPR_BREAKER_ROW 5
#define VPR_BREAKER_WINDOW_MS 10000
#define VPR_BREAKER_WINDOW_MIN 10
#define VPR_BREAKER_OPEN_MS 5000
#define VPR_BREAKER_OPEN_MS_MAX 60000

enum vpr_breaker { VPR_BREAKER_CLOSED, VPR_BREAKER_OPEN, VPR_BREAKER_HALF };

struct vpr_health {
    struct vpr_address servicer;
    uint16_t chain;
    uint32_t refs; /* panels that hold it */

    uint64_t latency_us; /* moving mean of good answers */
    uint32_t good_ppm;   /* moving share of good answers */
    uint32_t behind_q8;  /* moving mean of blocks behind the others, in 1/256 */
    uint64_t head, head_ms; /* last height it told, and when; head_ms 0: none */

    enum vpr_breaker breaker;
    uint32_t row; /* failures in a row */
    uint64_t window_ms;
    uint32_t window_all, window_bad;
    uint64_t open_until_ms, open_ms;
    uint64_t pause_until_ms; /* it refused, which is no sickness: leave it alone a moment */
};

void vpr_health_init(struct vpr_health *health, const struct vpr_address *servicer,
                     uint16_t chain);
/* May be asked now; OPEN whose time is over counts. */
bool vpr_health_may(const struct vpr_health *health, uint64_t now_ms);
/* A request goes out. */
void vpr_health_asked(struct vpr_health *health, uint64_t now_ms);
void vpr_health_good(struct vpr_health *health, uint64_t now_ms, uint64_t latency_us);
void vpr_health_bad(struct vpr_health *health, uint64_t now_ms);
/* A signed refusal that is no sickness. */
void vpr_health_refused(struct vpr_health *health, uint64_t now_ms, uint64_t pause_ms);
/* It is at another address now: what was wrong with the old one is forgotten. */
void vpr_health_moved(struct vpr_health *health);
/* It told a height; `others`: what the bench agrees on, 0 if unknown. */
void vpr_health_head(struct vpr_health *health, uint64_t now_ms, uint64_t height,
                     uint64_t others, uint64_t within);

/* >= 1: score on chain x good answers x speed, shared by what is in flight. */
uint64_t vpr_health_weight(const struct vpr_health *health, uint32_t score_ppm,
                           uint32_t in_flight);

/* The records, found again when a servicer is drawn again. */
struct vpr_healths {
    uint32_t count;
    struct vpr_health *all[VPR_HEALTHS_MAX];
};
/* With one more reference; NULL when too many are held. */
struct vpr_health *vpr_healths_hold(struct vpr_healths *healths,
                                    const struct vpr_address *servicer, uint16_t chain);
void vpr_healths_release(struct vpr_health *health); /* NULL is fine */
void vpr_healths_finish(struct vpr_healths *healths);

/* Of `count` >= 1 weights; `luck`: three numbers from vpr_luck. */
size_t vpr_select(const uint64_t *weights, size_t count, const uint64_t luck[3]);

/* A small generator for choices and jitter; no secret comes from it. */
uint64_t vpr_luck(uint64_t *state);

/* The median of heights told within the last minute; 0 if nobody told one. */
uint64_t vpr_head_median(struct vpr_health *const *healths, size_t count, uint64_t now_ms);

#endif
