#include "abci/frame.h"

#include <stdlib.h>

#include "abci/abci.h"

#define SHARED_SIZE (64 * 1024)

void abci_frames_init(struct abci_frames *frames)
{
    *frames = (struct abci_frames){NULL, 0, 0, 0};
}

void abci_frames_finish(struct abci_frames *frames)
{
    free(frames->data);
    abci_frames_init(frames);
}

/* Length of the header in front and the message's length, if that much is there. */
static enum abci_frame read_header(const struct abci_frames *frames, size_t *ret_header,
                                   size_t *ret_len)
{
    uint64_t len = 0;

    for (size_t i = 0; i < ABCI_FRAME_HEADER_MAX; i++) {
        if (frames->begin + i == frames->end) {
            return ABCI_FRAME_PARTIAL;
        }
        uint8_t byte = frames->data[frames->begin + i];
        if (i == ABCI_FRAME_HEADER_MAX - 1 && byte > 1) {
            return ABCI_FRAME_GARBAGE; /* does not fit 64 bits */
        }
        len |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (len > ABCI_FRAME_MAX) {
                return ABCI_FRAME_LARGE;
            }
            *ret_header = i + 1;
            *ret_len = (size_t)len;
            return ABCI_FRAME_READY;
        }
    }
    return ABCI_FRAME_GARBAGE;
}

/* Move what is there into a buffer of `size` bytes. */
static void change_buffer(struct abci_frames *frames, size_t size)
{
    size_t have = frames->end - frames->begin;
    uint8_t *data = malloc(size);

    if (data == NULL) {
        VPR_HALT("out of memory for an ABCI frame");
    }
    VPR_ASSERT(have <= size);
    if (have > 0) {
        memcpy(data, frames->data + frames->begin, have);
    }
    free(frames->data);
    *frames = (struct abci_frames){data, size, 0, have};
}

uint8_t *abci_frames_room(struct abci_frames *frames, size_t *ret_room)
{
    size_t have = frames->end - frames->begin;
    size_t header, len, need = 0;

    if (read_header(frames, &header, &len) == ABCI_FRAME_READY) {
        need = header + len;
    }
    if (need > SHARED_SIZE) {
        if (frames->size != need) {
            change_buffer(frames, need);
        }
    } else if (frames->size != SHARED_SIZE) {
        change_buffer(frames, SHARED_SIZE);
    } else if (have == 0) {
        frames->begin = frames->end = 0;
    } else if (frames->end == frames->size && frames->begin > 0) {
        memmove(frames->data, frames->data + frames->begin, have);
        frames->begin = 0;
        frames->end = have;
    }
    *ret_room = frames->size - frames->end;
    return frames->data + frames->end;
}

void abci_frames_filled(struct abci_frames *frames, size_t len)
{
    VPR_ASSERT(len <= frames->size - frames->end);
    frames->end += len;
}

enum abci_frame abci_frames_next(struct abci_frames *frames, struct vpr_bytes *ret_message)
{
    size_t header, len;
    enum abci_frame state = read_header(frames, &header, &len);

    if (state != ABCI_FRAME_READY) {
        return state;
    }
    if (frames->end - frames->begin < header + len) {
        return ABCI_FRAME_PARTIAL;
    }
    *ret_message = vpr_bytes_of(frames->data + frames->begin + header, len);
    frames->begin += header + len;
    return ABCI_FRAME_READY;
}

size_t abci_frame_header(uint8_t out[ABCI_FRAME_HEADER_MAX], size_t len)
{
    size_t n = 0;

    for (; len > 0x7f; len >>= 7) {
        out[n++] = (uint8_t)(len | 0x80);
    }
    out[n++] = (uint8_t)len;
    return n;
}
