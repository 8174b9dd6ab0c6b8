#include "app/domain/commits.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/chains.h"
#include "app/domain/evidence.h"
#include "app/domain/field.h"
#include "app/domain/proofs.h"
#include "app/rules/ids.h"
#include "app/rules/split.h"
#include "app/tx/gas.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

static const uint8_t present[] = {1};

/* ---- keys ---- */

static struct vpr_key_buf session_key(enum vpr_key_first first, uint64_t session)
{
    struct vpr_key_buf k = vpr_key(first);
    vpr_key_u64(&k, session);
    return k;
}

static struct vpr_key_buf bench_key(uint64_t session, const struct vpr_hash *sid)
{
    struct vpr_key_buf k = session_key(VPR_KEY_BENCH, session);
    vpr_key_hash(&k, sid);
    return k;
}

static struct vpr_key_buf
commit_key(uint64_t session, const struct vpr_hash *sid, const struct vpr_address *servicer)
{
    struct vpr_key_buf k = session_key(VPR_KEY_COMMIT, session);
    vpr_key_hash(&k, sid);
    vpr_key_address(&k, servicer);
    return k;
}

static struct vpr_key_buf
committed_key(uint64_t session, const struct vpr_address *servicer, const struct vpr_hash *sid)
{
    struct vpr_key_buf k = session_key(VPR_KEY_COMMITTED, session);
    vpr_key_address(&k, servicer);
    vpr_key_hash(&k, sid);
    return k;
}

static struct vpr_key_buf samples_key(uint64_t session, const struct vpr_address *servicer)
{
    struct vpr_key_buf k = session_key(VPR_KEY_SAMPLES, session);
    vpr_key_address(&k, servicer);
    return k;
}

static struct vpr_key_buf sid_key(const struct vpr_hash *sid)
{
    struct vpr_key_buf k = vpr_key(VPR_KEY_SID);
    vpr_key_hash(&k, sid);
    return k;
}

/* ---- the bench in state ---- */

static const Viper__V1__Bench *
bench_record(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid)
{
    struct vpr_key_buf k = bench_key(session, sid);
    return (const Viper__V1__Bench *)vpr_record_get(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k),
                                                    &viper__v1__bench__descriptor);
}

static uint32_t
seats_read(struct vpr_seat *seats, Viper__V1__BenchSeat *const *from, size_t count)
{
    VPR_ASSERT(count <= VPR_SEATS_MAX);
    for (size_t i = 0; i < count; i++) {
        seats[i].id = vpr_address_of_field(from[i]->id);
        seats[i].owner = vpr_address_of_field(from[i]->owner);
    }
    return (uint32_t)count;
}

/* All but requestor_owner, who is in no record of the bench. */
static void bench_read(struct vpr_bench *ret, uint64_t session, const struct vpr_hash *sid,
                       const Viper__V1__Bench *record)
{
    memset(ret, 0, sizeof *ret);
    ret->sid = *sid;
    ret->session = session;
    ret->requestor = vpr_address_of_field(record->requestor);
    ret->chain = (uint16_t)record->chain;
    ret->zone = (uint16_t)record->zone;
    ret->allowance_cu = record->allowance_cu;
    ret->budget = record->budget;
    ret->quota_cu = record->quota_cu;
    ret->share_ppm = record->share_ppm;
    ret->servicer_count = seats_read(ret->servicers, record->servicers, record->n_servicers);
    ret->fisherman_count = seats_read(ret->fishermen, record->fishermen, record->n_fishermen);
}

bool vpr_bench_stored(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                      struct vpr_bench *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Bench *record = bench_record(ctx, session, sid);
    if (record == NULL) {
        return false;
    }
    bench_read(ret, session, sid, record);
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &ret->requestor, session);
    if (terms != NULL) {
        ret->requestor_owner = vpr_address_of_field(terms->owner);
    }
    vpr_arena_release(ctx->arena, mark);
    return true;
}

