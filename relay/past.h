/* past.h - a session that is over: what commit.c and prove.c share. */
#ifndef VPR_RELAY_PAST_H
#define VPR_RELAY_PAST_H

#include <pthread.h>

#include "app/rules/ids.h"
#include "relay/commit.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define PAST_JOBS_MAX 4     /* messages under way side by side */

enum phase {
    LOADING,
    PRICING_CHAINS,
    PRICING_SCORES,
    PRICING,
    CHECKING_COMMITS,
    COMMITTING,
    WAITING,
    CHECKING_PROOFS,
    PROVING,
    REVIEWING,
    SETTLING,
};

enum worth {
    WORTH_UNKNOWN, /* not asked, or the chain knows no such sid */
    WORTH_IT,
    WORTH_TOO_SMALL, /* below claim_min */
    WORTH_A_LOSS,
};

struct entry {
    const struct vpr_claim_entry *claim;
    uint32_t chain_ppm, zone_ppm;
    uint64_t allowance, budget, quota; /* of its bench */
    uint64_t gross;                    /* of min(sum, quota) */
    uint32_t score_ppm;                /* running; 10^6 if the chain tells none */
    enum worth worth;
    bool present;                      /* our root, sum and count are on the chain */
    bool tails_proved;
};

/* What one message carries. */
struct range {
    size_t first, count; /* of past->picked */
    bool samples;        /* and the sampled leaves */
};

struct past_job {
    struct past *past;
    struct vpr_submit_job *submit; /* NULL: this place is free */
    struct vpr_node_call *call;    /* the question of `ask` */
    struct range range;
    size_t cursor;
    bool samples_seen;
    bool prove;
};

struct past {
    struct vpr_commits *commits;
    uint64_t session;
    enum phase phase;
    struct vpr_node_call *call; /* of a walk over the entries, or for the challenge */
    size_t cursor;

    pthread_t thread;
    bool has_thread;
    enum vpr_code load_code;
    struct vpr_err load_err;
    struct vpr_claims *claims;
    size_t entry_count;
    struct entry *entries; /* in sid order */

    size_t picked_count;
    size_t *picked; /* entries the messages are about */
    size_t range_count;   /* waiting; none shares an entry with another */
    struct range *ranges; /* room for one an entry, and one of samples alone */
    struct past_job jobs[PAST_JOBS_MAX];

    bool has_challenge;
    struct vpr_hash challenge;
    uint64_t samples_bits; /* proved, as the chain says */
    size_t reviewed; /* entries whose settlement was read before it happened */
    struct vpr_earned earned;
    char why[VPR_COMMIT_WHY_MAX];
};

struct vpr_commits {
    struct vpr_commits_config config;
    char servicer_text[VPR_ADDRESS_TEXT_MAX];
    char operator_text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_arena arena; /* for the message in the making */
    size_t count;
    struct past *pasts[VPR_COMMITS_SESSIONS_MAX];
};

/* commit.c */
void past_advance(struct past *past);
void past_lost(struct past *past, const char *fmt, ...) VPR_PRINTF(2, 3);
/* The line of this servicer, or NULL. */
const Viper__V1__CommitInfo *past_info(const struct past *past,
                                       const struct vpr_node_answer *answer);
bool past_same(const struct entry *entry, const Viper__V1__CommitInfo *info);
struct vpr_node_call *past_ask_commits(struct past *past, size_t entry, vpr_node_fn *fn,
                                       void *arg);
void past_add_range(struct past *past, struct range range);
void past_make_entries(struct past *past); /* of its claims */
void commit_plan(struct past *past);       /* picked and ranges */

/* worth.c */
void past_price(struct past *past, struct entry *entry);

/* prove.c */
Viper__V1__ProveEntry *prove_entry(struct vpr_arena *arena, const struct entry *entry);
uint64_t past_samples_wanted(const struct past *past);
void prove_plan(struct past *past); /* picked and ranges */
/* The message of a range, in commits->arena; NULL if it cannot be made: see past->why. */
const ProtobufCMessage *prove_message(struct past *past, const struct range *range);

/* jobs.c */
void jobs_run(struct past *past); /* start what waits; past_advance when all is done */
bool jobs_busy(const struct past *past);
void jobs_cancel(struct past *past);
Viper__V1__CommitEntry *commit_entry(struct vpr_arena *arena,
                                     const struct vpr_claim_entry *claim);
const ProtobufCMessage *commit_message(struct past *past, const struct range *range);

#endif
