#include "app/tx/wire.h"

#include "app/base/hash.h"
#include "app/base/pbcheck.h"
#include "app/rules/ids.h"
#include "cosmos/crypto/ed25519/keys.pb-c.h"
#include "cosmos/crypto/secp256k1/keys.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"

#define SIGNATURE_HEAD 2u /* tag and length of a signature in TxRaw */

#define SECP_URL "/cosmos.crypto.secp256k1.PubKey"
#define ED25519_URL "/cosmos.crypto.ed25519.PubKey"

/* ---- keys ---- */

size_t vpr_key_len(const struct vpr_public_key *key)
{
    switch (key->type) {
    case VPR_KEY_TYPE_NONE:
        return 0;
    case VPR_KEY_TYPE_SECP256K1:
        return VPR_SECP_KEY_BYTES;
    case VPR_KEY_TYPE_ED25519:
        return sizeof(struct vpr_hash);
    }
    VPR_HALT("a type of key that does not exist");
}

static struct vpr_hash ed25519_of(const struct vpr_public_key *key)
{
    struct vpr_hash h;
    memcpy(h.b, key->b, sizeof h.b);
    return h;
}

struct vpr_address vpr_key_account(const struct vpr_public_key *key)
{
    VPR_ASSERT(key->type != VPR_KEY_TYPE_NONE);
    if (key->type == VPR_KEY_TYPE_SECP256K1) {
        return vpr_address_secp256k1(key->b);
    }
    struct vpr_hash h = ed25519_of(key);
    return vpr_address_ed25519(&h);
}

bool vpr_key_usable(const struct vpr_public_key *key)
{
    if (key->type == VPR_KEY_TYPE_SECP256K1) {
        return vpr_secp256k1_key_ok(key->b);
    }
    struct vpr_hash h = ed25519_of(key);
    return key->type == VPR_KEY_TYPE_ED25519 && vpr_ed25519_key_ok(&h);
}

const char *vpr_key_type_url(enum vpr_key_type type)
{
    VPR_ASSERT(type != VPR_KEY_TYPE_NONE);
    return type == VPR_KEY_TYPE_SECP256K1 ? SECP_URL : ED25519_URL;
}

struct vpr_bytes vpr_key_value(struct vpr_arena *arena, const struct vpr_public_key *key)
{
    uint8_t *bytes = vpr_arena_copy(arena, key->b, vpr_key_len(key));
    if (key->type == VPR_KEY_TYPE_SECP256K1) {
        Cosmos__Crypto__Secp256k1__PubKey m = COSMOS__CRYPTO__SECP256K1__PUB_KEY__INIT;
        m.key = (ProtobufCBinaryData){vpr_key_len(key), bytes};
        return vpr_arena_pack(arena, &m.base);
    }
    Cosmos__Crypto__Ed25519__PubKey m = COSMOS__CRYPTO__ED25519__PUB_KEY__INIT;
    m.key = (ProtobufCBinaryData){vpr_key_len(key), bytes};
    return vpr_arena_pack(arena, &m.base);
}

/* ---- taking apart ---- */

static struct vpr_bytes view(ProtobufCBinaryData data)
{
    return vpr_bytes_of(data.data, data.len);
}

/* NULL with the refusal in *err. */
static const ProtobufCMessage *unpack(struct vpr_arena *arena, struct vpr_bytes wire,
                                      const ProtobufCMessageDescriptor *descriptor,
                                      struct vpr_err *err)
{
    struct vpr_pb_fault fault = {0, ""};
    if (!vpr_pb_check(descriptor, wire, VPR_PB_CANONICAL, VPR_TX_FIELDS_MAX, &fault)) {
        (void)vpr_fail(err, VPR_BAD_ENCODING, "%s is not encoded canonically at byte %zu: %s",
                       descriptor->short_name, fault.offset, fault.reason);
        return NULL;
    }
    const ProtobufCMessage *message = vpr_arena_unpack(arena, descriptor, wire);
    if (message == NULL) {
        (void)vpr_fail(err, VPR_BAD_ENCODING, "%s cannot be decoded", descriptor->short_name);
    }
    return message;
}

