#include "tests/driver/send.h"

#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/host/pbjson.h"
#include "app/tx/gas.h"
#include "cosmos/gov/v1/tx.pb-c.h"
#include "cosmos/gov/v1beta1/tx.pb-c.h"
#include "cosmos/staking/v1beta1/staking.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"

#define TEXT_BYTES_MAX (UINT64_C(1) << 28)
#define TIMEOUT_S 60
#define PACK_TRIES 6

static const char *const fault_names[ENVELOPE_FAULTS] = {
    NULL,      "signature", "signature",   "signature", "sequence", "sequence",
    "fee",     "gas limit", "timeout",     "bytes",     "balance",  "signature",
    "signature", "mode",    "memo",
};

/* What a message costs besides message_gas, its bytes and signatures: once (list NULL), or for
 * each item of a list. */
#define OF(name) &viper__v1__msg_##name##__descriptor
static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *list;
    uint64_t gas;
} loads[] = {
    {OF(stake_servicer), NULL, VPR_GAS_ACTOR},
    {OF(stake_servicer), "chains", VPR_GAS_CHAIN},
    {OF(edit_servicer), NULL, VPR_GAS_ACTOR},
    {OF(edit_servicer), "chains", VPR_GAS_CHAIN},
    {OF(stake_fisherman), NULL, VPR_GAS_ACTOR},
    {OF(stake_fisherman), "chains", VPR_GAS_CHAIN},
    {OF(edit_fisherman), NULL, VPR_GAS_ACTOR},
    {OF(edit_fisherman), "chains", VPR_GAS_CHAIN},
    {OF(stake_requestor), NULL, VPR_GAS_ACTOR},
    {OF(stake_requestor), "pairs", VPR_GAS_PAIR},
    {OF(stake_requestor), "gateway_keys", VPR_GAS_GATEWAY_KEY},
    {OF(edit_requestor), NULL, VPR_GAS_ACTOR},
    {OF(edit_requestor), "pairs", VPR_GAS_PAIR},
    {OF(edit_requestor), "gateway_keys", VPR_GAS_GATEWAY_KEY},
    {OF(stake_validator), NULL, VPR_GAS_ACTOR},
    {OF(renew_beacon), NULL, VPR_GAS_ACTOR},
    {OF(increase_stake), NULL, VPR_GAS_ACTOR},
    {OF(pause), NULL, VPR_GAS_ACTOR},
    {OF(resume), NULL, VPR_GAS_ACTOR},
    {OF(unstake), NULL, VPR_GAS_ACTOR},
    {OF(set_operator), NULL, VPR_GAS_ACTOR},
    {OF(set_owner), NULL, VPR_GAS_ACTOR},
    {OF(set_commission), NULL, VPR_GAS_ACTOR},
    {OF(delegate), NULL, VPR_GAS_DELEGATION},
    {OF(undelegate), NULL, VPR_GAS_DELEGATION},
    {OF(propose), NULL, VPR_GAS_PROPOSAL},
    {OF(vote), NULL, VPR_GAS_VOTE},
    {&cosmos__staking__v1beta1__msg_delegate__descriptor, NULL, VPR_GAS_DELEGATION},
    {&cosmos__staking__v1beta1__msg_undelegate__descriptor, NULL, VPR_GAS_DELEGATION},
    {&cosmos__gov__v1__msg_vote__descriptor, NULL, VPR_GAS_VOTE},
    {&cosmos__gov__v1beta1__msg_vote__descriptor, NULL, VPR_GAS_VOTE},
    {OF(commit), "entries", VPR_GAS_COMMIT_ENTRY},
    {OF(report_card), "entries", VPR_GAS_SEAL_ENTRY},
};

static size_t length_of(const ProtobufCMessage *message, const char *list)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, list);
    size_t length;
    VPR_ASSERT(field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED);
    memcpy(&length, (const uint8_t *)message + field->quantifier_offset, sizeof length);
    return length;
}

static uint64_t load_of(const ProtobufCMessage *message)
{
    uint64_t gas = 0;
    for (size_t i = 0; i < VPR_COUNT(loads); i++) {
        if (loads[i].message == message->descriptor) {
            gas += loads[i].gas *
                   (loads[i].list == NULL ? 1 : length_of(message, loads[i].list));
        }
    }
    return gas;
}

