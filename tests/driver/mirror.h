/* mirror.h - the driver's copy of the chain's state, out of each block's changes.
 *
 * What a generator must know to write something legal: sequences, balances, who is staked and
 * how, the running session.  Keys and records are those of app/tx/keys.h and state.proto. */
#ifndef VPR_DRIVER_MIRROR_H
#define VPR_DRIVER_MIRROR_H

#include "app/base/arena.h"
#include "app/tx/keys.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"

struct mirror;

struct mirror *mirror_create(void);
void mirror_destroy(struct mirror *mirror);

void mirror_apply(struct mirror *mirror, const Viper__V1__QueryChangesResponse *changes);
/* The value lives until the key changes; an absent key: data NULL. */
struct vpr_bytes mirror_get(const struct mirror *mirror, enum vpr_store_id store,
                            struct vpr_bytes key);

/* Decoded, in the arena; NULL: absent. */
const ProtobufCMessage *mirror_record(const struct mirror *mirror, struct vpr_arena *arena,
                                      enum vpr_store_id store, struct vpr_bytes key,
                                      const ProtobufCMessageDescriptor *descriptor);
const Viper__V1__Account *mirror_account(const struct mirror *mirror, struct vpr_arena *arena,
                                         const struct vpr_address *who);
const Viper__V1__Actor *mirror_actor(const struct mirror *mirror, struct vpr_arena *arena,
                                     const struct vpr_address *id);
/* Ids in the order in which they were first seen. */
size_t mirror_actors(const struct mirror *mirror, const struct vpr_address **ret_ids);
uint64_t mirror_session_number(const struct mirror *mirror);
const Viper__V1__Session *mirror_session(const struct mirror *mirror, struct vpr_arena *arena,
                                         uint64_t number);
/* A servicer in a pool; of its scores the newest version, pending included. */
const Viper__V1__Score *mirror_score(const struct mirror *mirror, struct vpr_arena *arena,
                                     const struct vpr_address *servicer, uint16_t chain,
                                     uint16_t zone);
const Viper__V1__Standing *mirror_standing(const struct mirror *mirror, struct vpr_arena *arena,
                                           const struct vpr_address *servicer, uint16_t chain,
                                           uint16_t zone);
/* Of the newest version <= session. */
const Viper__V1__Params *mirror_params(const struct mirror *mirror, struct vpr_arena *arena,
                                       uint64_t session);

#endif
