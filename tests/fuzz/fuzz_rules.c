/* Throws bent and random bytes at every decoder of app/rules and base/bytes.
 *
 * A decoder either refuses or gives back a structure that encodes to the very same bytes;
 * whatever it accepts can be hashed and verified without harm.  Each input lies in a heap
 * block of its exact size, so that a sanitizer sees a read beyond it.  The seed is printed;
 * FUZZ_SECONDS and FUZZ_SEED make a run longer and repeatable. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/base/bytes.h"
#include "app/rules/card.h"
#include "app/rules/ids.h"
#include "app/rules/leaf.h"
#include "app/rules/sample.h"
#include "app/rules/token.h"

#define INPUT_MAX 2048
#define SECONDS UINT64_C(2)
#define ROUNDS_MAX UINT64_C(1000000000)

static uint64_t state;
static uint64_t accepted;

static uint64_t next(void) /* splitmix64 */
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(next() % n);
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_rules: %s\n", what);
        abort();
    }
}

/* The decoder gave what encodes to `again`; it must be the input. */
static void same(struct vpr_bytes input, const uint8_t *again, size_t len, const char *what)
{
    accepted++;
    require(vpr_bytes_equal(input, vpr_bytes_of(again, len)), what);
}

static void try_token(struct vpr_bytes in)
{
    struct vpr_token token;
    uint8_t out[VPR_TOKEN_BYTES];
    if (vpr_token_decode(&token, in)) {
        vpr_token_encode(out, &token);
        same(in, out, sizeof out, "token");
        require(!vpr_token_verify(&token, &token.client_key), "a forged token");
    }
}

static void try_request(struct vpr_bytes in)
{
    struct vpr_request request;
    struct vpr_signed_request both;
    uint8_t out[VPR_SIGNED_REQUEST_BYTES];
    if (vpr_request_decode(&request, in)) {
        vpr_request_encode(out, &request);
        same(in, out, VPR_REQUEST_BYTES, "request");
    }
    if (vpr_signed_request_decode(&both, in)) {
        vpr_signed_request_encode(out, &both);
        same(in, out, sizeof out, "signed request");
        require(!vpr_request_verify(&both.part, &both.signature), "a forged request");
    }
}

static void try_answer(struct vpr_bytes in)
{
    struct vpr_receipt receipt;
    struct vpr_refusal refusal;
    uint8_t out[VPR_RECEIPT_BYTES];
    if (vpr_receipt_decode(&receipt, in)) {
        vpr_receipt_encode(out, &receipt);
        same(in, out, VPR_RECEIPT_BYTES, "receipt");
        require(!vpr_receipt_verify(&receipt, &receipt.res), "a forged receipt");
    }
    if (vpr_refusal_decode(&refusal, in)) {
        vpr_refusal_encode(out, &refusal);
        same(in, out, VPR_REFUSAL_BYTES, "refusal");
        require(strlen(vpr_refusal_name(refusal.reason)) > 0, "a reason without a name");
    }
}

static void try_leaf(struct vpr_bytes in)
{
    struct vpr_leaf leaf;
    uint8_t out[VPR_LEAF_BYTES];
    if (vpr_leaf_decode(&leaf, in)) {
        vpr_leaf_encode(out, &leaf);
        same(in, out, sizeof out, "leaf");
        require(vpr_leaf_node(&leaf).sum == leaf.request.part.cu, "the sum of a leaf");
        require(vpr_leaf_cmp(&leaf, &leaf) == 0, "a leaf is itself");
    }
}

static void try_sample(struct vpr_bytes in)
{
    struct vpr_sample sample;
    uint8_t out[VPR_SAMPLE_BYTES_MAX];
    if (vpr_sample_decode(&sample, in)) {
        same(in, out, vpr_sample_encode(out, &sample), "sample");
        require(vpr_sample_node(&sample).sum <= 1, "the sum of a sample");
        require(!vpr_sample_verify(&sample, &sample.request.part.sid), "a forged sample");
    }
}

