#include "tests/driver/kinds.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"

#define NAMES_MAX 14 /* of a kind: servicer1 to servicer14 */
#define TRIES 16

static const char *const kind_names[] = {NULL, "validator", "servicer", "fisherman",
                                         "requestor"};

/* ---- accounts with money ---- */

static const char *rich_label(struct vpr_arena *arena, uint64_t n)
{
    static const char *const first[] = {"alice", "bob", "carol", "dave"};
    return n < VPR_COUNT(first) ? first[n] : vpr_arena_text(arena, "rich%" PRIu64, n + 1);
}

void kinds_fund(struct vpr_arena *arena, Viper__V1__GenesisState *genesis, unsigned rich)
{
    VPR_ASSERT(rich <= RICH_MAX);
    for (unsigned i = 2; i < rich; i++) { /* alice and bob are of the cast */
        cast_fund(arena, genesis, world_text(rich_label(arena, i)), 10000000 * WORLD_VIPR);
    }
}

const char *any_rich(struct wish *w)
{
    return rich_label(w->arena, dice_below(w->dice, w->options->rich));
}

/* ---- small parts ---- */

void *wish_message(struct wish *w, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *m = vpr_arena_alloc(w->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, m);
    w->message = m;
    return m;
}

static ProtobufCBinaryData key_bytes(struct wish *w, const char *name, const char *what)
{
    struct vpr_hash key = world_ed25519(vpr_arena_text(w->arena, "%s.%s", name, what));
    return (ProtobufCBinaryData){32, vpr_arena_copy(w->arena, key.b, 32)};
}

const char *label_of(const ProtobufCBinaryData *who)
{
    struct vpr_address address;
    if (who->len != sizeof address.b) {
        return NULL;
    }
    memcpy(address.b, who->data, sizeof address.b);
    return world_label_of(&address);
}

bool pick_actor(struct wish *w, Viper__V1__Kind kind, Viper__V1__Status status,
                struct pick *ret)
{
    const struct vpr_address *ids;
    size_t count = mirror_actors(w->stage->mirror, &ids);
    for (int i = 0; i < TRIES && count > 0; i++) {
        const struct vpr_address *id = &ids[dice_below(w->dice, count)];
        const Viper__V1__Actor *actor = mirror_actor(w->stage->mirror, w->arena, id);
        if (actor == NULL || actor->status == VIPER__V1__STATUS__STATUS_GONE ||
            (kind != VIPER__V1__KIND__KIND_NONE && actor->kind != kind) ||
            (status != VIPER__V1__STATUS__STATUS_NONE && actor->status != status)) {
            continue;
        }
        *ret = (struct pick){*id, actor, world_label_of(id), label_of(&actor->owner),
                             label_of(&actor->operator_)};
        return ret->label != NULL && ret->owner != NULL && ret->operator_ != NULL;
    }
    return false;
}

/* A name of the kind that never staked, or sometimes one that did: an id stays taken. */
static const char *new_name(struct wish *w, Viper__V1__Kind kind)
{
    for (int i = 0; i < TRIES; i++) {
        const char *name = vpr_arena_text(w->arena, "%s%" PRIu64, kind_names[kind],
                                          dice_between(w->dice, 1, NAMES_MAX));
        struct vpr_address id = world_address(name);
        if (mirror_actor(w->stage->mirror, w->arena, &id) == NULL ||
            dice_percent(w->dice, 3)) {
            return name;
        }
    }
    return NULL;
}

/* Others than the first come by governance. */
static uint32_t any_zone(struct wish *w)
{
    return dice_percent(w->dice, 3) ? 2 : 1;
}

static void chains_of(struct wish *w, uint32_t **ret, size_t *ret_count)
{
    uint64_t which = dice_between(w->dice, 1, dice_percent(w->dice, 10) ? 7 : 3);
    *ret = VPR_ARENA_ARRAY(w->arena, uint32_t, 3);
    *ret_count = 0;
    for (uint32_t c = 1; c <= 3; c++) {
        if ((which >> (c - 1) & 1) != 0) {
            (*ret)[(*ret_count)++] = c;
        }
    }
}

