/* A relay's headers, targets and costs, the leaf journal, and a session's books, under bent
 * input.  Beside not crashing: what a parser takes, its printer writes the same; a journal
 * yields only whole records, and the same ones again after its recovery; the window answers
 * like a plain list of seen numbers. */
#include <fcntl.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "relay/cost.h"
#include "relay/leaves.h"
#include "relay/segment.h"
#include "relay/session.h"
#include "relay/wire.h"
#include "tests/fuzz/mutate.h"

#define JOURNAL_LEAVES 6

static const char *const words[] = {"/v1/relay/", "0002", "?", "\"method\"", "getblock", "{", "]",
                                    "VPRLEAF1", "AAAA", "_-"};

/* Any bytes, also with zeros, with 0 to 3 changes. */
static struct vpr_bytes mutated(struct mutator *m, struct vpr_bytes seed)
{
    size_t len = seed.len;

    memcpy(m->text, seed.data, len);
    for (size_t i = mutator_below(m, 4); i > 0; i--) {
        len = mutate_once(m, len, words, VPR_COUNT(words));
    }
    free(m->exact);
    m->exact = malloc(len + 1);
    VPR_ASSERT(m->exact != NULL);
    memcpy(m->exact, m->text, len);
    return vpr_bytes_of(m->exact, len);
}

static uint64_t taken;

static void headers(struct vpr_bytes text)
{
    char again[VPR_WIRE_RELAY_TEXT_MAX];
    struct vpr_signed_request request;
    struct vpr_token token;
    struct vpr_receipt receipt;
    struct vpr_refusal refusal;

    if (vpr_wire_relay_parse(&request, text)) {
        taken++;
        VPR_ASSERT(vpr_wire_relay_print(again, &request) == text.len &&
                   memcmp(again, text.data, text.len) == 0);
    }
    if (vpr_wire_token_parse(&token, text)) {
        VPR_ASSERT(vpr_wire_token_print(again, &token) == text.len &&
                   memcmp(again, text.data, text.len) == 0);
    }
    if (vpr_wire_receipt_parse(&receipt, text)) {
        VPR_ASSERT(vpr_wire_receipt_print(again, &receipt) == text.len &&
                   memcmp(again, text.data, text.len) == 0);
    }
    if (vpr_wire_refusal_parse(&refusal, text)) {
        VPR_ASSERT(vpr_wire_refusal_print(again, &refusal) == text.len &&
                   memcmp(again, text.data, text.len) == 0);
    }
}

static void targets(struct vpr_bytes text)
{
    char again[VPR_WIRE_TARGET_TEXT_MAX];
    struct vpr_bytes path;
    uint16_t chain;

    if (vpr_wire_target_parse(&chain, &path, text)) {
        VPR_ASSERT(path.len == 0 || path.data[0] == '/' || path.data[0] == '?');
        VPR_ASSERT(vpr_wire_target_print(again, chain, path));
        VPR_ASSERT(strlen(again) <= text.len);
    }
}

/* No request is cheaper than 1, and an allow-list never makes one dearer. */
static void costs(const struct vpr_costs *table, struct vpr_bytes text)
{
    static const char *const names[] = {"status", "/block"};
    const struct vpr_allowed allowed = {2, names};
    const struct vpr_bytes paths[] = {{NULL, 0}, vpr_bytes_str("/block?height=1")};

    for (size_t i = 0; i < 2; i++) {
        uint64_t all = 0;
        uint64_t few = 0;
        const enum vpr_cost open = vpr_cost_of(&all, table, NULL, paths[i], text);
        const enum vpr_cost listed = vpr_cost_of(&few, table, &allowed, paths[i], text);
        VPR_ASSERT(open != VPR_COST_OK || all >= 1);
        VPR_ASSERT(open != VPR_COST_NOT_ALLOWED);
        VPR_ASSERT(listed != VPR_COST_OK || (open == VPR_COST_OK && few == all));
    }
}

struct tally {
    uint64_t records, bytes;
    uint32_t crc;
};

static void count_record(void *arg, const struct vpr_record *record)
{
    struct tally *t = arg;
    struct vpr_leaf leaf;
    struct vpr_sid_info info;

    t->records++;
    t->bytes += 9 + record->data.len;
    t->crc ^= vpr_crc32c(record->data.data, record->data.len) + (uint32_t)t->records;
    (void)!vpr_record_leaf(record, &leaf);
    (void)!vpr_record_sid(record, &info);
}

