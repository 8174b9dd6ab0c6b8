#include "tests/unit/world_session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/rules/draw.h"
#include "app/rules/split.h"

#define ARENA_BYTES (UINT64_C(1) << 28)

static ProtobufCBinaryData data(struct ws *w, const void *bytes, size_t len)
{
    return (ProtobufCBinaryData){len, vpr_arena_copy(&w->build, bytes, len)};
}

static void *new_list(struct ws *w, size_t count)
{
    return vpr_arena_alloc(&w->build, count * sizeof(void *));
}

/* A message of that type, initialised, in w->build. */
static void *new_message(struct ws *w, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = vpr_arena_alloc(&w->build, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

/* ---- genesis ---- */

struct change {
    struct ws *w;
    const struct ws_options *options;
};

static void fund(struct ws *w, Viper__V1__GenesisState *g, const char *label, uint64_t vipr)
{
    Viper__V1__GenesisAccount *account =
        new_message(w, &viper__v1__genesis_account__descriptor);
    account->address = world_text(label);
    account->balance = vipr * WORLD_VIPR;
    g->accounts[g->n_accounts++] = account;
}

static void change_genesis(Viper__V1__GenesisState *g, void *arg)
{
    const struct change *change = arg;
    const struct ws_options *o = change->options;
    struct ws *w = change->w;

    if (o->settle_per_block != 0) {
        g->params->settle_per_block = o->settle_per_block;
    }
    if (o->claim_min != 0) {
        g->params->claim_min = o->claim_min;
    }
    if (o->proof_samples != 0) {
        g->params->proof_samples = o->proof_samples;
    }
    if (o->partner) {
        g->chains[0]->payout = world_text("bob");
    }
    Viper__V1__MsgStakeRequestor *second =
        vpr_arena_copy(&w->build, g->requestors[0], sizeof *second);
    struct vpr_hash gateway = world_ed25519("requestor2.gateway");
    second->owner = world_text("requestor2.owner");
    second->operator_ = world_text("requestor2");
    second->gateway_keys = vpr_arena_alloc(&w->build, sizeof second->gateway_keys[0]);
    second->gateway_keys[0] = data(w, gateway.b, sizeof gateway.b);
    Viper__V1__MsgStakeRequestor **both = new_list(w, WS_REQUESTORS);
    both[0] = g->requestors[0];
    both[1] = second;
    g->requestors = both;
    g->n_requestors = WS_REQUESTORS;
    fund(w, g, "requestor2.owner", 1001000);
    fund(w, g, "requestor2", 1000);
    if (o->headroom != 0) { /* the first account takes all the rest */
        uint64_t others = 0;
        for (size_t i = 1; i < g->n_accounts; i++) {
            others += g->accounts[i]->balance;
        }
        g->accounts[0]->balance = VPR_SUPPLY_MAX - 1 - o->headroom - others;
    }
}

void ws_open(struct ws *w, const struct ws_options *options)
{
    struct change change = {w, options};

    memset(w, 0, sizeof *w);
    vpr_arena_init(&w->build, ARENA_BYTES);
    w->supply_full = options->headroom != 0;
    w->w = world_create(change_genesis, &change);
    w->ctx = &w->w->ctx;
    w->w->compared = true;
}

void ws_close(struct ws *w)
{
    world_destroy(w->w);
    vpr_arena_finish(&w->build);
}

/* ---- blocks ---- */

void ws_end(struct ws *w)
{
    ck_assert(w->w->open);
    world_end(w->w);
}

/* As a proposer sees it: on the committed state, knowing neither itself nor the clock. */
static size_t proposed(struct ws *w, Viper__V1__VerifyEntry ***ret)
{
    struct vpr_state state = {NULL, vpr_store_view(w->w->store)};
    struct vpr_ctx ctx = *w->ctx;
    size_t count;

    ctx.state = &state;
    ctx.arena = &w->build;
    ctx.events = NULL;
    ctx.height++;
    ctx.time_s += 1000;
    memset(&ctx.proposer, 0xAA, sizeof ctx.proposer);
    vpr_settlement_due(&ctx, ret, &count);
    vpr_view_release(state.view);
    return count;
}

static const char *verdict_of(const Viper__V1__VerifyEntry *e)
{
    return e->verdict == VIPER__V1__VERDICT__VERDICT_PAID       ? "paid"
           : e->verdict == VIPER__V1__VERDICT__VERDICT_UNPROVED ? "unproved"
                                                                : "error";
}

static void begin(struct ws *w)
{
    Viper__V1__VerifyEntry **due = NULL;
    size_t count = 0;

    if (w->ctx->height > 0) {
        count = proposed(w, &due);
    }
    world_begin(w->w);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_event *event = ws_event(w, "verify", i);
        char sid[65];
        vpr_hex(sid, due[i]->sid.data, due[i]->sid.len);
        ck_assert_ptr_nonnull(event);
        ck_assert_uint_eq(ws_attribute_u64(event, "session"), due[i]->session);
        ck_assert_str_eq(ws_attribute(event, "sid"), sid);
        ck_assert_str_eq(ws_attribute(event, "servicer"), due[i]->servicer);
        if (w->supply_full && strcmp(ws_attribute(event, "verdict"), "error") == 0) {
            ck_assert_int_eq(due[i]->verdict, VIPER__V1__VERDICT__VERDICT_PAID);
            ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 0);
            continue; /* the list does not know that the supply will not do */
        }
        ck_assert_str_eq(ws_attribute(event, "verdict"), verdict_of(due[i]));
        ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), due[i]->settled_cu);
        ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), due[i]->score_ppm);
        ck_assert_uint_eq(ws_attribute_u64(event, "reward"), due[i]->reward_uvipr);
    }
    ck_assert_ptr_null(ws_event(w, "verify", count));
}

