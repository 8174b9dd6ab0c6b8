/* frame.h - messages on a byte stream: unsigned LEB128 length, then the message.
 *
 * The reader owns one buffer: a small one that many frames share, or, while a frame is
 * larger than that, one of exactly its size.  Each byte is moved at most twice. */
#ifndef ABCI_FRAME_H
#define ABCI_FRAME_H

#include "app/base/base.h"

#define ABCI_FRAME_HEADER_MAX 10 /* bytes of a length */

struct abci_frames {
    uint8_t *data;
    size_t size;
    size_t begin, end; /* bytes received and not yet taken */
};

enum abci_frame {
    ABCI_FRAME_READY,
    ABCI_FRAME_PARTIAL, /* the rest has not come yet */
    ABCI_FRAME_LARGE,   /* above ABCI_FRAME_MAX */
    ABCI_FRAME_GARBAGE, /* the length is no number */
};

void abci_frames_init(struct abci_frames *frames);
void abci_frames_finish(struct abci_frames *frames);

/* Where the next bytes go, and how many may come; never 0 after abci_frames_next said
 * PARTIAL.  Tell how many came by abci_frames_filled. */
uint8_t *abci_frames_room(struct abci_frames *frames, size_t *ret_room);
void abci_frames_filled(struct abci_frames *frames, size_t len);

/* Take the next message; the view holds until the next call of abci_frames_room. */
enum abci_frame abci_frames_next(struct abci_frames *frames, struct vpr_bytes *ret_message);

/* Write the length that goes before `len` bytes; returns its own length. */
size_t abci_frame_header(uint8_t out[ABCI_FRAME_HEADER_MAX], size_t len);

#endif
