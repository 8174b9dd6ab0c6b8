/* Every case of the protocol's golden vectors: the groups of bytes here, those of numbers in
 * test_protocol_numbers.c. */
#include "tests/golden/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/rules/card.h"
#include "app/rules/draw.h"
#include "app/rules/ids.h"
#include "app/rules/leaf.h"
#include "app/rules/sample.h"
#include "app/rules/token.h"

/* --- H ------------------------------------------------------------------------------- */

static void hash_scalar(struct vpr_hasher *h, json_t *part)
{
    const char *kind;
    json_t *value;
    json_object_foreach(part, kind, value) {
        if (strcmp(kind, "int") == 0) {
            vpr_hasher_u64(h, vec_u64(value));
        } else if (strcmp(kind, "u16") == 0) {
            vpr_hasher_u16(h, (uint16_t)vec_u64(value));
        } else if (strcmp(kind, "fixed") == 0) {
            struct vpr_bytes bytes = vec_hex(value);
            vpr_hasher_fixed(h, bytes.data, bytes.len);
        } else if (strcmp(kind, "var") == 0) {
            vpr_hasher_var(h, vec_hex(value));
        } else {
            ck_abort_msg("unknown part %s", kind);
        }
    }
}

START_TEST(tagged_hashes_are_those_of_the_protocol)
{
    size_t i, j, k;
    json_t *item, *part, *inner;
    VEC_EACH(vec_group("H", NULL), i, item) {
        const char *id = vec_case(item);
        struct vpr_hasher h;
        vpr_hasher_start(&h, json_string_value(vec_get(item, "tag")));
        VEC_EACH(vec_get(item, "parts"), j, part) {
            json_t *list = json_object_get(part, "list");
            if (list == NULL) {
                hash_scalar(&h, part);
                continue;
            }
            vpr_hasher_u32(&h, (uint32_t)json_array_size(list));
            VEC_EACH(list, k, inner) {
                hash_scalar(&h, inner);
            }
        }
        struct vpr_hash hash = vpr_hasher_end(&h);
        vec_same(id, "hash", vec_get(item, "hash"), hash.b, sizeof hash.b);
    }
}
END_TEST

/* --- addresses ----------------------------------------------------------------------- */

static void check_text(const char *id, enum vpr_prefix prefix,
                       const struct vpr_address *address, json_t *want)
{
    char text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_address back;
    vpr_address_text(text, prefix, address);
    ck_assert_msg(strcmp(text, json_string_value(want)) == 0, "%s: %s", id, text);
    ck_assert(vpr_address_parse(&back, prefix, vpr_bytes_str(text)));
    ck_assert(vpr_address_equal(&back, address));
    /* The same characters are no address of another kind. */
    for (int other = VPR_PREFIX_ACCOUNT; other <= VPR_PREFIX_VALCONS; other++) {
        if (other != (int)prefix) {
            ck_assert(!vpr_address_parse(&back, (enum vpr_prefix)other, vpr_bytes_str(text)));
        }
    }
}

START_TEST(addresses_come_from_keys_and_print_as_bech32)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("addresses", "good"), i, item) {
        const char *id = vec_case(item);
        struct vpr_hash secret = vec_hash(vec_get(item, "secret"));
        struct vpr_address address;
        if (strcmp(json_string_value(vec_get(item, "type")), "secp256k1") == 0) {
            uint8_t key[VPR_SECP_KEY_BYTES];
            ck_assert(vpr_secp256k1_public(key, &secret));
            vec_same(id, "key", vec_get(item, "key"), key, sizeof key);
            address = vpr_address_secp256k1(key);
            check_text(id, VPR_PREFIX_VALOPER, &address, vec_get(item, "valoper"));
        } else {
            struct vpr_hash key;
            uint8_t pair[64];
            vpr_ed25519_keypair(&key, pair, &secret);
            vec_same(id, "key", vec_get(item, "key"), key.b, sizeof key.b);
            address = vpr_address_ed25519(&key);
            check_text(id, VPR_PREFIX_VALCONS, &address, vec_get(item, "valcons"));
        }
        vec_same(id, "address", vec_get(item, "address"), address.b, sizeof address.b);
        check_text(id, VPR_PREFIX_ACCOUNT, &address, vec_get(item, "viper"));
    }
}
END_TEST

