/* pond.h - a chain and a gateway made of two HTTP servers, for a whole fisherman to live in.
 *
 * The chain has one sid a session, this fisherman among three in it, and executes ReportCard
 * and Reveal the way reportcards.c does, with every proof checked by app/rules.  The gateway
 * answers samples in the name of five servicers: 0 refuses some by quota, 1 says nothing to
 * some, 2 is good, 3 is slow, 4 is 20 blocks behind. */
#ifndef VPR_TEST_FISHERMAN_POND_H
#define VPR_TEST_FISHERMAN_POND_H

#include "app/host/http_server.h"
#include "fisherman/fisherman.h"
#include "tests/unit/fisherman/help.h"

#define POND_SESSIONS 12
#define POND_BLOCKS 14 /* a session */
#define POND_BLOCK_MS 200
#define POND_DELAY 2 /* of the challenge */
#define POND_OPENED 2
#define POND_SLOW_MS 80
#define POND_TXS_MAX 64
#define POND_NONCES_MAX 8192

struct pond_card {
    bool sealed, revealed;
    struct vpr_hash seal;
    struct vpr_card card;
    uint32_t reports; /* messages that sealed it */
};

struct pond_tx {
    char hash[65];
    uint8_t raw[8192];
    size_t len;
    uint64_t height;
    uint32_t code;
    char log[128];
};

struct pond {
    struct vpr_loop *loop;
    struct vpr_http_server *node, *gate;
    struct vpr_timer *timer;
    uint64_t height, started_ms;
    struct vpr_address fisherman;
    char fisherman_text[64];
    struct bench benches[POND_SESSIONS];
    struct pond_card cards[POND_SESSIONS];
    struct vpr_corpus *corpus;
    size_t tx_count;
    struct pond_tx txs[POND_TXS_MAX];
    char node_url[64], gate_url[64];

    uint64_t samples[POND_SESSIONS], spent_cu[POND_SESSIONS][SEATS], asked[POND_SESSIONS][SEATS];
    uint64_t trusted; /* questions to the gateway's port that no gateway gets */
    uint64_t pending; /* answers under way */
    uint64_t late; /* samples of a session that was not the running one */
    size_t nonce_count;
    uint64_t nonces[POND_NONCES_MAX];
    char fault[256]; /* the first thing that was not as it must be */

    /* knobs */
    bool uncommitted; /* nobody commits */
    bool down;        /* the gateway answers 503 */
    bool wrong_corpus;
    bool no_url;      /* the requestor grants no samples */
    bool most_stale; /* servicers 2 and 3, too */
    uint32_t crowd;   /* so many sids more a session, of which nothing is known */
    uint64_t epoch_s; /* time of block 0; 0: of 2023 */
};

void pond_open(struct pond *pond, struct vpr_loop *loop, const struct vpr_key *operator_key);
void pond_close(struct pond *pond);
uint64_t pond_session(const struct pond *pond);
/* Turn the loop until this height. */
void pond_until(struct pond *pond, uint64_t height);
uint64_t pond_first(uint64_t session);

#endif
