#include "tests/unit/relay/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/host/pbjson.h"
#include "app/rules/ids.h"

struct node_world node_world;
#define w node_world

uint64_t node_first_of(uint64_t session)
{
    return 1 + 10 * session;
}

static struct vpr_hash seed_of(uint64_t session)
{
    return vpr_sha256(&session, sizeof session);
}

char *node_text_of(const struct vpr_address *address)
{
    char *text = vpr_arena_alloc(&w.arena, VPR_ADDRESS_TEXT_MAX);

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, address);
    return text;
}

static ProtobufCBinaryData data_of(const void *data, size_t len)
{
    return (ProtobufCBinaryData){len, vpr_arena_copy(&w.arena, data, len)};
}

static void reply(struct vpr_http_request *req, const ProtobufCMessage *message)
{
    const struct vpr_pbjson_options options = {.omit_defaults = false};
    struct vpr_buf out;
    struct vpr_err err;
    char height[32];

    /* With `uneven` a block comes between any two answers. */
    snprintf(height, sizeof height, "%" PRIu64, w.height + (w.uneven ? w.asked % 3 : 0));
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("x-cosmos-block-height", height),
        VPR_HTTP_TEXT("Content-Type", "application/json")};
    vpr_buf_init(&out, 4 << 20);
    ck_assert_int_eq(vpr_pbjson_write(&out, message, &options, &err), VPR_OK);
    vpr_http_reply(req, 200, headers, 2, vpr_buf_bytes(&out));
    vpr_buf_finish(&out);
}

static void set_params(Viper__V1__Params *params)
{
    viper__v1__params__init(params);
    params->session_blocks = 10;
    params->grace_blocks = 2;
    params->cu_per_usd = 1000000;
    params->sample_share = 50000;
    params->fishermen_per_session = 5;
}

static void say_chain(struct vpr_http_request *req)
{
    Viper__V1__QueryChainResponse m;
    Viper__V1__Params params;
    const struct vpr_hash seed = seed_of(w.session);

    viper__v1__query_chain_response__init(&m);
    set_params(&params);
    m.chain_id = (char *)(uintptr_t)NODE_CHAIN;
    m.height = w.height;
    m.session = w.session;
    m.first = node_first_of(w.session);
    m.last = m.first + 9;
    m.seed = data_of(seed.b, sizeof seed.b);
    m.params = &params;
    reply(req, &m.base);
}

static Viper__V1__ActorInfo *actor_of(const struct vpr_address *id, const char *url)
{
    Viper__V1__ActorInfo *actor = VPR_ARENA_NEW(&w.arena, Viper__V1__ActorInfo);

    viper__v1__actor_info__init(actor);
    actor->id = node_text_of(id);
    actor->owner = node_text_of(&w.owner);
    actor->operator_ = node_text_of(id);
    actor->url = (char *)(uintptr_t)url;
    return actor;
}

static void say_requestor(struct vpr_http_request *req)
{
    Viper__V1__QueryRequestorResponse m;
    Viper__V1__PairInfo pair, *pairs[] = {&pair};
    ProtobufCBinaryData keys[] = {
        data_of(vpr_key_info(w.key)->public_key, sizeof(struct vpr_hash))};

    viper__v1__query_requestor_response__init(&m);
    viper__v1__pair_info__init(&pair);
    keys[0].data[0] ^= w.no_key ? 1 : 0;
    pair.chain = pair.zone = 1;
    pair.share_ppm = 1000000;
    m.actor = actor_of(&w.requestor, "");
    m.eligible = true;
    m.usd = UINT64_C(50000000000);
    m.budget_uvipr = 1000000;
    m.num_servicers = w.num_servicers;
    m.n_pairs = 1;
    m.pairs = pairs;
    m.n_gateway_keys = 1;
    m.gateway_keys = keys;
    m.session = w.session;
    reply(req, &m.base);
}

