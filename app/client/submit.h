/* submit.h - a transaction, again and again until it is seen in the state.
 *
 * Owns the jobs of one signing account.  Its one rule: being accepted, or even being in a
 * block, is no success; the job ends when the caller's question to the state says so (or,
 * without a question, when the transaction is found executed with code 0), when the chain
 * refuses it too often, or when its last height has passed.
 *
 * Transactions are unordered: any number of jobs run side by side, and one that expired is
 * signed again with a new timeout.  Gas comes from a simulation, which is exact; a refusal
 * there costs nothing.  State of a job:
 *   ACCOUNT  asks for the account's number (once an account)
 *   SIMULATE asks for the gas
 *   SEND     posts the bytes
 *   WATCH    asks the state and the transaction at every new height, sends the same bytes
 *            again when they seem lost, goes back to SIMULATE when their timeout passed */
#ifndef VPR_CLIENT_SUBMIT_H
#define VPR_CLIENT_SUBMIT_H

#include "app/client/follow.h"
#include "app/tx/wire.h"

#define VPR_SUBMIT_JOBS_MAX 256
#define VPR_SUBMIT_REFUSALS_MAX 3   /* default */
#define VPR_SUBMIT_TIMEOUT_S 180    /* from the last block's time; the chain allows 600 */
#define VPR_SUBMIT_RESEND_BLOCKS 2  /* not found for so long: a killed node forgets; same bytes */
#define VPR_TX_HASH_TEXT_MAX 65
/* Gas that is paid for where a simulation says `gas`, but for a few more bytes' worth. */
#define VPR_SUBMIT_GAS(gas) ((gas) + (gas) / 50)

typedef void vpr_sign_fn(void *arg, struct vpr_signature *ret, struct vpr_bytes sign_doc);

struct vpr_submitter_config {
    struct vpr_loop *loop;
    struct vpr_follow *follow; /* its node is the one spoken to */
    struct vpr_public_key key; /* whose account signs and pays */
    vpr_sign_fn *sign;         /* over the SignDoc as it is; secp256k1 hashes it */
    void *sign_arg;
};

enum vpr_submit_outcome {
    VPR_SUBMIT_SEEN,    /* in the state */
    VPR_SUBMIT_REFUSED, /* `code` and `text` say why */
    VPR_SUBMIT_LATE,    /* the last height passed; `code` and `text` of the last refusal, if any */
};

struct vpr_submit_result {
    enum vpr_submit_outcome outcome;
    uint32_t code; /* enum vpr_code; 0 if the node did not give one */
    const char *text;
    const char *hash; /* of the transaction sent last, upper-case hex, or "" */
    uint64_t height;  /* its block, if it was found */
    uint32_t sends;
};
typedef void vpr_submit_done_fn(void *arg, const struct vpr_submit_result *result);

struct vpr_submit_job;

struct vpr_submit_spec {
    const ProtobufCMessage *const *messages; /* copied; at most VPR_TX_MESSAGES_MAX */
    size_t count;
    uint64_t last_height;  /* give up when the last block is this high */
    uint32_t refusals_max; /* 0: VPR_SUBMIT_REFUSALS_MAX */
    /* Ask the state whether it is there, then call vpr_submit_seen, at once or later; NULL:
     * the transaction itself is looked up. */
    void (*ask)(void *arg, struct vpr_submit_job *job);
    vpr_submit_done_fn *done; /* once; the job is gone after */
    void *arg;
};

struct vpr_submitter;

struct vpr_submitter *vpr_submitter_create(const struct vpr_submitter_config *config);
/* Jobs end without a callback; NULL is fine. */
void vpr_submitter_destroy(struct vpr_submitter *submitter);
/* NULL when too many jobs are under way. */
struct vpr_submit_job *vpr_submit_start(struct vpr_submitter *submitter,
                                        const struct vpr_submit_spec *spec);
/* No callback comes any more; NULL is fine.  A question of the caller's that is under way
 * must be cancelled by it first. */
void vpr_submit_cancel(struct vpr_submit_job *job);
void vpr_submit_seen(struct vpr_submit_job *job, bool seen);
uint32_t vpr_submit_jobs(const struct vpr_submitter *submitter);

struct vpr_address vpr_submitter_account(const struct vpr_submitter *submitter);

#endif
