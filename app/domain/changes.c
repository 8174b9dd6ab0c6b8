/* What a block left other than it found it: for whoever keeps a copy of the state. */
#include "app/domain/domain.h"
#include "viper/v1/query.pb-c.h"

static ProtobufCBinaryData binary(struct vpr_arena *arena, struct vpr_bytes bytes)
{
    return (ProtobufCBinaryData){bytes.len, vpr_arena_copy(arena, bytes.data, bytes.len)};
}

static enum vpr_code answer_changes(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    Viper__V1__QueryChangesResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryChangesResponse);
    struct vpr_change *changes;

    (void)request;
    viper__v1__query_changes_response__init(r);
    if (ctx->state->view == NULL ||
        !vpr_view_changes(ctx->state->view, ctx->arena, &changes, &r->n_pairs)) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "nothing is recorded of what block %" PRIu64
                        " changed; ask again after the next one", ctx->height);
    }
    struct vpr_hash hash = vpr_view_app_hash(ctx->state->view);
    r->height = ctx->height;
    r->app_hash = binary(ctx->arena, vpr_bytes_of(hash.b, sizeof hash.b));
    r->pairs = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__StatePair *, r->n_pairs);
    for (size_t i = 0; i < r->n_pairs; i++) {
        Viper__V1__StatePair *pair = VPR_ARENA_NEW(ctx->arena, Viper__V1__StatePair);
        viper__v1__state_pair__init(pair);
        pair->store = vpr_arena_text(ctx->arena, "%s", vpr_domain_stores()[changes[i].id]);
        pair->key = binary(ctx->arena, changes[i].key);
        pair->value = binary(ctx->arena, changes[i].value);
        r->pairs[i] = pair;
    }
    *ret_response = &r->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Changes", &viper__v1__query_changes_request__descriptor,
     &viper__v1__query_changes_response__descriptor, answer_changes},
};

const struct vpr_domain vpr_changes = {
    .name = "changes",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = NULL,
    .invariant_count = 0,
};
