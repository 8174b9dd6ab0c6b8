/* dispatch.h - from the bytes of a request to the callback that answers it.
 *
 * Nothing is unpacked before the wire validator has passed it.  Echo, Flush and whatever
 * cannot be served are answered here. */
#ifndef ABCI_DISPATCH_H
#define ABCI_DISPATCH_H

#include "abci/call.h"

enum abci_decoded {
    ABCI_DECODED_CALL,     /* method and request are set: hand it to the application */
    ABCI_DECODED_ANSWERED, /* the answer is packed */
    ABCI_DECODED_GARBAGE,  /* an exception is packed; the connection cannot be trusted */
};

enum abci_decoded abci_decode(struct abci_call *call, struct vpr_bytes wire);

#endif
