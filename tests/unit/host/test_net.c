/* Names that are looked up; a server of names that does not answer is played by a getaddrinfo
 * of our own, which the linker prefers to the system's. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/host/loop.h"
#include "app/host/net.h"
#include "tests/unit/host/suites.h"

#define SLOW_MS 1500

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name != NULL && strncmp(name, "slow-", 5) == 0) {
        usleep(SLOW_MS * 1000);
        return EAI_AGAIN;
    }
    return real(name != NULL && strcmp(name, "quick.test") == 0 ? "127.0.0.1" : name, service,
                hints, ret);
}

struct question {
    struct vpr_loop *loop;
    bool done;
    size_t count;
};

static void on_resolved(void *arg, const struct vpr_addr *addrs, size_t count)
{
    struct question *q = arg;

    (void)addrs;
    q->done = true;
    q->count = count;
}

static void turn_until(struct vpr_loop *loop, const bool *done, uint64_t ms)
{
    const uint64_t end = vpr_mono_ms() + ms;

    while (!*done && vpr_mono_ms() < end) {
        vpr_loop_turn(loop);
        usleep(1000);
    }
}

/* Whoever has a name can make its servers hang: others' names must not wait for it. */
START_TEST(names_that_hang_do_not_hold_up_the_others)
{
    struct vpr_loop *loop = vpr_loop_create();
    struct vpr_resolver *resolver = vpr_resolver_create(loop);
    struct question slow[3] = {{0}}, quick = {0};
    char name[32];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "slow-%d.test", i);
        ck_assert(vpr_resolver_start(resolver, name, 80, on_resolved, &slow[i]));
    }
    ck_assert(vpr_resolver_start(resolver, "quick.test", 80, on_resolved, &quick));
    turn_until(loop, &quick.done, SLOW_MS / 2);
    ck_assert(quick.done);
    ck_assert_uint_eq(quick.count, 1);
    ck_assert(!slow[0].done);
    for (int i = 0; i < 3; i++) {
        turn_until(loop, &slow[i].done, 4 * SLOW_MS);
        ck_assert(slow[i].done);
        ck_assert_uint_eq(slow[i].count, 0);
    }
    vpr_resolver_destroy(resolver);
    vpr_loop_destroy(loop);
}
END_TEST

/* The owner does not wait for look-ups that hang, and is not called back. */
START_TEST(a_resolver_ends_while_names_are_looked_up)
{
    struct vpr_loop *loop = vpr_loop_create();
    struct vpr_resolver *resolver = vpr_resolver_create(loop);
    struct question slow[12] = {{0}};
    char name[32];

    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "slow-%d.test", i);
        ck_assert(vpr_resolver_start(resolver, name, 80, on_resolved, &slow[i]));
    }
    const uint64_t from = vpr_mono_ms();
    vpr_resolver_destroy(resolver);
    ck_assert_uint_lt(vpr_mono_ms() - from, SLOW_MS / 2);
    vpr_loop_turn(loop);
    vpr_loop_destroy(loop);
    usleep((SLOW_MS + 300) * 1000); /* the threads end by themselves */
    for (int i = 0; i < 12; i++) {
        ck_assert(!slow[i].done);
    }
}
END_TEST

Suite *suite_net(void)
{
    Suite *suite = suite_create("net");
    TCase *tests = tcase_create("net");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, names_that_hang_do_not_hold_up_the_others);
    tcase_add_test(tests, a_resolver_ends_while_names_are_looked_up);
    suite_add_tcase(suite, tests);
    return suite;
}