static enum vpr_code take_body(struct vpr_wire_tx *tx, struct vpr_arena *arena,
                               struct vpr_err *err)
{
    const Cosmos__Tx__V1beta1__TxBody *body = (const Cosmos__Tx__V1beta1__TxBody *)unpack(
        arena, tx->body, &cosmos__tx__v1beta1__tx_body__descriptor, err);
    if (body == NULL) {
        return VPR_BAD_ENCODING;
    }
    if (body->n_messages < 1 || body->n_messages > VPR_TX_MESSAGES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a transaction has 1 to %d messages, not %zu",
                        VPR_TX_MESSAGES_MAX, body->n_messages);
    }
    size_t memo = strlen(body->memo);
    if (memo > VPR_TX_MEMO_BYTES_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "memo has %zu bytes; at most %d are allowed", memo,
                        VPR_TX_MEMO_BYTES_MAX);
    }
    struct vpr_wire_message *messages =
        VPR_ARENA_ARRAY(arena, struct vpr_wire_message, body->n_messages);
    for (size_t i = 0; i < body->n_messages; i++) {
        messages[i].type_url = body->messages[i]->type_url;
        messages[i].value = view(body->messages[i]->value);
    }
    tx->messages = messages;
    tx->message_count = body->n_messages;
    tx->memo = body->memo;
    tx->timeout_height = body->timeout_height;
    tx->unordered = body->unordered;
    tx->has_timeout = body->timeout_timestamp != NULL;
    if (tx->has_timeout) {
        tx->timeout_s = body->timeout_timestamp->seconds;
    }
    if (tx->unordered && !tx->has_timeout) {
        return vpr_fail(err, VPR_BAD_FIELD, "an unordered transaction needs timeout_timestamp");
    }
    return VPR_OK;
}

static enum vpr_code take_key(struct vpr_public_key *key, struct vpr_arena *arena,
                              const Google__Protobuf__Any *any, struct vpr_err *err)
{
    if (any == NULL) {
        key->type = VPR_KEY_TYPE_NONE;
        return VPR_OK;
    }
    ProtobufCBinaryData bytes;
    if (strcmp(any->type_url, SECP_URL) == 0) {
        const Cosmos__Crypto__Secp256k1__PubKey *m =
            (const Cosmos__Crypto__Secp256k1__PubKey *)unpack(
                arena, view(any->value), &cosmos__crypto__secp256k1__pub_key__descriptor, err);
        if (m == NULL) {
            return VPR_BAD_ENCODING;
        }
        key->type = VPR_KEY_TYPE_SECP256K1;
        bytes = m->key;
    } else if (strcmp(any->type_url, ED25519_URL) == 0) {
        const Cosmos__Crypto__Ed25519__PubKey *m =
            (const Cosmos__Crypto__Ed25519__PubKey *)unpack(
                arena, view(any->value), &cosmos__crypto__ed25519__pub_key__descriptor, err);
        if (m == NULL) {
            return VPR_BAD_ENCODING;
        }
        key->type = VPR_KEY_TYPE_ED25519;
        bytes = m->key;
    } else {
        return vpr_fail(err, VPR_UNSUPPORTED, "public keys are " SECP_URL " or " ED25519_URL
                        ", not \"%.90s\"", any->type_url);
    }
    if (bytes.len != vpr_key_len(key)) {
        return vpr_fail(err, VPR_BAD_KEY, "the public key has %zu bytes instead of %zu",
                        bytes.len, vpr_key_len(key));
    }
    memcpy(key->b, bytes.data, bytes.len);
    return VPR_OK;
}

