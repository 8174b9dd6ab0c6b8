#include "app/client/submit.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/coin.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/json_scan.h"
#include "app/rules/ids.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"
#include "viper/v1/query.pb-c.h"

#define JOB_ARENA_BYTES (16u * 1024 * 1024)
#define TICK_MS 250
#define PAUSE_MS_MAX 5000
#define GONE_ASKS_MAX 5 /* executed with code 0 and yet not in the state: start over */

enum state { ACCOUNT, SIMULATE, SEND, WATCH };

struct vpr_submit_job {
    struct vpr_submitter *submitter;
    struct vpr_submit_spec spec;
    struct vpr_arena arena;
    const ProtobufCMessage **messages;
    size_t mark; /* of the arena, behind the messages */

    enum state state;
    struct vpr_timer *timer;
    struct vpr_node_call *call;
    bool asking;
    uint64_t pause_ms;
    uint64_t not_before; /* height */
    uint64_t asked_height, sent_height, found_height;
    uint32_t found_asks;
    bool final;

    struct vpr_bytes raw; /* in the arena */
    int64_t timeout_s;
    uint64_t gas;
    char hash[VPR_TX_HASH_TEXT_MAX];
    uint32_t sends, refusals;
    uint32_t code;
    char text[VPR_ERR_TEXT_MAX];
};

struct vpr_submitter {
    struct vpr_submitter_config config;
    struct vpr_address account;
    char account_text[VPR_ADDRESS_TEXT_MAX];
    bool has_number;
    uint64_t number;
    uint32_t count;
    struct vpr_submit_job *jobs[VPR_SUBMIT_JOBS_MAX];
};

static void forget(struct vpr_submit_job *job)
{
    struct vpr_submitter *s = job->submitter;

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->jobs[i] == job) {
            s->count--;
            s->jobs[i] = s->jobs[s->count];
            break;
        }
    }
    vpr_node_cancel(job->call);
    vpr_timer_destroy(job->timer);
    vpr_arena_finish(&job->arena);
    vpr_mem_free(job);
}

static void finish(struct vpr_submit_job *job, enum vpr_submit_outcome outcome)
{
    char hash[VPR_TX_HASH_TEXT_MAX];
    char text[VPR_ERR_TEXT_MAX];
    const struct vpr_submit_spec spec = job->spec;
    const struct vpr_submit_result result = {outcome, job->code, text, hash,
                                             job->found_height, job->sends};

    memcpy(hash, job->hash, sizeof hash);
    memcpy(text, job->text, sizeof text);
    forget(job);
    spec.done(spec.arg, &result);
}

static void again(struct vpr_submit_job *job)
{
    vpr_timer_once(job->timer, TICK_MS);
}

/* The node did not answer, or not with anything about the transaction. */
static void back_off(struct vpr_submit_job *job, const char *why)
{
    snprintf(job->text, sizeof job->text, "%s", why == NULL ? "no answer" : why);
    job->pause_ms = job->pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : job->pause_ms * 2;
    vpr_timer_once(job->timer, job->pause_ms);
}

/* The chain said no.  Some refusals pass (a window not open yet, a node one block behind), so
 * the next block gets another try; an empty account may be filled until the very end. */
static void refused(struct vpr_submit_job *job, uint32_t code, const char *text)
{
    const uint32_t most =
        job->spec.refusals_max == 0 ? VPR_SUBMIT_REFUSALS_MAX : job->spec.refusals_max;

    job->code = code;
    snprintf(job->text, sizeof job->text, "%s", text == NULL ? "" : text);
    if (code != VPR_NO_FUNDS) {
        job->refusals++;
        if (job->refusals >= most) {
            finish(job, VPR_SUBMIT_REFUSED);
            return;
        }
    }
    job->state = SIMULATE;
    job->not_before = vpr_follow_tip(job->submitter->config.follow)->height + 1;
    again(job);
}

static void on_account(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_submit_job *job = arg;

    job->call = NULL;
    if (!answer->ok) {
        if (answer->status == 404) {
            job->code = VPR_NO_FUNDS;
        }
        back_off(job, answer->error);
        return;
    }
    const Viper__V1__AccountInfo *info =
        ((const Viper__V1__QueryAccountInfoResponse *)answer->message)->account;
    if (info == NULL) {
        back_off(job, "the node's answer has no account");
        return;
    }
    job->submitter->number = info->number;
    job->submitter->has_number = true;
    job->state = SIMULATE;
    job->pause_ms = TICK_MS;
    vpr_timer_once(job->timer, 0);
}

