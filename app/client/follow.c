#include "app/client/follow.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/host/file.h"
#include "viper/v1/query.pb-c.h"

struct listener {
    struct vpr_follow_hooks hooks;
    void *arg;
};

/* A session of the past is put together from two answers. */
struct past {
    struct vpr_node_call *record, *params;
    bool has_record, has_params;
    struct vpr_followed session;
};

struct vpr_follow {
    struct vpr_node *node;
    struct vpr_timer *timer;
    struct vpr_node_call *call;
    bool has_tip, connected;
    bool lost; /* and said so: once, also when it never was there */
    struct vpr_tip tip;
    uint32_t lower_polls;
    uint64_t pause_ms;
    bool known[VPR_FOLLOW_SESSIONS]; /* [0] is the running one, [1] the one before */
    struct vpr_followed sessions[VPR_FOLLOW_SESSIONS];
    struct past past[VPR_FOLLOW_SESSIONS];
    size_t listener_count;
    struct listener listeners[VPR_FOLLOW_LISTENERS_MAX];
};

enum hook { ON_HEIGHT, ON_SESSION, ON_PAST, ON_BACK };

static void tell(struct vpr_follow *f, enum hook hook)
{
    for (size_t i = 0; i < f->listener_count; i++) {
        const struct vpr_follow_hooks *hooks = &f->listeners[i].hooks;
        void (*const fns[])(void *arg) = {hooks->on_height, hooks->on_session, hooks->on_past,
                                          hooks->on_back};
        if (fns[hook] != NULL) {
            fns[hook](f->listeners[i].arg);
        }
    }
}

/* A tenth up or down, so that many daemons on one node do not poll in step. */
static uint64_t jittered(uint64_t ms)
{
    uint32_t dice;

    vpr_random(&dice, sizeof dice);
    return ms - ms / 10 + dice % (ms / 5 + 1);
}

static bool copy_hash(struct vpr_hash *ret, ProtobufCBinaryData data)
{
    if (data.len != sizeof ret->b) {
        return false;
    }
    memcpy(ret->b, data.data, sizeof ret->b);
    return true;
}

/* Only numbers: the copy owns nothing. */
static Viper__V1__Params copy_params(const Viper__V1__Params *params)
{
    Viper__V1__Params copy = *params;

    copy.base.n_unknown_fields = 0;
    copy.base.unknown_fields = NULL;
    return copy;
}

static void forget_past(struct past *past)
{
    vpr_node_cancel(past->record);
    vpr_node_cancel(past->params);
    memset(past, 0, sizeof *past);
}

static void forget_sessions(struct vpr_follow *f)
{
    for (size_t i = 0; i < VPR_FOLLOW_SESSIONS; i++) {
        f->known[i] = false;
        forget_past(&f->past[i]);
    }
}

/* The running session went on by `step`: what was running is now in the past. */
static void shift_sessions(struct vpr_follow *f, uint64_t step)
{
    for (size_t i = 0; i < VPR_FOLLOW_SESSIONS; i++) {
        forget_past(&f->past[i]);
    }
    for (size_t i = VPR_FOLLOW_SESSIONS; i > 0; i--) {
        const size_t at = i - 1;
        f->known[at] = at >= step && f->known[at - step];
        if (f->known[at]) {
            f->sessions[at] = f->sessions[at - step];
        }
    }
}

static void past_is_whole(struct vpr_follow *f, struct past *past)
{
    if (!past->has_record || !past->has_params) {
        return;
    }
    for (size_t i = 1; i < VPR_FOLLOW_SESSIONS; i++) {
        if (past == &f->past[i] && past->session.number + i == f->tip.session) {
            f->sessions[i] = past->session;
            f->known[i] = true;
            memset(past, 0, sizeof *past);
            tell(f, ON_PAST);
            return;
        }
    }
}

