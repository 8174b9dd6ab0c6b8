/* ids.h - the names of things: addresses, chains and zones, sessions, beacon values.
 *
 * Bytes in, bytes out, no state.  Addresses: docs/protocol.md, 5; every other hash here is an
 * H(tag, ...) of docs/protocol.md, 1.  Text has one spelling: what is not exactly what the
 * printer writes is refused (only the hex digits of chain and zone ids may be upper case). */
#ifndef VPR_RULES_IDS_H
#define VPR_RULES_IDS_H

#include "app/base/hash.h"
#include "app/base/sig.h"

enum vpr_prefix {
    VPR_PREFIX_ACCOUNT, /* viper1... */
    VPR_PREFIX_VALOPER, /* vipervaloper1... */
    VPR_PREFIX_VALCONS, /* vipervalcons1... */
};

#define VPR_ADDRESS_TEXT_MAX 64 /* the longest has 51 characters and a NUL */
#define VPR_ID16_TEXT_MAX 5

/* bech32 (BIP-173), lower case. */
void vpr_address_text(char text[VPR_ADDRESS_TEXT_MAX], enum vpr_prefix prefix,
                      const struct vpr_address *address);
VPR_MUST_USE bool vpr_address_parse(struct vpr_address *ret, enum vpr_prefix prefix,
                                    struct vpr_bytes text);

/* RIPEMD160(SHA256(compressed key)); first 20 bytes of SHA256(key). */
struct vpr_address vpr_address_secp256k1(const uint8_t key[VPR_SECP_KEY_BYTES]);
struct vpr_address vpr_address_ed25519(const struct vpr_hash *key);

/* A chain or geozone id: four hex digits. */
void vpr_id16_text(char text[VPR_ID16_TEXT_MAX], uint16_t id);
VPR_MUST_USE bool vpr_id16_parse(uint16_t *ret, struct vpr_bytes text);

/* H("session", chain-id, s, requestor, chain, zone) and H("draw", sid, seed). */
struct vpr_hash vpr_sid(struct vpr_bytes chain_id, uint64_t session,
                        const struct vpr_address *requestor, uint16_t chain, uint16_t zone);
struct vpr_hash vpr_draw_key(const struct vpr_hash *sid, const struct vpr_hash *seed);

/* The beacon before the first block. */
struct vpr_hash vpr_beacon_genesis(struct vpr_bytes chain_id);
/* One step of a validator's hash chain: the end that preimage `x` opens. */
struct vpr_hash vpr_beacon_link(const struct vpr_hash *x);
/* B_h with a reveal, and without one (`proposer`: its consensus address). */
struct vpr_hash vpr_beacon_reveal(const struct vpr_hash *before, const struct vpr_hash *x);
struct vpr_hash vpr_beacon_skip(const struct vpr_hash *before,
                                const struct vpr_address *proposer);

#endif
