#include "fisherman/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/log.h"

#define VERSION 1
#define CHECK_BYTES 8
#define FRAME_BYTES_MAX (64 * 1024)
#define FILE_BYTES_MAX (512u * 1024 * 1024)
#define SAMPLE_FIXED_BYTES (1 + 4 + 4 + 4 + 4 + 8 + 1 + 8 + 1 + 32 + 8 + VPR_TOKEN_BYTES)
#define FIRST_ROOM 64

enum kind { KIND_SESSION = 1, KIND_SID, KIND_SAMPLE, KIND_SEAL, KIND_END, KIND_WORD };

void vpr_book_path(char path[VPR_BOOK_PATH_MAX], const char *dir, uint64_t session)
{
    const int len =
        snprintf(path, VPR_BOOK_PATH_MAX, "%s/%020" PRIu64 ".book", dir, session);
    VPR_ASSERT(len > 0 && len < VPR_BOOK_PATH_MAX);
}

/* ---- writing ---- */

/* One frame in one write; what was torn before is cut when the file is read.  False: there is
 * no room for it, and the file ends where it did. */
static bool append(struct vpr_book *book, const uint8_t *payload, size_t len)
{
    uint8_t frame[4 + FRAME_BYTES_MAX + CHECK_BYTES];
    const struct vpr_hash check = vpr_sha256(payload, len);

    VPR_ASSERT(len <= FRAME_BYTES_MAX);
    vpr_put_be32(frame, (uint32_t)len);
    memcpy(frame + 4, payload, len);
    memcpy(frame + 4 + len, check.b, CHECK_BYTES);
    const size_t whole = 4 + len + CHECK_BYTES;
    for (size_t at = 0; at < whole;) {
        const ssize_t n = write(book->fd, frame + at, whole - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
            if (ftruncate(book->fd, (off_t)book->file_bytes) != 0) {
                VPR_HALT("cannot truncate a book of samples");
            }
            return false;
        }
        if (n <= 0) {
            VPR_HALT("cannot write a book of samples");
        }
        at += (size_t)n;
    }
    book->file_bytes += whole;
    return true;
}

static bool append_session(struct vpr_book *book)
{
    uint8_t bytes[128];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);

    vpr_write_u8(&w, KIND_SESSION);
    vpr_write_u8(&w, VERSION);
    vpr_write_be64(&w, book->session);
    vpr_write_be64(&w, book->first);
    vpr_write_be64(&w, book->last);
    vpr_write(&w, book->seed.b, sizeof book->seed.b);
    vpr_write(&w, book->fisherman.b, sizeof book->fisherman.b);
    return append(book, bytes, w.len);
}

static bool append_sid(struct vpr_book *book, const struct vpr_book_terms *terms)
{
    uint8_t bytes[4096];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);

    vpr_write_u8(&w, KIND_SID);
    vpr_write(&w, terms->sid.b, sizeof terms->sid.b);
    vpr_write(&w, terms->requestor.b, sizeof terms->requestor.b);
    vpr_write_be16(&w, terms->chain);
    vpr_write_be16(&w, terms->zone);
    vpr_write_be64(&w, terms->quota_cu);
    vpr_write_be32(&w, terms->fisherman_count);
    vpr_write_be32(&w, terms->seat_count);
    for (uint32_t i = 0; i < terms->seat_count; i++) {
        vpr_write(&w, terms->seats[i].servicer.b, sizeof terms->seats[i].servicer.b);
        vpr_write(&w, terms->seats[i].relay_key.b, sizeof terms->seats[i].relay_key.b);
    }
    vpr_write_be32(&w, terms->key_count);
    for (uint32_t i = 0; i < terms->key_count; i++) {
        vpr_write(&w, terms->keys[i].b, sizeof terms->keys[i].b);
    }
    return append(book, bytes, w.len);
}

static void write_finding(struct vpr_writer *w, const struct vpr_finding *f)
{
    vpr_write_u8(w, (uint8_t)f->compare);
    vpr_write_be64(w, f->within);
    vpr_write_u8(w, (uint8_t)f->found);
    vpr_write(w, f->value.b, sizeof f->value.b);
    vpr_write_be64(w, f->height);
}

