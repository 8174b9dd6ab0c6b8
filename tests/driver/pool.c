#include <stdlib.h>

#include "app/base/hash.h"
#include "tests/driver/stage.h"

void pool_add(struct stage *stage, struct item *item)
{
    if (stage->pool_count == stage->pool_room) {
        stage->pool_room = stage->pool_room == 0 ? 256 : stage->pool_room * 2;
        stage->pool = realloc(stage->pool, stage->pool_room * sizeof stage->pool[0]);
        VPR_ASSERT(stage->pool != NULL);
    }
    item->hash = vpr_sha256(item->raw, item->len);
    stage->pool[stage->pool_count++] = item;
}

static bool is_taken(const struct stage *stage, const struct vpr_address *who,
                     uint64_t sequence)
{
    for (size_t i = 0; i < stage->pool_count; i++) {
        const struct item *item = stage->pool[i];
        if (item->ordered && item->sequence == sequence &&
            vpr_address_equal(&item->signer, who)) {
            return true;
        }
    }
    return false;
}

/* What was refused leaves a gap behind which the rest would wait for ever: it is filled first. */
uint64_t pool_sequence(struct stage *stage, const struct vpr_address *who)
{
    size_t mark = vpr_arena_mark(&stage->block);
    const Viper__V1__Account *account = mirror_account(stage->mirror, &stage->block, who);
    uint64_t sequence = account == NULL ? 0 : account->sequence;
    vpr_arena_release(&stage->block, mark);
    while (is_taken(stage, who, sequence)) {
        sequence++;
    }
    return sequence;
}

static void item_free(struct item *item)
{
    free(item->raw);
    free(item->about);
    free(item);
}

static void put_check(struct node *node, const struct item *item,
                      Tendermint__Abci__CheckTxType type)
{
    Tendermint__Abci__RequestCheckTx check = TENDERMINT__ABCI__REQUEST_CHECK_TX__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    check.tx.data = item->raw;
    check.tx.len = item->len;
    check.type = type;
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_CHECK_TX;
    request.check_tx = &check;
    link_put(node->queries, &request);
}

static uint32_t take_check(struct stage *stage, struct node *node)
{
    const Tendermint__Abci__Response *r = link_take(node->queries, &stage->block);
    if (r == NULL || r->value_case != TENDERMINT__ABCI__RESPONSE__VALUE_CHECK_TX) {
        node_blame(node, "no answer to CheckTx");
        exit(1);
    }
    return r->check_tx->code;
}

static bool wanted(const struct item *item, bool again)
{
    return again ? item->passed : !item->checked;
}

/* All requests go out before the first answer is read; every node says the same. */
static void check_at(struct stage *stage, size_t n, bool again, bool first)
{
    struct node *node = &stage->nodes[n];
    for (size_t i = 0; i < stage->pool_count; i++) {
        if (wanted(stage->pool[i], again)) {
            put_check(node, stage->pool[i], again ? TENDERMINT__ABCI__CHECK_TX_TYPE__RECHECK
                                                  : TENDERMINT__ABCI__CHECK_TX_TYPE__NEW);
        }
    }
    for (size_t i = 0; i < stage->pool_count; i++) {
        struct item *item = stage->pool[i];
        if (wanted(item, again)) {
            uint32_t code = take_check(stage, node);
            if (!first && code != item->check_code) {
                node_blame(node, "answers CheckTx otherwise than node 0");
                exit(1);
            }
            item->check_code = code;
        }
    }
}

static void check_all(struct stage *stage, bool again)
{
    for (size_t n = 0; n < stage->node_count; n++) {
        check_at(stage, n, again, n == 0);
    }
}

void pool_offer(struct stage *stage, size_t node)
{
    check_at(stage, node, true, false);
}

void pool_check(struct stage *stage)
{
    check_all(stage, false);
    for (size_t i = 0; i < stage->pool_count; i++) {
        struct item *item = stage->pool[i];
        if (!item->checked) {
            item->checked = true;
            item->passed = item->check_code == 0;
        }
    }
}

/* What was refused and not forced, or no longer passes, is forgotten. */
void pool_recheck(struct stage *stage)
{
    size_t kept = 0;
    check_all(stage, true);
    for (size_t i = 0; i < stage->pool_count; i++) {
        struct item *item = stage->pool[i];
        if (item->passed && item->check_code == 0) {
            stage->pool[kept++] = item;
        } else {
            item_free(item);
        }
    }
    stage->pool_count = kept;
}

struct item *pool_find(struct stage *stage, const void *raw, size_t len)
{
    struct vpr_hash hash = vpr_sha256(raw, len);
    for (size_t i = 0; i < stage->pool_count; i++) {
        if (vpr_hash_equal(&stage->pool[i]->hash, &hash)) {
            return stage->pool[i];
        }
    }
    return NULL;
}

void pool_forget(struct stage *stage, struct item *item)
{
    for (size_t i = 0; i < stage->pool_count; i++) {
        if (stage->pool[i] == item) {
            memmove(&stage->pool[i], &stage->pool[i + 1],
                    (stage->pool_count - i - 1) * sizeof stage->pool[0]);
            stage->pool_count--;
            item_free(item);
            return;
        }
    }
    VPR_HALT("an item that is not in the pool");
}
