/* txbuild.h - messages from flags or a file; the bytes of a transaction around them. */
#ifndef VPR_CLI_TXBUILD_H
#define VPR_CLI_TXBUILD_H

#include "app/cli/signer.h"

struct vpr_cli_tx {
    const ProtobufCMessage *messages[VPR_TX_MESSAGES_MAX];
    size_t count;
    const char *memo;
    uint64_t timeout_height;
    bool unordered;
    int64_t timeout_s;

    char chain_id[64];
    uint64_t number, sequence;
    uint64_t gas_price; /* uvipr per 1,000 gas */
    uint64_t gas, fee;
};

/* "MsgStakeServicer" -> "stake-servicer" in `text`. */
#define VPR_CLI_KEBAB_MAX 64
void vpr_cli_kebab(char text[VPR_CLI_KEBAB_MAX], const char *type_url);
/* By that name, or by type URL; NULL if there is none. */
const struct vpr_cli_message *vpr_cli_message(const struct vpr_cli_program *program,
                                              const char *name);

/* What a field is when no flag says so and zero would be refused; NULL: it has no default. */
const char *vpr_cli_default(const ProtobufCMessageDescriptor *type, const char *field);

/* One message from the JSON of its fields; its signer field, if empty, is `signer`.  NULL: a
 * sentence was printed. */
const ProtobufCMessage *vpr_cli_message_json(struct vpr_cli *cli,
                                             const struct vpr_cli_message *message,
                                             struct vpr_bytes json, const char *signer);
/* From the flags that are fields. */
const ProtobufCMessage *vpr_cli_message_flags(struct vpr_cli *cli,
                                              const struct vpr_cli_message *message,
                                              const char *node, const char *signer);
/* A file with {"@type":...}, a list of those, or a transaction with body.messages. */
VPR_MUST_USE bool vpr_cli_messages_file(struct vpr_cli *cli, struct vpr_cli_tx *tx,
                                        const char *path, const char *signer, int *ret_exit);

/* TxRaw; without `sign` 64 zero bytes stand for the signature, so that a simulation sees the
 * real length. */
struct vpr_bytes vpr_cli_tx_pack(struct vpr_cli *cli, const struct vpr_cli_tx *tx,
                                 const struct vpr_cli_signer *signer, bool sign);

#endif