static void try_card(struct vpr_bytes in)
{
    struct vpr_card card;
    uint8_t out[VPR_CARD_BYTES_MAX];
    uint64_t sent, answered;
    if (!vpr_card_decode(&card, in)) {
        return;
    }
    same(in, out, vpr_card_encode(out, &card), "card");
    if (vpr_card_ok(&card, &sent, &answered) && sent > 0) {
        require(answered <= sent, "more answers than samples");
        require(vpr_card_line_at(&card, next() % sent) < card.count, "a position");
    }
}

/* One of the four spellings: either alphabet, padded or not. */
static bool base64_spelling(struct vpr_bytes in, struct vpr_bytes plain)
{
    char text[VPR_BASE64_MAX(INPUT_MAX)];
    size_t padded = vpr_base64(text, plain);
    size_t bare = padded;
    while (bare > 0 && text[bare - 1] == '=') {
        bare--;
    }
    if (vpr_bytes_equal(in, vpr_bytes_of(text, padded)) ||
        vpr_bytes_equal(in, vpr_bytes_of(text, bare))) {
        return true;
    }
    require(vpr_base64url(text, plain) == bare, "the alphabets differ in length");
    memset(text + bare, '=', padded - bare);
    return vpr_bytes_equal(in, vpr_bytes_of(text, bare)) ||
           vpr_bytes_equal(in, vpr_bytes_of(text, padded));
}

static void try_text(struct vpr_bytes in)
{
    struct vpr_address address;
    uint16_t id;
    uint8_t bytes[INPUT_MAX];
    size_t len;
    char text[VPR_BASE64_MAX(INPUT_MAX)];
    for (int prefix = VPR_PREFIX_ACCOUNT; prefix <= VPR_PREFIX_VALCONS; prefix++) {
        if (vpr_address_parse(&address, (enum vpr_prefix)prefix, in)) {
            vpr_address_text(text, (enum vpr_prefix)prefix, &address);
            same(in, (const uint8_t *)text, strlen(text), "address");
        }
    }
    if (vpr_id16_parse(&id, in)) {
        accepted++;
        vpr_id16_text(text, id);
        require(in.len == 4, "an id of another length");
    }
    if (vpr_unbase64(bytes, &len, in)) {
        accepted++;
        require(base64_spelling(in, vpr_bytes_of(bytes, len)), "base64");
    }
}

static void try_branch(struct vpr_bytes in)
{
    struct vpr_reader r = vpr_reader(in);
    struct vpr_sumbranch branch;
    struct vpr_sumnode leaf, root;
    uint64_t before;
    memset(&branch, 0, sizeof branch);
    uint64_t count = vpr_read_be64(&r) >> (next() % 64);
    branch.index = vpr_read_be64(&r) >> (next() % 64);
    branch.depth = (uint32_t)(vpr_read_u8(&r) % 70);
    vpr_read(&r, &leaf, sizeof leaf);
    for (uint32_t i = 0; i < VPR_SUMTREE_SIBLINGS_MAX; i++) {
        vpr_read(&r, branch.siblings[i].hash.b, 32);
        branch.siblings[i].sum = vpr_read_be64(&r) >> (next() % 64);
    }
    if (vpr_sumtree_climb(&root, &before, &leaf, count, &branch)) {
        accepted++;
        require(before <= root.sum && root.sum - before >= leaf.sum, "an interval");
        require(branch.index < count, "an index");
    }
}

/* Lengths of well-formed structures: most inputs should reach behind the length check. */
static const size_t lengths[] = {VPR_TOKEN_BYTES,   VPR_REQUEST_BYTES,
                                 VPR_SIGNED_REQUEST_BYTES, VPR_RECEIPT_BYTES,
                                 VPR_REFUSAL_BYTES, VPR_LEAF_BYTES,
                                 228,               326,
                                 358,               36,
                                 104,               172,
                                 VPR_CARD_BYTES_MAX, 44};

