/* vectors.h - reads the golden vectors of the protocol: their labels, numbers and tables.
 *
 * The rules of the file stand in protocol.json, "rules". Whatever is not as they say fails the
 * running test. */
#ifndef VPR_TESTS_GOLDEN_VECTORS_H
#define VPR_TESTS_GOLDEN_VECTORS_H

#include <check.h>
#include <jansson.h>

#include "app/base/arena.h"
#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/sig.h"
#include "app/rules/sumtree.h"

extern struct vpr_arena vec_arena; /* released by vec_case */
extern unsigned vec_cases;

void vec_open(const char *path);
void vec_close(void);

/* A group of the file, "a" or "a.b". */
json_t *vec_group(const char *group, const char *part);
/* Counts a case and gives its id. */
const char *vec_case(json_t *item);
const char *vec_row(json_t *row);

json_t *vec_get(json_t *item, const char *name);
json_t *vec_at(json_t *list, size_t index);
uint64_t vec_u64(json_t *value);
vpr_u128 vec_u128(json_t *value);
uint32_t vec_u32(json_t *value);
bool vec_bool(json_t *value);
struct vpr_bytes vec_hex(json_t *value);
struct vpr_bytes vec_text(json_t *value);
/* 32 bytes: hex or #label; 20 bytes: hex or label. */
struct vpr_hash vec_hash(json_t *value);
struct vpr_address vec_address(json_t *value);
struct vpr_signature vec_signature(json_t *value);
struct vpr_sumnode vec_node(json_t *pair);

void vec_same(const char *id, const char *what, json_t *want, const void *got, size_t len);

#define VEC_EACH(list, index, item) json_array_foreach(list, index, item)
#define VEC_EQUAL(id, want, got) \
    do { \
        uint64_t vec_want = (want); \
        uint64_t vec_got = (got); \
        ck_assert_msg(vec_want == vec_got, \
                      "%s: " #got " is %" PRIu64 ", wanted %" PRIu64, id, vec_got, vec_want); \
    } while (0)

/* The groups of numbers, in test_protocol_numbers.c. */
TCase *vec_numbers(void);

#endif
