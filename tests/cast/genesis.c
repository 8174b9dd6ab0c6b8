#include "tests/cast/cast.h"

#include "app/base/hash.h"
#include "app/tx/params.h"

/* ---- genesis ---- */

#define OPERATOR_FUNDS (1000 * WORLD_VIPR)

#define MORE_ACCOUNTS 256

const struct cast_size cast_local = {WORLD_VALIDATORS, WORLD_SERVICERS, WORLD_FISHERMEN, 1};

struct maker {
    struct vpr_arena *arena;
    Viper__V1__GenesisState *genesis;
    const struct cast_size *size;
};

static ProtobufCBinaryData bytes_of(struct vpr_arena *arena, const struct vpr_hash *hash)
{
    return (ProtobufCBinaryData){sizeof hash->b,
                                 vpr_arena_copy(arena, hash->b, sizeof hash->b)};
}

static ProtobufCBinaryData key_of(struct vpr_arena *arena, const char *name, const char *what)
{
    struct vpr_hash key = world_ed25519(vpr_arena_text(arena, "%s.%s", name, what));
    return bytes_of(arena, &key);
}

static char *owner_of(struct vpr_arena *arena, const char *name)
{
    return world_text(vpr_arena_text(arena, "%s.owner", name));
}

void cast_fund(struct vpr_arena *arena, Viper__V1__GenesisState *genesis, char *address,
               uint64_t balance)
{
    Viper__V1__GenesisAccount *account = VPR_ARENA_NEW(arena, Viper__V1__GenesisAccount);
    viper__v1__genesis_account__init(account);
    account->address = address;
    account->balance = balance;
    genesis->accounts[genesis->n_accounts++] = account;
}

static void fund(struct maker *m, char *address, uint64_t balance)
{
    cast_fund(m->arena, m->genesis, address, balance);
}

/* Owner with the stake and operator with something for fees. */
static void fund_actor(struct maker *m, const char *name, uint64_t stake)
{
    fund(m, owner_of(m->arena, name), stake + OPERATOR_FUNDS);
    fund(m, world_text(name), OPERATOR_FUNDS);
}

static uint32_t *both_chains(struct vpr_arena *arena)
{
    static const uint32_t chains[] = {1, 2};
    return vpr_arena_copy(arena, chains, sizeof chains);
}

static void make_params(struct maker *m)
{
    m->genesis->params = VPR_ARENA_NEW(m->arena, Viper__V1__Params);
    viper__v1__params__init(m->genesis->params);
#define X(name, main, local, least, most, unit, slack) m->genesis->params->name = local;
    VPR_PARAMS(X)
#undef X
    m->genesis->price_micro_usd = 50000;
}

static void make_chains(struct maker *m)
{
    static const char *const names[] = {"viper", "litecoin"};
    m->genesis->chains = VPR_ARENA_ARRAY(m->arena, Viper__V1__GenesisChain *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        Viper__V1__GenesisChain *chain = VPR_ARENA_NEW(m->arena, Viper__V1__GenesisChain);
        struct vpr_hash corpus = vpr_tagged("corpus", names[i], strlen(names[i]));
        viper__v1__genesis_chain__init(chain);
        chain->id = i + 1;
        chain->name = vpr_arena_text(m->arena, "%s", names[i]);
        chain->owner = world_text("alice");
        chain->active = true;
        chain->multiplier_ppm = VPR_PPM;
        chain->latency_target_ms = 100;
        chain->latency_max_ms = 1100;
        chain->corpus_hash = bytes_of(m->arena, &corpus);
        m->genesis->chains[m->genesis->n_chains++] = chain;
    }
    Viper__V1__GenesisZone *zone = VPR_ARENA_NEW(m->arena, Viper__V1__GenesisZone);
    viper__v1__genesis_zone__init(zone);
    zone->id = 1;
    zone->name = vpr_arena_text(m->arena, "everywhere");
    zone->active = true;
    zone->multiplier_ppm = VPR_PPM;
    m->genesis->zones = VPR_ARENA_ARRAY(m->arena, Viper__V1__GenesisZone *, 1);
    m->genesis->zones[m->genesis->n_zones++] = zone;
}

static void make_validators(struct maker *m)
{
    m->genesis->validators =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeValidator *, m->size->validators);
    for (unsigned i = 1; i <= m->size->validators; i++) {
        Viper__V1__MsgStakeValidator *v = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeValidator);
        const char *name = vpr_arena_text(m->arena, "validator%u", i);
        struct vpr_hash end = world_beacon_end(name);
        viper__v1__msg_stake_validator__init(v);
        v->owner = owner_of(m->arena, name);
        v->operator_ = world_text(name);
        v->amount = 50000 * WORLD_VIPR;
        v->consensus_key = key_of(m->arena, name, "consensus");
        v->beacon_end = bytes_of(m->arena, &end);
        m->genesis->validators[m->genesis->n_validators++] = v;
        fund_actor(m, name, v->amount);
    }
}

