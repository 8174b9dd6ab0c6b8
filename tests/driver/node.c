#include "tests/driver/node.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/host/keyring.h"

#define BEACON_KEY "beacon"
#define CONNECT_TRIES 6000 /* of 50 ms */
#define BLAME_BYTES 4096

static void path_of(const struct node *node, char ret[NODE_PATH_MAX + 16], const char *name)
{
    (void)snprintf(ret, NODE_PATH_MAX + 16, "%s/%s", node->home, name);
}

void node_blame(const struct node *node, const char *what)
{
    char path[NODE_PATH_MAX + 16], text[BLAME_BYTES + 1];
    fprintf(stderr, "driver: node %d (%s): %s\n", node->index, node->home, what);
    path_of(node, path, "log");
    FILE *log = fopen(path, "r");
    if (log != NULL) {
        (void)fseek(log, 0, SEEK_END);
        long size = ftell(log);
        (void)fseek(log, size > BLAME_BYTES ? size - BLAME_BYTES : 0, SEEK_SET);
        text[fread(text, 1, BLAME_BYTES, log)] = 0;
        fprintf(stderr, "%s\n", text);
        fclose(log);
    }
}

static void give_up(const struct node *node, const char *what)
{
    node_blame(node, what);
    exit(1);
}

static void keep_secret(const struct node *node, const struct vpr_hash *first, uint64_t length)
{
    const struct vpr_key_wish wish = {BEACON_KEY, VPR_KEYRING_BEACON, VPR_KEYRING_CHAIN, length};
    struct vpr_keyring *ring;
    struct vpr_key_info info;
    struct vpr_err err;
    char hex[65];

    vpr_hex(hex, first->b, sizeof first->b);
    if (vpr_keyring_open(&ring, node->home, "test", NULL, &err) != VPR_OK ||
        vpr_keyring_import(ring, &wish, vpr_bytes_str(hex), &info, &err) != VPR_OK) {
        give_up(node, err.text);
    }
    vpr_keyring_close(ring);
}

void node_create(struct node *node, const char *viperd, const char *folder, int index,
                 int validator, const struct vpr_hash *beacon_first, uint64_t beacon_length)
{
    memset(node, 0, sizeof *node);
    node->viperd = viperd;
    node->index = index;
    node->validator = validator;
    int len = snprintf(node->home, sizeof node->home, "%s/n%d", folder, index);
    VPR_ASSERT(len > 0 && (size_t)len < sizeof node->home);
    if (mkdir(node->home, 0700) != 0) {
        give_up(node, strerror(errno));
    }
    if (validator != 0) {
        keep_secret(node, beacon_first, beacon_length);
    }
}

static void become_viperd(const struct node *node, const char *socket_url)
{
    char path[NODE_PATH_MAX + 16];
    path_of(node, path, "log");
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) {
        _exit(126);
    }
    (void)execl(node->viperd, node->viperd, "start", "--home", node->home, "--address",
                socket_url, "--api-listen", "127.0.0.1:0", "--keyring-backend", "test",
                "--beacon-key", node->validator != 0 ? BEACON_KEY : "", "--log-level", "error",
                (char *)NULL);
    _exit(127);
}

static struct link *connect_to(struct node *node, const char *path)
{
    const struct timespec pause = {0, 50000000};
    for (int i = 0; i < CONNECT_TRIES; i++) {
        struct link *link = link_open(path);
        int status;
        if (link != NULL) {
            return link;
        }
        if (waitpid(node->pid, &status, WNOHANG) == node->pid) {
            node->pid = 0;
            give_up(node, "ended before it listened");
        }
        (void)nanosleep(&pause, NULL);
    }
    give_up(node, "does not listen");
    return NULL;
}

void node_start(struct node *node)
{
    char path[NODE_PATH_MAX + 16], url[NODE_PATH_MAX + 32];
    VPR_ASSERT(node->pid == 0);
    path_of(node, path, "abci.sock");
    (void)snprintf(url, sizeof url, "unix://%s", path);
    node->pid = fork();
    VPR_ASSERT(node->pid >= 0);
    if (node->pid == 0) {
        become_viperd(node, url);
    }
    node->consensus = connect_to(node, path);
    node->queries = connect_to(node, path);
    node->starts++;
}

