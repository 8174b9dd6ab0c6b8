/* wire.h - what a relay looks like over HTTP: targets, headers, statuses of refusals.
 *
 * Headers carry the structures of app/rules as base64url without padding, one spelling each:
 * what is not exactly what the printer writes is refused.  Both ends and the fisherman use
 * this file; it holds no state and knows no socket. */
#ifndef VPR_RELAY_WIRE_H
#define VPR_RELAY_WIRE_H

#include "app/base/bytes.h"
#include "app/rules/receipt.h"
#include "app/rules/request.h"
#include "app/rules/token.h"

#define VPR_WIRE_RELAY "Viper-Relay"     /* request part and client signature */
#define VPR_WIRE_TOKEN "Viper-Token"
#define VPR_WIRE_RECEIPT "Viper-Receipt"
#define VPR_WIRE_REFUSAL "Viper-Refusal"
#define VPR_WIRE_METHOD "Viper-Method"   /* the verb for the backend; none: POST */

/* The shadow exchange (docs/protocol.md, 3): a fisherman posts the body of its sample to
 * shadow_url + VPR_WIRE_SHADOW_PATH, with Viper-Shadow, and Viper-Method and Viper-Path where
 * they are not POST and empty.  A sample that was sent comes back as status 200, whatever the
 * backend said, with Viper-Token and Viper-Relay and the servicer's answer: its body, the
 * backend's status in Viper-Status and Viper-Receipt; or Viper-Refusal and no body; or none
 * of these, if there was no answer that holds.  Every other status means: nothing was sent;
 * the body is {"error":{"code":n,"reason":"nonce","message":"..."}}.  A GET there is answered
 * 204: it measures the way. */
#define VPR_WIRE_SHADOW_PATH "/v1/shadow"
#define VPR_WIRE_SHADOW "Viper-Shadow"
#define VPR_WIRE_PATH "Viper-Path"
#define VPR_WIRE_STATUS "Viper-Status"

#define VPR_WIRE_PREFIX "/v1/relay/"     /* then four hex digits, then the path */

#define VPR_WIRE_RELAY_TEXT_MAX VPR_BASE64_MAX(VPR_SIGNED_REQUEST_BYTES)
#define VPR_WIRE_TOKEN_TEXT_MAX VPR_BASE64_MAX(VPR_TOKEN_BYTES)
#define VPR_WIRE_RECEIPT_TEXT_MAX VPR_BASE64_MAX(VPR_RECEIPT_BYTES)
#define VPR_WIRE_REFUSAL_TEXT_MAX VPR_BASE64_MAX(VPR_REFUSAL_BYTES)
#define VPR_WIRE_PATH_BYTES_MAX 4096
#define VPR_WIRE_ASK_TOKEN 428           /* status of a relay whose token is not known */

/* Printers return the length without the final NUL. */
size_t vpr_wire_relay_print(char text[VPR_WIRE_RELAY_TEXT_MAX],
                            const struct vpr_signed_request *request);
VPR_MUST_USE bool vpr_wire_relay_parse(struct vpr_signed_request *ret, struct vpr_bytes text);
size_t vpr_wire_token_print(char text[VPR_WIRE_TOKEN_TEXT_MAX], const struct vpr_token *token);
VPR_MUST_USE bool vpr_wire_token_parse(struct vpr_token *ret, struct vpr_bytes text);
size_t vpr_wire_receipt_print(char text[VPR_WIRE_RECEIPT_TEXT_MAX],
                              const struct vpr_receipt *receipt);
VPR_MUST_USE bool vpr_wire_receipt_parse(struct vpr_receipt *ret, struct vpr_bytes text);
size_t vpr_wire_refusal_print(char text[VPR_WIRE_REFUSAL_TEXT_MAX],
                              const struct vpr_refusal *refusal);
VPR_MUST_USE bool vpr_wire_refusal_parse(struct vpr_refusal *ret, struct vpr_bytes text);

/* Viper-Shadow: sid 32, servicer 20, nonce 8, the operator's public key (33 bytes secp256k1 or
 * 32 ed25519), signature 64, as base64url without padding. */
struct vpr_wire_shadow {
    struct vpr_hash sid;
    struct vpr_address servicer;
    uint64_t nonce;
    uint8_t key[VPR_SECP_KEY_BYTES];
    size_t key_len; /* 33 or 32 */
    struct vpr_signature signature;
};
#define VPR_WIRE_SHADOW_BYTES_MAX (32 + 20 + 8 + VPR_SECP_KEY_BYTES + VPR_SIG_BYTES)
#define VPR_WIRE_SHADOW_TEXT_MAX VPR_BASE64_MAX(VPR_WIRE_SHADOW_BYTES_MAX)
size_t vpr_wire_shadow_print(char text[VPR_WIRE_SHADOW_TEXT_MAX],
                             const struct vpr_wire_shadow *shadow);
VPR_MUST_USE bool vpr_wire_shadow_parse(struct vpr_wire_shadow *ret, struct vpr_bytes text);

/* "/v1/relay/0001[/path][?query]": the path is what follows the chain, empty, or one that
 * starts with '/' or '?'; false for anything else. */
VPR_MUST_USE bool vpr_wire_target_parse(uint16_t *ret_chain, struct vpr_bytes *ret_path,
                                        struct vpr_bytes target);
/* The target of a relay; false if the path is longer than VPR_WIRE_PATH_BYTES_MAX or is none. */
#define VPR_WIRE_TARGET_TEXT_MAX (sizeof VPR_WIRE_PREFIX + 4 + VPR_WIRE_PATH_BYTES_MAX)
VPR_MUST_USE bool vpr_wire_target_print(char text[VPR_WIRE_TARGET_TEXT_MAX], uint16_t chain,
                                        struct vpr_bytes path);

/* A verb a backend may be asked with: GET, POST, PUT, PATCH, DELETE; upper case. */
bool vpr_wire_method_ok(struct vpr_bytes method);

/* The HTTP status that goes with a refusal. */
uint16_t vpr_wire_refusal_status(enum vpr_refusal_reason reason);

/* Headers of a backend's answer that go on to the client. */
bool vpr_wire_answer_header(struct vpr_bytes name);
/* Headers of a client's request that go on to the backend. */
bool vpr_wire_request_header(struct vpr_bytes name);

#endif
