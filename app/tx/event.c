#include "app/tx/event.h"

#include "app/base/bytes.h"
#include "app/rules/ids.h"
#include "app/tx/handler.h"

#define ROOM_FIRST 64
#define DIGITS_MAX 20 /* of 2^64 - 1 */

static void check_name(const char *name)
{
    VPR_ASSERT(name[0] != '\0');
    for (const char *c = name; *c != '\0'; c++) {
        VPR_ASSERT((*c >= 'a' && *c <= 'z') || *c == '_' || *c == '.');
    }
}

static void grow(struct vpr_events *events)
{
    size_t room = events->room == 0 ? ROOM_FIRST : events->room * 2;
    struct vpr_event **list = VPR_ARENA_ARRAY(events->arena, struct vpr_event *, room);
    if (events->count > 0) {
        memcpy(list, events->list, events->count * sizeof list[0]);
    }
    events->list = list;
    events->room = room;
}

/* Events beyond the maximum are counted out alike on every node: they are no part of any
 * hash, and a block that makes so many is paid for in gas. */
static struct vpr_event *last(struct vpr_ctx *ctx)
{
    struct vpr_events *events = ctx->events;
    if (events == NULL || events->count == 0 || events->full) {
        return NULL;
    }
    return events->list[events->count - 1];
}

void vpr_event(struct vpr_ctx *ctx, const char *type)
{
    struct vpr_events *events = ctx->events;
    if (events == NULL) {
        return;
    }
    check_name(type);
    events->full = events->count >= VPR_EVENTS_MAX;
    if (events->full) {
        return;
    }
    if (events->count == events->room) {
        grow(events);
    }
    struct vpr_event *event = VPR_ARENA_NEW(events->arena, struct vpr_event);
    event->type = type;
    events->list[events->count++] = event;
}

/* `value` lives as long as the events. */
static void put(struct vpr_ctx *ctx, const char *key, const char *value)
{
    struct vpr_event *event = last(ctx);
    if (event == NULL) {
        return;
    }
    check_name(key);
    VPR_ASSERT(event->count < VPR_EVENT_ATTRIBUTES_MAX);
    /* CometBFT stops indexing a block that claims its own two names. */
    VPR_ASSERT(strcmp(event->type, "tx") != 0 ||
               (strcmp(key, "hash") != 0 && strcmp(key, "height") != 0));
    event->attributes[event->count++] = (struct vpr_attribute){key, value};
}

/* A block of settlements has tens of thousands of attributes: nothing is formatted here. */
static void add(struct vpr_ctx *ctx, const char *key, const char *value)
{
    if (last(ctx) != NULL) {
        put(ctx, key, vpr_arena_copy(ctx->events->arena, value, strlen(value) + 1));
    }
}

void vpr_event_text(struct vpr_ctx *ctx, const char *key, const char *value)
{
    add(ctx, key, value);
}

void vpr_event_u64(struct vpr_ctx *ctx, const char *key, uint64_t value)
{
    char digits[DIGITS_MAX + 1];
    char *first = digits + DIGITS_MAX;
    *first = '\0';
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add(ctx, key, first);
}

void vpr_event_address(struct vpr_ctx *ctx, const char *key, const struct vpr_address *who)
{
    if (last(ctx) != NULL) {
        char text[VPR_ADDRESS_TEXT_MAX];
        vpr_address_text(text, VPR_PREFIX_ACCOUNT, who);
        add(ctx, key, text);
    }
}

void vpr_event_hex(struct vpr_ctx *ctx, const char *key, const void *data, size_t len)
{
    if (last(ctx) != NULL) {
        char *text = vpr_arena_alloc(ctx->events->arena, 2 * len + 1);
        vpr_hex(text, data, len);
        put(ctx, key, text);
    }
}
