/* lore.h - what a session's answers tell about the sampled chain: its head, hashes of its
 * blocks.
 *
 * Templates are filled from it, so that requests look like anybody's.  Its one rule: one
 * servicer alone decides nothing where others have spoken: the head is the median of the
 * newest heights, a hash the one that most servicers told. */
#ifndef VPR_FISHERMAN_LORE_H
#define VPR_FISHERMAN_LORE_H

#include "app/client/corpus.h"
#include "fisherman/judge.h"

#define VPR_LORE_HASHES_MAX 128 /* the newest told */

struct vpr_lore_hash {
    uint64_t height;
    uint32_t seat;
    char text[VPR_CORPUS_HASH_TEXT_MAX];
};

struct vpr_lore {
    uint64_t heights[VPR_JUDGE_SERVICERS_MAX]; /* newest a servicer; 0: none */
    size_t hash_count; /* told in all */
    struct vpr_lore_hash hashes[VPR_LORE_HASHES_MAX];
};

/* From the answer of servicer `seat` to the template with these params; nothing to learn from
 * one without a result. */
void vpr_lore_learn(struct vpr_lore *lore, const struct vpr_corpus_template *t,
                    struct vpr_bytes params, uint32_t seat, const struct vpr_finding *finding,
                    struct vpr_bytes body);
uint64_t vpr_lore_head(const struct vpr_lore *lore); /* 0: not known */
/* For vpr_corpus_values: the hash of the nearest known block at or below `height`, else of the
 * lowest above.  `arg` is the lore. */
bool vpr_lore_hash(void *arg, char text[VPR_CORPUS_HASH_TEXT_MAX], uint64_t height);

#endif
