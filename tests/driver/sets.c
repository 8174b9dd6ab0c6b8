#include "tests/driver/sets.h"

#include "app/rules/ids.h"

int64_t set_power(const struct set *set)
{
    int64_t total = 0;
    for (size_t i = 0; i < set->count; i++) {
        total += set->members[i].power;
    }
    return total;
}

static struct set_member *find(struct set *set, const uint8_t *key)
{
    for (size_t i = 0; i < set->count; i++) {
        if (memcmp(set->members[i].key.b, key, 32) == 0) {
            return &set->members[i];
        }
    }
    return NULL;
}

void set_update(struct set *set, Tendermint__Abci__ValidatorUpdate *const *updates,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Tendermint__Crypto__PublicKey *key = updates[i]->pub_key;
        VPR_ASSERT(key->sum_case == TENDERMINT__CRYPTO__PUBLIC_KEY__SUM_ED25519 &&
                   key->ed25519.len == 32 && updates[i]->power >= 0);
        struct set_member *m = find(set, key->ed25519.data);
        if (updates[i]->power == 0) {
            VPR_ASSERT(m != NULL); /* CometBFT stops at the removal of nobody */
            *m = set->members[--set->count];
            continue;
        }
        if (m == NULL) {
            VPR_ASSERT(set->count < SET_MAX);
            m = &set->members[set->count++];
            memset(m, 0, sizeof *m);
            memcpy(m->key.b, key->ed25519.data, 32);
            m->address = vpr_address_ed25519(&m->key);
            /* Who joins waits for about a round of everybody. */
            m->priority = -(set_power(set) + updates[i]->power) * 9 / 8;
        }
        m->power = updates[i]->power;
    }
    VPR_ASSERT(set->count > 0); /* CometBFT stops at an empty set */
}

const struct set_member *set_turn(struct set *set)
{
    struct set_member *best = NULL;
    for (size_t i = 0; i < set->count; i++) {
        struct set_member *m = &set->members[i];
        m->priority += m->power;
        if (best == NULL || m->priority > best->priority ||
            (m->priority == best->priority &&
             vpr_address_cmp(&m->address, &best->address) < 0)) {
            best = m;
        }
    }
    best->priority -= set_power(set);
    return best;
}

struct set_member set_proposer(const struct set *set, unsigned round)
{
    struct set copy = *set;
    const struct set_member *m = set_turn(&copy);
    for (unsigned i = 0; i < round; i++) {
        m = set_turn(&copy);
    }
    return *m;
}
