#include "fisherman/fisherman.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/client/daemon.h"
#include "app/client/page.h"
#include "app/client/purse.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "fisherman/report.h"
#include "fisherman/watch.h"

#define REPORTS_MAX 16
#define PACE_BLOCKS 32 /* the last ones, over which the pace of blocks is measured */
#define BOOKS_MAX 1024 /* looked at when starting */

static const char *const sample_names[] = {"silent", "answered", "refused"};
static const char *const post_names[] = {"sample", "unreachable", "denied", "invalid"};
static const char *const verdict_names[] = {"none", "correct", "wrong"};
static const char *const step_names[] = {"reported", "revealed", "lost"};
static const uint64_t latency_ms[] = {1,   2,   5,   10,   25,   50,   100,
                                      250, 500, 1000, 2500, 5000, 10000};

static const struct vpr_metric rows[VPR_ROWS] = {
    [VPR_ROW_SAMPLES] = {.name = "viper_fisherman_samples_total", .type = VPR_COUNTER,
                         .help = "Samples by what the servicer did.",
                         .labels = {{"answer", sample_names, VPR_COUNT(sample_names)}}},
    [VPR_ROW_POSTS] = {.name = "viper_fisherman_posts_total", .type = VPR_COUNTER,
                       .help = "Posts to gateways by outcome; all but samples count against "
                               "nobody.",
                       .labels = {{"outcome", post_names, VPR_COUNT(post_names)}}},
    [VPR_ROW_VERDICTS] = {.name = "viper_fisherman_verdicts_total", .type = VPR_COUNTER,
                          .help = "Answers by verdict.",
                          .labels = {{"verdict", verdict_names, VPR_COUNT(verdict_names)}}},
    [VPR_ROW_LATENCY] = {.name = "viper_fisherman_latency_seconds", .type = VPR_HISTOGRAM,
                         .help = "From post to answer, without the way to the gateway.",
                         .scale = 1000, .buckets = latency_ms,
                         .bucket_count = VPR_COUNT(latency_ms)},
    [VPR_ROW_CARDS] = {.name = "viper_fisherman_cards_total", .type = VPR_COUNTER,
                       .help = "Cards by how far they came.",
                       .labels = {{"step", step_names, VPR_COUNT(step_names)}}},
    [VPR_ROW_REWARD] = {.name = "viper_fisherman_expected_reward_uvipr_total",
                        .type = VPR_COUNTER,
                        .help = "What revealed cards were going to earn, in uvipr."},
    [VPR_ROW_SIDS] = {.name = "viper_fisherman_sids", .type = VPR_GAUGE,
                      .help = "Seats in the running session."},
    [VPR_ROW_SIDS_BEYOND] = {.name = "viper_fisherman_sids_beyond", .type = VPR_GAUGE,
                             .help = "Seats in the running session that are too many to "
                                     "sample."},
    [VPR_ROW_OPEN] = {.name = "viper_fisherman_sessions_unsettled", .type = VPR_GAUGE,
                      .help = "Sessions that are over and not settled."},
    [VPR_ROW_ROUND_TRIP] = {.name = "viper_fisherman_gateway_round_trip_seconds",
                            .type = VPR_GAUGE, .scale = 1000000,
                            .help = "The slowest gateway's round trip, which is taken off."},
    [VPR_ROW_HEIGHT] = {.name = "viper_fisherman_height", .type = VPR_GAUGE,
                        .help = "Last block seen."},
    [VPR_ROW_CONNECTED] = {.name = "viper_fisherman_node_connected", .type = VPR_GAUGE,
                           .help = "1 while the node answers."},
    [VPR_ROW_BALANCE] = {.name = "viper_fisherman_operator_balance_uvipr", .type = VPR_GAUGE,
                         .help = "What the operator's account holds for fees, in uvipr."},
    [VPR_ROW_DISK] = {.name = "viper_fisherman_disk_free_bytes", .type = VPR_GAUGE,
                      .help = "What is left where the samples are written."},
};

struct vpr_fisherman {
    struct vpr_fishing fishing;
    char dir[VPR_BOOK_PATH_MAX - 64], corpus_dir[VPR_BOOK_PATH_MAX - 64];
    const struct vpr_key *operator_key;
    struct vpr_page *page;
    struct vpr_purse *purse;
    struct vpr_watch *running, *ending;
    size_t report_count;
    struct vpr_report *reports[REPORTS_MAX];
    struct {
        uint64_t height, ms;
    } paces[PACE_BLOCKS];
    size_t pace_count;
};

/* ---- metrics ---- */

static void set(struct vpr_fisherman *f, enum vpr_fishing_row row, uint64_t value)
{
    vpr_metric_set(f->fishing.metrics, row, 0, 0, (int64_t)value);
}

