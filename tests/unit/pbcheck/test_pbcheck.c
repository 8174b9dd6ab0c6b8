/* The wire validator: what each rule takes and refuses, and that it agrees with protobuf-c. */
#include "app/base/pbcheck.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "kinds.pb-c.h"
#include "tendermint/abci/types.pb-c.h"

#define FIELDS_MAX 1000

static size_t unhex(uint8_t *out, size_t size, const char *hex)
{
    size_t n = 0;

    for (; hex[0] != 0; hex += hex[0] == ' ' ? 1 : 2) {
        unsigned byte;
        if (hex[0] == ' ') {
            continue;
        }
        ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
        ck_assert_uint_lt(n, size);
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static const char *fault_of(const char *hex, enum vpr_pb_rule rule, size_t *ret_offset)
{
    uint8_t wire[512];
    size_t n = unhex(wire, sizeof wire, hex);
    struct vpr_pb_fault fault = {0, NULL};
    bool ok = vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(wire, n), rule, FIELDS_MAX,
                           &fault);

    ck_assert(ok == (fault.reason == NULL));
    *ret_offset = fault.offset;
    return ok ? "" : fault.reason;
}

struct wire_case {
    const char *hex, *lenient, *canonical; /* reasons, "" for accepted */
    size_t offset;                         /* of the first fault under the strict rule */
};

static const struct wire_case cases[] = {
    {"", "", "", 0},
    /* one of every scalar */
    {"0801 1001 1d01000000 2001 2801 310100000000000000 3801 4501000000 4801"
     "510100000000000000 5801 6005 6a0161 720100 7a00", "", "", 0},
    /* defaults are left out, except in a oneof and in lists */
    {"0800", "", "default is spelled out", 1},
    {"1d00000000", "", "default is spelled out", 1},
    {"310000000000000000", "", "default is spelled out", 1},
    {"5800", "", "default is spelled out", 1},
    {"6000", "", "default is spelled out", 1},
    {"6a00", "", "default is spelled out", 1},
    {"7200", "", "default is spelled out", 1},
    {"7a00", "", "", 0},
    {"a80100", "", "", 0},
    {"b20100", "", "", 0},
    {"ba0100", "", "", 0},
    {"920100 9a0100 a20100", "", "", 0},
    /* minimal numbers, in tags and lengths too */
    {"088100", "", "number is not minimal", 1},
    {"888000 01", "", "number is not minimal", 0},
    {"6a8100 61", "", "number is not minimal", 1},
    {"08", "number is cut short", "number is cut short", 1},
    {"0880", "number is cut short", "number is cut short", 1},
    {"1d010000", "number is cut short", "number is cut short", 1},
    {"48ffffffffffffffffff01", "", "", 0},
    {"48ffffffffffffffffff02", "", "number is not minimal", 1},
    {"48ffffffffffffffffffff01", "number is too long", "number is too long", 1},
    {"888080808001", "number is too long", "number is too long", 0},
    {"6a8080808000", "", "number is not minimal", 1},
    {"6a808080808000", "number is too long", "number is too long", 1},
    /* numbers that would be cut to their type */
    {"08ffffffff07", "", "", 0},
    {"088080808008", "", "number does not fit its type", 1},
    {"0880808080f8ffffffff01", "", "", 0},
    {"08ffffffff f7ffffffff01", "", "number does not fit its type", 1},
    {"38ffffffff0f", "", "", 0},
    {"388080808010", "", "number does not fit its type", 1},
    {"108080808010", "", "number does not fit its type", 1},
    {"5802", "", "number does not fit its type", 1},
    {"6007", "", "", 0}, /* proto3 enums are open */
    /* text */
    {"6a02c3a9", "", "", 0},
    {"6a03ed9fbf", "", "", 0},
    {"6a04f48fbfbf", "", "", 0},
    {"6a03fffe41", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a02c0af", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a03e09fbf", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a03eda080", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a04f0808080", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a04f4908080", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a02c3 2001", "string is not UTF-8", "string is not UTF-8", 2},
    {"6a0161 9201 02 61c3", "string is not UTF-8", "string is not UTF-8", 7},
    {"6a03410042", "NUL in a string", "NUL in a string", 3},
    {"b201 0100", "NUL in a string", "NUL in a string", 3},
    {"7203 410042", "", "", 0},
    /* order, twice, oneof */
    {"1001 0801", "", "fields are out of order", 2},
    {"0801 0802", "", "field occurs twice", 2},
    {"7a00 7a00", "field occurs twice", "field occurs twice", 2},
    {"7a00 0801 7a00", "field occurs twice", "fields are out of order", 2},
    {"a80101 b2010161", "", "two fields of a oneof", 3},
    {"ba0100 a80101 ba0100", "field occurs twice", "fields are out of order", 3},
    /* lists */
    {"8201020102", "", "", 0},
    {"820100", "", "empty list is spelled out", 3},
    {"800101", "", "wire type does not fit the field", 2},
    {"82010101 82010101", "", "packed list occurs twice", 4},
    {"8201028100", "", "number is not minimal", 3},
    {"82010180", "number is cut short", "number is cut short", 3},
    {"8a010401000000", "", "", 0},
    {"8a01050100000000", "number is cut short", "number is cut short", 7},
    {"c00101 c00100", "", "", 0},
    {"c201020101", "", "wire type does not fit the field", 2},
    {"ca01020005 d201020001", "", "", 0},
    {"d2010102", "", "number does not fit its type", 3},
    {"9201 0161 9201 00 9201 0162", "", "", 0},
    /* wire types and unknown fields */
    {"0a0101", "wire type does not fit the field", "wire type does not fit the field", 1},
    {"6801", "wire type does not fit the field", "wire type does not fit the field", 1},
    {"0d01000000", "wire type does not fit the field", "wire type does not fit the field", 1},
    {"0b", "wire type does not fit the field", "wire type does not fit the field", 1},
    {"00 01", "field number does not exist", "field number does not exist", 0},
    {"f80601", "", "unknown field", 0},
    {"fa0602ffff f90601 02030405060708 fd0601020304", "", "unknown field", 0},
    {"fb06", "wire type does not exist", "unknown field", 0},
    {"fc06", "wire type does not exist", "unknown field", 0},
    {"fe06", "wire type does not exist", "unknown field", 0},
    {"fa0603ffff", "length goes beyond its message", "unknown field", 0},
    {"6a0261", "length goes beyond its message", "length goes beyond its message", 1},
    /* children: a fault inside is found, and a child may not reach beyond its parent */
    {"7a02 0801", "", "", 0},
    {"7a02 0800", "", "default is spelled out", 3},
    {"7a02 6a0161", "length goes beyond its message", "length goes beyond its message", 3},
    {"7a01 08 01", "number is cut short", "number is cut short", 3},
    {"7a02 0801 1001", "", "fields are out of order", 4},
    {"a20102 0801 a20100 a20102 1001", "", "", 0},
};

START_TEST(each_rule_takes_what_it_should_and_names_the_rest)
{
    for (size_t i = 0; i < VPR_COUNT(cases); i++) {
        size_t offset;
        ck_assert_msg(strcmp(fault_of(cases[i].hex, VPR_PB_LENIENT, &offset),
                             cases[i].lenient) == 0,
                      "%s, lenient: %s", cases[i].hex,
                      fault_of(cases[i].hex, VPR_PB_LENIENT, &offset));
        ck_assert_msg(strcmp(fault_of(cases[i].hex, VPR_PB_CANONICAL, &offset),
                             cases[i].canonical) == 0,
                      "%s, canonical: %s", cases[i].hex,
                      fault_of(cases[i].hex, VPR_PB_CANONICAL, &offset));
        ck_assert_msg(offset == cases[i].offset, "%s: offset %zu", cases[i].hex, offset);
    }
}
END_TEST

/* `levels` messages, each the only child of the one before. */
static size_t nest(uint8_t *wire, size_t size, unsigned levels)
{
    size_t n = 0;

    for (unsigned i = 1; i < levels; i++) {
        uint8_t head[6] = {0x7a};
        size_t h = 1;
        for (size_t v = n; ; v >>= 7) {
            head[h++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
            if (v <= 0x7f) {
                break;
            }
        }
        ck_assert_uint_le(n + h, size);
        memmove(wire + h, wire, n);
        memcpy(wire, head, h);
        n += h;
    }
    return n;
}

START_TEST(sixteen_levels_pass_and_seventeen_or_ten_thousand_do_not)
{
    static uint8_t wire[64 * 1024];
    const unsigned deep[] = {17, 18, 1000, 10000};

    for (int rule = VPR_PB_LENIENT; rule <= VPR_PB_CANONICAL; rule++) {
        size_t n = nest(wire, sizeof wire, VPR_PB_DEPTH_MAX);
        ck_assert(vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(wire, n),
                               (enum vpr_pb_rule)rule, FIELDS_MAX, NULL));
        for (size_t i = 0; i < VPR_COUNT(deep); i++) {
            struct vpr_pb_fault fault;
            n = nest(wire, sizeof wire, deep[i]);
            ck_assert(!vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(wire, n),
                                    (enum vpr_pb_rule)rule, FIELDS_MAX, &fault));
            ck_assert_str_eq(fault.reason, "nested too deeply");
        }
    }
}
END_TEST

