#include "relay/send.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/host/http_server.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/wire.h"

#define HEADERS_MAX 4
#define CONNECT_MS 1000
#define TOTAL_MS 10000
#define PAUSE_MS 1000        /* after a refusal that is no sickness */
#define OPENING_MS 10000     /* a servicer may hear of a session later than we do */
#define OPENING_PAUSE_MS 200
#define OPENING_WAIT_MS 100u /* the first time; then twice as long each time, */
#define OPENING_WAIT_MAX_MS 800 /* but never longer */
#define OPENING_WAITS_MAX 5

struct job {
    struct vpr_sender *sender;
    struct job *before, *after;
    struct vpr_panel *panel;
    struct vpr_seat *seat;
    char method[VPR_SEND_METHOD_MAX];
    char type[VPR_SEND_TYPE_MAX];
    char target[VPR_WIRE_TARGET_TEXT_MAX];
    struct vpr_bytes path, body; /* path inside target; body owned */
    struct vpr_hash req;
    uint64_t cu;
    bool repeatable, again; /* again: the second part for this servicer */
    uint32_t waits;         /* for a servicer that is still opening the session */
    struct vpr_timer *timer; /* while it waits */
    uint64_t start_us;
    struct vpr_signed_request request;
    vpr_send_fn *done;
    void *arg;
};

struct vpr_sender {
    struct vpr_loop *loop;
    struct vpr_http_client *client;
    struct vpr_metrics *metrics;
    uint32_t connect_ms, total_ms;
    size_t answer_max;
    struct job *jobs;
    uint32_t job_count;
};

/* ---- life ---- */

enum vpr_code vpr_sender_create(struct vpr_sender **ret, struct vpr_loop *loop,
                                const struct vpr_sender_config *config, struct vpr_err *err)
{
    const struct vpr_http_client_config http = {.allow_private = config->allow_private,
                                                .ca_file = config->ca_file};
    struct vpr_sender *sender = vpr_mem_alloc(sizeof *sender);

    sender->loop = loop;
    sender->metrics = config->metrics;
    sender->connect_ms = config->connect_ms == 0 ? CONNECT_MS : config->connect_ms;
    sender->total_ms = config->total_ms == 0 ? TOTAL_MS : config->total_ms;
    sender->answer_max = config->answer_max;
    const enum vpr_code code = vpr_http_client_create(&sender->client, loop, &http, err);
    if (code != VPR_OK) {
        vpr_mem_free(sender);
        return code;
    }
    *ret = sender;
    return VPR_OK;
}

static void free_job(struct job *job)
{
    struct vpr_sender *sender = job->sender;

    if (job->before != NULL) {
        job->before->after = job->after;
    } else {
        sender->jobs = job->after;
    }
    if (job->after != NULL) {
        job->after->before = job->before;
    }
    sender->job_count--;
    if (job->timer != NULL) {
        vpr_timer_destroy(job->timer);
    }
    vpr_panel_release(job->panel);
    vpr_mem_free((void *)(uintptr_t)job->body.data);
    vpr_mem_free(job);
}

void vpr_sender_destroy(struct vpr_sender *sender)
{
    if (sender == NULL) {
        return;
    }
    vpr_http_client_destroy(sender->client);
    while (sender->jobs != NULL) {
        free_job(sender->jobs);
    }
    vpr_mem_free(sender);
}

uint32_t vpr_sender_jobs(const struct vpr_sender *sender)
{
    return sender->job_count;
}

/* ---- counting ---- */

static void metered(const struct job *job, enum vpr_meter_relay what)
{
    struct vpr_metrics *metrics = job->sender->metrics;
    const size_t chain = vpr_meter_chain(job->panel->chain);

    vpr_metric_add(metrics, VPR_METER_RELAYS, chain, what, 1);
}

