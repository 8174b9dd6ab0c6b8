#include "relay/select.h"

#include "app/base/mem.h"

#define HEAD_AGE_MS 60000
#define HEADS_MAX 64
#define LATENCY_START_US 50000 /* of somebody never asked */
#define LATENCY_FLOOR_US 20000 /* differences below are noise */
#define BEHIND_PENALTY 16      /* answers from yesterday make balances go backwards */

void vpr_health_init(struct vpr_health *health, const struct vpr_address *servicer,
                     uint16_t chain)
{
    memset(health, 0, sizeof *health);
    health->servicer = *servicer;
    health->chain = chain;
    health->latency_us = LATENCY_START_US;
    health->good_ppm = (uint32_t)VPR_PPM;
    health->open_ms = VPR_BREAKER_OPEN_MS;
}

bool vpr_health_may(const struct vpr_health *health, uint64_t now_ms)
{
    if (now_ms < health->pause_until_ms) {
        return false;
    }
    switch (health->breaker) {
    case VPR_BREAKER_CLOSED:
        return true;
    case VPR_BREAKER_OPEN:
        return now_ms >= health->open_until_ms;
    case VPR_BREAKER_HALF:
        return false;
    }
    return false;
}

void vpr_health_asked(struct vpr_health *health, uint64_t now_ms)
{
    if (health->breaker == VPR_BREAKER_OPEN && now_ms >= health->open_until_ms) {
        health->breaker = VPR_BREAKER_HALF;
    }
}

static void count(struct vpr_health *health, uint64_t now_ms, bool bad)
{
    if (now_ms - health->window_ms >= VPR_BREAKER_WINDOW_MS) {
        health->window_ms = now_ms;
        health->window_all = 0;
        health->window_bad = 0;
    }
    health->window_all++;
    health->window_bad += bad ? 1 : 0;
    health->row = bad ? health->row + 1 : 0;
}

void vpr_health_good(struct vpr_health *health, uint64_t now_ms, uint64_t latency_us)
{
    count(health, now_ms, false);
    health->latency_us += latency_us / 8;
    health->latency_us -= health->latency_us / 8;
    health->good_ppm += ((uint32_t)VPR_PPM - health->good_ppm) / 8;
    if (health->breaker != VPR_BREAKER_CLOSED) {
        /* The doubling is forgotten too: it answered. */
        health->breaker = VPR_BREAKER_CLOSED;
        health->open_ms = VPR_BREAKER_OPEN_MS;
        health->window_all = 0;
        health->window_bad = 0;
    }
}

void vpr_health_bad(struct vpr_health *health, uint64_t now_ms)
{
    count(health, now_ms, true);
    health->good_ppm -= health->good_ppm / 8;
    const bool half = health->breaker == VPR_BREAKER_HALF;
    if (half) {
        health->open_ms = health->open_ms * 2 < VPR_BREAKER_OPEN_MS_MAX
                              ? health->open_ms * 2
                              : VPR_BREAKER_OPEN_MS_MAX;
    }
    const bool often = health->window_all >= VPR_BREAKER_WINDOW_MIN &&
                       2 * health->window_bad >= health->window_all;
    if (half ||
        (health->breaker == VPR_BREAKER_CLOSED && (health->row >= VPR_BREAKER_ROW || often))) {
        health->breaker = VPR_BREAKER_OPEN;
        health->open_until_ms = now_ms + health->open_ms;
    }
}

void vpr_health_refused(struct vpr_health *health, uint64_t now_ms, uint64_t pause_ms)
{
    health->pause_until_ms = now_ms + pause_ms;
    if (health->breaker == VPR_BREAKER_HALF) {
        /* It lives, but nothing was shown: let the next one look. */
        health->breaker = VPR_BREAKER_OPEN;
        health->open_until_ms = now_ms + pause_ms;
    }
}

