#include "app/domain/accounts.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/domain/field.h"
#include "app/domain/walk.h"
#include "app/rules/ids.h"
#include "app/tx/run.h"
#include "app/tx/wire.h"
#include "cosmos/auth/v1beta1/auth.pb-c.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"

static const char *const pool_names[VPR_POOL_COUNT] = {"staked", "fees", "dao", "rewards",
                                                       "deposits"};

/* ---- records ---- */

static uint64_t number_get(struct vpr_ctx *ctx, enum vpr_key_first first)
{
    const struct vpr_key_buf key = vpr_key(first);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                       &value)) {
        return 0;
    }
    VPR_ASSERT(value.len == 8);
    return vpr_get_be64(value.data);
}

static void number_put(struct vpr_ctx *ctx, enum vpr_key_first first, uint64_t v)
{
    const struct vpr_key_buf key = vpr_key(first);
    uint8_t be[8];
    vpr_put_be64(be, v);
    vpr_state_put(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                  vpr_bytes_of(be, sizeof be));
}

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

/* A number is given once, in the order in which accounts come to be. */
static Viper__V1__Account account_new(struct vpr_ctx *ctx)
{
    Viper__V1__Account account = VIPER__V1__ACCOUNT__INIT;
    account.number = number_get(ctx, VPR_KEY_NEXT_NUMBER);
    number_put(ctx, VPR_KEY_NEXT_NUMBER, account.number + 1);
    return account;
}

/* The sum over all accounts, kept beside them: what the supply is held against each block. */
static void held_add(struct vpr_ctx *ctx, struct vpr_coin amount)
{
    struct vpr_coin held = vpr_coin(number_get(ctx, VPR_KEY_HELD));
    if (!vpr_coin_add(&held, held, amount)) {
        VPR_HALT("accounts hold more than the largest supply");
    }
    number_put(ctx, VPR_KEY_HELD, held.uvipr /* raw: stored */);
}

static void held_sub(struct vpr_ctx *ctx, struct vpr_coin amount)
{
    struct vpr_coin held = vpr_coin(number_get(ctx, VPR_KEY_HELD));
    if (!vpr_coin_sub(&held, held, amount)) {
        VPR_HALT("an account held more than all accounts together");
    }
    number_put(ctx, VPR_KEY_HELD, held.uvipr /* raw: stored */);
}

/* ---- pools ---- */

struct vpr_address vpr_pool_address(enum vpr_pool_account pool)
{
    static const char prefix[] = "viper-pool-";
    VPR_ASSERT(pool < VPR_POOL_COUNT);
    struct vpr_hash h = vpr_sha256_2(prefix, sizeof prefix - 1, pool_names[pool],
                                     strlen(pool_names[pool]));
    struct vpr_address address;
    memcpy(address.b, h.b, sizeof address.b);
    return address;
}

const char *vpr_pool_name(const struct vpr_address *who)
{
    for (enum vpr_pool_account pool = 0; pool < VPR_POOL_COUNT; pool++) {
        struct vpr_address address = vpr_pool_address(pool);
        if (vpr_address_equal(&address, who)) {
            return pool_names[pool];
        }
    }
    return NULL;
}

/* ---- balances ---- */

struct vpr_coin vpr_account_balance(struct vpr_ctx *ctx, const struct vpr_address *who)
{
    const Viper__V1__Account *account = account_get(ctx, who);
    return vpr_coin(account == NULL ? 0 : account->balance);
}

enum vpr_code vpr_account_debit(struct vpr_ctx *ctx, const struct vpr_address *who,
                                struct vpr_coin amount)
{
    const Viper__V1__Account *have = account_get(ctx, who);
    struct vpr_coin left, balance = vpr_coin(have == NULL ? 0 : have->balance);
    if (!vpr_coin_sub(&left, balance, amount)) {
        return vpr_fail(ctx->err, VPR_NO_FUNDS, "needs %" PRIu64 " uvipr, has %" PRIu64,
                        amount.uvipr, balance.uvipr /* raw: text */);
    }
    if (have == NULL) {
        return VPR_OK; /* nothing from nobody */
    }
    Viper__V1__Account account = *have;
    account.balance = left.uvipr; /* raw: stored */
    account_put(ctx, who, &account);
    held_sub(ctx, amount);
    return VPR_OK;
}

