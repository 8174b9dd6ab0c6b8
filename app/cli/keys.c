/* keys.c - `keys`: the keyring of a home, and the key that signs a transaction. */
#include <stdio.h>
#include <unistd.h>

#include "app/cli/signer.h"
#include "app/cli/verbs.h"
#include "app/host/file.h"

#define HEX_FILE_BYTES_MAX 256

struct vpr_keyring *vpr_cli_keyring(struct vpr_cli *cli, int *ret_exit)
{
    struct vpr_cli_settings settings;
    struct vpr_keyring *ring = NULL;
    struct vpr_err err;

    if (!vpr_cli_settings(cli, &settings, ret_exit)) {
        return NULL;
    }
    if (vpr_keyring_open(&ring, cli->home, settings.backend,
                         vpr_cli_flag(cli, "passphrase-file"), &err) != VPR_OK) {
        *ret_exit = vpr_cli_fail_err(cli, &err);
        return NULL;
    }
    return ring;
}

static void address_text(char text[VPR_ADDRESS_TEXT_MAX], const struct vpr_key_info *info)
{
    text[0] = 0;
    if (info->kind == VPR_KEYRING_ACCOUNT || info->kind == VPR_KEYRING_OPERATOR) {
        vpr_address_text(text, VPR_PREFIX_ACCOUNT, &info->address);
    }
}

static void print_key(struct vpr_buf *out, const struct vpr_key_info *info, bool json)
{
    char address[VPR_ADDRESS_TEXT_MAX], key[2 * VPR_SECP_KEY_BYTES + 1];
    bool beacon = info->kind == VPR_KEYRING_BEACON;

    address_text(address, info);
    vpr_hex(key, info->public_key, info->public_len);
    if (json) { /* names are of a-z 0-9 . _ - */
        vpr_buf_printf(out, "{\"name\":\"%s\",\"kind\":\"%s\",\"algo\":\"%s\",\"address\":\"%s\","
                       "\"key\":\"%s\",\"end\":\"%s\"}", info->name,
                       vpr_key_kind_name(info->kind), vpr_key_algo_name(info->algo), address,
                       beacon ? "" : key, beacon ? key : "");
        return;
    }
    vpr_buf_printf(out, "%-20s %-9s %-10s %s\n", info->name, vpr_key_kind_name(info->kind),
                   vpr_key_algo_name(info->algo), *address ? address : key);
}

static bool read_wish(struct vpr_cli *cli, struct vpr_key_wish *ret)
{
    const char *kind = vpr_cli_flag(cli, "kind"), *algo = vpr_cli_flag(cli, "algo");

    *ret = (struct vpr_key_wish){.name = cli->args[0], .kind = VPR_KEYRING_ACCOUNT};
    if (kind && (!vpr_key_kind_of(&ret->kind, kind) || ret->kind == VPR_KEYRING_CLIENT)) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "--kind %.40s is none of: account, operator, "
                           "relay, gateway, beacon", kind);
        return false;
    }
    bool wallet = ret->kind == VPR_KEYRING_ACCOUNT || ret->kind == VPR_KEYRING_OPERATOR;
    enum vpr_key_algo own = wallet                            ? VPR_KEYRING_SECP256K1
                            : ret->kind == VPR_KEYRING_BEACON ? VPR_KEYRING_CHAIN
                                                              : VPR_KEYRING_ED25519;
    ret->algo = own;
    if (algo && (!vpr_key_algo_of(&ret->algo, algo) ||
                 (wallet ? ret->algo == VPR_KEYRING_CHAIN : ret->algo != own))) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "--algo %.40s does not fit this kind: accounts "
                           "and operators have secp256k1 or ed25519, the others one", algo);
        return false;
    }
    return true;
}