static void on_past_record(struct vpr_follow *f, size_t at, const struct vpr_node_answer *answer)
{
    struct past *past = &f->past[at];

    past->record = NULL;
    if (!answer->ok) {
        return;
    }
    const Viper__V1__Session *s =
        ((const Viper__V1__QuerySessionResponse *)answer->message)->session;
    if (s == NULL || s->number + at != f->tip.session ||
        !copy_hash(&past->session.seed, s->seed)) {
        return;
    }
    past->session.number = s->number;
    past->session.first = s->first;
    past->session.last = s->last;
    past->has_record = true;
    past_is_whole(f, past);
}

static void on_past_params(struct vpr_follow *f, size_t at, const struct vpr_node_answer *answer)
{
    struct past *past = &f->past[at];

    past->params = NULL;
    if (!answer->ok) {
        return;
    }
    const Viper__V1__QueryParamsResponse *m =
        (const Viper__V1__QueryParamsResponse *)answer->message;
    if (m->params != NULL) {
        past->session.params = copy_params(m->params);
        past->has_params = true;
        past_is_whole(f, past);
    }
}

static void on_record_1(void *arg, const struct vpr_node_answer *answer)
{
    on_past_record(arg, 1, answer);
}

static void on_record_2(void *arg, const struct vpr_node_answer *answer)
{
    on_past_record(arg, 2, answer);
}

static void on_params_1(void *arg, const struct vpr_node_answer *answer)
{
    on_past_params(arg, 1, answer);
}

static void on_params_2(void *arg, const struct vpr_node_answer *answer)
{
    on_past_params(arg, 2, answer);
}

static void ask_past(struct vpr_follow *f)
{
    static vpr_node_fn *const on_record[VPR_FOLLOW_SESSIONS] = {NULL, on_record_1, on_record_2};
    static vpr_node_fn *const on_params[VPR_FOLLOW_SESSIONS] = {NULL, on_params_1, on_params_2};

    for (size_t i = 1; i < VPR_FOLLOW_SESSIONS && i <= f->tip.session; i++) {
        const uint64_t number = f->tip.session - i;
        struct past *past = &f->past[i];
        if (f->known[i]) {
            continue;
        }
        if (!past->has_record && past->record == NULL) {
            past->record = vpr_node_get(f->node, &viper__v1__query_session_response__descriptor,
                                        on_record[i], f, "/viper/v1/sessions/%" PRIu64, number);
        }
        if (!past->has_params && past->params == NULL) {
            past->params = vpr_node_get(f->node, &viper__v1__query_params_response__descriptor,
                                        on_params[i], f, "/viper/v1/params?session=%" PRIu64,
                                        number);
        }
    }
}

static bool read_tip(const Viper__V1__QueryChainResponse *m, struct vpr_tip *ret,
                     struct vpr_followed *ret_session)
{
    if (m->params == NULL || strlen(m->chain_id) >= sizeof ret->chain_id || m->first > m->last ||
        !copy_hash(&ret_session->seed, m->seed)) {
        return false;
    }
    snprintf(ret->chain_id, sizeof ret->chain_id, "%s", m->chain_id);
    ret->height = m->height;
    ret->time_s = m->time_s;
    ret->session = m->session;
    ret->first = m->first;
    ret->last = m->last;
    ret->oldest_unsettled = m->oldest_unsettled;
    ret->seen_ms = vpr_mono_ms();
    ret_session->number = m->session;
    ret_session->first = m->first;
    ret_session->last = m->last;
    ret_session->params = copy_params(m->params);
    return true;
}

static void take_tip(struct vpr_follow *f, const struct vpr_tip *tip,
                     const struct vpr_followed *session)
{
    const bool back = f->has_tip && (tip->height < f->tip.height ||
                                     strcmp(tip->chain_id, f->tip.chain_id) != 0);
    const bool fresh = !f->has_tip || back;

    if (fresh) {
        forget_sessions(f);
    } else if (tip->session > f->tip.session) {
        shift_sessions(f, tip->session - f->tip.session);
    } else if (tip->height == f->tip.height) {
        f->tip.seen_ms = tip->seen_ms;
        return;
    }
    const bool opened = !f->known[0];
    f->tip = *tip;
    f->has_tip = true;
    f->sessions[0] = *session;
    f->known[0] = true;
    if (back) {
        tell(f, ON_BACK);
    }
    if (opened) {
        tell(f, ON_SESSION);
    }
    tell(f, ON_HEIGHT);
}