void vpr_account_credit(struct vpr_ctx *ctx, const struct vpr_address *who,
                        struct vpr_coin amount)
{
    const Viper__V1__Account *have = account_get(ctx, who);
    if (have == NULL && amount.uvipr == 0 /* raw: zero */) {
        return;
    }
    Viper__V1__Account account = have == NULL ? account_new(ctx) : *have;
    struct vpr_coin sum;
    if (!vpr_coin_add(&sum, vpr_coin(account.balance), amount)) {
        VPR_HALT("a balance beyond the largest supply");
    }
    account.balance = sum.uvipr; /* raw: stored */
    account_put(ctx, who, &account);
    held_add(ctx, amount);
}

enum vpr_code vpr_account_move(struct vpr_ctx *ctx, const struct vpr_address *from,
                               const struct vpr_address *to, struct vpr_coin amount)
{
    VPR_TRY(vpr_account_debit(ctx, from, amount));
    vpr_account_credit(ctx, to, amount);
    return VPR_OK;
}

enum vpr_code vpr_account_take_fee(struct vpr_ctx *ctx, const struct vpr_address *from,
                                   struct vpr_coin amount)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_FEES);
    return vpr_account_move(ctx, from, &pool, amount);
}

/* ---- supply ---- */

struct vpr_supply vpr_supply_get(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_SUPPLY);
    struct vpr_supply supply;
    struct vpr_bytes value;
    memset(&supply, 0, sizeof supply);
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                       &value)) {
        return supply;
    }
    struct vpr_reader r = vpr_reader(value);
    supply.total = vpr_coin(vpr_read_be64(&r));
    supply.genesis = vpr_coin(vpr_read_be64(&r));
    supply.minted = vpr_coin(vpr_read_be64(&r));
    supply.burned = vpr_coin(vpr_read_be64(&r));
    VPR_ASSERT(vpr_read_done(&r));
    return supply;
}

static void supply_put(struct vpr_ctx *ctx, const struct vpr_supply *supply)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_SUPPLY);
    uint8_t bytes[32];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    vpr_write_be64(&w, supply->total.uvipr);   /* raw: stored */
    vpr_write_be64(&w, supply->genesis.uvipr); /* raw: stored */
    vpr_write_be64(&w, supply->minted.uvipr);  /* raw: stored */
    vpr_write_be64(&w, supply->burned.uvipr);  /* raw: stored */
    vpr_state_put(ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                  vpr_bytes_of(bytes, w.len));
}

bool vpr_account_mint(struct vpr_ctx *ctx, const struct vpr_address *to, struct vpr_coin amount)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    struct vpr_coin total, minted;
    if (!vpr_coin_add(&total, supply.total, amount) ||
        !vpr_coin_add(&minted, supply.minted, amount)) {
        return false;
    }
    supply.total = total;
    supply.minted = minted;
    supply_put(ctx, &supply);
    vpr_account_credit(ctx, to, amount);
    return true;
}

void vpr_account_burn(struct vpr_ctx *ctx, const struct vpr_address *from,
                      struct vpr_coin amount)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    if (vpr_account_debit(ctx, from, amount) != VPR_OK ||
        !vpr_coin_sub(&supply.total, supply.total, amount) ||
        !vpr_coin_add(&supply.burned, supply.burned, amount)) {
        VPR_HALT("more is burned than there is");
    }
    supply_put(ctx, &supply);
}