START_TEST(misspelt_addresses_are_refused)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("addresses", "refused"), i, item) {
        const char *id = vec_case(item);
        struct vpr_address address;
        for (int prefix = VPR_PREFIX_ACCOUNT; prefix <= VPR_PREFIX_VALCONS; prefix++) {
            ck_assert_msg(!vpr_address_parse(&address, (enum vpr_prefix)prefix,
                                             vec_text(vec_get(item, "text"))),
                          "%s: accepted", id);
        }
    }
}
END_TEST

/* --- beacon, session ids ------------------------------------------------------------- */

START_TEST(beacon_follows_reveals_and_skips)
{
    size_t i;
    json_t *item;
    json_t *group = vec_group("beacon", NULL);
    struct vpr_hash ends[2] = {vec_hash(vec_get(group, "end_v0")),
                               vec_hash(vec_get(group, "end_v1"))};
    struct vpr_hash b = vpr_beacon_genesis(vec_text(vec_get(group, "chain_id")));
    vec_same("B_0", "beacon", vec_get(group, "B_0"), b.b, sizeof b.b);
    VEC_EACH(vec_get(group, "steps"), i, item) {
        const char *id = vec_case(item);
        const char *label = json_string_value(vec_get(item, "proposer"));
        struct vpr_address proposer = vec_address(vec_get(item, "proposer"));
        struct vpr_hash *end = strcmp(label, "v0") == 0   ? &ends[0]
                               : strcmp(label, "v1") == 0 ? &ends[1]
                                                          : NULL;
        json_t *preimage = vec_get(item, "preimage");
        if (json_is_null(preimage)) {
            b = vpr_beacon_skip(&b, &proposer);
        } else {
            struct vpr_hash x = vec_hash(preimage);
            struct vpr_hash link = vpr_beacon_link(&x);
            ck_assert_msg(end != NULL && vpr_hash_equal(&link, end), "%s: no preimage", id);
            *end = x;
            b = vpr_beacon_reveal(&b, &x);
        }
        vec_same(id, "B", vec_get(item, "B"), b.b, sizeof b.b);
        if (end != NULL) {
            vec_same(id, "end", vec_get(item, "end_after"), end->b, sizeof end->b);
        }
    }
    /* Both chains reach back to their tips: v1's is used up. */
    vec_same("tip_v1", "tip", vec_get(group, "tip_v1"), ends[1].b, sizeof ends[1].b);
    struct vpr_hash link = vec_hash(vec_get(group, "tip"));
    struct vpr_hash end = vec_hash(vec_get(group, "end_v0"));
    unsigned links = 0;
    while (!vpr_hash_equal(&link, &end)) {
        link = vpr_beacon_link(&link);
        ck_assert_uint_lt(links++, 1000);
    }
    json_t *refused = vec_get(group, "refused");
    const char *id = vec_case(refused);
    struct vpr_hash x = vec_hash(vec_get(refused, "preimage"));
    link = vpr_beacon_link(&x);
    end = vec_hash(vec_get(refused, "end"));
    ck_assert_msg(!vpr_hash_equal(&link, &end), "%s: accepted", id);
}
END_TEST

START_TEST(session_ids_and_draw_keys)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("sid", NULL), i, item) {
        const char *id = vec_case(item);
        struct vpr_address requestor = vec_address(vec_get(item, "requestor"));
        struct vpr_hash seed = vec_hash(vec_get(item, "seed"));
        struct vpr_hash sid = vpr_sid(vec_text(vec_get(item, "chain_id")),
                                      vec_u64(vec_get(item, "s")), &requestor,
                                      (uint16_t)vec_u64(vec_get(item, "chain")),
                                      (uint16_t)vec_u64(vec_get(item, "zone")));
        struct vpr_hash key = vpr_draw_key(&sid, &seed);
        vec_same(id, "sid", vec_get(item, "sid"), sid.b, sizeof sid.b);
        vec_same(id, "key", vec_get(item, "key"), key.b, sizeof key.b);
    }
}
END_TEST

/* --- signed structures --------------------------------------------------------------- */