static void take_answer(struct vpr_follow *f, const struct vpr_node_answer *answer)
{
    struct vpr_tip tip;
    struct vpr_followed session;

    if (!read_tip((const Viper__V1__QueryChainResponse *)answer->message, &tip, &session)) {
        return;
    }
    const bool lower = f->has_tip && (tip.height < f->tip.height ||
                                      strcmp(tip.chain_id, f->tip.chain_id) != 0);
    if (lower && f->lower_polls < VPR_FOLLOW_BACK_POLLS) {
        /* A node behind another one, or one that just replays: wait for it. */
        f->lower_polls++;
        return;
    }
    f->lower_polls = 0;
    take_tip(f, &tip, &session);
}

static void on_chain(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_follow *f = arg;

    f->call = NULL;
    if (answer->ok) {
        f->connected = true;
        f->lost = false;
        f->pause_ms = VPR_FOLLOW_POLL_MS;
        take_answer(f, answer);
        if (f->has_tip) {
            ask_past(f);
        }
    } else {
        const bool was = f->lost;
        f->connected = false;
        f->lost = true;
        f->pause_ms = f->pause_ms * 2 > VPR_FOLLOW_PAUSE_MS_MAX ? VPR_FOLLOW_PAUSE_MS_MAX
                                                                : f->pause_ms * 2;
        for (size_t i = 0; !was && i < f->listener_count; i++) {
            if (f->listeners[i].hooks.on_lost != NULL) {
                f->listeners[i].hooks.on_lost(f->listeners[i].arg, answer->error);
            }
        }
    }
    vpr_timer_once(f->timer, jittered(f->pause_ms));
}

static void poll(void *arg)
{
    struct vpr_follow *f = arg;

    f->call = vpr_node_get(f->node, &viper__v1__query_chain_response__descriptor, on_chain, f,
                           "/viper/v1/chain");
    if (f->call == NULL) {
        vpr_timer_once(f->timer, jittered(VPR_FOLLOW_POLL_MS));
    }
}

struct vpr_follow *vpr_follow_create(struct vpr_loop *loop, struct vpr_node *node)
{
    struct vpr_follow *f = vpr_mem_alloc(sizeof *f);

    f->node = node;
    f->pause_ms = VPR_FOLLOW_POLL_MS;
    f->timer = vpr_timer_create(loop, poll, f);
    vpr_timer_once(f->timer, 0);
    return f;
}

void vpr_follow_destroy(struct vpr_follow *f)
{
    if (f == NULL) {
        return;
    }
    forget_sessions(f);
    vpr_node_cancel(f->call);
    vpr_timer_destroy(f->timer);
    vpr_mem_free(f);
}

void vpr_follow_listen(struct vpr_follow *f, const struct vpr_follow_hooks *hooks, void *arg)
{
    VPR_ASSERT(f->listener_count < VPR_FOLLOW_LISTENERS_MAX);
    f->listeners[f->listener_count] = (struct listener){*hooks, arg};
    f->listener_count++;
}

const struct vpr_tip *vpr_follow_tip(const struct vpr_follow *f)
{
    return f->has_tip ? &f->tip : NULL;
}

const struct vpr_followed *vpr_follow_session(const struct vpr_follow *f, uint64_t number)
{
    if (!f->has_tip || number > f->tip.session) {
        return NULL;
    }
    const uint64_t at = f->tip.session - number;
    return at < VPR_FOLLOW_SESSIONS && f->known[at] ? &f->sessions[at] : NULL;
}

struct vpr_node *vpr_follow_node(const struct vpr_follow *f)
{
    return f->node;
}

bool vpr_follow_connected(const struct vpr_follow *f)
{
    return f->connected;
}