static Viper__V1__BenchSeat **
seats_pack(struct vpr_arena *arena, const struct vpr_seat *seats, uint32_t count)
{
    Viper__V1__BenchSeat **list = VPR_ARENA_ARRAY(arena, Viper__V1__BenchSeat *, count);
    for (uint32_t i = 0; i < count; i++) {
        list[i] = VPR_ARENA_NEW(arena, Viper__V1__BenchSeat);
        viper__v1__bench_seat__init(list[i]);
        list[i]->id = vpr_field_of_address(arena, &seats[i].id);
        list[i]->owner = vpr_field_of_address(arena, &seats[i].owner);
    }
    return list;
}

/* With the first Commit of a sid, which it counts. */
static void bench_put(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    Viper__V1__Bench record = VIPER__V1__BENCH__INIT;
    record.requestor = vpr_field_of_address(ctx->arena, &bench->requestor);
    record.chain = bench->chain;
    record.zone = bench->zone;
    record.allowance_cu = bench->allowance_cu;
    record.budget = bench->budget;
    record.quota_cu = bench->quota_cu;
    record.share_ppm = bench->share_ppm;
    record.committed = 1;
    record.n_servicers = bench->servicer_count;
    record.servicers = seats_pack(ctx->arena, bench->servicers, bench->servicer_count);
    record.n_fishermen = bench->fisherman_count;
    record.fishermen = seats_pack(ctx->arena, bench->fishermen, bench->fisherman_count);

    struct vpr_key_buf k = bench_key(bench->session, &bench->sid);
    vpr_record_put(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &record.base);
    uint8_t number[8];
    vpr_put_be64(number, bench->session);
    k = sid_key(&bench->sid);
    vpr_state_put(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k),
                  vpr_bytes_of(number, sizeof number));
    vpr_arena_release(ctx->arena, mark);
}

uint32_t vpr_bench_committed(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Bench *record = bench_record(ctx, session, sid);
    uint32_t committed = record == NULL ? 0 : record->committed;
    vpr_arena_release(ctx->arena, mark);
    return committed;
}

void vpr_bench_set_committed(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                             uint32_t committed)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Bench *record = bench_record(ctx, session, sid);
    VPR_ASSERT(record != NULL);
    Viper__V1__Bench changed = *record;
    changed.committed = committed;
    struct vpr_key_buf k = bench_key(session, sid);
    vpr_record_put(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &changed.base);
    vpr_arena_release(ctx->arena, mark);
}

bool vpr_bench_next(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *after,
                    struct vpr_hash *ret_sid)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_key_buf prefix = session_key(VPR_KEY_BENCH, session);
    struct vpr_key_buf from = prefix;
    struct vpr_bytes key, value;

    if (after != NULL) {
        from = bench_key(session, after);
        vpr_key_u8(&from, 0); /* the smallest key behind */
    }
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&from), &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == prefix.len + sizeof ret_sid->b);
    memcpy(ret_sid->b, key.data + prefix.len, sizeof ret_sid->b);
    vpr_arena_release(ctx->arena, mark);
    return true;
}

const Viper__V1__Commit *vpr_commit_get(struct vpr_ctx *ctx, uint64_t session,
                                        const struct vpr_hash *sid,
                                        const struct vpr_address *servicer)
{
    struct vpr_key_buf k = commit_key(session, sid, servicer);
    return (const Viper__V1__Commit *)vpr_record_get(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k),
                                                     &viper__v1__commit__descriptor);
}

void vpr_commit_put(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                    const struct vpr_address *servicer, const Viper__V1__Commit *commit)
{
    struct vpr_key_buf k = commit_key(session, sid, servicer);
    vpr_record_put(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &commit->base);
}

uint64_t
vpr_samples_bits(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_key_buf k = samples_key(session, servicer);
    const Viper__V1__SamplesProved *record = (const Viper__V1__SamplesProved *)vpr_record_get(
        ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &viper__v1__samples_proved__descriptor);
    uint64_t bits = record == NULL ? 0 : record->bits;
    vpr_arena_release(ctx->arena, mark);
    return bits;
}

