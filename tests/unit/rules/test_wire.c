/* Tokens, requests, receipts, refusals, leaves, samples: bytes and signatures. */
#include "app/rules/ids.h"
#include "app/rules/leaf.h"
#include "app/rules/sample.h"
#include "app/rules/token.h"
#include "tests/unit/rules/rules_tests.h"

struct pair {
    struct vpr_hash key;
    uint8_t secret[64];
};

static struct pair gateway, client, relay;
static struct vpr_token token;
static struct vpr_signed_request request;
static struct vpr_receipt receipt;
static struct vpr_refusal refusal;

static struct pair pair_of(const char *label)
{
    struct pair pair;
    struct vpr_hash seed = vpr_sha256(label, strlen(label));
    vpr_ed25519_keypair(&pair.key, pair.secret, &seed);
    return pair;
}

static void sign(struct vpr_signature *ret, struct vpr_hash hash, const struct pair *pair)
{
    vpr_ed25519_sign(ret, hash.b, sizeof hash.b, pair->secret);
}

static void one_relay(void)
{
    gateway = pair_of("gateway");
    client = pair_of("client");
    relay = pair_of("relay");
    token = (struct vpr_token){.sid = vpr_sha256("sid", 3), .client_key = client.key};
    sign(&token.signature, vpr_token_hash(&token), &gateway);
    request.part = (struct vpr_request){
        .sid = token.sid,
        .servicer = {{1, 2}},
        .client_key = client.key,
        .seq = 3,
        .cum_cu = 17,
        .cu = 4,
        .req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""), vpr_bytes_str("{}"))};
    sign(&request.signature, vpr_request_hash(&request.part), &client);
    receipt = (struct vpr_receipt){.request_part = vpr_request_part_hash(&request.part),
                                   .status = 200,
                                   .res = vpr_res_hash(200, vpr_bytes_str("[]"))};
    sign(&receipt.signature, vpr_receipt_hash(&receipt), &relay);
    refusal = (struct vpr_refusal){.request_part = receipt.request_part,
                                   .reason = VPR_REFUSED_QUOTA};
    sign(&refusal.signature, vpr_refusal_hash(&refusal), &relay);
}

/* Every shorter and one longer text is refused, and the output stays untouched. */
#define CHECK_LENGTHS(decode, bytes, size, out) \
    do { \
        uint8_t check_longer[(size) + 1] = {0}; \
        memcpy(check_longer, bytes, size); \
        memset(&(out), 0x5a, sizeof(out)); \
        for (size_t check_len = 0; check_len <= (size) + 1; check_len++) { \
            bool check_read = decode(&(out), vpr_bytes_of(check_longer, check_len)); \
            ck_assert(check_read == (check_len == (size))); \
            ck_assert(check_len >= (size) || ((const uint8_t *)&(out))[0] == 0x5a); \
        } \
    } while (0)

START_TEST(only_the_exact_length_decodes)
{
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX];
    struct vpr_token token_back;
    struct vpr_request request_back;
    struct vpr_signed_request signed_back;
    struct vpr_receipt receipt_back;
    struct vpr_refusal refusal_back;
    struct vpr_leaf leaf = {request, receipt.res};
    struct vpr_leaf leaf_back;
    vpr_token_encode(bytes, &token);
    CHECK_LENGTHS(vpr_token_decode, bytes, VPR_TOKEN_BYTES, token_back);
    ck_assert(vpr_token_verify(&token_back, &gateway.key));
    vpr_request_encode(bytes, &request.part);
    CHECK_LENGTHS(vpr_request_decode, bytes, VPR_REQUEST_BYTES, request_back);
    ck_assert_uint_eq(request_back.cum_cu, 17);
    vpr_signed_request_encode(bytes, &request);
    CHECK_LENGTHS(vpr_signed_request_decode, bytes, VPR_SIGNED_REQUEST_BYTES, signed_back);
    ck_assert(vpr_request_verify(&signed_back.part, &signed_back.signature));
    vpr_receipt_encode(bytes, &receipt);
    CHECK_LENGTHS(vpr_receipt_decode, bytes, VPR_RECEIPT_BYTES, receipt_back);
    ck_assert(vpr_receipt_verify(&receipt_back, &relay.key));
    vpr_refusal_encode(bytes, &refusal);
    CHECK_LENGTHS(vpr_refusal_decode, bytes, VPR_REFUSAL_BYTES, refusal_back);
    ck_assert(vpr_refusal_verify(&refusal_back, &relay.key));
    vpr_leaf_encode(bytes, &leaf);
    CHECK_LENGTHS(vpr_leaf_decode, bytes, VPR_LEAF_BYTES, leaf_back);
    ck_assert_int_eq(vpr_leaf_cmp(&leaf, &leaf_back), 0);
}
END_TEST

