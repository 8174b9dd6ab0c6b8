#include "app/client/purse.h"

#include "app/base/mem.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "viper/v1/query.pb-c.h"

#define ASK_MS 15000

struct vpr_purse {
    struct vpr_purse_config config;
    char text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_timer *timer;
    struct vpr_node_call *call;
    uint64_t balance_uvipr;
    bool low; /* and said so */
};

static void take(struct vpr_purse *purse, uint64_t balance)
{
    const bool low = balance < VPR_PURSE_LOW_UVIPR;

    purse->balance_uvipr = balance;
    vpr_metric_set(purse->config.metrics, purse->config.row, 0, 0, (int64_t)balance);
    if (low && !purse->low) {
        vpr_log_warn(purse->config.part, "operator runs out of fees: send it some VIPR",
                     "operator=%s balance_uvipr=%" PRIu64, purse->text, balance);
    }
    purse->low = low;
}

static void on_balance(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_purse *purse = arg;

    purse->call = NULL;
    if (answer->ok) {
        const Viper__V1__AccountInfo *account =
            ((const Viper__V1__QueryAccountInfoResponse *)answer->message)->account;
        take(purse, account == NULL ? 0 : account->balance_uvipr);
    } else if (answer->status == 404) {
        take(purse, 0);
    }
    vpr_timer_once(purse->timer, ASK_MS);
}

static void ask(void *arg)
{
    struct vpr_purse *purse = arg;

    purse->call =
        vpr_node_get(purse->config.node, &viper__v1__query_account_info_response__descriptor,
                     on_balance, purse, "/viper/v1/accounts/%s", purse->text);
    if (purse->call == NULL) {
        vpr_timer_once(purse->timer, ASK_MS);
    }
}

struct vpr_purse *vpr_purse_create(const struct vpr_purse_config *config)
{
    struct vpr_purse *purse = vpr_mem_alloc(sizeof *purse);

    purse->config = *config;
    purse->balance_uvipr = UINT64_MAX;
    vpr_address_text(purse->text, VPR_PREFIX_ACCOUNT, &config->account);
    purse->timer = vpr_timer_create(config->loop, ask, purse);
    vpr_timer_once(purse->timer, 0);
    return purse;
}

uint64_t vpr_purse_balance_uvipr(const struct vpr_purse *purse)
{
    return purse->balance_uvipr;
}

void vpr_purse_destroy(struct vpr_purse *purse)
{
    if (purse == NULL) {
        return;
    }
    vpr_timer_destroy(purse->timer);
    vpr_node_cancel(purse->call);
    vpr_mem_free(purse);
}
