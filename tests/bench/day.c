#include "tests/bench/day.h"

#include <stdlib.h>

#include "app/base/bytes.h"

/* ---- who is drawn ---- */

static void parse_address(struct vpr_address *ret, const char *text)
{
    VPR_ASSERT(vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text)));
}

static void ask_bench(struct stage *stage, struct vpr_bench *bench, uint64_t session,
                      const char *requestor, uint16_t chain)
{
    Viper__V1__QueryBenchRequest request = VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    struct vpr_address id = world_address(requestor);
    struct vpr_hash sid = vpr_sid(vpr_bytes_str(WORLD_CHAIN_ID), session, &id, chain, 1);
    char hex[65];

    vpr_hex(hex, sid.b, sizeof sid.b);
    request.session = session;
    request.sid = hex;
    request.requestor = world_text_of(&id);
    request.chain = chain;
    request.zone = 1;
    const Viper__V1__QueryBenchResponse *r = (const Viper__V1__QueryBenchResponse *)node_ask(
        &stage->nodes[0], &stage->block, "/viper.v1.Query/Bench", &request.base,
        &viper__v1__query_bench_response__descriptor);
    VPR_ASSERT(r->n_servicers >= 1 && r->n_servicers <= VPR_SEATS_MAX);
    memset(bench, 0, sizeof *bench);
    bench->sid = sid;
    bench->session = session;
    bench->requestor = id;
    bench->chain = chain;
    bench->zone = 1;
    bench->allowance_cu = r->allowance_cu;
    bench->budget = r->budget_uvipr;
    bench->quota_cu = r->quota_cu;
    bench->servicer_count = (uint32_t)r->n_servicers;
    bench->fisherman_count = (uint32_t)r->n_fishermen;
    for (size_t i = 0; i < r->n_servicers; i++) {
        parse_address(&bench->servicers[i].id, r->servicers[i]->id);
    }
    for (size_t i = 0; i < r->n_fishermen; i++) {
        parse_address(&bench->fishermen[i].id, r->fishermen[i]->id);
    }
}

static const struct vpr_bench *sort_benches;

static int by_servicer(const void *a, const void *b)
{
    const struct day_claim *x = a, *y = b;
    int order = vpr_address_cmp(&x->servicer, &y->servicer);
    return order != 0 ? order
                      : memcmp(sort_benches[x->bench].sid.b, sort_benches[y->bench].sid.b, 32);
}

void day_open(struct day *day, struct stage *stage, uint64_t session, uint64_t requestors,
              uint16_t chains)
{
    memset(day, 0, sizeof *day);
    day->session = session;
    day->benches = calloc(requestors * chains, sizeof day->benches[0]);
    day->claims = calloc(requestors * chains * VPR_SEATS_MAX, sizeof day->claims[0]);
    VPR_ASSERT(day->benches != NULL && day->claims != NULL);
    for (uint64_t i = 1; i <= requestors; i++) {
        size_t mark = vpr_arena_mark(&stage->block);
        const char *label = vpr_arena_text(&stage->block, "requestor%" PRIu64, i);
        for (uint16_t chain = 1; chain <= chains; chain++) {
            struct vpr_bench *bench = &day->benches[day->bench_count];
            ask_bench(stage, bench, session, label, chain);
            for (uint32_t k = 0; k < bench->servicer_count; k++) {
                day->claims[day->claim_count++] = (struct day_claim){
                    bench->servicers[k].id, (uint32_t)day->bench_count, k};
            }
            day->bench_count++;
        }
        vpr_arena_release(&stage->block, mark);
    }
    sort_benches = day->benches;
    qsort(day->claims, day->claim_count, sizeof day->claims[0], by_servicer);
}

void day_close(struct day *day)
{
    free(day->benches);
    free(day->claims);
    memset(day, 0, sizeof *day);
}

