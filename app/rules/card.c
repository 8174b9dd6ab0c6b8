#include "app/rules/card.h"

#include "app/base/bytes.h"

size_t vpr_card_encode(uint8_t out[VPR_CARD_BYTES_MAX], const struct vpr_card *card)
{
    struct vpr_writer w = vpr_writer(out, VPR_CARD_BYTES_MAX);
    VPR_ASSERT(card->count <= VPR_CARD_LINES_MAX);
    vpr_write_be32(&w, card->count);
    for (uint32_t i = 0; i < card->count; i++) {
        const struct vpr_card_line *line = &card->lines[i];
        vpr_write(&w, line->servicer.b, sizeof line->servicer.b);
        vpr_write_be64(&w, line->sent);
        vpr_write_be64(&w, line->refused);
        vpr_write_be64(&w, line->answered);
        vpr_write_be64(&w, line->checked);
        vpr_write_be64(&w, line->correct);
        vpr_write_be64(&w, line->p90_ms);
    }
    vpr_write(&w, card->root.b, sizeof card->root.b);
    return w.len;
}

bool vpr_card_decode(struct vpr_card *ret, struct vpr_bytes wire)
{
    struct vpr_card card;
    struct vpr_reader r = vpr_reader(wire);
    memset(&card, 0, sizeof card);
    card.count = vpr_read_be32(&r);
    if (card.count > VPR_CARD_LINES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < card.count; i++) {
        struct vpr_card_line *line = &card.lines[i];
        vpr_read(&r, line->servicer.b, sizeof line->servicer.b);
        line->sent = vpr_read_be64(&r);
        line->refused = vpr_read_be64(&r);
        line->answered = vpr_read_be64(&r);
        line->checked = vpr_read_be64(&r);
        line->correct = vpr_read_be64(&r);
        line->p90_ms = vpr_read_be64(&r);
    }
    vpr_read(&r, card.root.b, sizeof card.root.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = card;
    return true;
}

struct vpr_hash vpr_card_seal(const struct vpr_card *card, const struct vpr_hash *salt,
                              const struct vpr_hash *sid, const struct vpr_address *fisherman)
{
    uint8_t bytes[VPR_CARD_BYTES_MAX];
    size_t len = vpr_card_encode(bytes, card);
    struct vpr_hasher h;
    vpr_hasher_start(&h, "card");
    vpr_hasher_fixed(&h, salt->b, sizeof salt->b);
    vpr_hasher_fixed(&h, sid->b, sizeof sid->b);
    vpr_hasher_fixed(&h, fisherman->b, sizeof fisherman->b);
    vpr_hasher_fixed(&h, bytes, len);
    return vpr_hasher_end(&h);
}

bool vpr_card_line_ok(const struct vpr_card_line *line)
{
    return line->refused <= line->sent && line->answered <= line->sent - line->refused &&
           line->checked <= line->answered && line->correct <= line->checked;
}

bool vpr_card_ok(const struct vpr_card *card, uint64_t *ret_sent, uint64_t *ret_answered)
{
    static const struct vpr_hash empty;
    uint64_t sent = 0;
    uint64_t answered = 0;
    if (card->count > VPR_CARD_LINES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < card->count; i++) {
        const struct vpr_card_line *line = &card->lines[i];
        if (!vpr_card_line_ok(line) || __builtin_add_overflow(sent, line->sent, &sent)) {
            return false;
        }
        answered += line->answered; /* at most sent */
        if (i > 0 && vpr_address_cmp(&line[-1].servicer, &line->servicer) >= 0) {
            return false;
        }
    }
    if (sent == 0 && !vpr_hash_equal(&card->root, &empty)) {
        return false;
    }
    *ret_sent = sent;
    *ret_answered = answered;
    return true;
}

uint32_t vpr_card_line_at(const struct vpr_card *card, uint64_t position)
{
    for (uint32_t i = 0; i < card->count; i++) {
        if (position < card->lines[i].sent) {
            return i;
        }
        position -= card->lines[i].sent;
    }
    VPR_HALT("a position beyond the samples of a card");
}

uint64_t vpr_card_p90_rank(uint64_t answered)
{
    VPR_ASSERT(answered >= 1);
    return answered - answered / 10; /* n - floor(n / 10) = ceil(9 n / 10) */
}
