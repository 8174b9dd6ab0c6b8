/* book.h - one session's samples, in memory and on disk.
 *
 * Owns samples/{session}.book: a file that only grows.  Its one rule: a restart finds what the
 * run before it sealed, bit for bit; what was not yet written when the machine stopped is as
 * if it had never been sampled.
 *
 * File: frames of {4-byte length, payload, first 8 bytes of SHA-256(payload)}, integers big-
 * endian.  Payloads begin with a kind: the session, a sid with its bench and the gateway keys,
 * a sample, a trusted backend's word, a sid's seal with the salt and the verdicts, the end.
 * Reading stops at the first frame that does not hold, and the file is cut there.  Samples are
 * written at once and synced with the seals, before anything is told to the chain. */
#ifndef VPR_FISHERMAN_BOOK_H
#define VPR_FISHERMAN_BOOK_H

#include "app/base/err.h"
#include "app/rules/token.h"
#include "fisherman/card.h"
#include "fisherman/judge.h"

#define VPR_BOOK_SIDS_MAX 256        /* a session; those beyond are not sampled */
#define VPR_BOOK_SAMPLES_MAX 262144  /* a session */
#define VPR_BOOK_PATH_MAX 512
#define VPR_BOOK_NO_SID UINT32_MAX

struct vpr_book_seat {
    struct vpr_address servicer;
    struct vpr_hash relay_key;
};

/* What a sid is, as its session has it. */
struct vpr_book_terms {
    struct vpr_hash sid;
    struct vpr_address requestor;
    uint16_t chain, zone;
    uint64_t quota_cu;
    uint32_t fisherman_count;
    uint32_t seat_count; /* servicers, in id order */
    struct vpr_book_seat seats[VPR_CARD_LINES_MAX];
    uint32_t key_count; /* of the requestor's gateways */
    struct vpr_hash keys[VPR_GATEWAY_KEYS_MAX];
};

struct vpr_book_sample {
    uint32_t sid;  /* index */
    uint32_t seat; /* of its terms */
    uint32_t group;
    uint32_t gateway_key; /* which of the terms' keys signed the token */
    uint64_t at_ms;       /* wall clock of receipt */
    struct vpr_finding finding;
    struct vpr_token token;
    struct vpr_sample sample; /* without verdict until its sid is sealed */
};

/* What a trusted backend said to the request of a group. */
struct vpr_book_word {
    uint32_t sid, group;
    uint64_t at_ms;
    struct vpr_finding finding;
};

struct vpr_book_sid {
    struct vpr_book_terms terms;
    uint32_t sample_count, sample_room;
    uint32_t *samples; /* numbers, in order of receipt; of the card once sealed */
    uint64_t spent_cu[VPR_CARD_LINES_MAX];
    uint64_t sent[VPR_CARD_LINES_MAX];
    bool sealed;
    struct vpr_hash salt, seal;
    struct vpr_card card;
};

struct vpr_book {
    uint64_t session, first, last;
    struct vpr_hash seed;
    struct vpr_address fisherman;
    bool ended; /* every sid that has samples is sealed, and synced */
    uint32_t sid_count, sample_count, sample_room;
    struct vpr_book_sid *sids[VPR_BOOK_SIDS_MAX];
    struct vpr_book_sample **samples;
    uint32_t word_count, word_room;
    struct vpr_book_word *words;
    int fd;
    uint64_t file_bytes, cut_bytes; /* lost at the end when it was opened */
    char path[VPR_BOOK_PATH_MAX];
};

void vpr_book_path(char path[VPR_BOOK_PATH_MAX], const char *dir, uint64_t session);

struct vpr_book_session {
    uint64_t number, first, last;
    struct vpr_hash seed; /* tells networks apart */
};

/* The book of an earlier run, or a new one; one of another session, network or fisherman is
 * overwritten: nobody else can use it any more. */
VPR_MUST_USE enum vpr_code vpr_book_open(struct vpr_book **ret, const char *dir,
                                         const struct vpr_book_session *session,
                                         const struct vpr_address *fisherman,
                                         struct vpr_err *err);
/* An earlier run's, whatever its blocks and seed. */
VPR_MUST_USE enum vpr_code vpr_book_read(struct vpr_book **ret, const char *dir,
                                         uint64_t session, const struct vpr_address *fisherman,
                                         struct vpr_err *err);
void vpr_book_close(struct vpr_book *book); /* NULL is fine */

/* The sid's index; it is added if it is new.  VPR_BOOK_NO_SID when there are too many, when the
 * book knows it with another bench, or when the disk is full. */
uint32_t vpr_book_sid(struct vpr_book *book, const struct vpr_book_terms *terms);

/* This client key used this seq with this servicer before. */
bool vpr_book_seen(const struct vpr_book *book, uint32_t sid, uint32_t seat,
                   const struct vpr_request *part);
/* Written before it returns; false when the book or the disk is full, or the book sealed. */
VPR_MUST_USE bool vpr_book_add(struct vpr_book *book, const struct vpr_book_sample *sample);

VPR_MUST_USE bool vpr_book_add_word(struct vpr_book *book, const struct vpr_book_word *word);

/* Judges and seals every sid with samples, each with a fresh salt; then syncs.  Twice is
 * once. */
void vpr_book_end(struct vpr_book *book);

/* The samples of a sealed sid in the order of its card; free with vpr_mem_free. */
const struct vpr_sample **vpr_book_samples(const struct vpr_book *book, uint32_t sid);

#endif
