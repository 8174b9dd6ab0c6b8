#include "tests/driver/mirror.h"

#include <stdlib.h>

#include "app/base/bytes.h"

#define SLOTS (UINT32_C(1) << 20) /* pairs of a state that is mirrored, at most 3/4 of it */
#define ACTORS_MAX (1u << 16)

struct slot {
    uint8_t *key; /* store and key; NULL: free */
    uint8_t *value; /* NULL: deleted */
    uint32_t key_len, value_len;
};

struct mirror {
    struct slot *slots;
    uint32_t used;
    struct vpr_address actors[ACTORS_MAX];
    size_t actor_count;
};

static const char *const names[] = {
#define X(id, name) name,
    VPR_STORES(X)
#undef X
};

struct mirror *mirror_create(void)
{
    struct mirror *mirror = calloc(1, sizeof *mirror);
    VPR_ASSERT(mirror != NULL);
    mirror->slots = calloc(SLOTS, sizeof mirror->slots[0]);
    VPR_ASSERT(mirror->slots != NULL);
    return mirror;
}

void mirror_destroy(struct mirror *mirror)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        free(mirror->slots[i].key);
        free(mirror->slots[i].value);
    }
    free(mirror->slots);
    free(mirror);
}

static struct slot *slot_of(const struct mirror *mirror, uint8_t store, struct vpr_bytes key)
{
    uint64_t sum = UINT64_C(14695981039346656037) ^ store;
    for (size_t i = 0; i < key.len; i++) {
        sum = (sum ^ key.data[i]) * UINT64_C(1099511628211);
    }
    for (uint32_t at = (uint32_t)(sum ^ sum >> 32) % SLOTS;; at = (at + 1) % SLOTS) {
        struct slot *slot = &mirror->slots[at];
        if (slot->key == NULL || (slot->key_len == key.len + 1 && slot->key[0] == store &&
                                  memcmp(slot->key + 1, key.data, key.len) == 0)) {
            return slot;
        }
    }
}

static void put(struct mirror *mirror, uint8_t store, struct vpr_bytes key,
                struct vpr_bytes value)
{
    struct slot *slot = slot_of(mirror, store, key);
    if (slot->key == NULL) {
        VPR_ASSERT(++mirror->used < SLOTS / 4 * 3);
        slot->key_len = (uint32_t)key.len + 1;
        slot->key = malloc(slot->key_len);
        VPR_ASSERT(slot->key != NULL);
        slot->key[0] = store;
        memcpy(slot->key + 1, key.data, key.len);
        if (store == VPR_STORE_ACTORS && key.data[0] == VPR_KEY_ACTOR) {
            VPR_ASSERT(key.len == 21 && mirror->actor_count < ACTORS_MAX);
            memcpy(mirror->actors[mirror->actor_count++].b, key.data + 1, 20);
        }
    }
    free(slot->value);
    slot->value = NULL;
    slot->value_len = (uint32_t)value.len;
    if (value.len > 0) {
        slot->value = malloc(value.len);
        VPR_ASSERT(slot->value != NULL);
        memcpy(slot->value, value.data, value.len);
    }
}

