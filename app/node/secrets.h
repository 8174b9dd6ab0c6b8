/* secrets.h - the validator's beacon chains: the one in use, and one that renews it.
 *
 * All beacon keys of the keyring are opened at start; when none has the end that is staked,
 * those that were made since.  So a renewal needs no restart.  One thread at a time.
 *
 * Apart from bridge.h, since the keyring's names and those of the state's keys do not go
 * together in one file. */
#ifndef VPR_NODE_SECRETS_H
#define VPR_NODE_SECRETS_H

#include "app/base/err.h"

struct secrets;

/* `backend`, `passphrase_file`: as the keyring wants them.  `beacon_key` is tried first.
 * NOT_FOUND: there is no beacon key at all. */
VPR_MUST_USE enum vpr_code secrets_open(struct secrets **ret, const char *home,
                                        const char *backend, const char *passphrase_file,
                                        const char *beacon_key, struct vpr_err *err);
void secrets_close(struct secrets *secrets); /* NULL is fine */

/* The preimage of `end`, and how many are left after it; false: no key has it. */
bool secrets_reveal(struct secrets *secrets, const struct vpr_hash *end, struct vpr_hash *ret_x,
                    uint64_t *ret_left);

#endif
