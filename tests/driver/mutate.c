#include "tests/driver/mutate.h"

#include <stdio.h>

#include "app/base/hash.h"
#include "tests/cast/cast.h"

#define TRIES 12
#define DEPTH_MAX 4

/* Fields in which any change breaks a signature that the chain verifies. */
static const char *const signed_fields[] = {"tails", "token", "leaf", "sample", "gateway_key"};

static bool is_signed(const char *name)
{
    for (size_t i = 0; i < VPR_COUNT(signed_fields); i++) {
        if (strcmp(name, signed_fields[i]) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t other_number(struct dice *dice, uint64_t n)
{
    switch (dice_below(dice, 7)) {
    case 0:
        return n + 1;
    case 1:
        return n > 0 ? n - 1 : 1;
    case 2:
        return 0;
    case 3:
        return n * 2 + 7;
    case 4:
        return (UINT64_C(1) << 62) - 1 + dice_below(dice, 2); /* the largest amount */
    case 5:
        return UINT64_MAX - dice_below(dice, 2);
    default:
        return UINT32_MAX - dice_below(dice, 3);
    }
}

/* Accounts that nobody can sign for. */
static char *pool_text(struct dice *dice)
{
    static const char *const names[] = {"viper-pool-staked", "viper-pool-fees", "viper-pool-dao",
                                        "viper-pool-rewards", "viper-pool-deposits"};
    const char *name = names[dice_below(dice, VPR_COUNT(names))];
    struct vpr_hash hash = vpr_sha256(name, strlen(name));
    struct vpr_address pool;
    memcpy(pool.b, hash.b, sizeof pool.b);
    return world_text_of(&pool);
}

static char *other_text(struct dice *dice, struct vpr_arena *arena, const char *text)
{
    static const char *const people[] = {"alice", "bob", "servicer1", "fisherman2",
                                         "requestor1", "validator3", "nobody7"};
    const char *person = people[dice_below(dice, VPR_COUNT(people))];
    if (strncmp(text, "viper", 5) == 0 && dice_percent(dice, 10)) {
        return pool_text(dice);
    }
    if (strncmp(text, "viper1", 6) == 0 && dice_percent(dice, 85)) {
        return world_text(person);
    }
    if (strncmp(text, "vipervaloper1", 13) == 0 && dice_percent(dice, 85)) {
        const struct vpr_address id = world_address(person);
        char *valoper = vpr_arena_alloc(arena, VPR_ADDRESS_TEXT_MAX);
        vpr_address_text(valoper, VPR_PREFIX_VALOPER, &id);
        return valoper;
    }
    return dice_percent(dice, 50) ? vpr_arena_text(arena, "%sx", text)
                                  : vpr_arena_text(arena, "%s", "");
}

/* One value of a scalar field. */
static bool change_value(struct dice *dice, struct vpr_arena *arena,
                         const ProtobufCFieldDescriptor *field, void *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
        *(uint32_t *)value = (uint32_t)other_number(dice, *(uint32_t *)value);
        return true;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        *(uint64_t *)value = other_number(dice, *(uint64_t *)value);
        return true;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)value = (int)dice_below(dice, 7) - 1;
        return true;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)value ^= 1;
        return true;
    case PROTOBUF_C_TYPE_STRING: {
        char **text = value;
        *text = other_text(dice, arena, *text);
        return true;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData *data = value;
        if (data->len == 0) {
            return false;
        }
        if (dice_percent(dice, 10)) {
            data->len--;
            return true;
        }
        data->data = vpr_arena_copy(arena, data->data, data->len);
        data->data[dice_below(dice, data->len)] ^= (uint8_t)(1u << dice_below(dice, 8));
        return true;
    }
    default:
        return false;
    }
}

static size_t item_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 8;
    }
}

/* Left out, or twice. */
static void change_list(struct dice *dice, struct vpr_arena *arena, uint8_t *message,
                        const ProtobufCFieldDescriptor *field)
{
    size_t *count = (size_t *)(void *)(message + field->quantifier_offset);
    uint8_t **list = (uint8_t **)(void *)(message + field->offset);
    size_t size = item_size(field), which = dice_below(dice, *count);
    uint8_t *copy = vpr_arena_alloc(arena, (*count + 1) * size);
    memcpy(copy, *list, *count * size);
    if (dice_percent(dice, 50)) {
        memmove(copy + which * size, copy + (which + 1) * size, (*count - which - 1) * size);
        (*count)--;
    } else {
        memcpy(copy + *count * size, copy + which * size, size);
        (*count)++;
    }
    *list = copy;
}

static bool change(struct dice *dice, struct vpr_arena *arena, ProtobufCMessage *message,
                   const char *keep, int depth, struct mutation *ret);

static bool go_inside(struct dice *dice, struct vpr_arena *arena, ProtobufCMessage **inside,
                      int depth, struct mutation *ret)
{
    if (*inside == NULL || depth >= DEPTH_MAX) {
        return false;
    }
    ProtobufCMessage *copy =
        vpr_arena_copy(arena, *inside, (*inside)->descriptor->sizeof_message);
    *inside = copy;
    return change(dice, arena, copy, NULL, depth + 1, ret);
}

static bool change_repeated(struct dice *dice, struct vpr_arena *arena, uint8_t *message,
                            const ProtobufCFieldDescriptor *field, int depth,
                            struct mutation *ret)
{
    size_t count = *(size_t *)(void *)(message + field->quantifier_offset);
    uint8_t **list = (uint8_t **)(void *)(message + field->offset);
    size_t size = item_size(field), len = strlen(ret->at);
    if (count == 0) {
        return false;
    }
    if (dice_percent(dice, 25)) {
        change_list(dice, arena, message, field);
        return true;
    }
    size_t which = dice_below(dice, count);
    (void)snprintf(ret->at + len, sizeof ret->at - len, "[%zu]", which);
    *list = vpr_arena_copy(arena, *list, count * size);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return go_inside(dice, arena, (ProtobufCMessage **)(void *)(*list + which * size),
                         depth, ret);
    }
    ret->what = is_signed(field->name) ? "signature" : "field";
    return change_value(dice, arena, field, *list + which * size);
}

static bool change(struct dice *dice, struct vpr_arena *arena, ProtobufCMessage *message,
                   const char *keep, int depth, struct mutation *ret)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    size_t len = strlen(ret->at);
    for (int i = 0; i < TRIES; i++) {
        const ProtobufCFieldDescriptor *field = &d->fields[dice_below(dice, d->n_fields)];
        uint8_t *at = (uint8_t *)message;
        bool done;
        if (keep != NULL && strcmp(field->name, keep) == 0) {
            continue;
        }
        (void)snprintf(ret->at + len, sizeof ret->at - len, ".%s", field->name);
        ret->what = "field";
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            done = change_repeated(dice, arena, at, field, depth, ret);
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            done = go_inside(dice, arena, (ProtobufCMessage **)(void *)(at + field->offset),
                             depth, ret);
        } else {
            done = change_value(dice, arena, field, at + field->offset);
            ret->what = is_signed(field->name) ? "signature" : "field";
        }
        if (done) {
            return true;
        }
        ret->at[len] = 0;
    }
    return false;
}

bool mutate(struct dice *dice, struct vpr_arena *arena, ProtobufCMessage *message,
            const char *keep, struct mutation *ret)
{
    memset(ret, 0, sizeof *ret);
    (void)snprintf(ret->at, sizeof ret->at, "messages[0]");
    return change(dice, arena, message, keep, 0, ret);
}