static Viper__V1__Pair **pairs_of(struct wish *w, size_t *ret_count)
{
    uint64_t which = dice_between(w->dice, 1, 4);
    uint32_t share = which < 3 ? 1000000 : (uint32_t)dice_between(w->dice, 200000, 800000);
    Viper__V1__Pair **pairs = VPR_ARENA_ARRAY(w->arena, Viper__V1__Pair *, 2);
    *ret_count = 0;
    for (uint32_t c = 1; c <= 2; c++) {
        if (which >= 3 || which == c) {
            Viper__V1__Pair *pair = VPR_ARENA_NEW(w->arena, Viper__V1__Pair);
            viper__v1__pair__init(pair);
            pair->chain = dice_percent(w->dice, 5) ? c + 1 : c; /* 3: only by governance */
            pair->zone = any_zone(w);
            pair->share_ppm = c == 1 || which < 3 ? share : 1000000 - share;
            pairs[(*ret_count)++] = pair;
        }
    }
    return pairs;
}

static ProtobufCBinaryData *gateway_keys(struct wish *w, const char *name, size_t *ret_count)
{
    ProtobufCBinaryData *keys = VPR_ARENA_ARRAY(w->arena, ProtobufCBinaryData, 1);
    keys[0] = key_bytes(w, name, "gateway");
    *ret_count = 1;
    return keys;
}

/* Now and then what only alice has, and only where she holds nearly all (--headroom). */
static uint64_t or_vast(struct wish *w, uint64_t amount)
{
    return dice_percent(w->dice, 2) ? dice_next(w->dice) >> dice_between(w->dice, 3, 10) : amount;
}

/* ---- money ---- */

/* Operators that run dry come first: they pay for every commit. */
static const char *receiver(struct wish *w)
{
    struct pick pick;
    if (dice_percent(w->dice, 80) && pick_actor(w, 0, 0, &pick)) {
        return dice_percent(w->dice, 90) ? pick.operator_ : pick.owner;
    }
    return dice_percent(w->dice, 80)
               ? any_rich(w)
               : vpr_arena_text(w->arena, "nobody%" PRIu64, dice_below(w->dice, 1000));
}