static size_t make_sample(uint8_t *out)
{
    struct vpr_sample sample;
    memset(&sample, 0, sizeof sample);
    sample.request.part.seq = next();
    sample.answer = (enum vpr_sample_answer)below(3);
    sample.receipt.status = (uint16_t)next();
    sample.refusal.reason = (uint16_t)below(13);
    sample.latency_ms = next() >> below(64);
    sample.verdict = (enum vpr_verdict)below(3);
    return vpr_sample_encode(out, &sample);
}

static size_t make_card(uint8_t *out)
{
    struct vpr_card card;
    memset(&card, 0, sizeof card);
    card.count = (uint32_t)below(VPR_CARD_LINES_MAX + 1);
    for (uint32_t i = 0; i < card.count; i++) {
        struct vpr_card_line *line = &card.lines[i];
        line->servicer.b[0] = (uint8_t)i;
        line->sent = next() >> below(64);
        line->refused = line->sent / (1 + below(9));
        line->answered = line->sent - line->refused;
        line->checked = line->answered / (1 + below(3));
        line->correct = line->checked / (1 + below(3));
        card.root.b[0] = 1;
    }
    return vpr_card_encode(out, &card);
}

static size_t make_text(uint8_t *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=";
    struct vpr_address address;
    char text[VPR_ADDRESS_TEXT_MAX];
    if (below(2) == 0) {
        size_t len = below(40);
        for (size_t i = 0; i < len; i++) {
            out[i] = (uint8_t)alphabet[below(sizeof alphabet - 1)];
        }
        return len;
    }
    for (size_t i = 0; i < sizeof address.b; i++) {
        address.b[i] = (uint8_t)next();
    }
    vpr_address_text(text, (enum vpr_prefix)below(3), &address);
    memcpy(out, text, strlen(text));
    return strlen(text);
}

static size_t make(uint8_t *out)
{
    switch (below(4)) {
    case 0:
        return make_sample(out);
    case 1:
        return make_card(out);
    case 2:
        return make_text(out);
    default:
        break;
    }
    size_t len = below(4) == 0 ? below(INPUT_MAX - 16) : lengths[below(VPR_COUNT(lengths))];
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)next();
    }
    return len;
}

static size_t bend(uint8_t *data, size_t len)
{
    for (size_t changes = below(4); changes > 0; changes--) {
        size_t at = len > 0 ? below(len) : 0;
        switch (below(4)) {
        case 0:
            len = at;
            break;
        case 1:
            if (len > 0) {
                data[at] ^= (uint8_t)(1 << below(8));
            }
            break;
        case 2:
            if (len < INPUT_MAX) {
                data[len++] = (uint8_t)next();
            }
            break;
        default:
            if (len > 0) {
                data[at] = below(2) == 0 ? 0xff : 0;
            }
            break;
        }
    }
    return len;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

int main(void)
{
    static void (*const targets[])(struct vpr_bytes) = {
        try_token,  try_request, try_answer, try_leaf,
        try_sample, try_card,    try_text,   try_branch,
    };
    time_t end = time(NULL) + (time_t)setting("FUZZ_SECONDS", SECONDS);
    uint64_t rounds = 0;
    uint8_t data[INPUT_MAX];
    state = setting("FUZZ_SEED", (uint64_t)time(NULL));
    printf("fuzz_rules FUZZ_SEED=%" PRIu64 "\n", state);
    (void)fflush(stdout);
    vpr_sig_init();
    for (; rounds < ROUNDS_MAX && (rounds % 1024 != 0 || time(NULL) < end); rounds++) {
        size_t len = bend(data, make(data));
        uint8_t *exact = malloc(len > 0 ? len : 1);
        if (exact == NULL) {
            return EXIT_FAILURE;
        }
        memcpy(exact, data, len);
        for (size_t i = 0; i < VPR_COUNT(targets); i++) {
            targets[i](vpr_bytes_of(exact, len));
        }
        free(exact);
    }
    printf("%" PRIu64 " inputs, accepted %" PRIu64 " times and read back\n", rounds, accepted);
    require(accepted > rounds / 20, "hardly anything was accepted: the inputs are no good");
    return EXIT_SUCCESS;
}
