#include "app/domain/unbonding.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/delegation.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/slashing.h"

#define UNBOND_SESSIONS 6 /* docs/protocol.md, 11: not before session s+6 opens */
#define LOOKED_AT_PER_BLOCK 100

/* ---- records ---- */

static struct vpr_key_buf entry_key(const struct vpr_address *delegator, uint64_t number)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_ENTRY);
    vpr_key_address(&key, delegator);
    vpr_key_u64(&key, number);
    return key;
}

static struct vpr_key_buf queue_key(int64_t time_s, uint64_t number)
{
    VPR_ASSERT(time_s >= 0);
    struct vpr_key_buf key = vpr_key(VPR_KEY_ENTRY_QUEUE);
    vpr_key_u64(&key, (uint64_t)time_s);
    vpr_key_u64(&key, number);
    return key;
}

static const Viper__V1__Unbonding *entry_get(struct vpr_ctx *ctx,
                                             const struct vpr_address *delegator,
                                             uint64_t number)
{
    struct vpr_key_buf key = entry_key(delegator, number);
    return (const Viper__V1__Unbonding *)vpr_record_get(
        ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &viper__v1__unbonding__descriptor);
}

/* Numbers are given once, in the order in which entries come to be. */
static uint64_t next_number(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_ENTRY_NEXT);
    struct vpr_bytes value;
    uint64_t number = 0;
    uint8_t be[8];
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&key),
                      &value)) {
        VPR_ASSERT(value.len == sizeof be);
        number = vpr_get_be64(value.data);
    }
    vpr_put_be64(be, number + 1);
    vpr_state_put(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&key),
                  vpr_bytes_of(be, sizeof be));
    return number;
}

Viper__V1__Unbonding vpr_unbonding_add(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                                       const struct vpr_address *actor, uint64_t amount)
{
    uint64_t running = vpr_session_number(ctx);
    uint64_t number = next_number(ctx);
    Viper__V1__Unbonding entry = VIPER__V1__UNBONDING__INIT;
    entry.actor = vpr_field_of_address(ctx->arena, actor);
    entry.amount = amount;
    entry.height = ctx->height;
    entry.time_s = ctx->time_s + (int64_t)vpr_param(ctx, VPR_P_unbonding_seconds, running);
    entry.session = running + UNBOND_SESSIONS;
    entry.settled = vpr_session_counts_from(ctx);
    entry.slashes = vpr_slash_count(ctx, actor);
    struct vpr_key_buf key = entry_key(delegator, number);
    struct vpr_key_buf queue = queue_key(entry.time_s, number);
    vpr_record_put(ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &entry.base);
    vpr_state_put(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&queue),
                  vpr_bytes_of(delegator->b, sizeof delegator->b));
    return entry;
}

bool vpr_unbonding_next(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                        const uint64_t *after, uint64_t *ret_number,
                        const Viper__V1__Unbonding **ret_entry)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_ENTRY);
    struct vpr_key_buf last;
    struct vpr_bytes key, value;
    vpr_key_address(&prefix, delegator);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    if (after != NULL) {
        last = entry_key(delegator, *after);
        from = vpr_state_after(ctx->arena, vpr_key_bytes(&last));
    }
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&prefix),
                        from, &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == prefix.len + 8);
    *ret_number = vpr_get_be64(key.data + prefix.len);
    *ret_entry = (const Viper__V1__Unbonding *)vpr_record_unpack(
        ctx, value, &viper__v1__unbonding__descriptor);
    return true;
}

/* ---- paying ---- */

uint64_t vpr_unbonding_left(struct vpr_ctx *ctx, const Viper__V1__Unbonding *entry)
{
    struct vpr_address actor = vpr_address_of_field(entry->actor);
    uint64_t left = entry->amount, count = vpr_slash_count(ctx, &actor);
    size_t mark = vpr_arena_mark(ctx->arena);
    for (uint64_t i = entry->slashes; i < count; i++) {
        const Viper__V1__Slash *slash = vpr_slash_get(ctx, &actor, i);
        VPR_ASSERT(slash != NULL); /* sequences have no gaps */
        if (entry->height >= slash->fault_height) {
            left -= vpr_mul_div_floor(left, slash->ppm, VPR_PPM);
        }
        vpr_arena_release(ctx->arena, mark);
    }
    return left;
}

