#include "app/node/tally.h"

#include <stdlib.h>

#include "app/host/log.h"

const char *const tally_verdicts[TALLY_VERDICTS] = {"paid", "unproved", "error"};

static const char *attribute(const struct vpr_event *event, const char *key)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (strcmp(event->attributes[i].key, key) == 0) {
            return event->attributes[i].value;
        }
    }
    return "";
}

static uint64_t number(const struct vpr_event *event, const char *key)
{
    return strtoull(attribute(event, key), NULL, 10);
}

static void remove_at(struct tally *tally, size_t at)
{
    tally->count--;
    memmove(&tally->open[at], &tally->open[at + 1],
            (tally->count - at) * sizeof tally->open[0]);
}

static size_t find(const struct tally *tally, uint64_t session)
{
    size_t at = 0;

    while (at < tally->count && tally->open[at].session != session) {
        at++;
    }
    return at;
}

static struct tally_sums *sums_of(struct tally *tally, uint64_t session)
{
    size_t at = find(tally, session);

    if (at == tally->count) {
        if (tally->count == TALLY_SESSIONS) {
            remove_at(tally, 0);
        }
        at = tally->count++;
        memset(&tally->open[at], 0, sizeof tally->open[at]);
        tally->open[at].session = session;
    }
    return &tally->open[at].sums;
}

static void add(struct tally_sums *sums, const struct vpr_event *event)
{
    const char *verdict = attribute(event, "verdict");
    const uint64_t claimed = number(event, "sum");
    const uint64_t settled = number(event, "settled_cu");

    for (size_t i = 0; i < TALLY_VERDICTS; i++) {
        sums->claims[i] += strcmp(verdict, tally_verdicts[i]) == 0 ? 1 : 0;
    }
    sums->settled_cu += settled;
    sums->unpaid_cu += claimed > settled ? claimed - settled : 0;
    sums->minted += number(event, "minted");
}

static void log_settled(struct tally *tally, uint64_t session)
{
    const size_t at = find(tally, session);
    struct tally_sums none = {{0}, 0, 0, 0};
    const struct tally_sums *s = at == tally->count ? &none : &tally->open[at].sums;

    vpr_log_info("node", "session settled",
                 "session=%" PRIu64 " paid=%" PRIu64 " unproved=%" PRIu64 " error=%" PRIu64
                 " settled_cu=%" PRIu64 " unpaid_cu=%" PRIu64 " minted_uvipr=%" PRIu64, session,
                 s->claims[0], s->claims[1], s->claims[2], s->settled_cu, s->unpaid_cu,
                 s->minted);
    if (at < tally->count) {
        remove_at(tally, at);
    }
}

static void take(struct tally *tally, const struct vpr_event *const *events, size_t count,
                 struct tally_sums *sums)
{
    for (size_t i = 0; i < count; i++) {
        const struct vpr_event *event = events[i];
        if (strcmp(event->type, "verify") == 0) {
            add(sums, event);
            add(sums_of(tally, number(event, "session")), event);
        } else if (strcmp(event->type, "session") == 0) {
            vpr_log_info("node", "session opened", "session=%" PRIu64 " first=%s last=%s",
                         number(event, "session"), attribute(event, "first"),
                         attribute(event, "last"));
        } else if (strcmp(event->type, "session_settled") == 0) {
            log_settled(tally, number(event, "session"));
        }
    }
}

void tally_block(struct tally *tally, const struct vpr_app_result *result,
                 struct tally_sums *sums)
{
    for (size_t i = 0; i < result->tx_count; i++) {
        take(tally, result->events + result->txs[i].event_first, result->txs[i].event_count,
             sums);
    }
}
