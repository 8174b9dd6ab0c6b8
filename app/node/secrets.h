/* secrets.h - the validator's beacon chain, opened once at start.
 *
 * Apart from bridge.h, since the keyring's names and those of the state's keys do not go
 * together in one file. */
#ifndef VPR_NODE_SECRETS_H
#define VPR_NODE_SECRETS_H

#include "app/base/err.h"

struct secrets;

/* `backend`, `passphrase_file`: as the keyring wants them. */
VPR_MUST_USE enum vpr_code secrets_open(struct secrets **ret, const char *home,
                                        const char *backend, const char *passphrase_file,
                                        const char *beacon_key, struct vpr_err *err);
void secrets_close(struct secrets *secrets); /* NULL is fine */

/* A bridge_reveal_fn with struct secrets as `arg`. */
bool secrets_reveal(void *arg, const struct vpr_hash *end, struct vpr_hash *ret_x);

#endif