void vpr_health_moved(struct vpr_health *health)
{
    health->breaker = VPR_BREAKER_CLOSED;
    health->open_ms = VPR_BREAKER_OPEN_MS;
    health->row = 0;
    health->window_all = 0;
    health->window_bad = 0;
    health->pause_until_ms = 0;
    health->good_ppm = (uint32_t)VPR_PPM;
}

void vpr_health_head(struct vpr_health *health, uint64_t now_ms, uint64_t height,
                     uint64_t others, uint64_t within)
{
    health->head = height;
    health->head_ms = now_ms;
    if (others == 0) {
        return;
    }
    uint64_t behind = others > within && height < others - within ? others - within - height : 0;
    if (behind > 1000) {
        behind = 1000;
    }
    health->behind_q8 -= health->behind_q8 / 4;
    health->behind_q8 += (uint32_t)(behind * 256 / 4);
}

uint64_t vpr_health_weight(const struct vpr_health *health, uint32_t score_ppm,
                           uint32_t in_flight)
{
    uint64_t weight = (uint64_t)score_ppm * (health->good_ppm / 1000) / 1000;

    weight = weight * 1000000 / (health->latency_us + LATENCY_FLOOR_US);
    weight /= (uint64_t)in_flight + 1;
    if (health->behind_q8 >= 256) {
        weight /= BEHIND_PENALTY;
    }
    return weight + 1;
}

struct vpr_health *vpr_healths_hold(struct vpr_healths *healths,
                                    const struct vpr_address *servicer, uint16_t chain)
{
    struct vpr_health *unused = NULL;

    for (uint32_t i = 0; i < healths->count; i++) {
        struct vpr_health *health = healths->all[i];
        if (health->chain == chain && vpr_address_equal(&health->servicer, servicer)) {
            health->refs++;
            return health;
        }
        if (health->refs == 0) {
            unused = health;
        }
    }
    if (healths->count < VPR_HEALTHS_MAX) {
        unused = vpr_mem_alloc(sizeof *unused);
        healths->all[healths->count++] = unused;
    }
    if (unused != NULL) {
        vpr_health_init(unused, servicer, chain);
        unused->refs = 1;
    }
    return unused;
}

void vpr_healths_release(struct vpr_health *health)
{
    if (health != NULL) {
        VPR_ASSERT(health->refs > 0);
        health->refs--;
    }
}

void vpr_healths_finish(struct vpr_healths *healths)
{
    for (uint32_t i = 0; i < healths->count; i++) {
        vpr_mem_free(healths->all[i]);
    }
    healths->count = 0;
}

size_t vpr_select(const uint64_t *weights, size_t count_of, const uint64_t luck[3])
{
    VPR_ASSERT(count_of >= 1);
    if (count_of == 1) {
        return 0;
    }
    const size_t a = (size_t)(luck[0] % count_of);
    size_t b = (size_t)(luck[1] % (count_of - 1));
    b += b >= a ? 1 : 0;
    const vpr_u128 both = (vpr_u128)weights[a] + weights[b];
    return (vpr_u128)luck[2] * both >> 64 < weights[a] ? a : b;
}

/* xorshift64*, Vigna 2014. */
uint64_t vpr_luck(uint64_t *state)
{
    uint64_t x = *state == 0 ? UINT64_C(0x9e3779b97f4a7c15) : *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t vpr_head_median(struct vpr_health *const *healths, size_t count_of, uint64_t now_ms)
{
    uint64_t heads[HEADS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < count_of && n < HEADS_MAX; i++) {
        const struct vpr_health *health = healths[i];
        if (health->head_ms == 0 || now_ms - health->head_ms > HEAD_AGE_MS) {
            continue;
        }
        size_t at = n++;
        while (at > 0 && heads[at - 1] > health->head) {
            heads[at] = heads[at - 1];
            at--;
        }
        heads[at] = health->head;
    }
    return n == 0 ? 0 : heads[n / 2];
}