static void head_told(const struct job *job, uint64_t now_ms, struct vpr_bytes answer)
{
    uint64_t height, within;

    if (job->panel->corpus != NULL &&
        vpr_corpus_head(job->panel->corpus, &height, &within, job->path, job->body, answer)) {
        vpr_health_head(job->seat->health, now_ms, height,
                        vpr_panel_head(job->panel, now_ms), within);
    }
}

/* A servicer that follows another node may be a moment late; that is no sickness. */
static bool opening(const struct job *job, uint64_t now_ms)
{
    return now_ms < job->panel->made_ms + OPENING_MS;
}

static void note_refusal(struct job *job, uint16_t reason, uint64_t now_ms)
{
    struct vpr_health *health = job->seat->health;
    const size_t row = reason >= 1 && reason <= VPR_REFUSED_MAX ? reason - 1u : VPR_REFUSED_MAX;

    vpr_metric_add(job->sender->metrics, VPR_METER_REFUSALS, row, 0, 1);
    switch (reason) {
    case VPR_REFUSED_QUOTA:
        job->seat->tab.full = true;
        vpr_health_refused(health, now_ms, 0);
        break;
    case VPR_REFUSED_OVERLOAD:
    case VPR_REFUSED_BACKEND:
        vpr_health_bad(health, now_ms);
        break;
    case VPR_REFUSED_SESSION:
    case VPR_REFUSED_MEMBERSHIP:
    case VPR_REFUSED_TOKEN:
        job->seat->tab.token_known = false;
        vpr_health_refused(health, now_ms, opening(job, now_ms) ? OPENING_PAUSE_MS : PAUSE_MS);
        break;
    default: /* signature, seq, cu, unacknowledged, size, and what a later version knows */
        vpr_health_refused(health, now_ms, PAUSE_MS);
        break;
    }
}

/* These three may be said after the backend was asked (docs/servicer.md). */
static bool may_have_reached(uint16_t reason)
{
    return reason == VPR_REFUSED_BACKEND || reason == VPR_REFUSED_SIZE ||
           reason == VPR_REFUSED_OVERLOAD || reason > VPR_REFUSED_MAX;
}

static void finish(struct job *job, struct vpr_send_result *result)
{
    const size_t chain = vpr_meter_chain(job->panel->chain);

    result->request = job->request;
    result->elapsed_us = vpr_mono_us() - job->start_us;
    switch (result->end) {
    case VPR_SEND_ANSWERED:
        metered(job, VPR_METERED_ANSWERED);
        vpr_metric_observe(job->sender->metrics, VPR_METER_RELAY_SECONDS, chain, 0,
                           result->elapsed_us);
        break;
    case VPR_SEND_REFUSED:
        metered(job, VPR_METERED_REFUSED);
        break;
    case VPR_SEND_FAILED:
        metered(job, VPR_METERED_FAILED);
        break;
    }
    job->done(job->arg, result);
    free_job(job);
}

/* ---- one exchange ---- */

static void on_answer(void *arg, const struct vpr_http_result *http);

static void start(struct job *job)
{
    struct vpr_sender *sender = job->sender;
    char relay[VPR_WIRE_RELAY_TEXT_MAX], token[VPR_WIRE_TOKEN_TEXT_MAX];
    struct vpr_http_header headers[HEADERS_MAX];
    size_t count = 0;

    vpr_tab_open(&job->seat->tab, &job->request, &job->panel->pass, job->cu, &job->req);
    vpr_health_asked(job->seat->health, vpr_mono_ms());
    metered(job, VPR_METERED_SENT);

    vpr_wire_relay_print(relay, &job->request);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay);
    if (!job->seat->tab.token_known) {
        vpr_wire_token_print(token, &job->panel->pass.token);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token);
    }
    if (strcmp(job->method, "POST") != 0) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_METHOD, job->method);
    }
    if (job->type[0] != '\0') {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT("Content-Type", job->type);
    }
    const struct vpr_http_call call = {
        .method = "POST",
        .url = vpr_bytes_str(job->seat->url),
        .path = vpr_bytes_str(job->target),
        .headers = headers,
        .header_count = count,
        .body = job->body,
        .retry = VPR_HTTP_RETRY_NEVER,
        .connect_ms = sender->connect_ms,
        .total_ms = sender->total_ms,
        .body_max = sender->answer_max,
    };
    vpr_http_client_start(sender->client, &call, on_answer, job);
}

