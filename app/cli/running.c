#include "app/cli/running.h"

#include "app/cli/dossier.h"

#define POOLS_MAX 16 /* chains of a servicer are 15 at most */
#define SIDS_MAX 64  /* whose cards are read again */

#define SAY(sums, ...) vpr_buf_printf(&(sums)->cli->out, __VA_ARGS__)

struct moves {
    struct vpr_sums *sums;
    const char *servicer;
    uint64_t session;
    struct vpr_found moves[POOLS_MAX];
    size_t count;
};

static void on_move(void *arg, const struct vpr_found *f)
{
    struct moves *m = arg;
    if (strcmp(f->type, "score") == 0 && m->count < POOLS_MAX &&
        vpr_found_u64(f, "session") == m->session &&
        vpr_found_is(f, "servicer", m->servicer)) {
        m->moves[m->count++] = vpr_found_keep(m->sums->cli, f);
    }
}

/* ---- the mean ---- */

/* The sids of a pool's session that anybody committed. */
struct sids {
    struct vpr_cli *cli;
    const char *chain, *zone;
    uint64_t session;
    const char *sids[SIDS_MAX];
    size_t count;
    bool more;
};

static void on_sid(void *arg, const struct vpr_found *f)
{
    struct sids *s = arg;
    if (strcmp(f->type, "verify_sid") != 0 || vpr_found_u64(f, "session") != s->session ||
        !vpr_found_is(f, "chain", s->chain) || !vpr_found_is(f, "zone", s->zone)) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (vpr_found_is(f, "sid", s->sids[i])) {
            return; /* its entries were of two blocks */
        }
    }
    s->more = s->more || s->count == SIDS_MAX;
    if (s->count < SIDS_MAX) {
        s->sids[s->count++] = vpr_found_text(s->cli, f, "sid");
    }
}

/* The servicer's median in a sid, with its weight. */
static int add_median(struct moves *m, const char *node, const char *sid,
                      struct vpr_score_sum *sum)
{
    struct vpr_cli *cli = m->sums->cli;
    size_t mark = vpr_arena_mark(&cli->arena);
    struct vpr_dossier *d = VPR_ARENA_NEW(&cli->arena, struct vpr_dossier);
    struct vpr_dossier_score score;
    int left = vpr_cli_dossier(cli, node, sid, d);
    for (size_t i = 0; left == VPR_CLI_OK && i < d->servicer_count; i++) {
        if (strcmp(d->servicers[i].id, m->servicer) != 0) {
            continue;
        }
        vpr_dossier_score(d, i, &score);
        if (!score.has_median) {
            continue;
        }
        SAY(m->sums, "  requestor %s: median %" PRIu32 " x budget %" PRIu64 " x share %" PRIu64
            "\n", d->requestor, score.median, d->budget, d->share_ppm);
        if (!vpr_score_sum_add(sum, score.median, (vpr_u128)d->budget * d->share_ppm)) {
            return vpr_cli_fail(cli, VPR_CLI_REFUSED, "weights that no chain has");
        }
    }
    vpr_arena_release(&cli->arena, mark);
    return left;
}

static int say_mean(struct moves *m, const char *node, const struct vpr_found *move)
{
    struct vpr_cli *cli = m->sums->cli;
    struct sids *s = VPR_ARENA_NEW(&cli->arena, struct sids);
    struct vpr_score_sum sum = {0, 0};
    *s = (struct sids){.cli = cli, .chain = vpr_found_text(cli, move, "chain"),
                       .zone = vpr_found_text(cli, move, "zone"), .session = m->session};
    int left = vpr_cli_search(cli, node,
                              vpr_arena_text(&cli->arena,
                                             "verify_sid.session=%" PRIu64
                                             " AND verify_sid.chain='%s'", s->session, s->chain),
                              false, on_sid, s);
    if (s->more) {
        SAY(m->sums, "  of more than %d sids: the mean is not checked\n", SIDS_MAX);
        return left;
    }
    for (size_t i = 0; i < s->count && left == VPR_CLI_OK; i++) {
        left = add_median(m, node, s->sids[i], &sum);
    }
    if (left == VPR_CLI_OK) {
        vpr_sums_hold(m->sums, "mean_ppm", sum.weight > 0 ? vpr_score_sum_mean(&sum) : 0,
                      vpr_found_u64(move, "mean_ppm"));
    }
    return left;
}

/* ---- the move ---- */

static int say_move(struct moves *m, const char *node, const struct vpr_found *move)
{
    struct vpr_cli *cli = m->sums->cli;
    uint64_t old = vpr_found_u64(move, "old_ppm"), mean = vpr_found_u64(move, "mean_ppm");
    uint64_t alpha = vpr_found_u64(move, "alpha_ppm");
    if (old > VPR_PPM || mean > VPR_PPM || alpha > VPR_PPM) {
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "the node said a score above 10^6 ppm");
    }
    uint32_t moved = vpr_score_moved((uint32_t)old, (uint32_t)mean, (uint32_t)alpha);
    SAY(m->sums, "\nrunning score, chain %s, zone %s: floor((%" PRIu64 " x (10^6 - %" PRIu64
        ") + mean %" PRIu64 " x %" PRIu64 ") / 10^6) = %" PRIu32 " ppm\n",
        vpr_found_text(cli, move, "chain"), vpr_found_text(cli, move, "zone"), old, alpha, mean,
        alpha, moved);
    vpr_sums_hold(m->sums, "score_ppm", moved, vpr_found_u64(move, "score_ppm"));
    return say_mean(m, node, move);
}

int vpr_cli_running(struct vpr_sums *sums, const char *node, const char *servicer,
                    uint64_t session)
{
    struct vpr_cli *cli = sums->cli;
    struct moves *m = VPR_ARENA_NEW(&cli->arena, struct moves);
    *m = (struct moves){.sums = sums, .servicer = servicer, .session = session};
    int left = vpr_cli_search(cli, node,
                              vpr_arena_text(&cli->arena,
                                             "score.servicer='%s' AND score.session=%" PRIu64,
                                             servicer, session),
                              false, on_move, m);
    for (size_t i = 0; i < m->count && left == VPR_CLI_OK; i++) {
        left = say_move(m, node, &m->moves[i]);
    }
    return left;
}
