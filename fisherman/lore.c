#include "fisherman/lore.h"

#include "app/host/json_scan.h"

void vpr_lore_learn(struct vpr_lore *lore, const struct vpr_corpus_template *t,
                    struct vpr_bytes params, uint32_t seat, const struct vpr_finding *finding,
                    struct vpr_bytes body)
{
    struct vpr_lore_hash told = {.seat = seat};
    struct vpr_bytes value;
    size_t len;

    VPR_ASSERT(seat < VPR_JUDGE_SERVICERS_MAX);
    if (finding->found != VPR_FOUND_RESULT) {
        return;
    }
    if (t->compare == VPR_COMPARE_HEAD) {
        lore->heights[seat] = finding->height;
        return;
    }
    /* An exact method that is asked for a height and answers a hash tells that block's. */
    if (t->compare == VPR_COMPARE_EXACT && vpr_corpus_height_of(&told.height, t, params) &&
        vpr_json_at(&value, body, t->at) && vpr_corpus_hash_ok(value) &&
        vpr_json_text(told.text, sizeof told.text, &len, value)) {
        lore->hashes[lore->hash_count++ % VPR_LORE_HASHES_MAX] = told;
    }
}

uint64_t vpr_lore_head(const struct vpr_lore *lore)
{
    uint64_t known[VPR_JUDGE_SERVICERS_MAX];
    size_t count = 0;

    for (uint32_t s = 0; s < VPR_JUDGE_SERVICERS_MAX; s++) {
        if (lore->heights[s] != 0) {
            known[count++] = lore->heights[s];
        }
    }
    return count == 0 ? 0 : vpr_median(known, count);
}

static size_t known_hashes(const struct vpr_lore *lore)
{
    return lore->hash_count < VPR_LORE_HASHES_MAX ? lore->hash_count : VPR_LORE_HASHES_MAX;
}

/* Servicers that told `h`'s text for its height. */
static uint32_t voices(const struct vpr_lore *lore, const struct vpr_lore_hash *h)
{
    uint32_t seats = 0; /* bits */

    for (size_t i = 0; i < known_hashes(lore); i++) {
        const struct vpr_lore_hash *o = &lore->hashes[i];
        if (o->height == h->height && strcmp(o->text, h->text) == 0) {
            seats |= UINT32_C(1) << o->seat;
        }
    }
    return (uint32_t)__builtin_popcount(seats);
}

/* Nearer to what is wanted: at or below it, the higher the better; else the lower. */
static bool nearer(uint64_t a, uint64_t b, uint64_t want)
{
    if ((a <= want) != (b <= want)) {
        return a <= want;
    }
    return a <= want ? a > b : a < b;
}

bool vpr_lore_hash(void *arg, char text[VPR_CORPUS_HASH_TEXT_MAX], uint64_t height)
{
    const struct vpr_lore *lore = arg;
    const struct vpr_lore_hash *best = NULL;

    for (size_t i = 0; i < known_hashes(lore); i++) {
        const struct vpr_lore_hash *h = &lore->hashes[i];
        if (best == NULL || nearer(h->height, best->height, height) ||
            (h->height == best->height && voices(lore, h) > voices(lore, best))) {
            best = h;
        }
    }
    if (best == NULL) {
        return false;
    }
    memcpy(text, best->text, VPR_CORPUS_HASH_TEXT_MAX);
    return true;
}
