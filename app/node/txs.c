/* txs.c - cosmos.tx.v1beta1.Service: simulate (owner thread), broadcast, look-up and search
 * (CometBFT's RPC).  The answers of CometBFT are read without trust in their shape. */
#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/base/pbcheck.h"
#include "app/host/json_scan.h"
#include "app/node/answer.h"
#include "app/node/rest_inside.h"
#include "cosmos/crypto/ed25519/keys.pb-c.h"
#include "cosmos/crypto/secp256k1/keys.pb-c.h"
#include "cosmos/gov/v1beta1/query.pb-c.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define COMET_MS 10000
#define COMET_BODY_BYTES_MAX (32u * 1024 * 1024)
#define SERVICE "/cosmos.tx.v1beta1.Service/"
#define ERROR_TEXT_MAX 1024

typedef Cosmos__Base__Abci__V1beta1__TxResponse tx_response;
typedef Cosmos__Base__Abci__V1beta1__Event tx_event;
typedef Cosmos__Base__Abci__V1beta1__Attribute tx_attribute;

/* ---- types inside Any ---- */

static const struct {
    const char *type_url;
    const ProtobufCMessageDescriptor *descriptor;
} others[] = {
    {"/cosmos.crypto.secp256k1.PubKey", &cosmos__crypto__secp256k1__pub_key__descriptor},
    {"/cosmos.crypto.ed25519.PubKey", &cosmos__crypto__ed25519__pub_key__descriptor},
    {"/viper.v1.MsgSystem", &viper__v1__msg_system__descriptor},
    {"/viper.v1.ProposalContent", &viper__v1__proposal_content__descriptor},
    {"/cosmos.gov.v1beta1.TextProposal", &cosmos__gov__v1beta1__text_proposal__descriptor},
};

const ProtobufCMessageDescriptor *rest_resolve(void *arg, const char *type_url)
{
    (void)arg;
    for (size_t i = 0; i < vpr_domain_tables.count; i++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[i];
        for (size_t k = 0; k < domain->handler_count; k++) {
            if (strcmp(domain->handlers[k].type_url, type_url) == 0) {
                return domain->handlers[k].descriptor;
            }
        }
    }
    for (size_t i = 0; i < VPR_COUNT(others); i++) {
        if (strcmp(others[i].type_url, type_url) == 0) {
            return others[i].descriptor;
        }
    }
    return NULL;
}

/* ---- what CometBFT answers ---- */

/* Text of a string or number span; "" if it is not there. */
static char *text_at(struct vpr_arena *arena, struct vpr_bytes json, const char *pointer)
{
    struct vpr_bytes value;
    size_t len;

    if (!vpr_json_at(&value, json, pointer)) {
        return (char *)vpr_arena_alloc(arena, 1);
    }
    char *text = (char *)vpr_arena_alloc(arena, value.len + 1);
    if (vpr_json_type(value) == VPR_JSON_STRING) {
        return vpr_json_text(text, value.len + 1, &len, value) ? text
                                                               : (char *)vpr_arena_alloc(arena, 1);
    }
    memcpy(text, value.data, value.len);
    return text;
}

static uint64_t number_at(struct vpr_bytes json, const char *pointer)
{
    struct vpr_bytes value;
    uint64_t v;
    return vpr_json_at(&value, json, pointer) && vpr_json_u64(&v, value) ? v : 0;
}

/* CometBFT's "data" of an error says what happened, its "message" only that something did. */
static bool comet_error(struct vpr_arena *arena, struct vpr_bytes json, char text[ERROR_TEXT_MAX])
{
    struct vpr_bytes error;
    if (!vpr_json_at(&error, json, "/error") || vpr_json_type(error) != VPR_JSON_OBJECT) {
        return false;
    }
    const char *data = text_at(arena, error, "/data");
    (void)snprintf(text, ERROR_TEXT_MAX, "%s", *data ? data : text_at(arena, error, "/message"));
    return true;
}

static void unavailable(struct rest_later *later, const char *why)
{
    char text[ERROR_TEXT_MAX];
    meters_comet_failure(later->rest->meters);
    (void)snprintf(text, sizeof text, "CometBFT at %s does not answer: %s",
                   later->rest->options.comet_rpc, why);
    rest_error(later->rest, &later->to, later->route, REPLY_UNAVAILABLE, text);
    rest_later_end(later);
}

