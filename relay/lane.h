/* lane.h - the requestor's side of a session: a client key, its token, and the books kept with
 * each servicer (docs/protocol.md, 3).
 *
 * Owns every number that goes into a request part; the client's secret is the keyring's, in
 * memory only.  Its one rule: an answer counts in cum_cu only after its receipt held;
 * what was lost never counts.  One thread; knows no socket and no clock. */
#ifndef VPR_RELAY_LANE_H
#define VPR_RELAY_LANE_H

#include "app/host/keyring.h"
#include "app/rules/receipt.h"
#include "app/rules/request.h"
#include "app/rules/token.h"

/* A client key of one sid; used with all its servicers. */
struct vpr_pass {
    struct vpr_token token; /* sid, client key, the gateway key's word */
    struct vpr_key *key;
};

/* A fresh key; the token is still to be signed. */
void vpr_pass_make(struct vpr_pass *pass, const struct vpr_hash *sid);
void vpr_pass_wipe(struct vpr_pass *pass);

/* The books with one servicer. */
struct vpr_tab {
    struct vpr_address servicer;
    uint64_t quota_cu, reserve_cu; /* the reserve is for samples */

    uint64_t seq;         /* of the last request */
    uint64_t accepted_cu; /* answers whose receipt held */
    uint64_t vouched_cu;  /* largest cum_cu sent */
    uint64_t lost_cu;     /* the servicer may have counted these; we never do */
    uint64_t pending_cu;
    uint32_t pending;
    uint64_t sampled_cu; /* granted to fishermen, of the reserve */
    bool token_known;    /* the servicer has seen our token */
    bool full;           /* it refused for quota */

    uint64_t sent, answered, refused, failed; /* sent = the other three + pending */
};

/* The next request part to this servicer, signed; one vpr_tab_close must follow. */
void vpr_tab_open(struct vpr_tab *tab, struct vpr_signed_request *ret,
                  const struct vpr_pass *pass, uint64_t cu, const struct vpr_hash *req);

enum vpr_tab_end {
    VPR_TAB_ANSWERED, /* the receipt held */
    VPR_TAB_REFUSED,  /* a signed refusal: not served, not counted */
    VPR_TAB_UNSENT,   /* it did not arrive, or the servicer says that it did nothing */
    VPR_TAB_LOST,     /* anything else */
};
void vpr_tab_close(struct vpr_tab *tab, const struct vpr_signed_request *request,
                   enum vpr_tab_end end);

/* Room for a request of ours: below the quota less what the samples may still take. */
bool vpr_tab_room(const struct vpr_tab *tab, uint64_t cu);
/* Would the servicer, with the default setting, answer one more? (max(100, 2 % of the quota)
 * plus 10 % of what is acknowledged.)  A hint for spreading: with nothing in flight always. */
bool vpr_tab_bears(const struct vpr_tab *tab, uint64_t cu);
/* Answers were accepted that no request sent so far vouches for. */
bool vpr_tab_open_end(const struct vpr_tab *tab);

enum vpr_answer {
    VPR_ANSWER_GOOD,    /* receipt holds over status and body */
    VPR_ANSWER_REFUSAL, /* signed refusal of this request */
    VPR_ANSWER_TOKEN,   /* asks for the token */
    VPR_ANSWER_BARE,    /* neither receipt nor refusal */
    VPR_ANSWER_BAD,     /* one that does not hold: tampered with, or of another request */
};

/* What came back; headers NULL where they are missing.  `ret_receipt` or `ret_refusal` is
 * filled with GOOD or REFUSAL. */
enum vpr_answer vpr_answer_judge(struct vpr_receipt *ret_receipt,
                                 struct vpr_refusal *ret_refusal,
                                 const struct vpr_request *request,
                                 const struct vpr_hash *relay_key, uint32_t status,
                                 const struct vpr_bytes *receipt,
                                 const struct vpr_bytes *refusal, struct vpr_bytes body);

#endif
