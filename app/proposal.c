#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/domain/beacon.h"
#include "app/inside.h"
#include "viper/v1/tx.pb-c.h"

/* What goes into a proposed block, and what a proposed block must not break.
 *
 * The order of transactions is the proposer's choice and nobody checks it; the limits and
 * the system transaction are everybody's rule. */

/* Others than session messages get at most this of a block's gas (docs/protocol.md, 7). */
#define ORDINARY_GAS_MAX (VPR_BLOCK_GAS_MAX / 2)

struct vpr_bytes vpr_app_system_tx(struct vpr_ctx *ctx, struct vpr_bytes reveal)
{
    Viper__V1__MsgSystem m = VIPER__V1__MSG_SYSTEM__INIT;
    m.height = ctx->height;
    m.reveal.data = vpr_arena_copy(ctx->arena, reveal.data, reveal.len);
    m.reveal.len = reveal.len;
    vpr_settlement_due(ctx, &m.verify, &m.n_verify);
    return vpr_tx_system_pack(ctx->arena, &m.base);
}

/* ---- prepare ---- */

/* A sequence chain counts as one kind: it is taken in order or not at all. */
enum kind { KIND_CHAIN, KIND_FREE_SESSION, KIND_FREE_ORDINARY };

struct item {
    struct vpr_bytes raw;
    struct vpr_tx_sketch sketch;
    enum kind kind;
    size_t index; /* in the mempool's order */
    size_t group; /* of the same account */
    bool taken, repeated;
    /* Lowest price up to here in its chain: what comes later cannot go earlier. */
    uint64_t fee, gas;
};

struct group {
    size_t chain, chain_end;     /* items in sequence */
    size_t session, session_end; /* unordered session messages */
    uint64_t balance;            /* less the fees of what was taken */
    uint64_t seen_left;          /* unordered ones that the account may still have */
    bool broken;                 /* one of the chain did not fit: none after it */
};

struct plan {
    struct vpr_arena *arena;
    struct item *items;
    size_t item_count;
    struct group *groups;
    size_t group_count;

    const struct vpr_bytes *txs; /* = list, growing */
    struct vpr_bytes *list;
    size_t count;
    uint64_t bytes_left, gas_left, ordinary_gas_left, signatures_left;
};

static uint64_t encoded_size(size_t len)
{
    uint64_t size = 1 + len; /* tag, itself */
    do {
        size++;
        len >>= 7;
    } while (len > 0);
    return size;
}

