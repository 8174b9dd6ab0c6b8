#include "app/host/metrics.h"

#include <stdatomic.h>

#include "app/base/mem.h"

/* Cells of a row: one per pair of label values; a histogram's has its buckets, +Inf and the
 * sum instead of one number. */
struct vpr_metrics {
    const struct vpr_metric *table;
    size_t count;
    size_t first[VPR_METRICS_MAX];
    _Atomic uint64_t *cells;
};

static size_t values(const struct vpr_metric_label *label)
{
    return label->name == NULL ? 1 : label->count;
}

static size_t width(const struct vpr_metric *m)
{
    return m->type == VPR_HISTOGRAM ? m->bucket_count + 2 : 1;
}

static bool name_ok(const char *name, bool colon)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || *c == '_' || (colon && *c == ':');
        if (!letter && !(c > name && *c >= '0' && *c <= '9')) {
            return false;
        }
    }
    return name[0] != '\0';
}

static bool ends(const char *name, const char *tail)
{
    size_t len = strlen(name);
    size_t n = strlen(tail);
    return len > n && strcmp(name + len - n, tail) == 0;
}

/* What `promtool check metrics` would complain about is a bug here. */
static void check_row(const struct vpr_metric *m)
{
    VPR_ASSERT(name_ok(m->name, true) && m->help != NULL && m->help[0] != '\0');
    VPR_ASSERT(ends(m->name, "_total") == (m->type == VPR_COUNTER));
    VPR_ASSERT(!ends(m->name, "_bucket") && !ends(m->name, "_count") && !ends(m->name, "_sum"));
    VPR_ASSERT((m->type == VPR_HISTOGRAM) == (m->bucket_count > 0));
    VPR_ASSERT(m->bucket_count <= VPR_METRIC_BUCKETS_MAX);
    for (size_t i = 0; i < 2; i++) {
        const char *name = m->labels[i].name;
        VPR_ASSERT(name == NULL || (name_ok(name, false) && m->labels[i].count > 0));
        VPR_ASSERT(name == NULL || strcmp(name, "le") != 0);
    }
    VPR_ASSERT(m->labels[1].name == NULL || m->labels[0].name != NULL);
    for (size_t i = 1; i < m->bucket_count; i++) {
        VPR_ASSERT(m->buckets[i - 1] < m->buckets[i]);
    }
}

struct vpr_metrics *vpr_metrics_create(const struct vpr_metric *table, size_t count)
{
    struct vpr_metrics *metrics = vpr_mem_alloc(sizeof *metrics);
    size_t cells = 0;

    VPR_ASSERT(count <= VPR_METRICS_MAX);
    metrics->table = table;
    metrics->count = count;
    for (size_t i = 0; i < count; i++) {
        check_row(&table[i]);
        metrics->first[i] = cells;
        cells += values(&table[i].labels[0]) * values(&table[i].labels[1]) * width(&table[i]);
    }
    metrics->cells = vpr_mem_alloc((cells + 1) * sizeof *metrics->cells);
    return metrics;
}

void vpr_metrics_destroy(struct vpr_metrics *metrics)
{
    if (metrics != NULL) {
        vpr_mem_free((void *)metrics->cells);
        vpr_mem_free(metrics);
    }
}

static _Atomic uint64_t *cell(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b)
{
    VPR_ASSERT(metric < metrics->count);
    const struct vpr_metric *m = &metrics->table[metric];
    VPR_ASSERT(a < values(&m->labels[0]) && b < values(&m->labels[1]));
    return metrics->cells + metrics->first[metric] +
           (a * values(&m->labels[1]) + b) * width(m);
}

void vpr_metric_add(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b, uint64_t n)
{
    VPR_ASSERT(metrics->table[metric].type == VPR_COUNTER);
    atomic_fetch_add_explicit(cell(metrics, metric, a, b), n, memory_order_relaxed);
}

void vpr_metric_set(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b, int64_t v)
{
    VPR_ASSERT(metrics->table[metric].type == VPR_GAUGE);
    atomic_store_explicit(cell(metrics, metric, a, b), (uint64_t)v, memory_order_relaxed);
}