static bool may_be_paid(struct vpr_ctx *ctx, const Viper__V1__Unbonding *entry)
{
    return vpr_session_number(ctx) >= entry->session &&
           vpr_session_oldest_unsettled(ctx) >= entry->settled;
}

static void pay(struct vpr_ctx *ctx, const struct vpr_address *delegator, uint64_t number,
                const Viper__V1__Unbonding *entry)
{
    struct vpr_address staked = vpr_pool_address(VPR_POOL_STAKED);
    struct vpr_address id = vpr_address_of_field(entry->actor);
    uint64_t left = vpr_unbonding_left(ctx, entry);
    vpr_account_burn(ctx, &staked, vpr_coin(entry->amount - left));
    if (vpr_account_move(ctx, &staked, delegator, vpr_coin(left)) != VPR_OK) {
        VPR_HALT("the pool of stakes does not hold what a delegator waits for");
    }
    struct vpr_key_buf key = entry_key(delegator, number);
    struct vpr_key_buf queue = queue_key(entry->time_s, number);
    vpr_state_del(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&key));
    vpr_state_del(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&queue));
    vpr_delegation_paid(ctx, delegator, &id);

    vpr_actor_event(ctx, "undelegated", &id, vpr_actor_get(ctx, &id));
    vpr_event_address(ctx, "delegator", delegator);
    vpr_event_u64(ctx, "amount_uvipr", left);
    vpr_event_u64(ctx, "burned_uvipr", entry->amount - left);
}

struct queued {
    uint64_t due_s, number;
    struct vpr_address delegator;
};

static struct queued read_queued(struct vpr_bytes key, struct vpr_bytes value)
{
    struct queued q;
    struct vpr_reader r = vpr_reader(key);
    (void)vpr_read_u8(&r);
    q.due_s = vpr_read_be64(&r);
    q.number = vpr_read_be64(&r);
    VPR_ASSERT(vpr_read_done(&r) && value.len == sizeof q.delegator.b);
    memcpy(q.delegator.b, value.data, sizeof q.delegator.b);
    return q;
}

void vpr_unbonding_pay(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_ENTRY_QUEUE);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    for (int looked_at = 0; looked_at < LOOKED_AT_PER_BLOCK; looked_at++) {
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION,
                            vpr_key_bytes(&prefix), from, &key, &value)) {
            return;
        }
        struct queued q = read_queued(key, value);
        if (q.due_s > (uint64_t)ctx->time_s) {
            return;
        }
        from = vpr_state_after(ctx->arena, key);
        const Viper__V1__Unbonding *entry = entry_get(ctx, &q.delegator, q.number);
        VPR_ASSERT(entry != NULL);
        if (may_be_paid(ctx, entry)) {
            pay(ctx, &q.delegator, q.number, entry);
        }
    }
}

/* ---- invariant ---- */

struct vpr_coin vpr_unbonding_sum(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_ENTRY);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    struct vpr_coin sum = vpr_coin(0);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__Unbonding *entry = (const Viper__V1__Unbonding *)vpr_record_unpack(
            ctx, value, &viper__v1__unbonding__descriptor);
        if (!vpr_coin_add(&sum, sum, vpr_coin(entry->amount))) {
            VPR_HALT("more waits to be paid than the largest supply");
        }
        from = vpr_state_after(ctx->arena, key);
    }
    return sum;
}

enum vpr_code vpr_unbonding_invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf entries = vpr_key(VPR_KEY_ENTRY), queue = vpr_key(VPR_KEY_ENTRY_QUEUE);
    struct vpr_bytes from = vpr_key_bytes(&queue), key, value;
    uint64_t queued = 0, stored = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&queue),
                          from, &key, &value)) {
        struct queued q = read_queued(key, value);
        const Viper__V1__Unbonding *entry = entry_get(ctx, &q.delegator, q.number);
        if (entry == NULL || (uint64_t)entry->time_s != q.due_s) {
            return vpr_fail(ctx->err, VPR_NOT_FOUND,
                            "the queue leads to no entry %" PRIu64 " of %s", q.number,
                            vpr_text_of_address(ctx->arena, &q.delegator));
        }
        queued++;
        from = vpr_state_after(ctx->arena, key);
    }
    from = vpr_key_bytes(&entries);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&entries),
                          from, &key, &value)) {
        stored++;
        from = vpr_state_after(ctx->arena, key);
    }
    if (queued != stored) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " entries wait, %" PRIu64 " of them in the queue", stored,
                        queued);
    }
    return VPR_OK;
}
