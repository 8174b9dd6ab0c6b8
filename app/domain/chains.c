#include "app/domain/chains.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/actors.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

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

/* ---- what a record may say ---- */

/* Names stand where an id may stand: a-z, 0-9 and inner hyphens, and neither four hex digits nor
 * a number. */
static enum vpr_code check_name(const char *what, const char *name, struct vpr_err *err)
{
    size_t len = strlen(name);
    uint16_t id;
    bool number = true;
    bool ok = len >= 1 && len <= NAME_BYTES_MAX && name[0] != '-' && name[len - 1] != '-' &&
              !vpr_id16_parse(&id, vpr_bytes_of(name, len));
    for (size_t i = 0; ok && i < len; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';
        ok = (name[i] >= 'a' && name[i] <= 'z') || digit || name[i] == '-';
        number = number && digit;
    }
    if (!ok || number) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "%s name \"%.40s\" is not 1 to %d of a-z, 0-9 and inner hyphens, other "
                        "than four hex digits or a number",
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

static enum vpr_code check_latencies(uint32_t id, uint64_t target_ms, uint64_t max_ms,
                                     struct vpr_err *err)
{
    if (target_ms < 1 || target_ms >= max_ms || max_ms > LATENCY_MS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "chain %04" PRIx32 ": latency target %" PRIu64 " and maximum %" PRIu64
                        " ms; 1 <= target < maximum <= %d",
                        id, target_ms, max_ms, LATENCY_MS_MAX);
    }
    return VPR_OK;
}

/* An address or nothing; no pool, which holds for others. */
static enum vpr_code check_optional(const char *text, const char *field, struct vpr_err *err)
{
    struct vpr_address who;
    if (text[0] == '\0') {
        return VPR_OK;
    }
    VPR_TRY(vpr_field_address(&who, text, field, err));
    if (vpr_pool_name(&who) != NULL) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "%s is the pool %s", field, vpr_pool_name(&who));
    }
    return VPR_OK;
}

enum vpr_code vpr_chain_check(const Viper__V1__GenesisChain *chain, struct vpr_err *err)
{
    if (chain->id < 1 || chain->id > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "chain id %" PRIu32 " is not 1 to 65535",
                        chain->id);
    }
    VPR_TRY(check_name("chain", chain->name, err));
    VPR_TRY(check_optional(chain->owner, "owner", err));
    VPR_TRY(check_optional(chain->payout, "payout", err));
    VPR_TRY(check_multiplier("chain", chain->id, chain->multiplier_ppm, err));
    VPR_TRY(check_latencies(chain->id, chain->latency_target_ms, chain->latency_max_ms, err));
    if (chain->corpus_hash.len != 0 && chain->corpus_hash.len != sizeof(struct vpr_hash)) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "chain %04" PRIx32 ": corpus_hash has %zu bytes, not 32 or none",
                        chain->id, chain->corpus_hash.len);
    }
    return check_methods(chain, err);
}

enum vpr_code vpr_zone_check(const Viper__V1__GenesisZone *zone, struct vpr_err *err)
{
    if (zone->id < 1 || zone->id > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "zone id %" PRIu32 " is not 1 to 65535",
                        zone->id);
    }
    VPR_TRY(check_name("zone", zone->name, err));
    return check_multiplier("zone", zone->id, zone->multiplier_ppm, err);
}

/* ---- walks over the registries ---- */

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

static enum vpr_code check_chain_unique(struct vpr_ctx *ctx, uint32_t id, const char *name)
{
    struct vpr_bytes key = {NULL, 0}, value;
    while (next_record(ctx, VPR_KEY_CHAIN, &key, &value)) {
        const Viper__V1__Chain *chain = (const Viper__V1__Chain *)vpr_record_unpack(
            ctx, value, &viper__v1__chain__descriptor);
        if (chain->id != id && strcmp(chain->name, name) == 0) {
            return vpr_fail(ctx->err, VPR_DUPLICATE,
                            "chain %04" PRIx32 " is named \"%.40s\" already", chain->id, name);
        }
    }
    return VPR_OK;
}

static enum vpr_code check_zone_unique(struct vpr_ctx *ctx, uint32_t id, const char *name)
{
    struct vpr_bytes key = {NULL, 0}, value;
    while (next_record(ctx, VPR_KEY_ZONE, &key, &value)) {
        const Viper__V1__Zone *zone = (const Viper__V1__Zone *)vpr_record_unpack(
            ctx, value, &viper__v1__zone__descriptor);
        if (zone->id != id && strcmp(zone->name, name) == 0) {
            return vpr_fail(ctx->err, VPR_DUPLICATE,
                            "zone %04" PRIx32 " is named \"%.40s\" already", zone->id, name);
        }
    }
    return VPR_OK;
}

/* ---- a method table may double or halve ---- */

