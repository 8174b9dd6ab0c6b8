/* shared.h - what the parts of the daemon share: loop, node, keys, metrics, settings. */
#ifndef VPR_FISHERMAN_SHARED_H
#define VPR_FISHERMAN_SHARED_H

#include "app/client/submit.h"
#include "app/host/metrics.h"
#include "app/rules/ids.h"
#include "fisherman/shadow.h"
#include "fisherman/trust.h"

#define VPR_SID_TEXT_MAX 65

enum vpr_fishing_row {
    VPR_ROW_SAMPLES,    /* by what became of them */
    VPR_ROW_POSTS,      /* by outcome at the gateway */
    VPR_ROW_VERDICTS,
    VPR_ROW_LATENCY,
    VPR_ROW_CARDS,      /* by step */
    VPR_ROW_REWARD,
    VPR_ROW_SIDS,
    VPR_ROW_SIDS_BEYOND,
    VPR_ROW_OPEN,
    VPR_ROW_ROUND_TRIP,
    VPR_ROW_HEIGHT,
    VPR_ROW_CONNECTED,
    VPR_ROW_BALANCE,
    VPR_ROW_DISK,
    VPR_ROWS,
};

enum vpr_card_step { VPR_CARD_REPORTED, VPR_CARD_REVEALED, VPR_CARD_LOST, VPR_CARD_STEPS };

struct vpr_fishing {
    struct vpr_loop *loop;
    struct vpr_node *node;
    struct vpr_follow *follow;
    struct vpr_submitter *submitter;
    struct vpr_shadows *shadows;
    struct vpr_trust *trust; /* NULL: none */
    struct vpr_metrics *metrics;
    struct vpr_address fisherman;
    char fisherman_text[VPR_ADDRESS_TEXT_MAX];
    char operator_text[VPR_ADDRESS_TEXT_MAX];
    const char *dir;        /* of the books */
    const char *corpus_dir;
    uint32_t samples_target; /* a servicer and session */
    uint64_t block_ms;       /* measured; 0: not yet */
    uint64_t sampled_height; /* of the last sample */
    uint64_t epoch_ms;       /* what makes vpr_mono_ms() the time of day when we started */
};

#endif