/* False: answered already. */
static bool comet_json(struct rest_later *later, const struct vpr_http_result *result)
{
    if (result->failure != VPR_HTTP_FAILURE_NONE) {
        unavailable(later, result->why);
        return false;
    }
    if (!vpr_json_check(result->body, NULL)) {
        unavailable(later, "no JSON");
        return false;
    }
    return true;
}

static bool ask_comet(struct rest_later *later, const char *path, struct vpr_bytes post,
                      vpr_http_done_fn *done)
{
    const struct vpr_http_header json[] = {VPR_HTTP_TEXT("Content-Type", "application/json")};
    const struct vpr_http_call call = {
        .method = post.len ? "POST" : "GET",
        .url = vpr_bytes_str(later->rest->options.comet_rpc),
        .path = vpr_bytes_str(path),
        .headers = json,
        .header_count = post.len ? 1 : 0,
        .body = post,
        .retry = post.len ? VPR_HTTP_RETRY_STALE : VPR_HTTP_RETRY_IDEMPOTENT,
        .total_ms = COMET_MS,
        .body_max = COMET_BODY_BYTES_MAX,
    };
    return vpr_http_client_start(later->rest->client, &call, done, later) != NULL;
}

/* ---- broadcast ---- */

static void reply_tx(struct rest_later *later, tx_response *response)
{
    Cosmos__Tx__V1beta1__BroadcastTxResponse answer =
        COSMOS__TX__V1BETA1__BROADCAST_TX_RESPONSE__INIT;
    answer.tx_response = response;
    rest_message(later->rest, &later->to, later->route, &answer.base);
    rest_later_end(later);
}

static void on_broadcast(void *arg, const struct vpr_http_result *result)
{
    struct rest_later *later = (struct rest_later *)arg;
    struct vpr_arena *arena = &later->rest->arena;
    tx_response response = COSMOS__BASE__ABCI__V1BETA1__TX_RESPONSE__INIT;
    char text[ERROR_TEXT_MAX];

    vpr_arena_release(arena, 0);
    if (!comet_json(later, result)) {
        return;
    }
    response.txhash = later->hash;
    if (comet_error(arena, result->body, text)) {
        /* Sent before and not forgotten yet: as good as sent now. */
        if (strstr(text, "already exists in cache")) {
            reply_tx(later, &response);
            return;
        }
        rest_error(later->rest, &later->to, later->route,
                   strstr(text, "mempool is full") ? REPLY_EXHAUSTED
                   : strstr(text, "too large")     ? REPLY_INVALID
                                                   : REPLY_UNAVAILABLE, text);
        rest_later_end(later);
        return;
    }
    response.code = (uint32_t)number_at(result->body, "/result/code");
    response.codespace = text_at(arena, result->body, "/result/codespace");
    response.raw_log = text_at(arena, result->body, "/result/log");
    reply_tx(later, &response);
}

static void upper_hex(char text[65], const struct vpr_hash *hash)
{
    vpr_hex(text, hash->b, sizeof hash->b);
    for (char *c = text; *c; c++) {
        *c = *c >= 'a' ? (char)(*c - 32) : *c;
    }
}

static const ProtobufCMessage *read_body(struct rest *rest, const struct reply_to *to,
                                         size_t route,
                                         const ProtobufCMessageDescriptor *descriptor)
{
    const struct vpr_pbjson_options options = {.resolve = rest_resolve};
    ProtobufCMessage *message;
    struct vpr_err err;

    if (vpr_pbjson_parse(&message, &rest->arena, descriptor, to->req->body, &options, &err) !=
        VPR_OK) {
        rest_error(rest, to, route, REPLY_INVALID, err.text);
        return NULL;
    }
    return message;
}