static int by_account(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = vpr_address_cmp(&x->sketch.signer, &y->sketch.signer);
    if (order != 0) {
        return order;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    if (x->sketch.sequence != y->sketch.sequence) {
        return x->sketch.sequence < y->sketch.sequence ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Whether fee/gas of x is above that of y. */
static int price_cmp(uint64_t x_fee, uint64_t x_gas, uint64_t y_fee, uint64_t y_gas)
{
    vpr_u128 x = (vpr_u128)x_fee * y_gas, y = (vpr_u128)y_fee * x_gas;
    return x > y ? 1 : x < y ? -1 : 0;
}

/* Dearest first; within an account in the order of by_account, which sorted `items`. */
static int by_price(const void *a, const void *b)
{
    const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
    int order = price_cmp(y->fee, y->gas, x->fee, x->gas);
    if (order != 0) {
        return order;
    }
    return x < y ? -1 : x > y;
}

static int by_seen(const void *a, const void *b)
{
    const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
    int order = memcmp(x->sketch.seen.b, y->sketch.seen.b, sizeof x->sketch.seen.b);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

/* An unordered transaction can come in many signatures: one of them runs, the others would
 * fail for free. */
static void drop_repeats(struct plan *plan)
{
    struct item **list = VPR_ARENA_ARRAY(plan->arena, struct item *, plan->item_count);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < plan->item_count; i++) {
        if (plan->items[i].kind != KIND_CHAIN) {
            list[count++] = &plan->items[i];
        }
    }
    if (count > 1) {
        vpr_sort(plan->arena, list, count, sizeof list[0], by_seen);
    }
    for (size_t i = 1; i < count; i++) {
        list[i]->repeated = vpr_hash_equal(&list[i - 1]->sketch.seen, &list[i]->sketch.seen);
    }
    for (size_t i = 0; i < plan->item_count; i++) {
        if (!plan->items[i].repeated) {
            plan->items[kept++] = plan->items[i];
        }
    }
    plan->item_count = kept;
}

static void admit_all(struct plan *plan, struct vpr_ctx *ctx, const struct vpr_app_block *block)
{
    size_t count = block->count < VPR_BLOCK_TXS_MAX ? block->count : VPR_BLOCK_TXS_MAX;
    plan->items = VPR_ARENA_ARRAY(plan->arena, struct item, count);
    for (size_t i = 0; i < count; i++) {
        struct item *item = &plan->items[plan->item_count];
        if (vpr_tx_admit(ctx, &vpr_domain_tables, block->txs[i], &item->sketch) != VPR_OK) {
            continue;
        }
        item->raw = block->txs[i];
        item->index = i;
        item->kind = !item->sketch.unordered                   ? KIND_CHAIN
                     : item->sketch.lane == VPR_LANE_SESSION ? KIND_FREE_SESSION
                                                               : KIND_FREE_ORDINARY;
        item->fee = item->sketch.fee_uvipr;
        item->gas = item->sketch.gas;
        plan->item_count++;
    }
    drop_repeats(plan);
    if (plan->item_count > 0) {
        vpr_sort(plan->arena, plan->items, plan->item_count, sizeof plan->items[0], by_account);
    }
}

/* One account's items from `at` on; returns where the next account's begin. */
static size_t make_group(struct plan *plan, size_t at)
{
    struct group *group = &plan->groups[plan->group_count];
    const struct vpr_tx_sketch *first = &plan->items[at].sketch;
    uint64_t expected = first->next_sequence;
    group->balance = first->balance_uvipr;
    group->seen_left = VPR_SEEN_MAX;
    group->chain = group->chain_end = at;
    size_t i = at;
    bool gap = false;
    for (; i < plan->item_count &&
           vpr_address_equal(&plan->items[i].sketch.signer, &first->signer);
         i++) {
        struct item *item = &plan->items[i];
        item->group = plan->group_count;
        if (item->kind != KIND_CHAIN) {
            break;
        }
        if (gap || item->sketch.sequence != expected) {
            /* A gap, or a second one with the same number: neither can follow now. */
            gap = gap || item->sketch.sequence > expected;
            item->taken = true;
            continue;
        }
        /* Items left out stand behind a gap, or between: keep the chain contiguous. */
        struct item swap = plan->items[group->chain_end];
        plan->items[group->chain_end] = *item;
        if (group->chain_end != i) {
            plan->items[i] = swap;
        }
        struct item *now = &plan->items[group->chain_end];
        if (group->chain_end > group->chain &&
            price_cmp(now->fee, now->gas, now[-1].fee, now[-1].gas) > 0) {
            now->fee = now[-1].fee;
            now->gas = now[-1].gas;
        }
        group->chain_end++;
        expected++;
    }
    group->session = group->session_end = i;
    for (; i < plan->item_count &&
           vpr_address_equal(&plan->items[i].sketch.signer, &first->signer);
         i++) {
        plan->items[i].group = plan->group_count;
        group->seen_left = plan->items[i].sketch.seen_left; /* the same in all of them */
        if (plan->items[i].kind == KIND_FREE_SESSION) {
            group->session_end = i + 1;
        }
    }
    plan->group_count++;
    return i;
}

static bool take(struct plan *plan, struct item *item, bool ordinary)
{
    const struct vpr_tx_sketch *s = &item->sketch;
    struct group *group = &plan->groups[item->group];
    uint64_t size = encoded_size(item->raw.len);
    bool in_turn = item->kind == KIND_CHAIN ? !group->broken : group->seen_left > 0;
    bool fits = size <= plan->bytes_left && s->gas <= plan->gas_left &&
                s->signatures <= plan->signatures_left && s->fee_uvipr <= group->balance &&
                (!ordinary || s->gas <= plan->ordinary_gas_left) &&
                plan->count < VPR_BLOCK_TXS_MAX && in_turn;
    item->taken = true;
    if (!fits) {
        group->broken = group->broken || item->kind == KIND_CHAIN;
        return false;
    }
    plan->bytes_left -= size;
    plan->gas_left -= s->gas;
    plan->signatures_left -= s->signatures;
    plan->ordinary_gas_left -= ordinary ? s->gas : 0;
    group->balance -= s->fee_uvipr;
    group->seen_left -= item->kind == KIND_CHAIN ? 0 : 1;
    plan->list[plan->count++] = item->raw;
    return true;
}

/* The group's next session message that may go now, or NULL. */
static struct item *next_session(struct plan *plan, struct group *group)
{
    if (group->chain < group->chain_end && !group->broken &&
        plan->items[group->chain].sketch.lane == VPR_LANE_SESSION) {
        return &plan->items[group->chain++];
    }
    if (group->session < group->session_end) {
        return &plan->items[group->session++];
    }
    return NULL;
}

static void take_sessions(struct plan *plan)
{
    size_t active = plan->group_count;
    size_t *turn = VPR_ARENA_ARRAY(plan->arena, size_t, plan->group_count + 1);
    for (size_t i = 0; i < active; i++) {
        turn[i] = i;
    }
    while (active > 0) {
        size_t still = 0;
        for (size_t i = 0; i < active; i++) {
            struct item *item = next_session(plan, &plan->groups[turn[i]]);
            if (item != NULL) {
                (void)take(plan, item, false);
                turn[still++] = turn[i];
            }
        }
        active = still;
    }
}

static void take_others(struct plan *plan)
{
    struct item **rest = VPR_ARENA_ARRAY(plan->arena, struct item *, plan->item_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < plan->item_count; i++) {
        if (!plan->items[i].taken) {
            rest[count++] = &plan->items[i];
        }
    }
    if (count > 0) {
        vpr_sort(plan->arena, rest, count, sizeof rest[0], by_price);
    }
    for (size_t i = 0; i < count; i++) {
        (void)take(plan, rest[i], true);
    }
}

void vpr_app_prepare(struct vpr_app *app, const struct vpr_app_block *block,
                     uint64_t max_tx_bytes, struct vpr_bytes reveal,
                     const struct vpr_bytes **ret_txs, size_t *ret_count)
{
    struct vpr_ctx ctx = vpr_app_block_ctx(app, block);
    struct plan plan;
    size_t mark = vpr_arena_mark(ctx.arena);
    memset(&plan, 0, sizeof plan);
    vpr_arena_release(&app->proposal, 0);
    plan.arena = &app->proposal;
    plan.list = VPR_ARENA_ARRAY(plan.arena, struct vpr_bytes, VPR_BLOCK_TXS_MAX);

    if (!vpr_beacon_reveal_ok(&ctx, reveal)) {
        reveal = vpr_bytes_of(NULL, 0); /* a skip harms nobody, a wrong one is rejected */
    }
    struct vpr_bytes first = vpr_arena_bytes(plan.arena, vpr_app_system_tx(&ctx, reveal));
    plan.list[plan.count++] = first;
    uint64_t size = encoded_size(first.len);
    plan.bytes_left = size < max_tx_bytes ? max_tx_bytes - size : 0;
    plan.gas_left = VPR_BLOCK_GAS_MAX;
    plan.ordinary_gas_left = ORDINARY_GAS_MAX;
    plan.signatures_left = VPR_BLOCK_SIGNATURES_MAX;

    admit_all(&plan, &ctx, block);
    plan.groups = VPR_ARENA_ARRAY(plan.arena, struct group, plan.item_count + 1);
    for (size_t at = 0; at < plan.item_count;) {
        at = make_group(&plan, at);
    }
    take_sessions(&plan);
    take_others(&plan);
    vpr_arena_release(ctx.arena, mark);
    *ret_txs = plan.list;
    *ret_count = plan.count;
}

/* ---- process ---- */

static bool refuse(struct vpr_err *err, const char *text)
{
    (void)vpr_fail(err, VPR_BAD_FIELD, "%s", text);
    return false;
}

static bool check_system(struct vpr_ctx *ctx, const struct vpr_app_block *block,
                         struct vpr_err *err)
{
    if (block->count == 0) {
        return refuse(err, "the block has no system transaction");
    }
    const Viper__V1__MsgSystem *m =
        (const Viper__V1__MsgSystem *)vpr_tx_system_unpack(ctx->arena, block->txs[0]);
    if (m == NULL) {
        return refuse(err, "the block does not begin with a system transaction");
    }
    if (m->height != ctx->height) {
        (void)vpr_fail(err, VPR_BAD_FIELD, "the system transaction is of height %" PRIu64
                       " in block %" PRIu64, m->height, ctx->height);
        return false;
    }
    struct vpr_bytes reveal = vpr_bytes_of(m->reveal.data, m->reveal.len);
    if (!vpr_beacon_reveal_ok(ctx, reveal)) {
        return refuse(err, "the reveal does not open the proposer's chain end");
    }
    if (!vpr_bytes_equal(vpr_app_system_tx(ctx, reveal), block->txs[0])) {
        return refuse(err, "the Verify entries differ from those that are due");
    }
    return true;
}

static bool check_limits(struct vpr_ctx *ctx, const struct vpr_app_block *block,
                         struct vpr_err *err)
{
    uint64_t gas = 0, signatures = 0;
    if (block->count > VPR_BLOCK_TXS_MAX) {
        return refuse(err, "the block has too many transactions");
    }
    for (size_t i = 1; i < block->count; i++) {
        struct vpr_tx_sketch sketch;
        if (vpr_tx_is_system(ctx->arena, block->txs[i])) {
            return refuse(err, "the block has a second system transaction");
        }
        /* One that cannot be decoded gets its code when it is executed. */
        if (vpr_tx_sketch(ctx, &vpr_domain_tables, block->txs[i], &sketch) != VPR_OK) {
            sketch.signatures = 0;
        }
        gas += sketch.gas;
        signatures += sketch.signatures;
        if (gas > VPR_BLOCK_GAS_MAX || signatures > VPR_BLOCK_SIGNATURES_MAX) {
            (void)vpr_fail(err, VPR_TOO_LARGE, "the block needs more than %" PRIu64 " gas or %"
                           PRIu64 " signatures", VPR_BLOCK_GAS_MAX, VPR_BLOCK_SIGNATURES_MAX);
            return false;
        }
    }
    return true;
}

bool vpr_app_process(struct vpr_app *app, const struct vpr_app_block *block,
                     struct vpr_err *err)
{
    struct vpr_ctx ctx = vpr_app_block_ctx(app, block);
    size_t mark = vpr_arena_mark(ctx.arena);
    bool ok = check_system(&ctx, block, err) && check_limits(&ctx, block, err);
    vpr_arena_release(ctx.arena, mark);
    return ok;
}