void vpr_samples_set(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer,
                     uint64_t bits)
{
    Viper__V1__SamplesProved record = VIPER__V1__SAMPLES_PROVED__INIT;
    struct vpr_key_buf k = samples_key(session, servicer);

    record.bits = bits;
    vpr_record_put(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &record.base);
}

bool vpr_samples_proved(struct vpr_ctx *ctx, uint64_t session,
                        const struct vpr_address *servicer, uint64_t proof_samples)
{
    VPR_ASSERT(proof_samples >= 1 && proof_samples <= VPR_PROOF_SAMPLES_MAX);
    uint64_t all = (UINT64_C(1) << proof_samples) - 1;
    return (vpr_samples_bits(ctx, session, servicer) & all) == all;
}

size_t vpr_committed_sids(struct vpr_ctx *ctx, uint64_t session,
                          const struct vpr_address *servicer, struct vpr_hash *ret_sids,
                          size_t room)
{
    struct vpr_key_buf prefix = session_key(VPR_KEY_COMMITTED, session);
    vpr_key_address(&prefix, servicer);
    struct vpr_key_buf from = prefix;
    size_t count = 0;

    for (;;) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct vpr_bytes key, value;
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&prefix),
                            vpr_key_bytes(&from), &key, &value)) {
            return count;
        }
        VPR_ASSERT(key.len == prefix.len + sizeof ret_sids[0].b);
        if (count < room) {
            memcpy(ret_sids[count].b, key.data + prefix.len, sizeof ret_sids[0].b);
        }
        memcpy(from.b, key.data, key.len);
        from.len = key.len;
        vpr_key_u8(&from, 0); /* the smallest key behind */
        vpr_arena_release(ctx->arena, mark);
        count++;
    }
}

static enum vpr_code
find_rate(struct vpr_ctx *ctx, const struct vpr_bench *bench, struct vpr_rate *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__ChainTerms *chain = vpr_chain_terms(ctx, bench->chain, bench->session);
    const Viper__V1__ZoneTerms *zone = vpr_zone_terms(ctx, bench->zone, bench->session);

    if (chain == NULL) {
        return vpr_fail(ctx->err, VPR_NO_CHAIN, "chain %04x has no terms for session %" PRIu64,
                        bench->chain, bench->session);
    }
    if (zone == NULL) {
        return vpr_fail(ctx->err, VPR_NO_ZONE, "zone %04x has no terms for session %" PRIu64,
                        bench->zone, bench->session);
    }
    if (chain->multiplier_ppm > VPR_PPM || zone->multiplier_ppm > VPR_PPM) {
        return vpr_fail(ctx->err, VPR_OVERFLOW, "a multiplier above 1 in session %" PRIu64,
                        bench->session);
    }
    *ret = (struct vpr_rate){bench->chain, bench->zone, (uint32_t)chain->multiplier_ppm,
                             (uint32_t)zone->multiplier_ppm};
    vpr_arena_release(ctx->arena, mark);
    return VPR_OK;
}

static enum vpr_code rate_of(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                             struct vpr_rates *rates, struct vpr_rate *ret)
{
    for (size_t i = 0; rates != NULL && i < rates->count; i++) {
        if (rates->found[i].chain == bench->chain && rates->found[i].zone == bench->zone) {
            *ret = rates->found[i];
            return VPR_OK;
        }
    }
    VPR_TRY(find_rate(ctx, bench, ret));
    if (rates != NULL && rates->count < VPR_COUNT(rates->found)) {
        rates->found[rates->count++] = *ret;
    }
    return VPR_OK;
}

enum vpr_code vpr_bench_gross(struct vpr_ctx *ctx, const struct vpr_bench *bench, uint64_t cu,
                              struct vpr_rates *rates, uint64_t *ret)
{
    struct vpr_rate rate;

