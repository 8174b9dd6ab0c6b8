#include "app/domain/chains.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"

#define NAME_BYTES_MAX 32
#define METHODS_MAX 1024
#define METHOD_BYTES_MAX 128
#define METHOD_CU_MAX 1000
#define LATENCY_MS_MAX 60000

static struct vpr_key_buf id_key(enum vpr_key_first name, uint16_t id)
{
    struct vpr_key_buf key = vpr_key(name);
    vpr_key_u16(&key, id);
    return key;
}

const Viper__V1__Chain *vpr_chain_get(struct vpr_ctx *ctx, uint16_t id)
{
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN, id);
    return (const Viper__V1__Chain *)vpr_record_get(
        ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &viper__v1__chain__descriptor);
}

const Viper__V1__ChainTerms *vpr_chain_terms(struct vpr_ctx *ctx, uint16_t id,
                                             uint64_t session)
{
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN_TERMS, id);
    return (const Viper__V1__ChainTerms *)vpr_version_get(
        ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session,
        &viper__v1__chain_terms__descriptor);
}

const Viper__V1__ZoneTerms *vpr_zone_terms(struct vpr_ctx *ctx, uint16_t id, uint64_t session)
{
    struct vpr_key_buf key = id_key(VPR_KEY_ZONE_TERMS, id);
    return (const Viper__V1__ZoneTerms *)vpr_version_get(
        ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session,
        &viper__v1__zone_terms__descriptor);
}

char *vpr_id16(struct vpr_arena *arena, uint16_t id)
{
    char *text = vpr_arena_alloc(arena, VPR_ID16_TEXT_MAX);
    vpr_id16_text(text, id);
    return text;
}

enum vpr_code vpr_places_check(uint32_t zone, const uint32_t *chains, size_t count,
                               struct vpr_err *err)
{
    if (zone > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "zone %" PRIu32 " has more than 16 bits", zone);
    }
    if (count < 1 || count > VPR_CHAINS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "lists %zu chains; 1 to %d are possible", count,
                        VPR_CHAINS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (chains[i] > UINT16_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD, "chain %" PRIu32 " has more than 16 bits",
                            chains[i]);
        }
        if (i > 0 && chains[i] <= chains[i - 1]) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "chains must ascend: %04" PRIx32 " stands after %04" PRIx32,
                            chains[i], chains[i - 1]);
        }
    }
    return VPR_OK;
}

enum vpr_code vpr_place_active(struct vpr_ctx *ctx, uint32_t chain, uint32_t zone,
                               uint64_t session)
{
    VPR_ASSERT(chain <= UINT16_MAX && zone <= UINT16_MAX);
    const Viper__V1__ChainTerms *chain_terms =
        vpr_chain_terms(ctx, (uint16_t)chain, session);
    if (chain_terms == NULL || !chain_terms->active) {
        return vpr_fail(ctx->err, VPR_NO_CHAIN, "chain %04" PRIx32 " is %s in session %" PRIu64,
                        chain, chain_terms == NULL ? "unknown" : "inactive", session);
    }
    const Viper__V1__ZoneTerms *zone_terms = vpr_zone_terms(ctx, (uint16_t)zone, session);
    if (zone_terms == NULL || !zone_terms->active) {
        return vpr_fail(ctx->err, VPR_NO_ZONE, "zone %04" PRIx32 " is %s in session %" PRIu64,
                        zone, zone_terms == NULL ? "unknown" : "inactive", session);
    }
    return VPR_OK;
}

enum vpr_code vpr_places_active(struct vpr_ctx *ctx, uint32_t zone, const uint32_t *chains,
                                size_t count)
{
    uint64_t session = vpr_session_counts_from(ctx);
    for (size_t i = 0; i < count; i++) {
        VPR_TRY(vpr_place_active(ctx, chains[i], zone, session));
    }
    return VPR_OK;
}

/* ---- genesis ---- */

/* Names stand where an id may stand: a-z, 0-9 and inner hyphens, and not four hex digits. */
static enum vpr_code check_name(const char *what, const char *name, struct vpr_err *err)
{
    size_t len = strlen(name);
    uint16_t id;
    bool ok = len >= 1 && len <= NAME_BYTES_MAX && name[0] != '-' && name[len - 1] != '-' &&
              !vpr_id16_parse(&id, vpr_bytes_of(name, len));
    for (size_t i = 0; ok && i < len; i++) {
        ok = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
             name[i] == '-';
    }
    if (!ok) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "%s name \"%.40s\" is not 1 to %d of a-z, 0-9 and inner hyphens, other "
                        "than four hex digits",
                        what, name, NAME_BYTES_MAX);
    }
    return VPR_OK;
}

static enum vpr_code check_multiplier(const char *what, uint32_t id, uint64_t ppm,
                                      struct vpr_err *err)
{
    if (ppm < 1 || ppm > VPR_PPM) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "%s %04" PRIx32 ": multiplier_ppm is %" PRIu64
                        "; it lies between 1 and 1000000",
                        what, id, ppm);
    }
    return VPR_OK;
}