static bool read_finding(struct vpr_reader *r, struct vpr_finding *ret)
{
    const uint8_t compare = vpr_read_u8(r);
    ret->within = vpr_read_be64(r);
    const uint8_t found = vpr_read_u8(r);
    vpr_read(r, ret->value.b, sizeof ret->value.b);
    ret->height = vpr_read_be64(r);
    if (r->bad || compare > VPR_COMPARE_IGNORE || found > VPR_FOUND_RESULT) {
        return false;
    }
    ret->compare = (enum vpr_compare)compare;
    ret->found = (enum vpr_found)found;
    return true;
}

static bool append_word(struct vpr_book *book, const struct vpr_book_word *word)
{
    uint8_t bytes[128];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);

    vpr_write_u8(&w, KIND_WORD);
    vpr_write_be32(&w, word->sid);
    vpr_write_be32(&w, word->group);
    vpr_write_be64(&w, word->at_ms);
    write_finding(&w, &word->finding);
    return append(book, bytes, w.len);
}

static bool append_sample(struct vpr_book *book, const struct vpr_book_sample *s)
{
    uint8_t bytes[SAMPLE_FIXED_BYTES + VPR_SAMPLE_BYTES_MAX];
    uint8_t token[VPR_TOKEN_BYTES], sample[VPR_SAMPLE_BYTES_MAX];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);

    vpr_write_u8(&w, KIND_SAMPLE);
    vpr_write_be32(&w, s->sid);
    vpr_write_be32(&w, s->seat);
    vpr_write_be32(&w, s->group);
    vpr_write_be32(&w, s->gateway_key);
    vpr_write_be64(&w, s->at_ms);
    write_finding(&w, &s->finding);
    vpr_token_encode(token, &s->token);
    vpr_write(&w, token, sizeof token);
    vpr_write(&w, sample, vpr_sample_encode(sample, &s->sample));
    return append(book, bytes, w.len);
}

static bool append_seal(struct vpr_book *book, const struct vpr_book_sid *sid)
{
    const size_t size = 1 + 32 + 32 + 32 + 4 + (size_t)sid->sample_count;
    uint8_t *bytes = vpr_mem_alloc(size);
    struct vpr_writer w = vpr_writer(bytes, size);

    vpr_write_u8(&w, KIND_SEAL);
    vpr_write(&w, sid->terms.sid.b, sizeof sid->terms.sid.b);
    vpr_write(&w, sid->salt.b, sizeof sid->salt.b);
    vpr_write(&w, sid->seal.b, sizeof sid->seal.b);
    vpr_write_be32(&w, sid->sample_count);
    for (uint32_t i = 0; i < sid->sample_count; i++) {
        vpr_write_u8(&w, (uint8_t)book->samples[sid->samples[i]]->sample.verdict);
    }
    const bool good = append(book, bytes, w.len);
    vpr_mem_free(bytes);
    return good;
}

/* ---- in memory ---- */

static struct vpr_book *book_new(const char *dir, uint64_t session,
                                 const struct vpr_address *fisherman)
{
    struct vpr_book *book = vpr_mem_alloc(sizeof *book);

    book->session = session;
    book->fisherman = *fisherman;
    book->fd = -1;
    vpr_book_path(book->path, dir, session);
    return book;
}

void vpr_book_close(struct vpr_book *book)
{
    if (book == NULL) {
        return;
    }
    for (uint32_t i = 0; i < book->sid_count; i++) {
        vpr_mem_free(book->sids[i]->samples);
        vpr_mem_free(book->sids[i]);
    }
    for (uint32_t i = 0; i < book->sample_count; i++) {
        vpr_mem_free(book->samples[i]);
    }
    vpr_mem_free(book->samples);
    vpr_mem_free(book->words);
    if (book->fd >= 0) {
        close(book->fd);
    }
    vpr_mem_free(book);
}

static uint32_t find_sid(const struct vpr_book *book, const struct vpr_hash *sid)
{
    for (uint32_t i = 0; i < book->sid_count; i++) {
        if (vpr_hash_equal(&book->sids[i]->terms.sid, sid)) {
            return i;
        }
    }
    return VPR_BOOK_NO_SID;
}

static bool put_sid(struct vpr_book *book, const struct vpr_book_terms *terms)
{
    if (book->sid_count == VPR_BOOK_SIDS_MAX) {
        return false;
    }
    struct vpr_book_sid *sid = vpr_mem_alloc(sizeof *sid);
    sid->terms = *terms;
    book->sids[book->sid_count++] = sid;
    return true;
}

static uint32_t more_room(uint32_t room)
{
    return room == 0 ? FIRST_ROOM : room * 2;
}

