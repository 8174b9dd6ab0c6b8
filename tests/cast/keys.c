#include "tests/cast/cast.h"

#include <stdio.h>

#include "app/tx/amino.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"

#define LABEL_MAX 96

/* ---- keys ---- */

static struct vpr_hash seed_of(const char *kind, const char *label)
{
    char text[2 * LABEL_MAX];
    int len = snprintf(text, sizeof text, "world %s %s", kind, label);
    VPR_ASSERT(len > 0 && (size_t)len < sizeof text);
    vpr_sig_init();
    return vpr_sha256(text, (size_t)len);
}

static bool is_ed25519(const char *label)
{
    return strcmp(label, "bob") == 0;
}

/* Making a key costs more than using it: the last ones stay at hand. */
#define KEPT 32768
struct kept_key {
    char label[LABEL_MAX]; /* "": nothing here */
    uint8_t secret[64];    /* ed25519 */
    struct vpr_public_key key;
};
static struct kept_key kept_ed25519[KEPT], kept_secp256k1[KEPT];

/* Its place; true if it is there already. */
static bool find_kept(struct kept_key *keys, const char *label, struct kept_key **ret)
{
    uint32_t sum = 2166136261u;
    for (const char *c = label; *c != 0; c++) {
        sum = (sum ^ (uint8_t)*c) * 16777619u;
    }
    *ret = &keys[(sum ^ sum >> 15) % KEPT];
    return strcmp((*ret)->label, label) == 0;
}

static void keep_label(struct kept_key *key, const char *label)
{
    int len = snprintf(key->label, sizeof key->label, "%s", label);
    VPR_ASSERT(len > 0 && (size_t)len < sizeof key->label);
}

static const struct kept_key *ed25519_of(const char *label)
{
    struct kept_key *kept;
    if (!find_kept(kept_ed25519, label, &kept)) {
        struct vpr_hash seed = seed_of("ed25519", label), public;
        vpr_ed25519_keypair(&public, kept->secret, &seed);
        kept->key.type = VPR_KEY_TYPE_ED25519;
        memcpy(kept->key.b, public.b, sizeof public.b);
        keep_label(kept, label);
    }
    return kept;
}

void world_ed25519_secret(const char *label, uint8_t ret_secret[64])
{
    memcpy(ret_secret, ed25519_of(label)->secret, 64);
}

struct vpr_hash world_ed25519(const char *label)
{
    struct vpr_hash public;
    memcpy(public.b, ed25519_of(label)->key.b, sizeof public.b);
    return public;
}

struct vpr_public_key world_key(const char *label)
{
    struct kept_key *kept;
    if (is_ed25519(label)) {
        return ed25519_of(label)->key;
    }
    if (!find_kept(kept_secp256k1, label, &kept)) {
        struct vpr_hash secret = seed_of("secp256k1", label);
        kept->key.type = VPR_KEY_TYPE_SECP256K1;
        VPR_ASSERT(vpr_secp256k1_public(kept->key.b, &secret));
        keep_label(kept, label);
    }
    return kept->key;
}

struct vpr_address world_address(const char *label)
{
    struct vpr_public_key key = world_key(label);
    return vpr_key_account(&key);
}

struct vpr_address world_consensus(const char *validator)
{
    char label[LABEL_MAX];
    (void)snprintf(label, sizeof label, "%s.consensus", validator);
    struct vpr_hash key = world_ed25519(label);
    return vpr_address_ed25519(&key);
}

/* Texts and labels last as long as the process, so that messages may point to them. */
#define PEOPLE_MAX (UINT32_C(1) << 18)
struct person {
    struct vpr_address who;
    char text[VPR_ADDRESS_TEXT_MAX]; /* "": a free place */
    char label[LABEL_MAX];           /* "": known by address alone */
};
static struct person people[PEOPLE_MAX];
static uint32_t people_count;

/* Open addressing; an address is as good as a hash. */
static struct person *person_of(const struct vpr_address *who)
{
    uint32_t at;
    memcpy(&at, who->b, sizeof at);
    for (at %= PEOPLE_MAX;; at = (at + 1) % PEOPLE_MAX) {
        struct person *p = &people[at];
        if (p->text[0] != 0 && vpr_address_equal(&p->who, who)) {
            return p;
        }
        if (p->text[0] == 0) {
            VPR_ASSERT(++people_count < PEOPLE_MAX / 4 * 3);
            p->who = *who;
            vpr_address_text(p->text, VPR_PREFIX_ACCOUNT, who);
            return p;
        }
    }
}

char *world_text_of(const struct vpr_address *who)
{
    return person_of(who)->text;
}