bool vpr_wire_amount(uint64_t *ret, const char *text)
{
    uint64_t v = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0')) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*c - '0');
        if (v > (UINT64_MAX - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *ret = v;
    return true;
}

static enum vpr_code take_fee(struct vpr_wire_tx *tx, const Cosmos__Tx__V1beta1__Fee *fee,
                              struct vpr_err *err)
{
    if (fee == NULL) {
        return vpr_fail(err, VPR_FEE_TOO_LOW, "the transaction states no fee");
    }
    if (fee->payer[0] != '\0' || fee->granter[0] != '\0') {
        return vpr_fail(err, VPR_UNSUPPORTED, "the signer pays the fee; leave payer and "
                        "granter empty");
    }
    if (fee->gas_limit > INT64_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "gas_limit %" PRIu64 " is above 2^63 - 1",
                        fee->gas_limit);
    }
    tx->gas_limit = fee->gas_limit;
    tx->fee_uvipr = 0;
    tx->fee_stated = fee->n_amount > 0;
    if (!tx->fee_stated) {
        return VPR_OK;
    }
    if (fee->n_amount > 1 || strcmp(fee->amount[0]->denom, VPR_DENOM) != 0) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "the fee is one coin of " VPR_DENOM);
    }
    if (!vpr_wire_amount(&tx->fee_uvipr, fee->amount[0]->amount)) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "the fee \"%.40s\" is not a decimal number below "
                        "2^64", fee->amount[0]->amount);
    }
    return VPR_OK;
}

/* Wallets simulate with the mode left open, or with the one of their buttons for any message. */
static enum vpr_code take_mode(struct vpr_wire_tx *tx, const Cosmos__Tx__V1beta1__ModeInfo *info,
                               bool simulated, struct vpr_err *err)
{
    bool single = info != NULL && info->sum_case == COSMOS__TX__V1BETA1__MODE_INFO__SUM_SINGLE;
    Cosmos__Tx__V1beta1__SignMode mode =
        single ? info->single->mode : COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_UNSPECIFIED;
    tx->amino = mode == COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_LEGACY_AMINO_JSON;
    if (!single || (mode != COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_DIRECT && !tx->amino &&
                    !(simulated &&
                      mode == COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_UNSPECIFIED))) {
        return vpr_fail(err, VPR_UNSUPPORTED, "the mode of signing must be SIGN_MODE_DIRECT or "
                        "SIGN_MODE_LEGACY_AMINO_JSON");
    }
    if (tx->amino && tx->has_timeout) {
        return vpr_fail(err, VPR_UNSUPPORTED, "SIGN_MODE_LEGACY_AMINO_JSON signs no "
                        "timeout_timestamp; use timeout_height or SIGN_MODE_DIRECT");
    }
    return VPR_OK;
}

static enum vpr_code take_auth(struct vpr_wire_tx *tx, struct vpr_arena *arena, bool simulated,
                               struct vpr_err *err)
{
    const Cosmos__Tx__V1beta1__AuthInfo *auth = (const Cosmos__Tx__V1beta1__AuthInfo *)unpack(
        arena, tx->auth, &cosmos__tx__v1beta1__auth_info__descriptor, err);
    if (auth == NULL) {
        return VPR_BAD_ENCODING;
    }
    if (auth->n_signer_infos != 1) {
        return vpr_fail(err, VPR_UNSUPPORTED, "a transaction has one signer for all its "
                        "messages, not %zu", auth->n_signer_infos);
    }
    const Cosmos__Tx__V1beta1__SignerInfo *signer = auth->signer_infos[0];
    VPR_TRY(take_mode(tx, signer->mode_info, simulated, err));
    tx->sequence = signer->sequence;
    VPR_TRY(take_key(&tx->key, arena, signer->public_key, err));
    VPR_TRY(take_fee(tx, auth->fee, err));
    if (tx->unordered && tx->sequence != 0) {
        return vpr_fail(err, VPR_BAD_SEQUENCE, "an unordered transaction has sequence 0, not "
                        "%" PRIu64, tx->sequence);
    }
    return VPR_OK;
}