void vpr_supply_assert(struct vpr_ctx *ctx)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    if (supply.total.uvipr != number_get(ctx, VPR_KEY_HELD) /* raw: compared */) {
        VPR_HALT("the accounts do not hold the total supply");
    }
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_ACCOUNT);
    struct vpr_bytes key, value, from = vpr_key_bytes(&prefix);
    uint8_t after[VPR_STORE_KEY_BYTES_MAX];
    struct vpr_coin sum = vpr_coin(0);
    size_t mark = vpr_arena_mark(ctx->arena);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACCOUNTS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__Account *account = (const Viper__V1__Account *)vpr_record_unpack(
            ctx, value, &viper__v1__account__descriptor);
        if (!vpr_coin_add(&sum, sum, vpr_coin(account->balance))) {
            return vpr_fail(ctx->err, VPR_OVERFLOW, "the accounts hold 2^62 uvipr or more");
        }
        struct vpr_bytes next = vpr_state_after(ctx->arena, key);
        memcpy(after, next.data, next.len);
        from = vpr_bytes_of(after, next.len);
        vpr_arena_release(ctx->arena, mark);
    }
    struct vpr_supply s = vpr_supply_get(ctx);
    struct vpr_coin made;
    if (!vpr_coin_add(&made, s.genesis, s.minted) || !vpr_coin_sub(&made, made, s.burned) ||
        made.uvipr != s.total.uvipr || sum.uvipr != s.total.uvipr /* raw: compared */) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT, "the accounts hold %" PRIu64 " uvipr, the "
                        "supply is %" PRIu64 " = %" PRIu64 " at genesis + %" PRIu64
                        " minted - %" PRIu64 " burned", sum.uvipr, s.total.uvipr,
                        s.genesis.uvipr, s.minted.uvipr, s.burned.uvipr /* raw: text */);
    }
    return VPR_OK;
}

/* ---- genesis ---- */

/* Whoever holds the key of an account owns it: one of another address gives it away. */
static enum vpr_code import_key(Viper__V1__Account *account, const struct vpr_address *who,
                                const Viper__V1__GenesisAccount *from, struct vpr_err *err)
{
    struct vpr_public_key key = {
        from->key_type == VIPER__V1__KEY_TYPE__KEY_TYPE_SECP256K1 ? VPR_KEY_TYPE_SECP256K1
        : from->key_type == VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519 ? VPR_KEY_TYPE_ED25519
                                                                  : VPR_KEY_TYPE_NONE,
        {0}};
    if (from->key.len != vpr_key_len(&key)) {
        return vpr_fail(err, VPR_BAD_KEY,
                        "account %.64s: the key has %zu bytes instead "
                        "of %zu",
                        from->address, from->key.len, vpr_key_len(&key));
    }
    if (key.type == VPR_KEY_TYPE_NONE) {
        return VPR_OK;
    }
    memcpy(key.b, from->key.data, from->key.len);
    struct vpr_address of_key = vpr_key_account(&key);
    if (!vpr_address_equal(&of_key, who)) {
        return vpr_fail(err, VPR_BAD_KEY, "account %.64s: the key is of another address",
                        from->address);
    }
    if (!vpr_key_usable(&key)) {
        return vpr_fail(err, VPR_BAD_KEY,
                        "account %.64s: the key is not a point one can sign for",
                        from->address);
    }
    account->key_type = from->key_type;
    account->key = from->key;
    return VPR_OK;
}

static enum vpr_code import_account(struct vpr_ctx *ctx, const Viper__V1__GenesisAccount *from,
                                    struct vpr_coin *total)
{
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, from->address, "address", ctx->err));
    if (account_get(ctx, &who) != NULL) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "account %.64s is listed twice",
                        from->address);
    }
    if (!vpr_coin_add(total, *total, vpr_coin(from->balance))) {
        return vpr_fail(ctx->err, VPR_OVERFLOW, "the balances of genesis sum to 2^62 uvipr or "
                        "more");
    }
    Viper__V1__Account account = account_new(ctx);
    account.balance = from->balance;
    account.sequence = from->sequence;
    VPR_TRY(import_key(&account, &who, from, ctx->err));
    account_put(ctx, &who, &account);
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__GenesisState *genesis = (const Viper__V1__GenesisState *)message;
    struct vpr_supply supply;
    memset(&supply, 0, sizeof supply);
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        if (import_account(ctx, genesis->accounts[i], &supply.total) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "accounts", i);
        }
    }
    supply.genesis = supply.total;
    supply_put(ctx, &supply);
    held_add(ctx, supply.total);
    return VPR_OK;
}

