#include "app/node/events.h"

#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"

struct block {
    uint64_t height;
    char *text;
    size_t len;
};

struct stream {
    struct events *events;
    struct vpr_http_request *req; /* NULL: free slot */
    bool gone;
};

struct events {
    struct vpr_timer *beat;
    struct block ring[EVENTS_RING_BLOCKS]; /* oldest at `first` */
    size_t first, count, bytes;
    struct stream streams[EVENTS_STREAMS_MAX];
    size_t stream_count;
};

/* ---- the text of a block ---- */

static void write_events(struct vpr_buf *out, const struct vpr_event *const *events,
                         size_t count)
{
    vpr_buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        vpr_buf_printf(out, "%s{\"type\":", i ? "," : "");
        vpr_buf_json(out, vpr_bytes_str(events[i]->type));
        vpr_buf_str(out, ",\"attributes\":{");
        for (uint32_t a = 0; a < events[i]->count; a++) {
            vpr_buf_str(out, a ? "," : "");
            vpr_buf_json(out, vpr_bytes_str(events[i]->attributes[a].key));
            vpr_buf_char(out, ':');
            vpr_buf_json(out, vpr_bytes_str(events[i]->attributes[a].value));
        }
        vpr_buf_str(out, "}}");
    }
    vpr_buf_char(out, ']');
}

static void write_upper_hex(struct vpr_buf *out, const struct vpr_hash *hash)
{
    char hex[2 * sizeof hash->b + 1];
    vpr_hex(hex, hash->b, sizeof hash->b);
    for (char *c = hex; *c; c++) {
        *c = *c >= 'a' ? (char)(*c - 32) : *c;
    }
    vpr_buf_str(out, hex);
}

static void write_head(struct vpr_buf *out, const struct bridge_committed *block,
                       uint64_t session)
{
    char hex[65];
    vpr_hex(hex, block->result->app_hash.b, 32);
    vpr_buf_printf(out, "id: %" PRIu64 "\nevent: block\ndata: {\"height\":\"%" PRIu64
                   "\",\"time_s\":\"%" PRId64 "\",\"app_hash\":\"%s\",\"session\":\"%" PRIu64
                   "\",\"tx_count\":%zu", block->height, block->height, block->time_s, hex,
                   session, block->result->tx_count);
}

void events_block_text(struct vpr_buf *out, const struct bridge_committed *block,
                       uint64_t session)
{
    const struct vpr_app_result *result = block->result;

    vpr_buf_init(out, EVENTS_BLOCK_BYTES_MAX);
    write_head(out, block, session);
    vpr_buf_str(out, ",\"cut\":false,\"txs\":[");
    for (size_t i = 0; i < result->tx_count; i++) {
        const struct vpr_tx_result *tx = &result->txs[i];
        vpr_buf_printf(out, "%s{\"hash\":\"", i ? "," : "");
        write_upper_hex(out, &block->tx_hashes[i]);
        vpr_buf_printf(out, "\",\"code\":%d,\"events\":", (int)tx->code);
        write_events(out, result->events + tx->event_first, tx->event_count);
        vpr_buf_char(out, '}');
    }
    vpr_buf_str(out, "]}\n\n");
    if (out->over) {
        vpr_buf_finish(out);
        vpr_buf_init(out, EVENTS_BLOCK_BYTES_MAX);
        write_head(out, block, session);
        vpr_buf_str(out, ",\"cut\":true,\"txs\":[]}\n\n");
    }
}

/* ---- streams ---- */

static void close_stream(struct events *e, struct stream *s)
{
    struct vpr_http_request *req = s->req;
    s->req = NULL;
    e->stream_count--;
    vpr_http_stream_close(req);
}

/* Only marked: we may be inside a send to this very stream. */
static void on_gone(void *arg)
{
    struct stream *s = (struct stream *)arg;
    s->gone = true;
}

static void send_all(struct events *e, struct vpr_bytes piece)
{
    for (size_t i = 0; i < EVENTS_STREAMS_MAX; i++) {
        struct stream *s = &e->streams[i];
        if (s->req && (s->gone || !vpr_http_stream_send(s->req, piece))) {
            close_stream(e, s);
        }
    }
}