void ws_next(struct ws *w)
{
    if (w->w->open) {
        world_end(w->w);
    }
    begin(w);
}

void ws_to(struct ws *w, uint64_t height)
{
    ck_assert_uint_ge(height, w->ctx->height);
    while (w->ctx->height < height || !w->w->open) {
        ws_next(w);
    }
}

/* ---- messages ---- */

static const struct vpr_handler *handler_of(const ProtobufCMessage *message)
{
    for (size_t d = 0; d < vpr_domain_tables.count; d++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            if (domain->handlers[i].descriptor == message->descriptor) {
                return &domain->handlers[i];
            }
        }
    }
    ck_abort_msg("no handler for %s", message->descriptor->name);
}

uint64_t ws_signatures(const ProtobufCMessage *message)
{
    const struct vpr_handler *row = handler_of(message);
    struct vpr_load load = {0, 0};
    if (row->load != NULL) {
        row->load(message, &load);
    }
    return load.signatures;
}

static struct vpr_tx_result
send(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "operator");
    uint8_t copy[256];

    ck_assert_ptr_nonnull(field);
    ck_assert_uint_le(message->descriptor->sizeof_message, sizeof copy);
    memcpy(copy, message, message->descriptor->sizeof_message);
    char *text = world_text(label);
    memcpy(copy + field->offset, &text, sizeof text);
    ck_assert(w->w->open);
    return world_tx(w->w, label, (const ProtobufCMessage *)(void *)copy);
}

enum vpr_code ws_send(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    return send(w, message, label).code;
}

void ws_must(struct ws *w, const ProtobufCMessage *message, const char *label)
{
    struct vpr_tx_result result = send(w, message, label);
    ck_assert_msg(result.code == VPR_OK, "%s: %s: %s", message->descriptor->name,
                  vpr_code_name(result.code), result.log);
}

const ProtobufCMessage *ws_ask(struct ws *w, const char *method,
                               const ProtobufCMessage *request, enum vpr_code *ret_code)
{
    const struct vpr_query *query = vpr_domain_query(method);
    ProtobufCMessage *response = NULL;
    struct vpr_ctx ctx = *w->ctx;

    ck_assert_msg(query != NULL, "no query %s", method);
    ck_assert_ptr_eq(query->request, request->descriptor);
    ctx.arena = &w->build;
    ctx.events = NULL;
    enum vpr_code code = query->answer(&ctx, request, &response);
    if (ret_code != NULL) {
        *ret_code = code;
    } else {
        ck_assert_msg(code == VPR_OK, "%s: %s", method, w->w->err.text);
    }
    if (code == VPR_OK) {
        ck_assert_ptr_eq(response->descriptor, query->response);
    }
    return response;
}

const struct vpr_event *ws_event(const struct ws *w, const char *type, size_t n)
{
    for (size_t i = 0; i < w->w->events.count; i++) {
        if (strcmp(w->w->events.list[i]->type, type) == 0 && n-- == 0) {
            return w->w->events.list[i];
        }
    }
    return NULL;
}