/* ---- send ---- */

static enum vpr_code check_send(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Cosmos__Bank__V1beta1__MsgSend *m = (const Cosmos__Bank__V1beta1__MsgSend *)message;
    struct vpr_address from, to;
    VPR_TRY(vpr_field_address(&from, m->from_address, "from_address", err));
    VPR_TRY(vpr_field_address(&to, m->to_address, "to_address", err));
    if (m->n_amount != 1 || strcmp(m->amount[0]->denom, VPR_DENOM) != 0) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount is one coin of " VPR_DENOM);
    }
    uint64_t amount;
    if (!vpr_wire_amount(&amount, m->amount[0]->amount) || amount == 0 ||
        amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount \"%.40s\" is not a number of uvipr from 1 "
                        "to 2^62 - 1", m->amount[0]->amount);
    }
    return VPR_OK;
}

static enum vpr_code apply_send(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Cosmos__Bank__V1beta1__MsgSend *m = (const Cosmos__Bank__V1beta1__MsgSend *)message;
    struct vpr_address from, to;
    uint64_t amount;
    VPR_TRY(vpr_field_address(&from, m->from_address, "from_address", ctx->err));
    VPR_TRY(vpr_field_address(&to, m->to_address, "to_address", ctx->err));
    if (!vpr_wire_amount(&amount, m->amount[0]->amount)) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT, "amount is not a number");
    }
    const char *pool = vpr_pool_name(&to);
    if (pool != NULL) {
        return vpr_fail(ctx->err, VPR_DENIED, "nobody can send to the pool %s", pool);
    }
    VPR_TRY(vpr_account_move(ctx, &from, &to, vpr_coin(amount)));
    vpr_event(ctx, "transfer");
    vpr_event_address(ctx, "sender", &from);
    vpr_event_address(ctx, "recipient", &to);
    vpr_event_text(ctx, "amount", vpr_arena_text(ctx->arena, "%" PRIu64 VPR_DENOM, amount));
    return VPR_OK;
}

/* ---- queries ---- */

static char *address_text(struct vpr_ctx *ctx, const struct vpr_address *who)
{
    char *text = vpr_arena_alloc(ctx->arena, VPR_ADDRESS_TEXT_MAX);
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, who);
    return text;
}

static Cosmos__Base__V1beta1__Coin *coin_message(struct vpr_ctx *ctx, const char *denom,
                                                 uint64_t amount)
{
    Cosmos__Base__V1beta1__Coin *coin = VPR_ARENA_NEW(ctx->arena, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(coin);
    coin->denom = vpr_arena_text(ctx->arena, "%s", denom);
    coin->amount = vpr_arena_text(ctx->arena, "%" PRIu64, amount);
    return coin;
}

static bool is_ours(const char *denom)
{
    return strcmp(denom, VPR_DENOM) == 0;
}

static enum vpr_code query_balance(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    const Cosmos__Bank__V1beta1__QueryBalanceRequest *q =
        (const Cosmos__Bank__V1beta1__QueryBalanceRequest *)request;
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, q->address, "address", ctx->err));
    Cosmos__Bank__V1beta1__QueryBalanceResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Bank__V1beta1__QueryBalanceResponse);
    cosmos__bank__v1beta1__query_balance_response__init(r);
    uint64_t amount =
        is_ours(q->denom) ? vpr_account_balance(ctx, &who).uvipr : 0; /* raw: text */
    r->balance = coin_message(ctx, q->denom, amount);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code query_all_balances(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Cosmos__Bank__V1beta1__QueryAllBalancesRequest *q =
        (const Cosmos__Bank__V1beta1__QueryAllBalancesRequest *)request;
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, q->address, "address", ctx->err));
    Cosmos__Bank__V1beta1__QueryAllBalancesResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Bank__V1beta1__QueryAllBalancesResponse);
    cosmos__bank__v1beta1__query_all_balances_response__init(r);
    uint64_t amount = vpr_account_balance(ctx, &who).uvipr; /* raw: text */
    if (amount > 0) {
        r->balances = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Base__V1beta1__Coin *, 1);
        r->balances[0] = coin_message(ctx, VPR_DENOM, amount);
        r->n_balances = 1;
    }
    r->pagination = vpr_walk_response(ctx, vpr_bytes_of(NULL, 0), r->n_balances);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code query_supply_of(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                     ProtobufCMessage **ret_response)
{
    const Cosmos__Bank__V1beta1__QuerySupplyOfRequest *q =
        (const Cosmos__Bank__V1beta1__QuerySupplyOfRequest *)request;
    Cosmos__Bank__V1beta1__QuerySupplyOfResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Bank__V1beta1__QuerySupplyOfResponse);
    cosmos__bank__v1beta1__query_supply_of_response__init(r);
    uint64_t total = is_ours(q->denom) ? vpr_supply_get(ctx).total.uvipr : 0; /* raw: text */
    r->amount = coin_message(ctx, q->denom, total);
    *ret_response = &r->base;
    return VPR_OK;
}

