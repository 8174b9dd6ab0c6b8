/* relays.c - signed relays for one servicer, with all keys from fixed seeds: two runs send the
 * same bytes, and a later run goes on where an earlier one ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/host/keyring.h"
#include "app/rules/ids.h"
#include "app/rules/leaf.h"
#include "relay/wire.h"
#include "tests/bench/load.h"

#define CHAIN_ID "bench"
#define SESSION 0
#define CHAIN 1
#define ZONE 1
#define CHECK_EVERY 61 /* so many answers: one receipt is verified, when the clock stands */
#define CHECKED_MAX 65536
#define ROUNDS 2000
#define SYNCS 50

struct pair {
    struct vpr_hash seed, key;
    uint8_t secret[64];
};

struct cast {
    struct pair operator_pair, relay, gateway;
    struct vpr_address servicer, requestor;
    struct vpr_hash sid;
};

/* An answer put aside. */
struct kept {
    uint32_t lane, n;
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX];
    uint8_t body[BENCH_ANSWER_BYTES];
};

struct sheet {
    struct cast cast;
    uint32_t each;
    struct vpr_request *parts;
    struct vpr_bytes *requests;
    size_t answers, kept_count;
    struct kept *kept;
};

static struct pair pair_of(const char *who, uint32_t number)
{
    struct pair pair;
    char text[64];

    const int len = snprintf(text, sizeof text, "bench %s %u", who, number);
    pair.seed = vpr_sha256(text, (size_t)len);
    vpr_ed25519_keypair(&pair.key, pair.secret, &pair.seed);
    return pair;
}

static struct cast make_cast(void)
{
    struct cast cast = {.operator_pair = pair_of("operator", 0),
                        .relay = pair_of("relay", 0),
                        .gateway = pair_of("gateway", 0)};
    const struct pair requestor = pair_of("requestor", 0);

    cast.servicer = vpr_address_ed25519(&cast.operator_pair.key);
    cast.requestor = vpr_address_ed25519(&requestor.key);
    cast.sid = vpr_sid(vpr_bytes_str(CHAIN_ID), SESSION, &cast.requestor, CHAIN, ZONE);
    return cast;
}

/* ---- home ---- */

static void store_key(struct vpr_keyring *ring, const char *name, enum vpr_key_kind kind,
                      const struct pair *pair)
{
    const struct vpr_key_wish wish = {.name = name, .kind = kind, .algo = VPR_KEYRING_ED25519};
    struct vpr_key_info info;
    struct vpr_err err;
    char hex[65];

    vpr_hex(hex, pair->seed.b, sizeof pair->seed.b);
    if (vpr_keyring_import(ring, &wish, vpr_bytes_str(hex), &info, &err) != VPR_OK) {
        bench_die("%s", err.text);
    }
}

static void print_bytes(const char *name, const void *data, size_t len)
{
    char text[VPR_BASE64_MAX(32)];

    VPR_ASSERT(len <= 32);
    vpr_base64(text, vpr_bytes_of(data, len));
    printf("\"%s\":\"%s\",", name, text);
}

void bench_relays_home(const char *home)
{
    const struct cast cast = make_cast();
    struct vpr_keyring *ring;
    struct vpr_err err;
    char servicer[VPR_ADDRESS_TEXT_MAX], requestor[VPR_ADDRESS_TEXT_MAX];

    if (vpr_keyring_open(&ring, home, "test", NULL, &err) != VPR_OK) {
        bench_die("%s", err.text);
    }
    store_key(ring, "operator", VPR_KEYRING_OPERATOR, &cast.operator_pair);
    store_key(ring, "relay", VPR_KEYRING_RELAY, &cast.relay);
    vpr_keyring_close(ring);
    vpr_address_text(servicer, VPR_PREFIX_ACCOUNT, &cast.servicer);
    vpr_address_text(requestor, VPR_PREFIX_ACCOUNT, &cast.requestor);
    printf("{\"chain_id\":\"%s\",\"session\":%d,\"chain\":%d,\"zone\":%d,", CHAIN_ID, SESSION,
           CHAIN, ZONE);
    print_bytes("relay_key", cast.relay.key.b, 32);
    print_bytes("gateway_key", cast.gateway.key.b, 32);
    print_bytes("sid", cast.sid.b, 32);
    printf("\"servicer\":\"%s\",\"requestor\":\"%s\"}\n", servicer, requestor);
}

/* ---- requests ---- */

static struct vpr_bytes keep_text(const char *text, int len)
{
    char *copy = malloc((size_t)len);

    VPR_ASSERT(len > 0 && len < BENCH_MESSAGE_BYTES_MAX && copy != NULL);
    memcpy(copy, text, (size_t)len);
    return vpr_bytes_of(copy, (size_t)len);
}