static void beat(void *arg)
{
    send_all((struct events *)arg, vpr_bytes_str(": still here\n\n"));
}

struct events *events_create(struct vpr_loop *loop)
{
    struct events *e = (struct events *)vpr_mem_alloc(sizeof *e);
    e->beat = vpr_timer_create(loop, beat, e);
    vpr_timer_every(e->beat, EVENTS_HEARTBEAT_MS);
    return e;
}

static void drop_oldest(struct events *e)
{
    struct block *old = &e->ring[e->first];
    e->bytes -= old->len;
    vpr_mem_free(old->text);
    e->first = (e->first + 1) % EVENTS_RING_BLOCKS;
    e->count--;
}

void events_destroy(struct events *events)
{
    if (!events) {
        return;
    }
    for (size_t i = 0; i < EVENTS_STREAMS_MAX; i++) {
        if (events->streams[i].req) {
            close_stream(events, &events->streams[i]);
        }
    }
    while (events->count) {
        drop_oldest(events);
    }
    vpr_timer_destroy(events->beat);
    vpr_mem_free(events);
}

void events_add(struct events *events, uint64_t height, struct vpr_buf *text)
{
    while (events->count &&
           (events->count == EVENTS_RING_BLOCKS || events->bytes + text->len > EVENTS_RING_BYTES)) {
        drop_oldest(events);
    }
    size_t at = (events->first + events->count) % EVENTS_RING_BLOCKS;
    events->ring[at] = (struct block){height, text->data, text->len};
    events->count++;
    events->bytes += text->len;
    text->data = NULL;
    vpr_buf_finish(text);
    send_all(events, vpr_bytes_of(events->ring[at].text, events->ring[at].len));
}

static bool last_id(uint64_t *ret, const struct vpr_http_request *req)
{
    const struct vpr_bytes *text = vpr_http_request_header(req, "last-event-id");
    uint64_t v = 0;
    if (!text || text->len == 0 || text->len > 18) {
        return false;
    }
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(text->data[i] - '0');
    }
    *ret = v;
    return true;
}

/* What the reader missed, then whatever comes. */
static bool replay(struct events *e, struct stream *s, uint64_t after)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct block *b = &e->ring[(e->first + i) % EVENTS_RING_BLOCKS];
        if (b->height > after &&
            (s->gone || !vpr_http_stream_send(s->req, vpr_bytes_of(b->text, b->len)))) {
            return false;
        }
    }
    return true;
}

void events_serve(struct events *events, const struct reply_to *to)
{
    struct vpr_http_header headers[REPLY_HEADERS_MAX + 1];
    const struct vpr_http_header uncached = VPR_HTTP_TEXT("Cache-Control", "no-store");
    struct stream *free_slot = NULL;
    char number[24];
    uint64_t after = 0;

    for (size_t i = 0; i < EVENTS_STREAMS_MAX && !free_slot; i++) {
        if (events->streams[i].req && events->streams[i].gone) {
            close_stream(events, &events->streams[i]);
        }
        if (!events->streams[i].req) {
            free_slot = &events->streams[i];
        }
    }
    if (!free_slot) {
        reply_error(to, REPLY_EXHAUSTED, "64 event streams are open already");
        return;
    }
    bool replayed = last_id(&after, to->req);
    size_t n = reply_headers(to, "text/event-stream", number, headers);
    headers[n++] = uncached;
    *free_slot = (struct stream){events, to->req, false};
    events->stream_count++;
    vpr_http_on_gone(to->req, on_gone, free_slot);
    vpr_http_stream_start(to->req, 200, headers, n);
    if (!vpr_http_stream_send(to->req, vpr_bytes_str("retry: 1000\n\n")) ||
        (replayed && !replay(events, free_slot, after))) {
        close_stream(events, free_slot);
    }
}

size_t events_streams(const struct events *events)
{
    return events->stream_count;
}