static bool put_sample(struct vpr_book *book, const struct vpr_book_sample *sample)
{
    if (sample->sid >= book->sid_count || book->sample_count == VPR_BOOK_SAMPLES_MAX) {
        return false;
    }
    struct vpr_book_sid *sid = book->sids[sample->sid];
    if (sid->sealed || sample->seat >= sid->terms.seat_count ||
        sid->sample_count == VPR_CARD_SAMPLES_A_SID_MAX) {
        return false;
    }
    if (book->sample_count == book->sample_room) {
        book->sample_room = more_room(book->sample_room);
        book->samples =
            vpr_mem_resize(book->samples, book->sample_room * sizeof(void *));
    }
    if (sid->sample_count == sid->sample_room) {
        sid->sample_room = more_room(sid->sample_room);
        sid->samples = vpr_mem_resize(sid->samples, sid->sample_room * sizeof *sid->samples);
    }
    struct vpr_book_sample *kept = vpr_mem_alloc(sizeof *kept);
    *kept = *sample;
    sid->samples[sid->sample_count++] = book->sample_count;
    book->samples[book->sample_count++] = kept;
    sid->sent[sample->seat]++;
    sid->spent_cu[sample->seat] += sample->sample.request.part.cu;
    return true;
}

static bool put_word(struct vpr_book *book, const struct vpr_book_word *word)
{
    if (word->sid >= book->sid_count || book->sids[word->sid]->sealed ||
        book->word_count == VPR_BOOK_SAMPLES_MAX) {
        return false;
    }
    if (book->word_count == book->word_room) {
        book->word_room = more_room(book->word_room);
        book->words = vpr_mem_resize(book->words, book->word_room * sizeof *book->words);
    }
    book->words[book->word_count++] = *word;
    return true;
}

const struct vpr_sample **vpr_book_samples(const struct vpr_book *book, uint32_t index)
{
    const struct vpr_book_sid *sid = book->sids[index];
    const struct vpr_sample **samples =
        vpr_mem_alloc((sid->sample_count + (size_t)1) * sizeof *samples);

    for (uint32_t i = 0; i < sid->sample_count; i++) {
        samples[i] = &book->samples[sid->samples[i]]->sample;
    }
    return samples;
}

/* Verdicts are in the samples, salt is set: order, card, seal. */
static struct vpr_hash close_sid(struct vpr_book *book, uint32_t index)
{
    struct vpr_book_sid *sid = book->sids[index];
    const struct vpr_sample **samples = vpr_book_samples(book, index);
    uint32_t *order = vpr_mem_alloc((sid->sample_count + (size_t)1) * sizeof *order);
    struct vpr_address servicers[VPR_CARD_LINES_MAX];

    vpr_card_order(order, samples, sid->sample_count);
    for (uint32_t i = 0; i < sid->sample_count; i++) {
        order[i] = sid->samples[order[i]];
    }
    memcpy(sid->samples, order, sid->sample_count * sizeof *order);
    vpr_mem_free(order);
    vpr_mem_free(samples);

    samples = vpr_book_samples(book, index);
    for (uint32_t i = 0; i < sid->terms.seat_count; i++) {
        servicers[i] = sid->terms.seats[i].servicer;
    }
    vpr_card_make(&sid->card, servicers, sid->terms.seat_count, samples, sid->sample_count);
    vpr_mem_free(samples);
    sid->sealed = true;
    return vpr_card_seal(&sid->card, &sid->salt, &sid->terms.sid, &book->fisherman);
}

/* ---- reading ---- */

static bool read_session(struct vpr_book *book, struct vpr_reader *r)
{
    struct vpr_address fisherman;

    if (book->last != 0 || vpr_read_u8(r) != VERSION || vpr_read_be64(r) != book->session) {
        return false;
    }
    book->first = vpr_read_be64(r);
    const uint64_t last = vpr_read_be64(r);
    vpr_read(r, book->seed.b, sizeof book->seed.b);
    vpr_read(r, fisherman.b, sizeof fisherman.b);
    if (!vpr_read_done(r) || last < book->first ||
        !vpr_address_equal(&fisherman, &book->fisherman)) {
        return false;
    }
    book->last = last; /* from now on the book has a session */
    return true;
}

