/* chain.h - a chain made of one REST server, for tests of daemons: blocks when the test says
 * so, the queries daemons ask, transactions decoded, authenticated and executed as far as
 * Commit and Prove go, with every proof verified by app/rules. */
#ifndef VPR_TEST_CLIENT_CHAIN_H
#define VPR_TEST_CLIENT_CHAIN_H

#include "app/host/http_server.h"
#include "app/rules/receipt.h"
#include "app/rules/token.h"
#include "app/tx/wire.h"

#define CHAIN_ID "viper-test-1"
#define CHAIN_PAIRS 2     /* chains 0001 and 0002 of the one requestor */
#define CHAIN_SESSIONS 16 /* from 0 */
#define CHAIN_TXS_MAX 256
#define CHAIN_QUOTA 50000
#define CHAIN_ACCOUNT_NUMBER 7

struct chain_commit {
    bool present, tails_proved;
    struct vpr_hash root;
    uint64_t sum, count, tails_cu;
};

struct chain_tx {
    char hash[65];
    uint8_t *raw;
    size_t len;
    uint64_t height; /* 0: in the mempool */
    uint32_t code;
    char log[256];
};

struct chain {
    struct vpr_loop *loop;
    struct vpr_http_server *server;
    uint16_t port;
    char url[64];
    uint64_t height, oldest_unsettled;
    int64_t time_s;

    struct vpr_address servicer, requestor, account;
    struct vpr_hash relay_key;
    struct vpr_hash gateway_keys[2];

    struct chain_commit commits[CHAIN_SESSIONS][CHAIN_PAIRS];
    uint64_t samples[CHAIN_SESSIONS];
    size_t tx_count;
    struct chain_tx txs[CHAIN_TXS_MAX];

    /* knobs */
    bool ignore_txs;   /* accepted, then forgotten */
    bool hold;         /* blocks include nothing */
    bool failing;      /* every request is answered 503 */
    uint16_t bad_pair; /* a Commit with this chain is refused, in simulation and execution */
    uint32_t check_code; /* CheckTx answers this */
    uint64_t balance_uvipr; /* of any account; 0: 123,456 */
    uint64_t cu_uvipr;      /* gross of a CU; 0: 2,000 */
    bool scored;            /* the servicer's running score on both chains is known: */
    uint32_t score_ppm;

    uint32_t polls, simulations, broadcasts;
};

/* Sessions have 10 blocks, number 0 is blocks 1 to 10. */
uint64_t chain_session(const struct chain *chain);
uint64_t chain_first(uint64_t session);
struct vpr_hash chain_sid(const struct chain *chain, uint64_t session, uint16_t pair);
struct vpr_hash chain_challenge(uint64_t session);

/* Keys and ids are the test's to set before. */
void chain_open(struct chain *chain, struct vpr_loop *loop);
void chain_close(struct chain *chain);
/* The next block: what is in the mempool is executed. */
void chain_block(struct chain *chain);
/* Turn the loop for so long. */
void chain_turn(struct vpr_loop *loop, uint32_t ms);

#endif