const struct work_asked *day_asked(struct stage *stage, uint64_t session,
                                   struct work_asked *ret)
{
    static struct vpr_hash challenge;
    Viper__V1__QuerySessionRequest request = VIPER__V1__QUERY_SESSION_REQUEST__INIT;
    request.session = session;
    const Viper__V1__QuerySessionResponse *r =
        (const Viper__V1__QuerySessionResponse *)node_ask(
            &stage->nodes[0], &stage->block, "/viper.v1.Query/Session", &request.base,
            &viper__v1__query_session_response__descriptor);
    VPR_ASSERT(r->session->challenge.len == 32);
    memcpy(challenge.b, r->session->challenge.data, 32);
    *ret = (struct work_asked){&challenge, 2, 2, VPR_PPM, VPR_PPM};
    return ret;
}

static void say(struct stage *stage, const struct vpr_address *who,
                const ProtobufCMessage *message)
{
    const struct sending sending = {.label = world_label_of(who), .messages = {message},
                                    .count = 1, .unordered = true};
    send_tx(stage, &sending);
}

/* ---- servicers ---- */

/* What one servicer says of; the works lie in `store`. */
struct pile {
    struct ws_work *store;
    const struct ws_work **works;
    size_t count;
};

static bool is_wanted(const struct day_way *way, const struct day_claim *claim)
{
    return claim->seat == 0 ? way->first_seats : way->other_seats;
}

/* Everything of claims [first, first + n) that is to be told. */
static void pile_up(struct pile *pile, const struct day *day, size_t first, size_t n,
                    const struct day_way *way)
{
    pile->store = malloc(n * sizeof pile->store[0]);
    pile->works = calloc(n, sizeof pile->works[0]);
    VPR_ASSERT(pile->store != NULL && pile->works != NULL);
    pile->count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct day_claim *claim = &day->claims[first + i];
        if (is_wanted(way, claim)) {
            struct ws_work *work = &pile->store[pile->count];
            work_of_clients(work, &day->benches[claim->bench], &claim->servicer,
                            way->clients == 0 ? 1 : way->clients, 1, DAY_CLAIM_CU);
            pile->works[pile->count++] = work;
        }
    }
}

static void tell(struct stage *stage, const struct pile *pile, const struct day_way *way)
{
    struct vpr_arena *arena = &stage->block;
    size_t mark = vpr_arena_mark(arena);
    const struct vpr_address *who = &pile->store[0].servicer;
    for (size_t i = 0; i < pile->count; i += way->per_message) {
        size_t part = pile->count - i < way->per_message ? pile->count - i : way->per_message;
        if (way->asked == NULL) {
            say(stage, who, &work_commit(arena, pile->works + i, part)->base);
            continue;
        }
        Viper__V1__MsgProve *m = work_tails(arena, pile->works + i, part);
        if (i == 0 && !way->no_samples) {
            Viper__V1__MsgProve *samples =
                work_samples(arena, pile->works, pile->count, way->asked);
            m->samples = samples->samples;
            m->n_samples = samples->n_samples;
        }
        say(stage, who, &m->base);
    }
    vpr_arena_release(arena, mark);
}

static size_t run_of(const struct day *day, size_t first)
{
    size_t n = 1;
    while (first + n < day->claim_count &&
           vpr_address_equal(&day->claims[first].servicer, &day->claims[first + n].servicer)) {
        n++;
    }
    return n;
}

size_t day_servicers(const struct day *day, struct stage *stage, const struct day_way *way)
{
    size_t told = 0;
    for (size_t i = 0; i < day->claim_count; i += run_of(day, i)) {
        struct pile pile;
        pile_up(&pile, day, i, run_of(day, i), way);
        if (pile.count > 0) {
            tell(stage, &pile, way);
        }
        told += pile.count;
        free(pile.works);
        free(pile.store);
        if (way->claims_max != 0 && told >= way->claims_max) {
            break;
        }
    }
    return told;
}

/* ---- fishermen ---- */

static bool is_drawn(const struct vpr_bench *bench, const struct vpr_address *fisherman)
{
    for (uint32_t i = 0; i < bench->fisherman_count; i++) {
        if (vpr_address_equal(&bench->fishermen[i].id, fisherman)) {
            return true;
        }
    }
    return false;
}

/* The cards of one fisherman in hand. */
struct hand {
    const struct day *day;
    struct stage *stage;
    const struct day_way *way;
    struct vpr_address fisherman;
    struct ws_card *cards;
    const struct ws_card **list;
    size_t count;
    Viper__V1__MsgReportCard *report; /* all seals: a later one replaces it */
};