void node_stop(struct node *node, bool kill9)
{
    int status = 0;
    if (node->pid == 0) {
        return;
    }
    (void)kill(node->pid, kill9 ? SIGKILL : SIGTERM);
    VPR_ASSERT(waitpid(node->pid, &status, 0) == node->pid);
    node->pid = 0;
    link_close(node->consensus);
    link_close(node->queries);
    node->consensus = node->queries = NULL;
    if (!kill9 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        give_up(node, "did not end with 0 after SIGTERM");
    }
}

/* The program's standard output, at most `size` with its 0; false: it did not end with 0. */
static bool told_by(const struct node *node, const char *verb, char *ret_text, size_t size)
{
    int ends[2], status;
    size_t len = 0;
    VPR_ASSERT(pipe(ends) == 0);
    pid_t pid = fork();
    VPR_ASSERT(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(node->viperd, node->viperd, verb, "--home", node->home, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    for (ssize_t n = 1; n > 0 && len < size - 1; len += n > 0 ? (size_t)n : 0) {
        n = read(ends[0], ret_text + len, size - 1 - len);
    }
    ret_text[len] = 0;
    (void)close(ends[0]);
    VPR_ASSERT(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void node_check(const struct node *node, uint64_t height, const struct vpr_hash *app_hash)
{
    char told[512], want[256], hex[65];
    vpr_hex(hex, app_hash->b, sizeof app_hash->b);
    (void)snprintf(want, sizeof want, "{\"height\":\"%" PRIu64 "\",\"app_hash\":\"%s\","
                   "\"invariants\":\"hold\"}\n", height, hex);
    if (!told_by(node, "check-state", told, sizeof told) || strcmp(told, want) != 0) {
        fprintf(stderr, "driver: viperd check-state --home %s: %s\nbut should say %s",
                node->home, told, want);
        exit(1);
    }
}

double node_cpu_s(const struct node *node)
{
    clockid_t clock;
    struct timespec t = {0, 0};
    if (node->pid == 0 || clock_getcpuclockid(node->pid, &clock) != 0 ||
        clock_gettime(clock, &t) != 0) {
        return 0;
    }
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- requests ---- */

const Tendermint__Abci__Response *node_call(struct node *node, struct vpr_arena *arena,
                                            const Tendermint__Abci__Request *request,
                                            Tendermint__Abci__Response__ValueCase want)
{
    link_put(node->consensus, request);
    const Tendermint__Abci__Response *response = link_take(node->consensus, arena);
    if (response == NULL) {
        give_up(node, "closed the connection instead of answering");
        return NULL;
    }
    if (response->value_case != want) {
        bool told = response->value_case == TENDERMINT__ABCI__RESPONSE__VALUE_EXCEPTION;
        give_up(node, told ? response->exception->error : "answered something else");
    }
    return response;
}

struct vpr_bytes node_query(struct node *node, struct vpr_arena *arena, const char *path,
                            const ProtobufCMessage *request, uint32_t *ret_code)
{
    Tendermint__Abci__RequestQuery query = TENDERMINT__ABCI__REQUEST_QUERY__INIT;
    Tendermint__Abci__Request wrapped = TENDERMINT__ABCI__REQUEST__INIT;
    struct vpr_bytes data = vpr_arena_pack(arena, request);

    query.path = vpr_arena_text(arena, "%s", path);
    query.data.data = vpr_arena_copy(arena, data.data, data.len);
    query.data.len = data.len;
    wrapped.value_case = TENDERMINT__ABCI__REQUEST__VALUE_QUERY;
    wrapped.query = &query;
    link_put(node->queries, &wrapped);
    const Tendermint__Abci__Response *response = link_take(node->queries, arena);
    if (response == NULL || response->value_case != TENDERMINT__ABCI__RESPONSE__VALUE_QUERY) {
        give_up(node, path);
        return vpr_bytes_of(NULL, 0);
    }
    *ret_code = response->query->code;
    if (response->query->code != 0) {
        return vpr_bytes_str(response->query->log);
    }
    return vpr_bytes_of(response->query->value.data, response->query->value.len);
}

const ProtobufCMessage *node_ask(struct node *node, struct vpr_arena *arena, const char *path,
                                 const ProtobufCMessage *request,
                                 const ProtobufCMessageDescriptor *response)
{
    uint32_t code;
    struct vpr_bytes bytes = node_query(node, arena, path, request, &code);
    if (code != 0) {
        give_up(node, vpr_arena_text(arena, "%s: %u: %.*s", path, code, (int)bytes.len,
                                     (const char *)bytes.data));
    }
    const ProtobufCMessage *message = vpr_arena_unpack(arena, response, bytes);
    VPR_ASSERT(message != NULL);
    return message;
}
