#include "app/tx/auth.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/tx/amino.h"
#include "viper/v1/state.pb-c.h"

/* How many entries of the seen set leave in one block; the rest leaves in the next ones. */
#define FORGET_MAX 20000

static const Viper__V1__Account *account_get(struct vpr_ctx *ctx, const struct vpr_address *who)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, who);
    return (const Viper__V1__Account *)vpr_record_get(
        ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &viper__v1__account__descriptor);
}

static void account_put(struct vpr_ctx *ctx, const struct vpr_address *who,
                        const Viper__V1__Account *account)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, who);
    vpr_record_put(ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &account->base);
}

/* ---- the seen set of unordered transactions ---- */

static struct vpr_hash seen_hash(const struct vpr_envelope *env)
{
    return vpr_sha256_2(env->wire.body.data, env->wire.body.len, env->wire.auth.data,
                        env->wire.auth.len);
}

static struct vpr_key_buf seen_key(const struct vpr_address *who, const struct vpr_hash *hash)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN);
    vpr_key_address(&key, who);
    vpr_key_hash(&key, hash);
    return key;
}

static struct vpr_key_buf queue_key(uint64_t timeout_s, const struct vpr_address *who,
                                    const struct vpr_hash *hash)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN_QUEUE);
    vpr_key_u64(&key, timeout_s);
    vpr_key_address(&key, who);
    vpr_key_hash(&key, hash);
    return key;
}

/* 0 if there is no such record. */
static uint64_t number_get(struct vpr_ctx *ctx, const struct vpr_key_buf *key)
{
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(key),
                       &value)) {
        return 0;
    }
    VPR_ASSERT(value.len == 8);
    return vpr_get_be64(value.data);
}

static void number_put(struct vpr_ctx *ctx, const struct vpr_key_buf *key, uint64_t number)
{
    uint8_t be[8];
    vpr_put_be64(be, number);
    vpr_state_put(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(key),
                  vpr_bytes_of(be, sizeof be));
}

static uint64_t seen_count(struct vpr_ctx *ctx, const struct vpr_address *who)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN_COUNT);
    vpr_key_address(&key, who);
    return number_get(ctx, &key);
}

static void seen_count_put(struct vpr_ctx *ctx, const struct vpr_address *who, uint64_t count)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN_COUNT);
    vpr_key_address(&key, who);
    if (count == 0) {
        vpr_state_del(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key));
        return;
    }
    number_put(ctx, &key, count);
}

static enum vpr_code check_unseen(struct vpr_ctx *ctx, const struct vpr_envelope *env)
{
    if (env->wire.timeout_s - ctx->time_s > VPR_UNORDERED_AHEAD_S) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "timeout_timestamp %" PRId64 " lies more than "
                        "%d s after block time %" PRId64, env->wire.timeout_s,
                        VPR_UNORDERED_AHEAD_S, ctx->time_s);
    }
    struct vpr_hash hash = seen_hash(env);
    struct vpr_key_buf key = seen_key(&env->signer, &hash);
    struct vpr_bytes value;
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                      &value)) {
        return vpr_fail(ctx->err, VPR_REPLAYED,
                        "this unordered transaction was executed before");
    }
    if (seen_count(ctx, &env->signer) >= VPR_SEEN_MAX) {
        return vpr_fail(ctx->err, VPR_REPLAYED, "the account has %d unordered transactions "
                        "whose timeouts have not passed; send it again later", VPR_SEEN_MAX);
    }
    return VPR_OK;
}

static void mark_seen(struct vpr_ctx *ctx, const struct vpr_envelope *env)
{
    static const uint8_t present[] = {1};
    struct vpr_hash hash = seen_hash(env);
    uint64_t timeout_s = (uint64_t)env->wire.timeout_s;
    struct vpr_key_buf key = seen_key(&env->signer, &hash);
    struct vpr_key_buf queued = queue_key(timeout_s, &env->signer, &hash);
    uint8_t be[8];
    vpr_put_be64(be, timeout_s);
    vpr_state_put(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                  vpr_bytes_of(be, sizeof be));
    vpr_state_put(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&queued),
                  vpr_bytes_of(present, sizeof present));
    seen_count_put(ctx, &env->signer, seen_count(ctx, &env->signer) + 1);
}