static bool make_send(struct wish *w)
{
    Cosmos__Bank__V1beta1__MsgSend *m =
        wish_message(w, &cosmos__bank__v1beta1__msg_send__descriptor);
    Cosmos__Base__V1beta1__Coin *coin = VPR_ARENA_NEW(w->arena, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(coin);
    w->signer = any_rich(w);
    coin->denom = vpr_arena_text(w->arena, "uvipr");
    coin->amount = vpr_arena_text(w->arena, "%" PRIu64,
                                  dice_percent(w->dice, 5)
                                      ? dice_next(w->dice) >> 8
                                      : dice_between(w->dice, 1, 300 * WORLD_VIPR));
    m->from_address = world_text(w->signer);
    m->to_address = world_text(receiver(w));
    m->amount = VPR_ARENA_ARRAY(w->arena, Cosmos__Base__V1beta1__Coin *, 1);
    m->amount[m->n_amount++] = coin;
    return true;
}

/* ---- stakes ---- */

static uint64_t stake_near(struct wish *w, uint64_t least_vipr)
{
    return or_vast(w, (least_vipr + dice_below(w->dice, least_vipr)) * WORLD_VIPR);
}

static bool make_stake_servicer(struct wish *w)
{
    Viper__V1__MsgStakeServicer *m =
        wish_message(w, &viper__v1__msg_stake_servicer__descriptor);
    const char *name = new_name(w, VIPER__V1__KIND__KIND_SERVICER);
    if (name == NULL) {
        return false;
    }
    w->signer = any_rich(w);
    m->owner = world_text(w->signer);
    m->operator_ = world_text(name);
    m->amount = stake_near(w, 15000);
    m->url = vpr_arena_text(w->arena, "http://127.0.0.1:%" PRIu64,
                            dice_between(w->dice, 1024, 65535));
    m->relay_key = key_bytes(w, name, "relay");
    m->zone = any_zone(w);
    m->commission_ppm = (uint32_t)dice_below(w->dice, 210000);
    chains_of(w, &m->chains, &m->n_chains);
    return true;
}

/* Whom to edit, signed by its operator or, one time in five, its owner. */
static bool pick_editor(struct wish *w, Viper__V1__Kind kind, struct pick *ret)
{
    if (!pick_actor(w, kind, 0, ret)) {
        return false;
    }
    w->signer = dice_percent(w->dice, 80) ? ret->operator_ : ret->owner;
    return true;
}

static bool make_edit_servicer(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgEditServicer *m = wish_message(w, &viper__v1__msg_edit_servicer__descriptor);
    if (!pick_editor(w, VIPER__V1__KIND__KIND_SERVICER, &pick)) {
        return false;
    }
    m->signer = world_text(w->signer);
    m->servicer = world_text(pick.label);
    m->url = vpr_arena_text(w->arena, "https://s%" PRIu64 ".example:8443",
                            dice_below(w->dice, 1000));
    m->relay_key = key_bytes(w, pick.label, "relay");
    m->zone = any_zone(w);
    chains_of(w, &m->chains, &m->n_chains);
    return true;
}

static bool make_stake_fisherman(struct wish *w)
{
    Viper__V1__MsgStakeFisherman *m =
        wish_message(w, &viper__v1__msg_stake_fisherman__descriptor);
    const char *name = new_name(w, VIPER__V1__KIND__KIND_FISHERMAN);
    if (name == NULL) {
        return false;
    }
    w->signer = any_rich(w);
    m->owner = world_text(w->signer);
    m->operator_ = world_text(name);
    m->amount = stake_near(w, 15000);
    m->zone = any_zone(w);
    chains_of(w, &m->chains, &m->n_chains);
    return true;
}

static bool make_edit_fisherman(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgEditFisherman *m =
        wish_message(w, &viper__v1__msg_edit_fisherman__descriptor);
    if (!pick_editor(w, VIPER__V1__KIND__KIND_FISHERMAN, &pick)) {
        return false;
    }
    m->signer = world_text(w->signer);
    m->fisherman = world_text(pick.label);
    m->zone = any_zone(w);
    chains_of(w, &m->chains, &m->n_chains);
    return true;
}

static bool make_stake_requestor(struct wish *w)
{
    Viper__V1__MsgStakeRequestor *m =
        wish_message(w, &viper__v1__msg_stake_requestor__descriptor);
    const char *name = new_name(w, VIPER__V1__KIND__KIND_REQUESTOR);
    if (name == NULL) {
        return false;
    }
    w->signer = any_rich(w);
    m->owner = world_text(w->signer);
    m->operator_ = world_text(name);
    m->amount = stake_near(w, dice_percent(w->dice, 30) ? 5000 : 100000);
    m->num_servicers = (uint32_t)dice_between(w->dice, 3, 7);
    m->pairs = pairs_of(w, &m->n_pairs);
    m->gateway_keys = gateway_keys(w, name, &m->n_gateway_keys);
    m->shadow_url = vpr_arena_text(w->arena, "%s",
                                   dice_percent(w->dice, 80) ? "http://127.0.0.1:8482" : "");
    return true;
}

static bool make_edit_requestor(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgEditRequestor *m =
        wish_message(w, &viper__v1__msg_edit_requestor__descriptor);
    if (!pick_editor(w, VIPER__V1__KIND__KIND_REQUESTOR, &pick)) {
        return false;
    }
    m->signer = world_text(w->signer);
    m->requestor = world_text(pick.label);
    m->num_servicers = (uint32_t)dice_between(w->dice, 3, 8);
    m->pairs = pairs_of(w, &m->n_pairs);
    m->gateway_keys = gateway_keys(w, pick.label, &m->n_gateway_keys);
    m->shadow_url = vpr_arena_text(w->arena, "http://127.0.0.1:8482");
    return true;
}

static int validator_number(const char *label)
{
    int number = 0;
    return label != NULL && sscanf(label, "validator%d", &number) == 1 ? number : 0;
}

static bool make_stake_validator(struct wish *w)
{
    Viper__V1__MsgStakeValidator *m =
        wish_message(w, &viper__v1__msg_stake_validator__descriptor);
    const char *name = new_name(w, VIPER__V1__KIND__KIND_VALIDATOR);
    if (name == NULL) {
        return false;
    }
    struct beacon *beacon = &w->stage->beacons[validator_number(name) - 1];
    if (beacon->count >= CHAINS_MAX) {
        return false;
    }
    struct vpr_hash end = beacon_grow(beacon, name, w->stage->options.beacon_length);
    w->signer = any_rich(w);
    m->owner = world_text(w->signer);
    m->operator_ = world_text(name);
    m->amount = stake_near(w, 50000);
    m->consensus_key = key_bytes(w, name, "consensus");
    m->beacon_end = (ProtobufCBinaryData){32, vpr_arena_copy(w->arena, end.b, 32)};
    m->commission_ppm = (uint32_t)dice_below(w->dice, 210000);
    return true;
}

static bool make_renew_beacon(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgRenewBeacon *m = wish_message(w, &viper__v1__msg_renew_beacon__descriptor);
    if (!pick_actor(w, VIPER__V1__KIND__KIND_VALIDATOR, 0, &pick)) {
        return false;
    }
    int number = validator_number(pick.label);
    struct beacon *beacon = &w->stage->beacons[number - 1];
    if (beacon->count >= CHAINS_MAX) {
        return false;
    }
    struct vpr_hash end = beacon_grow(beacon, pick.label, w->stage->options.beacon_length);
    w->signer = pick.operator_;
    m->signer = world_text(w->signer);
    m->validator = world_text(pick.label);
    m->beacon_end = (ProtobufCBinaryData){32, vpr_arena_copy(w->arena, end.b, 32)};
    return true;
}

/* ---- what all actors have in common ---- */

static bool make_increase(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgIncreaseStake *m =
        wish_message(w, &viper__v1__msg_increase_stake__descriptor);
    if (!pick_actor(w, 0, VIPER__V1__STATUS__STATUS_ACTIVE, &pick)) {
        return false;
    }
    w->signer = pick.owner;
    m->owner = world_text(pick.owner);
    m->actor = world_text(pick.label);
    m->amount = or_vast(w, dice_between(w->dice, 1, 2000 * WORLD_VIPR));
    return true;
}

static bool make_pause(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgPause *m = wish_message(w, &viper__v1__msg_pause__descriptor);
    if (!pick_actor(w, 0, VIPER__V1__STATUS__STATUS_ACTIVE, &pick) ||
        pick.actor->kind == VIPER__V1__KIND__KIND_VALIDATOR) {
        return false;
    }
    w->signer = pick.operator_;
    m->signer = world_text(w->signer);
    m->actor = world_text(pick.label);
    return true;
}

static bool make_resume(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgResume *m = wish_message(w, &viper__v1__msg_resume__descriptor);
    if (!pick_actor(w, 0, dice_percent(w->dice, 60) ? VIPER__V1__STATUS__STATUS_PAUSED
                                                    : VIPER__V1__STATUS__STATUS_JAILED,
                    &pick)) {
        return false;
    }
    w->signer = pick.operator_;
    m->signer = world_text(w->signer);
    m->actor = world_text(pick.label);
    return true;
}

/* Back from the bench of a pool, if it sits there. */
static bool make_resume_pool(struct wish *w)
{
    struct pick pick;
    uint8_t key[25] = {VPR_KEY_STANDING};
    Viper__V1__MsgResume *m = wish_message(w, &viper__v1__msg_resume__descriptor);
    if (!pick_actor(w, VIPER__V1__KIND__KIND_SERVICER, 0, &pick)) {
        return false;
    }
    w->signer = pick.operator_;
    m->signer = world_text(w->signer);
    m->actor = world_text(pick.label);
    m->chain = (uint32_t)dice_between(w->dice, 1, 2);
    m->zone = 1;
    memcpy(key + 1, pick.id.b, sizeof pick.id.b);
    vpr_put_be16(key + 21, (uint16_t)m->chain);
    vpr_put_be16(key + 23, (uint16_t)m->zone);
    const Viper__V1__Standing *standing = (const Viper__V1__Standing *)mirror_record(
        w->stage->mirror, w->arena, VPR_STORE_SCORES, vpr_bytes_of(key, sizeof key),
        &viper__v1__standing__descriptor);
    return (standing != NULL && standing->benched) || dice_percent(w->dice, 5);
}

/* A play needs somebody who plays. */
static bool enough(struct wish *w, Viper__V1__Kind kind)
{
    static const size_t least[] = {0, 4, 6, 3, 1};
    const struct vpr_address *ids;
    size_t count = mirror_actors(w->stage->mirror, &ids), active = 0;
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Actor *actor = mirror_actor(w->stage->mirror, w->arena, &ids[i]);
        active += actor != NULL && actor->kind == kind &&
                  actor->status == VIPER__V1__STATUS__STATUS_ACTIVE;
    }
    return active > least[kind];
}