static enum vpr_code import_file(struct vpr_keyring *ring, const struct vpr_key_wish *wish,
                                 const char *path, struct vpr_key_info *ret,
                                 struct vpr_err *err)
{
    struct vpr_buf text;
    vpr_buf_init(&text, HEX_FILE_BYTES_MAX);
    enum vpr_code code = vpr_file_read(&text, path, err);
    if (code == VPR_OK) {
        size_t len = text.len;
        while (len && (text.data[len - 1] == '\n' || text.data[len - 1] == '\r')) {
            len--;
        }
        code = vpr_keyring_import(ring, wish, vpr_bytes_of(text.data, len), ret, err);
        explicit_bzero(text.data, text.len);
    }
    vpr_buf_finish(&text);
    return code;
}

static int run_add(struct vpr_cli *cli)
{
    const char *import = vpr_cli_flag(cli, "import");
    struct vpr_key_info info;
    struct vpr_key_wish wish;
    struct vpr_err err;
    bool json;
    int left;

    if (!vpr_cli_json(cli, &json, false) || !read_wish(cli, &wish)) {
        return VPR_CLI_USAGE;
    }
    struct vpr_keyring *ring = vpr_cli_keyring(cli, &left);
    if (!ring) {
        return left;
    }
    enum vpr_code code = import ? import_file(ring, &wish, import, &info, &err)
                                : vpr_keyring_create(ring, &wish, &info, &err);
    vpr_keyring_close(ring);
    if (code != VPR_OK) {
        return vpr_cli_fail_err(cli, &err);
    }
    print_key(&cli->out, &info, json);
    vpr_buf_str(&cli->out, json ? "\n" : "");
    return VPR_CLI_OK;
}

static int run_show(struct vpr_cli *cli)
{
    struct vpr_key_info info;
    struct vpr_err err;
    char address[VPR_ADDRESS_TEXT_MAX];
    bool json;
    int left;

    if (!vpr_cli_json(cli, &json, false)) {
        return VPR_CLI_USAGE;
    }
    struct vpr_keyring *ring = vpr_cli_keyring(cli, &left);
    if (!ring) {
        return left;
    }
    enum vpr_code code = vpr_keyring_info(ring, cli->args[0], &info, &err);
    vpr_keyring_close(ring);
    if (code != VPR_OK) {
        return vpr_cli_fail_err(cli, &err);
    }
    if (vpr_cli_switch(cli, "address")) {
        address_text(address, &info);
        vpr_buf_printf(&cli->out, "%s\n", address);
        return *address ? VPR_CLI_OK
                        : vpr_cli_fail(cli, VPR_CLI_USAGE, "a key of kind %s has no address",
                                       vpr_key_kind_name(info.kind));
    }
    print_key(&cli->out, &info, json);
    vpr_buf_str(&cli->out, json ? "\n" : "");
    return VPR_CLI_OK;
}

static int run_list(struct vpr_cli *cli)
{
    struct vpr_key_info *infos = VPR_ARENA_ARRAY(&cli->arena, struct vpr_key_info, VPR_KEYS_MAX);
    struct vpr_err err;
    size_t count = 0;
    bool json;
    int left;

    if (!vpr_cli_json(cli, &json, false)) {
        return VPR_CLI_USAGE;
    }
    struct vpr_keyring *ring = vpr_cli_keyring(cli, &left);
    if (!ring) {
        return left;
    }
    enum vpr_code code = vpr_keyring_list(ring, infos, &count, &err);
    vpr_keyring_close(ring);
    if (code != VPR_OK) {
        return vpr_cli_fail_err(cli, &err);
    }
    vpr_buf_str(&cli->out, json ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        vpr_buf_str(&cli->out, json && i ? "," : "");
        print_key(&cli->out, &infos[i], json);
    }
    vpr_buf_str(&cli->out, json ? "]\n" : "");
    return VPR_CLI_OK;
}

static int run_export(struct vpr_cli *cli)
{
    struct vpr_err err;
    int left;

    if (!vpr_cli_switch(cli, "unsafe")) {
        return vpr_cli_fail(cli, VPR_CLI_USAGE, "this prints the secret; say --unsafe if that "
                            "is what you want");
    }
    struct vpr_keyring *ring = vpr_cli_keyring(cli, &left);
    if (!ring) {
        return left;
    }
    enum vpr_code code = vpr_keyring_export(ring, cli->args[0], STDOUT_FILENO, &err);
    vpr_keyring_close(ring);
    return code == VPR_OK ? VPR_CLI_OK : vpr_cli_fail_err(cli, &err);
}