/* The first entry of the queue from `from` on whose timeout has passed. */
static bool next_passed(struct vpr_ctx *ctx, struct vpr_key_buf *from, uint64_t *ret_timeout_s,
                        struct vpr_address *ret_who, struct vpr_hash *ret_hash)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_SEEN_QUEUE);
    struct vpr_bytes queued, value;
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&prefix),
                        vpr_key_bytes(from), &queued, &value)) {
        return false;
    }
    struct vpr_reader r = vpr_reader(queued);
    (void)vpr_read_u8(&r);
    uint64_t timeout_s = vpr_read_be64(&r);
    if (ctx->time_s < 0 || timeout_s >= (uint64_t)ctx->time_s) {
        return false;
    }
    vpr_read(&r, ret_who->b, sizeof ret_who->b);
    vpr_read(&r, ret_hash->b, sizeof ret_hash->b);
    VPR_ASSERT(vpr_read_done(&r));
    *ret_timeout_s = timeout_s;
    return true;
}

/* The walk begins where it ended in an earlier block and goes on behind what it deletes: from
 * the beginning of the queue it would pass all that was ever deleted, since that stays in the
 * way on disk for long.  No new entry comes in below: none has a timeout that has passed. */
void vpr_tx_forget(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf forgotten = vpr_key(VPR_KEY_FORGOTTEN);
    size_t mark = vpr_arena_mark(ctx->arena);
    uint64_t begin_s = number_get(ctx, &forgotten), last_s = begin_s;
    struct vpr_key_buf from = vpr_key(VPR_KEY_SEEN_QUEUE);
    vpr_key_u64(&from, begin_s);
    for (unsigned i = 0; i < FORGET_MAX; i++) {
        struct vpr_address who;
        struct vpr_hash hash;
        vpr_arena_release(ctx->arena, mark);
        if (!next_passed(ctx, &from, &last_s, &who, &hash)) {
            break;
        }
        struct vpr_key_buf key = seen_key(&who, &hash);
        from = queue_key(last_s, &who, &hash);
        vpr_state_del(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key));
        vpr_state_del(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&from));
        seen_count_put(ctx, &who, seen_count(ctx, &who) - 1);
    }
    if (last_s != begin_s) {
        number_put(ctx, &forgotten, last_s);
    }
    vpr_arena_release(ctx->arena, mark);
}

static uint64_t count_prefix(struct vpr_ctx *ctx, const struct vpr_key_buf *prefix)
{
    struct vpr_bytes from = vpr_key_bytes(prefix), key, value;
    uint64_t count = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(prefix),
                          from, &key, &value)) {
        count++;
        from = vpr_state_after(ctx->arena, key);
    }
    return count;
}

enum vpr_code vpr_tx_seen_invariant(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_SEEN);
    const struct vpr_key_buf queue = vpr_key(VPR_KEY_SEEN_QUEUE);
    const struct vpr_key_buf counts = vpr_key(VPR_KEY_SEEN_COUNT);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value, found;
    struct vpr_address last;
    uint64_t seen = 0, accounts = 0;
    memset(&last, 0, sizeof last);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        struct vpr_reader r = vpr_reader(key);
        struct vpr_address who;
        struct vpr_hash hash;
        (void)vpr_read_u8(&r);
        vpr_read(&r, who.b, sizeof who.b);
        vpr_read(&r, hash.b, sizeof hash.b);
        VPR_ASSERT(vpr_read_done(&r) && value.len == 8);
        struct vpr_key_buf queued = queue_key(vpr_get_be64(value.data), &who, &hash);
        bool waits = vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS,
                                   vpr_key_bytes(&queued), &found);
        bool another = seen == 0 || !vpr_address_equal(&who, &last);
        struct vpr_key_buf own = vpr_key(VPR_KEY_SEEN);
        vpr_key_address(&own, &who);
        if (!waits || (another && (seen_count(ctx, &who) != count_prefix(ctx, &own) ||
                                   seen_count(ctx, &who) > VPR_SEEN_MAX))) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "an unordered transaction never leaves the seen set, or its account "
                            "counts %" PRIu64 " of them", seen_count(ctx, &who));
        }
        accounts += another;
        seen++;
        last = who;
        from = vpr_state_after(ctx->arena, key);
    }
    if (count_prefix(ctx, &queue) != seen || count_prefix(ctx, &counts) != accounts) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " unordered transactions of %" PRIu64
                        " accounts, %" PRIu64 " queued", seen, accounts,
                        count_prefix(ctx, &queue));
    }
    return VPR_OK;
}