static bool make_unstake(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgUnstake *m = wish_message(w, &viper__v1__msg_unstake__descriptor);
    if (!pick_actor(w, 0, dice_percent(w->dice, 80) ? VIPER__V1__STATUS__STATUS_ACTIVE
                                                    : VIPER__V1__STATUS__STATUS_NONE,
                    &pick) ||
        !enough(w, pick.actor->kind)) {
        return false;
    }
    w->signer = pick.owner;
    m->owner = world_text(w->signer);
    m->actor = world_text(pick.label);
    return true;
}

static bool make_set_operator(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgSetOperator *m = wish_message(w, &viper__v1__msg_set_operator__descriptor);
    if (!pick_actor(w, 0, 0, &pick)) {
        return false;
    }
    w->signer = pick.owner;
    m->owner = world_text(w->signer);
    m->actor = world_text(pick.label);
    m->operator_ = world_text(vpr_arena_text(w->arena, "%s.op%" PRIu64, pick.label,
                                             dice_below(w->dice, 3)));
    return true;
}

static bool make_set_owner(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgSetOwner *m = wish_message(w, &viper__v1__msg_set_owner__descriptor);
    if (!pick_actor(w, 0, 0, &pick)) {
        return false;
    }
    w->signer = pick.owner;
    m->owner = world_text(w->signer);
    m->actor = world_text(pick.label);
    m->new_owner = world_text(any_rich(w));
    return true;
}

