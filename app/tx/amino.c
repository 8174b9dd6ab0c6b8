#include "app/tx/amino.h"

/* By type; the names are Cosmos' own. */
static const struct {
    const char *type_url, *name;
} names[] = {
    {"/cosmos.bank.v1beta1.MsgSend", "cosmos-sdk/MsgSend"},
    {"/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", "cosmos-sdk/MsgModifyWithdrawAddress"},
    {"/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
     "cosmos-sdk/MsgWithdrawDelegationReward"},
    {"/cosmos.gov.v1.MsgVote", "cosmos-sdk/v1/MsgVote"},
    {"/cosmos.gov.v1beta1.MsgVote", "cosmos-sdk/MsgVote"},
    {"/cosmos.staking.v1beta1.MsgBeginRedelegate", "cosmos-sdk/MsgBeginRedelegate"},
    {"/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation",
     "cosmos-sdk/MsgCancelUnbondingDelegation"},
    {"/cosmos.staking.v1beta1.MsgDelegate", "cosmos-sdk/MsgDelegate"},
    {"/cosmos.staking.v1beta1.MsgUndelegate", "cosmos-sdk/MsgUndelegate"},
};

const char *vpr_amino_name(const char *type_url)
{
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        if (strcmp(names[i].type_url, type_url) == 0) {
            return names[i].name;
        }
    }
    return NULL;
}

/* ---- JSON ---- */

/* Counts first, with `out` NULL, then writes: no more is taken than is needed. */
struct writer {
    uint8_t *out;
    size_t len;
};

static void put(struct writer *w, const char *text, size_t len)
{
    if (w->out != NULL) {
        memcpy(w->out + w->len, text, len);
    }
    w->len += len;
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_number(struct writer *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    put(w, digits + at, sizeof digits - at);
}

/* The short form of an escape, or 0. */
static char short_escape(uint8_t c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default: /* a byte, not an enum */
        return 0;
    }
}

static void put_escape(struct writer *w, unsigned c)
{
    static const char hex[] = "0123456789abcdef";
    const char text[] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15],
                         hex[c & 15]};
    put(w, text, sizeof text);
}

/* As Go's encoder writes it, which the field takes for canonical: also & < > and the two line
 * separators of Unicode (e2 80 a8, e2 80 a9) are escaped. */
static void put_string(struct writer *w, const char *text)
{
    put(w, "\"", 1);
    for (const char *at = text; *at != '\0'; at++) {
        uint8_t c = (uint8_t)*at;
        char letter = short_escape(c);
        if (letter != 0) {
            const char pair[] = {'\\', letter};
            put(w, pair, sizeof pair);
        } else if (c < 0x20 || c == '&' || c == '<' || c == '>') {
            put_escape(w, c);
        } else if (strncmp(at, "\xe2\x80\xa8", 3) == 0 || strncmp(at, "\xe2\x80\xa9", 3) == 0) {
            put_escape(w, 0x2000u + ((uint8_t)at[2] & 0x3Fu));
            at += 2;
        } else {
            put(w, at, 1);
        }
    }
    put(w, "\"", 1);
}

/* `,"key":`; the first of an object without comma. */
static void put_key(struct writer *w, bool *first, const char *key)
{
    put_text(w, *first ? "\"" : ",\"");
    put_text(w, key);
    put_text(w, "\":");
    *first = false;
}

/* `v` is two's complement. */
static void put_signed(struct writer *w, uint64_t v)
{
    bool below = v > INT64_MAX;
    put_text(w, below ? "-" : "");
    put_number(w, below ? 0 - v : v);
}

static void put_quoted(struct writer *w, uint64_t v)
{
    put(w, "\"", 1);
    put_number(w, v);
    put(w, "\"", 1);
}

/* ---- messages ---- */

static void put_fields(struct writer *w, const ProtobufCMessage *message);

static void put_list(struct writer *w, const ProtobufCFieldDescriptor *field, const uint8_t *at,
                     size_t count)
{
    ProtobufCMessage *const *list;
    VPR_ASSERT(field->type == PROTOBUF_C_TYPE_MESSAGE); /* the table has no other lists */
    memcpy(&list, at, sizeof list);
    put(w, "[", 1);
    for (size_t i = 0; i < count; i++) {
        put_text(w, i > 0 ? "," : "");
        put_fields(w, list[i]);
    }
    put(w, "]", 1);
}

