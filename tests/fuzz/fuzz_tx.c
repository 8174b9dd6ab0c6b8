/* Throws transactions at a chain in memory: every message of the tables with fields that are
 * half right, signed well, and the same bytes bent after signing.
 *
 * Whatever comes is executed or refused with a code; a bent transaction is refused and changes
 * nothing; after every block all invariants hold.  FUZZ_SECONDS and FUZZ_SEED as elsewhere. */
#include <check.h>

#include "tests/fuzz/mutate.h"
#include "tests/unit/world.h"

#define DEPTH_MAX 4
#define FEE UINT64_C(100000)

static struct world *w;
static struct mutator m;
static uint64_t done, refused, bent, codes[256];

static const char *const labels[] = {
    "alice",
    "bob",
    "validator1",
    "validator1.owner",
    "servicer1",
    "servicer1.owner",
    "servicer2",
    "servicer3.owner",
    "fisherman1",
    "fisherman1.owner",
    "fisherman2",
    "requestor1",
    "requestor1.owner",
    "carol",
};

static uint64_t next(void)
{
    return mutator_next(&m);
}

static size_t below(size_t n)
{
    return mutator_below(&m, n);
}

static const char *some_label(void)
{
    return labels[below(VPR_COUNT(labels))];
}

/* Around what the chain is at, small, round, or anything. */
static uint64_t some_number(void)
{
    uint64_t session = vpr_session_current(&w->ctx).number;
    switch (below(8)) {
    case 0:
        return session;
    case 1:
        return session - 1;
    case 2:
        return session - 2;
    case 3:
        return 1;
    case 4:
        return below(20);
    case 5:
        return (uint64_t)1 << below(64);
    case 6:
        return 15000 * WORLD_VIPR + below(3);
    default:
        return next();
    }
}

static char *some_text(const char *field)
{
    static const char *const words[] = {
        "",  "http://127.0.0.1:8501", "https://x", "uvipr", "viper1", "17",
        "0", "4611686018427387904"};
    if (strcmp(field, "denom") == 0 && below(8) != 0) {
        return vpr_arena_text(&w->block, "uvipr");
    }
    if (strcmp(field, "amount") == 0 && below(4) != 0) {
        return vpr_arena_text(&w->block, "%" PRIu64, some_number());
    }
    if ((strstr(field, "url") != NULL && below(3) != 0) || below(12) == 0) {
        return vpr_arena_text(&w->block, "%s", words[below(VPR_COUNT(words))]);
    }
    return world_text(some_label());
}

static ProtobufCBinaryData some_bytes(void)
{
    struct vpr_hash key = world_ed25519(some_label());
    size_t len = below(6) == 0 ? below(300) : 32;
    uint8_t *data = vpr_arena_alloc(&w->block, len + 1);
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)next();
    }
    if (len == 32 && below(2) == 0) {
        memcpy(data, key.b, 32);
    }
    return (ProtobufCBinaryData){len, data};
}

static ProtobufCMessage *some_message(const ProtobufCMessageDescriptor *descriptor, int depth);

/* One value of the field's type at `at`. */
static void fill_one(const ProtobufCFieldDescriptor *field, void *at, int depth)
{
    union {
        uint32_t u32;
        uint64_t u64;
        char *text;
        ProtobufCBinaryData bytes;
        ProtobufCMessage *message;
    } v;
    memset(&v, 0, sizeof v);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        v.text = some_text(field->name);
        memcpy(at, &v.text, sizeof v.text);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        v.bytes = some_bytes();
        memcpy(at, &v.bytes, sizeof v.bytes);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        v.message = some_message(field->descriptor, depth + 1);
        memcpy(at, &v.message, sizeof v.message);
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        v.u64 = some_number();
        memcpy(at, &v.u64, sizeof v.u64);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
        v.u32 = below(3) == 0 ? (uint32_t)some_number() : (uint32_t)(1 + below(2));
        memcpy(at, &v.u32, sizeof v.u32);
        return;
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        v.u32 = (uint32_t)below(2);
        memcpy(at, &v.u32, sizeof v.u32);
        return;
    default:
        ck_abort_msg("%s has a type this test does not know", field->name);
    }
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BOOL:
        return 4;
    default:
        return 8;
    }
}

