/* cost.h - what a request costs in CU, by the chain's method table (docs/protocol.md, 3).
 *
 * Both ends count with this file.  A body that is JSON-RPC costs what its method says, a
 * batch the sum over its calls; anything else costs what the longest row that its path starts
 * with says; a row that is missing means 1.  A body that begins like JSON-RPC but cannot be
 * read in one way only, and a path with dot segments, have no cost: they are refused. */
#ifndef VPR_RELAY_COST_H
#define VPR_RELAY_COST_H

#include "app/base/base.h"

#define VPR_COST_ROWS_MAX 1024
#define VPR_COST_METHOD_BYTES_MAX 128
#define VPR_COST_BATCH_MAX 100

struct vpr_cost_row {
    char method[VPR_COST_METHOD_BYTES_MAX + 1];
    uint64_t cu;
};

struct vpr_costs {
    size_t count;
    struct vpr_cost_row *rows; /* by method */
};

/* Rows in any order.  A row that is too long, has no CU, or comes after VPR_COST_ROWS_MAX
 * others is left out; of two with one name the last counts. */
void vpr_costs_add(struct vpr_costs *costs, const char *method, uint64_t cu);
void vpr_costs_finish(struct vpr_costs *costs);

/* Methods and path prefixes a backend may be asked for; count 0: all. */
struct vpr_allowed {
    size_t count;
    const char *const *methods;
};

enum vpr_cost {
    VPR_COST_OK,
    VPR_COST_MALFORMED,
    VPR_COST_NOT_ALLOWED,
};

/* `path` as in the request hash: raw, with its query; may be empty.  `allowed` NULL: all. */
enum vpr_cost vpr_cost_of(uint64_t *ret_cu, const struct vpr_costs *costs,
                          const struct vpr_allowed *allowed, struct vpr_bytes path,
                          struct vpr_bytes body);

#endif