    VPR_TRY(rate_of(ctx, bench, rates, &rate));
    if (!vpr_gross(ret, cu, bench->budget, bench->allowance_cu, rate.chain_ppm,
                   rate.zone_ppm)) {
        return vpr_fail(ctx->err, VPR_OVERFLOW,
                        "%" PRIu64 " CU of %" PRIu64 " for %" PRIu64 " uvipr overflow", cu,
                        bench->allowance_cu, bench->budget);
    }
    return VPR_OK;
}

/* ---- deleting ---- */

/* With the last entry of a servicer its proved samples go.  Sids are settled in order, so
 * what is left lies behind this one. */
static void forget_samples(struct vpr_ctx *ctx, uint64_t session,
                           const struct vpr_address *servicer, const struct vpr_hash *sid)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_key_buf prefix = session_key(VPR_KEY_COMMITTED, session);
    struct vpr_key_buf from = committed_key(session, servicer, sid);
    struct vpr_key_buf samples = samples_key(session, servicer);
    struct vpr_bytes key, value;

    vpr_key_address(&prefix, servicer);
    vpr_key_u8(&from, 0); /* the smallest key behind */
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&from), &key, &value) &&
        vpr_state_get(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&samples),
                      &value)) {
        vpr_state_del(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&samples));
    }
    vpr_arena_release(ctx->arena, mark);
}

void vpr_bench_delete(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    struct vpr_key_buf k;

    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const struct vpr_address *id = &bench->servicers[i].id;
        size_t mark = vpr_arena_mark(ctx->arena);
        bool committed = vpr_commit_get(ctx, bench->session, &bench->sid, id) != NULL;
        vpr_arena_release(ctx->arena, mark);
        if (committed) {
            k = commit_key(bench->session, &bench->sid, id);
            vpr_state_del(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k));
            k = committed_key(bench->session, id, &bench->sid);
            vpr_state_del(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k));
            forget_samples(ctx, bench->session, id, &bench->sid);
        }
    }
    k = bench_key(bench->session, &bench->sid);
    vpr_state_del(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k));
    k = sid_key(&bench->sid);
    vpr_state_del(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k));
}

/* ---- MsgCommit ---- */

static void load_commit(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgCommit *m = (const Viper__V1__MsgCommit *)message;
    load->gas += m->n_entries * VPR_GAS_COMMIT_ENTRY;
}

static enum vpr_code check_commit(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgCommit *m = (const Viper__V1__MsgCommit *)message;
    struct vpr_address address;
    struct vpr_hash root;

    VPR_TRY(vpr_field_address(&address, m->operator_, "operator", err));
    if (m->n_entries < 1 || m->n_entries > VPR_COMMIT_ENTRIES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a commit has 1 to %d entries, not %zu",
                        VPR_COMMIT_ENTRIES_MAX, m->n_entries);
    }
    for (size_t i = 0; i < m->n_entries; i++) {
        const Viper__V1__CommitEntry *e = m->entries[i];
        VPR_TRY(vpr_field_address(&address, e->requestor, "requestor", err));
        VPR_TRY(vpr_field_hash(&root, e->root, "root", err));
        if (e->chain > UINT16_MAX || e->zone > UINT16_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD, "entry %zu: chain or zone above ffff", i);
        }
        if (e->count < 1 || e->sum < e->count) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "entry %zu: sum %" PRIu64 " >= count %" PRIu64
                            " >= 1 does not hold",
                            i, e->sum, e->count);
        }
    }
    return VPR_OK;
}

/* What is the same for every entry of one message. */
struct commit_job {
    struct vpr_session session;
    struct vpr_address servicer;
    uint64_t claim_min;
    struct vpr_rates rates;
};