static void ask_account(struct vpr_submit_job *job)
{
    job->call = vpr_node_get(vpr_follow_node(job->submitter->config.follow),
                             &viper__v1__query_account_info_response__descriptor, on_account,
                             job, "/viper/v1/accounts/%s", job->submitter->account_text);
    if (job->call == NULL) {
        back_off(job, "too many questions are under way");
    }
}

/* Rounded up, as the chain wants it; the price is that of the running session. */
static uint64_t fee_of(const struct vpr_submit_job *job, uint64_t gas)
{
    const struct vpr_follow *follow = job->submitter->config.follow;
    const struct vpr_followed *session =
        vpr_follow_session(follow, vpr_follow_tip(follow)->session);

    return vpr_mul_div_ceil(gas, session->params.min_gas_price, 1000);
}

/* Makes the bytes anew: release what the last attempt left in the arena. */
static void build(struct vpr_submit_job *job, uint64_t gas, bool sign)
{
    const struct vpr_submitter_config *config = &job->submitter->config;
    const struct vpr_tip *tip = vpr_follow_tip(config->follow);
    struct vpr_signature signature = {{0}};

    vpr_arena_release(&job->arena, job->mark);
    job->timeout_s = tip->time_s + VPR_SUBMIT_TIMEOUT_S;
    const struct vpr_wire_body body = {.messages = job->messages, .count = job->spec.count,
                                       .unordered = true, .timeout_s = job->timeout_s};
    const struct vpr_bytes packed = vpr_wire_body_pack(&job->arena, &body);
    const struct vpr_bytes auth =
        vpr_wire_auth_pack(&job->arena, &config->key, 0, gas, fee_of(job, gas));
    if (sign) {
        const struct vpr_bytes doc = vpr_wire_sign_doc(&job->arena, packed, auth, tip->chain_id,
                                                       job->submitter->number);
        config->sign(config->sign_arg, &signature, doc);
    }
    /* A simulation carries 64 zero bytes, so that its length and gas are the real ones. */
    job->raw = vpr_wire_raw_pack(&job->arena, packed, auth, &signature);
}

/* Errors that speak of the node, not of the transaction. */
static bool node_trouble(const struct vpr_node_answer *answer)
{
    return answer->status == 0 || answer->status == 429 || answer->status == 502 ||
           answer->status == 503 || answer->status == 504;
}

static void on_simulated(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_submit_job *job = arg;

    job->call = NULL;
    if (!answer->ok) {
        if (node_trouble(answer)) {
            back_off(job, answer->error);
        } else {
            refused(job, 0, answer->error);
        }
        return;
    }
    const Cosmos__Tx__V1beta1__SimulateResponse *m =
        (const Cosmos__Tx__V1beta1__SimulateResponse *)answer->message;
    if (m->gas_info == NULL) {
        back_off(job, "the node's answer has no gas");
        return;
    }
    /* The real figures of gas and fee are a few bytes longer than the simulated ones. */
    job->gas = VPR_SUBMIT_GAS(m->gas_info->gas_used) + 500;
    build(job, job->gas, true);
    const struct vpr_hash hash = vpr_sha256(job->raw.data, job->raw.len);
    vpr_hex(job->hash, hash.b, sizeof hash.b);
    for (char *c = job->hash; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
    }
    job->state = SEND;
    job->pause_ms = TICK_MS;
    vpr_timer_once(job->timer, 0);
}

static void simulate(struct vpr_submit_job *job)
{
    Cosmos__Tx__V1beta1__SimulateRequest request = COSMOS__TX__V1BETA1__SIMULATE_REQUEST__INIT;

    build(job, 1000000, false);
    request.tx_bytes.data = (uint8_t *)(uintptr_t)job->raw.data;
    request.tx_bytes.len = job->raw.len;
    job->call = vpr_node_post(vpr_follow_node(job->submitter->config.follow),
                              "/cosmos/tx/v1beta1/simulate", &request.base,
                              &cosmos__tx__v1beta1__simulate_response__descriptor, on_simulated,
                              job);
    if (job->call == NULL) {
        back_off(job, "too many questions are under way");
    }
}