enum vpr_code vpr_wire_decode(struct vpr_wire_tx *ret, struct vpr_arena *arena,
                              struct vpr_bytes raw, bool simulated, struct vpr_err *err)
{
    if (raw.len > VPR_TX_BYTES_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "a transaction has at most %u bytes, not %zu",
                        VPR_TX_BYTES_MAX, raw.len);
    }
    const Cosmos__Tx__V1beta1__TxRaw *parts = (const Cosmos__Tx__V1beta1__TxRaw *)unpack(
        arena, raw, &cosmos__tx__v1beta1__tx_raw__descriptor, err);
    if (parts == NULL) {
        return VPR_BAD_ENCODING;
    }
    struct vpr_wire_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.raw = raw;
    tx.body = view(parts->body_bytes);
    tx.auth = view(parts->auth_info_bytes);
    VPR_TRY(take_body(&tx, arena, err));
    VPR_TRY(take_auth(&tx, arena, simulated, err));
    tx.signed_len = raw.len;
    if (simulated && (parts->n_signatures == 0 || parts->signatures[0].len == 0)) {
        tx.signature_missing = true;
        tx.signed_len += VPR_SIG_BYTES + (parts->n_signatures == 0 ? SIGNATURE_HEAD : 0u);
        *ret = tx;
        return VPR_OK;
    }
    if (parts->n_signatures != 1 || parts->signatures[0].len != VPR_SIG_BYTES) {
        return vpr_fail(err, VPR_BAD_SIGNATURE, "a transaction has one signature of %d bytes",
                        VPR_SIG_BYTES);
    }
    memcpy(tx.signature.b, parts->signatures[0].data, VPR_SIG_BYTES);
    *ret = tx;
    return VPR_OK;
}

/* ---- signing ---- */

static ProtobufCBinaryData binary(struct vpr_bytes bytes)
{
    /* protobuf-c's structs know no const; packing only reads. */
    union {
        const uint8_t *in;
        uint8_t *out;
    } cast = {bytes.data};
    return (ProtobufCBinaryData){bytes.len, cast.out};
}

static char *text(struct vpr_arena *arena, const char *from)
{
    return vpr_arena_copy(arena, from, strlen(from) + 1);
}

struct vpr_bytes vpr_wire_sign_doc(struct vpr_arena *arena, struct vpr_bytes body,
                                   struct vpr_bytes auth, const char *chain_id,
                                   uint64_t account_number)
{
    Cosmos__Tx__V1beta1__SignDoc doc = COSMOS__TX__V1BETA1__SIGN_DOC__INIT;
    doc.body_bytes = binary(body);
    doc.auth_info_bytes = binary(auth);
    doc.chain_id = text(arena, chain_id);
    doc.account_number = account_number;
    return vpr_arena_pack(arena, &doc.base);
}

bool vpr_wire_verify(const struct vpr_public_key *key, const struct vpr_signature *signature,
                     struct vpr_bytes sign_doc)
{
    if (key->type == VPR_KEY_TYPE_SECP256K1) {
        struct vpr_hash digest = vpr_sha256(sign_doc.data, sign_doc.len);
        return vpr_secp256k1_verify(signature, &digest, key->b);
    }
    struct vpr_hash h = ed25519_of(key);
    return key->type == VPR_KEY_TYPE_ED25519 &&
           vpr_ed25519_verify(signature, sign_doc.data, sign_doc.len, &h);
}

/* ---- putting together ---- */

const char *vpr_wire_type_url(struct vpr_arena *arena,
                              const ProtobufCMessageDescriptor *descriptor)
{
    return vpr_arena_text(arena, "/%s", descriptor->name);
}

