/* Throws bent, cut, spliced and random proofs at the verifiers of app/store.
 *
 * Only the very bytes a store made for the very question may pass; every other input is
 * refused without a read beyond its end (each lies in a heap block of its exact size).  The
 * seed is printed; FUZZ_SECONDS and FUZZ_SEED make a run longer and repeatable. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/store/verify.h"

#define KEYS 200
#define ABSENT 60
#define SECONDS UINT64_C(2)
#define ROUNDS_MAX UINT64_C(1000000000)
#define BYTES_MAX (UINT64_C(1) << 16)

static const char *const names[] = {"accounts", "meta", "tokens"};

/* One question with its honest answers on both routes. */
struct question {
    struct vpr_bytes name, key;
    struct vpr_proof_answer simple, ics23;
};

static uint64_t state;
static struct vpr_arena arena;
static struct vpr_hash app_hash;
static struct question questions[KEYS + ABSENT];
static uint64_t honest, refused;

static uint64_t next(void) /* splitmix64 */
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(next() % n);
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_proofs: %s\n", what);
        abort();
    }
}

static struct vpr_proof_answer ask(struct vpr_view *view, const char *route,
                                   const struct question *q)
{
    struct vpr_proof_answer answer;
    char *path = vpr_arena_text(&arena, "/%s/%.*s/key", route, (int)q->name.len,
                                (const char *)q->name.data);
    require(vpr_proof_query(view, &arena, vpr_bytes_str(path), q->key, true, &answer, NULL) ==
                VPR_OK, "a query was refused");
    return answer;
}

static void ask_everything(void)
{
    char err[256];
    struct vpr_store *store =
        vpr_store_open(vpr_kv_memory_open(), names, VPR_COUNT(names), err, sizeof err);
    const struct vpr_state in_hand = {store, NULL};
    for (size_t i = 0; i < KEYS + ABSENT; i++) {
        uint8_t id = (uint8_t)(i % VPR_COUNT(names));
        questions[i].name = vpr_bytes_str(names[id]);
        questions[i].key = vpr_bytes_str(vpr_arena_text(&arena, "key %zu", i));
        if (i < KEYS) {
            vpr_state_put(&in_hand, id, questions[i].key, questions[i].key);
        }
    }
    vpr_store_commit(store, 1);
    app_hash = vpr_store_app_hash(store);
    struct vpr_view *view = vpr_store_view(store);
    for (size_t i = 0; i < KEYS + ABSENT; i++) {
        questions[i].simple = ask(view, "store", &questions[i]);
        questions[i].ics23 = ask(view, "ics23", &questions[i]);
    }
    vpr_view_release(view);
    vpr_store_close(store);
}

/* One change; the result lies in a heap block of its exact size. */
static uint8_t *bend(struct vpr_bytes in, struct vpr_bytes other, size_t *ret_len)
{
    uint8_t buffer[BYTES_MAX];
    size_t len = in.len;
    require(in.len < BYTES_MAX / 2 && other.len < BYTES_MAX / 2, "a proof is too large");
    memcpy(buffer, in.data, len);
    switch (below(6)) {
    case 0:
        buffer[below(len)] ^= (uint8_t)(1u << below(8));
        break;
    case 1:
        len = below(len);
        break;
    case 2: /* the front of one, the back of another */
        len = below(len);
        memcpy(buffer + len, other.data + below(other.len), other.len / 2);
        len += other.len / 2;
        break;
    case 3: /* a piece twice */
        memmove(buffer + len / 2 + 8, buffer + len / 2, len - len / 2);
        len += 8;
        break;
    case 4:
        for (size_t i = 0; i < 1 + below(8); i++) {
            buffer[below(len)] = (uint8_t)next();
        }
        break;
    default:
        len = 1 + below(200);
        for (size_t i = 0; i < len; i++) {
            buffer[i] = (uint8_t)next();
        }
    }
    uint8_t *block = malloc(len == 0 ? 1 : len);
    require(block != NULL, "no memory");
    memcpy(block, buffer, len);
    *ret_len = len;
    return block;
}


