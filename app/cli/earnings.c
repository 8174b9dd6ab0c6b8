/* earnings.c - `query history` and `query estimate`: what an account got and paid, what a
 * delegation may earn.  History is read from the node's index of transactions: what the chain does
 * by itself is told by the system transaction's events. */
#include <stdlib.h>

#include "app/cli/ask.h"
#include "app/cli/search.h"
#include "app/cli/verbs.h"
#include "app/host/json_scan.h"
#include "app/rules/split.h"

#define ANSWER_BYTES_MAX (4u * 1024 * 1024)
#define ROWS_MAX 20000
#define BALANCE_TRIES 10
#define ACTORS_MAX 256
#define YEAR_S UINT64_C(31557600)
#define BLOCK_MS_DEFAULT 5000
#define PPB UINT64_C(1000000000)
#define SESSION_BLOCKS_MAX 100000 /* far above what governance may set */

/* ---- history ---- */

struct row {
    uint64_t height;
    size_t at; /* of two of one block the one found first comes first */
    const char *text;
};

struct history {
    struct vpr_cli *cli;
    const char *node, *who;
    const struct source *source;
    struct row *rows;
    size_t count;
    const char *actors[ACTORS_MAX]; /* that it has ever delegated to */
    size_t actor_count;
    const char *slashed; /* the one of them that is asked for */
    uint64_t height;     /* nothing of a later block counts */
    size_t more;         /* rows that are not listed */
    uint64_t earned, in, out; /* income; all that came and went */
};

enum way { WAY_NONE, WAY_IN, WAY_INCOME, WAY_OUT }; /* of an account's balance */

/* An event that is about an account by one attribute, and the amount in another.  Together they
 * are all by which the balance of an account that is no pool changes. */
static const struct source {
    const char *type, *by, *amount, *of;
    const char *what;
    enum way way;
} sources[] = {
    {"tx", "fee_payer", "fee", NULL, "fee", WAY_OUT},
    {"transfer", "sender", "amount", "recipient", "sent to", WAY_OUT},
    {"transfer", "recipient", "amount", "sender", "received from", WAY_IN},
    {"stake", "owner", "amount_uvipr", "actor", "staked as", WAY_OUT},
    {"increase", "owner", "amount_uvipr", "actor", "staked more as", WAY_OUT},
    {"unbond", "owner", "amount_uvipr", "actor", "stake returned from", WAY_IN},
    {"slash", "owner", "burned_uvipr", "actor", "slashed, of own stake of", WAY_NONE},
    {"delegate", "delegator", "amount_uvipr", "actor", "delegated to", WAY_OUT},
    {"undelegate", "delegator", "amount_uvipr", "actor", "undelegated from", WAY_NONE},
    {"undelegated", "delegator", "amount_uvipr", "actor", "returned from", WAY_IN},
    {"withdraw", "delegator", "amount_uvipr", "actor", "rewards withdrawn from", WAY_INCOME},
    {"verify_split", "owner", "owner_reward", "servicer", "owner's part of servicer", WAY_INCOME},
    {"verify_split", "validator_owner", "validator_owner_reward", "validator_id",
     "owner's part of validator", WAY_INCOME},
    {"verify_split", "partner", "chain_part", "sid", "chain's part of sid", WAY_INCOME},
    {"fisherman_reward", "owner", "reward", "fisherman", "card of fisherman", WAY_INCOME},
    {"yield_part", "owner", "owner_reward", "actor", "yield and fees of validator", WAY_INCOME},
    {"proposal", "proposer", "deposit_uvipr", "proposal", "deposit of proposal", WAY_OUT},
    {"proposal", "proposer", "fee_uvipr", "proposal", "registration fee of proposal", WAY_OUT},
    {"proposal_end", "proposer", "returned_uvipr", "proposal", "returned from proposal", WAY_IN},
    {"spend", "recipient", "amount_uvipr", NULL, "from the treasury", WAY_IN},
};

static void add_row(struct history *h, uint64_t height, const char *text)
{
    if (h->count < ROWS_MAX) {
        h->rows[h->count] = (struct row){height, h->count, text};
        h->count++;
    } else {
        h->more++;
    }
}

static void add_actor(struct history *h, const char *id)
{
    for (size_t i = 0; i < h->actor_count; i++) {
        if (strcmp(h->actors[i], id) == 0) {
            return;
        }
    }
    if (h->actor_count < ACTORS_MAX) {
        h->actors[h->actor_count++] = id;
    } else {
        h->more++; /* its slashes */
    }
}

