#include "tests/unit/domain/act.h"

#include "app/base/bytes.h"

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
    ck_abort_msg("no handler of %s", message->descriptor->name);
    return NULL;
}

enum vpr_code act(struct world *w, const char *label, const ProtobufCMessage *message)
{
    const struct vpr_handler *handler = handler_of(message);
    if (!w->open) {
        world_begin(w);
    }
    /* The envelope demands that this field's account has signed. */
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, handler->signer);
    ck_assert_ptr_nonnull(field);
    const char *signer = *(char *const *)(const void *)((const char *)message + field->offset);
    ck_assert_str_eq(signer, world_text(label));
    w->ctx.signer = world_address(label);
    enum vpr_code code = handler->check(message, &w->err);
    if (code != VPR_OK) {
        world_trace("tx %d\n", (int)code);
        return code;
    }
    vpr_store_begin(w->store);
    code = handler->apply(&w->ctx, message);
    world_trace("tx %d\n", (int)code);
    if (code == VPR_OK) {
        vpr_store_keep(w->store);
    } else {
        vpr_store_undo(w->store);
    }
    return code;
}

void act_ok(struct world *w, const char *label, const ProtobufCMessage *message)
{
    enum vpr_code code = act(w, label, message);
    ck_assert_msg(code == VPR_OK, "%s: %s: %s", message->descriptor->short_name,
                  vpr_code_name(code), w->err.text);
}

void act_refused(struct world *w, const char *label, const ProtobufCMessage *message,
                 enum vpr_code code)
{
    w->err.code = VPR_OK;
    w->err.text[0] = '\0';
    enum vpr_code got = act(w, label, message);
    ck_assert_msg(got == code, "%s: %s instead of %s: %s", message->descriptor->short_name,
                  vpr_code_name(got), vpr_code_name(code), w->err.text);
    ck_assert_int_eq(w->err.code, code);
    ck_assert_uint_gt(strlen(w->err.text), 0);
}

const ProtobufCMessage *ask(struct world *w, const char *method,
                            const ProtobufCMessage *request, enum vpr_code *ret_code)
{
    const struct vpr_query *query = vpr_domain_query(method);
    ProtobufCMessage *response = NULL;
    ck_assert_msg(query != NULL, "no query %s", method);
    ck_assert_ptr_eq(query->request, request->descriptor);
    *ret_code = query->answer(&w->ctx, request, &response);
    if (*ret_code != VPR_OK) {
        return NULL;
    }
    ck_assert_ptr_eq(query->response, response->descriptor);
    return response;
}

const void *ask_ok(struct world *w, const char *method, const ProtobufCMessage *request)
{
    enum vpr_code code;
    const void *answer = ask(w, method, request, &code);
    ck_assert_msg(code == VPR_OK, "%s: %s", method, w->err.text);
    return answer;
}

void ask_refused(struct world *w, const char *method, const ProtobufCMessage *request,
                 enum vpr_code code)
{
    enum vpr_code got;
    (void)ask(w, method, request, &got);
    ck_assert_msg(got == code, "%s: %s, not %s", method, vpr_code_name(got),
                  vpr_code_name(code));
}

void genesis_refused(world_change_fn *change, enum vpr_code code)
{
    char text[256] = "";
    struct vpr_arena arena;
    struct vpr_err err = {VPR_OK, ""};
    vpr_arena_init(&arena, UINT64_C(1) << 28);
    struct vpr_store *store = vpr_store_open(vpr_kv_memory_open(), vpr_domain_stores(),
                                             VPR_STORE_COUNT, text, sizeof text);
    ck_assert_msg(store != NULL, "%s", text);
    struct vpr_state state = {store, NULL};
    struct vpr_ctx ctx = {
        .state = &state,
        .arena = &arena,
        .err = &err,
        .chain_id = WORLD_CHAIN_ID,
        .time_s = WORLD_TIME_S,
    };
    enum vpr_code got = vpr_genesis_import(&ctx, world_genesis(&arena, change, NULL), 1);
    ck_assert_msg(got == code, "%s instead of %s: %s", vpr_code_name(got), vpr_code_name(code),
                  err.text);
    ck_assert_uint_gt(strlen(err.text), 0);
    vpr_store_close(store);
    vpr_arena_finish(&arena);
}

static ProtobufCBinaryData key_field(struct world *w, const char *name, const char *what)
{
    struct vpr_hash key = world_ed25519(vpr_arena_text(&w->node, "%s.%s", name, what));
    return vpr_field_of_hash(&w->node, &key);
}

static uint32_t *chains_one_two(struct world *w)
{
    static const uint32_t chains[] = {1, 2};
    return vpr_arena_copy(&w->node, chains, sizeof chains);
}

Viper__V1__MsgStakeServicer *new_servicer(struct world *w, const char *name)
{
    Viper__V1__MsgStakeServicer *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgStakeServicer);
    viper__v1__msg_stake_servicer__init(m);
    m->owner = world_text("alice");
    m->operator_ = world_text(name);
    m->amount = 15000 * WORLD_VIPR;
    m->url = vpr_arena_text(&w->node, "http://%s.example:80", "relay");
    m->relay_key = key_field(w, name, "relay");
    m->zone = 1;
    m->n_chains = 2;
    m->chains = chains_one_two(w);
    return m;
}

