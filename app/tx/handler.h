/* handler.h - FACE: what a message, a query and a domain are to the rest.
 *
 * One row per message; special treatment is a column, never an `if` on a name.  Adding a
 * message touches three places: the proto, its domain file, its test. */
#ifndef VPR_TX_HANDLER_H
#define VPR_TX_HANDLER_H

#include <protobuf-c/protobuf-c.h>

#include "app/base/coin.h"
#include "app/base/err.h"
#include "app/store/store.h"
#include "app/tx/event.h"
#include "app/tx/keys.h"
#include "app/tx/params.h"

struct vpr_pools; /* domain/sessions: the draw's prefix sums of the sessions at hand */

/* What CometBFT says of validators together with a block.  Addresses are consensus addresses,
 * also of validators that no record knows. */
struct vpr_vote {
    struct vpr_address validator;
    bool present; /* its vote is in the commit, be it for the block or for none */
};
struct vpr_fault {
    struct vpr_address validator;
    uint64_t height; /* at which it signed twice */
};
struct vpr_reports {
    const struct vpr_vote *votes; /* on the block before, of its whole set */
    size_t vote_count;
    const struct vpr_fault *faults;
    size_t fault_count;
};

/* Everything a handler, hook or query may look at. */
struct vpr_ctx {
    const struct vpr_state *state;
    struct vpr_arena *arena;   /* the transaction's, or the query's */
    struct vpr_err *err;       /* where a refusal's sentence goes */
    struct vpr_events *events; /* NULL: nobody listens */
    struct vpr_pools *pools;

    const char *chain_id;
    uint64_t height;              /* of the block in hand; in queries of the last block */
    int64_t time_s;               /* its time, seconds since 1970 */
    struct vpr_address proposer;  /* its consensus address; zero in queries */
    struct vpr_bytes reveal;      /* from the system transaction, or empty */
    const struct vpr_reports *reports; /* NULL: no block is executed, or nothing is said */
    struct vpr_address signer;    /* of the message in hand */
};

enum vpr_lane {
    VPR_LANE_ORDINARY, /* by gas price, at most half of the block's gas */
    /* Commit, Prove, ReportCard, Reveal: first, one per account in turn.  Such a row's admit
     * lets nobody in but who owes the message. */
    VPR_LANE_SESSION,
};

/* Without context: cannot read the store.  `message` has passed pbcheck. */
typedef enum vpr_code vpr_check_fn(const ProtobufCMessage *message, struct vpr_err *err);
typedef enum vpr_code vpr_apply_fn(struct vpr_ctx *ctx, const ProtobufCMessage *message);
/* What lies in a message and costs more than its bytes; figures: gas.h. */
struct vpr_load {
    uint64_t gas;        /* of the items of its lists */
    uint64_t signatures; /* that it carries inside */
};
/* Adds; as `check`, it cannot read the store: gas is known before the fee is taken. */
typedef void vpr_load_fn(const ProtobufCMessage *message, struct vpr_load *load);

struct vpr_handler {
    const char *name;     /* "servicers.stake": CLI verb, metric, log */
    const char *type_url; /* "/viper.v1.MsgStakeServicer" */
    const ProtobufCMessageDescriptor *descriptor;
    const char *signer; /* name of the bech32 field that must have signed */
    enum vpr_lane lane;
    uint64_t gas; /* its figure beyond message_gas */
    vpr_load_fn *load; /* NULL: nothing */
    vpr_check_fn *check;
    vpr_apply_fn *apply;
    /* For the mempool: window of blocks and existence, as apply will find them in the next
     * block; changes nothing.  NULL: nothing to ask. */
    vpr_apply_fn *admit;
};

/* ret_response: of the row's response descriptor, in ctx->arena. */
typedef enum vpr_code vpr_query_fn(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response);

struct vpr_query {
    const char *method; /* "/viper.v1.Query/Chain": gRPC method and abci_query path */
    const ProtobufCMessageDescriptor *request, *response;
    vpr_query_fn *answer;
};

/* What holds of the state after every block; checked in tests and by `viperd check-state`.
 * docs/security.md lists all of them by name. */
struct vpr_invariant {
    const char *name;
    enum vpr_code (*check)(struct vpr_ctx *ctx); /* the sentence says where it is broken */
};

struct vpr_domain {
    const char *name;
    const struct vpr_handler *handlers;
    size_t handler_count;
    const struct vpr_query *queries;
    size_t query_count;
    /* `genesis`: a Viper__V1__GenesisState; in list order, at height 0. NULL: nothing. */
    enum vpr_code (*import)(struct vpr_ctx *ctx, const ProtobufCMessage *genesis);
    const struct vpr_invariant *invariants;
    size_t invariant_count;
};

/* Reads of the state that halt instead of returning a broken record. */
const ProtobufCMessage *
vpr_record_get(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
               const ProtobufCMessageDescriptor *descriptor); /* or NULL */
const ProtobufCMessage *vpr_record_unpack(struct vpr_ctx *ctx, struct vpr_bytes value,
                                          const ProtobufCMessageDescriptor *descriptor);
void vpr_record_put(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                    const ProtobufCMessage *record);

/* Versions: `key` without its session.  Get takes the newest version <= session; put
 * overwrites one that counts from the same session and queues the older ones for the cut;
 * newest is what a change starts from, pending included. */
const ProtobufCMessage *vpr_version_get(struct vpr_ctx *ctx, enum vpr_store_id store,
                                        struct vpr_bytes key, uint64_t session,
                                        const ProtobufCMessageDescriptor *descriptor);
const ProtobufCMessage *vpr_version_newest(struct vpr_ctx *ctx, enum vpr_store_id store,
                                           struct vpr_bytes key,
                                           const ProtobufCMessageDescriptor *descriptor);
void vpr_version_put(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                     uint64_t session, const ProtobufCMessage *record);
/* Deletes what is older than the newest version <= `oldest`, when a session opens. */
void vpr_version_cut(struct vpr_ctx *ctx, uint64_t oldest);

/* A key: its first byte, then parts.  At most 255 bytes. */
struct vpr_key_buf {
    uint8_t b[160];
    size_t len;
};
struct vpr_key_buf vpr_key(enum vpr_key_first first);
void vpr_key_u8(struct vpr_key_buf *k, uint8_t v);
void vpr_key_u16(struct vpr_key_buf *k, uint16_t v);
void vpr_key_u64(struct vpr_key_buf *k, uint64_t v);
void vpr_key_address(struct vpr_key_buf *k, const struct vpr_address *v);
void vpr_key_hash(struct vpr_key_buf *k, const struct vpr_hash *v);
struct vpr_bytes vpr_key_bytes(const struct vpr_key_buf *k);

/* bech32 text of a message field to an address, or BAD_ADDRESS naming the field. */
VPR_MUST_USE enum vpr_code vpr_field_address(struct vpr_address *ret, const char *text,
                                             const char *field, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_field_hash(struct vpr_hash *ret, ProtobufCBinaryData data,
                                          const char *field, struct vpr_err *err);

#endif