/* A number, or a coin such as 5uvipr. */
static uint64_t amount_of(struct history *h, const struct vpr_found *found, const char *key)
{
    const char *text = vpr_found_text(h->cli, found, key);
    return strtoull(text, NULL, 10);
}

static void count_amount(struct history *h, enum way way, uint64_t amount)
{
    h->earned += way == WAY_INCOME ? amount : 0;
    h->in += way == WAY_INCOME || way == WAY_IN ? amount : 0;
    h->out += way == WAY_OUT ? amount : 0;
}

static void on_event(void *arg, const struct vpr_found *found)
{
    static const char *const signs[] = {"", "+", "+", "-"};
    struct history *h = arg;
    const struct source *s = h->source;

    if (strcmp(found->type, s->type) != 0 || found->height > h->height ||
        !vpr_found_is(found, s->by, h->who)) {
        return;
    }
    uint64_t amount = amount_of(h, found, s->amount);
    const char *of = s->of == NULL ? "" : vpr_found_text(h->cli, found, s->of);
    if (strcmp(s->by, "delegator") == 0) {
        add_actor(h, of);
    }
    count_amount(h, s->way, amount);
    if (amount > 0) {
        add_row(h, found->height,
                vpr_arena_text(&h->cli->arena, "block %" PRIu64 ": %s%s%s: %s%" PRIu64
                               " uvipr\n", found->height, s->what, s->of == NULL ? "" : " ", of,
                               signs[s->way], amount));
    }
}

/* A slash takes the same part of everybody's shares. */
static void on_slash(void *arg, struct vpr_bytes one)
{
    struct history *h = arg;
    struct vpr_cli *cli = h->cli;
    uint64_t height = vpr_cli_number_at(one, "/slash/height");
    if (height > h->height) {
        return;
    }
    add_row(h, height,
            vpr_arena_text(&cli->arena,
                           "block %" PRIu64 ": %s slashed by %s ppm for a fault at block %s: of "
                           "its delegators' %s uvipr %s were burned\n", height, h->slashed,
                           vpr_cli_member(cli, one, "/slash/ppm"),
                           vpr_cli_member(cli, one, "/slash/fault_height"),
                           vpr_cli_member(cli, one, "/slash/delegated"),
                           vpr_cli_member(cli, one, "/slash/delegated_burned")));
}