static void commit_event(struct vpr_ctx *ctx, const struct commit_job *job,
                         const struct vpr_bench *bench, const Viper__V1__Commit *commit)
{
    char text[VPR_ID16_TEXT_MAX];

    vpr_event(ctx, "commit");
    vpr_event_u64(ctx, "session", bench->session);
    vpr_event_hex(ctx, "sid", bench->sid.b, sizeof bench->sid.b);
    vpr_event_address(ctx, "servicer", &job->servicer);
    vpr_event_address(ctx, "requestor", &bench->requestor);
    vpr_id16_text(text, bench->chain);
    vpr_event_text(ctx, "chain", text);
    vpr_id16_text(text, bench->zone);
    vpr_event_text(ctx, "zone", text);
    vpr_event_u64(ctx, "sum", commit->sum);
    vpr_event_u64(ctx, "count", commit->count);
    vpr_event_hex(ctx, "root", commit->root.data, commit->root.len);
}

/* Where an entry leads. */
struct target {
    struct vpr_address requestor;
    struct vpr_hash sid;
};

/* The bench: as it is stored, or drawn.  *ret_record: NULL if it is not stored yet. */
static enum vpr_code find_bench(struct vpr_ctx *ctx, const struct commit_job *job,
                                const Viper__V1__CommitEntry *entry, const struct target *at,
                                struct vpr_bench *ret, const Viper__V1__Bench **ret_record)
{
    uint64_t session = job->session.number;

    *ret_record = bench_record(ctx, session, &at->sid);
    if (*ret_record != NULL) {
        bench_read(ret, session, &at->sid, *ret_record);
    } else {
        VPR_TRY(vpr_bench_draw(ctx, ret, &job->session, &at->requestor,
                               (uint16_t)entry->chain, (uint16_t)entry->zone));
        VPR_ASSERT(vpr_hash_equal(&ret->sid, &at->sid));
    }
    if (!vpr_bench_has_servicer(ret, &job->servicer)) {
        return vpr_fail(
            ctx->err, VPR_NOT_DRAWN,
            "servicer is not drawn for %s, chain %04x, zone %04x in session %" PRIu64,
            entry->requestor, ret->chain, ret->zone, session);
    }
    return VPR_OK;
}

static enum vpr_code check_worth(struct vpr_ctx *ctx, struct commit_job *job,
                                 const Viper__V1__CommitEntry *entry,
                                 const struct vpr_bench *bench)
{
    uint64_t gross, cu = entry->sum < bench->quota_cu ? entry->sum : bench->quota_cu;

    VPR_TRY(vpr_bench_gross(ctx, bench, cu, &job->rates, &gross));
    if (gross < job->claim_min) {
        return vpr_fail(ctx->err, VPR_CLAIM_TOO_SMALL,
                        "%" PRIu64 " CU, quota %" PRIu64 ", are worth %" PRIu64
                        " uvipr; a claim is at least %" PRIu64,
                        entry->sum, bench->quota_cu, gross, job->claim_min);
    }
    return VPR_OK;
}

/* One more of the bench's servicers has committed; record: NULL if it is the first. */
static void count_commit(struct vpr_ctx *ctx, const struct commit_job *job,
                         const struct vpr_bench *bench, const Viper__V1__Bench *record)
{
    struct vpr_key_buf k;

    if (record == NULL) {
        bench_put(ctx, bench);
    } else {
        VPR_ASSERT(record->committed < bench->servicer_count);
        Viper__V1__Bench changed = *record;
        changed.committed++;
        k = bench_key(bench->session, &bench->sid);
        vpr_record_put(ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &changed.base);
    }
    k = committed_key(bench->session, &job->servicer, &bench->sid);
    vpr_state_put(ctx->state, VPR_STORE_COMMITS, vpr_key_bytes(&k),
                  vpr_bytes_of(present, sizeof present));
}

