/* trust.h - backends the operator trusts: a word that settles what servicers disagree about.
 *
 * One a chain, from fisherman.toml; its own node, so private addresses are fine.  Its one
 * rule: it is asked what the servicers are asked, and only its results count; where it is
 * down or has an error, the servicers are judged by each other as if it were not there. */
#ifndef VPR_FISHERMAN_TRUST_H
#define VPR_FISHERMAN_TRUST_H

#include "app/host/http_client.h"
#include "fisherman/settings.h"

#define VPR_TRUST_CALLS_MAX 256 /* under way at one time */

struct vpr_trust;

/* `ret` is NULL when no backend is configured. */
VPR_MUST_USE enum vpr_code vpr_trust_create(struct vpr_trust **ret, struct vpr_loop *loop,
                                            const struct vpr_fisherman_conf *conf,
                                            struct vpr_err *err);
void vpr_trust_destroy(struct vpr_trust *trust); /* NULL is fine */

/* NULL when the chain has none or too many are under way, then no callback comes; of the
 * result only the caller makes something. */
struct vpr_http_exchange *vpr_trust_ask(struct vpr_trust *trust, uint16_t chain,
                                        const char *verb, const char *path,
                                        struct vpr_bytes body, vpr_http_done_fn *done,
                                        void *arg);
void vpr_trust_cancel(struct vpr_http_exchange *exchange);

#endif
