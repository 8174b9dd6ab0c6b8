/* viper-fisherman - the auditor's daemon. */
#include <stdio.h>

#include "app/client/daemon.h"
#include "app/rules/ids.h"
#include "fisherman/fisherman.h"
#include "viper/v1/query.pb-c.h"

#define PATH_BYTES_MAX 1024

static struct vpr_daemon_base base(const void *arg)
{
    const struct vpr_fisherman_conf *conf = arg;

    return (struct vpr_daemon_base){
        conf->node, conf->keyring_backend, conf->passphrase_file, conf->log_level,
        {{conf->operator_key, VPR_KEYRING_MASK(VPR_KEYRING_OPERATOR)}}};
}

/* ---- check ---- */

static void check_corpus(struct vpr_daemon *d, const Viper__V1__ChainInfo *chain)
{
    const struct vpr_fisherman_conf *conf = d->kind->conf;
    static const char next[] = "put the chain's file there (deploy/corpus, or the chain's "
                               "owner); until then this chain is not sampled";
    char path[PATH_BYTES_MAX];

    snprintf(path, sizeof path, "%s/%04x.jsonl", conf->corpus_dir, chain->id);
    vpr_daemon_check_corpus(d, path, chain->id,
                            vpr_bytes_of(chain->corpus_hash.data, chain->corpus_hash.len), next);
}

static void check_chains(struct vpr_daemon *d, const Viper__V1__QueryFishermanResponse *me)
{
    const Viper__V1__QueryChainsResponse *m =
        (const Viper__V1__QueryChainsResponse *)vpr_daemon_ask(
            d, "/viper/v1/chains", &viper__v1__query_chains_response__descriptor,
            "the node is older than this fisherman: update it");

    for (size_t i = 0; m != NULL && i < m->n_chains; i++) {
        for (size_t j = 0; j < me->n_chains; j++) {
            if (m->chains[i]->id == me->chains[j]) {
                check_corpus(d, m->chains[i]);
            }
        }
    }
}

static bool is_eligible(const struct vpr_daemon *d, const ProtobufCMessage *answer)
{
    (void)d;
    return ((const Viper__V1__QueryFishermanResponse *)answer)->eligible;
}

static void check_stake(struct vpr_daemon *d, const Viper__V1__QueryFishermanResponse *m,
                        const char *path, const char *id)
{
    struct vpr_daemon_later later;

    const bool good = vpr_daemon_holds(d, path, &viper__v1__query_fisherman_response__descriptor,
                                       is_eligible, &m->base, &later);
    vpr_daemon_say(d, good,
                   later.session > 0 ? "wait: it is drawn for nobody before"
                                     : "if it is paused, viperd tx resume --actor ID",
                   "node", "%s: fisherman %s, %s, absent %" PRIu64 " sessions", d->base.node, id,
                   good                ? "eligible"
                   : later.session > 0 ? later.text
                                       : "not eligible",
                   m->absent_sessions);
}

static void check(struct vpr_daemon *d)
{
    const struct vpr_fisherman_conf *conf = d->kind->conf;
    char text[VPR_ADDRESS_TEXT_MAX], mine[VPR_ADDRESS_TEXT_MAX], path[128];
    struct vpr_address id;
    struct vpr_err err;

    vpr_daemon_check_listen(d, "metrics-listen", conf->metrics_listen);
    if (vpr_actor_id(&id, "fisherman", conf->fisherman, d->keys[0], &err) != VPR_OK) {
        vpr_daemon_say(d, false, "correct it", "node", "%s", err.text);
        return;
    }
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &id);
    vpr_address_text(mine, VPR_PREFIX_ACCOUNT, &vpr_key_info(d->keys[0])->address);
    snprintf(path, sizeof path, "/viper/v1/fishermen/%s", text);
    const Viper__V1__QueryFishermanResponse *m =
        (const Viper__V1__QueryFishermanResponse *)vpr_daemon_ask(
            d, path, &viper__v1__query_fisherman_response__descriptor,
            "stake it (the owner signs): viperd tx stake-fisherman ...; or name the id of a "
            "fisherman whose operator has changed in fisherman");
    if (m == NULL) {
        return;
    }
    check_stake(d, m, path, text);
    const bool operates = m->actor != NULL && strcmp(m->actor->operator_, mine) == 0;
    vpr_daemon_say(d, operates,
                   "name the operator's key in operator-key, or change the operator (the owner "
                   "signs): viperd tx set-operator --actor ID --operator ADDRESS", "operator",
                   "%s: %s", mine, operates ? "that of the chain" : "NOT that of the chain");
    vpr_daemon_check_fees(d);
    check_chains(d, m);
}

/* ---- start ---- */

static enum vpr_code create(struct vpr_daemon *d, struct vpr_err *err)
{
    struct vpr_fisherman *fisherman = NULL;

    VPR_TRY(vpr_fisherman_create(&fisherman, d->loop, d->kind->conf, d->home, d->keys[0], err));
    d->running = fisherman;
    return VPR_OK;
}

static void stop(void *running)
{
    vpr_fisherman_stop(running);
}

static void destroy(void *running)
{
    vpr_fisherman_destroy(running);
}

int main(int argc, char **argv)
{
    static struct vpr_fisherman_conf conf;
    const struct vpr_daemon_kind kind = {
        .name = "viper-fisherman",
        .part = "fisherman",
        .home_env = "VIPER_FISHERMAN_HOME",
        .does = {"read it, open the key, ask the node, compare the corpora",
                 "sample servicers and report on them until SIGTERM"},
        .next = "the key (viperd keys add operator --kind operator), node and corpus-dir in "
                "that file",
        .schema = &vpr_fisherman_schema,
        .conf = &conf,
        .base = base,
        .check = check,
        .create = create,
        .stop = stop,
        .destroy = destroy,
    };

    return vpr_daemon_main(&kind, argc, argv);
}