/* ---- the key behind --from ---- */

/* The name of the key with that address; `from` itself if it is none. */
static enum vpr_code name_of(struct vpr_cli *cli, struct vpr_keyring *ring, const char **from,
                             struct vpr_err *err)
{
    struct vpr_key_info *infos;
    struct vpr_address address;
    size_t count;

    if (!vpr_address_parse(&address, VPR_PREFIX_ACCOUNT, vpr_bytes_str(*from))) {
        return VPR_OK;
    }
    infos = VPR_ARENA_ARRAY(&cli->arena, struct vpr_key_info, VPR_KEYS_MAX);
    VPR_TRY(vpr_keyring_list(ring, infos, &count, err));
    for (size_t i = 0; i < count; i++) {
        if ((infos[i].kind == VPR_KEYRING_ACCOUNT || infos[i].kind == VPR_KEYRING_OPERATOR) &&
            vpr_address_equal(&infos[i].address, &address)) {
            *from = infos[i].name;
            return VPR_OK;
        }
    }
    return vpr_fail(err, VPR_NOT_FOUND, "no key here has the address %s", *from);
}

bool vpr_cli_signer_open(struct vpr_cli *cli, struct vpr_cli_signer *ret,
                         const struct vpr_cli_settings *settings, const char *from,
                         int *ret_exit)
{
    struct vpr_err err;

    *ret = (struct vpr_cli_signer){.secret = NULL};
    if (vpr_keyring_open(&ret->keyring, cli->home, settings->backend,
                         vpr_cli_flag(cli, "passphrase-file"), &err) != VPR_OK ||
        name_of(cli, ret->keyring, &from, &err) != VPR_OK ||
        vpr_keyring_load(&ret->secret, ret->keyring, from,
                         VPR_KEYRING_WALLET, &err) != VPR_OK) {
        *ret_exit = vpr_cli_fail_err(cli, &err);
        vpr_cli_signer_close(ret);
        return false;
    }
    const struct vpr_key_info *info = vpr_key_info(ret->secret);
    ret->key.type = info->algo == VPR_KEYRING_ED25519 ? VPR_KEY_TYPE_ED25519
                                                      : VPR_KEY_TYPE_SECP256K1;
    memcpy(ret->key.b, info->public_key, info->public_len);
    vpr_address_text(ret->address, VPR_PREFIX_ACCOUNT, &info->address);
    return true;
}

void vpr_cli_signer_close(struct vpr_cli_signer *signer)
{
    vpr_key_close(signer->secret);
    if (signer->keyring) {
        vpr_keyring_close(signer->keyring);
    }
    *signer = (struct vpr_cli_signer){.secret = NULL};
}

static const struct vpr_cli_flag add_flags[] = {
    {"kind", "KIND", "account (default), operator, relay, gateway, beacon"},
    {"algo", "ALGO", "accounts and operators: secp256k1 (default) or ed25519"},
    {"import", "FILE", "its 64 hex digits are the secret"},
    VPR_CLI_KEYRING_FLAGS,
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_flag show_flags[] = {
    {"address", NULL, "only the address (-a)"},
    VPR_CLI_KEYRING_FLAGS,
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_flag list_flags[] = {
    VPR_CLI_KEYRING_FLAGS,
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_flag export_flags[] = {
    {"unsafe", NULL, "yes, print the secret"},
    VPR_CLI_KEYRING_FLAGS,
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"keys add", "NAME", 1, 1, "make a key", add_flags, false, run_add},
    {"keys show", "NAME", 1, 1, "print what everybody may know of a key", show_flags, false,
     run_show},
    {"keys list", "", 0, 0, "print all keys", list_flags, false, run_list},
    {"keys export", "NAME", 1, 1, "print a secret as 64 hex digits", export_flags, false,
     run_export},
};

const struct vpr_cli_family vpr_cli_keys = {verbs, VPR_COUNT(verbs)};
