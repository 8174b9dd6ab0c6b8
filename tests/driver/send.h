/* send.h - a message becomes a signed transaction in the pool, and a line of the record. */
#ifndef VPR_DRIVER_SEND_H
#define VPR_DRIVER_SEND_H

#include "tests/driver/stage.h"

/* How an envelope is spoilt on purpose. */
enum envelope_fault {
    ENVELOPE_FINE,
    ENVELOPE_SIGNATURE,   /* one bit of it */
    ENVELOPE_CHAIN_ID,    /* signed for another chain */
    ENVELOPE_NUMBER,      /* signed with another account number */
    ENVELOPE_OLD,         /* a sequence that is used up */
    ENVELOPE_AHEAD,       /* a sequence that is not reached */
    ENVELOPE_FEE,         /* one below the least */
    ENVELOPE_GAS,         /* a limit one below what it needs */
    ENVELOPE_EXPIRED,     /* a timeout that has passed */
    ENVELOPE_BYTES,       /* a byte behind the end */
    ENVELOPE_POOR,        /* a fee that the account does not have */
    ENVELOPE_DOCUMENT,    /* the document of the other mode is signed */
    ENVELOPE_BLANK,       /* a blank more in the document */
    ENVELOPE_MODE,        /* a mode that the chain does not take */
    ENVELOPE_MEMO,        /* one byte too long */
    ENVELOPE_FAULTS
};

struct sending {
    const char *label; /* who signs */
    const ProtobufCMessage *messages[VPR_TX_MESSAGES_MAX];
    size_t count;
    bool unordered; /* with a timeout, instead of a sequence */
    unsigned patience_s; /* that far ahead; 0: 60 s */
    bool json;        /* SIGN_MODE_LEGACY_AMINO_JSON, whether the messages have a form or not */
    const char *memo; /* NULL: none */
    enum envelope_fault fault;
    uint64_t tip; /* uvipr above the least fee */
    bool forced; /* goes into the block whatever CheckTx says */
    /* What was spoilt inside, NULL: nothing; only "signature" is beyond a model. */
    const char *spoilt, *spoilt_at;
    item_told_fn *told;
    void *arg;
};

void send_tx(struct stage *stage, const struct sending *sending);

#endif