static void broadcast(struct rest *rest, const struct reply_to *to, size_t route)
{
    const Cosmos__Tx__V1beta1__BroadcastTxRequest *request =
        (const Cosmos__Tx__V1beta1__BroadcastTxRequest *)(const void *)read_body(
            rest, to, route, &cosmos__tx__v1beta1__broadcast_tx_request__descriptor);
    if (!request) {
        return;
    }
    struct vpr_bytes tx = vpr_bytes_of(request->tx_bytes.data, request->tx_bytes.len);
    if (tx.len == 0) {
        rest_error(rest, to, route, REPLY_INVALID, "tx_bytes is empty");
        return;
    }
    if (request->mode == COSMOS__TX__V1BETA1__BROADCAST_MODE__BROADCAST_MODE_BLOCK) {
        rest_error(rest, to, route, REPLY_INVALID, "BROADCAST_MODE_BLOCK is no more: send with "
                   "BROADCAST_MODE_SYNC, then GET /cosmos/tx/v1beta1/txs/{hash}");
        return;
    }
    if ((unsigned)request->mode > COSMOS__TX__V1BETA1__BROADCAST_MODE__BROADCAST_MODE_ASYNC) {
        rest_error(rest, to, route, REPLY_INVALID, "mode is neither BROADCAST_MODE_SYNC nor "
                   "BROADCAST_MODE_ASYNC");
        return;
    }
    struct rest_later *later = rest_later_begin(rest, to, route);
    struct vpr_hash hash = vpr_sha256(tx.data, tx.len);
    struct vpr_buf post;

    upper_hex(later->hash, &hash);
    char *base64 = (char *)vpr_arena_alloc(&rest->arena, VPR_BASE64_MAX(tx.len));
    vpr_base64(base64, tx);
    vpr_buf_init(&post, 2 * REST_BODY_BYTES_MAX);
    vpr_buf_printf(&post, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_%s\","
                   "\"params\":{\"tx\":\"%s\"}}",
                   request->mode == COSMOS__TX__V1BETA1__BROADCAST_MODE__BROADCAST_MODE_ASYNC
                       ? "async" : "sync", base64);
    if (!ask_comet(later, "", vpr_buf_bytes(&post), on_broadcast)) {
        unavailable(later, "too many questions are under way");
    }
    vpr_buf_finish(&post);
}

/* ---- look-up ---- */

static ProtobufCMessage *unpack(struct vpr_arena *arena,
                                const ProtobufCMessageDescriptor *descriptor,
                                struct vpr_bytes wire)
{
    struct vpr_pb_fault fault;
    return vpr_pb_check(descriptor, wire, VPR_PB_LENIENT, VPR_TX_FIELDS_MAX, &fault)
               ? vpr_arena_unpack(arena, descriptor, wire)
               : NULL;
}

/* NULL: not a transaction of ours; it may be in a block all the same, with its refusal. */
static Cosmos__Tx__V1beta1__Tx *decode(struct vpr_arena *arena, struct vpr_bytes wire)
{
    Cosmos__Tx__V1beta1__TxRaw *raw = (Cosmos__Tx__V1beta1__TxRaw *)(void *)unpack(
        arena, &cosmos__tx__v1beta1__tx_raw__descriptor, wire);
    Cosmos__Tx__V1beta1__Tx *tx = VPR_ARENA_NEW(arena, Cosmos__Tx__V1beta1__Tx);

    cosmos__tx__v1beta1__tx__init(tx);
    if (!raw) {
        return NULL;
    }
    tx->body = (Cosmos__Tx__V1beta1__TxBody *)(void *)unpack(
        arena, &cosmos__tx__v1beta1__tx_body__descriptor,
        vpr_bytes_of(raw->body_bytes.data, raw->body_bytes.len));
    tx->auth_info = (Cosmos__Tx__V1beta1__AuthInfo *)(void *)unpack(
        arena, &cosmos__tx__v1beta1__auth_info__descriptor,
        vpr_bytes_of(raw->auth_info_bytes.data, raw->auth_info_bytes.len));
    tx->n_signatures = raw->n_signatures;
    tx->signatures = raw->signatures;
    return tx;
}

static size_t length_of(struct vpr_bytes list)
{
    struct vpr_bytes key, value;
    size_t n = 0;
    for (size_t at = 0; vpr_json_next(list, &at, &key, &value);) {
        n++;
    }
    return n;
}

static bool list_at(struct vpr_bytes *ret, struct vpr_bytes json, const char *pointer)
{
    return vpr_json_at(ret, json, pointer) && vpr_json_type(*ret) == VPR_JSON_ARRAY;
}

