/* Servicers that claim what they did not serve: all are servicer1. */
#include <stdlib.h>

#include "app/base/hash.h"
#include "tests/driver/adversaries/strategies.h"

#define WHO "servicer1"
#define SEND 3

static void tree_anew(struct ws_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        work->nodes[i] = vpr_leaf_node(&work->leaves[i]);
    }
    VPR_ASSERT(vpr_sumtree_root(&work->root, work->nodes, work->count));
}

/* ---- leaves without a client ---- */

static void serve_nothing(struct play *play, const struct vpr_bench *bench,
                          const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    (void)bench;
    if (market_is(servicer, WHO)) {
        service->claimed_ppm = VPR_PPM;
        service->answered_ppm = 0;
    }
}

/* Its own keys stand for the clients', and sign their own tokens. */
static void make_clients_up(struct play *play, struct ws_work *work)
{
    (void)play;
    if (!market_is(&work->servicer, WHO)) {
        return;
    }
    for (size_t c = 0; c < WS_CLIENTS; c++) {
        struct ws_key *client = &work->clients[c];
        const char *label = c == 0 ? WHO ".junk0" : WHO ".junk1";
        const struct vpr_hash before = client->key;
        client->key = world_ed25519(label);
        world_ed25519_secret(label, client->secret);
        for (size_t i = 0; i < work->count; i++) {
            struct vpr_signed_request *request = &work->leaves[i].request;
            if (vpr_hash_equal(&request->part.client_key, &before)) {
                request->part.client_key = client->key;
                ws_sign_request(request, client);
                work->tails[c] = *request;
            }
        }
        work->tokens[c].client_key = client->key;
        struct vpr_hash hash = vpr_token_hash(&work->tokens[c]);
        vpr_ed25519_sign(&work->tokens[c].signature, hash.b, sizeof hash.b, client->secret);
    }
    tree_anew(work);
}

const struct moves junk = {.serve = serve_nothing, .bend = make_clients_up};

/* ---- one leaf too many ---- */

/* As much again as it served, in a leaf that its client never signed. */
static void add_a_leaf(struct play *play, struct ws_work *work)
{
    (void)play;
    if (!market_is(&work->servicer, WHO)) {
        return;
    }
    VPR_ASSERT(work->count < WS_LEAVES_MAX);
    struct vpr_leaf leaf = work->leaves[work->count - 1];
    leaf.request.part.seq++;
    leaf.request.part.cu = work->root.sum;
    leaf.request.part.cum_cu += work->root.sum;
    work->leaves[work->count++] = leaf; /* with the signature of the one before */
    tree_anew(work);
}

const struct moves inflating = {.bend = add_a_leaf};

/* ---- too late ---- */

static bool keep_for_later(struct play *play, struct job *jobs, size_t count)
{
    (void)play;
    (void)count;
    return market_is(&jobs->work->servicer, WHO);
}

/* Sends the Commit of a shift, whatever the mempool says to it. */
static void commit_now(struct play *play, struct shift *shift)
{
    size_t n;
    for (size_t i = 0; shift != NULL && i < shift->work_count; i += n) {
        n = market_run(&shift->works[i], shift->work_count - i);
        if (market_is(&shift->works[i].work->servicer, WHO)) {
            market_commit(play, &shift->works[i], n, true);
        }
    }
}

/* When the challenge can be seen. */
static void commit_late(struct play *play)
{
    uint64_t session = market_session(play);
    if (session >= 2 && market_at(play, SEND)) {
        commit_now(play, market_shift(play, session - 2));
    }
}

const struct moves late = {.commit = keep_for_later, .step = commit_late};

/* ---- the same again ---- */

static void every_leaf_twice(struct play *play, struct ws_work *work)
{
    (void)play;
    if (!market_is(&work->servicer, WHO)) {
        return;
    }
    VPR_ASSERT(2 * work->count <= WS_LEAVES_MAX);
    for (size_t i = work->count; i-- > 0;) {
        work->leaves[2 * i] = work->leaves[2 * i + 1] = work->leaves[i];
    }
    work->count *= 2;
    tree_anew(work);
}

const struct moves doubling = {.bend = every_leaf_twice};

/* The leaves of what it served the session before are put beside the new ones, as tails too. */
static void last_sessions_leaves(struct play *play, struct ws_work *work)
{
    struct ws_work *last = play->memory;
    if (!market_is(&work->servicer, WHO)) {
        return;
    }
    if (last == NULL) {
        play->memory = last = calloc(1, sizeof *last);
        VPR_ASSERT(last != NULL);
    }
    const struct ws_work now = *work;
    VPR_ASSERT(work->count + last->count <= WS_LEAVES_MAX);
    memcpy(&work->leaves[work->count], last->leaves, last->count * sizeof last->leaves[0]);
    work->count += last->count;
    tree_anew(work);
    *last = now;
}

/* And what is settled is committed once more. */
static void commit_again(struct play *play)
{
    uint64_t session = market_session(play);
    if (session >= 3 && market_at(play, SEND)) {
        commit_now(play, market_shift(play, session - 3));
    }
}

const struct moves replaying = {.bend = last_sessions_leaves, .step = commit_again};

/* ---- dust ---- */

/* Two CU a sid, of which nothing is left after fees if they are dear enough. */
static void make_dust(struct play *play, struct ws_work *work)
{
    (void)play;
    if (market_is(&work->servicer, WHO)) {
        const struct ws_work whole = *work;
        ws_work(work, &whole.bench, &whole.servicer, 1, 1);
    }
}

static bool commit_one_by_one(struct play *play, struct job *jobs, size_t count)
{
    if (!market_is(&jobs->work->servicer, WHO)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        market_commit(play, &jobs[i], 1, false);
    }
    jobs[0].accepted = true;
    return true;
}

static void serve_dust(struct play *play, const struct vpr_bench *bench,
                       const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    (void)bench;
    if (market_is(servicer, WHO)) {
        service->claimed_ppm = service->answered_ppm;
        service->answered_ppm = 0;
    }
}

const struct moves dusting = {
    .serve = serve_dust, .bend = make_dust, .commit = commit_one_by_one};