static void refresh(void *arg)
{
    struct vpr_fisherman *f = arg;
    const struct vpr_tip *tip = vpr_follow_tip(f->fishing.follow);

    set(f, VPR_ROW_SIDS, f->running == NULL ? 0 : vpr_watch_sids(f->running));
    set(f, VPR_ROW_SIDS_BEYOND, f->running == NULL ? 0 : vpr_watch_sids_beyond(f->running));
    set(f, VPR_ROW_OPEN, f->report_count + (f->ending == NULL ? 0 : 1));
    set(f, VPR_ROW_HEIGHT, tip == NULL ? 0 : tip->height);
    set(f, VPR_ROW_CONNECTED, vpr_follow_connected(f->fishing.follow) ? 1 : 0);
    set(f, VPR_ROW_DISK, vpr_disk_free(f->dir));
}

/* Follows the chain, has sampled lately where it has seats, and can pay for its cards. */
static void say_able(void *arg, struct vpr_able *able)
{
    const struct vpr_fisherman *f = arg;
    const struct vpr_tip *tip = vpr_follow_tip(f->fishing.follow);

    vpr_able_node(able, f->fishing.follow);
    if (f->running == NULL || vpr_watch_session(f->running) != tip->session) {
        vpr_able_not(able, "the running session is not open here");
    } else if (vpr_watch_sids(f->running) > 0) {
        const uint64_t half = (tip->last - tip->first + 1) / 2;
        const uint64_t since =
            f->fishing.sampled_height > tip->first ? f->fishing.sampled_height : tip->first;
        if (tip->height > since + half) {
            vpr_able_not(able, "seats, but no sample for %" PRIu64 " blocks: gateways and "
                         "servicers, viper_fisherman_posts_total", tip->height - since);
        }
    }
    vpr_able_fees(able, vpr_purse_balance_uvipr(f->purse));
}

static void count_verdicts(struct vpr_fisherman *f, const struct vpr_book *book)
{
    for (uint32_t i = 0; i < book->sample_count; i++) {
        const struct vpr_sample *s = &book->samples[i]->sample;
        if (s->answer == VPR_SAMPLE_ANSWERED) {
            vpr_metric_add(f->fishing.metrics, VPR_ROW_VERDICTS, s->verdict, 0, 1);
        }
    }
}

/* ---- past sessions ---- */

static bool has_report(const struct vpr_fisherman *f, uint64_t session)
{
    for (size_t i = 0; i < f->report_count; i++) {
        if (vpr_report_session(f->reports[i]) == session) {
            return true;
        }
    }
    return false;
}

static void add_report(struct vpr_fisherman *f, struct vpr_book *book, bool drawn)
{
    if (f->report_count == REPORTS_MAX || has_report(f, book->session)) {
        vpr_log_warn("fisherman", "too many sessions are past", "session=%" PRIu64,
                     book->session);
        vpr_book_close(book);
        return;
    }
    const bool ended = book->ended;
    f->reports[f->report_count++] = vpr_report_create(&f->fishing, book, drawn);
    if (!ended) {
        count_verdicts(f, book);
    }
}

static void pass_reports(struct vpr_fisherman *f)
{
    for (size_t i = 0; i < f->report_count;) {
        vpr_report_height(f->reports[i]);
        if (vpr_report_over(f->reports[i])) {
            vpr_report_destroy(f->reports[i]);
            f->reports[i] = f->reports[--f->report_count];
        } else {
            i++;
        }
    }
}

/* "00000000000000000042.book". */
static bool session_of(uint64_t *ret, const char *name)
{
    char *end = NULL;

    if (strlen(name) != 25 || strcmp(name + 20, ".book") != 0 || name[0] != '0') {
        return false;
    }
    *ret = strtoull(name, &end, 10);
    return end == name + 20;
}

static bool in_hand(const struct vpr_fisherman *f, uint64_t session)
{
    return (f->running != NULL && vpr_watch_session(f->running) == session) ||
           (f->ending != NULL && vpr_watch_session(f->ending) == session) ||
           has_report(f, session);
}

static void find_book(struct vpr_fisherman *f, uint64_t session, const struct vpr_tip *tip)
{
    struct vpr_book *book = NULL;
    struct vpr_err err;

    if (session >= tip->session || in_hand(f, session)) {
        return; /* the running one's is for its watch */
    }
    if (vpr_book_read(&book, f->dir, session, &f->fishing.fisherman, &err) != VPR_OK) {
        char path[VPR_BOOK_PATH_MAX];
        vpr_log_warn("fisherman", "book of no use", "session=%" PRIu64 " reason=%s", session,
                     err.text);
        if (session + 3 < tip->session) {
            vpr_book_path(path, f->dir, session);
            (void)unlink(path);
        }
        return;
    }
    if (book->last >= tip->height || tip->session > session + 3) {
        /* Of another chain, or too old to matter. */
        (void)unlink(book->path);
        vpr_book_close(book);
        return;
    }
    add_report(f, book, false);
}