const char *ws_attribute(const struct vpr_event *event, const char *key)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (strcmp(event->attributes[i].key, key) == 0) {
            return event->attributes[i].value;
        }
    }
    return NULL;
}

uint64_t ws_attribute_u64(const struct vpr_event *event, const char *key)
{
    const char *value = ws_attribute(event, key);
    ck_assert_msg(value != NULL, "event %s has no %s", event->type, key);
    return strtoull(value, NULL, 10);
}

/* ---- who is who ---- */

static const char *const labels[] = {
    "servicer1",  "servicer2",  "servicer3",  "servicer4",  "servicer5",  "servicer6",
    "fisherman1", "fisherman2", "fisherman3", "requestor1", "requestor2",
};
static const char *const owners[] = {
    "servicer1.owner",  "servicer2.owner",  "servicer3.owner",  "servicer4.owner",
    "servicer5.owner",  "servicer6.owner",  "fisherman1.owner", "fisherman2.owner",
    "fisherman3.owner", "requestor1.owner", "requestor2.owner",
};

static size_t label_index(const struct vpr_address *id)
{
    for (size_t i = 0; i < VPR_COUNT(labels); i++) {
        struct vpr_address address = world_address(labels[i]);
        if (vpr_address_equal(&address, id)) {
            return i;
        }
    }
    ck_abort_msg("nobody has this id");
}

const char *ws_label(const struct vpr_address *id)
{
    return labels[label_index(id)];
}

const char *ws_owner(const struct vpr_address *id)
{
    return owners[label_index(id)];
}

struct vpr_bench ws_bench(struct ws *w, uint64_t session, unsigned requestor, uint16_t chain)
{
    struct vpr_bench bench;
    struct vpr_session record;
    struct vpr_address id = world_address(requestor == 1 ? "requestor1" : "requestor2");

    ck_assert(vpr_session_get(w->ctx, session, &record));
    enum vpr_code code = vpr_bench_draw(w->ctx, &bench, &record, &id, chain, WS_ZONE);
    ck_assert_msg(code == VPR_OK, "draw: %s", w->w->err.text);
    return bench;
}

/* ---- messages ---- */

static struct work_asked asked(struct ws *w, uint64_t session)
{
    struct work_asked asked = {
        .proof_samples = vpr_param(w->ctx, VPR_P_proof_samples, session),
        .card_samples = vpr_param(w->ctx, VPR_P_card_samples, session),
        .chain_multiplier_ppm = VPR_PPM,
        .zone_multiplier_ppm = VPR_PPM,
    };
    struct vpr_session record;

    ck_assert(vpr_session_get(w->ctx, session, &record));
    if (record.has_challenge) {
        asked.challenge = vpr_arena_copy(&w->build, &record.challenge, sizeof record.challenge);
    }
    return asked;
}

Viper__V1__MsgCommit *
ws_msg_commit(struct ws *w, const struct ws_work *const *works, size_t count)
{
    return work_commit(&w->build, works, count);
}

Viper__V1__MsgProve *
ws_msg_tails(struct ws *w, const struct ws_work *const *works, size_t count)
{
    return work_tails(&w->build, works, count);
}

Viper__V1__MsgProve *
ws_msg_samples(struct ws *w, const struct ws_work *const *works, size_t count)
{
    const struct work_asked what = asked(w, works[0]->bench.session);
    ck_assert_ptr_nonnull(what.challenge);
    return work_samples(&w->build, works, count, &what);
}

Viper__V1__MsgReportCard *
ws_msg_report(struct ws *w, const struct ws_card *const *cards, size_t count)
{
    return work_report(&w->build, cards, count);
}

Viper__V1__MsgReveal *
ws_msg_reveal(struct ws *w, const struct ws_card *const *cards, size_t count)
{
    const struct work_asked what = asked(w, cards[0]->bench.session);
    return work_reveal(&w->build, cards, count, &what);
}

Viper__V1__ProveSample *
ws_sample_at(struct ws *w, const struct ws_work *work, uint32_t position, uint64_t cu)
{
    return work_sample_at(&w->build, work, position, cu);
}

Viper__V1__OpenedSample *
ws_opened_at(struct ws *w, const struct ws_card *card, uint32_t position, uint64_t index)
{
    return work_opened_at(&w->build, card, position, index);
}
