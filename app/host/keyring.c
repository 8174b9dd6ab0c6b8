#include "app/host/key.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>
#include <sodium.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/passphrase.h"

#define FILE_BYTES_MAX (2 * 1024 * 1024)
#define OPS_MAX 16
#define MEMORY_MAX (UINT64_C(1) << 30)
#define SALT_BYTES crypto_pwhash_SALTBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

struct vpr_keyring {
    char dir[PATH_MAX];
    bool sealed;           /* backend file */
    char *passphrase_file; /* NULL: the terminal */
    char *passphrase;      /* sodium_malloc; NULL until asked */
};

/* --- the keyring ----------------------------------------------------------------------- */

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        bool word = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
        if (!word && !(i > 0 && strchr("._-", name[i]) != NULL)) {
            return false;
        }
    }
    return len >= 1 && len <= VPR_KEY_NAME_MAX;
}

static enum vpr_code path_of(const struct vpr_keyring *ring, char path[PATH_MAX],
                             const char *name, struct vpr_err *err)
{
    if (!name_ok(name)) {
        return vpr_fail(err, VPR_BAD_FIELD, "'%.40s' is no name of a key: 1 to %d of a-z 0-9 . "
                        "_ -, the first a letter or digit", name, VPR_KEY_NAME_MAX);
    }
    int len = snprintf(path, PATH_MAX, "%s/%s.key", ring->dir, name);
    if (len < 0 || len >= PATH_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "path of the keyring is too long");
    }
    return VPR_OK;
}

enum vpr_code vpr_keyring_open(struct vpr_keyring **ret, const char *home, const char *backend,
                               const char *passphrase_file, struct vpr_err *err)
{
    bool sealed = strcmp(backend, "file") == 0;
    struct vpr_keyring *ring;

    if (!sealed && strcmp(backend, "test") != 0) {
        return vpr_fail(err, VPR_BAD_FIELD, "keyring backend is file or test, not '%.20s'",
                        backend);
    }
    vpr_sig_init();
    ring = vpr_mem_alloc(sizeof *ring);
    ring->sealed = sealed;
    int len = snprintf(ring->dir, sizeof ring->dir, "%s/keyring-%s", home, backend);
    enum vpr_code code = VPR_OK;
    if (len < 0 || (size_t)len >= sizeof ring->dir - VPR_KEY_NAME_MAX - 8) {
        code = vpr_fail(err, VPR_TOO_LARGE, "path of the keyring is too long");
    } else {
        code = vpr_dir_make(ring->dir, 0700, err);
    }
    if (code != VPR_OK) {
        vpr_keyring_close(ring);
        return code;
    }
    if (passphrase_file != NULL) {
        size_t size = strlen(passphrase_file) + 1;
        ring->passphrase_file = vpr_mem_alloc(size);
        memcpy(ring->passphrase_file, passphrase_file, size);
    }
    *ret = ring;
    return VPR_OK;
}

void vpr_keyring_close(struct vpr_keyring *ring)
{
    if (ring != NULL) {
        sodium_free(ring->passphrase);
        vpr_mem_free(ring->passphrase_file);
        vpr_mem_free(ring);
    }
}

static enum vpr_code need_passphrase(struct vpr_keyring *ring, struct vpr_err *err)
{
    if (ring->passphrase != NULL) {
        return VPR_OK;
    }
    char *text = (char *)vpr_secret_alloc(VPR_PASSPHRASE_MAX + 1);
    enum vpr_code code = vpr_passphrase(text, VPR_PASSPHRASE_MAX + 1, ring->passphrase_file,
                                        "Passphrase of the keyring: ", err);
    if (code == VPR_OK && strlen(text) < VPR_PASSPHRASE_MIN) {
        code = vpr_fail(err, VPR_BAD_FIELD, "passphrase has %zu bytes, at least %d are needed",
                        strlen(text), VPR_PASSPHRASE_MIN);
    }
    if (code != VPR_OK) {
        sodium_free(text);
        return code;
    }
    ring->passphrase = text;
    return VPR_OK;
}

/* --- sealing --------------------------------------------------------------------------- */

struct seal {
    uint64_t ops, memory;
    uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES];
    uint8_t *box; /* secret_len + TAG_BYTES */
};

