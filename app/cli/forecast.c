#include "app/cli/forecast.h"

#include "app/cli/ask.h"
#include "app/host/pbjson.h"
#include "app/rules/draw.h"
#include "app/rules/split.h"
#include "viper/v1/query.pb-c.h"

#define PPM 1000000
#define PAGE_ROWS 100
#define PAGES_MAX 100 /* of a pool, and of the requestors: more are left out of the average */

struct forecast {
    struct vpr_cli *cli;
    struct vpr_buf *body;
    const char *node;
    const Viper__V1__QueryChainResponse *chain;
    const Viper__V1__QueryChainsResponse *chains;
    int left; /* how the first question that failed ends the command */
};

struct pool {
    uint64_t weight;
    uint64_t owners;
};

/* One of the stakers, servicer or fisherman, in one pool. */
struct place {
    uint32_t chain, zone;
    uint64_t mine, all; /* weights, mine among all */
    uint64_t owners;    /* mine among them */
    uint64_t seats;     /* of fishermen a session; 0: as the requestor says */
};

/* The answer as a message, or NULL when f->left says why. */
static const ProtobufCMessage *ask(struct forecast *f, const char *path,
                                   const ProtobufCMessageDescriptor *descriptor)
{
    const struct vpr_pbjson_options options = {.strict = false};
    ProtobufCMessage *message = NULL;
    struct vpr_err err;

    vpr_buf_reset(f->body);
    f->left = vpr_cli_ask(f->cli, f->body, f->node, path, vpr_bytes_of(NULL, 0), 0);
    if (f->left != VPR_CLI_OK) {
        return NULL;
    }
    if (vpr_pbjson_parse(&message, &f->cli->arena, descriptor, vpr_buf_bytes(f->body), &options,
                         &err) != VPR_OK) {
        f->left = vpr_cli_fail(f->cli, VPR_CLI_NO_NODE, "%s: %s", path, err.text);
        return NULL;
    }
    return message;
}

static const char *page_key(struct forecast *f,
                            const Cosmos__Base__Query__V1beta1__PageResponse *p)
{
    if (p == NULL || p->next_key.len == 0) {
        return NULL;
    }
    char *text = (char *)vpr_arena_alloc(&f->cli->arena, VPR_BASE64_MAX(p->next_key.len));
    vpr_base64(text, vpr_bytes_of(p->next_key.data, p->next_key.len));
    return vpr_cli_escape(f->cli, text);
}

static bool read_pool(struct forecast *f, struct pool *ret, uint32_t chain, uint32_t zone,
                      const char *kind)
{
    struct pool pool = {0, 0};
    const char *key = "", *owner = "";

    for (int page = 0; key != NULL && page < PAGES_MAX; page++) {
        const Viper__V1__QueryPoolResponse *m = (const Viper__V1__QueryPoolResponse *)ask(
            f, vpr_arena_text(&f->cli->arena,
                              "/viper/v1/pool/%" PRIu32 "/%" PRIu32
                              "?kind=%s&pagination.limit=%d%s%s", chain, zone, kind, PAGE_ROWS,
                              *key ? "&pagination.key=" : "", key),
            &viper__v1__query_pool_response__descriptor);
        if (m == NULL) {
            return false;
        }
        for (size_t i = 0; i < m->n_members; i++) { /* by owner */
            pool.weight += m->members[i]->weight;
            pool.owners += strcmp(owner, m->members[i]->owner) != 0 ? 1 : 0;
            owner = m->members[i]->owner;
        }
        key = page_key(f, m->pagination);
    }
    *ret = pool;
    return true;
}

