/* loop.h - the event loop: timers, signals, and work posted by other threads.
 *
 * One thread runs a loop and alone touches what hangs on it; the exceptions are
 * vpr_loop_post and vpr_loop_stop, which any thread may call.  Thin over libevent, without
 * its locks. */
#ifndef VPR_HOST_LOOP_H
#define VPR_HOST_LOOP_H

#include "app/base/base.h"

#define VPR_LOOP_POSTS_MAX 16384 /* waiting at one time */
#define VPR_LOOP_SIGNALS_MAX 8
#define VPR_LOOP_SCRATCH_BYTES (256 * 1024)

struct event_base;
struct vpr_loop;
struct vpr_timer;
struct vpr_idle;

typedef void vpr_loop_fn(void *arg);

struct vpr_loop *vpr_loop_create(void);
void vpr_loop_destroy(struct vpr_loop *loop); /* NULL is fine; posts still waiting are lost */
struct event_base *vpr_loop_base(struct vpr_loop *loop);

/* Until vpr_loop_stop. */
void vpr_loop_run(struct vpr_loop *loop);
/* What is ready now, without waiting. */
void vpr_loop_turn(struct vpr_loop *loop);
void vpr_loop_stop(struct vpr_loop *loop);

/* Run fn(arg) on the loop's thread, in order of posting; false when the queue is full. */
VPR_MUST_USE bool vpr_loop_post(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg);

/* At most VPR_LOOP_SIGNALS_MAX of them. */
void vpr_loop_on_signal(struct vpr_loop *loop, int signo, vpr_loop_fn *fn, void *arg);

/* VPR_LOOP_SCRATCH_BYTES that streams read into: its contents are below every on_data. */
uint8_t *vpr_loop_scratch(struct vpr_loop *loop);

struct vpr_timer *vpr_timer_create(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg);
void vpr_timer_destroy(struct vpr_timer *timer); /* also inside its own callback */
void vpr_timer_once(struct vpr_timer *timer, uint64_t delay_ms); /* replaces a pending one */
void vpr_timer_every(struct vpr_timer *timer, uint64_t period_ms);
void vpr_timer_stop(struct vpr_timer *timer);
bool vpr_timer_pending(const struct vpr_timer *timer);

/* Work that gains by waiting: after vpr_idle_ask, fn runs once, as soon as no socket, timer or
 * post is ready.  Under load that may never be: who asks has a bound of its own. */
struct vpr_idle *vpr_idle_create(struct vpr_loop *loop, vpr_loop_fn *fn, void *arg);
void vpr_idle_destroy(struct vpr_idle *idle); /* NULL is fine */
void vpr_idle_ask(struct vpr_idle *idle);     /* on the loop's thread */

uint64_t vpr_mono_us(void);
uint64_t vpr_mono_ms(void);
uint64_t vpr_wall_us(void); /* since 1970, UTC */
uint64_t vpr_wall_ms(void);

#endif