static tx_event *read_event(struct vpr_arena *arena, struct vpr_bytes json)
{
    tx_event *event = VPR_ARENA_NEW(arena, tx_event);
    struct vpr_bytes list, key, one;

    cosmos__base__abci__v1beta1__event__init(event);
    event->type = text_at(arena, json, "/type");
    if (!list_at(&list, json, "/attributes")) {
        return event;
    }
    event->attributes = VPR_ARENA_ARRAY(arena, tx_attribute *, length_of(list) + 1);
    for (size_t at = 0; vpr_json_next(list, &at, &key, &one);) {
        tx_attribute *attribute = VPR_ARENA_NEW(arena, tx_attribute);
        cosmos__base__abci__v1beta1__attribute__init(attribute);
        attribute->key = text_at(arena, one, "/key");
        attribute->value = text_at(arena, one, "/value");
        attribute->index = true;
        event->attributes[event->n_attributes++] = attribute;
    }
    return event;
}

static void read_events(struct vpr_arena *arena, struct vpr_bytes found, tx_response *ret)
{
    struct vpr_bytes list, key, one;
    if (!list_at(&list, found, "/tx_result/events")) {
        return;
    }
    ret->events = VPR_ARENA_ARRAY(arena, tx_event *, length_of(list) + 1);
    for (size_t at = 0; vpr_json_next(list, &at, &key, &one);) {
        ret->events[ret->n_events++] = read_event(arena, one);
    }
}

static struct vpr_bytes bytes_at(struct vpr_arena *arena, struct vpr_bytes json,
                                 const char *pointer)
{
    const char *base64 = text_at(arena, json, pointer);
    size_t len = strlen(base64), n = 0;
    uint8_t *out = (uint8_t *)vpr_arena_alloc(arena, len / 4 * 3 + 4);
    return vpr_unbase64(out, &n, vpr_bytes_str(base64)) ? vpr_bytes_of(out, n)
                                                        : vpr_bytes_of(NULL, 0);
}

/* One transaction as CometBFT tells it: hash, height, tx_result, tx. */
static tx_response *read_found(struct vpr_arena *arena, struct vpr_bytes found)
{
    tx_response *response = VPR_ARENA_NEW(arena, tx_response);
    struct vpr_bytes data = bytes_at(arena, found, "/tx_result/data");

    cosmos__base__abci__v1beta1__tx_response__init(response);
    response->data = (char *)vpr_arena_alloc(arena, 2 * data.len + 1);
    vpr_hex(response->data, data.data, data.len);
    response->height = (int64_t)number_at(found, "/height");
    response->txhash = text_at(arena, found, "/hash");
    response->code = (uint32_t)number_at(found, "/tx_result/code");
    response->codespace = text_at(arena, found, "/tx_result/codespace");
    response->raw_log = text_at(arena, found, "/tx_result/log");
    response->info = text_at(arena, found, "/tx_result/info");
    response->gas_wanted = (int64_t)number_at(found, "/tx_result/gas_wanted");
    response->gas_used = (int64_t)number_at(found, "/tx_result/gas_used");
    read_events(arena, found, response);
    return response;
}

/* False: answered already; else the answer's "result". */
static bool comet_result(struct rest_later *later, const struct vpr_http_result *result,
                         const char *absent, enum reply_code absent_code,
                         struct vpr_bytes *ret_result)
{
    char text[ERROR_TEXT_MAX];

    vpr_arena_release(&later->rest->arena, 0);
    if (!comet_json(later, result)) {
        return false;
    }
    if (comet_error(&later->rest->arena, result->body, text)) {
        rest_error(later->rest, &later->to, later->route,
                   strstr(text, absent) != NULL ? absent_code : REPLY_UNAVAILABLE, text);
        rest_later_end(later);
        return false;
    }
    if (!vpr_json_at(ret_result, result->body, "/result")) {
        unavailable(later, "no result");
        return false;
    }
    return true;
}

static void on_found(void *arg, const struct vpr_http_result *result)
{
    struct rest_later *later = (struct rest_later *)arg;
    struct vpr_arena *arena = &later->rest->arena;
    Cosmos__Tx__V1beta1__GetTxResponse answer = COSMOS__TX__V1BETA1__GET_TX_RESPONSE__INIT;
    struct vpr_bytes found;

    if (!comet_result(later, result, "not found", REPLY_NOT_FOUND, &found)) {
        return;
    }
    answer.tx = decode(arena, bytes_at(arena, found, "/tx"));
    answer.tx_response = read_found(arena, found);
    rest_message(later->rest, &later->to, later->route, &answer.base);
    rest_later_end(later);
}

