/* route.h - which query a REST request means: the table made from the service files.
 *
 * The contract is grpc-gateway's: the most literal pattern wins, a known path with another
 * verb is UNIMPLEMENTED (501), an unknown one NOT_FOUND (404). */
#ifndef VPR_NODE_ROUTE_H
#define VPR_NODE_ROUTE_H

#include "app/base/arena.h"
#include "app/base/err.h"

struct route_row {
    const char *verb;   /* "GET" */
    const char *path;   /* "/viper/v1/servicers/{id}" */
    const char *method; /* "/viper.v1.Query/Servicer" */
    bool body;          /* the body is the request message */
};

extern const struct route_row route_rows[]; /* generated: app/node/routes.py */
extern const size_t route_row_count;

#define ROUTE_FIELDS_MAX 4

struct route_field {
    const char *name, *value; /* unescaped */
};

struct route_match {
    const struct route_row *row;
    struct route_field fields[ROUTE_FIELDS_MAX]; /* from the path */
    size_t field_count;
};

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_VERB, ROUTE_BAD };

/* `path` raw, without query; strings go into the arena. */
enum route_result route_find(struct route_match *ret, struct vpr_arena *arena,
                             struct vpr_bytes verb, struct vpr_bytes path);

#endif
