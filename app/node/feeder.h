/* feeder.h - a validator's vote on the price of VIPR, once a session.
 *
 * Owns the reading of the configured file or URL and the one transaction under way.  Its one
 * rule: outside consensus; a price that cannot be read, is not a number or is of old is never
 * voted, and a session in which the state shows a vote already is left alone.
 *
 * Belongs to one loop.  In a session: LOOK (has the state our vote?) -> READ -> SEND, until
 * the state shows the vote or the session is over; a failed reading is tried again. */
#ifndef VPR_NODE_FEEDER_H
#define VPR_NODE_FEEDER_H

#include "app/base/err.h"

#define FEEDER_RETRY_MS 5000
#define FEEDER_TEXT_BYTES_MAX (64 * 1024)

struct feeder;
struct vpr_loop;

struct feeder_options {
    struct vpr_loop *loop;
    const char *node;      /* REST of this node */
    const char *file;      /* one of these two, the other is "" */
    const char *url;
    uint64_t max_age_s;    /* of the file, since it was written; 0: of any age */
    const char *pointer;   /* into JSON; "": the text is the number */
    const char *home, *keyring_backend;
    const char *passphrase_file; /* NULL: ask at the terminal */
    const char *key;             /* name of the validator's operator in the keyring */
};

/* Keeps the strings; the key is opened here, as the keyring says why it cannot be. */
VPR_MUST_USE enum vpr_code feeder_create(struct feeder **ret,
                                         const struct feeder_options *options,
                                         struct vpr_err *err);
void feeder_destroy(struct feeder *feeder); /* NULL is fine */

/* Micro-USD from what was read: a decimal number such as 0.0512, also as a JSON string or
 * behind the pointer; digits beyond the sixth are dropped.  BAD_FIELD says what is wrong. */
VPR_MUST_USE enum vpr_code feeder_parse(uint64_t *ret_micro_usd, struct vpr_bytes text,
                                        const char *pointer, struct vpr_err *err);

/* EXPIRED with the numbers if the file was written longer ago; one that cannot be found is the
 * reading's business. */
VPR_MUST_USE enum vpr_code feeder_fresh(const char *file, uint64_t max_age_s,
                                        struct vpr_err *err);

#endif