/* ---- delegation and price ---- */

static bool pick_pool(struct wish *w, struct pick *ret)
{
    return pick_actor(w, dice_percent(w->dice, 50) ? VIPER__V1__KIND__KIND_VALIDATOR
                                                   : VIPER__V1__KIND__KIND_SERVICER, 0, ret);
}

static bool make_delegate(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgDelegate *m = wish_message(w, &viper__v1__msg_delegate__descriptor);
    if (!pick_pool(w, &pick)) {
        return false;
    }
    w->signer = any_rich(w);
    m->delegator = world_text(w->signer);
    m->actor = world_text(pick.label);
    m->amount = dice_percent(w->dice, 10)
                    ? dice_between(w->dice, 1, 5)
                    : or_vast(w, dice_between(w->dice, 1, 20000 * WORLD_VIPR));
    return true;
}

static const Viper__V1__Delegation *delegation_of(struct wish *w, const struct vpr_address *to,
                                                  const char *delegator)
{
    uint8_t key[41] = {VPR_KEY_DELEGATION};
    const struct vpr_address who = world_address(delegator);
    memcpy(key + 1, to->b, 20);
    memcpy(key + 21, who.b, 20);
    return (const Viper__V1__Delegation *)mirror_record(
        w->stage->mirror, w->arena, VPR_STORE_DELEGATION, vpr_bytes_of(key, sizeof key),
        &viper__v1__delegation__descriptor);
}

