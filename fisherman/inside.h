/* inside.h - a session that is past: what report.c and review.c share. */
#ifndef VPR_FISHERMAN_INSIDE_H
#define VPR_FISHERMAN_INSIDE_H

#include "fisherman/expect.h"
#include "fisherman/report.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

enum report_step {
    STEP_CHECK_REPORT,
    STEP_REPORT,
    STEP_WAIT,
    STEP_CHECK_CARDS,
    STEP_REVEAL,
    STEP_REVIEW,
    STEP_DONE,
};

/* What became of one sid's card. */
struct fate {
    bool committed, revealed;
    const char *why; /* it is not revealed: static text */
    struct vpr_expected expected;
};

/* What the chain says of the sid under review. */
struct review {
    struct vpr_expect expect;
    struct vpr_card_line lines[VPR_EXPECT_FISHERMEN_MAX][VPR_CARD_LINES_MAX];
};

struct vpr_report {
    struct vpr_fishing *fishing;
    struct vpr_book *book;
    struct vpr_arena arena; /* for the message in the making */
    enum report_step step;
    bool drawn, over;
    bool foreign; /* the book is of another network */
    uint32_t sealed;
    struct vpr_node_call *call;
    struct vpr_submit_job *job;
    struct vpr_hash challenge;
    uint32_t cursor; /* over the book's sids */
    uint32_t pick_count, range_first, range_count;
    uint32_t picked[VPR_BOOK_SIDS_MAX];
    struct fate fates[VPR_BOOK_SIDS_MAX];
    struct review review;
    void (*reviewed)(struct vpr_report *report);
    size_t chain_count, zone_count;
    struct {
        uint16_t id;
        uint64_t multiplier_ppm, latency_target_ms, latency_max_ms;
    } chains[64], zones[64];
};

/* report.c */
const Viper__V1__CardInfo *report_card_of(const struct vpr_report *report,
                                          const struct vpr_node_answer *answer);
struct vpr_node_call *report_ask(struct vpr_report *report, const char *what, uint32_t sid,
                                 const ProtobufCMessageDescriptor *response, vpr_node_fn *fn);

/* review.c: fills in `expected` of every revealed card, then calls `done`; an answer that does
 * not come leaves the rest at 0. */
void report_review(struct vpr_report *report, void (*done)(struct vpr_report *report));
/* One line of the session, and one a sid. */
void report_tell(const struct vpr_report *report);

#endif
