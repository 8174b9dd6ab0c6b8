#include "tests/unit/fisherman/pond.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/json_scan.h"
#include "app/rules/draw.h"
#include "app/rules/ids.h"
#include "app/tx/wire.h"
#include "relay/wire.h"
#include "viper/v1/tx.pb-c.h"

#define CORPUS SOURCE_ROOT "/deploy/corpus/0001.jsonl"
#define BACKEND_MS 200 /* a block of the sampled chain */
#define BEHIND 20

uint64_t pond_first(uint64_t session)
{
    return 1 + session * POND_BLOCKS;
}

uint64_t pond_session(const struct pond *pond)
{
    return (pond->height - 1) / POND_BLOCKS;
}

static void blame(struct pond *pond, const char *fault)
{
    if (pond->fault[0] == '\0') {
        snprintf(pond->fault, sizeof pond->fault, "height %" PRIu64 ": %s", pond->height, fault);
    }
}

static struct vpr_hash seed_of(uint64_t session)
{
    return vpr_tagged("pond-seed", &session, sizeof session);
}

static struct vpr_hash challenge_of(uint64_t session)
{
    return vpr_tagged("pond-challenge", &session, sizeof session);
}

/* ---- transactions ---- */

static const char *apply_report(struct pond *pond, const Viper__V1__MsgReportCard *m)
{
    if (m->session + 1 != pond_session(pond)) {
        return "report card outside its window";
    }
    if (m->n_entries == 0) {
        return NULL;
    }
    if (m->n_entries != 1 || m->entries[0]->chain != 1 || m->entries[0]->zone != 1 ||
        m->entries[0]->seal.len != 32) {
        return "report card of another sid";
    }
    struct pond_card *card = &pond->cards[m->session];
    card->sealed = true;
    memcpy(card->seal.b, m->entries[0]->seal.data, 32);
    card->reports++;
    return NULL;
}

static const char *check_opened(struct pond *pond, uint64_t session,
                                const Viper__V1__RevealedCard *c, uint64_t i, uint64_t sent,
                                uint64_t answered)
{
    const struct bench *bench = &pond->benches[session];
    const struct pond_card *card = &pond->cards[session];
    const Viper__V1__OpenedSample *o = c->opened[i];
    const struct vpr_hash challenge = challenge_of(session);
    const uint64_t at =
        vpr_card_position(&challenge, &bench->terms.sid, &pond->fisherman, i, sent);
    struct vpr_sumbranch branch = {.index = o->index, .depth = (uint32_t)o->n_siblings};
    struct vpr_sample sample;
    struct vpr_token token;
    struct vpr_sumnode root;
    uint64_t before;

    if (o->position != i || o->index != at ||
        !vpr_sample_decode(&sample, vpr_bytes_of(o->sample.data, o->sample.len))) {
        return "opened sample at the wrong place";
    }
    const uint32_t line = vpr_card_line_at(&card->card, at);
    if (!vpr_hash_equal(&sample.request.part.sid, &bench->terms.sid) ||
        !vpr_address_equal(&sample.request.part.servicer, &bench->terms.seats[line].servicer) ||
        !vpr_sample_verify(&sample, &bench->terms.seats[line].relay_key)) {
        return "opened sample does not verify";
    }
    if (!vpr_token_decode(&token, vpr_bytes_of(o->token->token.data, o->token->token.len)) ||
        o->token->gateway_key != 1 ||
        !vpr_hash_equal(&token.client_key, &sample.request.part.client_key) ||
        !vpr_token_verify(&token, &bench->terms.keys[1])) {
        return "opened sample's token does not verify";
    }
    for (uint32_t d = 0; d < branch.depth; d++) {
        memcpy(branch.siblings[d].hash.b, o->siblings[d]->hash.data, 32);
        branch.siblings[d].sum = o->siblings[d]->sum;
    }
    const struct vpr_sumnode node = vpr_sample_node(&sample);
    if (!vpr_sumtree_climb(&root, &before, &node, sent, &branch) || root.sum != answered ||
        !vpr_hash_equal(&root.hash, &card->card.root)) {
        return "opened sample's branch leads elsewhere";
    }
    return NULL;
}