/* Each single bit of token, request and receipt is signed. */
START_TEST(any_flipped_bit_breaks_the_signature)
{
    uint8_t bytes[VPR_SIGNED_REQUEST_BYTES];
    vpr_token_encode(bytes, &token);
    for (size_t bit = 0; bit < 8 * VPR_TOKEN_BYTES; bit += 5) {
        struct vpr_token bad;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(vpr_token_decode(&bad, vpr_bytes_of(bytes, VPR_TOKEN_BYTES)));
        ck_assert(!vpr_token_verify(&bad, &gateway.key));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    vpr_signed_request_encode(bytes, &request);
    for (size_t bit = 0; bit < 8 * VPR_SIGNED_REQUEST_BYTES; bit += 5) {
        struct vpr_signed_request bad;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(vpr_signed_request_decode(&bad, vpr_bytes_of(bytes, sizeof bytes)));
        ck_assert(!vpr_request_verify(&bad.part, &bad.signature));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    vpr_receipt_encode(bytes, &receipt);
    for (size_t bit = 0; bit < 8 * VPR_RECEIPT_BYTES; bit += 5) {
        struct vpr_receipt bad;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(vpr_receipt_decode(&bad, vpr_bytes_of(bytes, VPR_RECEIPT_BYTES)));
        ck_assert(!vpr_receipt_verify(&bad, &relay.key));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(a_token_needs_one_of_the_gateway_keys)
{
    struct vpr_hash keys[3] = {client.key, relay.key, gateway.key};
    ck_assert(vpr_token_verify_any(&token, keys, 3));
    ck_assert(!vpr_token_verify_any(&token, keys, 2));
    ck_assert(!vpr_token_verify_any(&token, keys, 0));
}
END_TEST

/* Where one variable part ends and the next begins is part of the hash. */
START_TEST(method_path_and_body_cannot_flow_into_each_other)
{
    struct vpr_hash a = vpr_req_hash(vpr_bytes_str("GET"), vpr_bytes_str("/a"),
                                     vpr_bytes_str("b"));
    struct vpr_hash b = vpr_req_hash(vpr_bytes_str("GET"), vpr_bytes_str("/ab"),
                                     vpr_bytes_str(""));
    struct vpr_hash c = vpr_req_hash(vpr_bytes_str("GET/"), vpr_bytes_str("a"),
                                     vpr_bytes_str("b"));
    ck_assert(!vpr_hash_equal(&a, &b) && !vpr_hash_equal(&a, &c));
}
END_TEST

/* The same 32 bytes signed under one tag are worth nothing under another. */
START_TEST(a_receipt_is_no_refusal)
{
    struct vpr_refusal forged = {receipt.request_part, receipt.status, receipt.signature};
    ck_assert(!vpr_refusal_verify(&forged, &relay.key));
}
END_TEST

static struct vpr_shadow shadow_of(void)
{
    return (struct vpr_shadow){token.sid, {{1}}, vpr_bytes_str("POST"), vpr_bytes_str(""),
                               vpr_bytes_str("{}"), 5};
}

START_TEST(a_shadow_post_is_signed_by_the_operators_own_key)
{
    struct vpr_shadow shadow = shadow_of();
    struct vpr_hash hash = vpr_shadow_hash(&shadow);
    struct vpr_hash secret = vpr_sha256("operator", 8);
    uint8_t key[VPR_SECP_KEY_BYTES];
    struct vpr_signature sig;
    ck_assert(vpr_secp256k1_public(key, &secret));
    ck_assert(vpr_secp256k1_sign(&sig, &hash, &secret));
    struct vpr_address operator_address = vpr_address_secp256k1(key);
    struct vpr_bytes secp = vpr_bytes_of(key, sizeof key);
    ck_assert(vpr_shadow_verify(&shadow, &sig, secp, &operator_address));
    /* Somebody else's valid signature, and keys of no length we know. */
    struct vpr_signature other;
    sign(&other, hash, &client);
    ck_assert(!vpr_shadow_verify(&shadow, &other, vpr_bytes_of(client.key.b, 32),
                                 &operator_address));
    struct vpr_address clients = vpr_address_ed25519(&client.key);
    ck_assert(vpr_shadow_verify(&shadow, &other, vpr_bytes_of(client.key.b, 32), &clients));
    for (size_t len = 0; len < sizeof key; len++) {
        ck_assert(!vpr_shadow_verify(&shadow, &sig, vpr_bytes_of(key, len), &operator_address));
    }
    shadow.body = vpr_bytes_str("{ }");
    ck_assert(!vpr_shadow_verify(&shadow, &sig, secp, &operator_address));
}
END_TEST

START_TEST(leaves_are_ordered_by_key_then_seq)
{
    struct vpr_leaf a = {request, receipt.res};
    struct vpr_leaf b = a;
    b.request.part.seq = UINT64_MAX;
    ck_assert_int_lt(vpr_leaf_cmp(&a, &b), 0);
    ck_assert_int_gt(vpr_leaf_cmp(&b, &a), 0);
    memset(a.request.part.client_key.b, 0xff, 32);
    ck_assert_int_gt(vpr_leaf_cmp(&a, &b), 0);
}
END_TEST

static struct vpr_sample sample_of(enum vpr_sample_answer answer)
{
    struct vpr_sample sample = {.request = request, .answer = answer, .latency_ms = 12};
    if (answer == VPR_SAMPLE_ANSWERED) {
        sample.receipt = receipt;
        sample.verdict = VPR_VERDICT_CORRECT;
    } else if (answer == VPR_SAMPLE_REFUSED) {
        sample.refusal = refusal;
    }
    return sample;
}

START_TEST(samples_read_back_and_count_by_their_receipt)
{
    static const size_t sizes[3] = {228, 358, 326};
    for (int answer = VPR_SAMPLE_SILENT; answer <= VPR_SAMPLE_REFUSED; answer++) {
        struct vpr_sample sample = sample_of((enum vpr_sample_answer)answer);
        struct vpr_sample back;
        uint8_t bytes[VPR_SAMPLE_BYTES_MAX];
        uint8_t again[VPR_SAMPLE_BYTES_MAX];
        size_t len = vpr_sample_encode(bytes, &sample);
        ck_assert_uint_eq(len, sizes[answer]);
        for (size_t cut = 0; cut < len; cut++) {
            ck_assert(!vpr_sample_decode(&back, vpr_bytes_of(bytes, cut)));
        }
        ck_assert(vpr_sample_decode(&back, vpr_bytes_of(bytes, len)));
        ck_assert_int_eq(back.answer, sample.answer);
        ck_assert_uint_eq(vpr_sample_encode(again, &back), len);
        ck_assert_mem_eq(again, bytes, len);
        ck_assert_uint_eq(vpr_sample_node(&back).sum, answer == VPR_SAMPLE_ANSWERED);
        ck_assert(vpr_sample_verify(&back, &relay.key));
        ck_assert(vpr_sample_verify(&back, &client.key) == (answer == VPR_SAMPLE_SILENT));
    }
}
END_TEST

START_TEST(a_sample_with_another_requests_answer_is_refused)
{
    struct vpr_sample sample = sample_of(VPR_SAMPLE_ANSWERED);
    sample.request.part.seq++;
    sign(&sample.request.signature, vpr_request_hash(&sample.request.part), &client);
    ck_assert(!vpr_sample_verify(&sample, &relay.key));
    sample = sample_of(VPR_SAMPLE_REFUSED);
    sample.request.part.seq++;
    sign(&sample.request.signature, vpr_request_hash(&sample.request.part), &client);
    ck_assert(!vpr_sample_verify(&sample, &relay.key));
    sample = sample_of(VPR_SAMPLE_SILENT);
    sample.request.signature.b[3] ^= 1;
    ck_assert(!vpr_sample_verify(&sample, &relay.key));
}
END_TEST

START_TEST(samples_of_a_shape_that_cannot_be_are_refused)
{
    struct vpr_sample sample = sample_of(VPR_SAMPLE_ANSWERED);
    struct vpr_sample back;
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX + VPR_REFUSAL_BYTES];
    size_t len = vpr_sample_encode(bytes, &sample);
    bytes[len - 1] = 3; /* no such verdict */
    ck_assert(!vpr_sample_decode(&back, vpr_bytes_of(bytes, len)));
    bytes[len - 1] = 1;
    bytes[VPR_SIGNED_REQUEST_BYTES + 3]++; /* a receipt of 131 bytes */
    ck_assert(!vpr_sample_decode(&back, vpr_bytes_of(bytes, len)));
    bytes[VPR_SIGNED_REQUEST_BYTES] = 0xff; /* of 4 GB */
    ck_assert(!vpr_sample_decode(&back, vpr_bytes_of(bytes, len)));
    /* Receipt and refusal both. */
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    w.len = VPR_SIGNED_REQUEST_BYTES;
    vpr_write_be32(&w, VPR_RECEIPT_BYTES);
    vpr_receipt_encode(bytes + w.len, &receipt);
    w.len += VPR_RECEIPT_BYTES;
    vpr_write_be32(&w, VPR_REFUSAL_BYTES);
    vpr_refusal_encode(bytes + w.len, &refusal);
    w.len += VPR_REFUSAL_BYTES;
    vpr_write_be64(&w, 1);
    vpr_write_be64(&w, 1);
    ck_assert(!vpr_sample_decode(&back, vpr_bytes_of(bytes, w.len)));
}
END_TEST

START_TEST(refusals_have_names)
{
    ck_assert_str_eq(vpr_refusal_name(VPR_REFUSED_QUOTA), "quota");
    ck_assert_str_eq(vpr_refusal_name(VPR_REFUSED_SIZE), "size");
    ck_assert_str_eq(vpr_refusal_name(0), "unknown");
    ck_assert_str_eq(vpr_refusal_name(VPR_REFUSED_MAX + 1), "unknown");
    for (uint16_t reason = 1; reason <= VPR_REFUSED_MAX; reason++) {
        ck_assert_str_ne(vpr_refusal_name(reason), "unknown");
    }
}
END_TEST

TCase *wire_tests(void)
{
    TCase *tcase = tcase_create("wire");
    tcase_add_checked_fixture(tcase, one_relay, NULL);
    tcase_add_test(tcase, only_the_exact_length_decodes);
    tcase_add_test(tcase, any_flipped_bit_breaks_the_signature);
    tcase_add_test(tcase, a_token_needs_one_of_the_gateway_keys);
    tcase_add_test(tcase, method_path_and_body_cannot_flow_into_each_other);
    tcase_add_test(tcase, a_receipt_is_no_refusal);
    tcase_add_test(tcase, a_shadow_post_is_signed_by_the_operators_own_key);
    tcase_add_test(tcase, leaves_are_ordered_by_key_then_seq);
    tcase_add_test(tcase, samples_read_back_and_count_by_their_receipt);
    tcase_add_test(tcase, a_sample_with_another_requests_answer_is_refused);
    tcase_add_test(tcase, samples_of_a_shape_that_cannot_be_are_refused);
    tcase_add_test(tcase, refusals_have_names);
    return tcase;
}
