/* cast.h - inside a running session: what watch.c plans, cast.c sends. */
#ifndef VPR_FISHERMAN_CAST_H
#define VPR_FISHERMAN_CAST_H

#include "fisherman/lore.h"
#include "fisherman/plan.h"
#include "fisherman/watch.h"

#define CHAINS_MAX 64

/* A chain as this session samples it. */
struct chain {
    uint16_t id;
    struct vpr_corpus *corpus; /* NULL: not sampled */
    uint64_t cost[VPR_CORPUS_TEMPLATES_MAX];
    uint64_t mean_cost;
};

struct group {
    const struct vpr_corpus_template *template;
    uint64_t cost;
    struct vpr_bytes params; /* owned */
    bool doubted; /* the trusted backend was asked */
};

enum step { ASK_BENCH, ASK_REQUESTOR, READY, OFF };

struct watched {
    struct vpr_watch *watch;
    enum step step;
    struct vpr_node_call *call;
    char sid_text[VPR_SID_TEXT_MAX];
    char requestor_text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_book_terms terms;
    uint32_t index; /* in the book */
    const struct chain *chain;
    struct vpr_gate *gate;
    bool planned;
    uint64_t reserve_cu; /* a servicer */
    uint64_t pending_cu[VPR_CARD_LINES_MAX];
    struct vpr_plan plan;
    uint32_t first_group;
    struct group *groups;
    struct vpr_lore lore;
};

struct flight {
    struct flight *before, *after;
    struct watched *of;
    struct vpr_shadow_call *call;
    struct vpr_plan_slot slot;
    uint64_t id;
};

/* A question to the trusted backend. */
struct doubt {
    struct doubt *before, *after;
    struct watched *of;
    struct vpr_http_exchange *exchange;
    uint32_t group; /* of the plan */
    uint64_t id;
};

struct vpr_watch {
    struct vpr_fishing *fishing;
    struct vpr_book *book;
    uint64_t session, first, last, share_ppm;
    struct vpr_node_call *call;
    struct vpr_timer *retry, *timer;
    bool has_chains, has_sids, stopped;
    uint64_t end_ms;
    size_t chain_count, sid_count, sids_beyond;
    struct chain *chains[CHAINS_MAX];
    struct watched *sids[VPR_BOOK_SIDS_MAX];
    struct flight *flights;
    struct doubt *doubts;
    uint32_t doubt_count;
    bool denied_told; /* once a session: the metric has the number */
};

/* cast.c: everything that is due is sent, then a timer sleeps until the next one is; `arg` is
 * the watch. */
void cast_run(void *arg);
/* Takes back what is under way. */
void cast_cancel(struct vpr_watch *watch);

#endif