static void look_up(struct rest *rest, const struct reply_to *to, size_t route, const char *hash)
{
    struct vpr_hash digest;
    const char *digits = strncmp(hash, "0x", 2) == 0 ? hash + 2 : hash;
    char path[96];

    if (!vpr_unhex(digest.b, sizeof digest.b, vpr_bytes_str(digits))) {
        rest_error(rest, to, route, REPLY_INVALID, "hash: not 64 hex digits");
        return;
    }
    struct rest_later *later = rest_later_begin(rest, to, route);
    upper_hex(later->hash, &digest);
    (void)snprintf(path, sizeof path, "/tx?hash=0x%s", later->hash);
    if (!ask_comet(later, path, vpr_bytes_of(NULL, 0), on_found)) {
        unavailable(later, "too many questions are under way");
    }
}

/* ---- search ---- */

#define SEARCH_LIMIT_MAX 100
#define SEARCH_QUERY_BYTES_MAX 4096

static void on_search(void *arg, const struct vpr_http_result *result)
{
    struct rest_later *later = (struct rest_later *)arg;
    struct vpr_arena *arena = &later->rest->arena;
    Cosmos__Tx__V1beta1__GetTxsEventResponse answer =
        COSMOS__TX__V1BETA1__GET_TXS_EVENT_RESPONSE__INIT;
    Cosmos__Base__Query__V1beta1__PageResponse page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_RESPONSE__INIT;
    struct vpr_bytes search, list, key, one;

    /* A query or a page that cannot be. */
    if (!comet_result(later, result, "", REPLY_INVALID, &search)) {
        return;
    }
    answer.total = page.total = number_at(search, "/total_count");
    answer.pagination = &page;
    if (list_at(&list, search, "/txs")) {
        size_t room = length_of(list) + 1;
        answer.txs = VPR_ARENA_ARRAY(arena, Cosmos__Tx__V1beta1__Tx *, room);
        answer.tx_responses = VPR_ARENA_ARRAY(arena, tx_response *, room);
        for (size_t at = 0; vpr_json_next(list, &at, &key, &one);) {
            Cosmos__Tx__V1beta1__Tx *tx = decode(arena, bytes_at(arena, one, "/tx"));
            if (!tx) { /* no transaction of ours: its place in the list says so */
                tx = VPR_ARENA_NEW(arena, Cosmos__Tx__V1beta1__Tx);
                cosmos__tx__v1beta1__tx__init(tx);
            }
            answer.txs[answer.n_txs++] = tx;
            answer.tx_responses[answer.n_tx_responses++] = read_found(arena, one);
        }
    }
    rest_message(later->rest, &later->to, later->route, &answer.base);
    rest_later_end(later);
}

/* Its query, or the events of older clients joined; "" if there is neither. */
static const char *search_query(struct vpr_arena *arena,
                                const Cosmos__Tx__V1beta1__GetTxsEventRequest *request)
{
    const char *query = request->query;
    for (size_t i = 0; request->query[0] == '\0' && i < request->n_events; i++) {
        query = vpr_arena_text(arena, "%s%s%s", query, i ? " AND " : "", request->events[i]);
    }
    return query;
}

