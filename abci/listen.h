/* listen.h - addresses as CometBFT writes them, and listening on one. */
#ifndef ABCI_LISTEN_H
#define ABCI_LISTEN_H

#include <sys/un.h>

#include "abci/abci.h"

struct abci_listener {
    int fd; /* non-blocking; -1: none */
    bool tcp;
    uint16_t port;                                     /* of tcp, as the system gave it */
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* of unix, else empty */
};

bool abci_listen(struct abci_listener *ret_listener, const char *address,
                 char ret_why[ABCI_TEXT_MAX]);
void abci_listen_close(struct abci_listener *listener); /* and removes the socket's file */

#endif
