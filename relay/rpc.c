#include "relay/rpc.h"

#include "app/base/bytes.h"
#include "app/host/json_scan.h"

#define METHOD_MAX 128

/* EVM, CometBFT and Cosmos, Bitcoin and its kin, Solana, Substrate, Monero, NEAR, Sui, Starknet.
 * A word that ends with '*' stands for all names that begin so. */
static const char *const writes[] = {
    "eth_send*", "eth_submit*", "eth_sign*", "personal_*", "miner_*", "admin_*", "anvil_*",
    "evm_*", "hardhat_*", "txpool_add*",
    "broadcast_*",
    "send*", "submit*", "generate*", "createwallet", "import*", "prioritisetransaction",
    "invalidateblock", "reconsiderblock", "preciousblock", "walletprocesspsbt",
    "requestAirdrop",
    "author_*",
    "transfer", "transfer_split", "sweep_*", "relay_tx",
    "sui_execute*", "starknet_add*", "platform.issue*", "avm.issue*", "avax.issue*",
};

bool vpr_rpc_writes(struct vpr_bytes method)
{
    char name[METHOD_MAX];
    size_t len;

    if (!vpr_json_text(name, sizeof name, &len, method)) {
        return true; /* too long to be known: be careful */
    }
    for (size_t i = 0; i < VPR_COUNT(writes); i++) {
        const size_t n = strlen(writes[i]);
        if (writes[i][n - 1] == '*' ? strncmp(name, writes[i], n - 1) == 0
                                    : strcmp(name, writes[i]) == 0) {
            return true;
        }
    }
    return false;
}

void vpr_rpc_error(struct vpr_buf *out, struct vpr_bytes id, int code, const char *message)
{
    vpr_buf_str(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id.len == 0) {
        vpr_buf_str(out, "null");
    } else {
        vpr_buf_add(out, id.data, id.len);
    }
    vpr_buf_str(out, ",\"error\":{\"code\":");
    vpr_buf_i64(out, code);
    vpr_buf_str(out, ",\"message\":");
    vpr_buf_json(out, vpr_bytes_str(message));
    vpr_buf_str(out, "}}");
}

bool vpr_rpc_put_id(struct vpr_buf *out, struct vpr_bytes *ret_before, struct vpr_bytes answer,
                    struct vpr_bytes id)
{
    struct vpr_bytes value = answer, before;

    while (value.len > 0 && value.data[0] <= ' ') {
        value = vpr_bytes_of(value.data + 1, value.len - 1);
    }
    if (!vpr_json_check(value, NULL) || vpr_json_type(value) != VPR_JSON_OBJECT ||
        !vpr_json_at(&before, value, "/id") || vpr_bytes_equal(before, id)) {
        return false;
    }
    const size_t start = (size_t)(before.data - answer.data);
    const size_t end = start + before.len;
    vpr_buf_add(out, answer.data, start);
    vpr_buf_add(out, id.data, id.len);
    vpr_buf_add(out, answer.data + end, answer.len - end);
    *ret_before = before;
    return true;
}
