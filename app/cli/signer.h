/* signer.h - the keyring as verbs see it: open it as flags and settings say, find a key. */
#ifndef VPR_CLI_SIGNER_H
#define VPR_CLI_SIGNER_H

#include "app/cli/ask.h"
#include "app/host/keyring.h"
#include "app/rules/ids.h"
#include "app/tx/wire.h"


struct vpr_cli_signer {
    struct vpr_keyring *keyring;
    struct vpr_key *secret;
    struct vpr_public_key key;
    char address[VPR_ADDRESS_TEXT_MAX];
};

/* NULL: a sentence was printed. */
struct vpr_keyring *vpr_cli_keyring(struct vpr_cli *cli, int *ret_exit);

/* `from` is a key's name or its address.  False: a sentence was printed. */
VPR_MUST_USE bool vpr_cli_signer_open(struct vpr_cli *cli, struct vpr_cli_signer *ret,
                                      const struct vpr_cli_settings *settings,
                                      const char *from, int *ret_exit);
void vpr_cli_signer_close(struct vpr_cli_signer *signer);

#define VPR_CLI_KEYRING_FLAGS \
    {"keyring-backend", "file|test", "file: keys behind a passphrase; test: plain"}, \
    {"passphrase-file", "FILE", "its first line is the passphrase (else it is asked for)"}

#endif