static int cmp_rows(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    if (x->height != y->height) {
        return x->height < y->height ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The balance after a block, and which: a node answers of its last block alone. */
static int ask_balance(struct history *h, uint64_t *ret)
{
    struct vpr_cli *cli = h->cli;
    const char *path = vpr_arena_text(&cli->arena, "/cosmos/bank/v1beta1/balances/%s",
                                      vpr_cli_escape(cli, h->who));
    uint32_t status = 0;
    struct vpr_buf body;
    int left = VPR_CLI_OK;
    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    for (int i = 0; i < BALANCE_TRIES && left == VPR_CLI_OK && status != 200; i++) {
        vpr_buf_reset(&body);
        left = vpr_cli_ask(cli, &body, h->node, "/viper/v1/chain", vpr_bytes_of(NULL, 0), 0);
        h->height = vpr_cli_number_at(vpr_buf_bytes(&body), "/height");
        if (left == VPR_CLI_OK) {
            vpr_buf_reset(&body);
            left = vpr_cli_ask_raw(cli, &status, &body, h->node, path, vpr_bytes_of(NULL, 0),
                                   h->height);
        }
    }
    *ret = vpr_cli_number_at(vpr_buf_bytes(&body), "/balances/0/amount");
    vpr_buf_finish(&body);
    if (left == VPR_CLI_OK && status != 200) {
        return vpr_cli_fail(cli, VPR_CLI_NOT_FOUND, "no balance of %s, HTTP %" PRIu32, h->who,
                            status);
    }
    return left;
}

static int read_history(struct history *h)
{
    int left = VPR_CLI_OK;
    for (size_t i = 0; i < VPR_COUNT(sources) && left == VPR_CLI_OK; i++) {
        h->source = &sources[i];
        left = vpr_cli_search(h->cli, h->node,
                              vpr_arena_text(&h->cli->arena, "%s.%s='%s'", sources[i].type,
                                             sources[i].by, h->who),
                              false, on_event, h);
    }
    for (size_t i = 0; i < h->actor_count && left == VPR_CLI_OK; i++) {
        h->slashed = h->actors[i];
        left = vpr_cli_slashes(h->cli, h->node, h->slashed, on_slash, h);
    }
    return left;
}

static void say_history(struct history *h, uint64_t balance)
{
    struct vpr_buf *out = &h->cli->out;
    qsort(h->rows, h->count, sizeof h->rows[0], cmp_rows);
    for (size_t i = 0; i < h->count; i++) {
        vpr_buf_str(out, h->rows[i].text);
    }
    if (h->more > 0) {
        vpr_buf_printf(out, "%zu more are not listed, but counted\n", h->more);
    }
    vpr_buf_printf(out, "%" PRIu64 " uvipr came in as income\n", h->earned);
    if (balance + h->out < h->in) {
        vpr_buf_printf(out, "balance %" PRIu64 " after block %" PRIu64 ", + %" PRIu64
                       " in - %" PRIu64 " out: the node's index does not go back to genesis\n",
                       balance, h->height, h->in, h->out);
        return;
    }
    vpr_buf_printf(out, "balance %" PRIu64 " after block %" PRIu64 " = %" PRIu64
                   " before the node's index begins + %" PRIu64 " in - %" PRIu64 " out\n",
                   balance, h->height, balance + h->out - h->in, h->in, h->out);
}

static int run_history(struct vpr_cli *cli)
{
    struct history *h = VPR_ARENA_NEW(&cli->arena, struct history);
    struct vpr_cli_settings settings;
    uint64_t balance = 0;
    int left;

    if (!vpr_cli_search_settings(cli, cli->args[0], &settings, &left)) {
        return left;
    }
    *h = (struct history){.cli = cli, .node = settings.node, .who = cli->args[0]};
    h->rows = VPR_ARENA_ARRAY(&cli->arena, struct row, ROWS_MAX);
    left = ask_balance(h, &balance);
    if (left == VPR_CLI_OK) {
        left = read_history(h);
    }
    if (left == VPR_CLI_OK) {
        say_history(h, balance);
    }
    return left;
}

/* ---- estimate ---- */

struct estimate {
    struct vpr_cli *cli;
    const char *id, *node;
    uint64_t session; /* the newest that was settled for it; UINT64_MAX: none */
    uint64_t part;    /* of it, with its delegators' */
    size_t entries;
    bool summing;
};

static void on_split(void *arg, const struct vpr_found *found)
{
    struct estimate *e = arg;
    if (strcmp(found->type, "verify_split") != 0 ||
        !vpr_found_is(found, "servicer", e->id)) {
        return;
    }
    uint64_t session = vpr_found_u64(found, "session");
    if (!e->summing) {
        e->session = e->session == UINT64_MAX || session > e->session ? session : e->session;
    } else if (session == e->session) {
        e->part +=
            vpr_found_u64(found, "owner_reward") + vpr_found_u64(found, "delegators");
        e->entries++;
    }
}

static int sum_session(struct estimate *e)
{
    struct vpr_cli *cli = e->cli;
    int left = vpr_cli_search(cli, e->node,
                              vpr_arena_text(&cli->arena, "verify_split.servicer='%s'", e->id),
                              true, on_split, e);
    if (left != VPR_CLI_OK || e->session == UINT64_MAX) {
        return left;
    }
    e->summing = true;
    return vpr_cli_search(cli, e->node,
                          vpr_arena_text(&cli->arena,
                                         "verify_split.servicer='%s' AND "
                                         "verify_split.session=%" PRIu64,
                                         e->id, e->session),
                          false, on_split, e);
}

static void say_year(struct estimate *e, uint64_t ppb, uint64_t blocks, uint64_t block_ms)
{
    bool possible = blocks > 0 && blocks <= SESSION_BLOCKS_MAX;
    uint64_t sessions = possible ? YEAR_S * 1000 / (blocks * block_ms) : 0, a_year;
    if (!vpr_try_mul_div_floor(&a_year, ppb, sessions, 100000)) {
        a_year = 0;
    }
    vpr_buf_printf(&e->cli->out,
                   "a year of blocks of %" PRIu64 " ms has %" PRIu64 " sessions: %" PRIu64
                   ".%02" PRIu64 " %% without compounding\n",
                   block_ms, sessions, a_year / 100, a_year % 100);
}

static int say_servicer(struct estimate *e, struct vpr_bytes answer, uint64_t *ret_ppb)
{
    uint64_t stake = vpr_cli_number_at(answer, "/stake_uvipr");
    uint64_t delegated = vpr_cli_number_at(answer, "/delegated_uvipr");
    uint64_t commission = vpr_cli_number_at(answer, "/commission_ppm");
    int left = sum_session(e);

    *ret_ppb = 0;
    if (left != VPR_CLI_OK) {
        return left;
    }
    if (e->session == UINT64_MAX || stake + delegated == 0 || commission > VPR_PPM ||
        !vpr_try_mul_div_floor(ret_ppb, e->part, PPB, stake + delegated)) {
        vpr_buf_str(&e->cli->out, "nothing was settled for it yet\n");
        return VPR_CLI_OK;
    }
    uint64_t each = *ret_ppb;
    *ret_ppb = vpr_mul_div_floor(each, VPR_PPM - commission, VPR_PPM);
    vpr_buf_printf(&e->cli->out,
                   "session %" PRIu64 ", the newest that was settled for it: %zu entries paid "
                   "%" PRIu64 " uvipr to owner and delegators\nof a uvipr staked: floor(%" PRIu64
                   " x 10^9 / (own %" PRIu64 " + delegated %" PRIu64 ")) = %" PRIu64
                   " ppb, less the commission of %" PRIu64 " ppm: %" PRIu64 " ppb a session\n",
                   e->session, e->entries, e->part, e->part, stake, delegated, each, commission,
                   *ret_ppb);
    return VPR_CLI_OK;
}

static void say_validator(struct estimate *e, struct vpr_bytes answer, uint64_t *ret_ppb)
{
    *ret_ppb = vpr_cli_number_at(answer, "/yield_ppb");
    vpr_buf_printf(&e->cli->out,
                   "of a uvipr delegated: floor(floor(validator_yield %s ppb x %s blocks / 1000) x "
                   "(10^6 - commission %s) / 10^6) = %" PRIu64 " ppb a session, fees apart%s\n",
                   vpr_cli_member(e->cli, answer, "/validator_yield_ppb"),
                   vpr_cli_member(e->cli, answer, "/session_blocks"),
                   vpr_cli_member(e->cli, answer, "/commission_ppm"), *ret_ppb,
                   strcmp(vpr_cli_member(e->cli, answer, "/in_set"), "true") == 0
                       ? ""
                       : "; it is not in the set now and earns nothing");
}

static int run_estimate(struct vpr_cli *cli)
{
    struct estimate e = {.cli = cli, .id = cli->args[0], .session = UINT64_MAX};
    struct vpr_cli_settings settings;
    struct vpr_buf body;
    uint64_t block_ms, ppb = 0;
    int left;

    if (!vpr_cli_number(cli, &block_ms, "block-ms", BLOCK_MS_DEFAULT, 1, 1000000)) {
        return VPR_CLI_USAGE;
    }
    if (!vpr_cli_search_settings(cli, e.id, &settings, &left)) {
        return left;
    }
    e.node = settings.node;
    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    left = vpr_cli_ask(cli, &body, e.node,
                       vpr_arena_text(&cli->arena, "/viper/v1/yield/%s",
                                      vpr_cli_escape(cli, e.id)),
                       vpr_bytes_of(NULL, 0), 0);
    if (left == VPR_CLI_OK) {
        struct vpr_bytes answer = vpr_buf_bytes(&body);
        uint64_t blocks = vpr_cli_number_at(answer, "/session_blocks");
        if (vpr_cli_number_at(answer, "/validator_yield_ppb") > 0) {
            say_validator(&e, answer, &ppb);
        } else {
            left = say_servicer(&e, answer, &ppb);
        }
        if (left == VPR_CLI_OK && ppb > 0) {
            say_year(&e, ppb, blocks, block_ms);
        }
    }
    vpr_buf_finish(&body);
    return left;
}

static const struct vpr_cli_flag history_flags[] = {VPR_CLI_NODE_FLAG, VPR_CLI_END};

static const struct vpr_cli_flag estimate_flags[] = {
    VPR_CLI_NODE_FLAG,
    {"block-ms", "N", "how long a block takes (default 5000)"},
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"query estimate", "ACTOR", 1, 1, "what a delegation to a validator or servicer may earn",
     estimate_flags, false, run_estimate},
    {"query history", "ADDRESS", 1, 1, "all that changed an account's balance, and slashes",
     history_flags, false, run_history},
    {"q estimate", "ACTOR", 1, 1, "the same as query estimate", estimate_flags, false,
     run_estimate},
    {"q history", "ADDRESS", 1, 1, "the same as query history", history_flags, false,
     run_history},
};

const struct vpr_cli_family vpr_cli_earnings = {verbs, VPR_COUNT(verbs)};