/* ---- the account ---- */

void vpr_auth_account(struct vpr_ctx *ctx, const struct vpr_address *who,
                      uint64_t *ret_sequence, uint64_t *ret_balance_uvipr)
{
    const Viper__V1__Account *account = account_get(ctx, who);
    *ret_sequence = account == NULL ? 0 : account->sequence;
    *ret_balance_uvipr = account == NULL ? 0 : account->balance;
}

struct vpr_hash vpr_auth_place(const struct vpr_envelope *env)
{
    uint8_t be[8];
    if (env->wire.unordered) {
        return seen_hash(env);
    }
    vpr_put_be64(be, env->wire.sequence);
    return vpr_sha256_2(env->signer.b, sizeof env->signer.b, be, sizeof be);
}

void vpr_auth_unordered(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                        struct vpr_hash *ret_seen, uint64_t *ret_left)
{
    uint64_t live = seen_count(ctx, &env->signer);
    *ret_seen = seen_hash(env);
    *ret_left = live < VPR_SEEN_MAX ? VPR_SEEN_MAX - live : 0;
}

static enum vpr_code check_sequence(struct vpr_ctx *ctx, uint64_t have, uint64_t stated,
                                    enum vpr_auth_mode mode)
{
    uint64_t ahead = mode == VPR_AUTH_RUN ? 1 : VPR_SEQUENCE_AHEAD;
    if (stated < have || stated - have >= ahead) {
        return vpr_fail(ctx->err, VPR_BAD_SEQUENCE,
                        "sequence %" PRIu64 ", but the account is at "
                        "%" PRIu64 "; query it and sign again",
                        stated, have);
    }
    return VPR_OK;
}

static enum vpr_code check_timeouts(struct vpr_ctx *ctx, const struct vpr_wire_tx *wire)
{
    if (wire->timeout_height != 0 && ctx->height > wire->timeout_height) {
        return vpr_fail(ctx->err, VPR_EXPIRED,
                        "timeout_height %" PRIu64 " has passed at height "
                        "%" PRIu64,
                        wire->timeout_height, ctx->height);
    }
    if (wire->has_timeout && (wire->timeout_s < 0 || ctx->time_s > wire->timeout_s)) {
        return vpr_fail(ctx->err, VPR_EXPIRED,
                        "timeout_timestamp %" PRId64 " has passed at block "
                        "time %" PRId64,
                        wire->timeout_s, ctx->time_s);
    }
    return VPR_OK;
}

static enum vpr_code check_price(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                                 const Viper__V1__Account *account)
{
    const struct vpr_wire_tx *wire = &env->wire;
    if (wire->gas_limit < env->gas) {
        return vpr_fail(ctx->err, VPR_GAS_TOO_LOW,
                        "needs %" PRIu64 " gas, gas_limit is %" PRIu64, env->gas,
                        wire->gas_limit);
    }
    if (wire->fee_uvipr < env->least_fee) {
        return vpr_fail(ctx->err, VPR_FEE_TOO_LOW,
                        "%" PRIu64 " gas cost at least %" PRIu64 " uvipr, the fee is %" PRIu64,
                        env->gas, env->least_fee, wire->fee_uvipr);
    }
    if (account->balance < wire->fee_uvipr) {
        return vpr_fail(ctx->err, VPR_NO_FUNDS, "the fee is %" PRIu64 " uvipr, the account has "
                        "%" PRIu64, wire->fee_uvipr, account->balance);
    }
    return VPR_OK;
}

