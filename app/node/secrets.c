#include "app/node/secrets.h"

#include <string.h>

#include "app/base/mem.h"
#include "app/host/keyring.h"
#include "app/host/log.h"

#define CHAINS_MAX 16 /* beacon keys that are looked at */

struct chain {
    struct vpr_key *key;
    struct vpr_hash missed; /* not in this chain: finding that out takes all its values */
};

struct secrets {
    struct vpr_keyring *ring;
    struct chain chains[CHAINS_MAX];
    size_t count;
};

/* ---- the keys ---- */

static bool is_open(const struct secrets *secrets, const char *name)
{
    for (size_t i = 0; i < secrets->count; i++) {
        if (strcmp(vpr_key_info(secrets->chains[i].key)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum vpr_code open_one(struct secrets *secrets, const char *name, struct vpr_err *err)
{
    struct vpr_key *key;
    VPR_TRY(vpr_keyring_load(&key, secrets->ring, name, VPR_KEYRING_MASK(VPR_KEYRING_BEACON),
                             err));
    secrets->chains[secrets->count++] = (struct chain){.key = key};
    return VPR_OK;
}

/* Every beacon key that is in the keyring by now. */
static enum vpr_code open_rest(struct secrets *secrets, struct vpr_err *err)
{
    struct vpr_key_info *infos = vpr_mem_alloc(VPR_KEYS_MAX * sizeof *infos);
    size_t count = 0;
    enum vpr_code code = vpr_keyring_list(secrets->ring, infos, &count, err);

    for (size_t i = 0; i < count && code == VPR_OK && secrets->count < CHAINS_MAX; i++) {
        if (infos[i].kind == VPR_KEYRING_BEACON && !is_open(secrets, infos[i].name)) {
            code = open_one(secrets, infos[i].name, err);
        }
    }
    vpr_mem_free(infos);
    return code;
}

enum vpr_code secrets_open(struct secrets **ret, const char *home, const char *backend,
                           const char *passphrase_file, const char *beacon_key,
                           struct vpr_err *err)
{
    struct secrets *secrets = vpr_mem_alloc(sizeof *secrets);
    enum vpr_code code =
        vpr_keyring_open(&secrets->ring, home, backend, passphrase_file, err);

    if (code == VPR_OK) {
        code = open_one(secrets, beacon_key, err);
    }
    if (code == VPR_OK || code == VPR_NOT_FOUND) {
        struct vpr_err none = *err;
        code = open_rest(secrets, err);
        if (code == VPR_OK && secrets->count == 0) {
            *err = none;
            code = VPR_NOT_FOUND;
        }
    }
    if (code != VPR_OK) {
        secrets_close(secrets);
        return code;
    }
    *ret = secrets;
    return VPR_OK;
}

void secrets_close(struct secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        vpr_key_close(secrets->chains[i].key);
    }
    if (secrets->ring != NULL) {
        vpr_keyring_close(secrets->ring);
    }
    vpr_mem_free(secrets);
}

/* ---- a reveal ---- */

static bool reveal_of(struct secrets *secrets, size_t from, const struct vpr_hash *end,
                      struct vpr_hash *ret_x, uint64_t *ret_left)
{
    for (size_t i = from; i < secrets->count; i++) {
        struct chain *chain = &secrets->chains[i];
        if (vpr_hash_equal(&chain->missed, end)) {
            continue;
        }
        if (vpr_key_beacon_preimage(chain->key, end, ret_x, ret_left)) {
            return true;
        }
        chain->missed = *end;
    }
    return false;
}

bool secrets_reveal(struct secrets *secrets, const struct vpr_hash *end, struct vpr_hash *ret_x,
                    uint64_t *ret_left)
{
    struct vpr_err err;
    const size_t known = secrets->count;

    if (reveal_of(secrets, 0, end, ret_x, ret_left)) {
        return true;
    }
    /* The chain may have been renewed by a key that was made since. */
    if (open_rest(secrets, &err) != VPR_OK) {
        vpr_log_warn("beacon", "a key cannot be read", "why=\"%s\"", err.text);
    }
    if (reveal_of(secrets, known, end, ret_x, ret_left)) {
        return true;
    }
    vpr_log_warn("beacon", "no reveal: no key in the keyring has the chain that is staked",
                 "keys=%zu", secrets->count);
    return false;
}