static void on_sent(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_submit_job *job = arg;

    job->call = NULL;
    job->sends++;
    if (answer->ok) {
        const Cosmos__Tx__V1beta1__BroadcastTxResponse *m =
            (const Cosmos__Tx__V1beta1__BroadcastTxResponse *)answer->message;
        const Cosmos__Base__Abci__V1beta1__TxResponse *tx = m->tx_response;
        /* Sent twice, or in a block already: then it is where it should be. */
        if (tx != NULL && tx->code != 0 && tx->code != VPR_REPLAYED) {
            refused(job, tx->code, tx->raw_log);
            return;
        }
    } else if (answer->error == NULL || strstr(answer->error, "already exists") == NULL) {
        back_off(job, answer->error);
        return;
    }
    job->state = WATCH;
    job->pause_ms = TICK_MS;
    job->sent_height = vpr_follow_tip(job->submitter->config.follow)->height;
    job->found_asks = 0;
    again(job);
}

static void post_tx(struct vpr_submit_job *job)
{
    Cosmos__Tx__V1beta1__BroadcastTxRequest request =
        COSMOS__TX__V1BETA1__BROADCAST_TX_REQUEST__INIT;

    request.tx_bytes.data = (uint8_t *)(uintptr_t)job->raw.data;
    request.tx_bytes.len = job->raw.len;
    request.mode = COSMOS__TX__V1BETA1__BROADCAST_MODE__BROADCAST_MODE_SYNC;
    job->call = vpr_node_post(vpr_follow_node(job->submitter->config.follow),
                              "/cosmos/tx/v1beta1/txs", &request.base,
                              &cosmos__tx__v1beta1__broadcast_tx_response__descriptor, on_sent,
                              job);
    if (job->call == NULL) {
        back_off(job, "too many questions are under way");
    }
}

/* Not in any block that we know of. */
static void not_found(struct vpr_submit_job *job)
{
    const struct vpr_tip *tip = vpr_follow_tip(job->submitter->config.follow);

    if (job->final) {
        finish(job, VPR_SUBMIT_LATE);
        return;
    }
    if (tip->time_s > job->timeout_s) {
        job->state = SIMULATE;
    } else if (tip->height >= job->sent_height + VPR_SUBMIT_RESEND_BLOCKS) {
        job->state = SEND;
    }
    again(job);
}

static void found(struct vpr_submit_job *job, uint64_t height, uint32_t code, const char *log)
{
    job->found_height = height;
    if (code != 0) {
        if (job->final) {
            job->code = code;
            snprintf(job->text, sizeof job->text, "%s", log);
            finish(job, VPR_SUBMIT_LATE);
        } else {
            refused(job, code, log);
        }
        return;
    }
    if (job->spec.ask == NULL) {
        finish(job, VPR_SUBMIT_SEEN);
        return;
    }
    job->found_asks++;
    if (job->final) {
        finish(job, VPR_SUBMIT_LATE);
    } else if (job->found_asks >= GONE_ASKS_MAX) {
        refused(job, 0, "executed, but not to be seen in the state");
    } else {
        again(job);
    }
}

/* Read from the raw JSON: the transaction itself, with messages of any kind, is beside. */
static void on_looked_up(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_submit_job *job = arg;
    struct vpr_bytes span;
    uint64_t height = 0;
    uint64_t code = 0;
    size_t len = 0;
    char log[VPR_ERR_TEXT_MAX] = "";

    job->call = NULL;
    if (!answer->ok) {
        if (node_trouble(answer) && !job->final) {
            back_off(job, answer->error);
        } else {
            not_found(job);
        }
        return;
    }
    if (!vpr_json_at(&span, answer->body, "/tx_response/height") ||
        !vpr_json_u64(&height, span) || height == 0 ||
        !vpr_json_at(&span, answer->body, "/tx_response/code") || !vpr_json_u64(&code, span)) {
        not_found(job);
        return;
    }
    if (vpr_json_at(&span, answer->body, "/tx_response/raw_log") &&
        !vpr_json_text(log, sizeof log, &len, span)) {
        snprintf(log, sizeof log, "refused with code %" PRIu64, code);
    }
    found(job, height, (uint32_t)code, log);
}

