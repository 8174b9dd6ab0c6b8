#include "app/domain/benches.h"

#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/domain/bench_invariant.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/page.h"
#include "app/rules/split.h"
#include "viper/v1/query.pb-c.h"

#define POSITION_BYTES 8 /* of a page's key in a pool */

/* ---- throughput ---- */

enum vpr_code vpr_throughput(struct vpr_ctx *ctx, const Viper__V1__Terms *terms,
                             uint64_t session, uint64_t *ret_budget, uint64_t *ret_allowance)
{
    struct vpr_params params;
    struct vpr_session opened;
    uint64_t budget, allowance;
    vpr_params_get(ctx, &params, session);
    uint64_t blocks = vpr_session_get(ctx, session, &opened) ? vpr_session_blocks(&opened)
                                                            : params.v[VPR_P_session_blocks];
    if (!vpr_yield(&budget, terms->stake, params.v[VPR_P_requestor_yield], blocks) ||
        !vpr_allowance(&allowance, terms->usd, params.v[VPR_P_cu_per_usd], blocks, budget,
                       params.v[VPR_P_cu_price_min])) {
        return vpr_fail(ctx->err, VPR_OVERFLOW,
                        "the allowance of %" PRIu64 " uvipr and %" PRIu64
                        " micro-USD overflows",
                        terms->stake, terms->usd);
    }
    *ret_budget = budget;
    *ret_allowance = allowance;
    return VPR_OK;
}

/* ---- the draw ---- */

static enum vpr_code no_session(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                const char *reason)
{
    return vpr_fail(ctx->err, VPR_NO_SESSION,
                    "no session %" PRIu64 " of %s for chain %04x, zone %04x: %s",
                    bench->session, vpr_text_of_address(ctx->arena, &bench->requestor),
                    (unsigned)bench->chain, (unsigned)bench->zone, reason);
}

/* The requestor's side: eligible, with this pair, in an active place, with an allowance. */
static enum vpr_code read_requestor(struct vpr_ctx *ctx, struct vpr_bench *bench,
                                    uint32_t *ret_num_servicers)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &bench->requestor, bench->session);
    if (terms == NULL || terms->kind != VIPER__V1__KIND__KIND_REQUESTOR || !terms->eligible) {
        return no_session(ctx, bench, "it is no active requestor then");
    }
    const Viper__V1__PairTerms *pair = NULL;
    for (size_t i = 0; i < terms->n_pairs && pair == NULL; i++) {
        if (terms->pairs[i]->chain == bench->chain && terms->pairs[i]->zone == bench->zone) {
            pair = terms->pairs[i];
        }
    }
    if (pair == NULL) {
        return no_session(ctx, bench, "it does not list the pair");
    }
    if (vpr_place_active(ctx, bench->chain, bench->zone, bench->session) != VPR_OK) {
        return no_session(ctx, bench, "chain or zone is not active");
    }
    VPR_TRY(vpr_throughput(ctx, terms, bench->session, &bench->budget, &bench->allowance_cu));
    if (bench->allowance_cu == 0) {
        return no_session(ctx, bench, "its allowance is 0");
    }
    bench->requestor_owner = vpr_address_of_field(terms->owner);
    bench->share_ppm = pair->share_ppm;
    *ret_num_servicers = terms->num_servicers;
    return VPR_OK;
}

static int cmp_seats(const void *a, const void *b)
{
    return vpr_address_cmp(&((const struct vpr_seat *)a)->id,
                           &((const struct vpr_seat *)b)->id);
}

