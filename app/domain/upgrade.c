#include "app/domain/upgrade.h"

#include "app/base/bytes.h"
#include "viper/v1/query.pb-c.h"

#define VERSION_BYTES 8

const Viper__V1__Upgrade *vpr_upgrade_plan(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_UPGRADE);
    return (const Viper__V1__Upgrade *)vpr_record_get(
        ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &viper__v1__upgrade__descriptor);
}

static uint64_t version_get(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_VERSION);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                       &value)) {
        VPR_HALT("the state does not say which version runs");
    }
    VPR_ASSERT(value.len == VERSION_BYTES);
    return vpr_get_be64(value.data);
}

static void version_put(struct vpr_ctx *ctx, uint64_t version)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_VERSION);
    uint8_t value[VERSION_BYTES];
    vpr_put_be64(value, version);
    vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

uint64_t vpr_upgrade_version_at(struct vpr_ctx *ctx, uint64_t height)
{
    const Viper__V1__Upgrade *plan = vpr_upgrade_plan(ctx);
    return plan != NULL && height >= plan->height ? plan->version : version_get(ctx);
}

/* ---- a plan ---- */

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return false;
        }
    }
    return len >= 1 && len <= VPR_UPGRADE_NAME_BYTES_MAX;
}

enum vpr_code vpr_upgrade_check(const Viper__V1__Upgrade *upgrade, struct vpr_err *err)
{
    if (!name_ok(upgrade->name)) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "upgrade: name \"%.40s\" is not 1 to %d printable bytes", upgrade->name,
                        VPR_UPGRADE_NAME_BYTES_MAX);
    }
    if ((upgrade->height == 0) != (upgrade->version == 0) || upgrade->height > INT64_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "upgrade: height %" PRIu64 " and version %" PRIu64
                        " are both 0 to take a plan back, else neither is",
                        upgrade->height, upgrade->version);
    }
    return VPR_OK;
}

enum vpr_code vpr_upgrade_admit(struct vpr_ctx *ctx, const Viper__V1__Upgrade *upgrade)
{
    uint64_t running = version_get(ctx);
    if (upgrade->height == 0) {
        return vpr_upgrade_plan(ctx) != NULL
                   ? VPR_OK
                   : vpr_fail(ctx->err, VPR_NOT_FOUND, "no upgrade is planned");
    }
    if (upgrade->height <= ctx->height) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "upgrade: height %" PRIu64 " is not above the present %" PRIu64,
                        upgrade->height, ctx->height);
    }
    if (upgrade->version <= running) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "upgrade: version %" PRIu64 " is not above the running %" PRIu64,
                        upgrade->version, running);
    }
    return VPR_OK;
}

void vpr_upgrade_put(struct vpr_ctx *ctx, const Viper__V1__Upgrade *upgrade)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_UPGRADE);
    if (upgrade->height == 0) {
        vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key));
    } else {
        vpr_record_put(ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &upgrade->base);
    }
    vpr_event(ctx, "upgrade_plan");
    vpr_event_text(ctx, "name", upgrade->name);
    vpr_event_u64(ctx, "height", upgrade->height);
    vpr_event_u64(ctx, "version", upgrade->version);
}

void vpr_upgrade_step(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_UPGRADE);
    const Viper__V1__Upgrade *plan = vpr_upgrade_plan(ctx);
    if (plan == NULL || ctx->height < plan->height) {
        return;
    }
    if (plan->version != vpr_app_version) {
        VPR_HALT("the chain goes on with another version of the application");
    }
    version_put(ctx, plan->version);
    vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key));

    vpr_event(ctx, "upgrade");
    vpr_event_text(ctx, "name", plan->name);
    vpr_event_u64(ctx, "version", plan->version);
}

/* ---- genesis, query ---- */

/* A network begins with the version whose binary it is begun with (node/owner asks genesis
 * for the same). */
static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    (void)genesis;
    version_put(ctx, vpr_app_version);
    return VPR_OK;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    const Viper__V1__Upgrade *plan = vpr_upgrade_plan(ctx);
    uint64_t running = version_get(ctx);
    if (plan != NULL && (plan->height <= ctx->height || plan->version <= running)) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "version %" PRIu64 " is planned from height %" PRIu64
                        ", at height %" PRIu64 " with version %" PRIu64,
                        plan->version, plan->height, ctx->height, running);
    }
    return VPR_OK;
}

static enum vpr_code answer(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                            ProtobufCMessage **ret_response)
{
    const Viper__V1__Upgrade *plan = vpr_upgrade_plan(ctx);
    (void)request;
    Viper__V1__QueryUpgradeResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryUpgradeResponse);
    viper__v1__query_upgrade_response__init(response);
    response->version = version_get(ctx);
    response->binary_version = vpr_app_version;
    if (plan != NULL) {
        response->plan = VPR_ARENA_NEW(ctx->arena, Viper__V1__Upgrade);
        *response->plan = *plan;
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Upgrade", &viper__v1__query_upgrade_request__descriptor,
     &viper__v1__query_upgrade_response__descriptor, answer},
};

static const struct vpr_invariant invariants[] = {
    {"plans_lie_ahead", invariant},
};

const struct vpr_domain vpr_upgrades = {
    .name = "upgrades",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