/* A new part for the same servicer, at most once a job.  What was sent before is over: this
 * is a relay of its own. */
static bool start_again(struct job *job, size_t reason)
{
    if (job->again) {
        return false;
    }
    job->again = true;
    metered(job, VPR_METERED_FAILED);
    vpr_metric_add(job->sender->metrics, VPR_METER_RESENDS, reason, 0, 1);
    start(job);
    return true;
}

static uint64_t opening_wait_ms(const struct job *job)
{
    const uint64_t ms = OPENING_WAIT_MS << job->waits;

    return ms < OPENING_WAIT_MAX_MS ? ms : OPENING_WAIT_MAX_MS;
}

static void on_waited(void *arg)
{
    struct job *job = arg;

    vpr_timer_destroy(job->timer);
    job->timer = NULL;
    start(job);
}

/* It refused without a signature while the session was young: it will know it in a moment.
 * Whoever asks it meanwhile waits just as long, so it needs no pause. */
static bool wait_for_opening(struct job *job, const struct vpr_http_result *http)
{
    const uint64_t now_ms = vpr_mono_ms();

    if (http->status < 300 || !opening(job, now_ms) || job->waits == OPENING_WAITS_MAX) {
        return false;
    }
    vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_UNSENT);
    metered(job, VPR_METERED_FAILED);
    vpr_metric_add(job->sender->metrics, VPR_METER_RESENDS, 2, 0, 1);
    job->timer = vpr_timer_create(job->sender->loop, on_waited, job);
    vpr_timer_once(job->timer, opening_wait_ms(job));
    job->waits++;
    return true;
}

static void no_answer(struct job *job, const struct vpr_http_result *http)
{
    struct vpr_send_result result = {.end = VPR_SEND_FAILED, .reached = http->sent};

    vpr_tab_close(&job->seat->tab, &job->request, http->sent ? VPR_TAB_LOST : VPR_TAB_UNSENT);
    if (http->failure == VPR_HTTP_FAILURE_CLOSED && http->reused && job->repeatable &&
        start_again(job, 1)) {
        return;
    }
    vpr_metric_add(job->sender->metrics, VPR_METER_FAILURES,
                   VPR_FAILURE_HTTP + (size_t)http->failure, 0, 1);
    if (http->failure != VPR_HTTP_FAILURE_BUSY) {
        vpr_health_bad(job->seat->health, vpr_mono_ms());
    }
    result.why = vpr_http_failure_name(http->failure);
    finish(job, &result);
}

static void bare_answer(struct job *job, const struct vpr_http_result *http)
{
    struct vpr_send_result result = {.end = VPR_SEND_FAILED, .reached = http->status < 300,
                                     .why = "no_receipt"};

    if (wait_for_opening(job, http)) {
        return;
    }
    vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_UNSENT);
    vpr_metric_add(job->sender->metrics, VPR_METER_FAILURES, VPR_FAILURE_BARE, 0, 1);
    vpr_health_bad(job->seat->health, vpr_mono_ms());
    finish(job, &result);
}

static void bad_answer(struct job *job, const struct vpr_http_result *http)
{
    struct vpr_send_result result = {.end = VPR_SEND_FAILED, .reached = true,
                                     .why = "bad_receipt"};
    char id[VPR_ADDRESS_TEXT_MAX];

    vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_LOST);
    vpr_metric_add(job->sender->metrics, VPR_METER_FAILURES, VPR_FAILURE_RECEIPT, 0, 1);
    vpr_health_bad(job->seat->health, vpr_mono_ms());
    vpr_address_text(id, VPR_PREFIX_ACCOUNT, &job->seat->id);
    vpr_log_warn("gateway", "an answer does not hold",
                 "servicer=%s chain=%s seq=%" PRIu64 " status=%" PRIu32, id, job->panel->name,
                 job->request.part.seq, http->status);
    finish(job, &result);
}