/* floor(a * b / c); what a node says must not halt its user: the most, if it is too large. */
static uint64_t part(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t result;
    return c != 0 && vpr_try_mul_div_floor(&result, a, b, c) ? result : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int too_large(struct forecast *f)
{
    return vpr_cli_fail(f->cli, VPR_CLI_REFUSED, "the amount is larger than can be reckoned");
}

static int of_requestor(struct forecast *f, const Viper__V1__MsgStakeRequestor *m)
{
    const Viper__V1__Params *p = f->chain->params;
    struct vpr_buf *out = &f->cli->out;
    uint64_t usd, budget, allowance;

    if (!vpr_usd_value(&usd, m->amount, f->chain->stake_price_micro_usd) ||
        !vpr_yield(&budget, m->amount, p->requestor_yield, p->session_blocks) ||
        !vpr_allowance(&allowance, usd, p->cu_per_usd, p->session_blocks, budget,
                       p->cu_price_min)) {
        return too_large(f);
    }
    vpr_buf_printf(out, "{\"amount_uvipr\":\"%" PRIu64 "\",\"usd\":\"%" PRIu64
                   "\",\"budget_uvipr\":\"%" PRIu64 "\",\"allowance_cu\":\"%" PRIu64
                   "\",\"pairs\":[", m->amount, usd, budget, allowance);
    for (size_t i = 0; i < m->n_pairs; i++) {
        const Viper__V1__Pair *pair = m->pairs[i];
        struct pool pool;
        if (!read_pool(f, &pool, pair->chain, pair->zone, "KIND_SERVICER")) {
            return f->left;
        }
        uint32_t n = (uint32_t)least(m->num_servicers, pool.owners);
        vpr_buf_printf(out, "%s{\"chain\":%" PRIu32 ",\"zone\":%" PRIu32
                       ",\"servicers\":%" PRIu32 ",\"quota_cu\":\"%" PRIu64 "\"}",
                       i ? "," : "", pair->chain, pair->zone, n,
                       n ? vpr_quota(allowance, pair->share_ppm, n) : 0);
    }
    vpr_buf_str(out, "]}");
    return VPR_CLI_OK;
}

static uint64_t multiplied(struct forecast *f, uint64_t uvipr, uint32_t chain, uint32_t zone)
{
    for (size_t i = 0; i < f->chains->n_chains; i++) {
        if (f->chains->chains[i]->id == chain) {
            uvipr = part(uvipr, f->chains->chains[i]->multiplier_ppm, PPM);
        }
    }
    for (size_t i = 0; i < f->chains->n_zones; i++) {
        if (f->chains->zones[i]->id == zone) {
            uvipr = part(uvipr, f->chains->zones[i]->multiplier_ppm, PPM);
        }
    }
    return uvipr;
}

/* What one requestor's fully used pair pays, on the average, for one of `n` seats: drawn with
 * about n x its share of the weight, surely at most, and paid an n-th of the pair's budget. */
static uint64_t seat_gross(struct forecast *f, const struct place *at,
                           const Viper__V1__QueryRequestorResponse *r, uint32_t share_ppm)
{
    uint64_t n = least(at->seats ? at->seats : r->num_servicers, at->owners);
    uint64_t pair = part(r->budget_uvipr, share_ppm, PPM);
    return n == 0 ? 0 : multiplied(f, least(part(pair, at->mine, at->all), pair / n), at->chain,
                                   at->zone);
}

static bool pairs_gross(struct forecast *f, uint64_t *ret, const struct place *at,
                        const char *id)
{
    const Viper__V1__QueryRequestorResponse *r =
        (const Viper__V1__QueryRequestorResponse *)ask(
            f, vpr_arena_text(&f->cli->arena, "/viper/v1/requestors/%s", id),
            &viper__v1__query_requestor_response__descriptor);
    if (r == NULL) {
        return false;
    }
    for (size_t i = 0; r->eligible && i < r->n_pairs; i++) {
        if (r->pairs[i]->chain == at->chain && r->pairs[i]->zone == at->zone) {
            *ret += seat_gross(f, at, r, r->pairs[i]->share_ppm);
        }
    }
    return true;
}

static bool all_gross(struct forecast *f, uint64_t *ret, const struct place *at)
{
    const char *key = "";

    *ret = 0;
    for (int page = 0; key != NULL && page < PAGES_MAX; page++) {
        const Viper__V1__QueryActorsResponse *m = (const Viper__V1__QueryActorsResponse *)ask(
            f, vpr_arena_text(&f->cli->arena,
                              "/viper/v1/actors?kind=KIND_REQUESTOR&pagination.limit=%d%s%s",
                              PAGE_ROWS, *key ? "&pagination.key=" : "", key),
            &viper__v1__query_actors_response__descriptor);
        if (m == NULL) {
            return false;
        }
        for (size_t i = 0; i < m->n_actors; i++) {
            if (!pairs_gross(f, ret, at, m->actors[i]->id)) {
                return false;
            }
        }
        key = page_key(f, m->pagination);
    }
    return true;
}

/* The object of one pool; `part_ppm` of the gross goes to this kind. */
static bool one_pool(struct forecast *f, uint32_t chain, uint32_t zone, const char *kind,
                     uint64_t weight, uint64_t seats, uint64_t part_ppm)
{
    struct pool pool;
    uint64_t gross;

    if (!read_pool(f, &pool, chain, zone, kind)) {
        return false;
    }
    const struct place at = {chain, zone, weight, pool.weight + weight, pool.owners + 1, seats};
    if (!all_gross(f, &gross, &at)) {
        return false;
    }
    vpr_buf_printf(&f->cli->out, "{\"chain\":%" PRIu32 ",\"zone\":%" PRIu32
                   ",\"weight\":\"%" PRIu64 "\",\"pool_weight\":\"%" PRIu64
                   "\",\"share_ppm\":\"%" PRIu64 "\",\"gross_uvipr\":\"%" PRIu64
                   "\",\"reward_uvipr\":\"%" PRIu64 "\"}", chain, zone, at.mine, at.all,
                   part(at.mine, PPM, at.all), gross,
                   part(gross, part_ppm, PPM));
    return true;
}

static int of_servicer(struct forecast *f, const Viper__V1__MsgStakeServicer *m)
{
    const Viper__V1__Params *p = f->chain->params;
    uint64_t weight;

    if (!vpr_servicer_weight(&weight, m->amount, 0, (uint32_t)p->score_floor,
                             (uint32_t)p->score_initial) || weight == 0) {
        return too_large(f);
    }
    vpr_buf_printf(&f->cli->out, "{\"amount_uvipr\":\"%" PRIu64 "\",\"score_ppm\":\"%" PRIu64
                   "\",\"pools\":[", m->amount, (uint64_t)p->score_initial);
    for (size_t i = 0; i < m->n_chains; i++) {
        vpr_buf_str(&f->cli->out, i ? "," : "");
        if (!one_pool(f, m->chains[i], m->zone, "KIND_SERVICER", weight, 0,
                      part(p->split_servicer, p->score_initial, PPM))) {
            return f->left;
        }
    }
    vpr_buf_str(&f->cli->out, "]}");
    return VPR_CLI_OK;
}

static int of_fisherman(struct forecast *f, const Viper__V1__MsgStakeFisherman *m)
{
    const Viper__V1__Params *p = f->chain->params;
    uint64_t weight = vpr_fisherman_weight(m->amount);

    if (weight == 0 || p->fishermen_per_session == 0) {
        return vpr_cli_fail(f->cli, VPR_CLI_REFUSED, "less than 1 VIPR is never drawn");
    }
    vpr_buf_printf(&f->cli->out, "{\"amount_uvipr\":\"%" PRIu64 "\",\"pools\":[", m->amount);
    for (size_t i = 0; i < m->n_chains; i++) {
        vpr_buf_str(&f->cli->out, i ? "," : "");
        if (!one_pool(f, m->chains[i], m->zone, "KIND_FISHERMAN", weight,
                      p->fishermen_per_session, p->split_fishermen)) {
            return f->left;
        }
    }
    vpr_buf_str(&f->cli->out, "]}");
    return VPR_CLI_OK;
}

static int of_validator(struct forecast *f, const Viper__V1__MsgStakeValidator *m)
{
    const Viper__V1__Params *p = f->chain->params;
    uint64_t reward;

    if (!vpr_yield(&reward, m->amount, p->validator_yield, p->session_blocks)) {
        return too_large(f);
    }
    vpr_buf_printf(&f->cli->out, "{\"amount_uvipr\":\"%" PRIu64 "\",\"reward_uvipr\":\"%" PRIu64
                   "\"}", m->amount, reward);
    return VPR_CLI_OK;
}

bool vpr_cli_can_forecast(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    return d == &viper__v1__msg_stake_requestor__descriptor ||
           d == &viper__v1__msg_stake_servicer__descriptor ||
           d == &viper__v1__msg_stake_fisherman__descriptor ||
           d == &viper__v1__msg_stake_validator__descriptor;
}

int vpr_cli_forecast(struct vpr_cli *cli, struct vpr_buf *body, const char *node,
                     const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    struct forecast f = {.cli = cli, .body = body, .node = node};

    f.chain = (const Viper__V1__QueryChainResponse *)ask(
        &f, "/viper/v1/chain", &viper__v1__query_chain_response__descriptor);
    if (f.chain == NULL) {
        return f.left;
    }
    f.chains = (const Viper__V1__QueryChainsResponse *)ask(
        &f, "/viper/v1/chains", &viper__v1__query_chains_response__descriptor);
    if (f.chains == NULL) {
        return f.left;
    }
    if (f.chain->params == NULL) {
        return vpr_cli_fail(cli, VPR_CLI_NO_NODE, "%s says no parameters", node);
    }
    if (d == &viper__v1__msg_stake_requestor__descriptor) {
        return of_requestor(&f, (const Viper__V1__MsgStakeRequestor *)message);
    }
    if (d == &viper__v1__msg_stake_servicer__descriptor) {
        return of_servicer(&f, (const Viper__V1__MsgStakeServicer *)message);
    }
    if (d == &viper__v1__msg_stake_fisherman__descriptor) {
        return of_fisherman(&f, (const Viper__V1__MsgStakeFisherman *)message);
    }
    return of_validator(&f, (const Viper__V1__MsgStakeValidator *)message);
}