void vpr_metric_observe(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b,
                        uint64_t v)
{
    const struct vpr_metric *m = &metrics->table[metric];
    _Atomic uint64_t *at = cell(metrics, metric, a, b);
    size_t i = 0;

    VPR_ASSERT(m->type == VPR_HISTOGRAM);
    while (i < m->bucket_count && v > m->buckets[i]) {
        i++;
    }
    atomic_fetch_add_explicit(at + i, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(at + m->bucket_count + 1, v, memory_order_relaxed);
}

uint64_t vpr_metric_get(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b)
{
    return atomic_load_explicit(cell(metrics, metric, a, b), memory_order_relaxed);
}

/* v / scale as an exact decimal: scales are powers of ten. */
static void write_scaled(struct vpr_buf *out, uint64_t v, uint64_t scale)
{
    if (scale <= 1) {
        vpr_buf_u64(out, v);
        return;
    }
    vpr_buf_u64(out, v / scale);
    uint64_t rest = v % scale;
    if (rest == 0) {
        return;
    }
    vpr_buf_char(out, '.');
    while (rest > 0) {
        scale /= 10;
        vpr_buf_char(out, (char)('0' + rest / scale % 10));
        rest %= scale;
    }
}

static void write_escaped(struct vpr_buf *out, const char *text, bool quotes)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            vpr_buf_str(out, "\\n");
        } else {
            if (*c == '\\' || (quotes && *c == '"')) {
                vpr_buf_char(out, '\\');
            }
            vpr_buf_char(out, *c);
        }
    }
}

struct series {
    const struct vpr_metric *m;
    const char *label[2];
};

/* A value that is "" for now has no series yet. */
static bool named(const struct series *s)
{
    return (s->label[0] == NULL || s->label[0][0] != '\0') &&
           (s->label[1] == NULL || s->label[1][0] != '\0');
}

/* name{labels,le="..."} and a space. */
static void write_name(struct vpr_buf *out, const struct series *s, const char *suffix,
                       const uint64_t *le, bool inf)
{
    bool first = true;

    vpr_buf_str(out, s->m->name);
    vpr_buf_str(out, suffix);
    for (size_t i = 0; i < 2 && s->label[i] != NULL; i++) {
        vpr_buf_char(out, first ? '{' : ',');
        first = false;
        vpr_buf_str(out, s->m->labels[i].name);
        vpr_buf_str(out, "=\"");
        write_escaped(out, s->label[i], true);
        vpr_buf_char(out, '"');
    }
    if (le != NULL || inf) {
        vpr_buf_char(out, first ? '{' : ',');
        first = false;
        vpr_buf_str(out, "le=\"");
        if (inf) {
            vpr_buf_str(out, "+Inf");
        } else {
            write_scaled(out, *le, s->m->scale);
        }
        vpr_buf_char(out, '"');
    }
    vpr_buf_str(out, first ? " " : "} ");
}

static void write_plain(struct vpr_buf *out, const struct series *s, uint64_t v)
{
    write_name(out, s, "", NULL, false);
    if (s->m->type == VPR_GAUGE && (int64_t)v < 0) {
        vpr_buf_char(out, '-');
        v = (uint64_t)0 - v;
    }
    write_scaled(out, v, s->m->scale);
    vpr_buf_char(out, '\n');
}

/* The count is the last bucket read here, so that they agree while others observe. */
static void write_histogram(struct vpr_buf *out, const struct series *s, _Atomic uint64_t *at)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= s->m->bucket_count; i++) {
        sum += atomic_load_explicit(at + i, memory_order_relaxed);
        bool inf = i == s->m->bucket_count;
        write_name(out, s, "_bucket", inf ? NULL : &s->m->buckets[i], inf);
        vpr_buf_u64(out, sum);
        vpr_buf_char(out, '\n');
    }
    write_name(out, s, "_sum", NULL, false);
    write_scaled(out, atomic_load_explicit(at + s->m->bucket_count + 1, memory_order_relaxed),
                 s->m->scale);
    vpr_buf_char(out, '\n');
    write_name(out, s, "_count", NULL, false);
    vpr_buf_u64(out, sum);
    vpr_buf_char(out, '\n');
}

void vpr_metrics_write(struct vpr_metrics *metrics, struct vpr_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    for (size_t i = 0; i < metrics->count; i++) {
        const struct vpr_metric *m = &metrics->table[i];
        vpr_buf_str(out, "# HELP ");
        vpr_buf_str(out, m->name);
        vpr_buf_char(out, ' ');
        write_escaped(out, m->help, false);
        vpr_buf_str(out, "\n# TYPE ");
        vpr_buf_str(out, m->name);
        vpr_buf_char(out, ' ');
        vpr_buf_str(out, types[m->type]);
        vpr_buf_char(out, '\n');
        for (size_t a = 0; a < values(&m->labels[0]); a++) {
            for (size_t b = 0; b < values(&m->labels[1]); b++) {
                struct series s = {m, {m->labels[0].name ? m->labels[0].values[a] : NULL,
                                       m->labels[1].name ? m->labels[1].values[b] : NULL}};
                _Atomic uint64_t *at = cell(metrics, i, a, b);
                if (!named(&s)) {
                    continue;
                }
                if (m->type == VPR_HISTOGRAM) {
                    write_histogram(out, &s, at);
                } else {
                    write_plain(out, &s, atomic_load_explicit(at, memory_order_relaxed));
                }
            }
        }
    }
}