static const char *apply_reveal(struct pond *pond, const Viper__V1__MsgReveal *m)
{
    const uint64_t session = pond_session(pond);
    struct vpr_hash salt;
    uint64_t sent, answered;

    if (m->session + 2 != session || pond->height < pond_first(session) + POND_DELAY ||
        m->n_cards != 1) {
        return "reveal outside its window";
    }
    struct pond_card *card = &pond->cards[m->session];
    const Viper__V1__RevealedCard *c = m->cards[0];
    if (pond->uncommitted || !card->sealed || card->revealed || c->n_lines != SEATS) {
        return "reveal of what is not to be revealed";
    }
    card->card.count = SEATS;
    for (uint32_t i = 0; i < SEATS; i++) {
        struct vpr_card_line *line = &card->card.lines[i];
        if (!vpr_address_parse(&line->servicer, VPR_PREFIX_ACCOUNT,
                               vpr_bytes_str(c->lines[i]->servicer))) {
            return "line of nobody";
        }
        line->sent = c->lines[i]->sent;
        line->refused = c->lines[i]->refused;
        line->answered = c->lines[i]->answered;
        line->checked = c->lines[i]->checked;
        line->correct = c->lines[i]->correct;
        line->p90_ms = c->lines[i]->p90_ms;
    }
    memcpy(card->card.root.b, c->samples_root.data, 32);
    memcpy(salt.b, c->salt.data, 32);
    const struct vpr_hash seal = vpr_card_seal(
        &card->card, &salt, &pond->benches[m->session].terms.sid, &pond->fisherman);
    if (!vpr_hash_equal(&seal, &card->seal) || !vpr_card_ok(&card->card, &sent, &answered)) {
        return "card is not what was sealed";
    }
    if (c->n_opened != POND_OPENED) {
        return "wrong number of opened samples";
    }
    for (uint64_t i = 0; i < POND_OPENED; i++) {
        const char *why = check_opened(pond, m->session, c, i, sent, answered);
        if (why != NULL) {
            return why;
        }
    }
    card->revealed = true;
    return NULL;
}

static const char *execute(struct pond *pond, struct vpr_bytes raw)
{
    struct vpr_arena arena;
    struct vpr_wire_tx tx;
    struct vpr_err err;
    const char *why = "not one message";

    vpr_arena_init(&arena, 16 * 1024 * 1024);
    if (vpr_wire_decode(&tx, &arena, raw, false, &err) == VPR_OK && tx.message_count == 1) {
        const struct vpr_wire_message *m = &tx.messages[0];
        if (strcmp(m->type_url, "/viper.v1.MsgReportCard") == 0) {
            why = apply_report(pond, (const Viper__V1__MsgReportCard *)vpr_arena_unpack(
                                         &arena, &viper__v1__msg_report_card__descriptor,
                                         m->value));
        } else if (strcmp(m->type_url, "/viper.v1.MsgReveal") == 0) {
            why = apply_reveal(pond,
                               (const Viper__V1__MsgReveal *)vpr_arena_unpack(
                                   &arena, &viper__v1__msg_reveal__descriptor, m->value));
        }
    }
    vpr_arena_finish(&arena);
    return why;
}

static void block(void *arg)
{
    struct pond *pond = arg;

    pond->height++;
    for (size_t i = 0; i < pond->tx_count; i++) {
        struct pond_tx *tx = &pond->txs[i];
        if (tx->height == 0) {
            const char *why = execute(pond, vpr_bytes_of(tx->raw, tx->len));
            tx->height = pond->height;
            tx->code = why == NULL ? 0 : 51;
            snprintf(tx->log, sizeof tx->log, "%s", why == NULL ? "" : why);
            if (why != NULL) {
                blame(pond, why);
            }
        }
    }
}

/* ---- REST ---- */

static const char *b64(const void *data, size_t len)
{
    static char texts[16][128];
    static size_t next;
    char *text = texts[next++ % VPR_COUNT(texts)];

    ck_assert_uint_le(VPR_BASE64_MAX(len), sizeof texts[0]);
    vpr_base64(text, vpr_bytes_of(data, len));
    return text;
}

static const char *bech(const struct vpr_address *address)
{
    static char texts[16][VPR_ADDRESS_TEXT_MAX];
    static size_t next;
    char *text = texts[next++ % VPR_COUNT(texts)];

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, address);
    return text;
}