/* What the box is bound to: nobody can rename a sealed relay key into an operator's. */
static size_t bound_text(char text[256], const struct vpr_key_info *info)
{
    char hex[2 * VPR_SECP_KEY_BYTES + 1];
    vpr_hex(hex, info->public_key, info->public_len);
    int len = snprintf(text, 256, "viper-key/1 %s %s %s %" PRIu64 " %s", info->name,
                       vpr_key_kind_name(info->kind), vpr_key_algo_name(info->algo),
                       info->chain_length, hex);
    return (size_t)len;
}

static enum vpr_code seal_key(struct vpr_keyring *ring, const struct seal *seal,
                              uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES],
                              struct vpr_err *err)
{
    VPR_TRY(need_passphrase(ring, err));
    if (crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, ring->passphrase,
                      strlen(ring->passphrase), seal->salt, seal->ops, (size_t)seal->memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return vpr_fail(err, VPR_DENIED, "not enough memory for argon2id: %" PRIu64 " bytes",
                        seal->memory);
    }
    return VPR_OK;
}

static enum vpr_code close_box(struct vpr_keyring *ring, const struct vpr_key *key,
                               struct seal *seal, struct vpr_err *err)
{
    char bound[256];
    uint8_t *sealer = vpr_secret_alloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

    seal->ops = crypto_pwhash_OPSLIMIT_INTERACTIVE;
    seal->memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
    vpr_random(seal->salt, sizeof seal->salt);
    vpr_random(seal->nonce, sizeof seal->nonce);
    enum vpr_code code = seal_key(ring, seal, sealer, err);
    if (code == VPR_OK) {
        size_t bound_len = bound_text(bound, &key->info);
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            seal->box, NULL, key->secret, key->secret_len, (const uint8_t *)bound, bound_len,
            NULL, seal->nonce, sealer);
    }
    sodium_free(sealer);
    return code;
}

static enum vpr_code open_box(struct vpr_keyring *ring, struct vpr_key *key,
                              const struct seal *seal, struct vpr_err *err)
{
    char bound[256];
    uint8_t *sealer = vpr_secret_alloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    enum vpr_code code = seal_key(ring, seal, sealer, err);

    if (code == VPR_OK) {
        size_t bound_len = bound_text(bound, &key->info);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                key->secret, NULL, NULL, seal->box, key->secret_len + TAG_BYTES,
                (const uint8_t *)bound, bound_len, seal->nonce, sealer) != 0) {
            code = vpr_fail(err, VPR_BAD_KEY, "key %s does not open: wrong passphrase, or the "
                            "file was changed", key->info.name);
        }
    }
    sodium_free(sealer);
    return code;
}

/* --- files ----------------------------------------------------------------------------- */

static void put_hex(struct vpr_buf *out, const char *name, const void *data, size_t len)
{
    vpr_buf_printf(out, ",\n  \"%s\": \"", name);
    if (vpr_buf_reserve(out, 2 * len)) {
        vpr_hex(out->data + out->len, data, len);
        out->len += 2 * len;
    }
    vpr_buf_char(out, '"');
}

static void put_info(struct vpr_buf *out, const struct vpr_key_info *info)
{
    vpr_buf_printf(out, "{\n  \"version\": 1,\n  \"name\": \"%s\",\n  \"kind\": \"%s\",\n"
                   "  \"algorithm\": \"%s\"", info->name, vpr_key_kind_name(info->kind),
                   vpr_key_algo_name(info->algo));
    put_hex(out, "public_key", info->public_key, info->public_len);
    if (info->algo == VPR_KEYRING_CHAIN) {
        vpr_buf_printf(out, ",\n  \"chain_length\": %" PRIu64, info->chain_length);
    }
}

/* Whole file, but for a sealed key without the passphrase nothing is written. */
static enum vpr_code save(struct vpr_keyring *ring, const struct vpr_key *key,
                          struct vpr_err *err)
{
    char path[PATH_MAX];
    struct vpr_buf out;
    struct seal seal;
    enum vpr_code code = VPR_OK;