static enum vpr_code stored_key(struct vpr_public_key *ret, const Viper__V1__Account *account,
                                struct vpr_err *err)
{
    struct vpr_public_key key = {VPR_KEY_TYPE_NONE, {0}};
    switch (account->key_type) {
    case VIPER__V1__KEY_TYPE__KEY_TYPE_SECP256K1:
        key.type = VPR_KEY_TYPE_SECP256K1;
        break;
    case VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519:
        key.type = VPR_KEY_TYPE_ED25519;
        break;
    case VIPER__V1__KEY_TYPE__KEY_TYPE_NONE:
    default: /* protobuf's own filler value */
        return vpr_fail(err, VPR_BAD_SIGNATURE, "the account has not signed before: the "
                        "transaction must carry its public key");
    }
    VPR_ASSERT(account->key.len == vpr_key_len(&key));
    memcpy(key.b, account->key.data, account->key.len);
    *ret = key;
    return VPR_OK;
}

/* A key on record was found usable when it came. */
static bool on_record(const Viper__V1__Account *account, const struct vpr_public_key *key)
{
    struct vpr_public_key stored;
    return stored_key(&stored, account, NULL) == VPR_OK && stored.type == key->type &&
           memcmp(stored.b, key->b, vpr_key_len(key)) == 0;
}

static enum vpr_code check_signature(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                                     const Viper__V1__Account *account)
{
    const struct vpr_wire_tx *wire = &env->wire;
    struct vpr_public_key key = wire->key;
    if (key.type == VPR_KEY_TYPE_NONE) {
        VPR_TRY(stored_key(&key, account, ctx->err));
    }
    struct vpr_bytes doc =
        wire->amino ? vpr_amino_sign_doc(ctx->arena, wire, env->messages, ctx->chain_id,
                                         account->number)
                    : vpr_wire_sign_doc(ctx->arena, wire->body, wire->auth, ctx->chain_id,
                                        account->number);
    if (!on_record(account, &key) && !vpr_key_usable(&key)) {
        return vpr_fail(ctx->err, VPR_BAD_KEY,
                        "the public key is not a point one can sign for");
    }
    if (!vpr_wire_verify(&key, &wire->signature, doc)) {
        return vpr_fail(ctx->err, VPR_BAD_SIGNATURE, "the signature does not verify for "
                        "chain-id %s, account number %" PRIu64 ", sequence %" PRIu64,
                        ctx->chain_id, account->number, wire->sequence);
    }
    return VPR_OK;
}

enum vpr_code vpr_auth_verify(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                              enum vpr_auth_mode mode)
{
    const Viper__V1__Account *account = account_get(ctx, &env->signer);
    if (account == NULL) {
        return vpr_fail(ctx->err, VPR_NO_FUNDS, "the signer's account does not exist; send it "
                        "some uvipr first");
    }
    VPR_TRY(check_timeouts(ctx, &env->wire));
    if (mode == VPR_AUTH_SIMULATE) {
        return VPR_OK;
    }
    if (env->wire.unordered) {
        VPR_TRY(check_unseen(ctx, env));
    } else {
        VPR_TRY(check_sequence(ctx, account->sequence, env->wire.sequence, mode));
    }
    VPR_TRY(check_price(ctx, env, account));
    if (mode != VPR_AUTH_RECHECK) {
        VPR_TRY(check_signature(ctx, env, account));
    }
    return VPR_OK;
}

enum vpr_code vpr_auth_accept(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                              const struct vpr_envelope *env)
{
    const struct vpr_wire_tx *wire = &env->wire;
    VPR_TRY(tables->take_fee(ctx, &env->signer, vpr_coin(wire->fee_uvipr)));

    Viper__V1__Account account = *account_get(ctx, &env->signer);
    struct vpr_public_key key = wire->key;
    if (account.key_type == VIPER__V1__KEY_TYPE__KEY_TYPE_NONE) {
        VPR_ASSERT(key.type != VPR_KEY_TYPE_NONE);
        account.key_type = key.type == VPR_KEY_TYPE_SECP256K1
                               ? VIPER__V1__KEY_TYPE__KEY_TYPE_SECP256K1
                               : VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519;
        account.key = (ProtobufCBinaryData){vpr_key_len(&key), key.b};
    }
    if (wire->unordered) {
        mark_seen(ctx, env);
    } else {
        account.sequence++;
    }
    account_put(ctx, &env->signer, &account);
    return VPR_OK;
}