static void params(struct vpr_buf *out)
{
    vpr_buf_printf(out,
                   "\"params\":{\"session_blocks\":\"%d\",\"challenge_delay\":\"%d\","
                   "\"grace_blocks\":\"2\",\"card_samples\":\"%d\",\"sample_share\":\"50000\","
                   "\"min_samples\":\"5\",\"split_fishermen\":\"100000\","
                   "\"card_tolerance\":\"250000\",\"weight_latency\":\"300000\","
                   "\"fishermen_per_session\":\"3\",\"min_gas_price\":\"25\"}",
                   POND_BLOCKS, POND_DELAY, POND_OPENED);
}

static void write_session(const struct pond *pond, struct vpr_buf *out, uint64_t session)
{
    const struct vpr_hash seed = seed_of(session), challenge = challenge_of(session);
    const bool drawn_yet = pond_first(session + 2) + POND_DELAY - 1 <= pond->height;

    vpr_buf_printf(out,
                   "{\"session\":{\"number\":\"%" PRIu64 "\",\"first\":\"%" PRIu64
                   "\",\"last\":\"%" PRIu64 "\",\"seed\":\"%s\"",
                   session, pond_first(session), pond_first(session + 1) - 1, b64(seed.b, 32));
    if (drawn_yet) {
        vpr_buf_printf(out, ",\"challenge\":\"%s\"", b64(challenge.b, 32));
    }
    vpr_buf_str(out, "}}");
}

static void write_chain(struct pond *pond, struct vpr_buf *out)
{
    const uint64_t s = pond_session(pond);
    const struct vpr_hash seed = seed_of(s);

    vpr_buf_printf(out,
                   "{\"chain_id\":\"pond-1\",\"height\":\"%" PRIu64 "\",\"time_s\":\"%" PRIu64
                   "\",\"session\":\"%" PRIu64 "\",\"first\":\"%" PRIu64 "\",\"last\":\"%" PRIu64
                   "\",\"seed\":\"%s\",\"oldest_unsettled\":\"%" PRIu64 "\",",
                   pond->height,
                   (pond->epoch_s == 0 ? 1700000000 : pond->epoch_s) + pond->height, s,
                   pond_first(s),
                   pond_first(s + 1) - 1, b64(seed.b, 32), s >= 3 ? s - 2 : 0);
    params(out);
    vpr_buf_char(out, '}');
}

static void write_bench(struct pond *pond, struct vpr_buf *out, uint64_t s)
{
    const struct vpr_book_terms *terms = &pond->benches[s].terms;

    vpr_buf_printf(out,
                   "{\"sid\":\"%s\",\"requestor\":\"%s\",\"chain\":1,\"zone\":1,"
                   "\"allowance_cu\":\"500000\",\"budget_uvipr\":\"1000000000\","
                   "\"quota_cu\":\"%" PRIu64 "\",\"servicers\":[",
                   b64(terms->sid.b, 32), bech(&terms->requestor), terms->quota_cu);
    for (uint32_t i = SEATS; i > 0; i--) { /* the draw's order is not that of ids */
        vpr_buf_printf(out, "{\"id\":\"%s\",\"relay_key\":\"%s\"}%s",
                       bech(&terms->seats[i - 1].servicer),
                       b64(terms->seats[i - 1].relay_key.b, 32), i == 1 ? "" : ",");
    }
    const struct vpr_address a = address_of(91), b = address_of(92);
    vpr_buf_printf(out, "],\"fishermen\":[{\"id\":\"%s\"},{\"id\":\"%s\"},{\"id\":\"%s\"}]}",
                   bech(&a), pond->fisherman_text, bech(&b));
}

static void write_requestor(struct pond *pond, struct vpr_buf *out)
{
    const struct vpr_book_terms *terms = &pond->benches[0].terms;

    vpr_buf_printf(out,
                   "{\"actor\":{\"id\":\"%s\",\"url\":\"%s\"},\"gateway_keys\":[\"%s\",\"%s\"]}",
                   bech(&terms->requestor), pond->no_url ? "" : pond->gate_url,
                   b64(terms->keys[0].b, 32),
                   b64(terms->keys[1].b, 32));
}

/* Who asks for no session hears of terms to come: costs a fisherman cannot meet. */
static void write_chains(struct pond *pond, struct vpr_buf *out, bool said)
{
    struct vpr_hash hash = *vpr_corpus_hash(pond->corpus);

    hash.b[0] = (uint8_t)(hash.b[0] ^ (pond->wrong_corpus ? 1 : 0));
    vpr_buf_printf(out,
                   "{\"chains\":[{\"id\":1,\"name\":\"viper\",\"active\":true,"
                   "\"multiplier_ppm\":\"1000000\",\"latency_target_ms\":\"100\","
                   "\"latency_max_ms\":\"1100\",\"corpus_hash\":\"%s\","
                   "\"methods\":[{\"method\":\"block\",\"cu\":\"%d\"}]}],"
                   "\"zones\":[{\"id\":1,\"multiplier_ppm\":\"1000000\"}]}",
                   b64(hash.b, 32), said ? 3 : 1000);
}