/* The deterministic signature of `hash` by the case's signer is the one in the file. */
static void check_signer(const char *id, json_t *item, const struct vpr_hash *hash)
{
    struct vpr_hash seed = vec_hash(vec_get(item, "signer"));
    struct vpr_hash key;
    uint8_t secret[64];
    struct vpr_signature signature;
    vec_same(id, "hash", vec_get(item, "hash"), hash->b, sizeof hash->b);
    vpr_ed25519_keypair(&key, secret, &seed);
    if (json_object_get(item, "signer_key") != NULL) {
        vec_same(id, "signer key", vec_get(item, "signer_key"), key.b, sizeof key.b);
    }
    vpr_ed25519_sign(&signature, hash->b, sizeof hash->b, secret);
    vec_same(id, "signature", vec_get(item, "signature"), signature.b, sizeof signature.b);
}

static struct vpr_hash key_of(json_t *item)
{
    struct vpr_hash seed = vec_hash(vec_get(item, "signer"));
    struct vpr_hash key;
    uint8_t secret[64];
    vpr_ed25519_keypair(&key, secret, &seed);
    return key;
}

static void check_token(const char *id, json_t *item)
{
    struct vpr_token token = {vec_hash(vec_get(item, "sid")),
                              vec_hash(vec_get(item, "client_key")),
                              vec_signature(vec_get(item, "signature"))};
    struct vpr_hash hash = vpr_token_hash(&token);
    struct vpr_hash gateway = key_of(item);
    check_signer(id, item, &hash);
    ck_assert(vpr_token_verify(&token, &gateway));
    ck_assert(!vpr_token_verify(&token, &token.client_key));
}

static struct vpr_signed_request request_of(json_t *item)
{
    return (struct vpr_signed_request){
        {vec_hash(vec_get(item, "sid")), vec_address(vec_get(item, "servicer")),
         vec_hash(vec_get(item, "client_key")), vec_u64(vec_get(item, "seq")),
         vec_u64(vec_get(item, "cum_cu")), vec_u64(vec_get(item, "cu")),
         vpr_req_hash(vec_text(vec_get(item, "method")), vec_text(vec_get(item, "path")),
                      vec_hex(vec_get(item, "body")))},
        vec_signature(vec_get(item, "signature"))};
}

static void check_request(const char *id, json_t *item)
{
    struct vpr_signed_request request = request_of(item);
    uint8_t bytes[VPR_REQUEST_BYTES];
    struct vpr_hash hash = vpr_request_hash(&request.part);
    struct vpr_hash part = vpr_request_part_hash(&request.part);
    vec_same(id, "req", vec_get(item, "req"), request.part.req.b, sizeof part.b);
    vpr_request_encode(bytes, &request.part);
    vec_same(id, "part", vec_get(item, "part"), bytes, sizeof bytes);
    vec_same(id, "H(request-part)", vec_get(item, "request_part_hash"), part.b, sizeof part.b);
    check_signer(id, item, &hash);
    ck_assert(vpr_request_verify(&request.part, &request.signature));
    request.part.cum_cu ^= 1;
    ck_assert(!vpr_request_verify(&request.part, &request.signature));
}

static json_t *request_named(json_t *name)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("signed", NULL), i, item) {
        if (json_equal(vec_get(item, "id"), name)) {
            return item;
        }
    }
    ck_abort_msg("no request %s", json_string_value(name));
    return NULL;
}

static void check_receipt(const char *id, json_t *item)
{
    struct vpr_leaf leaf = {.request = request_of(request_named(vec_get(item, "request")))};
    uint16_t status = (uint16_t)vec_u64(vec_get(item, "status"));
    struct vpr_receipt receipt = {vpr_request_part_hash(&leaf.request.part), status,
                                  vpr_res_hash(status, vec_hex(vec_get(item, "body"))),
                                  vec_signature(vec_get(item, "signature"))};
    uint8_t bytes[VPR_RECEIPT_BYTES];
    uint8_t leaf_bytes[VPR_LEAF_BYTES];
    struct vpr_hash hash = vpr_receipt_hash(&receipt);
    struct vpr_hash relay = key_of(item);
    vec_same(id, "res", vec_get(item, "res"), receipt.res.b, sizeof receipt.res.b);
    vpr_receipt_encode(bytes, &receipt);
    vec_same(id, "receipt", vec_get(item, "receipt"), bytes, sizeof bytes);
    check_signer(id, item, &hash);
    ck_assert(vpr_receipt_verify(&receipt, &relay));
    leaf.res = receipt.res;
    vpr_leaf_encode(leaf_bytes, &leaf);
    vec_same(id, "leaf", vec_get(item, "leaf"), leaf_bytes, sizeof leaf_bytes);
    struct vpr_sumnode node = vpr_leaf_node(&leaf);
    vec_same(id, "leaf hash", vec_get(item, "leaf_hash"), node.hash.b, sizeof node.hash.b);
    VEC_EQUAL(id, vec_u64(vec_get(item, "leaf_sum")), node.sum);
    receipt.status ^= 1;
    ck_assert(!vpr_receipt_verify(&receipt, &relay));
}

