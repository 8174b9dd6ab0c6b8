/* work.h - the work of a session: what servicers, clients and fishermen make, with real keys,
 * leaves, trees, tokens and samples, and the messages that carry it.
 *
 * Keys come from labels (cast.h); whose work it is, from a bench as drawn.  Messages lie in the
 * caller's arena. */
#ifndef VPR_TEST_CAST_WORK_H
#define VPR_TEST_CAST_WORK_H

#include "app/domain/sessions.h"
#include "app/rules/card.h"
#include "app/rules/leaf.h"
#include "app/rules/sample.h"
#include "app/rules/token.h"
#include "tests/cast/cast.h"

#define WS_CLIENTS 2 /* client keys of a sid, unless said */
#define WS_CLIENTS_MAX 64
#define WS_LEAVES_MAX 64
#define WS_SAMPLES_MAX 256

struct ws_key {
    struct vpr_hash key; /* ed25519 */
    uint8_t secret[64];
};

/* What one servicer served in one sid: per client `relays` of `cu` each. */
struct ws_work {
    struct vpr_bench bench;
    struct vpr_address servicer;
    size_t count;
    struct vpr_leaf leaves[WS_LEAVES_MAX];
    struct vpr_sumnode nodes[WS_LEAVES_MAX];
    struct vpr_sumnode root;
    size_t client_count;
    struct ws_key clients[WS_CLIENTS_MAX]; /* by key */
    struct vpr_token tokens[WS_CLIENTS_MAX];
    struct vpr_signed_request tails[WS_CLIENTS_MAX];
};
void ws_work(struct ws_work *ret, const struct vpr_bench *bench,
             const struct vpr_address *servicer, size_t relays, uint64_t cu);
/* Of 1 to WS_CLIENTS_MAX clients. */
void work_of_clients(struct ws_work *ret, const struct vpr_bench *bench,
                     const struct vpr_address *servicer, size_t clients, size_t relays,
                     uint64_t cu);
/* The client signs anew what a test has changed. */
void ws_sign_request(struct vpr_signed_request *request, const struct ws_key *client);

/* A card: lines as given, samples and their tree to match, salt. */
struct ws_card {
    struct vpr_bench bench;
    struct vpr_address fisherman;
    struct vpr_card card;
    struct vpr_hash salt;
    size_t count;
    struct vpr_sample samples[WS_SAMPLES_MAX];
    struct vpr_sumnode nodes[WS_SAMPLES_MAX];
    struct vpr_token token;
};
/* `lines` without servicers, one a seat. */
void ws_card(struct ws_card *ret, const struct vpr_bench *bench,
             const struct vpr_address *fisherman, const struct vpr_card_line *lines);
void ws_card_root(struct ws_card *card); /* after a change of its samples */

/* What the challenge of a session asks for. */
struct work_asked {
    const struct vpr_hash *challenge; /* NULL: not drawn yet */
    uint64_t proof_samples, card_samples;
    uint32_t chain_multiplier_ppm, zone_multiplier_ppm; /* for weights of claims */
};

Viper__V1__MsgCommit *work_commit(struct vpr_arena *arena, const struct ws_work *const *works,
                                  size_t count);
Viper__V1__MsgProve *work_tails(struct vpr_arena *arena, const struct ws_work *const *works,
                                size_t count);
/* Those samples of the servicer's session that the challenge picks; works: all it committed. */
Viper__V1__MsgProve *work_samples(struct vpr_arena *arena, const struct ws_work *const *works,
                                  size_t count, const struct work_asked *asked);
Viper__V1__MsgReportCard *work_report(struct vpr_arena *arena,
                                      const struct ws_card *const *cards, size_t count);
Viper__V1__MsgReveal *work_reveal(struct vpr_arena *arena, const struct ws_card *const *cards,
                                  size_t count, const struct work_asked *asked);
/* One leaf with its branch, wherever the challenge points. */
Viper__V1__ProveSample *work_sample_at(struct vpr_arena *arena, const struct ws_work *work,
                                       uint32_t position, uint64_t cu);
/* One sample of a card with its branch, likewise. */
Viper__V1__OpenedSample *work_opened_at(struct vpr_arena *arena, const struct ws_card *card,
                                        uint32_t position, uint64_t index);

#endif
