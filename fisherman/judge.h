/* judge.h - was an answer right?  By the answers of the other servicers (docs/protocol.md, 3).
 *
 * Pure: the same answers give the same verdicts, so that a restart judges like the run
 * before it.  Its one rule: nothing is held against a servicer unless at least two others
 * have a result to hold against it.
 *
 *   exact, shape  same request: equal to what more than half of the others say; wrong only if
 *                 those are more than say the same as it does
 *   head          |h - H(t)| <= within at its own time of receipt; H(t) is the median of the
 *                 newest heights of all servicers within the two block times before
 *   trusted       where the operator's own backend has a result, that is the measure instead
 *   an error      wrong where more of the others have a result than have none
 *
 * "Others" are servicers, each with one voice: who answered twice speaks with its last
 * answer before the one that is judged, or else with its first. */
#ifndef VPR_FISHERMAN_JUDGE_H
#define VPR_FISHERMAN_JUDGE_H

#include "app/client/corpus.h"
#include "app/rules/card.h"
#include "app/rules/sample.h"

#define VPR_JUDGE_SERVICERS_MAX VPR_CARD_LINES_MAX
#define VPR_BLOCK_MS_DEFAULT 5000 /* of a sampled chain, as long as nothing was measured */
#define VPR_BLOCK_MS_MIN 200
#define VPR_BLOCK_MS_MAX 600000

enum vpr_found {
    VPR_FOUND_NOTHING, /* not answered */
    VPR_FOUND_ERROR,   /* a complete answer without a result */
    VPR_FOUND_RESULT,
};

/* What the judge has to know of one answer. */
struct vpr_finding {
    enum vpr_compare compare;
    uint64_t within;
    enum vpr_found found;
    struct vpr_hash value; /* exact, shape */
    uint64_t height;       /* head */
};

/* `id` is that of the request, which the answer must echo; REST answers have none.  An HTTP
 * error with a JSON-RPC error in it is a complete answer. */
struct vpr_finding vpr_finding_of(const struct vpr_corpus_template *t, uint64_t id,
                                  uint16_t status, struct vpr_bytes body);

struct vpr_opinion {
    uint32_t servicer; /* below `servicers` */
    uint32_t group;    /* equal: the same request */
    uint64_t at_ms;    /* of receipt */
    struct vpr_finding finding;
    bool trusted; /* not a servicer's, but a trusted backend's; `servicer` says nothing */
};

/* One verdict each; NONE for the trusted ones.  `count` opinions of one sid, in any order. */
void vpr_judge(enum vpr_verdict *ret, const struct vpr_opinion *opinions, size_t count,
               uint32_t servicers);

/* What vpr_judge takes for the time between two blocks: the median over the servicers of what
 * their heights say. */
uint64_t vpr_judge_block_ms(const struct vpr_opinion *opinions, size_t count,
                            uint32_t servicers);

/* Of `count` >= 1 heights, which are put in order; an even number: floor of the mean of the
 * middle two. */
uint64_t vpr_median(uint64_t *heights, size_t count);

#endif
