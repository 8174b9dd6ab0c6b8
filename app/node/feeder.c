#include "app/node/feeder.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/client/daemon.h"
#include "app/client/submit.h"
#include "app/host/file.h"
#include "app/host/http_client.h"
#include "app/host/json_scan.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define DECIMALS 6
#define PRICE_MAX (UINT64_C(1) << 62)
#define NUMBER_BYTES_MAX 64

struct feeder {
    struct feeder_options options;
    struct vpr_keyring *ring;
    struct vpr_key *key;
    char operator_[VPR_ADDRESS_TEXT_MAX];
    struct vpr_node *node;
    struct vpr_follow *follow;
    struct vpr_submitter *submitter;
    struct vpr_http_client *http; /* NULL for a file */

    uint64_t session;    /* at work on, or done with */
    bool done;           /* with it */
    bool told;           /* that a reading failed in it */
    uint64_t next_ms;    /* no reading before */
    uint64_t price;      /* being sent */
    struct vpr_node_call *look;
    struct vpr_http_exchange *exchange;
    struct vpr_submit_job *job;
    struct vpr_node_call *question; /* the job's */
};

/* ---- a number ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct vpr_bytes trim(struct vpr_bytes text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text = vpr_bytes_of(text.data + 1, text.len - 1);
    }
    while (text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Digits, a point, digits: millionths, what is smaller is dropped. */
static bool decimal(uint64_t *ret, struct vpr_bytes text)
{
    uint64_t v = 0;
    size_t decimals = 0, digits = 0;
    bool point = false;

    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        digits++;
        if (decimals == DECIMALS) {
            continue;
        }
        decimals += point;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(c - '0'), &v)) {
            return false;
        }
    }
    for (; decimals < DECIMALS; decimals++) {
        if (__builtin_mul_overflow(v, 10, &v)) {
            return false;
        }
    }
    *ret = v;
    return digits > 0;
}

enum vpr_code feeder_parse(uint64_t *ret_micro_usd, struct vpr_bytes text, const char *pointer,
                           struct vpr_err *err)
{
    char unquoted[NUMBER_BYTES_MAX];
    struct vpr_bytes number = trim(text);
    struct vpr_json_fault fault;
    size_t len;
    uint64_t price;

    if (*pointer != '\0') {
        if (!vpr_json_check(text, &fault)) {
            return vpr_fail(err, VPR_BAD_FIELD, "no JSON at byte %zu: %s", fault.offset,
                            fault.reason);
        }
        if (!vpr_json_at(&number, text, pointer)) {
            return vpr_fail(err, VPR_BAD_FIELD, "the JSON has nothing at %.100s", pointer);
        }
    }
    if (number.len > 0 && number.data[0] == '"' &&
        vpr_json_text(unquoted, sizeof unquoted, &len, number)) {
        number = vpr_bytes_of(unquoted, len);
    }
    if (!decimal(&price, number)) {
        return vpr_fail(err, VPR_BAD_FIELD, "\"%.*s\" is no decimal number such as 0.0512",
                        (int)(number.len < 40 ? number.len : 40), (const char *)number.data);
    }
    if (price < 1 || price > PRICE_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "%" PRIu64 " micro-USD is not between 1 and %" PRIu64, price, PRICE_MAX);
    }
    *ret_micro_usd = price;
    return VPR_OK;
}

enum vpr_code feeder_fresh(const char *file, uint64_t max_age_s, struct vpr_err *err)
{
    uint64_t age_s;

    if (max_age_s > 0 && vpr_file_age_s(&age_s, file) && age_s > max_age_s) {
        return vpr_fail(err, VPR_EXPIRED,
                        "it was written %" PRIu64 " s ago; a price is voted for %" PRIu64
                        " s (max-age-s)", age_s, max_age_s);
    }
    return VPR_OK;
}

/* ---- SEND ---- */

static bool has_vote(const struct feeder *feeder, const struct vpr_node_answer *answer,
                     uint64_t session, const Viper__V1__PriceVote **ret)
{
    const Viper__V1__QueryPriceResponse *m =
        (const Viper__V1__QueryPriceResponse *)answer->message;

    for (size_t i = 0; m->session == session && i < m->n_votes; i++) {
        if (strcmp(m->votes[i]->operator_, feeder->operator_) == 0) {
            *ret = m->votes[i];
            return true;
        }
    }
    return false;
}