static bool accepts(bool simple, const struct question *q, struct vpr_bytes value,
                    const struct vpr_proof_op *ops, size_t count)
{
    return simple ? vpr_verify_simple(&app_hash, q->name, q->key, value, ops, count)
                  : vpr_verify_ics23(&app_hash, q->name, q->key, value, ops, count);
}

static bool same(struct vpr_bytes a, struct vpr_bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Where the varint of `total` ends in ValueOp{key, Proof{total, ...}}; 0: no such thing. */
static size_t total_end(struct vpr_bytes op)
{
    size_t at = op.len >= 2 ? 2 + (size_t)op.data[1] : 0; /* the key */
    at = at != 0 && at < op.len && op.data[at] == 0x12 ? at + 1 : op.len;
    while (at < op.len && op.data[at] >= 0x80) {
        at++; /* the length of the Proof */
    }
    at = at + 1 < op.len && op.data[at + 1] == 0x08 ? at + 2 : op.len;
    while (at < op.len && op.data[at] >= 0x80) {
        at++;
    }
    return at < op.len ? at + 1 : 0;
}

/* A `simple:v` proof says where in a tree of `total` leaves it stands, and other totals have
 * the same turns at that index: CometBFT takes those too, and they prove the same value. */
static bool other_total(struct vpr_bytes bent, struct vpr_bytes whole)
{
    size_t a = total_end(bent), b = total_end(whole);
    return a != 0 && b != 0 &&
           same(vpr_bytes_of(bent.data + a, bent.len - a),
                vpr_bytes_of(whole.data + b, whole.len - b));
}

static void play_round(void)
{
    const struct question *q = &questions[below(KEYS + ABSENT)];
    const struct question *other = &questions[below(KEYS + ABSENT)];
    bool simple = below(2) == 0 && q->simple.op_count == 2;
    const struct vpr_proof_answer *a = simple ? &q->simple : &q->ics23;
    require(accepts(simple, q, a->value, a->ops, 2), "an honest proof is refused");
    honest++;

    /* The proof of one question never answers another. */
    if (other != q && !same(other->key, q->key)) {
        const struct vpr_proof_answer *b = simple ? &other->simple : &other->ics23;
        struct vpr_proof_op ops[2] = {b->ops[0], a->ops[1]};
        if (b->op_count == 2) {
            ops[0].key = a->ops[0].key;
            require(!accepts(simple, q, b->value, ops, 2), "another key's proof passes");
        }
    }
    size_t at = below(2), len;
    uint8_t *block = bend(a->ops[at].data, other->ics23.ops[below(2)].data, &len);
    struct vpr_proof_op ops[2] = {a->ops[0], a->ops[1]};
    ops[at].data = vpr_bytes_of(block, len);
    if (!same(ops[at].data, a->ops[at].data) &&
        !(simple && other_total(ops[at].data, a->ops[at].data))) {
        require(!accepts(simple, q, a->value, ops, 2), "a bent proof passes");
        refused++;
    }
    free(block);
    struct vpr_bytes wrong = a->value.len == 0 ? q->key : other->key;
    if (!same(wrong, a->value)) {
        require(!accepts(simple, q, wrong, a->ops, 2), "a wrong value passes");
    }
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

int main(void)
{
    uint64_t start = (uint64_t)time(NULL);
    uint64_t seconds = number("FUZZ_SECONDS", SECONDS);
    state = number("FUZZ_SEED", start);
    printf("fuzz_proofs: FUZZ_SEED=%" PRIu64 "\n", state);
    (void)fflush(stdout); /* an abort must not lose it */
    vpr_arena_init(&arena, 64 << 20);
    ask_everything();
    uint64_t rounds = 0;
    while (rounds < ROUNDS_MAX && (uint64_t)time(NULL) - start <= seconds) {
        for (size_t i = 0; i < 200; i++, rounds++) {
            play_round();
        }
    }
    printf("fuzz_proofs: %" PRIu64 " rounds, %" PRIu64 " bent proofs refused\n", rounds,
           refused);
    require(honest > 0 && refused > 0, "nothing was tried");
    vpr_arena_finish(&arena);
    return 0;
}
