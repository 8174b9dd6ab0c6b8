/* world_session.h - the work of a session for tests: what servicers, clients and fishermen
 * make of a world, with real keys, leaves, trees, tokens and samples.
 *
 * Before each block the list of Verify entries is computed on the committed state, as a
 * proposer does, and held against what the block then settles. */
#ifndef VPR_TEST_WORLD_SESSION_H
#define VPR_TEST_WORLD_SESSION_H

#include "app/domain/actors.h"
#include "tests/cast/work.h"
#include "tests/unit/world.h"

#define WS_ZONE 1
#define WS_REQUESTORS 2 /* requestor2 is like requestor1 */

struct ws_options {
    uint64_t settle_per_block; /* 0: the default */
    uint64_t claim_min;        /* 0: the default */
    uint64_t proof_samples;    /* 0: the default */
    bool partner;              /* chain 1 pays to bob */
    uint64_t headroom;         /* uvipr between genesis and the largest supply; 0: plenty */
};

struct ws {
    struct world *w;
    struct vpr_ctx *ctx;    /* of the block in hand */
    struct vpr_arena build; /* of the messages that a test makes */
    bool supply_full; /* what is due may then end in an error after all */
};

void ws_open(struct ws *w, const struct ws_options *options);
void ws_close(struct ws *w);

/* The block in hand ends; the next one, up to its transactions, begins. */
void ws_next(struct ws *w);
/* ... until block `height` is in hand. */
void ws_to(struct ws *w, uint64_t height);
void ws_end(struct ws *w);

/* In a transaction of that account, whose address becomes the message's operator. */
enum vpr_code ws_send(struct ws *w, const ProtobufCMessage *message, const char *label);
/* ... and expects VPR_OK. */
void ws_must(struct ws *w, const ProtobufCMessage *message, const char *label);
/* What its row says that it carries. */
uint64_t ws_signatures(const ProtobufCMessage *message);
/* The answer of a query on the state in hand; fails the test on a refusal unless `ret_code`. */
const ProtobufCMessage *ws_ask(struct ws *w, const char *method,
                               const ProtobufCMessage *request, enum vpr_code *ret_code);

/* The n-th event of that type in the block in hand, or NULL; its attribute, or NULL. */
const struct vpr_event *ws_event(const struct ws *w, const char *type, size_t n);
const char *ws_attribute(const struct vpr_event *event, const char *key);
uint64_t ws_attribute_u64(const struct vpr_event *event, const char *key);

/* The label of an actor's id, and of its owner. */
const char *ws_label(const struct vpr_address *id);
const char *ws_owner(const struct vpr_address *id);

/* The bench of requestor1 or 2 for a chain. */
struct vpr_bench ws_bench(struct ws *w, uint64_t session, unsigned requestor,
                          uint16_t chain);
/* Messages, in w->build. */
Viper__V1__MsgCommit *ws_msg_commit(struct ws *w, const struct ws_work *const *works,
                                    size_t count);
Viper__V1__MsgProve *ws_msg_tails(struct ws *w, const struct ws_work *const *works,
                                  size_t count);
/* Those samples of the servicer's session that the challenge picks; works: all it committed. */
Viper__V1__MsgProve *ws_msg_samples(struct ws *w, const struct ws_work *const *works,
                                    size_t count);
Viper__V1__MsgReportCard *ws_msg_report(struct ws *w, const struct ws_card *const *cards,
                                        size_t count);
Viper__V1__MsgReveal *ws_msg_reveal(struct ws *w, const struct ws_card *const *cards,
                                    size_t count);
/* One leaf with its branch, wherever the challenge points. */
Viper__V1__ProveSample *ws_sample_at(struct ws *w, const struct ws_work *work,
                                     uint32_t position, uint64_t cu);
/* One sample of a card with its branch, likewise. */
Viper__V1__OpenedSample *ws_opened_at(struct ws *w, const struct ws_card *card,
                                      uint32_t position, uint64_t index);

#endif
