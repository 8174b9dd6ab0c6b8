#include "tests/unit/relay/help.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/rules/receipt.h"

struct keypair keypair_of(uint8_t n)
{
    struct keypair pair;
    struct vpr_hash seed;

    memset(seed.b, n, sizeof seed.b);
    vpr_ed25519_keypair(&pair.key, pair.secret, &seed);
    return pair;
}

struct vpr_sid_info sid_info(uint8_t n, uint64_t quota_cu)
{
    struct vpr_sid_info info = {.chain = 1, .zone = 1, .quota_cu = quota_cu};

    info.sid = vpr_sha256(&n, 1);
    memset(info.requestor.b, n, sizeof info.requestor.b);
    return info;
}

struct vpr_token token_of(const struct vpr_hash *sid, const struct keypair *client,
                          const struct keypair *gateway)
{
    struct vpr_token token = {.sid = *sid, .client_key = client->key};
    const struct vpr_hash hash = vpr_token_hash(&token);

    vpr_ed25519_sign(&token.signature, hash.b, sizeof hash.b, gateway->secret);
    return token;
}

struct vpr_signed_request request_of(const struct vpr_hash *sid,
                                     const struct vpr_address *servicer,
                                     const struct keypair *client, uint64_t seq,
                                     uint64_t cum_cu, uint64_t cu)
{
    struct vpr_signed_request request = {
        .part = {.sid = *sid, .servicer = *servicer, .client_key = client->key, .seq = seq,
                 .cum_cu = cum_cu, .cu = cu}};

    request.part.req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""),
                                    vpr_bytes_str("{}"));
    const struct vpr_hash hash = vpr_request_hash(&request.part);
    vpr_ed25519_sign(&request.signature, hash.b, sizeof hash.b, client->secret);
    return request;
}

bool same_request(const struct vpr_signed_request *a, const struct vpr_signed_request *b)
{
    uint8_t x[VPR_SIGNED_REQUEST_BYTES];
    uint8_t y[VPR_SIGNED_REQUEST_BYTES];

    vpr_signed_request_encode(x, a);
    vpr_signed_request_encode(y, b);
    return memcmp(x, y, sizeof x) == 0;
}

struct vpr_leaf leaf_of(const struct vpr_signed_request *request)
{
    struct vpr_leaf leaf = {.request = *request};

    leaf.res = vpr_res_hash(200, vpr_bytes_str("ok"));
    return leaf;
}

static char last_dir[256];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_last_dir(void)
{
    nftw(last_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void temp_dir(char path[256])
{
    const char *base = getenv("TMPDIR");

    snprintf(path, 256, "%s/viper-test-XXXXXX", base == NULL ? "/tmp" : base);
    ck_assert_ptr_nonnull(mkdtemp(path));
    memcpy(last_dir, path, sizeof last_dir);
    ck_assert_int_eq(atexit(remove_last_dir), 0);
}
