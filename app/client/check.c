/* check.c - the lines of `check` that every daemon has. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/client/corpus.h"
#include "app/client/daemon.h"
#include "app/client/purse.h"
#include "app/host/net.h"
#include "app/rules/ids.h"
#include "viper/v1/query.pb-c.h"

#define SESSIONS_AHEAD 2 /* a change counts from then on at the latest */

void vpr_daemon_say(struct vpr_daemon *d, bool good, const char *next, const char *what,
                    const char *fmt, ...)
{
    va_list args;

    printf("%-8s ", what);
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    printf("\n");
    if (!good) {
        printf("         next: %s\n", next);
        d->good = false;
    }
}

const ProtobufCMessage *vpr_daemon_ask(struct vpr_daemon *d, const char *path,
                                       const ProtobufCMessageDescriptor *response,
                                       const char *missing)
{
    const ProtobufCMessage *message = NULL;
    struct vpr_err err;

    const enum vpr_code code =
        vpr_node_ask(&message, &d->arena, d->base.node, path, response, &err);
    if (code == VPR_OK) {
        return message;
    }
    /* A 404 has the node's sentence; no answer at all has the same code. */
    const ProtobufCMessage *chain = NULL;
    struct vpr_err none;
    const bool up = vpr_node_ask(&chain, &d->arena, d->base.node, "/viper/v1/chain",
                                 &viper__v1__query_chain_response__descriptor,
                                 &none) == VPR_OK;
    vpr_daemon_say(d, false,
                   up ? missing : "start viperd, or correct `node` (its REST address)", "node",
                   "%s: %s", d->base.node, up ? err.text : none.text);
    return NULL;
}

void vpr_daemon_check_fees(struct vpr_daemon *d)
{
    char text[VPR_ADDRESS_TEXT_MAX], path[128], next[256];

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &vpr_key_info(d->keys[0])->address);
    snprintf(path, sizeof path, "/viper/v1/accounts/%s", text);
    snprintf(next, sizeof next, "send it some VIPR for fees: viperd tx bank send FROM %s 10vipr",
             text);
    const Viper__V1__QueryAccountInfoResponse *m =
        (const Viper__V1__QueryAccountInfoResponse *)vpr_daemon_ask(
            d, path, &viper__v1__query_account_info_response__descriptor, next);
    if (m != NULL) {
        const uint64_t balance = m->account == NULL ? 0 : m->account->balance_uvipr;
        vpr_daemon_say(d, balance >= VPR_PURSE_LOW_UVIPR, next, "fees",
                       "operator %s holds %" PRIu64 " uvipr", text, balance);
    }
}

void vpr_daemon_check_corpus(struct vpr_daemon *d, const char *path, uint32_t chain,
                             struct vpr_bytes hash, const char *next)
{
    struct vpr_corpus *corpus = NULL;
    struct vpr_err err;

    if (vpr_corpus_load(&corpus, path, &err) != VPR_OK) {
        vpr_daemon_say(d, false, next, "corpus", "%04x: %s", chain, err.text);
        return;
    }
    const struct vpr_hash *has = vpr_corpus_hash(corpus);
    const bool same = vpr_bytes_equal(hash, vpr_bytes_of(has->b, sizeof has->b));
    vpr_daemon_say(d, same, next, "corpus", "%04x %s: %zu templates, %s", chain, path,
                   vpr_corpus_count(corpus), same ? "that of the chain" : "NOT that of the chain");
    vpr_corpus_destroy(corpus);
}

/* ---- what counts only from a later session on ---- */

static const ProtobufCMessage *ask_quietly(struct vpr_daemon *d, const char *path,
                                           const ProtobufCMessageDescriptor *response)
{
    const ProtobufCMessage *message = NULL;
    struct vpr_err err;

    return vpr_node_ask(&message, &d->arena, d->base.node, path, response, &err) == VPR_OK
               ? message
               : NULL;
}

bool vpr_daemon_holds(struct vpr_daemon *d, const char *path,
                      const ProtobufCMessageDescriptor *response, vpr_daemon_holds_fn *holds,
                      const ProtobufCMessage *now, struct vpr_daemon_later *ret)
{
    char later[VPR_NODE_PATH_BYTES_MAX];

    *ret = (struct vpr_daemon_later){.text = ""};
    if (holds(d, now)) {
        return true;
    }
    const Viper__V1__QueryChainResponse *chain = (const Viper__V1__QueryChainResponse *)ask_quietly(
        d, "/viper/v1/chain", &viper__v1__query_chain_response__descriptor);
    for (uint64_t ahead = 1; chain != NULL && ahead <= SESSIONS_AHEAD; ahead++) {
        snprintf(later, sizeof later, "%s?session=%" PRIu64, path, chain->session + ahead);
        const ProtobufCMessage *m = ask_quietly(d, later, response);
        if (m != NULL && holds(d, m)) {
            ret->session = chain->session + ahead;
            snprintf(ret->text, sizeof ret->text, "counts from session %" PRIu64
                     " on, it is session %" PRIu64 ": wait", ret->session, chain->session);
            return false;
        }
    }
    return false;
}

/* ---- ports ---- */

/* Whether a daemon has the home: it holds the lock for as long as it lives. */
static bool runs(const struct vpr_daemon *d)
{
    char path[VPR_DAEMON_HOME_MAX + 16];

    snprintf(path, sizeof path, "%s/lock", d->home);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false; /* never started here */
    }
    const bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return taken;
}

/* 0, or the errno of listening there; as the daemon does it. */
static int try_listen(const char *text)
{
    char host[VPR_LISTEN_HOST_MAX];
    struct vpr_addr addr;
    const int one = 1;
    uint16_t port;

    if (!vpr_listen_parse(host, &port, text) || !vpr_addr_parse(&addr, host, port)) {
        return EINVAL;
    }
    const int fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const bool ok = bind(fd, (struct sockaddr *)&addr.sa, addr.len) == 0 && listen(fd, 1) == 0;
    const int error = ok ? 0 : errno;
    close(fd);
    return error;
}

static const char *listen_advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another process listens there, `ss -ltnp` tells which: stop it, or choose another "
               "port";
    case EADDRNOTAVAIL:
        return "this machine has no such address: `ip addr` tells which it has";
    case EACCES:
        return "ports below 1024 are root's: choose a higher one";
    default:
        return "correct it";
    }
}

void vpr_daemon_check_listen(struct vpr_daemon *d, const char *name, const char *text)
{
    if (text[0] == '\0') {
        return;
    }
    const bool mine = runs(d);
    const int error = try_listen(text);
    if (error == EADDRINUSE && mine) {
        vpr_daemon_say(d, true, "", "port", "%s %s: in use, %s runs in this home", name, text,
                       d->kind->name);
    } else if (error == 0 && mine) {
        vpr_daemon_say(d, false, "it was started before the config was changed: restart it",
                       "port", "%s %s: free, though %s runs in this home", name, text,
                       d->kind->name);
    } else {
        vpr_daemon_say(d, error == 0, listen_advice(error), "port", "%s %s: %s", name, text,
                       error == 0 ? "free" : strerror(error));
    }
}