static void on_question(void *arg, const struct vpr_node_answer *answer)
{
    struct feeder *feeder = arg;
    const Viper__V1__PriceVote *vote;

    feeder->question = NULL;
    vpr_submit_seen(feeder->job, answer->ok &&
                                     has_vote(feeder, answer, feeder->session, &vote) &&
                                     vote->price_micro_usd == feeder->price);
}

static void question(void *arg, struct vpr_submit_job *job)
{
    struct feeder *feeder = arg;

    feeder->question =
        vpr_node_get(feeder->node, &viper__v1__query_price_response__descriptor, on_question,
                     feeder, "/viper/v1/price");
    if (feeder->question == NULL) {
        vpr_submit_seen(job, false);
    }
}

static void on_done(void *arg, const struct vpr_submit_result *result)
{
    struct feeder *feeder = arg;

    feeder->job = NULL;
    feeder->done = true;
    if (result->outcome == VPR_SUBMIT_SEEN) {
        vpr_log_info("price", "voted", "session=%" PRIu64 " price_micro_usd=%" PRIu64 " tx=%s",
                     feeder->session, feeder->price, result->hash);
        return;
    }
    vpr_log_warn("price", "no vote in this session",
                 "session=%" PRIu64 " price_micro_usd=%" PRIu64 " operator=%s why=%s",
                 feeder->session, feeder->price, feeder->operator_,
                 result->text != NULL && *result->text != '\0' ? result->text
                                                               : "in no block before its end");
}

static void vote(struct feeder *feeder)
{
    Viper__V1__MsgPrice message = VIPER__V1__MSG_PRICE__INIT;
    const ProtobufCMessage *const messages[] = {&message.base};
    const struct vpr_tip *tip = vpr_follow_tip(feeder->follow);
    struct vpr_submit_spec spec = {
        .messages = messages,
        .count = 1,
        .last_height = tip->last,
        .ask = question,
        .done = on_done,
        .arg = feeder,
    };

    if (tip->session != feeder->session) {
        return; /* the price took too long; the next session reads again */
    }
    message.operator_ = feeder->operator_;
    message.price_micro_usd = feeder->price;
    feeder->job = vpr_submit_start(feeder->submitter, &spec);
}

/* ---- READ ---- */

static void take(struct feeder *feeder, struct vpr_bytes text, const char *from)
{
    struct vpr_err err;

    if (feeder_parse(&feeder->price, text, feeder->options.pointer, &err) == VPR_OK) {
        vote(feeder);
    } else if (!feeder->told) {
        feeder->told = true;
        vpr_log_warn("price", "cannot read a price", "from=%s why=%s", from, err.text);
    }
}

static void failed(struct feeder *feeder, const char *from, const char *why)
{
    if (!feeder->told) {
        feeder->told = true;
        vpr_log_warn("price", "cannot read a price", "from=%s why=%s", from, why);
    }
}

static void on_url(void *arg, const struct vpr_http_result *result)
{
    struct feeder *feeder = arg;
    char why[64];

    feeder->exchange = NULL;
    if (result->failure != VPR_HTTP_FAILURE_NONE) {
        failed(feeder, feeder->options.url, result->why);
    } else if (result->status != 200) {
        (void)snprintf(why, sizeof why, "HTTP status %u", result->status);
        failed(feeder, feeder->options.url, why);
    } else {
        take(feeder, result->body, feeder->options.url);
    }
}

static void read_file(struct feeder *feeder)
{
    struct vpr_buf text;
    struct vpr_err err;

    vpr_buf_init(&text, FEEDER_TEXT_BYTES_MAX);
    if (vpr_file_read(&text, feeder->options.file, &err) == VPR_OK &&
        feeder_fresh(feeder->options.file, feeder->options.max_age_s, &err) == VPR_OK) {
        take(feeder, vpr_buf_bytes(&text), feeder->options.file);
    } else {
        failed(feeder, feeder->options.file, err.text);
    }
    vpr_buf_finish(&text);
}

static void read_price(struct feeder *feeder)
{
    struct vpr_http_call call = {
        .url = vpr_bytes_str(feeder->options.url),
        .retry = VPR_HTTP_RETRY_IDEMPOTENT,
        .body_max = FEEDER_TEXT_BYTES_MAX,
    };

    if (feeder->http == NULL) {
        read_file(feeder);
    } else {
        feeder->exchange = vpr_http_client_start(feeder->http, &call, on_url, feeder);
    }
}

/* ---- LOOK ---- */