/* Printable, so that it can stand in a log or a page. */
static bool method_ok(const char *method)
{
    size_t len = strlen(method);
    for (size_t i = 0; i < len; i++) {
        if (method[i] <= ' ' || method[i] > '~') {
            return false;
        }
    }
    return len >= 1 && len <= METHOD_BYTES_MAX;
}

static enum vpr_code check_methods(const Viper__V1__GenesisChain *chain, struct vpr_err *err)
{
    if (chain->n_methods > METHODS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "chain %04" PRIx32 " has %zu methods, more than %d",
                        chain->id, chain->n_methods, METHODS_MAX);
    }
    for (size_t i = 0; i < chain->n_methods; i++) {
        const Viper__V1__MethodCost *cost = chain->methods[i];
        if (!method_ok(cost->method) || cost->cu < 1 || cost->cu > METHOD_CU_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "chain %04" PRIx32 ": method \"%.40s\" costs %" PRIu64
                            " CU; 1 to %d printable bytes cost 1 to %d",
                            chain->id, cost->method, cost->cu, METHOD_BYTES_MAX, METHOD_CU_MAX);
        }
        if (i > 0 && strcmp(chain->methods[i - 1]->method, cost->method) >= 0) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "chain %04" PRIx32 ": methods must ascend at \"%.40s\"", chain->id,
                            cost->method);
        }
    }
    return VPR_OK;
}

static enum vpr_code check_chain(const Viper__V1__GenesisChain *chain, struct vpr_err *err)
{
    if (chain->id < 1 || chain->id > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "chain id %" PRIu32 " is not 1 to 65535",
                        chain->id);
    }
    VPR_TRY(check_name("chain", chain->name, err));
    VPR_TRY(check_multiplier("chain", chain->id, chain->multiplier_ppm, err));
    if (chain->latency_target_ms < 1 || chain->latency_target_ms >= chain->latency_max_ms ||
        chain->latency_max_ms > LATENCY_MS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "chain %04" PRIx32 ": latency target %" PRIu64 " and maximum %" PRIu64
                        " ms; 1 <= target < maximum <= %d",
                        chain->id, chain->latency_target_ms, chain->latency_max_ms,
                        LATENCY_MS_MAX);
    }
    if (chain->corpus_hash.len != 0 && chain->corpus_hash.len != sizeof(struct vpr_hash)) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "chain %04" PRIx32 ": corpus_hash has %zu bytes, not 32 or none",
                        chain->id, chain->corpus_hash.len);
    }
    return check_methods(chain, err);
}

/* An address or nothing. */
static enum vpr_code read_optional(struct vpr_ctx *ctx, const char *text, const char *field,
                                   ProtobufCBinaryData *ret)
{
    if (text[0] == '\0') {
        return VPR_OK;
    }
    struct vpr_address who;
    VPR_TRY(vpr_field_address(&who, text, field, ctx->err));
    *ret = vpr_field_of_address(ctx->arena, &who);
    return VPR_OK;
}

static enum vpr_code import_chain(struct vpr_ctx *ctx, const Viper__V1__GenesisChain *chain)
{
    VPR_TRY(check_chain(chain, ctx->err));
    Viper__V1__Chain record = VIPER__V1__CHAIN__INIT;
    record.id = chain->id;
    record.name = chain->name;
    VPR_TRY(read_optional(ctx, chain->owner, "owner", &record.owner));
    VPR_TRY(read_optional(ctx, chain->payout, "payout", &record.payout));
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN, (uint16_t)chain->id);
    vpr_record_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &record.base);

    Viper__V1__ChainTerms terms = VIPER__V1__CHAIN_TERMS__INIT;
    terms.active = chain->active;
    terms.multiplier_ppm = chain->multiplier_ppm;
    terms.latency_target_ms = chain->latency_target_ms;
    terms.latency_max_ms = chain->latency_max_ms;
    terms.corpus_hash = chain->corpus_hash;
    terms.n_methods = chain->n_methods;
    terms.methods = chain->methods;
    key = id_key(VPR_KEY_CHAIN_TERMS, (uint16_t)chain->id);
    vpr_version_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 0, &terms.base);
    return VPR_OK;
}

static enum vpr_code import_zone(struct vpr_ctx *ctx, const Viper__V1__GenesisZone *zone)
{
    if (zone->id < 1 || zone->id > UINT16_MAX) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "zone id %" PRIu32 " is not 1 to 65535",
                        zone->id);
    }
    VPR_TRY(check_name("zone", zone->name, ctx->err));
    VPR_TRY(check_multiplier("zone", zone->id, zone->multiplier_ppm, ctx->err));
    Viper__V1__Zone record = VIPER__V1__ZONE__INIT;
    record.id = zone->id;
    record.name = zone->name;
    struct vpr_key_buf key = id_key(VPR_KEY_ZONE, (uint16_t)zone->id);
    vpr_record_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &record.base);

    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    terms.active = zone->active;
    terms.multiplier_ppm = zone->multiplier_ppm;
    key = id_key(VPR_KEY_ZONE_TERMS, (uint16_t)zone->id);
    vpr_version_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 0, &terms.base);
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    const Viper__V1__GenesisState *state = (const Viper__V1__GenesisState *)genesis;
    for (size_t i = 0; i < state->n_chains; i++) {
        if (i > 0 && state->chains[i]->id <= state->chains[i - 1]->id) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "chains[%zu]: ids must ascend", i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(state->chains[i]->name, state->chains[j]->name) == 0) {
                return vpr_fail(ctx->err, VPR_DUPLICATE, "two chains are named \"%.40s\"",
                                state->chains[i]->name);
            }
        }
        if (import_chain(ctx, state->chains[i]) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "chains", i);
        }
    }
    for (size_t i = 0; i < state->n_zones; i++) {
        if (i > 0 && state->zones[i]->id <= state->zones[i - 1]->id) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "zones[%zu]: ids must ascend", i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(state->zones[i]->name, state->zones[j]->name) == 0) {
                return vpr_fail(ctx->err, VPR_DUPLICATE, "two zones are named \"%.40s\"",
                                state->zones[i]->name);
            }
        }
        if (import_zone(ctx, state->zones[i]) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "zones", i);
        }
    }
    return VPR_OK;
}

