/* actors.h - what servicers, requestors, fishermen and validators have in common: owner,
 * operator, stake, status, and terms stored with the session they count from.
 *
 * An actor's id is its first operator address, never reused; an operator serves one actor. */
#ifndef VPR_DOMAIN_ACTORS_H
#define VPR_DOMAIN_ACTORS_H

#include "app/tx/handler.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"

#define VPR_CHAINS_MAX 15
#define VPR_PAIRS_MAX 16
#define VPR_GATEWAY_KEYS_MAX 8
#define VPR_SERVICERS_LEAST 3
#define VPR_SERVICERS_MOST 24

/* NULL: never staked. */
const Viper__V1__Actor *vpr_actor_get(struct vpr_ctx *ctx, const struct vpr_address *id);
void vpr_actor_put(struct vpr_ctx *ctx, const struct vpr_address *id,
                   const Viper__V1__Actor *actor);
/* The actor this operator serves at present. */
VPR_MUST_USE bool vpr_actor_by_operator(struct vpr_ctx *ctx,
                                        const struct vpr_address *operator_,
                                        struct vpr_address *ret_id);
/* As above, and of that kind; NOT_STAKED otherwise. */
VPR_MUST_USE enum vpr_code vpr_actor_of_signer(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                               struct vpr_address *ret_id);

/* Whom the operator serves; removed when it changes or its actor is gone. */
void vpr_operator_index(struct vpr_ctx *ctx, const struct vpr_address *operator_,
                        const struct vpr_address *id);
void vpr_operator_unindex(struct vpr_ctx *ctx, const Viper__V1__Actor *actor);

/* What session `session` reads; NULL: not there yet. */
const Viper__V1__Terms *vpr_terms_get(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      uint64_t session);
const Viper__V1__Terms *vpr_terms_newest(struct vpr_ctx *ctx, const struct vpr_address *id);
void vpr_terms_put(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t session,
                   const Viper__V1__Terms *terms);
bool vpr_terms_list(const Viper__V1__Terms *terms, uint16_t chain, uint16_t zone);

/* The session from which the newest terms count. */
uint64_t vpr_terms_newest_from(struct vpr_ctx *ctx, const struct vpr_address *id);

/* What an edit starts from: a copy of the newest terms with owner, stakes, usd and status as
 * the actor has them. */
Viper__V1__Terms *vpr_terms_draft(struct vpr_ctx *ctx, const struct vpr_address *id,
                                  const Viper__V1__Actor *actor);
/* The draft counts from vpr_session_counts_from, if it differs from the newest at all;
 * BAD_STATUS if it differs and the actor is leaving. */
VPR_MUST_USE enum vpr_code vpr_terms_change(struct vpr_ctx *ctx, const struct vpr_address *id,
                                            const Viper__V1__Actor *actor,
                                            const Viper__V1__Terms *draft);

/* Puts the record, and new terms if its owner, stakes, usd or status changed; of who is leaving
 * no session reads them again once they say so, and they stay. */
void vpr_actor_changed(struct vpr_ctx *ctx, const struct vpr_address *id,
                       const Viper__V1__Actor *actor);

/* Own and delegated stake: what draws, powers and shares go by. */
uint64_t vpr_actor_total(const Viper__V1__Actor *actor);
/* Of a kind that others can delegate to, or NO_DELEGATION. */
VPR_MUST_USE enum vpr_code vpr_actor_delegable(struct vpr_ctx *ctx, const char *id_text,
                                               const Viper__V1__Actor *actor);

/* STAKE_TOO_LOW below the minimum of the kind. */
VPR_MUST_USE enum vpr_code vpr_actor_stake_enough(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                                  uint64_t amount);
/* The part every stake message shares: checks, debit, record, operator index, terms that
 * count from the right session (genesis: 0). */
VPR_MUST_USE enum vpr_code vpr_actor_stake(struct vpr_ctx *ctx, const char *owner,
                                           const char *operator_, uint64_t amount,
                                           Viper__V1__Actor *actor, Viper__V1__Terms *terms);
/* An actor of that kind (KIND_NONE: of any) that is not gone, or NOT_STAKED. */
VPR_MUST_USE enum vpr_code vpr_actor_find(struct vpr_ctx *ctx, const char *id_text,
                                          Viper__V1__Kind kind, struct vpr_address *ret_id,
                                          const Viper__V1__Actor **ret_actor);
/* Signer must be owner or operator of that kind of actor (as above), DENIED to others. */
VPR_MUST_USE enum vpr_code vpr_actor_for_edit(struct vpr_ctx *ctx, const char *id_text,
                                              Viper__V1__Kind kind, struct vpr_address *ret_id,
                                              const Viper__V1__Actor **ret_actor);

const char *vpr_kind_name(Viper__V1__Kind kind); /* "servicer" */
/* An event that begins with who it is about. */
void vpr_actor_event(struct vpr_ctx *ctx, const char *type, const struct vpr_address *id,
                     const Viper__V1__Actor *actor);

/* For queries: an actor of that kind by its bech32 id, or NOT_FOUND; what every answer says
 * about an actor. */
VPR_MUST_USE enum vpr_code vpr_actor_asked(struct vpr_ctx *ctx, const char *id_text,
                                           Viper__V1__Kind kind, struct vpr_address *ret_id,
                                           const Viper__V1__Actor **ret_actor);
Viper__V1__ActorInfo *vpr_actor_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                                            const Viper__V1__Actor *actor);

/* Fishermen who sealed nothing for 24 sessions are paused by this (settlement calls it). */
void vpr_actor_pause(struct vpr_ctx *ctx, const struct vpr_address *id);

/* Out of the validator set at once, out of sessions through versions.  It is active;
 * MsgResume ends it, jail_seconds later at the earliest.  Its event is left open
 * for more attributes. */
void vpr_actor_jail(struct vpr_ctx *ctx, const struct vpr_address *id);

/* After transactions: stakes whose unbonding is over go back (a bounded number a block). */
void vpr_actors_unbond(struct vpr_ctx *ctx);

/* The next actor in id order after `after` (NULL: the first), of any kind. */
VPR_MUST_USE bool vpr_actor_next(struct vpr_ctx *ctx, const struct vpr_address *after,
                                 struct vpr_address *ret_id,
                                 const Viper__V1__Actor **ret_actor);
/* Each id of a kind, in id order; the callback returns false to stop.  What it takes from
 * ctx->arena may be gone when it returns. */
void vpr_actors_each(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                     bool (*each)(struct vpr_ctx *ctx, void *arg, const struct vpr_address *id,
                                  const Viper__V1__Actor *actor),
                     void *arg);

enum vpr_code vpr_actors_invariant(struct vpr_ctx *ctx);
extern const struct vpr_query vpr_actors_queries[1];

extern const struct vpr_domain vpr_actors; /* the messages all kinds share */
extern const struct vpr_domain vpr_servicers;
extern const struct vpr_domain vpr_requestors;
extern const struct vpr_domain vpr_fishermen;

#endif
