#include "tests/unit/fisherman/help.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/hash.h"

struct keypair keypair_of(uint8_t n)
{
    struct keypair pair;
    struct vpr_hash seed;

    memset(seed.b, n, sizeof seed.b);
    vpr_ed25519_keypair(&pair.key, pair.secret, &seed);
    return pair;
}

struct vpr_address address_of(uint8_t n)
{
    struct vpr_address address;

    memset(address.b, n, sizeof address.b);
    return address;
}

struct bench bench_of(uint8_t n)
{
    struct bench bench = {.terms = {.chain = 1, .zone = 1, .quota_cu = 50000,
                                    .fisherman_count = 3, .seat_count = SEATS, .key_count = 2}};

    bench.terms.sid = vpr_sha256(&n, 1);
    bench.terms.requestor = address_of(200);
    for (uint8_t i = 0; i < SEATS; i++) {
        bench.relays[i] = keypair_of((uint8_t)(10 + i));
        bench.terms.seats[i].servicer = address_of((uint8_t)(1 + i));
        bench.terms.seats[i].relay_key = bench.relays[i].key;
    }
    bench.gateway = keypair_of(40);
    bench.client = keypair_of((uint8_t)(50 + n));
    bench.terms.keys[0] = keypair_of(41).key;
    bench.terms.keys[1] = bench.gateway.key;
    bench.token.sid = bench.terms.sid;
    bench.token.client_key = bench.client.key;
    const struct vpr_hash hash = vpr_token_hash(&bench.token);
    vpr_ed25519_sign(&bench.token.signature, hash.b, sizeof hash.b, bench.gateway.secret);
    return bench;
}

struct vpr_sample sample_of(struct bench *bench, uint32_t seat, const char *body,
                            uint16_t reason, uint64_t latency_ms)
{
    struct vpr_sample s = {.latency_ms = latency_ms};
    struct vpr_request *part = &s.request.part;

    part->sid = bench->terms.sid;
    part->servicer = bench->terms.seats[seat].servicer;
    part->client_key = bench->client.key;
    part->seq = ++bench->seq;
    part->cum_cu = bench->seq;
    part->cu = 1;
    part->req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""), vpr_bytes_str("{}"));
    struct vpr_hash hash = vpr_request_hash(part);
    vpr_ed25519_sign(&s.request.signature, hash.b, sizeof hash.b, bench->client.secret);
    if (reason != 0) {
        s.answer = VPR_SAMPLE_REFUSED;
        s.refusal.request_part = vpr_request_part_hash(part);
        s.refusal.reason = reason;
        hash = vpr_refusal_hash(&s.refusal);
        vpr_ed25519_sign(&s.refusal.signature, hash.b, sizeof hash.b,
                         bench->relays[seat].secret);
    } else if (body != NULL) {
        s.answer = VPR_SAMPLE_ANSWERED;
        s.receipt.request_part = vpr_request_part_hash(part);
        s.receipt.status = 200;
        s.receipt.res = vpr_res_hash(200, vpr_bytes_str(body));
        hash = vpr_receipt_hash(&s.receipt);
        vpr_ed25519_sign(&s.receipt.signature, hash.b, sizeof hash.b,
                         bench->relays[seat].secret);
    }
    return s;
}

struct vpr_book_sample kept_of(struct bench *bench, uint32_t sid, uint32_t seat,
                               uint32_t group, uint64_t at_ms, struct vpr_finding finding,
                               uint64_t latency_ms)
{
    const char *body = finding.found == VPR_FOUND_NOTHING ? NULL : "answer";

    return (struct vpr_book_sample){.sid = sid, .seat = seat, .group = group, .gateway_key = 1,
                                    .at_ms = at_ms, .finding = finding, .token = bench->token,
                                    .sample = sample_of(bench, seat, body, 0, latency_ms)};
}

struct vpr_finding value_finding(const char *value)
{
    struct vpr_finding f = {.compare = VPR_COMPARE_EXACT, .found = VPR_FOUND_ERROR};

    if (value != NULL) {
        f.found = VPR_FOUND_RESULT;
        f.value = vpr_sha256(value, strlen(value));
    }
    return f;
}

struct vpr_finding head_finding(uint64_t height)
{
    return (struct vpr_finding){.compare = VPR_COMPARE_HEAD, .within = 2, .height = height,
                                .found = height == 0 ? VPR_FOUND_ERROR : VPR_FOUND_RESULT};
}

static char dirs[64][64];
static size_t dir_count;

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
    (void)info;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_dirs(void)
{
    for (size_t i = 0; i < dir_count; i++) {
        nftw(dirs[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
}

const char *temp_dir(void)
{
    ck_assert_uint_lt(dir_count, VPR_COUNT(dirs));
    char *path = dirs[dir_count];
    snprintf(path, sizeof dirs[0], "/tmp/viper.fisherman.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    if (dir_count++ == 0) {
        atexit(remove_dirs);
    }
    return path;
}