/* Written bent, recovered, read again: the same records, and nothing behind them. */
static void journal(const char *path, struct vpr_bytes bytes)
{
    const struct vpr_address servicer = {{7}};
    struct vpr_segment_file file;
    struct tally first = {0, 0, 0};
    struct tally second = {0, 0, 0};
    struct vpr_address whose;
    struct vpr_err err;
    uint64_t session;
    uint64_t end;

    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    VPR_ASSERT(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
    close(fd);
    if (vpr_segment_recover(&file, path, 9, &servicer, count_record, &first, &err) != VPR_OK) {
        return;
    }
    VPR_ASSERT(file.end == VPR_SEGMENT_HEADER_BYTES + first.bytes);
    VPR_ASSERT(lseek(file.fd, 0, SEEK_END) == (off_t)file.end);
    close(file.fd);
    VPR_ASSERT(vpr_leaves_scan(path, &session, &whose, &end, count_record, &second, &err) ==
               VPR_OK);
    VPR_ASSERT(session == 9 && end == file.end && second.records == first.records &&
               second.crc == first.crc);
}

static size_t make_journal(uint8_t *out)
{
    size_t len = VPR_SEGMENT_HEADER_BYTES;

    memset(out, 0, len);
    memcpy(out, "VPRLEAF1", 8);
    vpr_put_be64(out + 8, 9);
    out[16] = 7;
    vpr_put_be32(out + 60, vpr_crc32c(out, 60));
    for (uint8_t i = 0; i < JOURNAL_LEAVES; i++) {
        uint8_t *record = out + len;
        record[8] = VPR_RECORD_LEAF;
        memset(record + 9, i, VPR_LEAF_BYTES);
        vpr_put_be32(record, 1 + VPR_LEAF_BYTES);
        vpr_put_be32(record + 4, vpr_crc32c(record + 8, 1 + VPR_LEAF_BYTES));
        len += 9 + VPR_LEAF_BYTES;
    }
    return len;
}

/* The books against a list: 200 steps near the window's edges. */
static void window(struct mutator *m)
{
    static const struct vpr_risk no_limit = {UINT64_MAX / 2, 0, 0};
    const struct vpr_sid_info info = {.quota_cu = 1000000};
    struct vpr_work *work = vpr_work_create(1, 1, 10, 0, &no_limit);
    struct vpr_sid_work *sid = vpr_work_add(work, &info);
    const struct vpr_token token = {.client_key = {{1}}};
    struct vpr_lane *lane = vpr_sid_lane_add(sid, &token, 0);
    uint64_t seen[200];
    size_t count = 0;
    uint64_t highest = 0;
    const uint64_t base = mutator_next(m) % 3 == 0 ? 0 : UINT64_MAX / 2;

    for (int i = 0; i < 200; i++) {
        const uint64_t seq = base + mutator_below(m, mutator_below(m, 8) == 0 ? 5000 : 1100) +
                             (count > 0 && highest > base + 2000 ? highest - base - 1050 : 0);
        bool expected = count == 0 || seq > highest || highest - seq < VPR_SEQ_WINDOW;
        for (size_t j = 0; j < count; j++) {
            expected = expected && seen[j] != seq;
        }
        struct vpr_signed_request request = {.part = {.seq = seq, .cum_cu = 1, .cu = 1}};
        bool tail;
        const int reason = vpr_sid_claim(work, sid, lane, &request, &tail);
        VPR_ASSERT((reason == 0) == expected);
        VPR_ASSERT(reason == 0 || reason == VPR_REFUSED_SEQ);
        if (reason == 0) {
            vpr_sid_answered(work, sid, lane, &request);
            seen[count] = seq;
            count++;
            highest = count == 1 || seq > highest ? seq : highest;
        }
    }
    VPR_ASSERT(sid->answered_cu == count && work->pending == 0);
    vpr_work_destroy(work);
}

int main(void)
{
    static const char *const seeds[] = {
        "/v1/relay/0001/status?height=3",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[]}",
        "[{\"id\":1,\"method\":\"getblock\"},{\"id\":2,\"method\":\"st\\u0061tus\"}]",
    };
    static uint8_t file[VPR_SEGMENT_HEADER_BYTES + JOURNAL_LEAVES * (9 + VPR_LEAF_BYTES)];
    struct mutator m = mutator_start();
    struct vpr_costs table = {0, NULL};
    const struct vpr_signed_request request = {.part = {.seq = 1, .cum_cu = 2, .cu = 2}};
    char relay[VPR_WIRE_RELAY_TEXT_MAX];
    char path[] = "/tmp/viper-fuzz-XXXXXX";
    const int fd = mkstemp(path);

    VPR_ASSERT(fd >= 0);
    close(fd);
    vpr_costs_add(&table, "getblock", 20);
    vpr_costs_add(&table, "/block", 5);
    const size_t file_len = make_journal(file);
    const size_t relay_len = vpr_wire_relay_print(relay, &request);
    while (mutator_more(&m)) {
        headers(mutated(&m, vpr_bytes_of(relay, relay_len)));
        const struct vpr_bytes text =
            mutated(&m, vpr_bytes_str(seeds[mutator_below(&m, VPR_COUNT(seeds))]));
        targets(text);
        costs(&table, text);
        if (m.rounds % 4 == 0) {
            journal(path, mutated(&m, vpr_bytes_of(file, file_len)));
        }
        if (m.rounds % 8 == 0) {
            window(&m);
        }
    }
    unlink(path);
    vpr_costs_finish(&table);
    mutator_finish(&m);
    printf("%" PRIu64 " rounds, %" PRIu64 " headers taken\n", m.rounds, taken);
    VPR_ASSERT(taken > 0 && taken < m.rounds);
    return EXIT_SUCCESS;
}