static void search(struct rest *rest, const struct reply_to *to,
                   const struct route_match *match)
{
    size_t route = (size_t)(match->row - route_rows);
    Cosmos__Tx__V1beta1__GetTxsEventRequest *request =
        (Cosmos__Tx__V1beta1__GetTxsEventRequest *)(void *)vpr_pbjson_new(
            &rest->arena, &cosmos__tx__v1beta1__get_txs_event_request__descriptor);
    struct vpr_err err;

    if (rest_fill(rest, to->req, match, &request->base, &err) != VPR_OK) {
        rest_error(rest, to, route, REPLY_INVALID, err.text);
        return;
    }
    const char *query = search_query(&rest->arena, request);
    if (query[0] == '\0' || strlen(query) > SEARCH_QUERY_BYTES_MAX ||
        request->limit > SEARCH_LIMIT_MAX) {
        rest_error(rest, to, route, REPLY_INVALID,
                   "query is CometBFT's, such as verify.session=5, and limit 100 at most");
        return;
    }
    const bool down = request->order_by == COSMOS__TX__V1BETA1__ORDER_BY__ORDER_BY_DESC;
    struct rest_later *later = rest_later_begin(rest, to, route);
    struct vpr_buf post;
    vpr_buf_init(&post, 8 * SEARCH_QUERY_BYTES_MAX);
    vpr_buf_str(&post, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tx_search\",\"params\":"
                "{\"query\":");
    vpr_buf_json(&post, vpr_bytes_str(query));
    vpr_buf_printf(&post, ",\"page\":\"%" PRIu64 "\",\"per_page\":\"%" PRIu64
                   "\",\"order_by\":\"%s\"}}", request->page ? request->page : 1,
                   request->limit ? request->limit : SEARCH_LIMIT_MAX, down ? "desc" : "asc");
    if (!ask_comet(later, "", vpr_buf_bytes(&post), on_search)) {
        unavailable(later, "too many questions are under way");
    }
    vpr_buf_finish(&post);
}

/* ---- simulation ---- */

static void simulated(void *arg)
{
    struct rest_later *later = (struct rest_later *)arg;
    Cosmos__Tx__V1beta1__SimulateResponse answer = COSMOS__TX__V1BETA1__SIMULATE_RESPONSE__INIT;
    Cosmos__Base__Abci__V1beta1__GasInfo gas = COSMOS__BASE__ABCI__V1BETA1__GAS_INFO__INIT;
    Cosmos__Base__Abci__V1beta1__Result none = COSMOS__BASE__ABCI__V1BETA1__RESULT__INIT;

    if (later->err.code != VPR_OK) {
        rest_refusal(later->rest, &later->to, later->route, &later->err);
    } else {
        vpr_arena_release(&later->rest->arena, 0);
        gas.gas_wanted = later->gas_wanted;
        gas.gas_used = later->gas_used;
        answer.gas_info = &gas;
        answer.result = &none;
        rest_message(later->rest, &later->to, later->route, &answer.base);
    }
    rest_later_end(later);
}

/* On the owner thread. */
static void on_simulated(void *arg, const struct vpr_tx_result *result)
{
    struct rest_later *later = (struct rest_later *)arg;
    later->gas_wanted = result->gas_wanted;
    later->gas_used = result->gas_used;
    later->err.code = result->code;
    memcpy(later->err.text, result->log, sizeof later->err.text);
    /* At most as many as the server's requests; room in the queue is far above. */
    if (!vpr_loop_post(later->rest->loop, simulated, later)) {
        VPR_HALT("the REST loop's queue is full");
    }
}

static void simulate(struct rest *rest, const struct reply_to *to, size_t route)
{
    const ProtobufCMessage *request =
        read_body(rest, to, route, &cosmos__tx__v1beta1__simulate_request__descriptor);
    struct vpr_bytes tx;
    struct vpr_err err;

    if (!request) {
        return;
    }
    if (to->height == 0) {
        rest_error(rest, to, route, REPLY_UNAVAILABLE, "the chain has no block yet");
        return;
    }
    if (vpr_answer_simulate_tx(&rest->arena, vpr_arena_pack(&rest->arena, request), &tx,
                               &err) != VPR_OK) {
        rest_refusal(rest, to, route, &err);
        return;
    }
    bridge_simulate(rest->bridge, tx, on_simulated, rest_later_begin(rest, to, route));
}

bool rest_tx(struct rest *rest, const struct reply_to *to, const struct route_match *match)
{
    size_t route = (size_t)(match->row - route_rows);
    const char *method = match->row->method;

    if (strcmp(method, SERVICE "Simulate") == 0) {
        simulate(rest, to, route);
    } else if (strcmp(method, SERVICE "BroadcastTx") == 0) {
        broadcast(rest, to, route);
    } else if (strcmp(method, SERVICE "GetTx") == 0) {
        look_up(rest, to, route, match->fields[0].value);
    } else if (strcmp(method, SERVICE "GetTxsEvent") == 0) {
        search(rest, to, match);
    } else {
        return false;
    }
    return true;
}
