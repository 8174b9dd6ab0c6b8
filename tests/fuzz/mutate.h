/* mutate.h - bounded, seeded mutations for the fuzz tests: no tool needed.  FUZZ_SECONDS (2)
 * and FUZZ_SEED (the clock) come from the environment; the seed is printed, and with it a run
 * makes the same inputs.  Each input lies in a heap block of its exact size, so that a
 * sanitizer sees a read beyond it. */
#ifndef VPR_TESTS_FUZZ_MUTATE_H
#define VPR_TESTS_FUZZ_MUTATE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/base/base.h"

#define MUTATE_BYTES_MAX 2048

struct mutator {
    uint64_t rounds, state;
    time_t end;
    uint8_t text[MUTATE_BYTES_MAX];
    uint8_t *exact;
};

static inline uint64_t mutator_next(struct mutator *m)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return m->state;
}

static inline size_t mutator_below(struct mutator *m, size_t n)
{
    return (size_t)(mutator_next(m) % n);
}

static inline uint64_t mutator_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static inline struct mutator mutator_start(void)
{
    struct mutator m = {.rounds = 0};
    uint64_t seed = mutator_setting("FUZZ_SEED", (uint64_t)time(NULL));
    m.end = time(NULL) + (time_t)mutator_setting("FUZZ_SECONDS", 2);
    m.state = seed * UINT64_C(2654435761) + UINT64_C(88172645463325252);
    printf("FUZZ_SEED=%" PRIu64 "\n", seed);
    (void)fflush(stdout);
    return m;
}

/* At least a thousand rounds, then until the time is over; at most 10^9. */
static inline bool mutator_more(struct mutator *m)
{
    bool more = m->rounds < 1000 || (m->rounds < UINT64_C(1000000000) &&
                                     (m->rounds % 256 != 0 || time(NULL) < m->end));
    m->rounds += more ? 1 : 0;
    return more;
}

static inline void mutator_finish(struct mutator *m)
{
    free(m->exact);
    m->exact = NULL;
}

/* Replace `cut` bytes at `at` by `with`. */
static inline size_t mutate_splice(struct mutator *m, size_t len, size_t at, size_t cut,
                                   const void *with, size_t with_len)
{
    if (len - cut + with_len > MUTATE_BYTES_MAX) {
        return len;
    }
    memmove(m->text + at + with_len, m->text + at + cut, len - at - cut);
    memcpy(m->text + at, with, with_len);
    return len - cut + with_len;
}

static inline size_t mutate_once(struct mutator *m, size_t len, const char *const *words,
                                 size_t word_count)
{
    uint8_t copy[MUTATE_BYTES_MAX];
    size_t at = mutator_below(m, len + 1);
    size_t left = len - at;
    size_t part = left == 0 ? 0 : mutator_below(m, left < 16 ? left : 16);
    uint8_t byte = (uint8_t)mutator_next(m);
    const char *word = words[mutator_below(m, word_count)];

    switch (mutator_below(m, 6)) {
    case 0: /* flip */
        return left == 0 ? len : mutate_splice(m, len, at, 1, &byte, 1);
    case 1: /* insert a byte */
        return mutate_splice(m, len, at, 0, &byte, 1);
    case 2: /* remove */
        return mutate_splice(m, len, at, part, "", 0);
    case 3: /* repeat */
        memcpy(copy, m->text + at, part);
        return mutate_splice(m, len, at, 0, copy, part);
    case 4: /* a word in place of something */
        return mutate_splice(m, len, at, part, word, strlen(word));
    default: /* a word between */
        return mutate_splice(m, len, at, 0, word, strlen(word));
    }
}

/* One of the seeds with 0 to 5 changes; never empty. */
static inline struct vpr_bytes mutate(struct mutator *m, const char *const *seeds,
                                      size_t seed_count, const char *const *words,
                                      size_t word_count)
{
    const char *seed = seeds[mutator_below(m, seed_count)];
    size_t len = strlen(seed);
    memcpy(m->text, seed, len);
    for (size_t i = mutator_below(m, 6); i > 0; i--) {
        len = mutate_once(m, len, words, word_count);
    }
    if (len == 0) {
        m->text[len++] = ' ';
    }
    free(m->exact);
    m->exact = malloc(len);
    VPR_ASSERT(m->exact != NULL);
    memcpy(m->exact, m->text, len);
    return vpr_bytes_of(m->exact, len);
}

#endif