/* Signatures that a message carries inside. */
static uint64_t signatures_in(const ProtobufCMessage *message)
{
    uint64_t count = 0;
    if (message->descriptor == OF(prove)) {
        const Viper__V1__MsgProve *m = (const Viper__V1__MsgProve *)message;
        count = 2 * (uint64_t)m->n_samples;
        for (size_t i = 0; i < m->n_entries; i++) {
            count += (uint64_t)m->entries[i]->n_tokens + m->entries[i]->n_tails;
        }
    } else if (message->descriptor == OF(reveal)) {
        const Viper__V1__MsgReveal *m = (const Viper__V1__MsgReveal *)message;
        for (size_t i = 0; i < m->n_cards; i++) {
            count += 3 * (uint64_t)m->cards[i]->n_opened;
        }
    }
    return count;
}

/* ---- the envelope ---- */

struct envelope {
    const struct sending *what;
    struct vpr_public_key key;
    struct vpr_address who;
    uint64_t number, sequence, gas, gas_limit, fee, signatures;
    struct vpr_wire_body body;
    struct vpr_bytes body_bytes, auth_bytes, raw;
    Cosmos__Tx__V1beta1__SignMode mode;
    struct vpr_signature signature;
};

/* Without a mirror the node is asked; sequences are not known then. */
static uint64_t ask_number(struct stage *stage, const char *label)
{
    Viper__V1__QueryAccountInfoRequest request = VIPER__V1__QUERY_ACCOUNT_INFO_REQUEST__INIT;
    request.address = world_text(label);
    const Viper__V1__QueryAccountInfoResponse *r =
        (const Viper__V1__QueryAccountInfoResponse *)node_ask(
            &stage->nodes[0], &stage->block, "/viper.v1.Query/AccountInfo", &request.base,
            &viper__v1__query_account_info_response__descriptor);
    return r->account->number;
}

static const char *long_memo(struct stage *stage)
{
    char *memo = vpr_arena_alloc(&stage->block, VPR_TX_MEMO_BYTES_MAX + 2);
    memset(memo, 'm', VPR_TX_MEMO_BYTES_MAX + 1);
    memo[VPR_TX_MEMO_BYTES_MAX + 1] = 0;
    return memo;
}

static void address_it(struct stage *stage, struct envelope *e)
{
    const struct sending *s = e->what;
    e->key = world_key(s->label);
    e->who = world_address(s->label);
    (void)world_text(s->label);
    if (stage->mirror == NULL) {
        e->number = ask_number(stage, s->label);
    } else {
        const Viper__V1__Account *account =
            mirror_account(stage->mirror, &stage->block, &e->who);
        e->number = account == NULL ? 0 : account->number;
    }
    if (!s->unordered) {
        e->sequence = pool_sequence(stage, &e->who);
    }
    if (s->fault == ENVELOPE_OLD && e->sequence > 0) {
        e->sequence--;
    } else if (s->fault == ENVELOPE_OLD || s->fault == ENVELOPE_AHEAD) {
        e->sequence++;
    }
    e->body = (struct vpr_wire_body){
        .messages = s->messages,
        .count = s->count,
        .memo = s->fault == ENVELOPE_MEMO ? long_memo(stage) : s->memo,
    };
    e->mode = s->fault == ENVELOPE_MODE ? COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_TEXTUAL
              : s->json ? COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_LEGACY_AMINO_JSON
                        : COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_DIRECT;
    if (s->unordered) {
        e->body.unordered = true;
        e->body.timeout_s =
            s->fault == ENVELOPE_EXPIRED
                ? stage->time_s - 1
                : stage->time_s + (s->patience_s > 0 ? s->patience_s : TIMEOUT_S);
    } else if (s->fault == ENVELOPE_EXPIRED) {
        e->body.timeout_height = stage->height;
    }
    if (e->body.timeout_height == 0 && !s->unordered && s->fault == ENVELOPE_EXPIRED) {
        e->body.timeout_height = 1; /* before the first block nothing has passed */
    }
}