static uint32_t draw_seats(struct vpr_ctx *ctx, struct vpr_seat seats[VPR_SEATS_MAX],
                           const struct vpr_bench *bench, enum vpr_draw_kind kind,
                           const struct vpr_hash *key, uint32_t n,
                           const struct vpr_address *excluded, size_t excluded_count)
{
    Viper__V1__Kind actors = kind == VPR_DRAW_SERVICERS ? VIPER__V1__KIND__KIND_SERVICER
                                                        : VIPER__V1__KIND__KIND_FISHERMAN;
    const struct vpr_pool *pool =
        vpr_pool_find(ctx, actors, bench->session, bench->chain, bench->zone);
    const struct vpr_pool_member *drawn[VPR_SEATS_MAX];
    VPR_ASSERT(n <= VPR_SEATS_MAX);
    if (pool == NULL) {
        return 0;
    }
    uint32_t count = vpr_draw(drawn, pool, kind, key, n, excluded, excluded_count);
    for (uint32_t i = 0; i < count; i++) {
        seats[i] = (struct vpr_seat){drawn[i]->id, drawn[i]->owner};
    }
    vpr_sort(ctx->arena, seats, count, sizeof seats[0], cmp_seats);
    return count;
}

static enum vpr_code draw(struct vpr_ctx *ctx, struct vpr_bench *ret,
                          const struct vpr_session *session,
                          const struct vpr_address *requestor, uint16_t chain, uint16_t zone)
{
    struct vpr_bench bench = {
        .sid = vpr_sid(vpr_bytes_str(ctx->chain_id), session->number, requestor, chain, zone),
        .session = session->number,
        .requestor = *requestor,
        .chain = chain,
        .zone = zone,
    };
    uint32_t wanted = 0;
    VPR_TRY(read_requestor(ctx, &bench, &wanted));
    struct vpr_hash key = vpr_draw_key(&bench.sid, &session->seed);
    struct vpr_address excluded[VPR_SEATS_MAX + 1];
    excluded[0] = bench.requestor_owner;
    bench.servicer_count = draw_seats(ctx, bench.servicers, &bench, VPR_DRAW_SERVICERS, &key,
                                      wanted, excluded, 1);
    if (bench.servicer_count == 0) {
        return no_session(ctx, &bench, "nobody is there to serve it");
    }
    bench.quota_cu =
        vpr_quota(bench.allowance_cu, (uint32_t)bench.share_ppm, bench.servicer_count);
    for (uint32_t i = 0; i < bench.servicer_count; i++) {
        excluded[1 + i] = bench.servicers[i].owner;
    }
    uint64_t fishermen = vpr_param(ctx, VPR_P_fishermen_per_session, session->number);
    bench.fisherman_count = draw_seats(ctx, bench.fishermen, &bench, VPR_DRAW_FISHERMEN, &key,
                                       (uint32_t)fishermen, excluded, 1 + bench.servicer_count);
    *ret = bench;
    return VPR_OK;
}

/* A message may ask for a thousand benches: what each one read is given back. */
enum vpr_code vpr_bench_draw(struct vpr_ctx *ctx, struct vpr_bench *ret,
                             const struct vpr_session *session,
                             const struct vpr_address *requestor, uint16_t chain, uint16_t zone)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    enum vpr_code code = draw(ctx, ret, session, requestor, chain, zone);
    vpr_arena_release(ctx->arena, mark);
    return code;
}

static bool has_seat(const struct vpr_seat *seats, uint32_t count, const struct vpr_address *id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (vpr_address_equal(&seats[i].id, id)) {
            return true;
        }
    }
    return false;
}

bool vpr_bench_has_servicer(const struct vpr_bench *bench, const struct vpr_address *id)
{
    return has_seat(bench->servicers, bench->servicer_count, id);
}

bool vpr_bench_has_fisherman(const struct vpr_bench *bench, const struct vpr_address *id)
{
    return has_seat(bench->fishermen, bench->fisherman_count, id);
}

/* ---- all pairs of all requestors ---- */

typedef bool pair_fn(struct vpr_ctx *ctx, void *arg, const struct vpr_address *requestor,
                     uint16_t chain, uint16_t zone);

/* Until `each` returns false, which may keep nothing in the arena: what each actor took is
 * given back.  Only for queries, which read one state that no block waits for. */