/* What a call of `method` costs by this table: its row, for a path the longest row it begins
 * with, else 1. */
static uint64_t cost_of(Viper__V1__MethodCost *const *rows, size_t count, const char *method)
{
    uint64_t cu = 1;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i]->method);
        bool same = strcmp(rows[i]->method, method) == 0;
        bool leads = method[0] == '/' && len > best && strncmp(rows[i]->method, method, len) == 0;
        if (same || leads) {
            best = len;
            cu = rows[i]->cu;
        }
    }
    return cu;
}

static enum vpr_code check_costs(uint32_t id, Viper__V1__MethodCost *const *from,
                                 size_t from_count, Viper__V1__MethodCost *const *to,
                                 size_t to_count, Viper__V1__MethodCost *const *rows,
                                 size_t count, struct vpr_err *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t old = cost_of(from, from_count, rows[i]->method);
        uint64_t cu = cost_of(to, to_count, rows[i]->method);
        if (cu > 2 * old || 2 * cu < old) {
            return vpr_fail(err, VPR_STEP_TOO_LARGE,
                            "chain %04" PRIx32 ": method \"%.40s\" goes from %" PRIu64
                            " to %" PRIu64 " CU; a change doubles or halves at most",
                            id, rows[i]->method, old, cu);
        }
    }
    return VPR_OK;
}

static const Viper__V1__ChainTerms *newest_terms(struct vpr_ctx *ctx, uint32_t id)
{
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN_TERMS, (uint16_t)id);
    return (const Viper__V1__ChainTerms *)vpr_version_newest(
        ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &viper__v1__chain_terms__descriptor);
}

enum vpr_code vpr_chain_admit(struct vpr_ctx *ctx, const Viper__V1__GenesisChain *chain)
{
    const Viper__V1__ChainTerms *old = newest_terms(ctx, chain->id);
    VPR_TRY(check_chain_unique(ctx, chain->id, chain->name));
    if (old == NULL) {
        return VPR_OK; /* a new chain */
    }
    VPR_TRY(check_costs(chain->id, old->methods, old->n_methods, chain->methods,
                        chain->n_methods, chain->methods, chain->n_methods, ctx->err));
    return check_costs(chain->id, old->methods, old->n_methods, chain->methods,
                       chain->n_methods, old->methods, old->n_methods, ctx->err);
}

enum vpr_code vpr_zone_admit(struct vpr_ctx *ctx, const Viper__V1__GenesisZone *zone)
{
    return check_zone_unique(ctx, zone->id, zone->name);
}

/* ---- writing ---- */

static ProtobufCBinaryData optional(struct vpr_ctx *ctx, const char *text)
{
    struct vpr_address who;
    if (text[0] == '\0') {
        return (ProtobufCBinaryData){0, NULL};
    }
    if (vpr_field_address(&who, text, "address", ctx->err) != VPR_OK) {
        VPR_HALT("an address that was checked is none");
    }
    return vpr_field_of_address(ctx->arena, &who);
}

static void chain_put(struct vpr_ctx *ctx, const Viper__V1__Chain *chain)
{
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN, (uint16_t)chain->id);
    vpr_record_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &chain->base);
}

static void chain_event(struct vpr_ctx *ctx, uint32_t id, const char *name)
{
    vpr_event(ctx, "chain");
    vpr_event_u64(ctx, "chain", id);
    vpr_event_text(ctx, "name", name);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
}

void vpr_chain_put(struct vpr_ctx *ctx, const Viper__V1__GenesisChain *chain)
{
    Viper__V1__Chain record = VIPER__V1__CHAIN__INIT;
    record.id = chain->id;
    record.name = chain->name;
    record.owner = optional(ctx, chain->owner);
    record.payout = optional(ctx, chain->payout);
    chain_put(ctx, &record);

    Viper__V1__ChainTerms terms = VIPER__V1__CHAIN_TERMS__INIT;
    terms.active = chain->active;
    terms.multiplier_ppm = chain->multiplier_ppm;
    terms.latency_target_ms = chain->latency_target_ms;
    terms.latency_max_ms = chain->latency_max_ms;
    terms.corpus_hash = chain->corpus_hash;
    terms.n_methods = chain->n_methods;
    terms.methods = chain->methods;
    struct vpr_key_buf key = id_key(VPR_KEY_CHAIN_TERMS, (uint16_t)chain->id);
    vpr_version_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), vpr_session_counts_from(ctx),
                    &terms.base);
    chain_event(ctx, chain->id, chain->name);
}