/* Which session a path's last 64 hex digits are the sid of. */
static bool sid_session(const struct pond *pond, struct vpr_bytes path, uint64_t *ret)
{
    struct vpr_hash sid;

    if (path.len < 64 ||
        !vpr_unhex(sid.b, sizeof sid.b, vpr_bytes_of(path.data + path.len - 64, 64))) {
        return false;
    }
    for (uint64_t s = 0; s < POND_SESSIONS; s++) {
        if (vpr_hash_equal(&sid, &pond->benches[s].terms.sid)) {
            *ret = s;
            return true;
        }
    }
    return false;
}

static bool write_of_sid(struct pond *pond, struct vpr_buf *out, struct vpr_bytes path)
{
    const struct pond_card *card;
    uint64_t s;

    if (!sid_session(pond, path, &s)) {
        return false;
    }
    card = &pond->cards[s];
    if (vpr_bytes_starts(path, vpr_bytes_str("/viper/v1/sessions/"))) {
        write_bench(pond, out, s);
        return true;
    }
    if (vpr_bytes_starts(path, vpr_bytes_str("/viper/v1/commits/"))) {
        vpr_buf_printf(out, "{\"commits\":[%s]}", pond->uncommitted ? "" : "{\"sum\":\"9\"}");
        return true;
    }
    if (vpr_bytes_starts(path, vpr_bytes_str("/viper/v1/settlements/"))) {
        vpr_buf_printf(out,
                       "{\"entries\":[{\"servicer\":\"%s\",\"verdict\":\"VERDICT_PAID\","
                       "\"settled_cu\":\"1000\"}]}",
                       bech(&pond->benches[s].terms.seats[0].servicer));
        return true;
    }
    if (!card->sealed) {
        return false;
    }
    vpr_buf_printf(out, "{\"cards\":[{\"fisherman\":\"%s\",\"seal\":\"%s\",\"revealed\":%s}]}",
                   pond->fisherman_text, b64(card->seal.b, 32),
                   card->revealed ? "true" : "false");
    return true;
}

static bool write_sids(struct pond *pond, struct vpr_buf *out, struct vpr_bytes query)
{
    char text[64];
    uint64_t s;

    snprintf(text, sizeof text, "%.*s", (int)query.len, (const char *)query.data);
    if (sscanf(text, "session=%" SCNu64, &s) != 1 || s >= POND_SESSIONS) {
        return false;
    }
    const struct vpr_book_terms *terms = &pond->benches[s].terms;
    vpr_buf_printf(out,
                   "{\"sids\":[{\"sid\":\"%s\",\"requestor\":\"%s\",\"chain\":1,\"zone\":1,"
                   "\"quota_cu\":\"%" PRIu64 "\"}",
                   b64(terms->sid.b, 32), bech(&terms->requestor), terms->quota_cu);
    for (uint32_t i = 0; i < pond->crowd; i++) {
        const struct vpr_hash sid = vpr_tagged("pond-crowd", &i, sizeof i);
        vpr_buf_printf(out,
                       ",{\"sid\":\"%s\",\"requestor\":\"%s\",\"chain\":2,\"zone\":1,"
                       "\"quota_cu\":\"1000\"}",
                       b64(sid.b, 32), bech(&terms->requestor));
    }
    vpr_buf_str(out, "]}");
    return true;
}

static bool write_tx(struct pond *pond, struct vpr_buf *out, struct vpr_bytes path)
{
    for (size_t i = 0; path.len > 64 && i < pond->tx_count; i++) {
        const struct pond_tx *tx = &pond->txs[i];
        if (memcmp(path.data + path.len - 64, tx->hash, 64) == 0 && tx->height != 0) {
            vpr_buf_printf(out,
                           "{\"tx_response\":{\"height\":\"%" PRIu64 "\",\"code\":%" PRIu32
                           ",\"raw_log\":\"%s\"}}",
                           tx->height, tx->code, tx->log);
            return true;
        }
    }
    return false;
}

