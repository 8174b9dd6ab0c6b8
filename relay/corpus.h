/* corpus.h - the requests a fisherman may have relayed, and heads told in passing.
 *
 * Owns one chain's templates, read from deploy/corpus/{chain}.jsonl.  Its one rule: what is
 * not exactly a template with fitting values in its places is not covered, so that the
 * shadow endpoint is no proxy.
 *
 * A line: {"method":"block","path":"","params":[{"height":-3,"as":"string"}],
 * "compare":{"kind":"exact","at":"/result","within":2}}.  Places: {"height":n}, a number (or,
 * "as":"string", its digits in a string) within the last VPR_CORPUS_HEIGHTS blocks;
 * {"hash":n}, 64 hex digits, with or without 0x.  A method that is an HTTP verb is a REST
 * template: its path, an empty body. */
#ifndef VPR_RELAY_CORPUS_H
#define VPR_RELAY_CORPUS_H

#include "app/base/err.h"

#define VPR_CORPUS_TEMPLATES_MAX 256
#define VPR_CORPUS_BYTES_MAX (256 * 1024)
#define VPR_CORPUS_HEIGHTS 1000
#define VPR_CORPUS_AHEAD 16 /* blocks we may not have heard of yet */
#define VPR_CORPUS_NAME_MAX 128

struct vpr_corpus;

/* Refused with the line that is wrong. */
VPR_MUST_USE enum vpr_code vpr_corpus_parse(struct vpr_corpus **ret, struct vpr_bytes text,
                                            const char *name, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_corpus_load(struct vpr_corpus **ret, const char *path,
                                           struct vpr_err *err);
void vpr_corpus_destroy(struct vpr_corpus *corpus); /* NULL is fine */
const struct vpr_hash *vpr_corpus_hash(const struct vpr_corpus *corpus); /* of the file */

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
