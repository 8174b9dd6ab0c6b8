/* value.h - what a person types for a field of a message, turned into proto3 JSON.
 *
 * Chains and zones by four hex digits, a shorter decimal number or their name; amounts with
 * or without a unit; bytes as hex or base64; lists with commas. */
#ifndef VPR_CLI_VALUE_H
#define VPR_CLI_VALUE_H

#include "app/cli/cli.h"

/* A chain or zone id; `names` is the JSON of /viper/v1/chains or empty (then no names). */
VPR_MUST_USE bool vpr_cli_id16(uint16_t *ret, const char *text, struct vpr_bytes names,
                               bool zone);
/* "chain", "chains", "zone". */
bool vpr_cli_is_id16(const char *field);
/* uvipr: "5", "5uvipr", "0.5vipr". */
VPR_MUST_USE bool vpr_cli_amount(uint64_t *ret, const char *text);

/* The field named as given ("relay-key" or "relay_key"), or NULL. */
const ProtobufCFieldDescriptor *vpr_cli_field(const ProtobufCMessageDescriptor *descriptor,
                                              const char *name);

/* Appends `"field":value` for all values given for that field. */
VPR_MUST_USE enum vpr_code vpr_cli_value(struct vpr_buf *out, struct vpr_arena *arena,
                                         const ProtobufCFieldDescriptor *field,
                                         const char *const *values, size_t count,
                                         struct vpr_bytes names, struct vpr_err *err);

/* Whether any of the values needs the chains' names. */
bool vpr_cli_needs_names(const char *field, const char *value);

#endif