static void each_pair(struct vpr_ctx *ctx, uint64_t session, pair_fn *each, void *arg)
{
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    size_t mark = vpr_arena_mark(ctx->arena);
    bool more = true;
    while (more && vpr_actor_next(ctx, after, &id, &actor)) {
        after = &id;
        const Viper__V1__Terms *terms = actor->kind == VIPER__V1__KIND__KIND_REQUESTOR
                                            ? vpr_terms_get(ctx, &id, session)
                                            : NULL;
        for (size_t i = 0; more && terms != NULL && i < terms->n_pairs; i++) {
            more = each(ctx, arg, &id, (uint16_t)terms->pairs[i]->chain,
                        (uint16_t)terms->pairs[i]->zone);
        }
        vpr_arena_release(ctx->arena, mark);
    }
}

/* ---- queries ---- */

static enum vpr_code find_session(struct vpr_ctx *ctx, uint64_t number,
                                  struct vpr_session *ret_session)
{
    if (!vpr_session_get(ctx, number, ret_session)) {
        return vpr_fail(ctx->err, VPR_NO_SESSION,
                        "session %" PRIu64 " is not one of %" PRIu64 " to %" PRIu64, number,
                        vpr_session_oldest_unsettled(ctx), vpr_session_number(ctx));
    }
    return VPR_OK;
}

static void list_members(struct vpr_ctx *ctx, const struct vpr_pool *pool, uint64_t first,
                         uint64_t count, Viper__V1__QueryPoolResponse *response)
{
    response->members = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__PoolMember *, count);
    for (uint64_t i = 0; i < count; i++) {
        const struct vpr_pool_member *member = &pool->members[first + i];
        Viper__V1__PoolMember *row = VPR_ARENA_NEW(ctx->arena, Viper__V1__PoolMember);
        viper__v1__pool_member__init(row);
        row->id = vpr_text_of_address(ctx->arena, &member->id);
        row->owner = vpr_text_of_address(ctx->arena, &member->owner);
        row->weight = member->weight;
        response->members[response->n_members++] = row;
    }
}

static enum vpr_code answer_pool(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                 ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryPoolRequest *asked = (const Viper__V1__QueryPoolRequest *)request;
    struct vpr_page page;
    struct vpr_session session;
    Viper__V1__Kind kind = asked->kind;
    VPR_TRY(vpr_page_read(&page, asked->pagination, POSITION_BYTES, ctx->err));
    VPR_TRY(find_session(ctx, asked->session != 0 ? asked->session : vpr_session_number(ctx),
                         &session));
    if (kind == VIPER__V1__KIND__KIND_NONE) {
        kind = VIPER__V1__KIND__KIND_SERVICER;
    }
    if (kind != VIPER__V1__KIND__KIND_SERVICER && kind != VIPER__V1__KIND__KIND_FISHERMAN) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "servicers and fishermen have pools");
    }
    if (asked->chain > UINT16_MAX || asked->zone > UINT16_MAX) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "chain or zone has more than 16 bits");
    }
    Viper__V1__QueryPoolResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryPoolResponse);
    viper__v1__query_pool_response__init(response);
    const struct vpr_pool *pool = vpr_pool_find(ctx, kind, session.number,
                                                (uint16_t)asked->chain, (uint16_t)asked->zone);
    uint64_t total = pool != NULL ? pool->member_count : 0;
    uint64_t first = page.key.len != 0 ? vpr_get_be64(page.key.data) : page.offset;
    uint64_t left = first < total ? total - first : 0;
    uint64_t count = left < page.limit ? left : page.limit;
    if (count > 0) {
        list_members(ctx, pool, first, count, response);
    }
    uint8_t next[POSITION_BYTES];
    vpr_put_be64(next, first + count);
    response->pagination = vpr_page_answer(
        ctx->arena, vpr_bytes_of(next, count < left ? sizeof next : 0), total);
    *ret_response = &response->base;
    return VPR_OK;
}