/* To the next one, from anywhere on, that has nothing of the signer yet. */
static bool make_spread(struct wish *w)
{
    const struct vpr_address *ids;
    size_t count = mirror_actors(w->stage->mirror, &ids);
    size_t first = dice_below(w->dice, count);
    Viper__V1__MsgDelegate *m = wish_message(w, &viper__v1__msg_delegate__descriptor);
    w->signer = any_rich(w);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_address *id = &ids[(first + i) % count];
        const Viper__V1__Actor *actor = mirror_actor(w->stage->mirror, w->arena, id);
        if (actor != NULL && actor->status == VIPER__V1__STATUS__STATUS_ACTIVE &&
            (actor->kind == VIPER__V1__KIND__KIND_SERVICER ||
             actor->kind == VIPER__V1__KIND__KIND_VALIDATOR) &&
            delegation_of(w, id, w->signer) == NULL) {
            m->delegator = world_text(w->signer);
            m->actor = world_text_of(id);
            m->amount = dice_between(w->dice, 1, 1000 * WORLD_VIPR);
            return true;
        }
    }
    return false;
}

static uint64_t shares_worth(struct wish *w, const struct pick *to, const char *delegator)
{
    uint8_t pool_key[21] = {VPR_KEY_POOL};
    memcpy(pool_key + 1, to->id.b, 20);
    const Viper__V1__Delegation *own = delegation_of(w, &to->id, delegator);
    const Viper__V1__DelegationPool *pool = (const Viper__V1__DelegationPool *)mirror_record(
        w->stage->mirror, w->arena, VPR_STORE_DELEGATION,
        vpr_bytes_of(pool_key, sizeof pool_key), &viper__v1__delegation_pool__descriptor);
    return own == NULL || pool == NULL || pool->shares == 0
               ? 0
               : (uint64_t)((vpr_u128)own->shares * to->actor->delegated / pool->shares);
}

bool pick_delegation(struct wish *w, Viper__V1__Kind kind, struct pick_delegation *ret)
{
    for (int i = 0; i < TRIES; i++) {
        if (!(kind == VIPER__V1__KIND__KIND_NONE ? pick_pool(w, &ret->to)
                                                 : pick_actor(w, kind, 0, &ret->to))) {
            return false;
        }
        ret->delegator = any_rich(w);
        ret->worth = shares_worth(w, &ret->to, ret->delegator);
        if (ret->worth > 0 || dice_percent(w->dice, 5)) {
            return true;
        }
    }
    return true;
}

uint64_t any_part(struct wish *w, uint64_t worth)
{
    switch (dice_below(w->dice, 8)) {
    case 0:
        return worth > 0 ? worth : 1;
    case 1:
        return worth + dice_between(w->dice, 1, 5);
    case 2:
        return dice_between(w->dice, 1, 5);
    default:
        return dice_between(w->dice, 1, worth / 8 + 1);
    }
}

