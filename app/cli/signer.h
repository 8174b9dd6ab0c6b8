/* signer.h - the keyring as verbs see it: open it as flags and settings say, find a key. */
#ifndef VPR_CLI_SIGNER_H
#define VPR_CLI_SIGNER_H

#include "app/cli/ask.h"
#include "app/rules/ids.h"
#include "app/tx/wire.h"

struct vpr_keyring;

struct vpr_cli_signer {
    struct vpr_keyring *keyring;
    const char *name;
    struct vpr_public_key key;
    char address[VPR_ADDRESS_TEXT_MAX];
};

/* `from` is a key's name or its address.  False: a sentence was printed. */
VPR_MUST_USE bool vpr_cli_signer_open(struct vpr_cli *cli, struct vpr_cli_signer *ret,
                                      const struct vpr_cli_settings *settings,
                                      const char *from, int *ret_exit);
VPR_MUST_USE bool vpr_cli_sign(struct vpr_cli *cli, const struct vpr_cli_signer *signer,
                               struct vpr_signature *ret, struct vpr_bytes sign_doc);
void vpr_cli_signer_close(struct vpr_cli_signer *signer);

#define VPR_CLI_KEYRING_FLAGS \
    {"keyring-backend", "file|test", "file: keys behind a passphrase; test: plain"}, \
    {"passphrase-file", "FILE", "its first line is the passphrase (else it is asked for)"}

#endif