static void broadcast(struct pond *pond, struct vpr_bytes body)
{
    struct vpr_bytes span;
    char text[12000];
    size_t len = 0;
    struct pond_tx *tx = &pond->txs[pond->tx_count];

    if (pond->tx_count == POND_TXS_MAX || !vpr_json_at(&span, body, "/tx_bytes") ||
        !vpr_json_text(text, sizeof text, &len, span) || len > sizeof tx->raw ||
        !vpr_unbase64(tx->raw, &tx->len, vpr_bytes_of(text, len))) {
        blame(pond, "a broadcast that cannot be read");
        return;
    }
    const struct vpr_hash hash = vpr_sha256(tx->raw, tx->len);
    vpr_hex(tx->hash, hash.b, sizeof hash.b);
    for (char *c = tx->hash; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
    }
    tx->height = 0;
    pond->tx_count++;
}

static bool answer(struct pond *pond, struct vpr_buf *out, const struct vpr_http_request *http)
{
    const struct vpr_bytes path = http->path;
    char text[256];
    uint64_t s;

    snprintf(text, sizeof text, "%.*s", (int)path.len, (const char *)path.data);
    if (strcmp(text, "/viper/v1/chain") == 0) {
        write_chain(pond, out);
    } else if (strcmp(text, "/viper/v1/params") == 0) {
        vpr_buf_char(out, '{');
        params(out);
        vpr_buf_char(out, '}');
    } else if (strcmp(text, "/viper/v1/chains") == 0) {
        write_chains(pond, out, http->query.len > 0);
    } else if (strncmp(text, "/viper/v1/fishermen/", 20) == 0) {
        return write_sids(pond, out, http->query);
    } else if (strncmp(text, "/viper/v1/requestors/", 21) == 0) {
        write_requestor(pond, out);
    } else if (strncmp(text, "/viper/v1/accounts/", 19) == 0) {
        vpr_buf_str(out, "{\"account\":{\"number\":\"7\",\"balance_uvipr\":\"1000000\"}}");
    } else if (strcmp(text, "/cosmos/tx/v1beta1/simulate") == 0) {
        vpr_buf_str(out, "{\"gas_info\":{\"gas_used\":\"50000\"}}");
    } else if (strcmp(text, "/cosmos/tx/v1beta1/txs") == 0) {
        broadcast(pond, http->body);
        vpr_buf_str(out, "{\"tx_response\":{\"code\":0}}");
    } else if (strncmp(text, "/cosmos/tx/v1beta1/txs/", 23) == 0) {
        return write_tx(pond, out, path);
    } else if (sscanf(text, "/viper/v1/sessions/%" SCNu64 "%1s", &s, text) == 1 &&
               s <= pond_session(pond)) {
        write_session(pond, out, s);
    } else {
        return write_of_sid(pond, out, path);
    }
    return true;
}

static void on_node(void *arg, struct vpr_http_request *http)
{
    struct pond *pond = arg;
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", "application/json");
    struct vpr_buf out;

    vpr_buf_init(&out, 1024 * 1024);
    if (answer(pond, &out, http)) {
        vpr_http_reply(http, 200, &type, 1, vpr_buf_bytes(&out));
    } else {
        vpr_http_reply_text(http, 404, "application/json", "{\"code\":5,\"message\":\"none\"}");
    }
    vpr_buf_finish(&out);
}

/* ---- the gateway ---- */

struct reply {
    struct pond *pond;
    struct vpr_http_request *http;
    struct vpr_timer *timer;
    struct vpr_token token;
    struct vpr_sample sample;
    char body[512];
};

static void send_reply(void *arg)
{
    struct reply *reply = arg;
    char token[VPR_WIRE_TOKEN_TEXT_MAX], relay[VPR_WIRE_RELAY_TEXT_MAX];
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX], refusal[VPR_WIRE_REFUSAL_TEXT_MAX];
    struct vpr_http_header headers[5];
    size_t count = 0;
    struct vpr_bytes body = {NULL, 0};

    vpr_wire_token_print(token, &reply->token);
    vpr_wire_relay_print(relay, &reply->sample.request);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay);
    if (reply->sample.answer == VPR_SAMPLE_ANSWERED) {
        vpr_wire_receipt_print(receipt, &reply->sample.receipt);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RECEIPT, receipt);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_STATUS, "200");
        body = vpr_bytes_str(reply->body);
    } else if (reply->sample.answer == VPR_SAMPLE_REFUSED) {
        vpr_wire_refusal_print(refusal, &reply->sample.refusal);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, refusal);
    }
    vpr_http_reply(reply->http, 200, headers, count, body);
    reply->pond->pending--;
    vpr_timer_destroy(reply->timer);
    vpr_mem_free(reply);
}