static bool read_sid(struct vpr_book *book, struct vpr_reader *r)
{
    struct vpr_book_terms terms;

    memset(&terms, 0, sizeof terms);
    vpr_read(r, terms.sid.b, sizeof terms.sid.b);
    vpr_read(r, terms.requestor.b, sizeof terms.requestor.b);
    terms.chain = vpr_read_be16(r);
    terms.zone = vpr_read_be16(r);
    terms.quota_cu = vpr_read_be64(r);
    terms.fisherman_count = vpr_read_be32(r);
    terms.seat_count = vpr_read_be32(r);
    if (terms.seat_count > VPR_CARD_LINES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < terms.seat_count; i++) {
        vpr_read(r, terms.seats[i].servicer.b, sizeof terms.seats[i].servicer.b);
        vpr_read(r, terms.seats[i].relay_key.b, sizeof terms.seats[i].relay_key.b);
    }
    terms.key_count = vpr_read_be32(r);
    if (terms.key_count > VPR_GATEWAY_KEYS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < terms.key_count; i++) {
        vpr_read(r, terms.keys[i].b, sizeof terms.keys[i].b);
    }
    return vpr_read_done(r) && find_sid(book, &terms.sid) == VPR_BOOK_NO_SID &&
           put_sid(book, &terms);
}

static bool read_sample(struct vpr_book *book, struct vpr_reader *r)
{
    struct vpr_book_sample s;

    memset(&s, 0, sizeof s);
    s.sid = vpr_read_be32(r);
    s.seat = vpr_read_be32(r);
    s.group = vpr_read_be32(r);
    s.gateway_key = vpr_read_be32(r);
    s.at_ms = vpr_read_be64(r);
    if (!read_finding(r, &s.finding)) {
        return false;
    }
    const struct vpr_bytes token = vpr_read_view(r, VPR_TOKEN_BYTES);
    if (!vpr_token_decode(&s.token, token) ||
        !vpr_sample_decode(&s.sample, vpr_bytes_of(r->data, r->left))) {
        return false;
    }
    return put_sample(book, &s);
}

static bool read_word(struct vpr_book *book, struct vpr_reader *r)
{
    struct vpr_book_word word;

    memset(&word, 0, sizeof word);
    word.sid = vpr_read_be32(r);
    word.group = vpr_read_be32(r);
    word.at_ms = vpr_read_be64(r);
    return read_finding(r, &word.finding) && vpr_read_done(r) && put_word(book, &word);
}

static bool read_seal(struct vpr_book *book, struct vpr_reader *r)
{
    struct vpr_hash name, seal;

    vpr_read(r, name.b, sizeof name.b);
    const uint32_t index = find_sid(book, &name);
    if (index == VPR_BOOK_NO_SID) {
        return false;
    }
    struct vpr_book_sid *sid = book->sids[index];
    vpr_read(r, sid->salt.b, sizeof sid->salt.b);
    vpr_read(r, seal.b, sizeof seal.b);
    if (sid->sealed || vpr_read_be32(r) != sid->sample_count || r->left != sid->sample_count) {
        return false;
    }
    for (uint32_t i = 0; i < sid->sample_count; i++) {
        const uint8_t verdict = vpr_read_u8(r);
        if (verdict > VPR_VERDICT_WRONG) {
            return false;
        }
        book->samples[sid->samples[i]]->sample.verdict = (enum vpr_verdict)verdict;
    }
    sid->seal = close_sid(book, index);
    return vpr_hash_equal(&sid->seal, &seal);
}

static bool read_payload(struct vpr_book *book, struct vpr_bytes payload)
{
    struct vpr_reader r = vpr_reader(payload);
    const uint8_t kind = vpr_read_u8(&r);

    if ((kind == KIND_SESSION) != (book->last == 0) || book->ended) {
        return false;
    }
    switch (kind) {
    case KIND_SESSION:
        return read_session(book, &r);
    case KIND_SID:
        return read_sid(book, &r);
    case KIND_SAMPLE:
        return read_sample(book, &r);
    case KIND_WORD:
        return read_word(book, &r);
    case KIND_SEAL:
        return read_seal(book, &r);
    case KIND_END:
        book->ended = vpr_read_done(&r);
        return book->ended;
    default:
        return false;
    }
}