struct vpr_bytes vpr_wire_body_pack(struct vpr_arena *arena, const struct vpr_wire_body *body)
{
    VPR_ASSERT(body->count >= 1 && body->count <= VPR_TX_MESSAGES_MAX);
    Cosmos__Tx__V1beta1__TxBody m = COSMOS__TX__V1BETA1__TX_BODY__INIT;
    Google__Protobuf__Timestamp timeout = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    m.messages = VPR_ARENA_ARRAY(arena, Google__Protobuf__Any *, body->count);
    m.n_messages = body->count;
    for (size_t i = 0; i < body->count; i++) {
        Google__Protobuf__Any *any = VPR_ARENA_NEW(arena, Google__Protobuf__Any);
        google__protobuf__any__init(any);
        any->type_url =
            text(arena, vpr_wire_type_url(arena, body->messages[i]->descriptor));
        any->value = binary(vpr_arena_pack(arena, body->messages[i]));
        m.messages[i] = any;
    }
    if (body->memo != NULL) {
        m.memo = text(arena, body->memo);
    }
    m.timeout_height = body->timeout_height;
    m.unordered = body->unordered;
    if (body->timeout_s != 0) {
        timeout.seconds = body->timeout_s;
        m.timeout_timestamp = &timeout;
    }
    return vpr_arena_pack(arena, &m.base);
}

struct vpr_bytes vpr_wire_auth_pack(struct vpr_arena *arena, const struct vpr_public_key *key,
                                    uint64_t sequence, uint64_t gas_limit, uint64_t fee_uvipr)
{
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    any.type_url = text(arena, vpr_key_type_url(key->type));
    any.value = binary(vpr_key_value(arena, key));

    Cosmos__Tx__V1beta1__ModeInfo__Single single = COSMOS__TX__V1BETA1__MODE_INFO__SINGLE__INIT;
    single.mode = COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_DIRECT;
    Cosmos__Tx__V1beta1__ModeInfo mode = COSMOS__TX__V1BETA1__MODE_INFO__INIT;
    mode.sum_case = COSMOS__TX__V1BETA1__MODE_INFO__SUM_SINGLE;
    mode.single = &single;

    Cosmos__Tx__V1beta1__SignerInfo signer = COSMOS__TX__V1BETA1__SIGNER_INFO__INIT;
    signer.public_key = &any;
    signer.mode_info = &mode;
    signer.sequence = sequence;

    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT;
    coin.denom = text(arena, VPR_DENOM);
    coin.amount = vpr_arena_text(arena, "%" PRIu64, fee_uvipr);
    Cosmos__Tx__V1beta1__Fee fee = COSMOS__TX__V1BETA1__FEE__INIT;
    fee.gas_limit = gas_limit;
    fee.amount = (Cosmos__Base__V1beta1__Coin *[]){&coin};
    fee.n_amount = fee_uvipr > 0 ? 1 : 0;

    Cosmos__Tx__V1beta1__AuthInfo auth = COSMOS__TX__V1BETA1__AUTH_INFO__INIT;
    auth.signer_infos = (Cosmos__Tx__V1beta1__SignerInfo *[]){&signer};
    auth.n_signer_infos = 1;
    auth.fee = &fee;
    return vpr_arena_pack(arena, &auth.base);
}

struct vpr_bytes vpr_wire_raw_pack(struct vpr_arena *arena, struct vpr_bytes body,
                                   struct vpr_bytes auth,
                                   const struct vpr_signature *signature)
{
    Cosmos__Tx__V1beta1__TxRaw raw = COSMOS__TX__V1BETA1__TX_RAW__INIT;
    ProtobufCBinaryData one;
    raw.body_bytes = binary(body);
    raw.auth_info_bytes = binary(auth);
    if (signature != NULL) {
        one = binary(vpr_bytes_of(signature->b, sizeof signature->b));
        raw.signatures = &one;
        raw.n_signatures = 1;
    }
    return vpr_arena_pack(arena, &raw.base);
}