static ProtobufCBinaryData binary(struct vpr_ctx *ctx, struct vpr_bytes from)
{
    return (ProtobufCBinaryData){from.len, vpr_arena_copy(ctx->arena, from.data, from.len)};
}

static Google__Protobuf__Any *key_any(struct vpr_ctx *ctx, const Viper__V1__Account *account)
{
    if (account->key_type == VIPER__V1__KEY_TYPE__KEY_TYPE_NONE) {
        return NULL;
    }
    struct vpr_public_key key = {VPR_KEY_TYPE_SECP256K1, {0}};
    if (account->key_type == VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519) {
        key.type = VPR_KEY_TYPE_ED25519;
    }
    VPR_ASSERT(account->key.len == vpr_key_len(&key));
    memcpy(key.b, account->key.data, account->key.len);
    Google__Protobuf__Any *any = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Any);
    google__protobuf__any__init(any);
    any->type_url = vpr_arena_text(ctx->arena, "%s", vpr_key_type_url(key.type));
    any->value = binary(ctx, vpr_key_value(ctx->arena, &key));
    return any;
}

static enum vpr_code query_account(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    const Cosmos__Auth__V1beta1__QueryAccountRequest *q =
        (const Cosmos__Auth__V1beta1__QueryAccountRequest *)request;
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, q->address, "address", ctx->err));
    const Viper__V1__Account *account = account_get(ctx, &who);
    if (account == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "account %.64s not found", q->address);
    }
    Cosmos__Auth__V1beta1__BaseAccount base = COSMOS__AUTH__V1BETA1__BASE_ACCOUNT__INIT;
    base.address = address_text(ctx, &who);
    base.pub_key = key_any(ctx, account);
    base.account_number = account->number;
    base.sequence = account->sequence;
    Google__Protobuf__Any *any = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Any);
    google__protobuf__any__init(any);
    any->type_url = vpr_arena_text(ctx->arena, "/cosmos.auth.v1beta1.BaseAccount");
    any->value = binary(ctx, vpr_arena_pack(ctx->arena, &base.base));
    Cosmos__Auth__V1beta1__QueryAccountResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Auth__V1beta1__QueryAccountResponse);
    cosmos__auth__v1beta1__query_account_response__init(r);
    r->account = any;
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code query_supply(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    (void)request;
    struct vpr_supply supply = vpr_supply_get(ctx);
    Viper__V1__QuerySupplyResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QuerySupplyResponse);
    viper__v1__query_supply_response__init(r);
    r->total_uvipr = supply.total.uvipr;     /* raw: answer */
    r->genesis_uvipr = supply.genesis.uvipr; /* raw: answer */
    r->minted_uvipr = supply.minted.uvipr;   /* raw: answer */
    r->burned_uvipr = supply.burned.uvipr;   /* raw: answer */
    *ret_response = &r->base;
    return VPR_OK;
}