static enum vpr_code commit_entry(struct vpr_ctx *ctx, struct commit_job *job,
                                  const Viper__V1__CommitEntry *entry, const struct target *at)
{
    struct vpr_bench bench;
    const Viper__V1__Bench *record;
    uint64_t session = job->session.number;

    VPR_TRY(find_bench(ctx, job, entry, at, &bench, &record));
    VPR_TRY(check_worth(ctx, job, entry, &bench));
    if (record == NULL || vpr_commit_get(ctx, session, &at->sid, &job->servicer) == NULL) {
        count_commit(ctx, job, &bench, record);
    }
    Viper__V1__Commit commit = VIPER__V1__COMMIT__INIT;
    commit.root = entry->root;
    commit.sum = entry->sum;
    commit.count = entry->count;
    vpr_commit_put(ctx, session, &at->sid, &job->servicer, &commit);
    commit_event(ctx, job, &bench, &commit);
    return VPR_OK;
}

static enum vpr_code apply_commit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgCommit *m = (const Viper__V1__MsgCommit *)message;
    struct commit_job job = {.rates = {.count = 0}};

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_SERVICER, &job.servicer));
    VPR_TRY(vpr_window_commit(ctx, &job.session, m->session));
    job.claim_min = vpr_param(ctx, VPR_P_claim_min, m->session);

    struct target *at = VPR_ARENA_ARRAY(ctx->arena, struct target, m->n_entries);
    struct vpr_hash *sids = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, m->n_entries);
    for (size_t i = 0; i < m->n_entries; i++) {
        const Viper__V1__CommitEntry *e = m->entries[i];
        VPR_TRY(vpr_field_address(&at[i].requestor, e->requestor, "requestor", ctx->err));
        at[i].sid = vpr_sid(vpr_bytes_str(ctx->chain_id), m->session, &at[i].requestor,
                            (uint16_t)e->chain, (uint16_t)e->zone);
        sids[i] = at[i].sid;
    }
    size_t twice;
    if (!vpr_evidence_distinct(ctx->arena, sids, m->n_entries, &twice)) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "entry %zu: its sid occurs twice", twice);
    }
    for (size_t i = 0; i < m->n_entries; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        VPR_TRY(commit_entry(ctx, &job, m->entries[i], &at[i]));
        vpr_ctx_release(ctx, mark);
    }
    return VPR_OK;
}

/* ---- query and invariant ---- */

static bool session_of_sid(struct vpr_ctx *ctx, const struct vpr_hash *sid, uint64_t *ret)
{
    struct vpr_key_buf k = sid_key(sid);
    struct vpr_bytes value;

    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&k), &value)) {
        return false;
    }
    VPR_ASSERT(value.len == 8);
    *ret = vpr_get_be64(value.data);
    return true;
}

static Viper__V1__CommitInfo *commit_info(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                          const struct vpr_address *servicer)
{
    const Viper__V1__Commit *commit =
        vpr_commit_get(ctx, bench->session, &bench->sid, servicer);
    if (commit == NULL) {
        return NULL;
    }
    Viper__V1__CommitInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__CommitInfo);
    viper__v1__commit_info__init(info);
    info->servicer = vpr_text_of_address(ctx->arena, servicer);
    info->root = commit->root;
    info->sum = commit->sum;
    info->count = commit->count;
    info->tails_proved = commit->tails_proved;
    info->tails_cu = commit->tails_cu;
    info->samples_proved = vpr_samples_bits(ctx, bench->session, servicer);
    return info;
}

static enum vpr_code answer_commits(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    const Viper__V1__QuerySidRequest *asked = (const Viper__V1__QuerySidRequest *)request;
    struct vpr_hash sid;
    struct vpr_bench bench;
    uint64_t session;

    VPR_TRY(vpr_evidence_sid(&sid, asked->sid, ctx->err));
    if (!session_of_sid(ctx, &sid, &session) || !vpr_bench_stored(ctx, session, &sid, &bench)) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND,
                        "nothing is committed for this sid, or all of it is settled");
    }
    Viper__V1__QueryCommitsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryCommitsResponse);
    viper__v1__query_commits_response__init(response);
    response->session = session;
    response->commits =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__CommitInfo *, bench.servicer_count);
    for (uint32_t i = 0; i < bench.servicer_count; i++) {
        Viper__V1__CommitInfo *info = commit_info(ctx, &bench, &bench.servicers[i].id);
        if (info != NULL) {
            response->commits[response->n_commits++] = info;
        }
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static uint64_t count_keys(struct vpr_ctx *ctx, enum vpr_key_first first)
{
    struct vpr_key_buf prefix = vpr_key(first);
    struct vpr_key_buf from = prefix;
    uint64_t count = 0;

    for (;;) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct vpr_bytes key, value;
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_COMMITS, vpr_key_bytes(&prefix),
                            vpr_key_bytes(&from), &key, &value)) {
            return count;
        }
        memcpy(from.b, key.data, key.len);
        from.len = key.len;
        vpr_key_u8(&from, 0);
        vpr_arena_release(ctx->arena, mark);
        count++;
    }
}

