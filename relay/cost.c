#include "relay/cost.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/host/json_scan.h"

/* First row whose method is not below `method`. */
static size_t lower_bound(const struct vpr_costs *costs, const char *method)
{
    size_t low = 0;
    size_t high = costs->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (strcmp(costs->rows[mid].method, method) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

void vpr_costs_add(struct vpr_costs *costs, const char *method, uint64_t cu)
{
    const size_t len = strlen(method);

    if (len == 0 || len > VPR_COST_METHOD_BYTES_MAX || cu == 0) {
        return;
    }
    const size_t at = lower_bound(costs, method);
    if (at < costs->count && strcmp(costs->rows[at].method, method) == 0) {
        costs->rows[at].cu = cu;
        return;
    }
    if (costs->count == VPR_COST_ROWS_MAX) {
        return;
    }
    if (costs->rows == NULL) {
        costs->rows = vpr_mem_alloc(VPR_COST_ROWS_MAX * sizeof *costs->rows);
    }
    memmove(&costs->rows[at + 1], &costs->rows[at],
            (costs->count - at) * sizeof costs->rows[0]);
    snprintf(costs->rows[at].method, sizeof costs->rows[at].method, "%s", method);
    costs->rows[at].cu = cu;
    costs->count++;
}

void vpr_costs_finish(struct vpr_costs *costs)
{
    vpr_mem_free(costs->rows);
    costs->rows = NULL;
    costs->count = 0;
}

static uint64_t method_cu(const struct vpr_costs *costs, const char *method)
{
    const size_t at = lower_bound(costs, method);

    if (at < costs->count && strcmp(costs->rows[at].method, method) == 0) {
        return costs->rows[at].cu;
    }
    return 1;
}

static bool method_allowed(const struct vpr_allowed *allowed, const char *method)
{
    if (allowed == NULL || allowed->count == 0) {
        return true;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        if (strcmp(allowed->methods[i], method) == 0) {
            return true;
        }
    }
    return false;
}

static bool starts(struct vpr_bytes path, const char *prefix)
{
    const size_t len = strlen(prefix);

    return prefix[0] == '/' && path.len >= len && memcmp(path.data, prefix, len) == 0;
}

static bool path_allowed(const struct vpr_allowed *allowed, struct vpr_bytes path)
{
    if (allowed == NULL || allowed->count == 0) {
        return true;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        if (starts(path, allowed->methods[i])) {
            return true;
        }
    }
    return false;
}

static uint64_t path_cu(const struct vpr_costs *costs, struct vpr_bytes path)
{
    size_t best = 0;
    uint64_t cu = 1;

    for (size_t i = lower_bound(costs, "/"); i < costs->count; i++) {
        const char *method = costs->rows[i].method;
        if (method[0] != '/') {
            break;
        }
        if (starts(path, method) && strlen(method) > best) {
            best = strlen(method);
            cu = costs->rows[i].cu;
        }
    }
    return cu;
}

static enum vpr_cost calls_cost(uint64_t *ret_cu, const struct vpr_costs *costs,
                                const struct vpr_allowed *allowed,
                                const struct vpr_json_call *calls, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char method[VPR_COST_METHOD_BYTES_MAX + 1];
        size_t len = 0;
        /* What is no call, or has a name longer than any row, costs 1 and is no method that
         * a list could allow. */
        if (!calls[i].valid || !vpr_json_text(method, sizeof method, &len, calls[i].method) ||
            strlen(method) != len) {
            method[0] = '\0';
        }
        if (!method_allowed(allowed, method)) {
            return VPR_COST_NOT_ALLOWED;
        }
        sum += method_cu(costs, method);
    }
    *ret_cu = sum == 0 ? 1 : sum;
    return VPR_COST_OK;
}

static bool looks_like_json(struct vpr_bytes body)
{
    for (size_t i = 0; i < body.len; i++) {
        const uint8_t c = body.data[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return c == '{' || c == '[';
        }
    }
    return false;
}

static bool any_method(const struct vpr_json_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (calls[i].method.len > 0) {
            return true;
        }
    }
    return false;
}

/* How long what a backend may take for '/' is: itself, '\\', their %-forms; 0: none.  '?'
 * ends the path. */
static size_t separator(struct vpr_bytes text)
{
    if (text.len > 0 &&
        (text.data[0] == '/' || text.data[0] == '\\' || text.data[0] == '?')) {
        return 1;
    }
    if (text.len >= 3 && text.data[0] == '%') {
        const uint8_t low = text.data[2] | 0x20;
        return (text.data[1] == '2' && low == 'f') || (text.data[1] == '5' && low == 'c') ? 3 : 0;
    }
    return 0;
}

/* One or two dots, plain or %2e; what is left in `text` then is a separator, or nothing. */
static bool dots(struct vpr_bytes text)
{
    size_t at = 0;

    for (int i = 0; i < 2; i++) {
        if (at < text.len && text.data[at] == '.') {
            at++;
        } else if (text.len - at >= 3 && memcmp(text.data + at, "%2", 2) == 0 &&
                   (text.data[at + 2] | 0x20) == 'e') {
            at += 3;
        }
    }
    if (at == 0) {
        return false;
    }
    const struct vpr_bytes rest = vpr_bytes_of(text.data + at, text.len - at);
    return rest.len == 0 || separator(rest) > 0;
}

/* A backend may read "/a/../b" as "/b": then neither price nor allow-list would hold. */
static bool has_dot_segment(struct vpr_bytes path)
{
    for (size_t at = 0; at < path.len && path.data[at] != '?'; at++) {
        const size_t len = separator(vpr_bytes_of(path.data + at, path.len - at));
        const size_t end = at + len;
        if (len > 0 && dots(vpr_bytes_of(path.data + end, path.len - end))) {
            return true;
        }
    }
    return false;
}

enum vpr_cost vpr_cost_of(uint64_t *ret_cu, const struct vpr_costs *costs,
                          const struct vpr_allowed *allowed, struct vpr_bytes path,
                          struct vpr_bytes body)
{
    struct vpr_json_call calls[VPR_COST_BATCH_MAX];
    struct vpr_json_rpc rpc;

    if (has_dot_segment(path)) {
        return VPR_COST_MALFORMED;
    }
    if (looks_like_json(body)) {
        if (!vpr_json_rpc(&rpc, calls, VPR_COST_BATCH_MAX, body, NULL)) {
            return VPR_COST_MALFORMED;
        }
        if (path.len == 0 || any_method(calls, rpc.count)) {
            return calls_cost(ret_cu, costs, allowed, calls, rpc.count);
        }
    } else if (path.len == 0 && body.len > 0) {
        return VPR_COST_MALFORMED; /* neither JSON-RPC nor REST */
    }
    const uint8_t *query = path.len == 0 ? NULL : memchr(path.data, '?', path.len);
    const struct vpr_bytes plain =
        query == NULL ? path : vpr_bytes_of(path.data, (size_t)(query - path.data));
    if (!path_allowed(allowed, plain)) {
        return VPR_COST_NOT_ALLOWED;
    }
    *ret_cu = path_cu(costs, plain);
    return VPR_COST_OK;
}