static uint64_t head_of(const struct pond *pond, uint32_t seat)
{
    const uint64_t head = 1000 + (vpr_mono_ms() - pond->started_ms) / BACKEND_MS;

    const bool stale = seat == 4 || (pond->most_stale && (seat == 2 || seat == 3));

    return stale ? head - BEHIND : head;
}

/* What servicer `seat`'s node says. */
static void answer_call(struct pond *pond, char out[512], uint32_t seat, struct vpr_bytes body)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_call call;
    struct vpr_bytes span;
    uint64_t height = 0;
    const uint64_t head = head_of(pond, seat);
    const bool read = vpr_json_rpc(&rpc, &call, 1, body, NULL) && call.valid;

    if (!read) {
        blame(pond, "a sample that is no call");
        out[0] = '\0';
        return;
    }
    const int id_len = (int)call.id.len;
    const char *id = (const char *)call.id.data;
    if (vpr_json_at(&span, call.params, "/0") && vpr_json_u64(&height, span)) {
        if (height > head) {
            snprintf(out, 512, "{\"id\":%.*s,\"error\":{\"code\":-32603}}", id_len, id);
        } else {
            snprintf(out, 512, "{\"id\":%.*s,\"result\":{\"of\":\"%" PRIu64 "\"}}", id_len, id,
                     height);
        }
    } else if (memmem(call.method.data, call.method.len, "abci", 4) != NULL) {
        snprintf(out, 512,
                 "{\"id\":%.*s,\"result\":{\"response\":{\"last_block_height\":\"%" PRIu64 "\"}}}",
                 id_len, id, head);
    } else {
        snprintf(out, 512,
                 "{\"id\":%.*s,\"result\":{\"sync_info\":{\"latest_block_height\":\"%" PRIu64
                 "\"}}}",
                 id_len, id, head);
    }
}

static bool nonce_new(struct pond *pond, uint64_t nonce)
{
    for (size_t i = 0; i < pond->nonce_count; i++) {
        if (pond->nonces[i] == nonce) {
            return false;
        }
    }
    ck_assert_uint_lt(pond->nonce_count, POND_NONCES_MAX);
    pond->nonces[pond->nonce_count++] = nonce;
    return true;
}

static bool check_post(struct pond *pond, const struct vpr_http_request *http,
                       struct vpr_wire_shadow *head, uint32_t *ret_seat, uint64_t *ret_session)
{
    const struct vpr_bytes *text = vpr_http_request_header(http, VPR_WIRE_SHADOW);

    if (text == NULL || !vpr_wire_shadow_parse(head, *text)) {
        return false;
    }
    const struct vpr_shadow shadow = {.sid = head->sid, .servicer = head->servicer,
                                      .method = vpr_bytes_str("POST"),
                                      .path = vpr_bytes_str(""), .body = http->body,
                                      .nonce = head->nonce};
    if (!vpr_shadow_verify(&shadow, &head->signature, vpr_bytes_of(head->key, head->key_len),
                           &pond->fisherman) ||
        !nonce_new(pond, head->nonce)) {
        blame(pond, "a post whose signature or nonce is bad");
        return false;
    }
    if (vpr_corpus_covers(pond->corpus, shadow.method, shadow.path, http->body,
                          head_of(pond, 0)) != VPR_COVER_YES) {
        blame(pond, "a post that no template covers");
        return false;
    }
    for (uint64_t s = 0; s < POND_SESSIONS; s++) {
        for (uint32_t seat = 0; seat < SEATS; seat++) {
            if (vpr_hash_equal(&pond->benches[s].terms.sid, &head->sid) &&
                vpr_address_equal(&pond->benches[s].terms.seats[seat].servicer,
                                  &head->servicer)) {
                *ret_seat = seat;
                *ret_session = s;
                return true;
            }
        }
    }
    blame(pond, "a post for nobody");
    return false;
}