struct bench_search {
    uint64_t session;
    struct vpr_hash sid;
    bool found;
    struct vpr_address requestor;
    uint16_t chain, zone;
};

static bool compare_sid(struct vpr_ctx *ctx, void *arg, const struct vpr_address *requestor,
                        uint16_t chain, uint16_t zone)
{
    struct bench_search *search = arg;
    struct vpr_hash sid =
        vpr_sid(vpr_bytes_str(ctx->chain_id), search->session, requestor, chain, zone);
    if (vpr_hash_equal(&sid, &search->sid)) {
        search->found = true;
        search->requestor = *requestor;
        search->chain = chain;
        search->zone = zone;
    }
    return !search->found;
}

static Viper__V1__Seat **list_seats(struct vpr_ctx *ctx, const struct vpr_seat *seats,
                                    uint32_t count, uint64_t session)
{
    Viper__V1__Seat **rows = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__Seat *, count);
    for (uint32_t i = 0; i < count; i++) {
        const Viper__V1__Actor *actor = vpr_actor_get(ctx, &seats[i].id);
        const Viper__V1__Terms *terms = vpr_terms_get(ctx, &seats[i].id, session);
        VPR_ASSERT(actor != NULL && terms != NULL);
        rows[i] = VPR_ARENA_NEW(ctx->arena, Viper__V1__Seat);
        viper__v1__seat__init(rows[i]);
        rows[i]->id = vpr_text_of_address(ctx->arena, &seats[i].id);
        rows[i]->owner = vpr_text_of_address(ctx->arena, &seats[i].owner);
        rows[i]->url = actor->url;
        rows[i]->relay_key = terms->relay_key;
    }
    return rows;
}

/* Who says whose it is spares the search. */
static enum vpr_code find_bench(struct vpr_ctx *ctx,
                                const Viper__V1__QueryBenchRequest *asked,
                                struct bench_search *search)
{
    struct vpr_address requestor;
    if (asked->requestor[0] == 0) {
        each_pair(ctx, search->session, compare_sid, search);
    } else if (asked->chain <= UINT16_MAX && asked->zone <= UINT16_MAX) {
        VPR_TRY(vpr_field_address(&requestor, asked->requestor, "requestor", ctx->err));
        (void)compare_sid(ctx, search, &requestor, (uint16_t)asked->chain,
                          (uint16_t)asked->zone);
    }
    if (!search->found) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND,
                        "no requestor's pair has the sid %s in session %" PRIu64, asked->sid,
                        search->session);
    }
    return VPR_OK;
}

static enum vpr_code answer_bench(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryBenchRequest *asked = (const Viper__V1__QueryBenchRequest *)request;
    struct vpr_session session;
    struct vpr_bench bench;
    struct bench_search search = {.session = asked->session};
    VPR_TRY(find_session(ctx, asked->session, &session));
    if (!vpr_unhex(search.sid.b, sizeof search.sid.b, vpr_bytes_str(asked->sid))) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "sid \"%.80s\" is not 64 hex digits",
                        asked->sid);
    }
    search.session = session.number;
    VPR_TRY(find_bench(ctx, asked, &search));
    VPR_TRY(
        vpr_bench_draw(ctx, &bench, &session, &search.requestor, search.chain, search.zone));
    Viper__V1__QueryBenchResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryBenchResponse);
    viper__v1__query_bench_response__init(response);
    response->sid = vpr_field_of_hash(ctx->arena, &bench.sid);
    response->requestor = vpr_text_of_address(ctx->arena, &bench.requestor);
    response->chain = bench.chain;
    response->zone = bench.zone;
    response->allowance_cu = bench.allowance_cu;
    response->budget_uvipr = bench.budget;
    response->quota_cu = bench.quota_cu;
    response->n_servicers = bench.servicer_count;
    response->servicers =
        list_seats(ctx, bench.servicers, bench.servicer_count, session.number);
    response->n_fishermen = bench.fisherman_count;
    response->fishermen =
        list_seats(ctx, bench.fishermen, bench.fisherman_count, session.number);
    *ret_response = &response->base;
    return VPR_OK;
}

