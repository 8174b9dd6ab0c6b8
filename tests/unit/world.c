#include "tests/unit/world.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/domain/actors.h"
#include "app/domain/beacon.h"

#define ARENA_BYTES (UINT64_C(1) << 30)

/* ---- the chain ---- */

struct world *world_create(world_change_fn *change, void *arg)
{
    struct world *w = calloc(1, sizeof *w);
    char text[256] = "";
    ck_assert_ptr_nonnull(w);
    vpr_arena_init(&w->scratch, ARENA_BYTES);
    vpr_arena_init(&w->block, ARENA_BYTES);
    vpr_arena_init(&w->node, ARENA_BYTES);
    w->kv = vpr_kv_memory_open();
    w->store = vpr_store_open(w->kv, vpr_domain_stores(), VPR_STORE_COUNT, text, sizeof text);
    ck_assert_msg(w->store != NULL, "%s", text);
    w->state = (struct vpr_state){w->store, NULL};
    w->proposer = "validator1";
    w->events.arena = &w->block;
    w->ctx.state = &w->state;
    w->ctx.arena = &w->scratch;
    w->ctx.err = &w->err;
    w->ctx.events = &w->events;
    w->ctx.pools = vpr_pools_create();
    w->ctx.chain_id = WORLD_CHAIN_ID;
    w->ctx.time_s = WORLD_TIME_S;

    struct vpr_bytes genesis = world_genesis(&w->node, change, arg);
    enum vpr_code code = vpr_genesis_import(&w->ctx, genesis, 1);
    ck_assert_msg(code == VPR_OK, "%s: %s", vpr_code_name(code), w->err.text);
    w->update_count = vpr_validators_update(&w->ctx, &w->updates);
    between_from(&w->between, &w->ctx);
    return w;
}

void world_destroy(struct world *w)
{
    vpr_pools_destroy(w->ctx.pools);
    vpr_store_close(w->store);
    vpr_arena_finish(&w->scratch);
    vpr_arena_finish(&w->block);
    vpr_arena_finish(&w->node);
    free(w);
}

static void run_steps(struct world *w, const struct vpr_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t mark = vpr_arena_mark(&w->scratch);
        steps[i].run(&w->ctx);
        vpr_arena_release(&w->scratch, mark);
    }
}

void world_trace(const char *fmt, ...)
{
    const char *path = getenv("VPR_TRACE");
    FILE *out = path != NULL ? fopen(path, "a") : NULL;
    if (out != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vfprintf(out, fmt, args);
        va_end(args);
        fclose(out);
    }
}

void world_begin(struct world *w)
{
    struct vpr_hash end, x;
    ck_assert(!w->open);
    vpr_arena_release(&w->block, 0);
    memset(&w->events, 0, sizeof w->events);
    w->events.arena = &w->block;
    w->open = true;
    w->ctx.height++;
    w->ctx.time_s++;
    w->ctx.proposer = world_consensus(w->proposer);
    w->ctx.reveal = vpr_bytes_of(NULL, 0);
    if (!w->silent && vpr_validator_beacon_end(&w->ctx, &w->ctx.proposer, &end) &&
        world_beacon_reveal(w->proposer, &end, &x)) {
        w->ctx.reveal = vpr_bytes_of(vpr_arena_copy(&w->block, x.b, sizeof x.b), sizeof x.b);
    }
    run_steps(w, vpr_steps_before, vpr_steps_before_count);
}

void world_end(struct world *w)
{
    ck_assert(w->open);
    run_steps(w, vpr_steps_after, vpr_steps_after_count);
    struct vpr_arena *arena = w->ctx.arena;
    w->ctx.arena = &w->block;
    w->update_count = vpr_validators_update(&w->ctx, &w->updates);
    w->ctx.arena = arena;
    enum vpr_code code = w->broken ? VPR_OK : vpr_domain_invariants(&w->ctx);
    ck_assert_msg(code == VPR_OK, "after block %d: %s", (int)w->ctx.height, w->err.text);
    if (w->compared && !w->broken) {
        const char *wrong = between_blocks(&w->between, &w->ctx, &w->events);
        ck_assert_msg(wrong == NULL, "block %d: %s", (int)w->ctx.height, wrong);
    } else {
        between_from(&w->between, &w->ctx);
    }
    w->app_hash = vpr_store_root(w->store);
    vpr_store_commit(w->store, w->ctx.height);
    w->open = false;
    char hash[65];
    vpr_hex(hash, w->app_hash.b, sizeof w->app_hash.b);
    world_trace("block %d %s\n", (int)w->ctx.height, hash);
}

const char *world_broken(struct world *w)
{
    static char name[sizeof w->err.text];
    if (vpr_domain_invariants(&w->ctx) == VPR_OK) {
        return NULL;
    }
    (void)snprintf(name, sizeof name, "%s", w->err.text);
    name[strcspn(name, ":")] = 0;
    return name;
}

void world_block(struct world *w)
{
    if (!w->open) {
        world_begin(w);
    }
    world_end(w);
}

void world_until(struct world *w, uint64_t height)
{
    while (w->open || w->ctx.height < height) {
        world_block(w);
    }
}

static const Viper__V1__Account *account_of(struct world *w, const char *label)
{
    struct vpr_address who = world_address(label);
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, &who);
    return (const Viper__V1__Account *)vpr_record_get(
        &w->ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &viper__v1__account__descriptor);
}

struct vpr_tx_result world_raw(struct world *w, struct vpr_bytes raw)
{
    struct vpr_tx_result result;
    if (!w->open) {
        world_begin(w);
    }
    vpr_tx_run(&w->ctx, &vpr_domain_tables, raw, &result);
    world_trace("tx %d gas %d\n", (int)result.code, (int)result.gas_used);
    return result;
}

struct vpr_tx_result world_tx(struct world *w, const char *label,
                              const ProtobufCMessage *message)
{
    if (!w->open) {
        world_begin(w);
    }
    const Viper__V1__Account *account = account_of(w, label);
    struct world_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    if (account != NULL) {
        envelope.account_number = account->number;
        envelope.sequence = account->sequence;
    }
    return world_raw(w, world_sign(&w->block, label, &envelope, &message, 1));
}

static uint64_t seeks;
static bool (*seek)(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                    struct vpr_arena *arena, struct vpr_bytes from, struct vpr_bytes *ret_key,
                    struct vpr_bytes *ret_value);

static bool counted_seek(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                         struct vpr_arena *arena, struct vpr_bytes from,
                         struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    seeks++;
    return seek(self, snapshot, column, backward, arena, from, ret_key, ret_value);
}

uint64_t world_seeks(struct world *w)
{
    if (w->kv->seek != counted_seek) {
        seek = w->kv->seek;
        w->kv->seek = counted_seek;
    }
    uint64_t count = seeks;
    seeks = 0;
    return count;
}

uint64_t world_balance(struct world *w, const char *label)
{
    struct vpr_address who = world_address(label);
    size_t mark = vpr_arena_mark(&w->scratch);
    uint64_t balance = vpr_account_balance(&w->ctx, &who).uvipr;
    vpr_arena_release(&w->scratch, mark);
    return balance;
}

const char *world_event(struct world *w, const char *type, const char *key)
{
    for (size_t i = w->events.count; i > 0; i--) {
        const struct vpr_event *event = w->events.list[i - 1];
        if (strcmp(event->type, type) != 0) {
            continue;
        }
        for (uint32_t a = 0; a < event->count; a++) {
            if (strcmp(event->attributes[a].key, key) == 0) {
                return event->attributes[a].value;
            }
        }
        return NULL;
    }
    return NULL;
}
