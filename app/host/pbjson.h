/* pbjson.h - proto3 JSON for any protobuf-c message, both ways, and query parameters.
 *
 * Out: snake_case names, defaults written, 64-bit numbers as strings, bytes in padded
 * base64, enums by name, an unset message as null, an unset oneof not at all.  In: both
 * namings, numbers as numbers or strings, both base64 alphabets, enums by name or number,
 * null for the default.  google.protobuf.Timestamp, Duration and Any have their own forms;
 * maps, wrappers, Struct and FieldMask are not known here and appear as plain messages.
 * An integer above 2^63 - 1 must be written as a string.
 *
 * Limits: depth 32; text sizes are the caller's.  Messages are built in an arena, and what
 * would fill it is refused with TOO_LARGE: a text can ask for a hundred times its length. */
#ifndef VPR_HOST_PBJSON_H
#define VPR_HOST_PBJSON_H

#include "app/base/arena.h"
#include "app/base/err.h"
#include "app/host/buf.h"

#define VPR_PBJSON_DEPTH_MAX 32
#define VPR_PBJSON_PARAMS_MAX 64 /* in one query */

/* The descriptor behind "/viper.v1.MsgSend", or NULL. */
typedef const ProtobufCMessageDescriptor *vpr_pbjson_resolve_fn(void *arg, const char *type_url);

struct vpr_pbjson_options {
    bool omit_defaults; /* out */
    bool strict;        /* in: unknown fields and enum numbers are refused, else ignored */
    /* in: a message of this type must name all of its fields, defaults too; NULL: none */
    const ProtobufCMessageDescriptor *whole;
    vpr_pbjson_resolve_fn *resolve; /* NULL: an Any is written as its bytes, and not read */
    void *resolve_arg;
    /* out: where an Any is unpacked; needed with `resolve`.  One that might take more, at 2
     * KiB a field, is written as its bytes. */
    struct vpr_arena *scratch;
};

/* Fails with TOO_LARGE when `out` is full, BAD_FIELD for a time that has no text. */
VPR_MUST_USE enum vpr_code vpr_pbjson_write(struct vpr_buf *out, const ProtobufCMessage *message,
                                            const struct vpr_pbjson_options *options,
                                            struct vpr_err *err);

/* Errors name the place: "app_state.servicers[3].stake: ...". */
VPR_MUST_USE enum vpr_code vpr_pbjson_parse(ProtobufCMessage **ret, struct vpr_arena *arena,
                                            const ProtobufCMessageDescriptor *descriptor,
                                            struct vpr_bytes text,
                                            const struct vpr_pbjson_options *options,
                                            struct vpr_err *err);

/* An empty message with every default. */
ProtobufCMessage *vpr_pbjson_new(struct vpr_arena *arena,
                                 const ProtobufCMessageDescriptor *descriptor);

/* Query parameters (gRPC gateway): "a.b=1&list=x&list=y".  Unknown names are ignored; a
 * second value for a singular field, or a second member of a oneof, is refused. */
struct vpr_pbjson_params {
    struct vpr_arena *arena;
    ProtobufCMessage *message;
    size_t count;
    struct {
        const ProtobufCMessage *message;
        const ProtobufCFieldDescriptor *field;
        bool bound;
    } seen[VPR_PBJSON_PARAMS_MAX];
};
void vpr_pbjson_params_init(struct vpr_pbjson_params *params, struct vpr_arena *arena,
                            ProtobufCMessage *message);
/* From the path: the name must exist, and query parameters for it are ignored after. */
VPR_MUST_USE enum vpr_code vpr_pbjson_bind(struct vpr_pbjson_params *params, const char *name,
                                           struct vpr_bytes value, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_pbjson_set_param(struct vpr_pbjson_params *params,
                                                struct vpr_bytes name, struct vpr_bytes value,
                                                struct vpr_err *err);
/* The raw query string, percent-encoded. */
VPR_MUST_USE enum vpr_code vpr_pbjson_set_query(struct vpr_pbjson_params *params,
                                                struct vpr_bytes query, struct vpr_err *err);
/* One message-typed field whose JSON body is the request's ("body: field"), NULL if none. */
const ProtobufCFieldDescriptor *vpr_pbjson_field(const ProtobufCMessageDescriptor *descriptor,
                                                 struct vpr_bytes name);

/* Percent-decoding; '+' is a space if `plus`.  False if an escape is broken or a NUL comes
 * out.  `out` has room for text.len. */
VPR_MUST_USE bool vpr_percent_decode(uint8_t *out, size_t *ret_len, struct vpr_bytes text,
                                     bool plus);

/* RFC 3339 with 0, 3, 6 or 9 digits behind the second; years 1 to 9999. */
#define VPR_TIME_TEXT_MAX 40
VPR_MUST_USE bool vpr_time_text(char text[VPR_TIME_TEXT_MAX], int64_t seconds, int32_t nanos);
VPR_MUST_USE bool vpr_time_parse(int64_t *ret_seconds, int32_t *ret_nanos,
                                 struct vpr_bytes text);
/* "1.5s", or with `go` also "1h30m", "250ms". */
VPR_MUST_USE bool vpr_duration_text(char text[VPR_TIME_TEXT_MAX], int64_t seconds,
                                    int32_t nanos);
VPR_MUST_USE bool vpr_duration_parse(int64_t *ret_seconds, int32_t *ret_nanos,
                                     struct vpr_bytes text, bool go);

#endif
