/* tx.c - `tx`: build, simulate, sign, send, wait until a block has it. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "app/base/coin.h"
#include "app/base/hash.h"
#include "app/cli/forecast.h"
#include "app/cli/txbuild.h"
#include "app/cli/value.h"
#include "app/cli/verbs.h"
#include "app/host/json_scan.h"
#include "app/host/loop.h"

#define ANSWER_BYTES_MAX (4u * 1024 * 1024)
#define WAIT_MS 30000
#define POLL_MS 250
#define UNORDERED_S 120 /* from the last block's time; the chain allows 600 */
#define GAS_GUESS 2000000
#define SIMULATIONS_MAX 3

struct sending {
    struct vpr_cli *cli;
    struct vpr_cli_settings settings;
    struct vpr_cli_signer signer;
    struct vpr_cli_tx tx;
    struct vpr_buf body; /* of the last answer */
    char hash[65];
};

/* What the chain says of itself and of the account. */
static int look_up(struct sending *s)
{
    struct vpr_cli *cli = s->cli;
    uint64_t time_s = 0;
    int left = vpr_cli_ask(cli, &s->body, s->settings.node, "/viper/v1/chain",
                           vpr_bytes_of(NULL, 0), 0);
    if (left != VPR_CLI_OK) {
        return left;
    }
    struct vpr_bytes chain = vpr_buf_bytes(&s->body);
    (void)snprintf(s->tx.chain_id, sizeof s->tx.chain_id, "%s",
                   vpr_cli_member(cli, chain, "/chain_id"));
    if (!vpr_cli_member_u64(&s->tx.gas_price, chain, "/params/min_gas_price") ||
        !vpr_cli_member_u64(&time_s, chain, "/time_s")) {
        return vpr_cli_fail(cli, VPR_CLI_NO_NODE, "%s is no node of Viper", s->settings.node);
    }
    if (*s->settings.chain_id && strcmp(s->settings.chain_id, s->tx.chain_id) != 0) {
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "the node's chain is %s, not %s",
                            s->tx.chain_id, s->settings.chain_id);
    }
    s->tx.timeout_s = s->tx.unordered ? (int64_t)time_s + UNORDERED_S : 0;

    vpr_buf_reset(&s->body);
    left = vpr_cli_ask(cli, &s->body, s->settings.node,
                       vpr_arena_text(&cli->arena, "/viper/v1/accounts/%s", s->signer.address),
                       vpr_bytes_of(NULL, 0), 0);
    if (left != VPR_CLI_OK) {
        return left;
    }
    if (!vpr_cli_member_u64(&s->tx.number, vpr_buf_bytes(&s->body), "/account/number") ||
        !vpr_cli_member_u64(&s->tx.sequence, vpr_buf_bytes(&s->body), "/account/sequence")) {
        return vpr_cli_fail(cli, VPR_CLI_NO_NODE, "the answer holds no account");
    }
    return VPR_CLI_OK;
}

static struct vpr_bytes request(struct vpr_cli *cli, struct vpr_bytes raw, const char *mode)
{
    char *base64 = (char *)vpr_arena_alloc(&cli->arena, VPR_BASE64_MAX(raw.len));
    vpr_base64(base64, raw);
    return vpr_bytes_str(vpr_arena_text(&cli->arena, "{\"tx_bytes\":\"%s\"%s%s%s}", base64,
                                        *mode ? ",\"mode\":\"" : "", mode, *mode ? "\"" : ""));
}

static uint64_t fee_of(const struct vpr_cli_tx *tx)
{
    return vpr_mul_div_ceil(tx->gas, tx->gas_price, 1000);
}

/* Simulation is exact for the bytes it is shown; gas and fee are among those bytes, so a
 * figure above the guess is simulated again. */
static int simulate(struct sending *s)
{
    uint64_t used;

    s->tx.gas = GAS_GUESS;
    for (int i = 0; i < SIMULATIONS_MAX; i++) {
        s->tx.fee = fee_of(&s->tx);
        struct vpr_bytes raw = vpr_cli_tx_pack(s->cli, &s->tx, &s->signer, false);
        vpr_buf_reset(&s->body);
        int left = vpr_cli_ask(s->cli, &s->body, s->settings.node,
                               "/cosmos/tx/v1beta1/simulate", request(s->cli, raw, ""), 0);
        if (left != VPR_CLI_OK) {
            return left == VPR_CLI_NOT_FOUND ? VPR_CLI_REFUSED : left;
        }
        if (!vpr_cli_member_u64(&used, vpr_buf_bytes(&s->body), "/gas_info/gas_used")) {
            return vpr_cli_fail(s->cli, VPR_CLI_NO_NODE, "the answer holds no gas_used");
        }
        bool enough = used <= s->tx.gas;
        s->tx.gas = used;
        if (enough) {
            break;
        }
    }
    s->tx.fee = fee_of(&s->tx);
    return VPR_CLI_OK;
}