START_TEST(fields_are_counted_at_all_depths_and_inside_packed_lists)
{
    uint8_t wire[64];
    struct vpr_pb_fault fault;
    /* child, its int32, uints with its three elements, an unknown field: seven in all */
    size_t n = unhex(wire, sizeof wire, "7a020801 820103010203 f80601");

    ck_assert(vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(wire, n), VPR_PB_LENIENT, 7,
                           &fault));
    ck_assert(!vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(wire, n), VPR_PB_LENIENT, 6,
                            &fault));
    ck_assert_str_eq(fault.reason, "too many fields");
    ck_assert(vpr_pb_check(&test__kinds__descriptor, vpr_bytes_of(NULL, 0), VPR_PB_CANONICAL,
                           0, NULL));
}
END_TEST

START_TEST(a_message_longer_than_protobuf_allows_is_not_looked_at)
{
    struct vpr_pb_fault fault;
    uint8_t one = 0;

    ck_assert(!vpr_pb_check(&test__kinds__descriptor,
                            vpr_bytes_of(&one, (size_t)INT32_MAX + 1), VPR_PB_LENIENT, 1,
                            &fault));
    ck_assert_str_eq(fault.reason, "message is longer than protobuf allows");
}
END_TEST

/* ---- against protobuf-c, by luck with a seed */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t luck(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

static size_t put_varint(uint8_t *out, uint64_t v)
{
    size_t n = 0;

    for (; v > 0x7f; v >>= 7) {
        out[n++] = (uint8_t)(v | 0x80);
    }
    out[n++] = (uint8_t)v;
    return n;
}

/* Mostly well-formed fields in rising order, so that many messages pass. */
static size_t invent(uint8_t *out, unsigned depth)
{
    static const uint8_t wires[] = {9, 0, 0, 5, 0, 0, 1, 0, 5, 0, 1, 0, 0, 2,
                                    2, 2, 2, 2, 2, 2, 2, 0, 2, 2, 0, 2, 2};
    size_t n = 0;

    for (uint32_t id = 1 + luck(8); id < VPR_COUNT(wires); id += luck(12)) {
        uint8_t inner[2048];
        uint8_t wire = luck(60) == 0 ? (uint8_t)luck(8) : wires[id];
        n += put_varint(out + n, (uint64_t)(luck(80) == 0 ? 40 : id) << 3 | wire);
        if (wire == 0) {
            n += put_varint(out + n, luck(3) == 0 ? luck(2) : seed >> luck(64));
        } else if (wire == 1 || wire == 5) {
            memset(out + n, (int)luck(3), 8);
            n += wire == 1 ? 8 : 4;
        } else if (wire == 2) {
            bool child = id == 15 || id == 20 || id == 23;
            size_t len = child && depth < 3 ? invent(inner, depth + 1) : 0;
            if (!child) {
                for (uint32_t more = luck(5); more > 0; more--) {
                    inner[len++] = (uint8_t)(luck(40) == 0 ? luck(256) : 1 + luck(100));
                }
            }
            n += put_varint(out + n, len);
            memcpy(out + n, inner, len);
            n += len;
        }
        if (n > 400) {
            break;
        }
    }
    return n;
}

static bool has_unknown(const ProtobufCMessage *m)
{
    if (m->n_unknown_fields > 0) {
        return true;
    }
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const uint8_t *at = (const uint8_t *)m;
        size_t count = 1;
        ProtobufCMessage *const *children =
            (ProtobufCMessage *const *)(const void *)(at + f->offset);
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, at + f->quantifier_offset, sizeof count);
            memcpy(&children, at + f->offset, sizeof children);
        } else if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            uint32_t set;
            memcpy(&set, at + f->quantifier_offset, sizeof set);
            count = set == f->id ? 1 : 0;
        }
        for (size_t c = 0; c < count; c++) {
            if (children[c] != NULL && has_unknown(children[c])) {
                return true;
            }
        }
    }
    return false;
}