static struct vpr_bytes print_relay(const struct vpr_signed_request *request,
                                    const struct vpr_token *token, const char *body)
{
    char relay[VPR_WIRE_RELAY_TEXT_MAX], token_text[VPR_WIRE_TOKEN_TEXT_MAX];
    char token_line[VPR_WIRE_TOKEN_TEXT_MAX + 32] = "";
    char text[BENCH_MESSAGE_BYTES_MAX];

    vpr_wire_relay_print(relay, request);
    if (token != NULL) {
        vpr_wire_token_print(token_text, token);
        snprintf(token_line, sizeof token_line, VPR_WIRE_TOKEN ": %s\r\n", token_text);
    }
    const int len = snprintf(text, sizeof text,
                             "POST " VPR_WIRE_PREFIX "%04x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Content-Type: application/json\r\nContent-Length: %d\r\n"
                             VPR_WIRE_RELAY ": %s\r\n%s\r\n%s",
                             CHAIN, BENCH_ASK_BYTES, relay, token_line, body);
    return keep_text(text, len);
}

static struct vpr_request make_part(const struct cast *cast, const struct pair *client,
                                    uint64_t seq, const char *body)
{
    return (struct vpr_request){
        .sid = cast->sid,
        .servicer = cast->servicer,
        .client_key = client->key,
        .seq = seq,
        .cum_cu = seq, /* a method that is not in the table costs 1, and all was accepted */
        .cu = 1,
        .req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""), vpr_bytes_str(body))};
}

static void sign_part(struct vpr_signed_request *ret, const struct vpr_request *part,
                      const struct pair *client)
{
    const struct vpr_hash hash = vpr_request_hash(part);

    ret->part = *part;
    vpr_ed25519_sign(&ret->signature, hash.b, sizeof hash.b, client->secret);
}

static struct vpr_token make_token(const struct cast *cast, const struct pair *client)
{
    struct vpr_token token = {.sid = cast->sid, .client_key = client->key};

    const struct vpr_hash hash = vpr_token_hash(&token);
    vpr_ed25519_sign(&token.signature, hash.b, sizeof hash.b, cast->gateway.secret);
    return token;
}

static void sign_lane(struct sheet *sheet, uint32_t at, uint32_t lane, uint64_t first_seq)
{
    const struct pair client = pair_of("client", lane);
    const struct vpr_token token = make_token(&sheet->cast, &client);
    struct vpr_signed_request request;
    char body[BENCH_ASK_BYTES + 1];

    bench_ask_body(body);
    for (uint32_t n = 0; n < sheet->each; n++) {
        const size_t i = (size_t)at * sheet->each + n;
        sheet->parts[i] = make_part(&sheet->cast, &client, first_seq + n, body);
        sign_part(&request, &sheet->parts[i], &client);
        sheet->requests[i] = print_relay(&request, n == 0 ? &token : NULL, body);
    }
}

/* ---- answers ---- */

static struct vpr_bytes find_receipt(struct vpr_bytes head)
{
    static const char name[] = "\r\n" VPR_WIRE_RECEIPT ": ";
    const uint8_t *at = memmem(head.data, head.len, name, sizeof name - 1);

    if (at == NULL) {
        bench_die("an answer without receipt: %.*s", (int)head.len, (const char *)head.data);
    }
    at += sizeof name - 1;
    const uint8_t *end = memchr(at, '\r', (size_t)(head.data + head.len - at));
    return vpr_bytes_of(at, (size_t)(end - at));
}

static void take_relay(void *arg, uint32_t lane, uint32_t n, struct vpr_bytes head,
                       struct vpr_bytes body)
{
    struct sheet *sheet = arg;
    const struct vpr_bytes receipt = find_receipt(head);

    sheet->answers++;
    if (sheet->answers % CHECK_EVERY != 1 || sheet->kept_count == CHECKED_MAX) {
        return;
    }
    struct kept *kept = &sheet->kept[sheet->kept_count];
    VPR_ASSERT(receipt.len < sizeof kept->receipt && body.len == sizeof kept->body);
    kept->lane = lane;
    kept->n = n;
    memcpy(kept->receipt, receipt.data, receipt.len);
    kept->receipt[receipt.len] = '\0';
    memcpy(kept->body, body.data, body.len);
    sheet->kept_count++;
}

static void check_kept(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->kept_count; i++) {
        const struct kept *kept = &sheet->kept[i];
        const struct vpr_hash part = vpr_request_part_hash(
            &sheet->parts[(size_t)kept->lane * sheet->each + kept->n]);
        const struct vpr_hash res =
            vpr_res_hash(200, vpr_bytes_of(kept->body, sizeof kept->body));
        struct vpr_receipt receipt;
        if (!vpr_wire_receipt_parse(&receipt, vpr_bytes_str(kept->receipt)) ||
            receipt.status != 200 || !vpr_hash_equal(&receipt.request_part, &part) ||
            !vpr_hash_equal(&receipt.res, &res) ||
            !vpr_receipt_verify(&receipt, &sheet->cast.relay.key)) {
            bench_die("lane %u, request %u: a receipt that does not hold", kept->lane, kept->n);
        }
    }
}