    VPR_TRY(path_of(ring, path, key->info.name, err));
    vpr_buf_init(&out, FILE_BYTES_MAX);
    put_info(&out, &key->info);
    if (ring->sealed) {
        seal.box = vpr_mem_alloc(key->secret_len + TAG_BYTES);
        code = close_box(ring, key, &seal, err);
        if (code == VPR_OK) {
            vpr_buf_printf(&out, ",\n  \"kdf\": \"argon2id\",\n  \"ops\": %" PRIu64
                           ",\n  \"memory\": %" PRIu64, seal.ops, seal.memory);
            put_hex(&out, "salt", seal.salt, sizeof seal.salt);
            put_hex(&out, "nonce", seal.nonce, sizeof seal.nonce);
            put_hex(&out, "box", seal.box, key->secret_len + TAG_BYTES);
        }
        vpr_mem_free(seal.box);
    } else {
        put_hex(&out, "secret", key->secret, key->secret_len);
    }
    vpr_buf_str(&out, "\n}\n");
    VPR_ASSERT(!out.over);
    if (code == VPR_OK) {
        code = vpr_file_create(path, vpr_buf_bytes(&out), 0600, err);
    }
    sodium_memzero(out.data, out.len);
    vpr_buf_finish(&out);
    return code;
}

static bool text_field(const json_t *json, const char *name, struct vpr_bytes *ret)
{
    const json_t *field = json_object_get(json, name);
    if (!json_is_string(field)) {
        return false;
    }
    *ret = vpr_bytes_of(json_string_value(field), json_string_length(field));
    return true;
}

static bool hex_field(const json_t *json, const char *name, void *out, size_t len)
{
    struct vpr_bytes text;
    return text_field(json, name, &text) && vpr_unhex(out, len, text);
}

static bool number_field(const json_t *json, const char *name, uint64_t max, uint64_t *ret)
{
    const json_t *field = json_object_get(json, name);
    json_int_t v = json_integer_value(field);
    if (!json_is_integer(field) || v < 1 || (uint64_t)v > max) {
        return false;
    }
    *ret = (uint64_t)v;
    return true;
}

static bool read_info(const json_t *json, const char *name, struct vpr_key_info *ret)
{
    struct vpr_bytes given, kind, algo;
    struct vpr_key_info info = {.public_len = 32};
    uint64_t version;

    if (!number_field(json, "version", 1, &version) || !text_field(json, "name", &given) ||
        !vpr_bytes_equal(given, vpr_bytes_str(name)) || !text_field(json, "kind", &kind) ||
        !vpr_key_kind_of(&info.kind, (const char *)kind.data) ||
        !text_field(json, "algorithm", &algo) ||
        !vpr_key_algo_of(&info.algo, (const char *)algo.data) ||
        !vpr_key_algo_fits(info.kind, info.algo) || info.kind == VPR_KEYRING_CLIENT) {
        return false;
    }
    if (info.algo == VPR_KEYRING_SECP256K1) {
        info.public_len = VPR_SECP_KEY_BYTES;
    }
    if (info.algo == VPR_KEYRING_CHAIN &&
        !number_field(json, "chain_length", VPR_BEACON_LENGTH_MAX, &info.chain_length)) {
        return false;
    }
    if (!hex_field(json, "public_key", info.public_key, info.public_len)) {
        return false;
    }
    (void)snprintf(info.name, sizeof info.name, "%s", name);
    vpr_key_fill_address(&info);
    *ret = info;
    return true;
}

static enum vpr_code read_file(struct vpr_keyring *ring, const char *name, json_t **ret,
                               struct vpr_key_info *ret_info, struct vpr_err *err)
{
    char path[PATH_MAX];
    struct vpr_buf text;

    VPR_TRY(path_of(ring, path, name, err));
    if (!vpr_file_exists(path)) {
        return vpr_fail(err, VPR_NOT_FOUND, "there is no key '%s' in %.150s", name, ring->dir);
    }
    vpr_buf_init(&text, FILE_BYTES_MAX);
    enum vpr_code code = vpr_file_read(&text, path, err);
    if (code == VPR_OK) {
        json_t *json = json_loadb(text.len == 0 ? "" : text.data, text.len,
                                  JSON_REJECT_DUPLICATES, NULL);
        if (json == NULL || !read_info(json, name, ret_info)) {
            json_decref(json);
            code = vpr_fail(err, VPR_BAD_KEY, "%.200s is not a key file", path);
        } else {
            *ret = json;
        }
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.len);
    }
    vpr_buf_finish(&text);
    return code;
}

static enum vpr_code read_secret(struct vpr_keyring *ring, const json_t *json,
                                 struct vpr_key *key, struct vpr_err *err)
{
    struct seal seal;
    size_t box_len = key->secret_len + TAG_BYTES;