static void check_refusal(const char *id, json_t *item)
{
    struct vpr_signed_request request = request_of(request_named(vec_get(item, "request")));
    struct vpr_refusal refusal = {vpr_request_part_hash(&request.part),
                                  (uint16_t)vec_u64(vec_get(item, "reason")),
                                  vec_signature(vec_get(item, "signature"))};
    uint8_t bytes[VPR_REFUSAL_BYTES];
    struct vpr_hash hash = vpr_refusal_hash(&refusal);
    struct vpr_hash relay = key_of(item);
    vpr_refusal_encode(bytes, &refusal);
    vec_same(id, "refusal", vec_get(item, "refusal"), bytes, sizeof bytes);
    check_signer(id, item, &hash);
    ck_assert(vpr_refusal_verify(&refusal, &relay));
    refusal.reason ^= 4;
    ck_assert(!vpr_refusal_verify(&refusal, &relay));
}

static void check_shadow(const char *id, json_t *item)
{
    struct vpr_shadow shadow = {vec_hash(vec_get(item, "sid")),
                                vec_address(vec_get(item, "servicer")),
                                vec_text(vec_get(item, "method")),
                                vec_text(vec_get(item, "path")),
                                vec_hex(vec_get(item, "body")),
                                vec_u64(vec_get(item, "nonce"))};
    struct vpr_hash hash = vpr_shadow_hash(&shadow);
    struct vpr_hash key = key_of(item);
    struct vpr_address operator_address = vpr_address_ed25519(&key);
    struct vpr_signature signature = vec_signature(vec_get(item, "signature"));
    check_signer(id, item, &hash);
    ck_assert(vpr_shadow_verify(&shadow, &signature, vpr_bytes_of(key.b, sizeof key.b),
                                &operator_address));
    shadow.nonce ^= 1;
    ck_assert(!vpr_shadow_verify(&shadow, &signature, vpr_bytes_of(key.b, sizeof key.b),
                                 &operator_address));
}

START_TEST(signed_structures_have_the_protocols_bytes)
{
    static const struct {
        const char *prefix;
        void (*check)(const char *id, json_t *item);
    } kinds[] = {
        {"signed-token", check_token},     {"signed-request", check_request},
        {"signed-receipt", check_receipt}, {"signed-refusal", check_refusal},
        {"signed-shadow", check_shadow},
    };
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("signed", NULL), i, item) {
        const char *id = vec_case(item);
        size_t kind = 0;
        while (kind < VPR_COUNT(kinds) &&
               strncmp(id, kinds[kind].prefix, strlen(kinds[kind].prefix)) != 0) {
            kind++;
        }
        ck_assert_msg(kind < VPR_COUNT(kinds), "%s: unknown kind", id);
        kinds[kind].check(id, item);
    }
}
END_TEST

/* --- trees --------------------------------------------------------------------------- */

static struct vpr_sumnode *labelled_leaves(size_t count)
{
    struct vpr_sumnode *leaves = VPR_ARENA_ARRAY(&vec_arena, struct vpr_sumnode, count);
    for (size_t i = 0; i < count; i++) {
        char *text = vpr_arena_text(&vec_arena, "leaf-%zu", i);
        leaves[i] = (struct vpr_sumnode){vpr_sha256(text, strlen(text)), i * 37 % 100 + 1};
    }
    return leaves;
}