void bench_relays_run(uint16_t port, uint32_t lanes, uint32_t each, uint32_t first_lane,
                      uint64_t first_seq)
{
    const size_t count = (size_t)lanes * each;
    struct sheet sheet = {.cast = make_cast(),
                          .each = each,
                          .parts = calloc(count, sizeof *sheet.parts),
                          .requests = calloc(count, sizeof *sheet.requests),
                          .kept = calloc(count / CHECK_EVERY + 1, sizeof *sheet.kept)};

    VPR_ASSERT(count / CHECK_EVERY + 1 <= CHECKED_MAX && sheet.parts != NULL &&
               sheet.requests != NULL && sheet.kept != NULL);
    for (uint32_t i = 0; i < lanes; i++) {
        sign_lane(&sheet, i, first_lane + i, first_seq);
    }
    const struct bench_load load = {.port = port, .lanes = lanes, .each = each,
                                    .requests = sheet.requests, .step = 1,
                                    .answer = take_relay, .arg = &sheet};
    bench_load_run(&load);
    check_kept(&sheet);
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)sheet.requests[i].data);
    }
    free(sheet.requests);
    free(sheet.parts);
    free(sheet.kept);
}

static void take_plain(void *arg, uint32_t lane, uint32_t n, struct vpr_bytes head,
                       struct vpr_bytes body)
{
    (void)arg;
    (void)lane;
    (void)n;
    (void)head;
    (void)body;
}

void bench_plain_run(uint16_t port, uint32_t lanes, uint32_t each)
{
    char body[BENCH_ASK_BYTES + 1], text[BENCH_MESSAGE_BYTES_MAX];

    bench_ask_body(body);
    const int len = snprintf(text, sizeof text,
                             "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                             "application/json\r\nContent-Length: %d\r\n\r\n%s",
                             BENCH_ASK_BYTES, body);
    const struct vpr_bytes request = vpr_bytes_of(text, (size_t)len);
    const struct bench_load load = {.port = port, .lanes = lanes, .each = each,
                                    .requests = &request, .answer = take_plain};
    bench_load_run(&load);
}

/* ---- primitives ---- */

static void verify_loop(const struct vpr_signed_request *request)
{
    for (int i = 0; i < ROUNDS; i++) {
        VPR_ASSERT(vpr_request_verify(&request->part, &request->signature));
    }
}

static void sign_loop(const struct cast *cast)
{
    struct vpr_receipt receipt = {.status = 200};

    for (int i = 0; i < ROUNDS; i++) {
        receipt.res.b[0] = (uint8_t)i;
        const struct vpr_hash hash = vpr_receipt_hash(&receipt);
        vpr_ed25519_sign(&receipt.signature, hash.b, sizeof hash.b, cast->relay.secret);
        receipt.request_part.b[1] ^= receipt.signature.b[1];
    }
    VPR_ASSERT(receipt.status == 200);
}

/* The other hashes of a relay: body, request part, answer. */
static void hash_loop(const struct vpr_request *part, const char *body)
{
    uint8_t answer[BENCH_ANSWER_BYTES] = {0};

    for (int i = 0; i < ROUNDS; i++) {
        const struct vpr_hash req =
            vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""), vpr_bytes_str(body));
        const struct vpr_hash whole = vpr_request_part_hash(part);
        answer[0] ^= req.b[0] ^ whole.b[0];
        const struct vpr_hash res = vpr_res_hash(200, vpr_bytes_of(answer, sizeof answer));
        answer[1] ^= res.b[0];
    }
}

static uint64_t sync_ns(const char *dir)
{
    char path[512];
    uint8_t record[9 + VPR_LEAF_BYTES] = {0};

    snprintf(path, sizeof path, "%s/bench.sync", dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 1 << 20) != 0) {
        bench_die("cannot write %s: %s", path, strerror(errno));
    }
    const uint64_t start_ns = bench_clock_ns();
    for (int i = 0; i < SYNCS; i++) {
        VPR_ASSERT(write(fd, record, sizeof record) == (ssize_t)sizeof record);
        VPR_ASSERT(fdatasync(fd) == 0);
    }
    const uint64_t took_ns = bench_clock_ns() - start_ns;
    close(fd);
    (void)unlink(path);
    return took_ns / SYNCS;
}

void bench_primitives(const char *dir)
{
    const struct cast cast = make_cast();
    const struct pair client = pair_of("client", 0);
    struct vpr_signed_request request;
    char body[BENCH_ASK_BYTES + 1];

    bench_ask_body(body);
    const struct vpr_request part = make_part(&cast, &client, 1, body);
    sign_part(&request, &part, &client);
    const uint64_t start_ns = bench_cpu_ns();
    verify_loop(&request);
    const uint64_t verified_ns = bench_cpu_ns();
    sign_loop(&cast);
    const uint64_t signed_ns = bench_cpu_ns();
    hash_loop(&part, body);
    const uint64_t hashed_ns = bench_cpu_ns();
    printf("{\"verify_ns\":%" PRIu64 ",\"sign_ns\":%" PRIu64 ",\"hash_ns\":%" PRIu64
           ",\"sync_ns\":%" PRIu64 "}\n",
           (verified_ns - start_ns) / ROUNDS, (signed_ns - verified_ns) / ROUNDS,
           (hashed_ns - signed_ns) / ROUNDS, sync_ns(dir));
}