static void on_look(void *arg, const struct vpr_node_answer *answer)
{
    struct feeder *feeder = arg;
    const Viper__V1__PriceVote *had;

    feeder->look = NULL;
    if (!answer->ok) {
        return; /* again later */
    }
    if (has_vote(feeder, answer, feeder->session, &had)) {
        feeder->done = true; /* before a restart, or by hand */
        vpr_log_info("price", "the session has our vote",
                     "session=%" PRIu64 " price_micro_usd=%" PRIu64, feeder->session,
                     had->price_micro_usd);
        return;
    }
    read_price(feeder);
}

static void on_height(void *arg)
{
    struct feeder *feeder = arg;
    const struct vpr_tip *tip = vpr_follow_tip(feeder->follow);
    bool busy = feeder->look != NULL || feeder->exchange != NULL || feeder->job != NULL;

    if (busy) {
        return;
    }
    if (tip->session != feeder->session) {
        feeder->session = tip->session;
        feeder->done = feeder->told = false;
        feeder->next_ms = 0;
    }
    if (feeder->done || vpr_mono_ms() < feeder->next_ms) {
        return;
    }
    feeder->next_ms = vpr_mono_ms() + FEEDER_RETRY_MS;
    feeder->look = vpr_node_get(feeder->node, &viper__v1__query_price_response__descriptor,
                                on_look, feeder, "/viper/v1/price");
}

/* ---- life ---- */

static enum vpr_code open_key(struct feeder *feeder, struct vpr_err *err)
{
    const struct feeder_options *o = &feeder->options;

    VPR_TRY(vpr_keyring_open(&feeder->ring, o->home, o->keyring_backend, o->passphrase_file,
                             err));
    VPR_TRY(vpr_keyring_load(&feeder->key, feeder->ring, o->key, VPR_KEYRING_WALLET, err));
    vpr_address_text(feeder->operator_, VPR_PREFIX_ACCOUNT,
                     &vpr_key_info(feeder->key)->address);
    return VPR_OK;
}

static enum vpr_code open_all(struct feeder *feeder, struct vpr_err *err)
{
    const struct feeder_options *o = &feeder->options;
    /* The operator's own choice: a price server beside the node is fine. */
    const struct vpr_http_client_config config = {.allow_private = true};

    VPR_TRY(open_key(feeder, err));
    VPR_TRY(vpr_node_create(&feeder->node, o->loop, o->node, err));
    return *o->url == '\0' ? VPR_OK
                           : vpr_http_client_create(&feeder->http, o->loop, &config, err);
}

enum vpr_code feeder_create(struct feeder **ret, const struct feeder_options *options,
                            struct vpr_err *err)
{
    static const struct vpr_follow_hooks hooks = {.on_height = on_height};
    struct feeder *feeder = vpr_mem_alloc(sizeof *feeder);

    feeder->options = *options;
    feeder->session = UINT64_MAX; /* none */
    enum vpr_code code = open_all(feeder, err);
    if (code != VPR_OK) {
        feeder_destroy(feeder);
        return code;
    }
    feeder->follow = vpr_follow_create(options->loop, feeder->node);
    vpr_follow_listen(feeder->follow, &hooks, feeder);
    const struct vpr_submitter_config submit = {
        .loop = options->loop,
        .follow = feeder->follow,
        .key = vpr_key_public(feeder->key),
        .sign = vpr_key_sign_doc,
        .sign_arg = feeder->key,
    };
    feeder->submitter = vpr_submitter_create(&submit);
    vpr_log_info("price", "votes once a session", "operator=%s from=%s", feeder->operator_,
                 *options->url == '\0' ? options->file : options->url);
    *ret = feeder;
    return VPR_OK;
}

void feeder_destroy(struct feeder *feeder)
{
    if (feeder == NULL) {
        return;
    }
    vpr_node_cancel(feeder->look);
    vpr_node_cancel(feeder->question);
    if (feeder->exchange != NULL) {
        vpr_http_client_cancel(feeder->exchange);
    }
    vpr_submitter_destroy(feeder->submitter);
    vpr_follow_destroy(feeder->follow);
    if (feeder->http != NULL) {
        vpr_http_client_destroy(feeder->http);
    }
    if (feeder->node != NULL) {
        vpr_node_destroy(feeder->node);
    }
    vpr_key_close(feeder->key);
    if (feeder->ring != NULL) {
        vpr_keyring_close(feeder->ring);
    }
    vpr_mem_free(feeder);
}
