/* err.h - refusals: a stable number and one sentence.
 *
 * Numbers are protocol (CometBFT hashes them), sentences are not: tests/golden/codes.txt
 * pins the numbers; never renumber, only append.  Codespace "viper". */
#ifndef VPR_BASE_ERR_H
#define VPR_BASE_ERR_H

#include <stdarg.h>

#include "app/base/base.h"

#define VPR_CODES(X) \
    X(OK, 0, "ok") \
    /* the envelope */ \
    X(BAD_ENCODING, 1, "not one canonical protobuf encoding") \
    X(TOO_LARGE, 2, "too large") \
    X(UNKNOWN_MESSAGE, 3, "unknown message type") \
    X(BAD_SIGNATURE, 4, "signature does not verify") \
    X(BAD_SEQUENCE, 5, "wrong account sequence") \
    X(EXPIRED, 6, "timeout has passed") \
    X(REPLAYED, 7, "already executed") \
    X(FEE_TOO_LOW, 8, "fee is too low") \
    X(GAS_TOO_LOW, 9, "gas limit is too low") \
    X(NO_FUNDS, 10, "not enough funds") \
    X(BAD_SIGNER, 11, "signed by the wrong account") \
    X(UNSUPPORTED, 12, "not supported") \
    X(SYSTEM_ONLY, 13, "only the proposer makes this message") \
    /* fields */ \
    X(BAD_ADDRESS, 20, "not an address") \
    X(BAD_AMOUNT, 21, "not a valid amount") \
    X(BAD_FIELD, 22, "a field is missing or out of range") \
    X(BAD_KEY, 23, "not a valid public key") \
    X(OVERFLOW, 24, "a number overflows") \
    X(NOT_FOUND, 25, "does not exist") \
    X(DENIED, 26, "not allowed to this account") \
    /* actors */ \
    X(STAKED, 30, "already staked") \
    X(NOT_STAKED, 31, "not staked") \
    X(STAKE_TOO_LOW, 32, "stake below the minimum") \
    X(OPERATOR_TAKEN, 33, "operator serves another actor") \
    X(BAD_STATUS, 34, "not possible in the present status") \
    X(TOO_SOON, 35, "too soon") \
    X(QUOTA_TOO_LOW, 36, "quota below the minimum") \
    X(NO_CHAIN, 37, "chain is unknown or inactive") \
    X(NO_ZONE, 38, "zone is unknown or inactive") \
    X(NOT_DELEGATED, 40, "not delegated there") \
    X(NO_DELEGATION, 41, "takes no delegation") \
    X(TOMBSTONED, 45, "signed twice: never a validator again") \
    /* sessions */ \
    X(NO_SESSION, 50, "no such session") \
    X(WRONG_WINDOW, 51, "outside the window of blocks") \
    X(NOT_DRAWN, 52, "not drawn in this session") \
    X(CLAIM_TOO_SMALL, 53, "claim is below the minimum") \
    X(NOT_COMMITTED, 54, "nothing was committed") \
    X(BAD_LEAF, 55, "leaf does not prove the position") \
    X(BAD_TAIL, 56, "tail does not verify") \
    X(BAD_TOKEN, 57, "token does not verify") \
    X(BAD_CARD, 58, "card does not match its seal or its numbers") \
    X(BAD_SAMPLE, 59, "opened sample does not verify") \
    X(REVEALED, 60, "already revealed") \
    X(DUPLICATE, 61, "occurs twice") \
    X(NOT_SEALED, 62, "no report card was sealed") \
    /* governance */ \
    X(TOO_MANY_PROPOSALS, 70, "as many proposals are open as may be") \
    X(VOTE_CLOSED, 71, "the vote is over") \
    X(NO_POWER, 72, "the account has no vote") \
    X(STEP_TOO_LARGE, 73, "changes too much at once")

enum vpr_code {
#define X(name, number, text) VPR_##name = (number),
    VPR_CODES(X)
#undef X
};

#define VPR_ERR_TEXT_MAX 256

struct vpr_err {
    enum vpr_code code;
    char text[VPR_ERR_TEXT_MAX]; /* one sentence, with the numbers and the next step */
};

/* Store the refusal in `err` (may be NULL) and return `code`. */
enum vpr_code vpr_fail(struct vpr_err *err, enum vpr_code code, const char *fmt, ...)
    VPR_PRINTF(3, 4);

/* vsnprintf behind a pure header: the length the whole text has. */
size_t vpr_format(char *text, size_t size, const char *fmt, va_list args) VPR_PRINTF(3, 0);

const char *vpr_code_name(enum vpr_code code); /* "NO_FUNDS" */
const char *vpr_code_text(enum vpr_code code);

#endif