char *world_text(const char *label)
{
    struct vpr_address who = world_address(label);
    struct person *p = person_of(&who);
    if (p->label[0] == 0) {
        int len = snprintf(p->label, sizeof p->label, "%s", label);
        VPR_ASSERT(len > 0 && (size_t)len < sizeof p->label);
    }
    return p->text;
}

const char *world_label_of(const struct vpr_address *who)
{
    const struct person *p = person_of(who);
    return p->label[0] != 0 ? p->label : NULL;
}

struct vpr_hash world_beacon_end(const char *validator)
{
    struct vpr_hash x = seed_of("beacon", validator);
    for (size_t i = 0; i < WORLD_REVEALS; i++) {
        x = vpr_beacon_link(&x);
    }
    return x;
}

bool world_beacon_reveal(const char *validator, const struct vpr_hash *end,
                         struct vpr_hash *ret_x)
{
    struct vpr_hash x = seed_of("beacon", validator);
    for (size_t i = 0; i < WORLD_REVEALS; i++) {
        struct vpr_hash next = vpr_beacon_link(&x);
        if (vpr_hash_equal(&next, end)) {
            *ret_x = x;
            return true;
        }
        x = next;
    }
    return false;
}

void world_sign_doc(const char *label, struct vpr_bytes doc, struct vpr_signature *ret)
{
    if (is_ed25519(label)) {
        uint8_t secret[64];
        world_ed25519_secret(label, secret);
        vpr_ed25519_sign(ret, doc.data, doc.len, secret);
        return;
    }
    struct vpr_hash secret = seed_of("secp256k1", label);
    struct vpr_hash digest = vpr_sha256(doc.data, doc.len);
    VPR_ASSERT(vpr_secp256k1_sign(ret, &digest, &secret));
}

struct vpr_bytes world_auth_in_mode(struct vpr_arena *arena, struct vpr_bytes auth, int mode)
{
    Cosmos__Tx__V1beta1__AuthInfo *m = (Cosmos__Tx__V1beta1__AuthInfo *)vpr_arena_unpack(
        arena, &cosmos__tx__v1beta1__auth_info__descriptor, auth);
    VPR_ASSERT(m != NULL);
    m->signer_infos[0]->mode_info->single->mode = (Cosmos__Tx__V1beta1__SignMode)mode;
    return vpr_arena_pack(arena, &m->base);
}

bool world_has_json(struct vpr_arena *arena, const ProtobufCMessage *const *messages,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (vpr_amino_name(vpr_wire_type_url(arena, messages[i]->descriptor)) == NULL) {
            return false;
        }
    }
    return true;
}

struct vpr_bytes world_json_doc(struct vpr_arena *arena, struct vpr_bytes body,
                                struct vpr_bytes auth, const ProtobufCMessage *const *messages,
                                const char *chain_id, uint64_t account_number)
{
    static const struct vpr_signature none;
    struct vpr_wire_tx tx;
    struct vpr_err err;
    if (vpr_wire_decode(&tx, arena, vpr_wire_raw_pack(arena, body, auth, &none), false, &err) !=
        VPR_OK) {
        return vpr_bytes_of("", 0);
    }
    return vpr_amino_sign_doc(arena, &tx, messages, chain_id, account_number);
}

struct vpr_bytes world_sign(struct vpr_arena *arena, const char *label,
                            const struct world_envelope *envelope,
                            const ProtobufCMessage *const *messages, size_t count)
{
    struct vpr_public_key key = world_key(label);
    struct vpr_wire_body body = {
        .messages = messages,
        .count = count,
        .memo = envelope->memo,
        .timeout_height = envelope->timeout_height,
        .unordered = envelope->unordered,
        .timeout_s = envelope->timeout_s,
    };
    struct vpr_bytes body_bytes = vpr_wire_body_pack(arena, &body);
    struct vpr_bytes auth_bytes = vpr_wire_auth_pack(
        arena, &key, envelope->sequence,
        envelope->gas_limit != 0 ? envelope->gas_limit : UINT64_C(20000000),
        envelope->fee_uvipr != 0 ? envelope->fee_uvipr : UINT64_C(500000));
    const char *chain_id = envelope->chain_id != NULL ? envelope->chain_id : WORLD_CHAIN_ID;
    bool amino = envelope->amino && world_has_json(arena, messages, count);
    if (amino) {
        auth_bytes = world_auth_in_mode(
            arena, auth_bytes, COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_LEGACY_AMINO_JSON);
    }
    struct vpr_bytes doc =
        amino ? world_json_doc(arena, body_bytes, auth_bytes, messages, chain_id,
                               envelope->account_number)
              : vpr_wire_sign_doc(arena, body_bytes, auth_bytes, chain_id,
                                  envelope->account_number);
    struct vpr_signature signature;
    world_sign_doc(label, doc, &signature);
    return vpr_wire_raw_pack(arena, body_bytes, auth_bytes, &signature);
}