static uint64_t query_number(struct vpr_bytes query, const char *name)
{
    const char *at = memmem(query.data, query.len, name, strlen(name));

    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static void say_chains(struct vpr_http_request *req)
{
    Viper__V1__QueryChainsResponse m;
    Viper__V1__ChainInfo info, *infos[] = {&info};
    Viper__V1__MethodCost cost, *costs[] = {&cost};

    ck_assert_uint_eq(query_number(req->query, "session="), w.session);
    viper__v1__query_chains_response__init(&m);
    viper__v1__chain_info__init(&info);
    viper__v1__method_cost__init(&cost);
    cost.method = (char *)(uintptr_t)"dear";
    cost.cu = 50;
    info.id = 1;
    info.name = (char *)(uintptr_t)"viper";
    info.active = true;
    info.n_methods = 1;
    info.methods = costs;
    m.n_chains = 1;
    m.chains = infos;
    reply(req, &m.base);
}

static void say_pool(struct vpr_http_request *req)
{
    const bool fish = memmem(req->query.data, req->query.len, "FISHERMAN", 9) != NULL;
    const struct vpr_pool_member *all = fish ? w.fishermen : w.pool;
    const size_t total = fish ? NODE_FISHERMEN : NODE_SERVICERS + w.extras;
    Viper__V1__QueryPoolResponse m;
    Viper__V1__PoolMember *rows[1000];
    Cosmos__Base__Query__V1beta1__PageResponse page;
    const char *key = memmem(req->query.data, req->query.len, "pagination.key=", 15);
    uint8_t raw[16];
    size_t first = 0, len = 0;

    ck_assert_uint_eq(query_number(req->query, "session="), w.session);
    ck_assert_uint_eq(query_number(req->query, "pagination.limit="), 1000);
    if (key != NULL) {
        const struct vpr_bytes text = vpr_bytes_of(
            key + 15, (size_t)((const char *)req->query.data + req->query.len - key - 15));
        ck_assert(vpr_unbase64(raw, &len, text));
        ck_assert_uint_eq(len, 8);
        first = (size_t)vpr_get_be64(raw);
    }
    viper__v1__query_pool_response__init(&m);
    cosmos__base__query__v1beta1__page_response__init(&page);
    for (size_t i = first; i < total && m.n_members < 1000; i++) {
        Viper__V1__PoolMember *row = VPR_ARENA_NEW(&w.arena, Viper__V1__PoolMember);
        viper__v1__pool_member__init(row);
        row->id = node_text_of(&all[i].id);
        row->owner = node_text_of(&all[i].owner);
        row->weight = all[i].weight;
        rows[m.n_members++] = row;
    }
    m.members = rows;
    if (first + m.n_members < total) {
        vpr_put_be64(raw, first + m.n_members);
        page.next_key = data_of(raw, 8);
    }
    m.pagination = &page;
    w.pages++;
    reply(req, &m.base);
}

static struct vpr_panel *panel_of(void)
{
    struct vpr_panel *panel = NULL;
    struct vpr_err err;
    const struct vpr_panel_facts facts = {
        .chain_id = vpr_bytes_str(NODE_CHAIN),
        .session = w.session,
        .first = node_first_of(w.session),
        .last = node_first_of(w.session) + 9,
        .seed = seed_of(w.session),
        .cu_per_usd = 1000000,
        .sample_share_ppm = 50000,
        .fishermen_per_session = 5,
        .requestor = w.requestor,
        .owner = w.owner,
        .usd = UINT64_C(50000000000),
        .budget_uvipr = 1000000,
        .num_servicers = w.num_servicers,
        .share_ppm = 1000000,
        .chain = 1,
        .zone = 1,
        .servicers = w.pool,
        .servicer_count = NODE_SERVICERS + w.extras,
        .fishermen = w.fishermen,
        .fisherman_count = NODE_FISHERMEN,
        .arena = &w.arena,
    };

    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    return panel;
}

static void say_bench(struct vpr_http_request *req)
{
    Viper__V1__QueryBenchResponse m;
    struct vpr_panel *panel = panel_of();
    Viper__V1__Seat *rows[64];

    viper__v1__query_bench_response__init(&m);
    m.sid = data_of(panel->sid.b, sizeof panel->sid.b);
    m.quota_cu = panel->quota_cu;
    m.n_servicers = panel->seat_count;
    m.n_fishermen = panel->watcher_count;
    for (uint32_t i = 0; i < panel->seat_count + panel->watcher_count; i++) {
        rows[i] = VPR_ARENA_NEW(&w.arena, Viper__V1__Seat);
        viper__v1__seat__init(rows[i]);
        rows[i]->id = node_text_of(i < panel->seat_count
                                  ? &panel->seats[i].id
                                  : &panel->watchers[i - panel->seat_count].id);
    }
    if (w.lie) {
        rows[0]->id = node_text_of(&w.owner);
    }
    m.servicers = rows;
    m.fishermen = rows + panel->seat_count;
    vpr_panel_release(panel);
    reply(req, &m.base);
}

struct servicer *node_servicer_of(struct vpr_bytes id)
{
    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        if (vpr_bytes_equal(id, vpr_bytes_str(node_text_of(&w.pool[i].id)))) {
            return &w.servicers[i];
        }
    }
    return &w.servicers[0];
}

