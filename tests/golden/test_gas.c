/* gas.txt pins what each message costs beyond message_gas, bytes and signatures: its figure, then
 * each list whose items cost something, with what one costs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/domain/domain.h"

#define ITEMS 3
#define TEXT_MAX 16384

struct text {
    char b[TEXT_MAX];
    size_t len;
};

VPR_PRINTF(2, 3) static void add(struct text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text->b + text->len, sizeof text->b - text->len, fmt, args);
    va_end(args);
    ck_assert(n >= 0 && (size_t)n < sizeof text->b - text->len);
    text->len += (size_t)n;
}

static uint64_t load_of(const struct vpr_handler *row, const ProtobufCMessage *message)
{
    struct vpr_load load = {0, 0};
    if (row->load != NULL) {
        row->load(message, &load);
    }
    return load.gas;
}

/* What ITEMS empty items in `list` cost. */
static uint64_t cost_of(struct vpr_arena *arena, const struct vpr_handler *row,
                        const ProtobufCFieldDescriptor *list)
{
    const size_t count = ITEMS;
    uint8_t *message = vpr_arena_alloc(arena, row->descriptor->sizeof_message);
    void **items = VPR_ARENA_ARRAY(arena, void *, 2 * ITEMS); /* room for bytes, too */
    protobuf_c_message_init(row->descriptor, (ProtobufCMessage *)(void *)message);
    for (size_t i = 0; i < count && list->type == PROTOBUF_C_TYPE_MESSAGE; i++) {
        const ProtobufCMessageDescriptor *of = list->descriptor;
        items[i] = vpr_arena_alloc(arena, of->sizeof_message);
        protobuf_c_message_init(of, items[i]);
    }
    memcpy(message + list->quantifier_offset, &count, sizeof count);
    memcpy(message + list->offset, &items, sizeof items);
    return load_of(row, (const ProtobufCMessage *)(void *)message);
}

static void add_row(struct text *text, struct vpr_arena *arena, const struct vpr_handler *row)
{
    ProtobufCMessage *empty = vpr_arena_alloc(arena, row->descriptor->sizeof_message);
    protobuf_c_message_init(row->descriptor, empty);
    ck_assert_uint_eq(load_of(row, empty), 0);
    add(text, "%s %" PRIu64, row->name, row->gas);
    for (unsigned i = 0; i < row->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &row->descriptor->fields[i];
        uint64_t cost = field->label == PROTOBUF_C_LABEL_REPEATED
                            ? cost_of(arena, row, field)
                            : 0;
        ck_assert_uint_eq(cost % ITEMS, 0);
        if (cost > 0) {
            add(text, " %s %" PRIu64, field->name, cost / ITEMS);
        }
    }
    add(text, "\n");
}

START_TEST(every_message_costs_what_the_list_says)
{
    static struct text now, pinned;
    struct vpr_arena arena;
    vpr_arena_init(&arena, 1 << 20);
    for (size_t d = 0; d < vpr_domain_tables.count; d++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            add_row(&now, &arena, &domain->handlers[i]);
        }
    }
    vpr_arena_finish(&arena);
    FILE *list = fopen(VPR_GOLDEN_GAS, "r");
    ck_assert_ptr_nonnull(list);
    pinned.len = fread(pinned.b, 1, sizeof pinned.b - 1, list);
    (void)fclose(list);
    ck_assert_msg(strcmp(now.b, pinned.b) == 0, "gas.txt is otherwise:\n%s", now.b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden gas");
    TCase *tcase = tcase_create("gas");
    tcase_add_test(tcase, every_message_costs_what_the_list_says);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