/* Of earlier runs, in every session: a node that was behind when we started may have hurried
 * past more than one since. */
static void find_books(struct vpr_fisherman *f, const struct vpr_tip *tip)
{
    uint64_t sessions[BOOKS_MAX];
    size_t count = 0;
    DIR *dir = opendir(f->dir);

    if (dir == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(dir); e != NULL && count < BOOKS_MAX;
         e = readdir(dir)) {
        count += session_of(&sessions[count], e->d_name) ? 1 : 0;
    }
    closedir(dir);
    for (size_t i = 0; i < count; i++) {
        find_book(f, sessions[i], tip);
    }
}

/* ---- the chain goes on ---- */

static void end_watch(struct vpr_fisherman *f)
{
    bool drawn = false;

    if (f->ending != NULL && vpr_watch_over(f->ending)) {
        struct vpr_book *book = vpr_watch_finish(f->ending, &drawn);
        f->ending = NULL;
        add_report(f, book, drawn);
    }
}

/* Again at the next block, if it has failed: a disk that is full may get room. */
static void watch_running(struct vpr_fisherman *f)
{
    const struct vpr_tip *tip = vpr_follow_tip(f->fishing.follow);
    const struct vpr_followed *session = vpr_follow_session(f->fishing.follow, tip->session);

    if (f->running == NULL && session != NULL) {
        f->running = vpr_watch_create(&f->fishing, session);
    }
}

static void on_session(void *arg)
{
    struct vpr_fisherman *f = arg;
    const struct vpr_tip *tip = vpr_follow_tip(f->fishing.follow);

    if (f->running != NULL && vpr_watch_session(f->running) != tip->session) {
        if (f->ending != NULL) {
            bool drawn = false;
            struct vpr_book *book = vpr_watch_finish(f->ending, &drawn);
            add_report(f, book, drawn);
        }
        f->ending = f->running;
        f->running = NULL;
        vpr_watch_height(f->ending);
    }
    find_books(f, tip);
    watch_running(f);
}

/* Milliseconds a block over the last ones, by our own clock. */
static void measure_pace(struct vpr_fisherman *f, const struct vpr_tip *tip)
{
    const size_t kept = f->pace_count < PACE_BLOCKS ? f->pace_count : PACE_BLOCKS;
    const size_t newest = f->pace_count % PACE_BLOCKS;
    const size_t oldest = f->pace_count < PACE_BLOCKS ? 0 : newest;

    if (kept >= 2 && tip->height > f->paces[oldest].height) {
        f->fishing.block_ms = (tip->seen_ms - f->paces[oldest].ms) /
                              (tip->height - f->paces[oldest].height);
    }
    f->paces[newest].height = tip->height;
    f->paces[newest].ms = tip->seen_ms;
    f->pace_count++;
}

static void on_height(void *arg)
{
    struct vpr_fisherman *f = arg;

    measure_pace(f, vpr_follow_tip(f->fishing.follow));
    watch_running(f);
    if (f->running != NULL) {
        vpr_watch_height(f->running);
    }
    end_watch(f);
    pass_reports(f);
}

static void on_past(void *arg)
{
    pass_reports(arg);
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    vpr_log_warn("fisherman", "node does not answer", "reason=%s", why == NULL ? "" : why);
}

/* Another chain behind the same URL, or one rolled back: what we have is of no use there. */
static void on_back(void *arg)
{
    struct vpr_fisherman *f = arg;

    vpr_log_error("fisherman", "the node went back: start again", NULL);
    vpr_loop_stop(f->fishing.loop);
}

static const struct vpr_follow_hooks hooks = {.on_height = on_height, .on_session = on_session,
                                              .on_past = on_past, .on_lost = on_lost,
                                              .on_back = on_back};

/* ---- keys ---- */

static void sign_shadow(void *arg, struct vpr_signature *ret, const struct vpr_hash *digest)
{
    const struct vpr_key *key = arg;

    vpr_key_sign_hash(key, vpr_key_info(key)->kind, ret, digest);
}

/* ---- life ---- */

static enum vpr_code make_shadows(struct vpr_fisherman *f,
                                  const struct vpr_fisherman_conf *conf, struct vpr_err *err)
{
    const struct vpr_key_info *info = vpr_key_info(f->operator_key);
    const struct vpr_shadows_config config = {
        .loop = f->fishing.loop, .allow_private = conf->allow_private_peers,
        .operator_key = vpr_bytes_of(info->public_key, info->public_len),
        .sign = sign_shadow, .sign_arg = (void *)(uintptr_t)f->operator_key};

    return vpr_shadows_create(&f->fishing.shadows, &config, err);
}