static void say_actor(struct vpr_http_request *req, struct vpr_bytes id, bool fisherman)
{
    struct servicer *s = node_servicer_of(id);
    struct vpr_address address;
    char *url = vpr_arena_text(&w.arena, "http://127.0.0.1:%u/", vpr_http_server_port(s->server));

    ck_assert(vpr_address_parse(&address, VPR_PREFIX_ACCOUNT, id));
    if (fisherman) {
        Viper__V1__QueryFishermanResponse m;
        viper__v1__query_fisherman_response__init(&m);
        m.actor = actor_of(&address, "");
        reply(req, &m.base);
        return;
    }
    Viper__V1__QueryServicerResponse m;
    Viper__V1__ScoreInfo score, *scores[] = {&score};
    viper__v1__query_servicer_response__init(&m);
    viper__v1__score_info__init(&score);
    score.chain = score.zone = 1;
    score.score_ppm = 700000;
    m.actor = actor_of(&address, url);
    m.eligible = true;
    m.relay_key = data_of(s->relay.key.b, sizeof s->relay.key.b);
    m.n_scores = 1;
    m.scores = scores;
    reply(req, &m.base);
}

static bool under(struct vpr_bytes path, const char *prefix, struct vpr_bytes *ret_rest)
{
    const struct vpr_bytes start = vpr_bytes_str(prefix);

    *ret_rest = vpr_bytes_starts(path, start)
                    ? vpr_bytes_of(path.data + start.len, path.len - start.len)
                    : (struct vpr_bytes){NULL, 0};
    return ret_rest->len > 0;
}

void node_on_query(void *arg, struct vpr_http_request *req)
{
    const size_t mark = vpr_arena_mark(&w.arena);
    struct vpr_bytes rest;

    (void)arg;
    w.asked++;
    if (w.failing && !vpr_bytes_equal(req->path, vpr_bytes_str("/viper/v1/chain"))) {
        vpr_http_reply_text(req, 503, "application/json", "{\"code\":14,\"message\":\"no\"}");
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/viper/v1/chain"))) {
        say_chain(req);
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/viper/v1/chains"))) {
        say_chains(req);
    } else if (under(req->path, "/viper/v1/requestors/", &rest)) {
        say_requestor(req);
    } else if (under(req->path, "/viper/v1/pool/1/1", &rest) ||
               vpr_bytes_equal(req->path, vpr_bytes_str("/viper/v1/pool/1/1"))) {
        say_pool(req);
    } else if (under(req->path, "/viper/v1/servicers/", &rest)) {
        say_actor(req, rest, false);
    } else if (under(req->path, "/viper/v1/fishermen/", &rest)) {
        say_actor(req, rest, true);
    } else if (under(req->path, "/viper/v1/sessions/", &rest) && rest.len > 64) {
        say_bench(req);
    } else {
        vpr_http_reply_text(req, 404, "application/json", "{\"code\":5,\"message\":\"no\"}");
    }
    vpr_arena_release(&w.arena, mark);
}