Viper__V1__MsgStakeFisherman *new_fisherman(struct world *w, const char *name)
{
    Viper__V1__MsgStakeFisherman *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgStakeFisherman);
    viper__v1__msg_stake_fisherman__init(m);
    m->owner = world_text("alice");
    m->operator_ = world_text(name);
    m->amount = 15000 * WORLD_VIPR;
    m->zone = 1;
    m->n_chains = 2;
    m->chains = chains_one_two(w);
    return m;
}

static Viper__V1__Pair **one_pair(struct world *w)
{
    Viper__V1__Pair **pairs = VPR_ARENA_ARRAY(&w->node, Viper__V1__Pair *, VPR_PAIRS_MAX + 1);
    for (size_t i = 0; i <= VPR_PAIRS_MAX; i++) {
        pairs[i] = VPR_ARENA_NEW(&w->node, Viper__V1__Pair);
        viper__v1__pair__init(pairs[i]);
        pairs[i]->chain = (uint32_t)i + 1;
        pairs[i]->zone = 1;
    }
    pairs[0]->share_ppm = 1000000;
    return pairs;
}

Viper__V1__MsgStakeRequestor *new_requestor(struct world *w, const char *name)
{
    Viper__V1__MsgStakeRequestor *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgStakeRequestor);
    viper__v1__msg_stake_requestor__init(m);
    m->owner = world_text("alice");
    m->operator_ = world_text(name);
    m->amount = 5000 * WORLD_VIPR;
    m->num_servicers = 3;
    m->n_pairs = 1;
    m->pairs = one_pair(w);
    m->n_gateway_keys = 1;
    m->gateway_keys = VPR_ARENA_ARRAY(&w->node, ProtobufCBinaryData, VPR_GATEWAY_KEYS_MAX + 1);
    m->gateway_keys[0] = key_field(w, name, "gateway");
    m->shadow_url = vpr_arena_text(&w->node, "http://[::1]:8482/shadow");
    return m;
}

Viper__V1__MsgStakeValidator *new_validator(struct world *w, const char *name)
{
    Viper__V1__MsgStakeValidator *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgStakeValidator);
    struct vpr_hash end = world_beacon_end(name);
    viper__v1__msg_stake_validator__init(m);
    m->owner = world_text("alice");
    m->operator_ = world_text(name);
    m->amount = 50000 * WORLD_VIPR;
    m->consensus_key = key_field(w, name, "consensus");
    m->beacon_end = vpr_field_of_hash(&w->node, &end);
    return m;
}

Viper__V1__MsgEditServicer *edit_servicer(struct world *w, const char *name, const char *signer)
{
    Viper__V1__MsgEditServicer *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgEditServicer);
    viper__v1__msg_edit_servicer__init(m);
    m->signer = world_text(signer);
    m->servicer = world_text(name);
    m->url = vpr_arena_text(&w->node, "%s", actor_of(w, name)->url);
    m->relay_key = key_field(w, name, "relay");
    m->zone = 1;
    m->n_chains = 2;
    m->chains = chains_one_two(w);
    return m;
}

Viper__V1__MsgEditRequestor *edit_requestor(struct world *w, const char *name,
                                            const char *signer)
{
    Viper__V1__MsgEditRequestor *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgEditRequestor);
    const Viper__V1__MsgStakeRequestor *new = new_requestor(w, name);
    viper__v1__msg_edit_requestor__init(m);
    m->signer = world_text(signer);
    m->requestor = world_text(name);
    m->num_servicers = 5;
    m->n_pairs = 2;
    m->pairs = new->pairs;
    m->pairs[0]->share_ppm = 500000;
    m->pairs[1]->share_ppm = 500000;
    m->n_gateway_keys = 1;
    m->gateway_keys = new->gateway_keys;
    m->shadow_url = vpr_arena_text(&w->node, "%s", actor_of(w, name)->url);
    return m;
}

enum vpr_code pause_(struct world *w, const char *signer, const char *name)
{
    Viper__V1__MsgPause m = VIPER__V1__MSG_PAUSE__INIT;
    m.signer = world_text(signer);
    m.actor = world_text(name);
    return act(w, signer, &m.base);
}

enum vpr_code resume_(struct world *w, const char *signer, const char *name)
{
    Viper__V1__MsgResume m = VIPER__V1__MSG_RESUME__INIT;
    m.signer = world_text(signer);
    m.actor = world_text(name);
    return act(w, signer, &m.base);
}

enum vpr_code unstake_(struct world *w, const char *owner, const char *name)
{
    Viper__V1__MsgUnstake m = VIPER__V1__MSG_UNSTAKE__INIT;
    m.owner = world_text(owner);
    m.actor = world_text(name);
    return act(w, owner, &m.base);
}

const Viper__V1__Actor *actor_of(struct world *w, const char *name)
{
    struct vpr_address id = world_address(name);
    return vpr_actor_get(&w->ctx, &id);
}

const Viper__V1__Terms *terms_of(struct world *w, const char *name, uint64_t session)
{
    struct vpr_address id = world_address(name);
    return vpr_terms_get(&w->ctx, &id, session);
}
