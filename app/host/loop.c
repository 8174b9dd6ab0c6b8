#include "app/host/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "app/base/mem.h"

/* libevent runs the events of one priority, then looks at the sockets again; what is idle work
 * has the lowest, everything else what libevent gives by itself, the middle one. */
#define PRIORITIES 3
#define PRIORITY_IDLE (PRIORITIES - 1)

struct post {
    vpr_loop_fn *fn;
    void *arg;
};

struct signal_hook {
    struct event *event;
    vpr_loop_fn *fn;
    void *arg;
};

struct vpr_loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    atomic_bool stop;
    uint8_t *scratch;
    size_t signals;
    struct signal_hook signal[VPR_LOOP_SIGNALS_MAX];

    pthread_mutex_t lock; /* guards the rest */
    struct post *posts;   /* ring */
    size_t first, count;
};

struct vpr_timer {
    struct event *event;
    struct vpr_loop *loop;
    vpr_loop_fn *fn;
    void *arg;
    uint64_t period_ms; /* 0: once */
};

struct vpr_idle {
    struct event *event;
    vpr_loop_fn *fn;
    void *arg;
};

static void wake(struct vpr_loop *loop)
{
    const uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static bool take(struct vpr_loop *loop, struct post *ret)
{
    bool some = false;
    pthread_mutex_lock(&loop->lock);
    if (loop->count > 0) {
        *ret = loop->posts[loop->first];
        loop->first = (loop->first + 1) % VPR_LOOP_POSTS_MAX;
        loop->count--;
        some = true;
    }
    pthread_mutex_unlock(&loop->lock);
    return some;
}

/* Only as many posts as were there at the start, so that a post which posts again cannot
 * keep sockets waiting. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct vpr_loop *loop = arg;
    uint64_t unused;
    struct post post;
    (void)what;

    while (read((int)fd, &unused, sizeof unused) < 0 && errno == EINTR) {
    }
    if (atomic_load(&loop->stop)) {
        event_base_loopbreak(loop->base);
        return;
    }
    pthread_mutex_lock(&loop->lock);
    size_t turns = loop->count;
    pthread_mutex_unlock(&loop->lock);
    while (turns > 0 && take(loop, &post)) {
        post.fn(post.arg);
        turns--;
    }
    pthread_mutex_lock(&loop->lock);
    bool more = loop->count > 0;
    pthread_mutex_unlock(&loop->lock);
    if (more) {
        wake(loop);
    }
}

struct vpr_loop *vpr_loop_create(void)
{
    struct vpr_loop *loop = vpr_mem_alloc(sizeof *loop);
    struct event_config *config = event_config_new();

    VPR_ASSERT(config != NULL);
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of one stream */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    /* else timers follow a coarse clock and fire up to 4 ms early */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->base == NULL || loop->wake_fd < 0 ||
        event_base_priority_init(loop->base, PRIORITIES) != 0) {
        VPR_HALT("cannot make an event loop");
    }
    atomic_init(&loop->stop, false);
    pthread_mutex_init(&loop->lock, NULL);
    loop->posts = vpr_mem_alloc(VPR_LOOP_POSTS_MAX * sizeof *loop->posts);
    loop->scratch = vpr_mem_alloc(VPR_LOOP_SCRATCH_BYTES);
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    VPR_ASSERT(loop->wake != NULL && event_add(loop->wake, NULL) == 0);
    return loop;
}

void vpr_loop_destroy(struct vpr_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < loop->signals; i++) {
        event_free(loop->signal[i].event);
    }
    event_free(loop->wake);
    event_base_free(loop->base);
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    vpr_mem_free(loop->posts);
    vpr_mem_free(loop->scratch);
    vpr_mem_free(loop);
}

struct event_base *vpr_loop_base(struct vpr_loop *loop)
{
    return loop->base;
}

uint8_t *vpr_loop_scratch(struct vpr_loop *loop)
{
    return loop->scratch;
}

void vpr_loop_run(struct vpr_loop *loop)
{
    wake(loop); /* posts left over from an earlier run */
    while (!atomic_load(&loop->stop)) {
        if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
            VPR_HALT("the event loop failed");
        }
    }
    atomic_store(&loop->stop, false);
}