/* Empty ones are left out, except lists. */
static void put_field(struct writer *w, bool *first, const ProtobufCFieldDescriptor *field,
                      const ProtobufCMessage *message)
{
    const uint8_t *at = (const uint8_t *)message + field->offset;
    const ProtobufCMessage *inner;
    const char *text;
    uint64_t wide;
    int32_t narrow;
    size_t count;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, (const uint8_t *)message + field->quantifier_offset, sizeof count);
        put_key(w, first, field->name);
        put_list(w, field, at, count);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        memcpy(&inner, at, sizeof inner);
        if (inner != NULL) {
            put_key(w, first, field->name);
            put_fields(w, inner);
        }
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(&text, at, sizeof text);
        if (text[0] != '\0') {
            put_key(w, first, field->name);
            put_string(w, text);
        }
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        memcpy(&narrow, at, sizeof narrow);
        if (narrow != 0) {
            put_key(w, first, field->name);
            put_signed(w, (uint64_t)(int64_t)narrow);
        }
    } else {
        VPR_ASSERT(field->type == PROTOBUF_C_TYPE_UINT64 ||
                   field->type == PROTOBUF_C_TYPE_INT64);
        memcpy(&wide, at, sizeof wide);
        if (wide != 0) {
            put_key(w, first, field->name);
            put(w, "\"", 1);
            if (field->type == PROTOBUF_C_TYPE_INT64) {
                put_signed(w, wide);
            } else {
                put_number(w, wide);
            }
            put(w, "\"", 1);
        }
    }
}

static void put_fields(struct writer *w, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    bool first = true;
    put(w, "{", 1);
    for (unsigned i = 0; i < d->n_fields; i++) {
        put_field(w, &first, &d->fields[d->fields_sorted_by_name[i]], message);
    }
    put(w, "}", 1);
}

static void put_message(struct writer *w, const struct vpr_wire_message *from,
                        const ProtobufCMessage *message)
{
    const char *name = vpr_amino_name(from->type_url);
    VPR_ASSERT(name != NULL);
    put_text(w, "{\"type\":");
    put_string(w, name);
    put_text(w, ",\"value\":");
    put_fields(w, message);
    put(w, "}", 1);
}

/* ---- the document ---- */

static void put_fee(struct writer *w, const struct vpr_wire_tx *tx)
{
    put_text(w, "\"fee\":{\"amount\":[");
    if (tx->fee_stated) {
        put_text(w, "{\"amount\":");
        put_quoted(w, tx->fee_uvipr);
        put_text(w, ",\"denom\":\"" VPR_DENOM "\"}");
    }
    put_text(w, "],\"gas\":");
    put_quoted(w, tx->gas_limit);
    put(w, "}", 1);
}

static void put_doc(struct writer *w, const struct vpr_wire_tx *tx,
                    const ProtobufCMessage *const *messages, const char *chain_id,
                    uint64_t account_number)
{
    put_text(w, "{\"account_number\":");
    put_quoted(w, account_number);
    put_text(w, ",\"chain_id\":");
    put_string(w, chain_id);
    put(w, ",", 1);
    put_fee(w, tx);
    put_text(w, ",\"memo\":");
    put_string(w, tx->memo);
    put_text(w, ",\"msgs\":[");
    for (size_t i = 0; i < tx->message_count; i++) {
        put_text(w, i > 0 ? "," : "");
        put_message(w, &tx->messages[i], messages[i]);
    }
    put_text(w, "],\"sequence\":");
    put_quoted(w, tx->sequence);
    if (tx->timeout_height != 0) {
        put_text(w, ",\"timeout_height\":");
        put_quoted(w, tx->timeout_height);
    }
    put(w, "}", 1);
}

struct vpr_bytes vpr_amino_sign_doc(struct vpr_arena *arena, const struct vpr_wire_tx *tx,
                                    const ProtobufCMessage *const *messages,
                                    const char *chain_id, uint64_t account_number)
{
    struct writer counted = {NULL, 0};
    put_doc(&counted, tx, messages, chain_id, account_number);
    struct writer w = {vpr_arena_alloc(arena, counted.len), 0};
    put_doc(&w, tx, messages, chain_id, account_number);
    VPR_ASSERT(w.len == counted.len);
    return vpr_bytes_of(w.out, w.len);
}