/* CANONICAL means: nothing unknown, and encoding again gives the same bytes. */
START_TEST(canonical_is_what_protobuf_c_would_write_itself)
{
    unsigned canonical = 0, lenient = 0, refused = 0;

    for (unsigned i = 0; i < 200000; i++) {
        uint8_t wire[8192], again[8192];
        size_t n = invent(wire, 0);
        for (uint32_t hits = luck(3); hits > 0 && n > 0; hits--) {
            wire[luck((uint32_t)n)] = (uint8_t)(luck(2) == 0 ? luck(256) : luck(4));
        }
        struct vpr_bytes in = vpr_bytes_of(wire, n);
        bool soft = vpr_pb_check(&test__kinds__descriptor, in, VPR_PB_LENIENT, 5000, NULL);
        bool hard = vpr_pb_check(&test__kinds__descriptor, in, VPR_PB_CANONICAL, 5000, NULL);
        if (!soft) {
            ck_assert(!hard);
            refused++;
            continue;
        }
        ProtobufCMessage *m =
            protobuf_c_message_unpack(&test__kinds__descriptor, NULL, n, wire);
        ck_assert_msg(m != NULL, "message %u passed but does not unpack", i);
        size_t len = protobuf_c_message_get_packed_size(m);
        ck_assert_uint_le(len, sizeof again);
        protobuf_c_message_pack(m, again);
        bool same = len == n && memcmp(wire, again, n) == 0 && !has_unknown(m);
        ck_assert_msg(same == hard, "message %u: same %d, canonical %d", i, same, hard);
        canonical += hard;
        lenient += !hard;
        protobuf_c_message_free_unpacked(m, NULL);
    }
    /* All three outcomes must be well exercised, or the comparison above is idle. */
    ck_assert_uint_gt(canonical, 10000);
    ck_assert_uint_gt(lenient, 10000);
    ck_assert_uint_gt(refused, 10000);
}
END_TEST

/* A real frame's shape: bytes of ABCI pass, with the exact descriptor CometBFT implies. */
START_TEST(requests_of_cometbft_pass_leniently)
{
    uint8_t wire[64];
    size_t n = unhex(wire, sizeof wire, "a2010b 0a0161 0a00 28 07 fa0601ff");

    ck_assert(vpr_pb_check(&tendermint__abci__request__descriptor, vpr_bytes_of(wire, n),
                           VPR_PB_LENIENT, 10, NULL));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pbcheck");
    TCase *t = tcase_create("wire");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, each_rule_takes_what_it_should_and_names_the_rest);
    tcase_add_test(t, sixteen_levels_pass_and_seventeen_or_ten_thousand_do_not);
    tcase_add_test(t, fields_are_counted_at_all_depths_and_inside_packed_lists);
    tcase_add_test(t, a_message_longer_than_protobuf_allows_is_not_looked_at);
    tcase_add_test(t, canonical_is_what_protobuf_c_would_write_itself);
    tcase_add_test(t, requests_of_cometbft_pass_leniently);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