struct found_sid {
    struct vpr_hash sid;
    struct vpr_address requestor;
    uint16_t chain, zone;
    uint64_t quota_cu;
};

struct sids_search {
    struct vpr_session session;
    struct vpr_address id;
    Viper__V1__Kind kind;
    const Viper__V1__Terms *terms;
    struct found_sid *found;
    size_t count;
};

/* Draws only where the actor could be drawn at all. */
static bool add_if_drawn(struct vpr_ctx *ctx, void *arg, const struct vpr_address *requestor,
                         uint16_t chain, uint16_t zone)
{
    struct sids_search *search = arg;
    struct vpr_bench bench;
    if (!vpr_terms_list(search->terms, chain, zone) ||
        vpr_bench_draw(ctx, &bench, &search->session, requestor, chain, zone) != VPR_OK) {
        return true;
    }
    bool drawn = search->kind == VIPER__V1__KIND__KIND_SERVICER
                     ? vpr_bench_has_servicer(&bench, &search->id)
                     : vpr_bench_has_fisherman(&bench, &search->id);
    if (drawn) {
        search->found[search->count++] =
            (struct found_sid){bench.sid, *requestor, chain, zone, bench.quota_cu};
    }
    return search->count < VPR_SIDS_MAX;
}

static Viper__V1__SidInfo *sid_info(struct vpr_ctx *ctx, const struct found_sid *found)
{
    Viper__V1__SidInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__SidInfo);
    viper__v1__sid_info__init(info);
    info->sid = vpr_field_of_hash(ctx->arena, &found->sid);
    info->requestor = vpr_text_of_address(ctx->arena, &found->requestor);
    info->chain = found->chain;
    info->zone = found->zone;
    info->quota_cu = found->quota_cu;
    return info;
}

enum vpr_code vpr_sids_answer(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                              const ProtobufCMessage *request, ProtobufCMessage **ret_response)
{
    const Viper__V1__QuerySidsRequest *asked = (const Viper__V1__QuerySidsRequest *)request;
    struct sids_search search = {.kind = kind};
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_actor_asked(ctx, asked->id, kind, &search.id, &actor));
    VPR_TRY(find_session(ctx, asked->session, &search.session));
    search.found = VPR_ARENA_ARRAY(ctx->arena, struct found_sid, VPR_SIDS_MAX);
    search.terms = vpr_terms_get(ctx, &search.id, search.session.number);
    if (search.terms != NULL && search.terms->eligible) {
        each_pair(ctx, search.session.number, add_if_drawn, &search);
    }
    Viper__V1__QuerySidsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QuerySidsResponse);
    viper__v1__query_sids_response__init(response);
    response->sids = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__SidInfo *, search.count);
    for (; response->n_sids < search.count; response->n_sids++) {
        response->sids[response->n_sids] = sid_info(ctx, &search.found[response->n_sids]);
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Bench", &viper__v1__query_bench_request__descriptor,
     &viper__v1__query_bench_response__descriptor, answer_bench},
    {"/viper.v1.Query/Pool", &viper__v1__query_pool_request__descriptor,
     &viper__v1__query_pool_response__descriptor, answer_pool},
};

static const struct vpr_invariant invariants[] = {
    {"members_could_be_drawn", vpr_bench_members_invariant},
    {"auditors_stand_apart", vpr_bench_owners_invariant},
    {"the_draw_repeats", vpr_bench_draw_invariant},
    {"quotas_fit_the_allowance", vpr_bench_quota_invariant},
    {"gross_fits_the_budget", vpr_bench_budget_invariant},
};

const struct vpr_domain vpr_benches = {
    .name = "benches",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