/* Gas and the least fee depend on the length, which depends on how they are written. */
static void price_it(struct stage *stage, struct envelope *e)
{
    const struct vpr_signature none = {{0}};
    uint64_t message_gas = 20000, price = 25;
    if (stage->mirror != NULL && stage->height > 0) {
        const Viper__V1__Params *p =
            mirror_params(stage->mirror, &stage->block, mirror_session_number(stage->mirror));
        message_gas = p->message_gas;
        price = p->min_gas_price;
    }
    uint64_t load = 0;
    for (size_t i = 0; i < e->what->count; i++) {
        load += message_gas + load_of(e->what->messages[i]);
        e->signatures += signatures_in(e->what->messages[i]);
    }
    load += VPR_GAS_SIGNATURE * e->signatures;
    e->body_bytes = vpr_wire_body_pack(&stage->block, &e->body);
    e->gas_limit = e->fee = 1;
    for (int i = 0; i < PACK_TRIES; i++) {
        e->auth_bytes = vpr_wire_auth_pack(&stage->block, &e->key, e->sequence, e->gas_limit,
                                           e->fee);
        e->raw = vpr_wire_raw_pack(&stage->block, e->body_bytes, e->auth_bytes, &none);
        e->gas = load + VPR_GAS_BYTE * e->raw.len;
        uint64_t least = (e->gas * price + 999) / 1000;
        e->gas_limit = e->gas - (e->what->fault == ENVELOPE_GAS ? 1 : 0);
        e->fee = e->what->fault == ENVELOPE_FEE    ? least - 1
                 : e->what->fault == ENVELOPE_POOR ? UINT64_C(4000000000000000000)
                                                   : least + e->what->tip;
    }
    e->auth_bytes =
        vpr_wire_auth_pack(&stage->block, &e->key, e->sequence, e->gas_limit, e->fee);
}

static struct vpr_bytes longer_by(struct stage *stage, struct vpr_bytes bytes, uint8_t last)
{
    uint8_t *longer = vpr_arena_alloc(&stage->block, bytes.len + 1);
    memcpy(longer, bytes.data, bytes.len);
    longer[bytes.len] = last;
    return vpr_bytes_of(longer, bytes.len + 1);
}

/* What is signed: by the mode, unless a fault wants it otherwise. */
static struct vpr_bytes document(struct stage *stage, const struct envelope *e)
{
    const struct sending *s = e->what;
    const char *chain_id =
        s->fault == ENVELOPE_CHAIN_ID ? "viper-elsewhere" : WORLD_CHAIN_ID;
    uint64_t number = e->number + (s->fault == ENVELOPE_NUMBER ? 1 : 0);
    bool json = s->json != (s->fault == ENVELOPE_DOCUMENT);
    struct vpr_bytes doc =
        !json ? vpr_wire_sign_doc(&stage->block, e->body_bytes, e->auth_bytes, chain_id, number)
        : world_has_json(&stage->block, s->messages, s->count)
            ? world_json_doc(&stage->block, e->body_bytes, e->auth_bytes, s->messages, chain_id,
                             number)
            : vpr_bytes_of("", 0); /* nothing that could be signed */
    return s->fault == ENVELOPE_BLANK ? longer_by(stage, doc, ' ') : doc;
}

static void sign_it(struct stage *stage, struct envelope *e)
{
    const struct sending *s = e->what;
    e->auth_bytes = world_auth_in_mode(&stage->block, e->auth_bytes, (int)e->mode);
    world_sign_doc(s->label, document(stage, e), &e->signature);
    if (s->fault == ENVELOPE_SIGNATURE) {
        e->signature.b[40] ^= 1;
    }
    e->raw = vpr_wire_raw_pack(&stage->block, e->body_bytes, e->auth_bytes, &e->signature);
    if (s->fault == ENVELOPE_BYTES) {
        e->raw = longer_by(stage, e->raw, 0);
    }
}

/* ---- the line ---- */

static void add_hex(struct vpr_buf *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        vpr_buf_char(out, digits[bytes[i] >> 4]);
        vpr_buf_char(out, digits[bytes[i] & 15]);
    }
}

static void add_message(struct vpr_buf *out, struct vpr_arena *arena,
                        const ProtobufCMessage *message)
{
    const struct vpr_pbjson_options options = {.omit_defaults = false};
    struct vpr_err err;
    vpr_buf_printf(out, "{\"@type\":\"%s\"", vpr_wire_type_url(arena, message->descriptor));
    size_t at = out->len;
    if (vpr_pbjson_write(out, message, &options, &err) != VPR_OK) {
        VPR_HALT(err.text);
    }
    VPR_ASSERT(out->data[at] == '{');
    if (out->data[at + 1] == '}') {
        out->len = at;
        vpr_buf_char(out, '}');
    } else {
        out->data[at] = ','; /* the message's own brace */
    }
}

static void add_falsified(struct vpr_buf *out, const struct sending *s)
{
    const char *what = s->fault != ENVELOPE_FINE ? fault_names[s->fault] : s->spoilt;
    if (what == NULL) {
        vpr_buf_str(out, "null");
        return;
    }
    vpr_buf_printf(out, "{\"what\":\"%s\",\"at\":\"%s\"}", what,
                   s->fault != ENVELOPE_FINE ? "envelope" : s->spoilt_at);
}