/* ---- queries ---- */

static Viper__V1__ChainInfo *chain_info(struct vpr_ctx *ctx, const Viper__V1__Chain *chain,
                                        uint64_t session)
{
    const Viper__V1__ChainTerms *terms =
        vpr_chain_terms(ctx, (uint16_t)chain->id, session);
    Viper__V1__ChainInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__ChainInfo);
    viper__v1__chain_info__init(info);
    info->id = chain->id;
    info->name = chain->name;
    if (chain->payout.len != 0) {
        struct vpr_address payout = vpr_address_of_field(chain->payout);
        info->payout = vpr_text_of_address(ctx->arena, &payout);
    }
    if (terms != NULL) {
        info->active = terms->active;
        info->multiplier_ppm = terms->multiplier_ppm;
        info->latency_target_ms = terms->latency_target_ms;
        info->latency_max_ms = terms->latency_max_ms;
        info->corpus_hash = terms->corpus_hash;
        info->n_methods = terms->n_methods;
        info->methods = terms->methods;
    }
    return info;
}

static Viper__V1__ZoneInfo *zone_info(struct vpr_ctx *ctx, const Viper__V1__Zone *zone,
                                      uint64_t session)
{
    const Viper__V1__ZoneTerms *terms = vpr_zone_terms(ctx, (uint16_t)zone->id, session);
    Viper__V1__ZoneInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__ZoneInfo);
    viper__v1__zone_info__init(info);
    info->id = zone->id;
    info->name = zone->name;
    if (terms != NULL) {
        info->active = terms->active;
        info->multiplier_ppm = terms->multiplier_ppm;
    }
    return info;
}

/* The next record of a registry after *key, or the first; false: no more. */
static bool next_record(struct vpr_ctx *ctx, enum vpr_key_first name, struct vpr_bytes *key,
                        struct vpr_bytes *ret_value)
{
    struct vpr_key_buf prefix = vpr_key(name);
    struct vpr_bytes from = key->len == 0
                                ? vpr_arena_bytes(ctx->arena, vpr_key_bytes(&prefix))
                                : vpr_state_after(ctx->arena, *key);
    return vpr_state_next(ctx->state, ctx->arena, VPR_STORE_CHAINS, vpr_key_bytes(&prefix),
                          from, key, ret_value);
}

static size_t count_records(struct vpr_ctx *ctx, enum vpr_key_first name)
{
    struct vpr_bytes key = {NULL, 0}, value;
    size_t count = 0;
    while (next_record(ctx, name, &key, &value)) {
        count++;
    }
    return count; /* ids have 16 bits */
}

static enum vpr_code answer_chains(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    uint64_t session;
    VPR_TRY(vpr_session_asked(ctx, ((const Viper__V1__QueryChainsRequest *)request)->session,
                              &session));
    Viper__V1__QueryChainsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryChainsResponse);
    viper__v1__query_chains_response__init(response);
    struct vpr_bytes key = {NULL, 0}, value;
    size_t room = count_records(ctx, VPR_KEY_CHAIN);
    response->chains = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ChainInfo *, room);
    while (next_record(ctx, VPR_KEY_CHAIN, &key, &value)) {
        const Viper__V1__Chain *chain = (const Viper__V1__Chain *)vpr_record_unpack(
            ctx, value, &viper__v1__chain__descriptor);
        response->chains[response->n_chains++] = chain_info(ctx, chain, session);
    }
    key = (struct vpr_bytes){NULL, 0};
    room = count_records(ctx, VPR_KEY_ZONE);
    response->zones = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ZoneInfo *, room);
    while (next_record(ctx, VPR_KEY_ZONE, &key, &value)) {
        const Viper__V1__Zone *zone = (const Viper__V1__Zone *)vpr_record_unpack(
            ctx, value, &viper__v1__zone__descriptor);
        response->zones[response->n_zones++] = zone_info(ctx, zone, session);
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Chains", &viper__v1__query_chains_request__descriptor,
     &viper__v1__query_chains_response__descriptor, answer_chains},
};

const struct vpr_domain vpr_chains = {
    .name = "chains",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariant = NULL,
};