static void look_up(struct vpr_submit_job *job)
{
    job->call = vpr_node_get(vpr_follow_node(job->submitter->config.follow), NULL, on_looked_up,
                             job, "/cosmos/tx/v1beta1/txs/%s", job->hash);
    if (job->call == NULL) {
        back_off(job, "too many questions are under way");
    }
}

void vpr_submit_seen(struct vpr_submit_job *job, bool seen)
{
    VPR_ASSERT(job->asking);
    job->asking = false;
    if (seen) {
        finish(job, VPR_SUBMIT_SEEN);
    } else if (job->sends == 0) {
        finish(job, VPR_SUBMIT_LATE); /* only the last question comes before the first send */
    } else {
        look_up(job);
    }
}

static void ask_state(struct vpr_submit_job *job)
{
    if (job->spec.ask == NULL) {
        look_up(job);
        return;
    }
    job->asking = true;
    job->spec.ask(job->spec.arg, job); /* may end the job */
}

static void step(void *arg)
{
    struct vpr_submit_job *job = arg;
    const struct vpr_tip *tip = vpr_follow_tip(job->submitter->config.follow);

    if (tip == NULL) {
        again(job);
        return;
    }
    if (tip->height >= job->spec.last_height && !job->final) {
        if (job->sends == 0 && job->spec.ask == NULL) {
            finish(job, VPR_SUBMIT_LATE);
            return;
        }
        job->final = true;
        ask_state(job);
        return;
    }
    if (tip->height < job->not_before) {
        again(job);
        return;
    }
    if (job->state == ACCOUNT && job->submitter->has_number) {
        job->state = SIMULATE;
    }
    switch (job->state) {
    case ACCOUNT:
        ask_account(job);
        return;
    case SIMULATE:
        simulate(job);
        return;
    case SEND:
        post_tx(job);
        return;
    case WATCH:
        if (tip->height == job->asked_height && !job->final) {
            again(job);
            return;
        }
        job->asked_height = tip->height;
        ask_state(job);
        return;
    }
}

struct vpr_submitter *vpr_submitter_create(const struct vpr_submitter_config *config)
{
    struct vpr_submitter *s = vpr_mem_alloc(sizeof *s);

    s->config = *config;
    s->account = vpr_key_account(&config->key);
    vpr_address_text(s->account_text, VPR_PREFIX_ACCOUNT, &s->account);
    return s;
}

void vpr_submitter_destroy(struct vpr_submitter *s)
{
    if (s == NULL) {
        return;
    }
    while (s->count > 0) {
        forget(s->jobs[s->count - 1]);
    }
    vpr_mem_free(s);
}

struct vpr_submit_job *vpr_submit_start(struct vpr_submitter *s,
                                        const struct vpr_submit_spec *spec)
{
    VPR_ASSERT(spec->count >= 1 && spec->count <= VPR_TX_MESSAGES_MAX);
    if (s->count == VPR_SUBMIT_JOBS_MAX) {
        return NULL;
    }
    struct vpr_submit_job *job = vpr_mem_alloc(sizeof *job);
    job->submitter = s;
    job->spec = *spec;
    vpr_arena_init(&job->arena, JOB_ARENA_BYTES);
    job->messages = vpr_arena_alloc_array(&job->arena, sizeof *job->messages, spec->count);
    for (size_t i = 0; i < spec->count; i++) {
        const struct vpr_bytes packed = vpr_arena_pack(&job->arena, spec->messages[i]);
        job->messages[i] =
            vpr_arena_unpack(&job->arena, spec->messages[i]->descriptor, packed);
        VPR_ASSERT(job->messages[i] != NULL);
    }
    job->mark = vpr_arena_mark(&job->arena);
    job->pause_ms = TICK_MS;
    job->timer = vpr_timer_create(s->config.loop, step, job);
    vpr_timer_once(job->timer, 0);
    s->jobs[s->count] = job;
    s->count++;
    return job;
}

void vpr_submit_cancel(struct vpr_submit_job *job)
{
    if (job != NULL) {
        forget(job);
    }
}

uint32_t vpr_submit_jobs(const struct vpr_submitter *s)
{
    return s->count;
}

struct vpr_address vpr_submitter_account(const struct vpr_submitter *s)
{
    return s->account;
}
