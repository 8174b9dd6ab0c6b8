#include "abci/answer.h"

#include <stdio.h>

/* state.createProposalBlock panics: the limit counts tags and lengths as well. */
static bool check_prepare(const struct abci_call *call, const ProtobufCMessage *message,
                          char *ret_why)
{
    const Tendermint__Abci__ResponsePrepareProposal *response = (const void *)message;
    int64_t limit = call->request->prepare_proposal->max_tx_bytes;
    uint64_t sum = 0;

    for (size_t i = 0; i < response->n_txs; i++) {
        sum += abci_tx_encoded_size(response->txs[i].len);
    }
    if (limit >= 0 && sum <= (uint64_t)limit) {
        return true;
    }
    snprintf(ret_why, ABCI_TEXT_MAX,
             "PrepareProposal: %zu transactions take %" PRIu64
             " encoded bytes, max_tx_bytes is %" PRId64,
             response->n_txs, sum, limit);
    return false;
}

static bool check_finalize(const struct abci_call *call, const ProtobufCMessage *message,
                           char *ret_why)
{
    const Tendermint__Abci__ResponseFinalizeBlock *response = (const void *)message;
    size_t txs = call->request->finalize_block->n_txs;

    if (response->n_tx_results == txs) {
        return true;
    }
    snprintf(ret_why, ABCI_TEXT_MAX, "FinalizeBlock: %zu results for %zu transactions",
             response->n_tx_results, txs);
    return false;
}

/* proto3's zero is UNKNOWN, and a forgotten status looks just like it. */
static bool check_status(const struct abci_call *call, int status, char *ret_why)
{
    if (status != 0) {
        return true;
    }
    snprintf(ret_why, ABCI_TEXT_MAX, "%s: status is UNKNOWN", call->method->name);
    return false;
}

bool abci_answer_check(const struct abci_call *call, const ProtobufCMessage *response,
                       char ret_why[ABCI_TEXT_MAX])
{
    const void *m = response;

    switch ((int)call->method->response) {
    case TENDERMINT__ABCI__RESPONSE__VALUE_PREPARE_PROPOSAL:
        return check_prepare(call, response, ret_why);
    case TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK:
        return check_finalize(call, response, ret_why);
    case TENDERMINT__ABCI__RESPONSE__VALUE_PROCESS_PROPOSAL:
        return check_status(
            call, (int)((const Tendermint__Abci__ResponseProcessProposal *)m)->status, ret_why);
    case TENDERMINT__ABCI__RESPONSE__VALUE_VERIFY_VOTE_EXTENSION:
        return check_status(
            call, (int)((const Tendermint__Abci__ResponseVerifyVoteExtension *)m)->status,
            ret_why);
    case TENDERMINT__ABCI__RESPONSE__VALUE_OFFER_SNAPSHOT:
        return check_status(
            call, (int)((const Tendermint__Abci__ResponseOfferSnapshot *)m)->result, ret_why);
    case TENDERMINT__ABCI__RESPONSE__VALUE_APPLY_SNAPSHOT_CHUNK:
        return check_status(
            call, (int)((const Tendermint__Abci__ResponseApplySnapshotChunk *)m)->result,
            ret_why);
    default:
        return true; /* CometBFT checks nothing of these */
    }
}

size_t abci_tx_encoded_size(size_t len)
{
    size_t n = 1 + len;

    for (size_t v = len; v > 0x7f; v >>= 7) {
        n++;
    }
    return n + 1;
}
