#include "fisherman/settings.h"

#include <stddef.h>
#include <stdio.h>

#include "app/client/daemon.h"
#include "app/rules/ids.h"
#include "fisherman/plan.h"

#define AT(field) offsetof(struct vpr_fisherman_conf, field)
#define AT_CHAIN(field) offsetof(struct vpr_fisherman_chain, field)

static const struct vpr_conf_key keys[] = {
    {"node", VPR_CONF_URL, AT(node), 8, 511, NULL, NULL,
     "URL of the viperd this fisherman follows and sends transactions to"},
    {"fisherman", VPR_CONF_STRING, AT(fisherman), 0, 64, "\"\"", NULL,
     "id of the fisherman (its first operator's address); empty: the operator-key's address"},
    {"operator-key", VPR_CONF_STRING, AT(operator_key), 1, 32, "\"operator\"", NULL,
     "name of the key that signs samples, ReportCard and Reveal and pays their fees"},
    VPR_DAEMON_ROW_KEYRING(struct vpr_fisherman_conf),
    {"corpus-dir", VPR_CONF_STRING, AT(corpus_dir), 1, 400, NULL, NULL,
     "folder of the sample requests, a file 0001.jsonl a chain; each must be the one of the "
     "chain's record"},
    {"samples-target", VPR_CONF_UINT, AT(samples_target), 1, VPR_PLAN_EACH_MAX * 4 / 5, "40",
     NULL, "samples a servicer and session to aim at, where the requestor's reserve allows"},
    {"allow-private-peers", VPR_CONF_BOOL, AT(allow_private_peers), 0, 0, "false", NULL,
     "whether a shadow_url may be a loopback or private address: for local networks only"},
    VPR_DAEMON_ROW_METRICS(struct vpr_fisherman_conf),
    VPR_DAEMON_ROW_LOG(struct vpr_fisherman_conf),
};

static const struct vpr_conf_key chain_keys[] = {
    {"trusted", VPR_CONF_URL, AT_CHAIN(trusted), 8, 1023, NULL, NULL,
     "a node of this chain whose word settles what servicers disagree about"},
    {"auth", VPR_CONF_STRING, AT_CHAIN(auth), 0, 255, "\"\"", NULL,
     "user:password for Basic authorization"},
};

static const struct vpr_conf_table tables[] = {
    {"", keys, VPR_COUNT(keys), "A fisherman.", 0, 0, 0},
    {"chain-*", chain_keys, VPR_COUNT(chain_keys),
     "Optional, one a chain, by its id in four hex digits: [chain-0001].", AT(chains),
     sizeof(struct vpr_fisherman_chain), AT(chain_count)},
};

static void check(const void *target, struct vpr_conf_checker *checker)
{
    const struct vpr_fisherman_conf *conf = target;

    vpr_conf_check_id(checker, "fisherman", conf->fisherman);
    for (size_t i = 0; i < conf->chain_count; i++) {
        const struct vpr_fisherman_chain *chain = &conf->chains[i];
        char table[80];
        snprintf(table, sizeof table, "chain-%s", chain->chain);
        vpr_conf_check_chain(checker, "chain", chain->chain);
        if (chain->auth[0] != '\0' && strchr(chain->auth, ':') == NULL) {
            vpr_conf_wrong(checker, table, "auth", "user:password is expected");
        }
    }
}

const struct vpr_conf_schema vpr_fisherman_schema = {
    "viper-fisherman", tables, VPR_COUNT(tables), sizeof(struct vpr_fisherman_conf), check};