    if (!ring->sealed) {
        return hex_field(json, "secret", key->secret, key->secret_len)
                   ? VPR_OK
                   : vpr_fail(err, VPR_BAD_KEY, "key file of %s has no secret", key->info.name);
    }
    seal.box = vpr_mem_alloc(box_len);
    enum vpr_code code;
    if (number_field(json, "ops", OPS_MAX, &seal.ops) &&
        number_field(json, "memory", MEMORY_MAX, &seal.memory) &&
        hex_field(json, "salt", seal.salt, sizeof seal.salt) &&
        hex_field(json, "nonce", seal.nonce, sizeof seal.nonce) &&
        hex_field(json, "box", seal.box, box_len)) {
        code = open_box(ring, key, &seal, err);
    } else {
        code = vpr_fail(err, VPR_BAD_KEY, "key file of %s has no sealed box", key->info.name);
    }
    vpr_mem_free(seal.box);
    return code;
}

enum vpr_code vpr_keyring_load(struct vpr_key **ret, struct vpr_keyring *ring, const char *name,
                               unsigned kinds, struct vpr_err *err)
{
    struct vpr_key_info info;
    json_t *json;

    VPR_TRY(read_file(ring, name, &json, &info, err));
    if ((VPR_KEYRING_MASK(info.kind) & kinds) == 0) {
        json_decref(json);
        return vpr_fail(err, VPR_BAD_KEY, "key '%s' is of kind %s, which cannot do this", name,
                        vpr_key_kind_name(info.kind));
    }
    struct vpr_key *key = vpr_key_new(&info);
    enum vpr_code code = read_secret(ring, json, key, err);
    json_decref(json);
    if (code == VPR_OK && (!vpr_key_derive(key) || memcmp(key->info.public_key, info.public_key,
                                                  info.public_len) != 0)) {
        code = vpr_fail(err, VPR_BAD_KEY, "secret of '%s' does not fit its public key", name);
    }
    if (code != VPR_OK) {
        vpr_key_close(key);
        return code;
    }
    *ret = key;
    return VPR_OK;
}

enum vpr_code vpr_keyring_info(struct vpr_keyring *ring, const char *name,
                               struct vpr_key_info *ret_info, struct vpr_err *err)
{
    json_t *json;
    struct vpr_key_info info;
    VPR_TRY(read_file(ring, name, &json, &info, err));
    json_decref(json);
    *ret_info = info;
    return VPR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct vpr_key_info *)a)->name, ((const struct vpr_key_info *)b)->name);
}

/* "alice.key" is alice; anything else in the directory is not ours. */
static bool key_file(const char *file, char name[VPR_KEY_NAME_MAX + 1])
{
    size_t len = strlen(file);
    if (len < 5 || len > VPR_KEY_NAME_MAX + 4 || strcmp(file + len - 4, ".key") != 0) {
        return false;
    }
    memcpy(name, file, len - 4);
    name[len - 4] = '\0';
    return name_ok(name);
}

enum vpr_code vpr_keyring_list(struct vpr_keyring *ring, struct vpr_key_info *infos,
                               size_t *ret_count, struct vpr_err *err)
{
    char name[VPR_KEY_NAME_MAX + 1];
    enum vpr_code code = VPR_OK;
    size_t count = 0;
    DIR *dir = opendir(ring->dir);

    if (dir == NULL) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot open %.150s: %s", ring->dir,
                        strerror(errno));
    }
    for (struct dirent *at; code == VPR_OK && (at = readdir(dir)) != NULL;) {
        if (!key_file(at->d_name, name)) {
            continue;
        }
        if (count == VPR_KEYS_MAX) {
            code = vpr_fail(err, VPR_TOO_LARGE, "more than %d keys", VPR_KEYS_MAX);
        } else {
            code = vpr_keyring_info(ring, name, &infos[count++], err);
        }
    }
    closedir(dir);
    VPR_TRY(code);
    qsort(infos, count, sizeof infos[0], by_name);
    *ret_count = count;
    return VPR_OK;
}

/* --- making keys ----------------------------------------------------------------------- */

static enum vpr_code check_wish(struct vpr_keyring *ring, const struct vpr_key_wish *wish,
                                struct vpr_key_info *ret, struct vpr_err *err)
{
    char path[PATH_MAX];
    struct vpr_key_info info = {.kind = wish->kind, .algo = wish->algo};

