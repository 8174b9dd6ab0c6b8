/* answer.h - what CometBFT checks of an answer, checked here first.
 *
 * It panics or halts on these without saying which application did it; an exception with
 * the numbers stops the node just as surely, and explains. */
#ifndef ABCI_ANSWER_H
#define ABCI_ANSWER_H

#include "abci/call.h"

bool abci_answer_check(const struct abci_call *call, const ProtobufCMessage *response,
                       char ret_why[ABCI_TEXT_MAX]);

#endif