static void on_gate(void *arg, struct vpr_http_request *http)
{
    struct pond *pond = arg;
    struct vpr_wire_shadow head;
    uint32_t seat = 0;
    uint64_t session = 0;

    if (vpr_bytes_equal(http->path, vpr_bytes_str("/trusted"))) {
        char body[512];
        pond->trusted++;
        answer_call(pond, body, 0, http->body);
        vpr_http_reply_text(http, 200, "application/json", body);
        return;
    }
    if (pond->down || !check_post(pond, http, &head, &seat, &session)) {
        vpr_http_reply_text(http, pond->down ? 503 : 400, "application/json", "{}");
        return;
    }
    struct bench *bench = &pond->benches[session];
    struct reply *reply = vpr_mem_alloc(sizeof *reply);
    const uint64_t n = pond->asked[session][seat]++;
    pond->samples[session]++;
    pond->late += session != pond_session(pond) ? 1 : 0;
    pond->spent_cu[session][seat] +=
        memmem(http->body.data, http->body.len, "\"block\"", 7) != NULL ? 3 : 1;
    reply->pond = pond;
    pond->pending++;
    reply->http = http;
    reply->token = bench->token;
    answer_call(pond, reply->body, seat, http->body);
    const bool refused = seat == 0 && n % 10 == 3, silent = seat == 1 && n % 10 == 3;
    reply->sample = sample_of(bench, seat, refused || silent ? NULL : reply->body,
                              refused ? VPR_REFUSED_QUOTA : 0, 0);
    /* The real request, instead of the helper's. */
    struct vpr_sample *s = &reply->sample;
    s->request.part.req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""), http->body);
    struct vpr_hash hash = vpr_request_hash(&s->request.part);
    vpr_ed25519_sign(&s->request.signature, hash.b, sizeof hash.b, bench->client.secret);
    s->receipt.request_part = s->refusal.request_part = vpr_request_part_hash(&s->request.part);
    hash = vpr_receipt_hash(&s->receipt);
    vpr_ed25519_sign(&s->receipt.signature, hash.b, sizeof hash.b, bench->relays[seat].secret);
    hash = vpr_refusal_hash(&s->refusal);
    vpr_ed25519_sign(&s->refusal.signature, hash.b, sizeof hash.b, bench->relays[seat].secret);
    reply->timer = vpr_timer_create(pond->loop, send_reply, reply);
    vpr_timer_once(reply->timer, seat == 3 ? POND_SLOW_MS : 0);
}

/* ---- life ---- */

void pond_open(struct pond *pond, struct vpr_loop *loop, const struct vpr_key *operator_key)
{
    const struct vpr_http_server_config config = {.port = 0};
    struct vpr_err err;

    memset(pond, 0, sizeof *pond);
    pond->loop = loop;
    pond->height = 1;
    pond->started_ms = vpr_mono_ms();
    pond->fisherman = vpr_key_info(operator_key)->address;
    vpr_address_text(pond->fisherman_text, VPR_PREFIX_ACCOUNT, &pond->fisherman);
    for (uint64_t s = 0; s < POND_SESSIONS; s++) {
        pond->benches[s] = bench_of((uint8_t)s);
    }
    ck_assert_int_eq(vpr_corpus_load(&pond->corpus, CORPUS, &err), VPR_OK);
    ck_assert_int_eq(vpr_http_server_create(&pond->node, loop, &config, on_node, pond, &err),
                     VPR_OK);
    ck_assert_int_eq(vpr_http_server_create(&pond->gate, loop, &config, on_gate, pond, &err),
                     VPR_OK);
    snprintf(pond->node_url, sizeof pond->node_url, "http://127.0.0.1:%d",
             vpr_http_server_port(pond->node));
    snprintf(pond->gate_url, sizeof pond->gate_url, "http://127.0.0.1:%d",
             vpr_http_server_port(pond->gate));
    pond->timer = vpr_timer_create(loop, block, pond);
    vpr_timer_every(pond->timer, POND_BLOCK_MS);
}

void pond_close(struct pond *pond)
{
    while (pond->pending > 0) {
        vpr_loop_turn(pond->loop);
        usleep(500);
    }
    vpr_timer_destroy(pond->timer);
    vpr_http_server_destroy(pond->gate);
    vpr_http_server_destroy(pond->node);
    vpr_corpus_destroy(pond->corpus);
}

void pond_until(struct pond *pond, uint64_t height)
{
    while (pond->height < height) {
        vpr_loop_turn(pond->loop);
        usleep(500);
    }
}