    VPR_TRY(path_of(ring, path, wish->name, err));
    if (wish->kind == VPR_KEYRING_CLIENT) {
        return vpr_fail(err, VPR_BAD_FIELD, "client keys are never stored");
    }
    if (wish->kind == VPR_KEYRING_RELAY || wish->kind == VPR_KEYRING_GATEWAY) {
        info.algo = VPR_KEYRING_ED25519;
    } else if (wish->kind == VPR_KEYRING_BEACON) {
        info.algo = VPR_KEYRING_CHAIN;
        info.chain_length = wish->chain_length == 0 ? VPR_BEACON_LENGTH : wish->chain_length;
    }
    if (!vpr_key_algo_fits(info.kind, info.algo) || info.chain_length > VPR_BEACON_LENGTH_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a key of kind %s cannot be %s of length %" PRIu64,
                        vpr_key_kind_name(info.kind), vpr_key_algo_name(info.algo),
                        info.chain_length);
    }
    if (vpr_file_exists(path)) {
        return vpr_fail(err, VPR_DUPLICATE, "there is already a key '%s'", wish->name);
    }
    (void)snprintf(info.name, sizeof info.name, "%s", wish->name);
    *ret = info;
    return VPR_OK;
}

/* `seed` is 32 bytes of secret memory. */
static enum vpr_code make(struct vpr_keyring *ring, const struct vpr_key_wish *wish,
                          const uint8_t *seed, struct vpr_key_info *ret_info,
                          struct vpr_err *err)
{
    struct vpr_key_info info;
    enum vpr_code code = VPR_OK;

    VPR_TRY(check_wish(ring, wish, &info, err));
    if (ring->sealed) {
        VPR_TRY(need_passphrase(ring, err));
    }
    struct vpr_key *key = vpr_key_new(&info);
    memcpy(key->secret, seed, 32);
    if (info.algo == VPR_KEYRING_CHAIN) {
        struct vpr_hash first;
        memcpy(first.b, seed, sizeof first.b);
        vpr_key_grow(key, &first);
        sodium_memzero(&first, sizeof first);
    }
    if (!vpr_key_derive(key)) {
        code = vpr_fail(err, VPR_BAD_KEY, "not a valid secp256k1 secret");
    } else {
        code = save(ring, key, err);
    }
    if (code == VPR_OK && ret_info != NULL) {
        *ret_info = key->info;
    }
    vpr_key_close(key);
    return code;
}

enum vpr_code vpr_keyring_create(struct vpr_keyring *ring, const struct vpr_key_wish *wish,
                                 struct vpr_key_info *ret_info, struct vpr_err *err)
{
    uint8_t *seed = vpr_secret_alloc(32);
    vpr_random(seed, 32);
    enum vpr_code code = make(ring, wish, seed, ret_info, err);
    sodium_free(seed);
    return code;
}

enum vpr_code vpr_keyring_import(struct vpr_keyring *ring, const struct vpr_key_wish *wish,
                                 struct vpr_bytes hex, struct vpr_key_info *ret_info,
                                 struct vpr_err *err)
{
    uint8_t *seed = vpr_secret_alloc(32);
    enum vpr_code code;
    if (vpr_unhex(seed, 32, hex)) {
        code = make(ring, wish, seed, ret_info, err);
    } else {
        code = vpr_fail(err, VPR_BAD_KEY, "a secret is 64 hex digits, not %zu characters",
                        hex.len);
    }
    sodium_free(seed);
    return code;
}

enum vpr_code vpr_keyring_export(struct vpr_keyring *ring, const char *name, int fd,
                                 struct vpr_err *err)
{
    struct vpr_key *key;
    VPR_TRY(vpr_keyring_load(&key, ring, name, VPR_KEYRING_ANY, err));
    char *text = (char *)vpr_secret_alloc(66);
    vpr_hex(text, key->secret, 32);
    text[64] = '\n';
    bool ok = write(fd, text, 65) == 65;
    sodium_free(text);
    vpr_key_close(key);
    return ok ? VPR_OK : vpr_fail(err, VPR_DENIED, "cannot write the key: %s", strerror(errno));
}

enum vpr_code vpr_keyring_remove(struct vpr_keyring *ring, const char *name,
                                 struct vpr_err *err)
{
    char path[PATH_MAX];
    VPR_TRY(path_of(ring, path, name, err));
    if (unlink(path) != 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot remove key '%s': %s", name, strerror(errno));
    }
    return VPR_OK;
}