static int set_gas(struct sending *s)
{
    struct vpr_cli *cli = s->cli;
    const char *gas = vpr_cli_flag(cli, "gas"), *fees = vpr_cli_flag(cli, "fees");
    uint64_t given = 0;

    if (gas && strcmp(gas, "auto") != 0) {
        if (!vpr_cli_number(cli, &s->tx.gas, "gas", 0, 1, INT64_MAX)) {
            return VPR_CLI_USAGE;
        }
        s->tx.fee = fee_of(&s->tx);
    } else {
        int left = simulate(s);
        if (left != VPR_CLI_OK) {
            return left;
        }
    }
    if (fees) {
        if (!vpr_cli_amount(&given, fees)) {
            return vpr_cli_fail(cli, VPR_CLI_USAGE,
                                "--fees %.60s is no amount; write 5uvipr or 0.5vipr", fees);
        }
        s->tx.fee = given;
    }
    return VPR_CLI_OK;
}

static bool confirmed(struct sending *s)
{
    char line[16];
    if (vpr_cli_switch(s->cli, "yes") || !isatty(STDIN_FILENO)) {
        return true;
    }
    (void)fprintf(stderr, "%s on %s, fee %" PRIu64 " uvipr. Sign and send? [y/N] ",
                  s->tx.messages[0]->descriptor->name, s->tx.chain_id, s->tx.fee);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void print_result(struct sending *s, const char *code, const char *codespace,
                         const char *height, const char *gas_used, const char *log)
{
    struct vpr_buf *out = &s->cli->out;
    vpr_buf_printf(out, "{\"code\":%s,\"codespace\":", *code ? code : "0");
    vpr_buf_json(out, vpr_bytes_str(codespace));
    vpr_buf_printf(out, ",\"txhash\":\"%s\",\"height\":\"%s\",\"gas_wanted\":\"%" PRIu64
                   "\",\"gas_used\":\"%s\",\"fee_uvipr\":\"%" PRIu64 "\",\"raw_log\":",
                   s->hash, *height ? height : "0", s->tx.gas, *gas_used ? gas_used : "0",
                   s->tx.fee);
    vpr_buf_json(out, vpr_bytes_str(log));
    vpr_buf_str(out, "}\n");
}

/* Prints the tx_response and tells a refusal from success. */
static int report(struct sending *s)
{
    struct vpr_bytes json = vpr_buf_bytes(&s->body);
    const char *code = vpr_cli_member(s->cli, json, "/tx_response/code");
    const char *space = vpr_cli_member(s->cli, json, "/tx_response/codespace");
    const char *log = vpr_cli_member(s->cli, json, "/tx_response/raw_log");

    print_result(s, code, space, vpr_cli_member(s->cli, json, "/tx_response/height"),
                 vpr_cli_member(s->cli, json, "/tx_response/gas_used"), log);
    if (strcmp(code, "0") == 0) {
        return VPR_CLI_OK;
    }
    return vpr_cli_fail(s->cli, VPR_CLI_REFUSED, "refused, code %s (%s): %s", code, space, log);
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static int wait_for(struct sending *s)
{
    const char *path = vpr_arena_text(&s->cli->arena, "/cosmos/tx/v1beta1/txs/%s", s->hash);
    uint64_t until = vpr_mono_ms() + WAIT_MS;
    uint32_t status = 0;

    while (vpr_mono_ms() < until) {
        vpr_buf_reset(&s->body);
        int left = vpr_cli_ask_raw(s->cli, &status, &s->body, s->settings.node, path,
                                   vpr_bytes_of(NULL, 0), 0);
        if (left != VPR_CLI_OK) {
            return left;
        }
        if (status == 200 && vpr_json_check(vpr_buf_bytes(&s->body), NULL)) {
            return report(s);
        }
        sleep_ms(POLL_MS);
    }
    print_result(s, "0", "", "0", "0", "");
    return vpr_cli_fail(s->cli, VPR_CLI_UNSEEN,
                        "sent as %s, but in no block within %d s; ask later: viperd query tx %s",
                        s->hash, WAIT_MS / 1000, s->hash);
}

static int broadcast(struct sending *s)
{
    static const char *const modes[] = {"block", "sync", "async", NULL};
    size_t mode;

    if (!vpr_cli_choice(s->cli, &mode, "broadcast-mode", modes, 0)) {
        return VPR_CLI_USAGE;
    }
    if (!confirmed(s)) {
        return vpr_cli_fail(s->cli, VPR_CLI_REFUSED, "not sent");
    }
    struct vpr_bytes raw = vpr_cli_tx_pack(s->cli, &s->tx, &s->signer, true);
    struct vpr_hash hash = vpr_sha256(raw.data, raw.len);
    vpr_hex(s->hash, hash.b, sizeof hash.b);
    for (char *c = s->hash; *c; c++) {
        *c = *c >= 'a' ? (char)(*c - 32) : *c;
    }
    vpr_buf_reset(&s->body);
    int left = vpr_cli_ask(s->cli, &s->body, s->settings.node, "/cosmos/tx/v1beta1/txs",
                           request(s->cli, raw, mode == 2 ? "BROADCAST_MODE_ASYNC"
                                                          : "BROADCAST_MODE_SYNC"), 0);
    if (left != VPR_CLI_OK) {
        return left == VPR_CLI_NOT_FOUND ? VPR_CLI_REFUSED : left;
    }
    const char *code = vpr_cli_member(s->cli, vpr_buf_bytes(&s->body), "/tx_response/code");
    return mode == 0 && strcmp(code, "0") == 0 ? wait_for(s) : report(s);
}

static int dry_run(struct sending *s)
{
    struct vpr_buf *out = &s->cli->out;
    vpr_buf_printf(out, "{\"gas\":\"%" PRIu64 "\",\"fee_uvipr\":\"%" PRIu64
                   "\",\"signer\":\"%s\",\"sequence\":\"%" PRIu64 "\"", s->tx.gas, s->tx.fee,
                   s->signer.address, s->tx.sequence);
    int left = VPR_CLI_OK;
    if (s->tx.count == 1 && vpr_cli_can_forecast(s->tx.messages[0])) {
        vpr_buf_str(out, ",\"expected\":");
        left = vpr_cli_forecast(s->cli, &s->body, s->settings.node, s->tx.messages[0]);
    }
    vpr_buf_str(out, "}\n");
    return left;
}

static int send(struct sending *s)
{
    int left = look_up(s);
    if (left != VPR_CLI_OK) {
        return left;
    }
    left = set_gas(s);
    if (left != VPR_CLI_OK) {
        return left;
    }
    return vpr_cli_switch(s->cli, "dry-run") ? dry_run(s) : broadcast(s);
}

static void list_fields(struct vpr_buf *out, const struct vpr_cli_message *message)
{
    char kebab[VPR_CLI_KEBAB_MAX];
    vpr_cli_kebab(kebab, message->type_url);
    vpr_buf_printf(out, "  viperd tx %s", kebab);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (!message->signer || strcmp(field->name, message->signer) != 0) {
            vpr_buf_str(out, " --");
            for (const char *c = field->name; *c; c++) {
                vpr_buf_char(out, *c == '_' ? '-' : *c);
            }
            const char *value = vpr_cli_default(message->descriptor, field->name);
            vpr_buf_printf(out, " %s", field->label == PROTOBUF_C_LABEL_REPEATED ? "A,B,..."
                                       : value != NULL                          ? value
                                                                                : "V");
        }
    }
    vpr_buf_printf(out, " --from KEY\n");
}

static int list(struct vpr_cli *cli)
{
    char kebab[VPR_CLI_KEBAB_MAX];
    for (size_t i = 0; i < cli->program->message_count; i++) {
        const struct vpr_cli_message *message = &cli->program->messages[i];
        vpr_cli_kebab(kebab, message->type_url);
        if (vpr_cli_message(cli->program, kebab) == message) { /* else another's alias */
            list_fields(&cli->out, message);
        }
    }
    vpr_buf_str(&cli->out, "  viperd tx bank send FROM TO AMOUNT\n"
                           "  viperd tx --file TX.json --from KEY\n");
    return VPR_CLI_OK;
}

/* `tx bank send FROM TO AMOUNT` as flags of MsgSend. */
static const char *bank_send(struct vpr_cli *cli)
{
    const char *from = vpr_cli_flag(cli, "from");
    size_t shift = strcmp(cli->args[0], "bank") == 0 ? 1 : 0;

    if (cli->arg_count < shift + 1 || strcmp(cli->args[shift], "send") != 0) {
        return from;
    }
    size_t given = cli->arg_count - shift - 1;
    cli->args[0] = "send";
    cli->arg_count = 1;
    if (given == 3 && cli->flag_count + 2 <= VPR_CLI_FLAGS_MAX) {
        from = cli->args[shift + 1];
        cli->flags[cli->flag_count++] =
            (struct vpr_cli_given){"to_address", cli->args[shift + 2], true};
        cli->flags[cli->flag_count++] =
            (struct vpr_cli_given){"amount", cli->args[shift + 3], true};
    } else {
        cli->arg_count += given;
    }
    return from;
}

/* The messages of the command line into s->tx. */
static int collect(struct sending *s)
{
    struct vpr_cli *cli = s->cli;
    const char *file = vpr_cli_flag(cli, "file");
    int left = VPR_CLI_USAGE;

    if (cli->arg_count == 0) {
        return vpr_cli_messages_file(cli, &s->tx, file, s->signer.address, &left) ? VPR_CLI_OK
                                                                                  : left;
    }
    const struct vpr_cli_message *message = vpr_cli_message(cli->program, cli->args[0]);
    s->tx.messages[0] = vpr_cli_message_flags(cli, message, s->settings.node,
                                              s->signer.address);
    s->tx.count = 1;
    return s->tx.messages[0] ? VPR_CLI_OK : VPR_CLI_USAGE;
}

static int run_tx(struct vpr_cli *cli)
{
    struct sending s = {.cli = cli};
    const char *from = cli->arg_count ? bank_send(cli) : vpr_cli_flag(cli, "from");
    const struct vpr_cli_message *message = NULL;
    int left = VPR_CLI_USAGE;

    if (cli->arg_count == 0 && !vpr_cli_flag(cli, "file")) {
        return list(cli);
    }
    if (cli->arg_count) {
        message = vpr_cli_message(cli->program, cli->args[0]);
        if (!message || cli->arg_count > 1) {
            return vpr_cli_fail(cli, VPR_CLI_USAGE,
                                "no transaction \"%.80s\" with %zu arguments; `viperd tx` "
                                "lists them", cli->args[0], cli->arg_count - 1);
        }
        if (cli->flag_count == 0) {
            list_fields(&cli->out, message);
            return VPR_CLI_OK;
        }
    }
    if (!from) {
        return vpr_cli_fail(cli, VPR_CLI_USAGE, "--from is missing: a key's name or address");
    }
    s.tx.memo = vpr_cli_flag(cli, "memo");
    s.tx.unordered = vpr_cli_switch(cli, "unordered");
    if (!vpr_cli_number(cli, &s.tx.timeout_height, "timeout-height", 0, 1, INT64_MAX)) {
        return VPR_CLI_USAGE;
    }
    if (!vpr_cli_settings(cli, &s.settings, &left) ||
        !vpr_cli_signer_open(cli, &s.signer, &s.settings, from, &left)) {
        return left;
    }
    vpr_buf_init(&s.body, ANSWER_BYTES_MAX);
    left = collect(&s);
    left = left == VPR_CLI_OK ? send(&s) : left;
    vpr_buf_finish(&s.body);
    vpr_cli_signer_close(&s.signer);
    return left;
}

static const struct vpr_cli_flag tx_flags[] = {
    {"from", "KEY", "name or address of the key that signs and pays"},
    {"file", "FILE", "messages as JSON with \"@type\", instead of a name and fields"},
    {"gas", "auto|N", "gas limit (default auto: by simulation)"},
    {"fees", "AMOUNT", "the fee (default: what the gas costs)"},
    {"memo", "TEXT", "at most 256 bytes"},
    {"unordered", NULL, "no sequence, but a timeout of two minutes"},
    {"timeout-height", "N", "not after this block"},
    {"broadcast-mode", "block|sync|async", "block (default): wait until it is in one"},
    {"dry-run", NULL, "only say what it costs, and of a stake what it gives"},
    {"yes", NULL, "do not ask (-y)"},
    {"chain-id", "ID", "refuse a node of another chain"},
    VPR_CLI_KEYRING_FLAGS,
    VPR_CLI_NODE_FLAG,
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"tx", "NAME [--FIELD VALUE ...]", 0, 5, "sign a transaction and send it\n"
     "`viperd tx` alone lists all of them, `viperd tx NAME` the fields of one.  The field that\n"
     "names the signer is filled in.  The result is one line of JSON.",
     tx_flags, true, run_tx},
};

const struct vpr_cli_family vpr_cli_txs = {verbs, VPR_COUNT(verbs)};
