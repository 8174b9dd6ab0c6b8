/* metrics.h - counters, gauges and histograms as Prometheus text.
 *
 * A program states its metrics as one static table; a row has at most two labels, each with
 * a fixed list of values, so that no input can grow the page; a value that is "" for now is
 * left out of it.  Updates are atomic and may come from any thread.
 *
 * Numbers inside are whole: `scale` says how many make one unit of the page (histograms in
 * microseconds are shown in seconds with scale 1000000).  Names follow the naming rules:
 * counters end in _total, and base units are seconds and bytes. */
#ifndef VPR_HOST_METRICS_H
#define VPR_HOST_METRICS_H

#include "app/host/buf.h"

#define VPR_METRICS_MAX 128
#define VPR_METRIC_BUCKETS_MAX 24

enum vpr_metric_type { VPR_COUNTER, VPR_GAUGE, VPR_HISTOGRAM };

struct vpr_metric_label {
    const char *name; /* NULL: no such label */
    const char *const *values;
    size_t count;
};

struct vpr_metric {
    const char *name; /* viper_relay_requests_total */
    const char *help;
    enum vpr_metric_type type;
    struct vpr_metric_label labels[2];
    uint64_t scale;           /* 0: 1 */
    const uint64_t *buckets;  /* histogram: upper bounds, rising, without +Inf */
    size_t bucket_count;
};

struct vpr_metrics;

/* The table must live as long.  A table that breaks a rule is a bug and halts. */
struct vpr_metrics *vpr_metrics_create(const struct vpr_metric *table, size_t count);
void vpr_metrics_destroy(struct vpr_metrics *metrics);

/* `metric` is a row of the table; a and b are indexes into its labels' values, 0 where
 * there is no such label. */
void vpr_metric_add(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b, uint64_t n);
void vpr_metric_set(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b, int64_t v);
void vpr_metric_observe(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b,
                        uint64_t v);
uint64_t vpr_metric_get(struct vpr_metrics *metrics, size_t metric, size_t a, size_t b);

#define VPR_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void vpr_metrics_write(struct vpr_metrics *metrics, struct vpr_buf *out);

#endif