/* The branch in the file is the one we make, and leads to the root. */
static void check_branch(const char *id, json_t *siblings, const struct vpr_sumnode *leaves,
                         size_t count, size_t index, uint64_t before,
                         const struct vpr_sumnode *root)
{
    struct vpr_sumbranch branch;
    struct vpr_sumnode reached;
    uint64_t start;
    size_t i;
    json_t *pair;
    ck_assert(vpr_sumtree_branch(&branch, leaves, count, index));
    VEC_EQUAL(id, json_array_size(siblings), branch.depth);
    VEC_EACH(siblings, i, pair) {
        struct vpr_sumnode want = vec_node(pair);
        ck_assert_msg(vpr_hash_equal(&want.hash, &branch.siblings[i].hash), "%s: sibling", id);
        VEC_EQUAL(id, want.sum, branch.siblings[i].sum);
    }
    ck_assert(vpr_sumtree_climb(&reached, &start, &leaves[index], count, &branch));
    ck_assert_msg(vpr_hash_equal(&reached.hash, &root->hash), "%s: root", id);
    VEC_EQUAL(id, root->sum, reached.sum);
    VEC_EQUAL(id, before, start);
}

START_TEST(sum_trees_and_their_branches)
{
    size_t i, j;
    json_t *item, *branch;
    VEC_EACH(vec_group("sum_tree", NULL), i, item) {
        const char *id = vec_case(item);
        size_t count = vec_u64(vec_get(item, "leaves"));
        struct vpr_sumnode *leaves = labelled_leaves(count);
        struct vpr_sumnode root;
        ck_assert(vpr_sumtree_root(&root, leaves, count));
        vec_same(id, "root", vec_get(item, "root"), root.hash.b, sizeof root.hash.b);
        VEC_EQUAL(id, vec_u64(vec_get(item, "sum")), root.sum);
        VEC_EACH(vec_get(item, "branches"), j, branch) {
            check_branch(id, vec_get(branch, "siblings"), leaves, count,
                         vec_u64(vec_get(branch, "index")), vec_u64(vec_get(branch, "before")),
                         &root);
        }
    }
}
END_TEST

/* --- cards --------------------------------------------------------------------------- */

static struct vpr_card card_of(json_t *item)
{
    struct vpr_card card = {.count = 0};
    size_t i;
    json_t *line;
    VEC_EACH(vec_get(item, "lines"), i, line) {
        card.lines[card.count++] =
            (struct vpr_card_line){vec_address(vec_at(line, 0)), vec_u64(vec_at(line, 1)),
                                   vec_u64(vec_at(line, 2)),     vec_u64(vec_at(line, 3)),
                                   vec_u64(vec_at(line, 4)),     vec_u64(vec_at(line, 5)),
                                   vec_u64(vec_at(line, 6))};
    }
    card.root = vec_hash(vec_get(item, "root"));
    return card;
}

/* Nodes of the samples of a card; each decodes, encodes to the same bytes and verifies. */
static struct vpr_sumnode *sample_nodes(const char *id, json_t *samples)
{
    size_t count = json_array_size(samples);
    struct vpr_sumnode *nodes = VPR_ARENA_ARRAY(&vec_arena, struct vpr_sumnode, count);
    struct vpr_hash seed = vpr_sha256("relay", 5);
    struct vpr_hash relay;
    uint8_t secret[64];
    size_t i;
    json_t *item;
    vpr_ed25519_keypair(&relay, secret, &seed);
    VEC_EACH(samples, i, item) {
        struct vpr_bytes bytes = vec_hex(vec_get(item, "bytes"));
        struct vpr_address servicer = vec_address(vec_get(item, "servicer"));
        struct vpr_sample sample;
        uint8_t again[VPR_SAMPLE_BYTES_MAX];
        ck_assert_msg(vpr_sample_decode(&sample, bytes), "%s: sample %zu", id, i);
        size_t len = vpr_sample_encode(again, &sample);
        vec_same(id, "sample", vec_get(item, "bytes"), again, len);
        ck_assert(vpr_address_equal(&sample.request.part.servicer, &servicer));
        ck_assert_msg(vpr_sample_verify(&sample, &relay), "%s: signatures of %zu", id, i);
        nodes[i] = vpr_sample_node(&sample);
        vec_same(id, "node", vec_get(item, "leaf"), nodes[i].hash.b, sizeof nodes[i].hash.b);
        VEC_EQUAL(id, vec_u64(vec_get(item, "sum")), nodes[i].sum);
    }
    return nodes;
}

