#include "app/node/secrets.h"

#include <stdlib.h>

#include "app/host/keyring.h"
#include "app/host/log.h"

struct secrets {
    struct vpr_keyring *ring;
    struct vpr_key *beacon;
};

enum vpr_code secrets_open(struct secrets **ret, const char *home, const char *backend,
                           const char *passphrase_file, const char *beacon_key,
                           struct vpr_err *err)
{
    struct secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL) {
        VPR_HALT("out of memory");
    }
    enum vpr_code code =
        vpr_keyring_open(&secrets->ring, home, backend, passphrase_file, err);
    if (code == VPR_OK) {
        code = vpr_keyring_load(&secrets->beacon, secrets->ring, beacon_key,
                                VPR_KEYRING_MASK(VPR_KEYRING_BEACON), err);
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
    vpr_key_close(secrets->beacon);
    if (secrets->ring != NULL) {
        vpr_keyring_close(secrets->ring);
    }
    free(secrets);
}

bool secrets_reveal(void *arg, const struct vpr_hash *end, struct vpr_hash *ret_x)
{
    struct secrets *secrets = arg;
    uint64_t left = 0;
    if (!vpr_key_beacon_preimage(secrets->beacon, end, ret_x, &left)) {
        vpr_log_warn("node", "no reveal", "key=%s",
                     vpr_key_info(secrets->beacon)->name);
        return false;
    }
    return true;
}