static bool make_undelegate(struct wish *w)
{
    struct pick_delegation pick;
    Viper__V1__MsgUndelegate *m = wish_message(w, &viper__v1__msg_undelegate__descriptor);
    if (!pick_delegation(w, VIPER__V1__KIND__KIND_NONE, &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator = world_text(w->signer);
    m->actor = world_text(pick.to.label);
    m->amount = any_part(w, pick.worth);
    return true;
}

static bool make_withdraw(struct wish *w)
{
    struct pick_delegation pick;
    Viper__V1__MsgWithdraw *m = wish_message(w, &viper__v1__msg_withdraw__descriptor);
    if (!pick_delegation(w, VIPER__V1__KIND__KIND_NONE, &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator = world_text(w->signer);
    m->actor = world_text(pick.to.label);
    return true;
}

static bool make_set_commission(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgSetCommission *m = wish_message(w, &viper__v1__msg_set_commission__descriptor);
    if (!pick_pool(w, &pick)) {
        return false;
    }
    w->signer = pick.owner;
    m->owner = world_text(w->signer);
    m->actor = world_text(pick.label);
    m->commission_ppm =
        dice_percent(w->dice, 50)
            ? (uint32_t)dice_below(w->dice, 210000)
            : pick.actor->commission_ppm + (uint32_t)dice_below(w->dice, 12000);
    return true;
}

static bool make_price(struct wish *w)
{
    struct pick pick;
    Viper__V1__MsgPrice *m = wish_message(w, &viper__v1__msg_price__descriptor);
    if (!pick_actor(w, VIPER__V1__KIND__KIND_VALIDATOR, 0, &pick)) {
        return false;
    }
    w->signer = pick.operator_;
    m->operator_ = world_text(w->signer);
    m->price_micro_usd = dice_between(w->dice, 40000, 60000);
    return true;
}

/* ---- the tables ---- */

const char *const theme_names[THEMES] = {"money", "actors", "delegation", "leaving",
                                         "governance", "price", "unstaking", "spreading"};

const struct kind kinds[] = {
    {"send", THEME_MONEY, 40, make_send},
    {"stake servicer", THEME_ACTORS, 6, make_stake_servicer},
    {"edit servicer", THEME_ACTORS, 8, make_edit_servicer},
    {"stake fisherman", THEME_ACTORS, 4, make_stake_fisherman},
    {"edit fisherman", THEME_ACTORS, 4, make_edit_fisherman},
    {"stake requestor", THEME_ACTORS, 4, make_stake_requestor},
    {"edit requestor", THEME_ACTORS, 6, make_edit_requestor},
    {"stake validator", THEME_ACTORS, 2, make_stake_validator},
    {"delegate", THEME_DELEGATION, 8, make_delegate},
    {"spread", THEME_SPREADING, 2, make_spread},
    {"undelegate", THEME_LEAVING, 5, make_undelegate},
    {"withdraw", THEME_DELEGATION, 5, make_withdraw},
    {"set commission", THEME_DELEGATION, 3, make_set_commission},
    {"price", THEME_PRICE, 6, make_price},
    {"renew beacon", THEME_ACTORS, 2, make_renew_beacon},
    {"increase stake", THEME_ACTORS, 8, make_increase},
    {"pause", THEME_ACTORS, 4, make_pause},
    {"resume", THEME_ACTORS, 12, make_resume},
    {"resume pool", THEME_ACTORS, 10, make_resume_pool},
    {"unstake", THEME_UNSTAKING, 2, make_unstake},
    {"set operator", THEME_ACTORS, 2, make_set_operator},
    {"set owner", THEME_ACTORS, 2, make_set_owner},
};
const size_t kind_count = VPR_COUNT(kinds);

static unsigned weight_of(const struct wish *wish, const struct kind *kind)
{
    const char *favour = wish->options->favour;
    bool favoured = favour != NULL && strstr(favour, theme_names[kind->theme]) != NULL;
    return kind->weight * (favoured ? wish->options->favour_times : 1);
}

/* The kind at place `at` of the weights in a row; NULL: behind them, and *at is what is left. */
static const struct kind *at_weight(const struct wish *wish, const struct kind *table,
                                    size_t count, uint64_t *at)
{
    for (size_t i = 0; i < count; i++) {
        unsigned weight = weight_of(wish, &table[i]);
        if (*at < weight) {
            return &table[i];
        }
        *at -= weight;
    }
    return NULL;
}

const struct kind *kind_roll(struct wish *wish)
{
    const struct {
        const struct kind *table;
        size_t count;
    } tables[] = {{kinds, kind_count},
                  {governance_kinds, governance_kind_count},
                  {wallet_kinds, wallet_kind_count}};
    uint64_t total = 0;
    for (size_t t = 0; t < VPR_COUNT(tables); t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            total += weight_of(wish, &tables[t].table[i]);
        }
    }
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t at = dice_below(wish->dice, total);
        const struct kind *kind = NULL;
        for (size_t t = 0; kind == NULL && t < VPR_COUNT(tables); t++) {
            kind = at_weight(wish, tables[t].table, tables[t].count, &at);
        }
        VPR_ASSERT(kind != NULL);
        if (kind->make(wish)) {
            return kind;
        }
    }
    return NULL;
}