static ProtobufCMessage *some_message(const ProtobufCMessageDescriptor *descriptor, int depth)
{
    ProtobufCMessage *message = vpr_arena_alloc(&w->block, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    for (unsigned i = 0; i < descriptor->n_fields && depth < DEPTH_MAX; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        uint8_t *at = (uint8_t *)message + field->offset;
        if (below(16) == 0) {
            continue; /* left out */
        }
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            fill_one(field, at, depth);
            continue;
        }
        size_t count = below(4), size = size_of(field->type);
        uint8_t *list = vpr_arena_alloc(&w->block, size * (count + 1));
        for (size_t k = 0; k < count; k++) {
            fill_one(field, list + k * size, depth);
        }
        memcpy(at, &list, sizeof list);
        memcpy((uint8_t *)message + field->quantifier_offset, &count, sizeof count);
    }
    return message;
}

static const struct vpr_handler *some_row(void)
{
    for (;;) {
        const struct vpr_domain *d =
            vpr_domain_tables.domains[below(vpr_domain_tables.count)];
        if (d->handler_count > 0) {
            return &d->handlers[below(d->handler_count)];
        }
    }
}

static struct vpr_bytes some_tx(void)
{
    const ProtobufCMessage *messages[3];
    const char *label = some_label();
    char *signer = world_text(label);
    size_t count = below(5) == 0 ? 2 + below(2) : 1;
    for (size_t i = 0; i < count; i++) {
        const struct vpr_handler *row = some_row();
        ProtobufCMessage *message = some_message(row->descriptor, 0);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(row->descriptor, row->signer);
        memcpy((uint8_t *)message + field->offset, &signer, sizeof signer);
        messages[i] = message;
    }
    struct vpr_address who = world_address(label);
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, &who);
    const Viper__V1__Account *account = (const Viper__V1__Account *)vpr_record_get(
        &w->ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &viper__v1__account__descriptor);
    struct world_envelope e = {
        .account_number = account == NULL ? 0 : account->number,
        .sequence = account == NULL ? 0 : account->sequence,
        .fee_uvipr = FEE,
        .amino = below(2) == 0, /* where all messages have that form */
    };
    return world_sign(&w->block, label, &e, messages, count);
}

static void bend(struct vpr_bytes good)
{
    if (good.len > MUTATE_BYTES_MAX) {
        return;
    }
    uint8_t *bad = malloc(good.len);
    ck_assert_ptr_nonnull(bad);
    memcpy(bad, good.data, good.len);
    size_t len = good.len, at = below(len);
    bad[at] ^= (uint8_t)(1u << below(8));
    if (below(3) == 0) {
        len = below(len);
    }
    struct vpr_address fees = vpr_pool_address(VPR_POOL_FEES);
    uint64_t before = vpr_account_balance(&w->ctx, &fees).uvipr;
    struct vpr_tx_result r = world_raw(w, vpr_bytes_of(bad, len));
    ck_assert_int_ne(r.code, VPR_OK);
    ck_assert_uint_eq(vpr_account_balance(&w->ctx, &fees).uvipr, before);
    free(bad);
    bent++;
}

START_TEST(whatever_comes_is_executed_or_refused)
{
    w = world_create(NULL, NULL);
    m = mutator_start();
    while (mutator_more(&m)) {
        if (!w->open) {
            world_begin(w);
        }
        struct vpr_bytes tx = some_tx();
        bend(tx);
        struct vpr_tx_result r = world_raw(w, tx);
        done += r.code == VPR_OK;
        refused += r.code != VPR_OK;
        codes[(unsigned)r.code % VPR_COUNT(codes)]++;
        if (below(12) == 0) {
            world_end(w);
        }
    }
    world_block(w);
    printf("fuzz_tx: %" PRIu64 " executed, %" PRIu64 " refused, %" PRIu64
           " bent, height %" PRIu64 "\n",
           done, refused, bent, w->ctx.height);
    for (size_t i = 0; i < VPR_COUNT(codes); i++) {
        if (codes[i] > 0) {
            printf("%s %" PRIu64 "  ", vpr_code_name((enum vpr_code)i), codes[i]);
        }
    }
    printf("\n");
    ck_assert_uint_gt(done, 0);
    world_destroy(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fuzz_tx");
    TCase *t = tcase_create("fuzz_tx");
    tcase_set_timeout(t, 3600);
    tcase_add_test(t, whatever_comes_is_executed_or_refused);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