static void make_servicers(struct maker *m)
{
    m->genesis->servicers =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeServicer *, m->size->servicers);
    for (unsigned i = 1; i <= m->size->servicers; i++) {
        Viper__V1__MsgStakeServicer *s = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeServicer);
        const char *name = vpr_arena_text(m->arena, "servicer%u", i);
        viper__v1__msg_stake_servicer__init(s);
        s->owner = owner_of(m->arena, name);
        s->operator_ = world_text(name);
        s->amount = 15000 * WORLD_VIPR;
        s->url = vpr_arena_text(m->arena, "http://127.0.0.1:%u", 8500 + i % 1000);
        s->relay_key = key_of(m->arena, name, "relay");
        s->zone = 1;
        s->chains = both_chains(m->arena);
        s->n_chains = 2;
        m->genesis->servicers[m->genesis->n_servicers++] = s;
        fund_actor(m, name, s->amount);
    }
}

static void make_fishermen(struct maker *m)
{
    m->genesis->fishermen =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeFisherman *, m->size->fishermen);
    for (unsigned i = 1; i <= m->size->fishermen; i++) {
        Viper__V1__MsgStakeFisherman *f = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeFisherman);
        const char *name = vpr_arena_text(m->arena, "fisherman%u", i);
        viper__v1__msg_stake_fisherman__init(f);
        f->owner = owner_of(m->arena, name);
        f->operator_ = world_text(name);
        f->amount = 15000 * WORLD_VIPR;
        f->zone = 1;
        f->chains = both_chains(m->arena);
        f->n_chains = 2;
        m->genesis->fishermen[m->genesis->n_fishermen++] = f;
        fund_actor(m, name, f->amount);
    }
}

static void make_pairs(struct maker *m, Viper__V1__MsgStakeRequestor *r)
{
    r->pairs = VPR_ARENA_ARRAY(m->arena, Viper__V1__Pair *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        Viper__V1__Pair *pair = VPR_ARENA_NEW(m->arena, Viper__V1__Pair);
        viper__v1__pair__init(pair);
        pair->chain = i + 1;
        pair->zone = 1;
        pair->share_ppm = 500000;
        r->pairs[r->n_pairs++] = pair;
    }
}

static void make_requestors(struct maker *m)
{
    m->genesis->requestors =
        VPR_ARENA_ARRAY(m->arena, Viper__V1__MsgStakeRequestor *, m->size->requestors);
    for (unsigned i = 1; i <= m->size->requestors; i++) {
        Viper__V1__MsgStakeRequestor *r = VPR_ARENA_NEW(m->arena, Viper__V1__MsgStakeRequestor);
        const char *name = vpr_arena_text(m->arena, "requestor%u", i);
        viper__v1__msg_stake_requestor__init(r);
        r->owner = owner_of(m->arena, name);
        r->operator_ = world_text(name);
        r->amount = 1000000 * WORLD_VIPR;
        r->num_servicers = 5;
        make_pairs(m, r);
        r->gateway_keys = VPR_ARENA_ARRAY(m->arena, ProtobufCBinaryData, 1);
        r->gateway_keys[r->n_gateway_keys++] = key_of(m->arena, name, "gateway");
        r->shadow_url = vpr_arena_text(m->arena, "http://127.0.0.1:8482");
        m->genesis->requestors[m->genesis->n_requestors++] = r;
        fund_actor(m, name, r->amount);
    }
}

Viper__V1__GenesisState *cast_genesis(struct vpr_arena *arena, const struct cast_size *size,
                                      world_change_fn *change, void *arg)
{
    Viper__V1__GenesisState *genesis = VPR_ARENA_NEW(arena, Viper__V1__GenesisState);
    struct maker m = {arena, genesis, size};
    size_t actors = (size_t)size->validators + size->servicers + size->fishermen +
                    size->requestors;

    viper__v1__genesis_state__init(genesis);
    genesis->accounts = VPR_ARENA_ARRAY(arena, Viper__V1__GenesisAccount *,
                                        2 * actors + 2 + MORE_ACCOUNTS);
    make_params(&m);
    fund(&m, world_text("alice"), 1000000 * WORLD_VIPR);
    fund(&m, world_text("bob"), 1000000 * WORLD_VIPR);
    make_chains(&m);
    make_validators(&m);
    make_servicers(&m);
    make_fishermen(&m);
    make_requestors(&m);
    if (change != NULL) {
        change(genesis, arg);
    }
    return genesis;
}

struct vpr_bytes world_genesis(struct vpr_arena *arena, world_change_fn *change, void *arg)
{
    return vpr_arena_pack(arena, &cast_genesis(arena, &cast_local, change, arg)->base);
}