void vpr_loop_turn(struct vpr_loop *loop)
{
    if (event_base_loop(loop->base, EVLOOP_NONBLOCK) < 0) {
        VPR_HALT("the event loop failed");
    }
}

void vpr_loop_stop(struct vpr_loop *loop)
{
    atomic_store(&loop->stop, true);
    wake(loop);
}

bool vpr_loop_post(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg)
{
    pthread_mutex_lock(&loop->lock);
    bool room = loop->count < VPR_LOOP_POSTS_MAX;
    bool first = loop->count == 0;
    if (room) {
        loop->posts[(loop->first + loop->count) % VPR_LOOP_POSTS_MAX] = (struct post){fn, arg};
        loop->count++;
    }
    pthread_mutex_unlock(&loop->lock);
    if (room && first) {
        wake(loop);
    }
    return room;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct signal_hook *hook = arg;
    (void)signo;
    (void)what;
    hook->fn(hook->arg);
}

void vpr_loop_on_signal(struct vpr_loop *loop, int signo, vpr_loop_fn *fn, void *arg)
{
    VPR_ASSERT(loop->signals < VPR_LOOP_SIGNALS_MAX);
    struct signal_hook *hook = &loop->signal[loop->signals++];
    hook->fn = fn;
    hook->arg = arg;
    hook->event = evsignal_new(loop->base, signo, on_signal, hook);
    VPR_ASSERT(hook->event != NULL && event_add(hook->event, NULL) == 0);
}

static struct timeval timeval_of(uint64_t ms)
{
    return (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
}

/* Armed again before the call, so that the callback may stop, restart or destroy it. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct vpr_timer *timer = arg;
    (void)fd;
    (void)what;

    if (timer->period_ms > 0) {
        struct timeval tv = timeval_of(timer->period_ms);
        event_add(timer->event, &tv);
    }
    timer->fn(timer->arg);
}

struct vpr_timer *vpr_timer_create(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg)
{
    struct vpr_timer *timer = vpr_mem_alloc(sizeof *timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    timer->event = evtimer_new(loop->base, on_timer, timer);
    VPR_ASSERT(timer->event != NULL);
    return timer;
}

void vpr_timer_destroy(struct vpr_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    event_free(timer->event);
    vpr_mem_free(timer);
}

static void arm(struct vpr_timer *timer, uint64_t ms)
{
    struct timeval tv = timeval_of(ms);
    VPR_ASSERT(event_add(timer->event, &tv) == 0);
}

void vpr_timer_once(struct vpr_timer *timer, uint64_t delay_ms)
{
    timer->period_ms = 0;
    arm(timer, delay_ms);
}

void vpr_timer_every(struct vpr_timer *timer, uint64_t period_ms)
{
    VPR_ASSERT(period_ms > 0);
    timer->period_ms = period_ms;
    arm(timer, period_ms);
}

void vpr_timer_stop(struct vpr_timer *timer)
{
    timer->period_ms = 0;
    event_del(timer->event);
}

bool vpr_timer_pending(const struct vpr_timer *timer)
{
    return event_pending(timer->event, EV_TIMEOUT, NULL) != 0;
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct vpr_idle *idle = arg;
    (void)fd;
    (void)what;
    idle->fn(idle->arg);
}

struct vpr_idle *vpr_idle_create(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg)
{
    struct vpr_idle *idle = vpr_mem_alloc(sizeof *idle);
    idle->fn = fn;
    idle->arg = arg;
    idle->event = event_new(loop->base, -1, 0, on_idle, idle);
    VPR_ASSERT(idle->event != NULL && event_priority_set(idle->event, PRIORITY_IDLE) == 0);
    return idle;
}

void vpr_idle_destroy(struct vpr_idle *idle)
{
    if (idle != NULL) {
        event_free(idle->event);
        vpr_mem_free(idle);
    }
}

void vpr_idle_ask(struct vpr_idle *idle)
{
    event_active(idle->event, EV_TIMEOUT, 0); /* asked already: still once */
}

static uint64_t clock_us(clockid_t id)
{
    struct timespec ts;
    VPR_ASSERT(clock_gettime(id, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t vpr_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

uint64_t vpr_mono_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t vpr_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

uint64_t vpr_wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}