static void good_answer(struct job *job, const struct vpr_http_result *http,
                        struct vpr_send_result *result)
{
    const uint64_t now_ms = vpr_mono_ms();

    vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_ANSWERED);
    job->seat->tab.token_known = true;
    vpr_health_good(job->seat->health, now_ms, http->elapsed_us);
    head_told(job, now_ms, http->body);
    result->end = VPR_SEND_ANSWERED;
    result->reached = true;
    result->status = http->status;
    result->headers = http->headers;
    result->header_count = http->header_count;
    result->body = http->body;
    finish(job, result);
}

static void on_answer(void *arg, const struct vpr_http_result *http)
{
    struct job *job = arg;
    struct vpr_send_result result = {.end = VPR_SEND_REFUSED};

    if (http->failure != VPR_HTTP_FAILURE_NONE) {
        no_answer(job, http);
        return;
    }
    const struct vpr_bytes *receipt =
        vpr_http_find(http->headers, http->header_count, VPR_WIRE_RECEIPT);
    const struct vpr_bytes *refusal =
        vpr_http_find(http->headers, http->header_count, VPR_WIRE_REFUSAL);
    switch (vpr_answer_judge(&result.receipt, &result.refusal, &job->request.part,
                             &job->seat->relay_key, http->status, receipt, refusal,
                             http->body)) {
    case VPR_ANSWER_GOOD:
        good_answer(job, http, &result);
        break;
    case VPR_ANSWER_REFUSAL:
        vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_REFUSED);
        result.reached = may_have_reached(result.refusal.reason);
        note_refusal(job, result.refusal.reason, vpr_mono_ms());
        finish(job, &result);
        break;
    case VPR_ANSWER_TOKEN:
        job->seat->tab.token_known = false;
        if (job->again) {
            bare_answer(job, http);
            break;
        }
        vpr_tab_close(&job->seat->tab, &job->request, VPR_TAB_UNSENT);
        start_again(job, 0);
        break;
    case VPR_ANSWER_BARE:
        bare_answer(job, http);
        break;
    case VPR_ANSWER_BAD:
        bad_answer(job, http);
        break;
    }
}

static void copy_text(char *out, size_t size, struct vpr_bytes text)
{
    VPR_ASSERT(text.len < size);
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    out[text.len] = '\0';
}

void vpr_sender_send(struct vpr_sender *sender, const struct vpr_send *send, vpr_send_fn *done,
                     void *arg)
{
    struct job *job = vpr_mem_alloc(sizeof *job);

    job->sender = sender;
    job->panel = vpr_panel_hold(send->panel);
    job->seat = send->seat;
    copy_text(job->method, sizeof job->method, send->method);
    copy_text(job->type, sizeof job->type, send->type);
    VPR_ASSERT(vpr_wire_target_print(job->target, send->panel->chain, send->path));
    job->path = vpr_bytes_of(job->target + strlen(job->target) - send->path.len,
                             send->path.len);
    if (send->body.len > 0) {
        uint8_t *body = vpr_mem_alloc(send->body.len);
        memcpy(body, send->body.data, send->body.len);
        job->body = vpr_bytes_of(body, send->body.len);
    }
    job->req = vpr_req_hash(send->method, send->path, send->body);
    job->cu = send->cu;
    job->repeatable = send->repeatable;
    job->start_us = vpr_mono_us();
    job->done = done;
    job->arg = arg;
    job->after = sender->jobs;
    if (sender->jobs != NULL) {
        sender->jobs->before = job;
    }
    sender->jobs = job;
    sender->job_count++;
    start(job);
}