static uint8_t store_of(const char *name)
{
    for (uint8_t i = 0; i < VPR_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    VPR_HALT("a store that the driver does not know: build it anew");
}

void mirror_apply(struct mirror *mirror, const Viper__V1__QueryChangesResponse *changes)
{
    for (size_t i = 0; i < changes->n_pairs; i++) {
        const Viper__V1__StatePair *pair = changes->pairs[i];
        put(mirror, store_of(pair->store), vpr_bytes_of(pair->key.data, pair->key.len),
            vpr_bytes_of(pair->value.data, pair->value.len));
    }
}

struct vpr_bytes mirror_get(const struct mirror *mirror, enum vpr_store_id store,
                            struct vpr_bytes key)
{
    const struct slot *slot = slot_of(mirror, (uint8_t)store, key);
    return vpr_bytes_of(slot->value, slot->value == NULL ? 0 : slot->value_len);
}

const ProtobufCMessage *mirror_record(const struct mirror *mirror, struct vpr_arena *arena,
                                      enum vpr_store_id store, struct vpr_bytes key,
                                      const ProtobufCMessageDescriptor *descriptor)
{
    struct vpr_bytes value = mirror_get(mirror, store, key);
    return value.data == NULL ? NULL : vpr_arena_unpack(arena, descriptor, value);
}

/* First byte, then an address or a number. */
static struct vpr_bytes key_of(uint8_t out[21], enum vpr_key_first first,
                               const struct vpr_address *who)
{
    out[0] = (uint8_t)first;
    memcpy(out + 1, who->b, sizeof who->b);
    return vpr_bytes_of(out, 21);
}

static struct vpr_bytes number_key(uint8_t out[9], enum vpr_key_first first, uint64_t number)
{
    out[0] = (uint8_t)first;
    vpr_put_be64(out + 1, number);
    return vpr_bytes_of(out, 9);
}

const Viper__V1__Account *mirror_account(const struct mirror *mirror, struct vpr_arena *arena,
                                         const struct vpr_address *who)
{
    uint8_t key[21];
    return (const Viper__V1__Account *)mirror_record(
        mirror, arena, VPR_STORE_ACCOUNTS, key_of(key, VPR_KEY_ACCOUNT, who),
        &viper__v1__account__descriptor);
}

const Viper__V1__Actor *mirror_actor(const struct mirror *mirror, struct vpr_arena *arena,
                                     const struct vpr_address *id)
{
    uint8_t key[21];
    return (const Viper__V1__Actor *)mirror_record(mirror, arena, VPR_STORE_ACTORS,
                                                   key_of(key, VPR_KEY_ACTOR, id),
                                                   &viper__v1__actor__descriptor);
}

size_t mirror_actors(const struct mirror *mirror, const struct vpr_address **ret_ids)
{
    *ret_ids = mirror->actors;
    return mirror->actor_count;
}

uint64_t mirror_session_number(const struct mirror *mirror)
{
    const uint8_t key = VPR_KEY_CURRENT;
    struct vpr_bytes value = mirror_get(mirror, VPR_STORE_SESSIONS, vpr_bytes_of(&key, 1));
    VPR_ASSERT(value.len == 8);
    return vpr_get_be64(value.data);
}

const Viper__V1__Session *mirror_session(const struct mirror *mirror, struct vpr_arena *arena,
                                         uint64_t number)
{
    uint8_t key[9];
    return (const Viper__V1__Session *)mirror_record(
        mirror, arena, VPR_STORE_SESSIONS, number_key(key, VPR_KEY_SESSION, number),
        &viper__v1__session__descriptor);
}

const Viper__V1__Params *mirror_params(const struct mirror *mirror, struct vpr_arena *arena,
                                       uint64_t session)
{
    uint8_t key[9];
    for (uint64_t at = session;; at--) {
        const Viper__V1__Params *params = (const Viper__V1__Params *)mirror_record(
            mirror, arena, VPR_STORE_PARAMS, number_key(key, VPR_KEY_PARAMS, at),
            &viper__v1__params__descriptor);
        if (params != NULL || at == 0) {
            return params;
        }
    }
}

/* First byte, address, chain, zone; room for a session. */
#define PLACE_KEY_BYTES 25
static void place_key(uint8_t out[PLACE_KEY_BYTES + 8], enum vpr_key_first first,
                      const struct vpr_address *servicer, uint16_t chain, uint16_t zone)
{
    (void)key_of(out, first, servicer);
    vpr_put_be16(out + 21, chain);
    vpr_put_be16(out + 23, zone);
}

const Viper__V1__Score *mirror_score(const struct mirror *mirror, struct vpr_arena *arena,
                                     const struct vpr_address *servicer, uint16_t chain,
                                     uint16_t zone)
{
    uint8_t key[PLACE_KEY_BYTES + 8];
    place_key(key, VPR_KEY_SCORE, servicer, chain, zone);
    for (uint64_t at = mirror_session_number(mirror) + 2;; at--) {
        vpr_put_be64(key + PLACE_KEY_BYTES, at);
        const Viper__V1__Score *score = (const Viper__V1__Score *)mirror_record(
            mirror, arena, VPR_STORE_SCORES, vpr_bytes_of(key, sizeof key),
            &viper__v1__score__descriptor);
        if (score != NULL || at == 0) {
            return score;
        }
    }
}

const Viper__V1__Standing *mirror_standing(const struct mirror *mirror, struct vpr_arena *arena,
                                           const struct vpr_address *servicer, uint16_t chain,
                                           uint16_t zone)
{
    uint8_t key[PLACE_KEY_BYTES + 8];
    place_key(key, VPR_KEY_STANDING, servicer, chain, zone);
    return (const Viper__V1__Standing *)mirror_record(mirror, arena, VPR_STORE_SCORES,
                                                      vpr_bytes_of(key, PLACE_KEY_BYTES),
                                                      &viper__v1__standing__descriptor);
}
