/* face.h - an app in memory with the local genesis, and blocks for it, signed and proposed as
 * CometBFT would have it done: what the tests of the app's face share. */
#ifndef VPR_TEST_FACE_H
#define VPR_TEST_FACE_H

#include <check.h>

#include "app/app.h"
#include "tests/unit/world.h"

#define ROOM UINT64_C(8000000)
#define NODE_BYTES (UINT64_C(1) << 30)

extern struct vpr_app *app; /* of the test at hand */
extern struct vpr_arena node;
extern struct vpr_kv *kv;
extern uint64_t height; /* of the last block that ran */

struct vpr_app *open_app(void);
enum vpr_code init(struct vpr_app *a, const char *chain_id, world_change_fn *change,
                   size_t *ret_count, struct vpr_hash *ret_hash, struct vpr_err *err);
void set_up(void);
void tear_down(void);
struct vpr_bytes send_as(const char *from, const struct world_envelope *envelope,
                         uint64_t amount);
struct vpr_bytes alice(uint64_t sequence, uint64_t fee);
struct vpr_bytes bob(uint64_t sequence, uint64_t fee);
struct vpr_app_block block_at(uint64_t at, const struct vpr_bytes *txs, size_t count);
struct vpr_bytes reveal(void);
struct vpr_app_block propose(const struct vpr_bytes *mempool, size_t count, uint64_t room);
const struct vpr_app_result *execute(const struct vpr_app_block *block);
const struct vpr_app_result *run_block(const struct vpr_bytes *mempool, size_t count);
bool holds(const struct vpr_app_block *block, size_t at, struct vpr_bytes raw);

TCase *proposal_tests(void);

#endif