void vpr_zone_put(struct vpr_ctx *ctx, const Viper__V1__GenesisZone *zone)
{
    Viper__V1__Zone record = VIPER__V1__ZONE__INIT;
    record.id = zone->id;
    record.name = zone->name;
    struct vpr_key_buf key = id_key(VPR_KEY_ZONE, (uint16_t)zone->id);
    vpr_record_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &record.base);

    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    terms.active = zone->active;
    terms.multiplier_ppm = zone->multiplier_ppm;
    key = id_key(VPR_KEY_ZONE_TERMS, (uint16_t)zone->id);
    vpr_version_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), vpr_session_counts_from(ctx),
                    &terms.base);

    vpr_event(ctx, "zone");
    vpr_event_u64(ctx, "zone", zone->id);
    vpr_event_text(ctx, "name", zone->name);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
}

/* ---- the owner's edit ---- */

static enum vpr_code check_edit(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgEditChain *m = (const Viper__V1__MsgEditChain *)message;
    struct vpr_address owner;
    VPR_TRY(vpr_field_address(&owner, m->owner, "owner", err));
    if (m->chain > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "chain %" PRIu32 " has more than 16 bits",
                        m->chain);
    }
    VPR_TRY(check_name("chain", m->name, err));
    VPR_TRY(check_optional(m->payout, "payout", err));
    return check_latencies(m->chain, m->latency_target_ms, m->latency_max_ms, err);
}

/* Name and payout count at once; latencies, which sessions read, through versions. */
static enum vpr_code apply_edit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgEditChain *m = (const Viper__V1__MsgEditChain *)message;
    const Viper__V1__Chain *before = vpr_chain_get(ctx, (uint16_t)m->chain);
    if (before == NULL) {
        return vpr_fail(ctx->err, VPR_NO_CHAIN, "chain %04" PRIx32 " is unknown", m->chain);
    }
    bool own = before->owner.len == sizeof ctx->signer.b &&
               memcmp(before->owner.data, ctx->signer.b, sizeof ctx->signer.b) == 0;
    if (!own) {
        return vpr_fail(ctx->err, VPR_DENIED, "only the owner of chain %04" PRIx32
                        " may do this; governance may do more", m->chain);
    }
    VPR_TRY(check_chain_unique(ctx, m->chain, m->name));
    Viper__V1__Chain chain = *before;
    chain.name = m->name;
    chain.payout = optional(ctx, m->payout);
    chain_put(ctx, &chain);
    Viper__V1__ChainTerms terms = *newest_terms(ctx, m->chain);
    if (terms.latency_target_ms != m->latency_target_ms ||
        terms.latency_max_ms != m->latency_max_ms) {
        struct vpr_key_buf key = id_key(VPR_KEY_CHAIN_TERMS, (uint16_t)m->chain);
        terms.latency_target_ms = m->latency_target_ms;
        terms.latency_max_ms = m->latency_max_ms;
        vpr_version_put(ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key),
                        vpr_session_counts_from(ctx), &terms.base);
    }
    chain_event(ctx, m->chain, m->name);
    return VPR_OK;
}

/* ---- genesis ---- */

static enum vpr_code import_chain(struct vpr_ctx *ctx, const Viper__V1__GenesisChain *chain)
{
    VPR_TRY(vpr_chain_check(chain, ctx->err));
    VPR_TRY(vpr_chain_admit(ctx, chain));
    vpr_chain_put(ctx, chain);
    return VPR_OK;
}

static enum vpr_code import_zone(struct vpr_ctx *ctx, const Viper__V1__GenesisZone *zone)
{
    VPR_TRY(vpr_zone_check(zone, ctx->err));
    VPR_TRY(vpr_zone_admit(ctx, zone));
    vpr_zone_put(ctx, zone);
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    const Viper__V1__GenesisState *state = (const Viper__V1__GenesisState *)genesis;
    for (size_t i = 0; i < state->n_chains; i++) {
        if (i > 0 && state->chains[i]->id <= state->chains[i - 1]->id) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "chains[%zu]: ids must ascend", i);
        }
        if (import_chain(ctx, state->chains[i]) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "chains", i);
        }
    }
    for (size_t i = 0; i < state->n_zones; i++) {
        if (i > 0 && state->zones[i]->id <= state->zones[i - 1]->id) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "zones[%zu]: ids must ascend", i);
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
    if (chain->owner.len != 0) {
        struct vpr_address owner = vpr_address_of_field(chain->owner);
        info->owner = vpr_text_of_address(ctx->arena, &owner);
    }
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

static const struct vpr_handler handlers[] = {
    {"chains.edit", "/viper.v1.MsgEditChain", &viper__v1__msg_edit_chain__descriptor, "owner",
     VPR_LANE_ORDINARY, 0, NULL, check_edit, apply_edit, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Chains", &viper__v1__query_chains_request__descriptor,
     &viper__v1__query_chains_response__descriptor, answer_chains},
};

const struct vpr_domain vpr_chains = {
    .name = "chains",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = NULL,
    .invariant_count = 0,
};
