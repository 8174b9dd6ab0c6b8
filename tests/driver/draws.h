/* draws.h - who was drawn in a session and what its challenge asks for, as node 0 says it. */
#ifndef VPR_DRIVER_DRAWS_H
#define VPR_DRIVER_DRAWS_H

#include "tests/cast/work.h"
#include "tests/driver/stage.h"

/* Every bench of the session, without the requestors' owners; at most `room` of them. */
size_t draws_benches(struct stage *stage, uint64_t session, struct vpr_bench *ret, size_t room);
/* False until the challenge of the bench's session is drawn. */
bool draws_asked(struct stage *stage, const struct vpr_bench *bench, struct work_asked *ret);

#endif