/* The bytes of DIRECT's document are not in the record, so its signature tells nobody anything. */
static void add_mode(struct vpr_buf *out, const struct envelope *e)
{
    vpr_buf_printf(out, ",\"sign_mode\":\"%s\"",
                   protobuf_c_enum_descriptor_get_value(
                       &cosmos__tx__v1beta1__sign_mode__descriptor, (int)e->mode)
                       ->name);
    if (e->mode == COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_LEGACY_AMINO_JSON) {
        vpr_buf_str(out, ",\"signature\":\"");
        add_hex(out, e->signature.b, sizeof e->signature.b);
        vpr_buf_char(out, '"');
    }
}

static char *about(struct stage *stage, const struct envelope *e)
{
    const struct sending *s = e->what;
    struct vpr_buf out;
    struct vpr_hash id = vpr_sha256_2(e->body_bytes.data, e->body_bytes.len,
                                      e->auth_bytes.data, e->auth_bytes.len);
    bool broken = s->fault == ENVELOPE_BYTES;
    vpr_buf_init(&out, TEXT_BYTES_MAX);
    vpr_buf_str(&out, "\"messages\":[");
    for (size_t i = 0; i < s->count && !broken; i++) {
        vpr_buf_str(&out, i > 0 ? "," : "");
        add_message(&out, &stage->block, s->messages[i]);
    }
    vpr_buf_printf(&out, "],\"signer\":\"%s\",\"key_type\":\"%s\",\"key\":\"",
                   world_text_of(&e->who),
                   e->key.type == VPR_KEY_TYPE_ED25519 ? "ed25519" : "secp256k1");
    add_hex(&out, e->key.b, vpr_key_len(&e->key));
    vpr_buf_printf(&out, "\",\"number\":%" PRIu64 ",\"sequence\":%" PRIu64
                   ",\"unordered\":%s,\"timeout_s\":%" PRId64
                   ",\"timeout_height\":%" PRIu64 ",\"gas_limit\":%" PRIu64
                   ",\"fee\":%" PRIu64 ",\"bytes\":%zu,\"memo\":", e->number, e->sequence,
                   s->unordered ? "true" : "false", e->body.timeout_s, e->body.timeout_height,
                   e->gas_limit, e->fee, e->raw.len);
    vpr_buf_json(&out, vpr_bytes_str(e->body.memo == NULL ? "" : e->body.memo));
    add_mode(&out, e);
    vpr_buf_str(&out, ",\"id\":\"");
    add_hex(&out, id.b, sizeof id.b);
    vpr_buf_printf(&out, "\",\"signatures\":%" PRIu64 ",\"falsified\":", e->signatures);
    add_falsified(&out, s);
    if (broken) {
        vpr_buf_str(&out, ",\"raw\":\"");
        add_hex(&out, e->raw.data, e->raw.len);
        vpr_buf_char(&out, '"');
    }
    VPR_ASSERT(!out.over);
    return out.data;
}

/* A history that is made shorter keeps some of its transactions only. */
static bool is_kept(const char *list, uint64_t number)
{
    while (list != NULL && *list != 0) {
        char *end;
        uint64_t first = strtoull(list, &end, 10), last = first;
        if (*end == '-') {
            last = strtoull(end + 1, &end, 10);
        }
        if (number >= first && number <= last) {
            return true;
        }
        list = *end == ',' ? end + 1 : end;
    }
    return list == NULL;
}

void send_tx(struct stage *stage, const struct sending *sending)
{
    struct envelope e;
    uint64_t number = stage->sent++;
    if (!is_kept(stage->options.keep, number)) {
        return;
    }
    struct item *item = calloc(1, sizeof *item);
    VPR_ASSERT(item != NULL);
    item->number = number;
    memset(&e, 0, sizeof e);
    e.what = sending;
    address_it(stage, &e);
    price_it(stage, &e);
    sign_it(stage, &e);
    item->raw = malloc(e.raw.len);
    VPR_ASSERT(item->raw != NULL);
    memcpy(item->raw, e.raw.data, e.raw.len);
    item->len = e.raw.len;
    item->about = stage->options.record == NULL ? NULL : about(stage, &e);
    item->signer = e.who;
    item->signatures = e.signatures;
    item->ordered = !sending->unordered && sending->fault == ENVELOPE_FINE;
    item->sequence = e.sequence;
    item->forced = sending->forced;
    item->told = sending->told;
    item->arg = sending->arg;
    pool_add(stage, item);
}