static void check_opened(const char *id, json_t *item, const struct vpr_card *card,
                         const struct vpr_sumnode *nodes, const struct vpr_sumnode *root,
                         uint64_t sent)
{
    struct vpr_hash sid = vec_hash(vec_get(item, "sid"));
    struct vpr_address fisherman = vec_address(vec_get(item, "fisherman"));
    size_t i;
    json_t *opened;
    VEC_EACH(vec_get(item, "opened"), i, opened) {
        struct vpr_hash challenge = vec_hash(vec_get(opened, "challenge"));
        struct vpr_address servicer = vec_address(vec_get(opened, "servicer"));
        uint64_t position = vpr_card_position(&challenge, &sid, &fisherman,
                                              vec_u64(vec_get(opened, "i")), sent);
        uint64_t before = 0;
        VEC_EQUAL(id, vec_u64(vec_get(opened, "position")), position);
        for (uint64_t j = 0; j < position; j++) {
            before += nodes[j].sum;
        }
        const struct vpr_card_line *line = &card->lines[vpr_card_line_at(card, position)];
        ck_assert(vpr_address_equal(&line->servicer, &servicer));
        check_branch(id, vec_get(opened, "siblings"), nodes, sent, position, before, root);
    }
}

START_TEST(report_cards_seal_and_open)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("card", "cards"), i, item) {
        const char *id = vec_case(item);
        struct vpr_card card = card_of(item);
        struct vpr_card back;
        struct vpr_hash salt = vec_hash(vec_get(item, "salt"));
        struct vpr_hash sid = vec_hash(vec_get(item, "sid"));
        struct vpr_address fisherman = vec_address(vec_get(item, "fisherman"));
        struct vpr_hash seal = vpr_card_seal(&card, &salt, &sid, &fisherman);
        uint8_t bytes[VPR_CARD_BYTES_MAX];
        uint8_t again[VPR_CARD_BYTES_MAX];
        uint64_t sent, answered;
        size_t len = vpr_card_encode(bytes, &card);
        vec_same(id, "card", vec_get(item, "card"), bytes, len);
        ck_assert(vpr_card_decode(&back, vpr_bytes_of(bytes, len)));
        vec_same(id, "decoded", vec_get(item, "card"), again, vpr_card_encode(again, &back));
        vec_same(id, "seal", vec_get(item, "seal"), seal.b, sizeof seal.b);
        ck_assert(vpr_card_ok(&card, &sent, &answered));
        VEC_EQUAL(id, vec_u64(vec_get(item, "root_sum")), answered);
        json_t *samples = json_object_get(item, "samples"); /* an empty card has none */
        VEC_EQUAL(id, json_array_size(samples), sent);
        struct vpr_sumnode *nodes = sample_nodes(id, samples);
        struct vpr_sumnode root;
        ck_assert(vpr_sumtree_root(&root, nodes, sent));
        ck_assert_msg(vpr_hash_equal(&root.hash, &card.root), "%s: root", id);
        VEC_EQUAL(id, answered, root.sum);
        check_opened(id, item, &card, nodes, &root, sent);
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("golden protocol");
    TCase *bytes = tcase_create("bytes");
    tcase_add_test(bytes, tagged_hashes_are_those_of_the_protocol);
    tcase_add_test(bytes, addresses_come_from_keys_and_print_as_bech32);
    tcase_add_test(bytes, misspelt_addresses_are_refused);
    tcase_add_test(bytes, beacon_follows_reveals_and_skips);
    tcase_add_test(bytes, session_ids_and_draw_keys);
    tcase_add_test(bytes, signed_structures_have_the_protocols_bytes);
    tcase_add_test(bytes, sum_trees_and_their_branches);
    tcase_add_test(bytes, report_cards_seal_and_open);
    suite_add_tcase(suite, bytes);
    suite_add_tcase(suite, vec_numbers());

    vpr_sig_init();
    vec_open(argc > 1 ? argv[1] : VPR_GOLDEN_PROTOCOL);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* the count of cases is kept here */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    printf("%u cases\n", vec_cases);
    srunner_free(runner);
    vec_close();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
