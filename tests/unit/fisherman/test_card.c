#include "fisherman/card.h"

#include "app/rules/draw.h"
#include "tests/unit/fisherman/help.h"

#define MOST 200

static struct bench bench;
static struct vpr_sample samples[MOST];
static const struct vpr_sample *ordered[MOST];
static struct vpr_address servicers[SEATS];
static size_t count;

static void start(void)
{
    vpr_sig_init();
    bench = bench_of(1);
    count = 0;
    for (uint32_t i = 0; i < SEATS; i++) {
        servicers[i] = bench.terms.seats[i].servicer;
    }
}

static struct vpr_sample *add(uint32_t seat, const char *body, uint16_t reason, uint64_t ms)
{
    samples[count] = sample_of(&bench, seat, body, reason, ms);
    return &samples[count++];
}

static struct vpr_card make(void)
{
    const struct vpr_sample *received[MOST];
    uint32_t order[MOST];
    struct vpr_card card;

    for (size_t i = 0; i < count; i++) {
        received[i] = &samples[i];
    }
    vpr_card_order(order, received, count);
    for (size_t i = 0; i < count; i++) {
        ordered[i] = received[order[i]];
    }
    vpr_card_make(&card, servicers, SEATS, ordered, count);
    return card;
}

START_TEST(a_card_without_samples_is_all_zero)
{
    static const struct vpr_hash empty;
    const struct vpr_card card = make();
    uint64_t sent, answered;

    ck_assert_uint_eq(card.count, SEATS);
    ck_assert(vpr_hash_equal(&card.root, &empty));
    ck_assert(vpr_card_ok(&card, &sent, &answered));
    ck_assert_uint_eq(sent, 0);
}
END_TEST

START_TEST(every_kind_of_sample_counts_where_it_should)
{
    add(2, "a", 0, 5)->verdict = VPR_VERDICT_CORRECT;
    add(2, "a", 0, 7)->verdict = VPR_VERDICT_WRONG;
    add(2, "a", 0, 6);
    add(2, NULL, 0, 99);
    add(2, NULL, VPR_REFUSED_QUOTA, 1);
    add(2, NULL, VPR_REFUSED_OVERLOAD, 1);
    const struct vpr_card card = make();
    const struct vpr_card_line *line = &card.lines[2];

    ck_assert_uint_eq(line->sent, 6);
    ck_assert_uint_eq(line->refused, 1); /* quota alone */
    ck_assert_uint_eq(line->answered, 3);
    ck_assert_uint_eq(line->checked, 2);
    ck_assert_uint_eq(line->correct, 1);
    ck_assert_uint_eq(line->p90_ms, 7);
    ck_assert_uint_eq(card.lines[1].sent, 0);
}
END_TEST

START_TEST(p90_is_the_nearest_rank)
{
    static const struct {
        size_t answered;
        uint64_t p90; /* of 1, 2, 3, ... ms */
    } cases[] = {{1, 1}, {2, 2}, {9, 9}, {10, 9}, {11, 10}, {19, 18}, {20, 18}, {21, 19}, {40, 36}};

    for (size_t c = 0; c < VPR_COUNT(cases); c++) {
        count = 0;
        for (size_t i = 0; i < cases[c].answered; i++) {
            add(0, "a", 0, cases[c].answered - i);
        }
        ck_assert_uint_eq(make().lines[0].p90_ms, cases[c].p90);
    }
}
END_TEST

START_TEST(samples_lie_by_servicer_then_time)
{
    for (uint32_t i = 0; i < 30; i++) {
        add((i * 3 + 1) % SEATS, i % 4 == 0 ? NULL : "a", 0, i);
    }
    (void)make();
    for (size_t i = 1; i < count; i++) {
        const struct vpr_request *a = &ordered[i - 1]->request.part;
        const struct vpr_request *b = &ordered[i]->request.part;
        const int order = vpr_address_cmp(&a->servicer, &b->servicer);
        ck_assert_int_le(order, 0);
        ck_assert(order < 0 || a->seq < b->seq);
    }
}
END_TEST

/* What the chain does with a Reveal, with any number of samples. */
START_TEST(opened_samples_lead_to_the_root_where_the_chain_looks)
{
    const struct vpr_address fisherman = address_of(77);
    struct vpr_hash challenge;

    for (size_t size = 1; size <= 67; size += 11) {
        count = 0;
        for (uint32_t i = 0; i < size; i++) {
            add(i % SEATS, i % 7 == 3 ? NULL : "a", 0, i);
        }
        const struct vpr_card card = make();
        uint64_t sent, answered;
        ck_assert(vpr_card_ok(&card, &sent, &answered));
        ck_assert_uint_eq(sent, size);
        for (uint64_t i = 0; i < 16; i++) {
            struct vpr_sumbranch branch;
            struct vpr_sumnode root;
            uint64_t before;
            size_t at;
            memset(challenge.b, (int)(size + i), sizeof challenge.b);
            vpr_card_open(&at, &branch, ordered, count, &challenge, &bench.terms.sid, &fisherman,
                          i);
            ck_assert_uint_eq(at, vpr_card_position(&challenge, &bench.terms.sid, &fisherman, i,
                                                    sent));
            ck_assert_uint_eq(branch.index, at);
            const struct vpr_sumnode node = vpr_sample_node(ordered[at]);
            ck_assert(vpr_sumtree_climb(&root, &before, &node, sent, &branch));
            ck_assert(vpr_hash_equal(&root.hash, &card.root));
            ck_assert_uint_eq(root.sum, answered);
            const uint32_t line = vpr_card_line_at(&card, at);
            ck_assert(vpr_address_equal(&card.lines[line].servicer,
                                        &ordered[at]->request.part.servicer));
            ck_assert(vpr_sample_verify(ordered[at], &bench.terms.seats[line].relay_key));
        }
    }
}
END_TEST

START_TEST(a_changed_sample_does_not_lead_to_the_root)
{
    for (uint32_t i = 0; i < 20; i++) {
        add(i % SEATS, "a", 0, i);
    }
    const struct vpr_card card = make();
    struct vpr_sumbranch branch;
    struct vpr_sumnode root;
    struct vpr_hash challenge = {{9}};
    const struct vpr_address fisherman = address_of(77);
    uint64_t before;
    size_t at;

    vpr_card_open(&at, &branch, ordered, count, &challenge, &bench.terms.sid, &fisherman, 0);
    struct vpr_sample changed = *ordered[at];
    changed.latency_ms++;
    const struct vpr_sumnode node = vpr_sample_node(&changed);
    ck_assert(vpr_sumtree_climb(&root, &before, &node, count, &branch));
    ck_assert(!vpr_hash_equal(&root.hash, &card.root));
}
END_TEST

Suite *suite_card(void)
{
    Suite *suite = suite_create("card");
    TCase *tests = tcase_create("card");

    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, a_card_without_samples_is_all_zero);
    tcase_add_test(tests, every_kind_of_sample_counts_where_it_should);
    tcase_add_test(tests, p90_is_the_nearest_rank);
    tcase_add_test(tests, samples_lie_by_servicer_then_time);
    tcase_add_test(tests, opened_samples_lead_to_the_root_where_the_chain_looks);
    tcase_add_test(tests, a_changed_sample_does_not_lead_to_the_root);
    suite_add_tcase(suite, tests);
    return suite;
}
