/* corpus.h - the requests a fisherman samples with, and which requests those are.
 *
 * Owns one chain's templates, read from deploy/corpus/{chain}.jsonl.  Both ends use it: the
 * fisherman fills templates, the gateway's shadow endpoint asks whether one covers what was
 * posted.  Its one rule: what is not exactly a template with fitting values in its places is
 * not covered, so that the shadow endpoint is no proxy; and what is filled here is covered.
 *
 * A line: {"method":"block","path":"","params":[{"height":-3,"as":"string"}],
 * "compare":{"kind":"exact","at":"/result","within":2}}.  Places: {"height":-n}, the number of
 * the block n below the head, anywhere within the last VPR_CORPUS_HEIGHTS blocks ("as":
 * "string": its digits in a string; "hex": "0x1f"); {"hash":-n}, the hash of that block as the
 * backend writes it: 64 hex digits, with or without 0x.  A method that is an HTTP verb is a
 * REST template: its path, an empty body. */
#ifndef VPR_CLIENT_CORPUS_H
#define VPR_CLIENT_CORPUS_H

#include "app/base/err.h"
#include "app/host/buf.h"

#define VPR_CORPUS_TEMPLATES_MAX 256
#define VPR_CORPUS_BYTES_MAX (256 * 1024)
#define VPR_CORPUS_HEIGHTS 1000
#define VPR_CORPUS_AHEAD 16 /* blocks we may not have heard of yet */
#define VPR_CORPUS_NAME_MAX 128
#define VPR_CORPUS_POINTER_MAX 128
#define VPR_CORPUS_HASH_TEXT_MAX (2 + 64 + 1)
#define VPR_CORPUS_PARAMS_BYTES_MAX (16 * 1024) /* filled in */

enum vpr_compare {
    VPR_COMPARE_EXACT,  /* the value at `at` is that of the majority */
    VPR_COMPARE_HEAD,   /* the height at `at` is at most `within` from the median */
    VPR_COMPARE_SHAPE,  /* the value at `at` has the type and keys of the majority's */
    VPR_COMPARE_IGNORE, /* no verdict */
};

struct vpr_corpus_template {
    char method[VPR_CORPUS_NAME_MAX]; /* of JSON-RPC, or a verb */
    char path[VPR_CORPUS_NAME_MAX];
    bool rest;                /* the method is a verb */
    bool heights, hashes;     /* which places the params hold */
    struct vpr_bytes params;  /* JSON with places, in the corpus's memory; empty: none */
    enum vpr_compare compare;
    char at[VPR_CORPUS_POINTER_MAX]; /* JSON pointer into the answer */
    uint64_t within;
};

struct vpr_corpus;

/* Refused with the line that is wrong. */
VPR_MUST_USE enum vpr_code vpr_corpus_parse(struct vpr_corpus **ret, struct vpr_bytes text,
                                            const char *name, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_corpus_load(struct vpr_corpus **ret, const char *path,
                                           struct vpr_err *err);
void vpr_corpus_destroy(struct vpr_corpus *corpus); /* NULL is fine */
const struct vpr_hash *vpr_corpus_hash(const struct vpr_corpus *corpus); /* of the file */
size_t vpr_corpus_count(const struct vpr_corpus *corpus);
const struct vpr_corpus_template *vpr_corpus_at(const struct vpr_corpus *corpus, size_t i);

/* ---- the fisherman's side ---- */

struct vpr_corpus_values {
    uint64_t head; /* 0: not known */
    /* The hash of block `height` or of one near it; false: not known.  NULL: none is. */
    bool (*hash)(void *arg, char text[VPR_CORPUS_HASH_TEXT_MAX], uint64_t height);
    void *arg;
};

/* The params with their places filled, appended to `out`; false if a value is not known or
 * there is no room, then `out` may hold a part.  `out` stays empty if there are no params. */
VPR_MUST_USE bool vpr_corpus_fill(struct vpr_buf *out, const struct vpr_corpus_template *t,
                                  const struct vpr_corpus_values *values);
/* The verb, and the body (empty for REST) with filled params, appended to `out`. */
const char *vpr_corpus_request(struct vpr_buf *out, const struct vpr_corpus_template *t,
                               struct vpr_bytes params, uint64_t id);
/* The only place in the params is a height, and it is this number in the filled ones: such a
 * template's answer belongs to that height. */
VPR_MUST_USE bool vpr_corpus_height_of(uint64_t *ret, const struct vpr_corpus_template *t,
                                       struct vpr_bytes filled);
/* 64 hex digits, with or without 0x. */
bool vpr_corpus_hash_ok(struct vpr_bytes json_string);
/* A height as backends write it: 7, "7", "0x7". */
VPR_MUST_USE bool vpr_corpus_number(uint64_t *ret, struct vpr_bytes json);

/* ---- the gateway's side ---- */

enum vpr_cover {
    VPR_COVER_YES,
    VPR_COVER_NO,
    VPR_COVER_NO_HEAD, /* would be, but no height is known yet */
};
/* `verb`, `path`, `body` as in the request hash; `head` 0: not known. */
enum vpr_cover vpr_corpus_covers(const struct vpr_corpus *corpus, struct vpr_bytes verb,
                                 struct vpr_bytes path, struct vpr_bytes body, uint64_t head);

/* The height in the answer to a head method; false if it is none. */
VPR_MUST_USE bool vpr_corpus_head(const struct vpr_corpus *corpus, uint64_t *ret_height,
                                  uint64_t *ret_within, struct vpr_bytes path,
                                  struct vpr_bytes body, struct vpr_bytes answer);

/* A request without places, a head method if there is one; false if there is none.  The body
 * is `out`, the path ret_path. */
VPR_MUST_USE bool vpr_corpus_cheap(const struct vpr_corpus *corpus, char *out, size_t size,
                                   const char **ret_path, uint64_t id);

#endif