static Viper__V1__AccountInfo *info(struct vpr_ctx *ctx, const struct vpr_address *who,
                                    const Viper__V1__Account *account)
{
    Viper__V1__AccountInfo *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__AccountInfo);
    viper__v1__account_info__init(r);
    r->address = address_text(ctx, who);
    r->balance_uvipr = account->balance;
    r->number = account->number;
    r->sequence = account->sequence;
    const char *pool = vpr_pool_name(who);
    if (pool != NULL) {
        r->pool = vpr_arena_text(ctx->arena, "%s", pool);
    }
    return r;
}

static enum vpr_code query_accounts(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryAccountsRequest *q = (const Viper__V1__QueryAccountsRequest *)request;
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_ACCOUNT);
    struct vpr_walk walk;
    VPR_TRY(vpr_walk_begin(&walk, ctx, q->pagination, VPR_STORE_ACCOUNTS,
                           vpr_key_bytes(&prefix)));
    Viper__V1__QueryAccountsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryAccountsResponse);
    viper__v1__query_accounts_response__init(r);
    r->accounts = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__AccountInfo *, VPR_WALK_ITEMS_MAX);
    struct vpr_bytes key, value;
    while (vpr_walk_next(&walk, ctx, &key, &value)) {
        struct vpr_address who;
        VPR_ASSERT(key.len == prefix.len + sizeof who.b);
        memcpy(who.b, key.data + prefix.len, sizeof who.b);
        r->accounts[r->n_accounts++] =
            info(ctx, &who, (const Viper__V1__Account *)vpr_record_unpack(
                                ctx, value, &viper__v1__account__descriptor));
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code query_account_info(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryAccountInfoRequest *q =
        (const Viper__V1__QueryAccountInfoRequest *)request;
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, q->address, "address", ctx->err));
    const Viper__V1__Account *account = account_get(ctx, &who);
    if (account == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "account %.64s not found", q->address);
    }
    Viper__V1__QueryAccountInfoResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryAccountInfoResponse);
    viper__v1__query_account_info_response__init(r);
    r->account = info(ctx, &who, account);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- tables ---- */

static const struct vpr_handler handlers[] = {
    {
        .name = "bank.send",
        .type_url = "/cosmos.bank.v1beta1.MsgSend",
        .descriptor = &cosmos__bank__v1beta1__msg_send__descriptor,
        .signer = "from_address",
        .lane = VPR_LANE_ORDINARY,
        .gas = 0,
        .load = NULL,
        .check = check_send,
        .apply = apply_send,
        .admit = NULL,
    },
};

#define BANK(name, field) \
    {"/cosmos.bank.v1beta1.Query/" name, \
     &cosmos__bank__v1beta1__query_##field##_request__descriptor, \
     &cosmos__bank__v1beta1__query_##field##_response__descriptor, query_##field}
#define VIPER(name, field) \
    {"/viper.v1.Query/" name, &viper__v1__query_##field##_request__descriptor, \
     &viper__v1__query_##field##_response__descriptor, query_##field}

static const struct vpr_query queries[] = {
    {"/cosmos.auth.v1beta1.Query/Account",
     &cosmos__auth__v1beta1__query_account_request__descriptor,
     &cosmos__auth__v1beta1__query_account_response__descriptor, query_account},
    BANK("AllBalances", all_balances),
    BANK("Balance", balance),
    BANK("SupplyOf", supply_of),
    VIPER("AccountInfo", account_info),
    VIPER("Accounts", accounts),
    VIPER("Supply", supply),
};

static const struct vpr_invariant invariants[] = {
    {"supply_is_held", invariant},
    {"the_seen_are_queued", vpr_tx_seen_invariant},
};

const struct vpr_domain vpr_accounts = {
    .name = "accounts",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