/* How many bytes of the file hold. */
static size_t read_frames(struct vpr_book *book, struct vpr_bytes file)
{
    size_t at = 0;

    while (file.len - at >= 4 + CHECK_BYTES) {
        const size_t len = vpr_get_be32(file.data + at);
        if (len > FRAME_BYTES_MAX || file.len - at - 4 - CHECK_BYTES < len) {
            break;
        }
        const uint8_t *payload = file.data + at + 4;
        const struct vpr_hash check = vpr_sha256(payload, len);
        if (memcmp(check.b, payload + len, CHECK_BYTES) != 0 ||
            !read_payload(book, vpr_bytes_of(payload, len))) {
            break;
        }
        at += 4 + len + CHECK_BYTES;
    }
    return at;
}

static enum vpr_code open_file(struct vpr_book *book, size_t bytes, struct vpr_err *err)
{
    book->fd = open(book->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (book->fd < 0 || ftruncate(book->fd, (off_t)bytes) != 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot write %s: %s", book->path, strerror(errno));
    }
    book->file_bytes = bytes;
    return VPR_OK;
}

static enum vpr_code read_file(struct vpr_book *book, struct vpr_err *err)
{
    struct vpr_buf buf;

    vpr_buf_init(&buf, FILE_BYTES_MAX);
    enum vpr_code code = vpr_file_read(&buf, book->path, err);
    if (code == VPR_OK) {
        const size_t good = read_frames(book, vpr_buf_bytes(&buf));
        book->cut_bytes = buf.len - good;
        code = book->last == 0
                   ? vpr_fail(err, VPR_BAD_ENCODING,
                              "%s holds no samples of session %" PRIu64 " and this fisherman",
                              book->path, book->session)
                   : open_file(book, good, err);
    }
    vpr_buf_finish(&buf);
    return code;
}

enum vpr_code vpr_book_read(struct vpr_book **ret, const char *dir, uint64_t session,
                            const struct vpr_address *fisherman, struct vpr_err *err)
{
    struct vpr_book *book = book_new(dir, session, fisherman);
    const enum vpr_code code = read_file(book, err);

    if (code != VPR_OK) {
        vpr_book_close(book);
        return code;
    }
    *ret = book;
    return VPR_OK;
}

enum vpr_code vpr_book_open(struct vpr_book **ret, const char *dir,
                            const struct vpr_book_session *session,
                            const struct vpr_address *fisherman, struct vpr_err *err)
{
    struct vpr_book *book = NULL;
    struct vpr_err ignored;

    VPR_ASSERT(session->last >= session->first && session->last != 0);
    if (vpr_book_read(&book, dir, session->number, fisherman, &ignored) == VPR_OK &&
        book->first == session->first && book->last == session->last &&
        vpr_hash_equal(&book->seed, &session->seed)) {
        *ret = book;
        return VPR_OK;
    }
    /* None yet, or another network's, or nothing that holds: begin anew. */
    vpr_book_close(book);
    book = book_new(dir, session->number, fisherman);
    const enum vpr_code code = open_file(book, 0, err);
    if (code != VPR_OK) {
        vpr_book_close(book);
        return code;
    }
    book->first = session->first;
    book->last = session->last;
    book->seed = session->seed;
    if (!append_session(book)) {
        vpr_book_close(book);
        return vpr_fail(err, VPR_DENIED, "no room on the disk for samples in %s", dir);
    }
    *ret = book;
    return VPR_OK;
}

/* ---- use ---- */

static bool same_terms(const struct vpr_book_terms *a, const struct vpr_book_terms *b)
{
    if (a->seat_count != b->seat_count || a->chain != b->chain || a->zone != b->zone ||
        !vpr_address_equal(&a->requestor, &b->requestor)) {
        return false;
    }
    for (uint32_t i = 0; i < a->seat_count; i++) {
        if (!vpr_address_equal(&a->seats[i].servicer, &b->seats[i].servicer)) {
            return false;
        }
    }
    return true;
}

uint32_t vpr_book_sid(struct vpr_book *book, const struct vpr_book_terms *terms)
{
    const uint32_t known = find_sid(book, &terms->sid);

    if (known != VPR_BOOK_NO_SID) {
        return same_terms(&book->sids[known]->terms, terms) ? known : VPR_BOOK_NO_SID;
    }
    VPR_ASSERT(terms->seat_count <= VPR_CARD_LINES_MAX &&
               terms->key_count <= VPR_GATEWAY_KEYS_MAX);
    if (book->ended || !put_sid(book, terms)) {
        return VPR_BOOK_NO_SID;
    }
    if (!append_sid(book, terms)) {
        book->sid_count--;
        vpr_mem_free(book->sids[book->sid_count]);
        return VPR_BOOK_NO_SID;
    }
    return book->sid_count - 1;
}

bool vpr_book_seen(const struct vpr_book *book, uint32_t index, uint32_t seat,
                   const struct vpr_request *part)
{
    const struct vpr_book_sid *sid = book->sids[index];

    for (uint32_t i = 0; i < sid->sample_count; i++) {
        const struct vpr_book_sample *s = book->samples[sid->samples[i]];
        if (s->seat == seat && s->sample.request.part.seq == part->seq &&
            vpr_hash_equal(&s->sample.request.part.client_key, &part->client_key)) {
            return true;
        }
    }
    return false;
}

/* The last sample, which has found no room. */
static void take_back(struct vpr_book *book)
{
    struct vpr_book_sample *last = book->samples[--book->sample_count];
    struct vpr_book_sid *sid = book->sids[last->sid];

    sid->sample_count--;
    sid->sent[last->seat]--;
    sid->spent_cu[last->seat] -= last->sample.request.part.cu;
    vpr_mem_free(last);
}

bool vpr_book_add(struct vpr_book *book, const struct vpr_book_sample *sample)
{
    VPR_ASSERT(sample->sample.verdict == VPR_VERDICT_NONE);
    if (book->ended || !put_sample(book, sample)) {
        return false;
    }
    if (!append_sample(book, sample)) {
        take_back(book);
        return false;
    }
    return true;
}

bool vpr_book_add_word(struct vpr_book *book, const struct vpr_book_word *word)
{
    if (book->ended || !put_word(book, word)) {
        return false;
    }
    if (!append_word(book, word)) {
        book->word_count--;
        return false;
    }
    return true;
}

static void judge_sid(struct vpr_book *book, uint32_t index)
{
    const struct vpr_book_sid *sid = book->sids[index];
    const size_t most = (size_t)sid->sample_count + book->word_count + 1;
    struct vpr_opinion *opinions = vpr_mem_alloc(most * sizeof *opinions);
    enum vpr_verdict *verdicts = vpr_mem_alloc(most * sizeof *verdicts);
    size_t count = sid->sample_count;

    for (uint32_t i = 0; i < sid->sample_count; i++) {
        const struct vpr_book_sample *s = book->samples[sid->samples[i]];
        opinions[i] = (struct vpr_opinion){.servicer = s->seat, .group = s->group,
                                           .at_ms = s->at_ms, .finding = s->finding};
    }
    for (uint32_t i = 0; i < book->word_count; i++) {
        const struct vpr_book_word *word = &book->words[i];
        if (word->sid == index) {
            opinions[count++] = (struct vpr_opinion){.group = word->group, .at_ms = word->at_ms,
                                                     .finding = word->finding,
                                                     .trusted = true};
        }
    }
    vpr_judge(verdicts, opinions, count, sid->terms.seat_count);
    for (uint32_t i = 0; i < sid->sample_count; i++) {
        book->samples[sid->samples[i]]->sample.verdict = verdicts[i];
    }
    vpr_mem_free(verdicts);
    vpr_mem_free(opinions);
}

void vpr_book_end(struct vpr_book *book)
{
    static const uint8_t end = KIND_END;
    bool kept = true;

    if (book->ended) {
        return;
    }
    for (uint32_t i = 0; i < book->sid_count; i++) {
        struct vpr_book_sid *sid = book->sids[i];
        if (sid->sealed || sid->sample_count == 0) {
            continue;
        }
        judge_sid(book, i);
        vpr_random(sid->salt.b, sizeof sid->salt.b);
        /* Verdicts are written in order of receipt, which closing changes. */
        const uint32_t count = sid->sample_count;
        uint32_t *received = vpr_mem_alloc(count * sizeof *received);
        memcpy(received, sid->samples, count * sizeof *received);
        sid->seal = close_sid(book, i);
        uint32_t *ordered = sid->samples;
        sid->samples = received;
        kept = append_seal(book, sid) && kept;
        sid->samples = ordered;
        vpr_mem_free(received);
    }
    kept = kept && append(book, &end, sizeof end);
    if (kept && fdatasync(book->fd) != 0) {
        VPR_HALT("cannot sync a book of samples");
    }
    if (!kept) {
        vpr_log_error("fisherman", "no room on the disk for seals: no restart before they are "
                      "revealed, or these cards are lost", "session=%" PRIu64, book->session);
    }
    book->ended = true;
}
