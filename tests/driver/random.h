/* random.h - a legal history made of dice: everything in it follows from its seed. */
#ifndef VPR_DRIVER_RANDOM_H
#define VPR_DRIVER_RANDOM_H

#include "tests/driver/labour.h"

struct random_options {
    uint64_t sessions;        /* until this one has opened */
    uint64_t blocks;          /* at most; 0: any number */
    uint64_t busy_sessions;   /* in these the dice send something; 0: in all */
    unsigned txs;             /* a block, beside the work of sessions, on average */
    unsigned spoil_percent;   /* of them with one changed field */
    unsigned fault_percent;   /* of them with a faulty envelope */
    unsigned round_percent;   /* of blocks with rounds that come to nothing */
    unsigned silent_percent;  /* of blocks without a reveal */
    unsigned absent_percent;  /* of votes */
    unsigned evidence_permille; /* of blocks with a double sign */
    unsigned restart_permille;  /* of blocks with a node that is killed */
    unsigned rich;              /* accounts with money, 1 to 250 */
    unsigned unordered_percent; /* of envelopes */
    unsigned patience_s;        /* of the unordered ones, at most 600 */
    unsigned json_percent;      /* of the ordered ones whose messages have a form in JSON */
    unsigned memo_percent;
    const char *favour;         /* themes of kinds.h, or NULL */
    unsigned favour_times;      /* as often */
    struct labour_options labour;
};
extern const struct random_options random_usual;

/* One transaction by dice into the pool. */
void random_tx(struct stage *stage, const struct random_options *options, struct dice *dice);
void random_history(struct stage *stage, const struct random_options *options, uint64_t seed);

#endif