static enum vpr_code make_all(struct vpr_fisherman *f, const struct vpr_fisherman_conf *conf,
                              struct vpr_err *err)
{
    struct vpr_fishing *fishing = &f->fishing;

    VPR_TRY(vpr_actor_id(&fishing->fisherman, "fisherman", conf->fisherman, f->operator_key,
                         err));
    vpr_address_text(fishing->fisherman_text, VPR_PREFIX_ACCOUNT, &fishing->fisherman);
    vpr_address_text(fishing->operator_text, VPR_PREFIX_ACCOUNT,
                     &vpr_key_info(f->operator_key)->address);
    VPR_TRY(vpr_dir_make(f->dir, 0700, err));
    VPR_TRY(vpr_node_create(&fishing->node, fishing->loop, conf->node, err));
    fishing->metrics = vpr_metrics_create(rows, VPR_COUNT(rows));
    VPR_TRY(vpr_page_create(&f->page, fishing->loop, conf->metrics_listen, fishing->metrics,
                            refresh, say_able, f, err));
    VPR_TRY(make_shadows(f, conf, err));
    VPR_TRY(vpr_trust_create(&fishing->trust, fishing->loop, conf, err));
    fishing->follow = vpr_follow_create(fishing->loop, fishing->node);
    const struct vpr_submitter_config submitter = {fishing->loop, fishing->follow,
                                                   vpr_key_public(f->operator_key),
                                                   vpr_key_sign_doc,
                                                   (void *)(uintptr_t)f->operator_key};
    fishing->submitter = vpr_submitter_create(&submitter);
    vpr_follow_listen(fishing->follow, &hooks, f);
    const struct vpr_purse_config purse = {
        fishing->loop, fishing->node, vpr_submitter_account(fishing->submitter), "fisherman",
        fishing->metrics, VPR_ROW_BALANCE};
    f->purse = vpr_purse_create(&purse);
    return VPR_OK;
}

enum vpr_code vpr_fisherman_create(struct vpr_fisherman **ret, struct vpr_loop *loop,
                                   const struct vpr_fisherman_conf *conf, const char *home,
                                   const struct vpr_key *operator_key, struct vpr_err *err)
{
    struct vpr_fisherman *f = vpr_mem_alloc(sizeof *f);
    const int len = snprintf(f->dir, sizeof f->dir, "%s/samples", home);
    const int corpus_len = snprintf(f->corpus_dir, sizeof f->corpus_dir, "%s", conf->corpus_dir);
    enum vpr_code code = VPR_OK;

    f->fishing.loop = loop;
    f->fishing.epoch_ms = vpr_wall_ms() - vpr_mono_ms();
    f->fishing.dir = f->dir;
    f->fishing.corpus_dir = f->corpus_dir;
    f->fishing.samples_target = (uint32_t)conf->samples_target;
    f->operator_key = operator_key;
    if (len < 0 || (size_t)len >= sizeof f->dir || corpus_len < 0 ||
        (size_t)corpus_len >= sizeof f->corpus_dir) {
        code = vpr_fail(err, VPR_BAD_FIELD, "the path of the home or of corpus-dir is too long");
    } else {
        code = make_all(f, conf, err);
    }
    if (code != VPR_OK) {
        vpr_fisherman_destroy(f);
        return code;
    }
    *ret = f;
    return VPR_OK;
}

/* Against the flow: first who starts work, then who is asked. */
void vpr_fisherman_destroy(struct vpr_fisherman *f)
{
    if (f == NULL) {
        return;
    }
    vpr_purse_destroy(f->purse);
    vpr_watch_destroy(f->running);
    vpr_watch_destroy(f->ending);
    for (size_t i = 0; i < f->report_count; i++) {
        vpr_report_destroy(f->reports[i]);
    }
    vpr_submitter_destroy(f->fishing.submitter);
    vpr_follow_destroy(f->fishing.follow);
    vpr_shadows_destroy(f->fishing.shadows);
    vpr_trust_destroy(f->fishing.trust);
    vpr_node_destroy(f->fishing.node);
    vpr_page_destroy(f->page);
    if (f->fishing.metrics != NULL) {
        vpr_metrics_destroy(f->fishing.metrics);
    }
    vpr_mem_free(f);
}

void vpr_fisherman_stop(struct vpr_fisherman *f)
{
    vpr_loop_stop(f->fishing.loop);
}

uint16_t vpr_fisherman_metrics_port(const struct vpr_fisherman *f)
{
    return vpr_page_port(f->page);
}