/* The commits of one bench: all of them, and those that wait for their Verify. */
static void count_bench(struct vpr_ctx *ctx, const struct vpr_bench *bench, uint64_t *ret_all,
                        uint64_t *ret_waiting)
{
    uint64_t all = 0, waiting = 0;

    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        const Viper__V1__Commit *commit =
            vpr_commit_get(ctx, bench->session, &bench->sid, &bench->servicers[i].id);
        if (commit != NULL) {
            all++;
            waiting += commit->settled ? 0 : 1;
        }
        vpr_arena_release(ctx->arena, mark);
    }
    *ret_all = all;
    *ret_waiting = waiting;
}

/* Every commit belongs to a bench that counts it, and is found by servicer and by sid. */
static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct vpr_session running = vpr_session_current(ctx);
    uint64_t commits = 0, benches = 0;

    for (uint64_t s = vpr_session_oldest_unsettled(ctx); s <= running.number; s++) {
        struct vpr_hash sid;
        struct vpr_bench bench;
        bool more = vpr_bench_next(ctx, s, NULL, &sid);
        for (; more; more = vpr_bench_next(ctx, s, &sid, &sid)) {
            uint64_t all, waiting;
            bool stored = vpr_bench_stored(ctx, s, &sid, &bench);
            VPR_ASSERT(stored);
            count_bench(ctx, &bench, &all, &waiting);
            uint32_t committed = vpr_bench_committed(ctx, s, &sid);
            if (waiting == 0 || waiting != committed) {
                return vpr_fail(ctx->err, VPR_BAD_FIELD,
                                "a bench of session %" PRIu64 " counts %" PRIu32
                                " commits and has %" PRIu64,
                                s, committed, waiting);
            }
            commits += all;
            benches++;
        }
    }
    if (count_keys(ctx, VPR_KEY_COMMIT) != commits ||
        count_keys(ctx, VPR_KEY_COMMITTED) != commits ||
        count_keys(ctx, VPR_KEY_BENCH) != benches || count_keys(ctx, VPR_KEY_SID) != benches) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " benches hold %" PRIu64
                        " commits; the store has others or look-ups are missing",
                        benches, commits);
    }
    return VPR_OK;
}

static enum vpr_code admit_commit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgCommit *m = (const Viper__V1__MsgCommit *)message;
    struct vpr_address servicer;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_SERVICER, &servicer));
    return vpr_window_commit(ctx, &session, m->session);
}

static const struct vpr_handler handlers[] = {
    {"commits.commit", "/viper.v1.MsgCommit", &viper__v1__msg_commit__descriptor, "operator",
     VPR_LANE_SESSION, 0, load_commit, check_commit, apply_commit, admit_commit},
    {"commits.prove", "/viper.v1.MsgProve", &viper__v1__msg_prove__descriptor, "operator",
     VPR_LANE_SESSION, 0, vpr_prove_load, vpr_prove_check, vpr_prove_apply,
     vpr_prove_admit},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Commits", &viper__v1__query_sid_request__descriptor,
     &viper__v1__query_commits_response__descriptor, answer_commits},
};

static const struct vpr_invariant invariants[] = {
    {"commits_are_indexed", invariant},
};

const struct vpr_domain vpr_commits = {
    .name = "commits",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