/* The one sample of each servicer stands there DAY_SAMPLES times: the chain looks only at those
 * it opens, and signing all of them would take longer than all else in the bench. */
static void multiply(struct ws_card *card)
{
    VPR_ASSERT(card->count * DAY_SAMPLES <= WS_SAMPLES_MAX);
    for (size_t i = card->count * DAY_SAMPLES; i > 0; i--) {
        card->samples[i - 1] = card->samples[(i - 1) / DAY_SAMPLES];
    }
    card->count *= DAY_SAMPLES;
    for (uint32_t i = 0; i < card->card.count; i++) {
        struct vpr_card_line *line = &card->card.lines[i];
        line->sent = line->answered = line->checked = line->correct = DAY_SAMPLES;
    }
    ws_card_root(card);
}

static void make_card(struct hand *h, const struct vpr_bench *bench)
{
    const struct vpr_card_line once = {
        .sent = 1, .answered = 1, .checked = 1, .correct = 1, .p90_ms = 150};
    const struct vpr_card_line nothing = {.sent = 0};
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    for (size_t i = 0; i < VPR_COUNT(lines); i++) {
        lines[i] = h->way->empty_cards ? nothing : once;
    }
    struct ws_card *card = &h->cards[h->count];
    ws_card(card, bench, &h->fisherman, lines);
    if (!h->way->empty_cards) {
        multiply(card);
    }
    h->list[h->count] = card;
    h->count++;
}

static void seal(struct hand *h)
{
    struct vpr_arena *arena = &h->stage->block;
    Viper__V1__MsgReportCard *part = work_report(arena, h->list, h->count);
    if (h->report == NULL) {
        h->report = part;
        return;
    }
    size_t before = h->report->n_entries, sum = before + part->n_entries;
    Viper__V1__SealEntry **entries = VPR_ARENA_ARRAY(arena, Viper__V1__SealEntry *, sum);
    memcpy(entries, h->report->entries, before * sizeof entries[0]);
    memcpy(entries + before, part->entries, part->n_entries * sizeof entries[0]);
    h->report->entries = entries;
    h->report->n_entries = sum;
}

static void play_hand(struct hand *h)
{
    if (h->count > 0 && h->way->asked == NULL) {
        seal(h);
    } else if (h->count > 0) {
        size_t mark = vpr_arena_mark(&h->stage->block);
        say(h->stage, &h->fisherman,
            &work_reveal(&h->stage->block, h->list, h->count, h->way->asked)->base);
        vpr_arena_release(&h->stage->block, mark);
    }
    h->count = 0;
}

static size_t fisherman_says(struct hand *h)
{
    size_t told = 0, mark = vpr_arena_mark(&h->stage->block);
    for (size_t i = 0; i < h->day->bench_count; i++) {
        const struct vpr_bench *bench = &h->day->benches[i];
        if (i % 100 >= h->way->cards_percent || !is_drawn(bench, &h->fisherman)) {
            continue;
        }
        make_card(h, bench);
        told++;
        if (h->count == h->way->per_message) {
            play_hand(h);
        }
    }
    play_hand(h);
    if (h->report != NULL) {
        say(h->stage, &h->fisherman, &h->report->base);
    }
    vpr_arena_release(&h->stage->block, mark);
    h->report = NULL;
    return told;
}

size_t day_fishermen(const struct day *day, struct stage *stage, unsigned fishermen,
                   const struct day_way *way)
{
    struct hand h = {.day = day, .stage = stage, .way = way};
    size_t told = 0;
    h.cards = malloc(way->per_message * sizeof h.cards[0]);
    h.list = calloc(way->per_message, sizeof h.list[0]);
    VPR_ASSERT(h.cards != NULL && h.list != NULL);
    for (unsigned i = 1 + way->fishermen_before; i <= fishermen; i++) {
        h.fisherman = world_address(vpr_arena_text(&stage->block, "fisherman%u", i));
        told += fisherman_says(&h);
        if (way->cards_max != 0 && told >= way->cards_max) {
            break;
        }
    }
    free(h.list);
    free(h.cards);
    return told;
}
