/* The record: RECORD.md says what each line means. */
#include "app/base/bytes.h"
#include "app/host/pbjson.h"
#include "tests/driver/stage.h"

static const char warning[] = "one program played every validator, its votes and the clock: no "
                              "consensus stands behind this history";

static void hex(struct vpr_buf *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    vpr_buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        vpr_buf_char(out, digits[bytes[i] >> 4]);
        vpr_buf_char(out, digits[bytes[i] & 15]);
    }
    vpr_buf_char(out, '"');
}

static void text(struct vpr_buf *out, const char *what)
{
    vpr_buf_json(out, vpr_bytes_str(what));
}

/* A comma before all but the first. */
static void comma(struct vpr_buf *out, size_t i)
{
    if (i > 0) {
        vpr_buf_char(out, ',');
    }
}

static void message(struct vpr_buf *out, const ProtobufCMessage *m)
{
    const struct vpr_pbjson_options options = {.omit_defaults = false};
    struct vpr_err err;
    if (vpr_pbjson_write(out, m, &options, &err) != VPR_OK) {
        VPR_HALT(err.text);
    }
}

static void flush(struct stage *stage)
{
    vpr_buf_char(&stage->line, '\n');
    VPR_ASSERT(!stage->line.over);
    VPR_ASSERT(fwrite(stage->line.data, 1, stage->line.len, stage->options.record) ==
               stage->line.len);
    vpr_buf_reset(&stage->line);
}

/* ---- history, restart, end ---- */

static void labels(struct vpr_buf *out, const struct cast_size *size)
{
    static const char *const kinds[] = {"validator", "servicer", "fisherman", "requestor"};
    const unsigned counts[] = {size->validators, size->servicers, size->fishermen,
                               size->requestors};
    char name[64];
    vpr_buf_printf(out, "{\"alice\":\"%s\",\"bob\":\"%s\"", world_text("alice"),
                   world_text("bob"));
    for (size_t k = 0; k < VPR_COUNT(kinds); k++) {
        for (unsigned i = 1; i <= counts[k]; i++) {
            (void)snprintf(name, sizeof name, "%s%u", kinds[k], i);
            vpr_buf_printf(out, ",\"%s\":\"%s\"", name, world_text(name));
            (void)snprintf(name, sizeof name, "%s%u.owner", kinds[k], i);
            vpr_buf_printf(out, ",\"%s\":\"%s\"", name, world_text(name));
        }
    }
    vpr_buf_char(out, '}');
}

void record_history(struct stage *stage)
{
    struct vpr_buf *out = &stage->line;
    if (stage->options.record == NULL) {
        return;
    }
    vpr_buf_printf(out, "{\"history\":1,\"warning\":\"%s\",\"viperd\":\"" VIPER_VERSION
                   "\",\"seed\":%" PRIu64 ",\"chain_id\":\"" WORLD_CHAIN_ID
                   "\",\"genesis_time_s\":%d,\"initial_height\":1,\"nodes\":%zu,\"app_hash\":",
                   warning, stage->options.seed, WORLD_TIME_S, stage->node_count);
    hex(out, stage->app_hash.b, 32);
    vpr_buf_str(out, ",\"app_state\":");
    vpr_buf_str(out, stage->app_state);
    vpr_buf_str(out, ",\"validators\":[");
    for (size_t i = 0; i < stage->now.count; i++) {
        const struct set_member *m = &stage->now.members[i];
        comma(out, i);
        vpr_buf_str(out, "{\"key\":");
        hex(out, m->key.b, 32);
        vpr_buf_str(out, ",\"address\":");
        hex(out, m->address.b, 20);
        vpr_buf_printf(out, ",\"power\":%" PRId64 "}", m->power);
    }
    vpr_buf_str(out, "],\"labels\":");
    labels(out, &stage->options.size);
    vpr_buf_char(out, '}');
    flush(stage);
}

void record_restart(struct stage *stage, size_t node, const char *how, const char *at,
                    uint64_t height)
{
    if (stage->options.record != NULL) {
        vpr_buf_printf(&stage->line,
                       "{\"restart\":\"%s\",\"node\":%zu,\"at\":\"%s\",\"height\":%" PRIu64 "}",
                       how, node, at, height);
        flush(stage);
    }
}

void record_end(struct stage *stage, double seconds)
{
    const struct stage_stats *s = &stage->stats;
    if (stage->options.record == NULL) {
        return;
    }
    vpr_buf_printf(&stage->line, "{\"end\":{\"height\":%" PRIu64 ",\"blocks\":%" PRIu64
                   ",\"txs\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"rounds\":%" PRIu64
                   ",\"restarts\":%" PRIu64 ",\"evidence\":%" PRIu64
                   ",\"sessions\":%" PRIu64 ",\"seconds\":%.3f,\"app_hash\":",
                   stage->height, s->blocks, s->txs, s->refused, s->rounds, s->restarts,
                   s->evidence,
                   stage->mirror == NULL ? 0 : mirror_session_number(stage->mirror), seconds);
    hex(&stage->line, stage->app_hash.b, 32);
    vpr_buf_str(&stage->line, "}}");
    flush(stage);
}

/* ---- a block ---- */

static void events(struct stage *stage, Tendermint__Abci__Event *const *list, size_t count)
{
    struct vpr_buf *out = &stage->line;
    vpr_buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        comma(out, i);
        vpr_buf_char(out, '[');
        text(out, list[i]->type);
        vpr_buf_str(out, ",[");
        for (size_t a = 0; a < list[i]->n_attributes; a++) {
            comma(out, a);
            vpr_buf_char(out, '[');
            text(out, list[i]->attributes[a]->key);
            vpr_buf_char(out, ',');
            text(out, list[i]->attributes[a]->value);
            vpr_buf_char(out, ']');
        }
        vpr_buf_str(out, "]]");
    }
    vpr_buf_char(out, ']');
}

static void rounds_json(struct vpr_buf *out, const struct tried_round *rounds, size_t count)
{
    vpr_buf_str(out, ",\"rounds\":[");
    for (size_t i = 0; i < count; i++) {
        comma(out, i);
        vpr_buf_str(out, "{\"proposer\":");
        hex(out, rounds[i].proposer.b, 20);
        vpr_buf_printf(out, ",\"outcome\":\"%s\",\"why\":\"%s\"}",
                       rounds[i].rejected ? "rejected" : "abandoned",
                       rounds[i].rejected ? round_names[rounds[i].how] : "");
    }
    vpr_buf_char(out, ']');
}

static const char *flag_name(Tendermint__Types__BlockIDFlag flag)
{
    return flag == TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_COMMIT   ? "commit"
           : flag == TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_ABSENT ? "absent"
                                                                           : "nil";
}

static void votes_json(struct vpr_buf *out, const Tendermint__Abci__CommitInfo *info)
{
    vpr_buf_str(out, ",\"last_commit\":[");
    for (size_t i = 0; i < info->n_votes; i++) {
        const Tendermint__Abci__VoteInfo *vote = info->votes[i];
        comma(out, i);
        vpr_buf_char(out, '[');
        hex(out, vote->validator->address.data, vote->validator->address.len);
        vpr_buf_printf(out, ",%" PRId64 ",\"%s\"]", vote->validator->power,
                       flag_name(vote->block_id_flag));
    }
    vpr_buf_char(out, ']');
}

static void evidence_json(struct vpr_buf *out, const Tendermint__Abci__RequestFinalizeBlock *r)
{
    vpr_buf_str(out, ",\"misbehavior\":[");
    for (size_t i = 0; i < r->n_misbehavior; i++) {
        const Tendermint__Abci__Misbehavior *m = r->misbehavior[i];
        comma(out, i);
        vpr_buf_str(out, "{\"type\":\"duplicate_vote\",\"address\":");
        hex(out, m->validator->address.data, m->validator->address.len);
        vpr_buf_printf(out, ",\"power\":%" PRId64 ",\"height\":%" PRId64 ",\"time_s\":%" PRId64
                       ",\"total_power\":%" PRId64 "}", m->validator->power, m->height,
                       m->time->seconds, m->total_voting_power);
    }
    vpr_buf_char(out, ']');
}

static void system_json(struct vpr_buf *out, const Viper__V1__MsgSystem *system)
{
    vpr_buf_str(out, ",\"reveal\":");
    hex(out, system->reveal.data, system->reveal.len);
    vpr_buf_str(out, ",\"verify\":[");
    for (size_t i = 0; i < system->n_verify; i++) {
        comma(out, i);
        message(out, &system->verify[i]->base);
    }
    vpr_buf_char(out, ']');
}

static void result_json(struct stage *stage, const Tendermint__Abci__ExecTxResult *r)
{
    struct vpr_buf *out = &stage->line;
    vpr_buf_printf(out, "\"code\":%u,\"log\":", r->code);
    text(out, r->log);
    vpr_buf_printf(out, ",\"gas_wanted\":%" PRId64 ",\"gas_used\":%" PRId64 ",\"events\":",
                   r->gas_wanted, r->gas_used);
    events(stage, r->events, r->n_events);
    vpr_buf_char(out, '}');
}

static void txs_json(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *r)
{
    struct vpr_buf *out = &stage->line;
    vpr_buf_str(out, ",\"txs\":[{\"system\":true,");
    result_json(stage, stage->result->tx_results[0]);
    for (size_t i = 1; i < r->n_txs; i++) {
        const struct item *item = pool_find(stage, r->txs[i].data, r->txs[i].len);
        vpr_buf_str(out, ",{");
        if (item != NULL && item->about != NULL) {
            vpr_buf_str(out, item->about);
            vpr_buf_printf(out,
                           ",\"system\":false,\"sent\":%" PRIu64
                           ",\"check\":{\"code\":%u},\"way\":\"%s\",",
                           item->number, item->check_code, item->appended ? "forced" : "mempool");
        }
        result_json(stage, stage->result->tx_results[i]);
    }
    vpr_buf_char(out, ']');
}

static void updates_json(struct stage *stage)
{
    struct vpr_buf *out = &stage->line;
    vpr_buf_str(out, ",\"updates\":[");
    for (size_t i = 0; i < stage->result->n_validator_updates; i++) {
        const Tendermint__Abci__ValidatorUpdate *u = stage->result->validator_updates[i];
        comma(out, i);
        vpr_buf_char(out, '[');
        hex(out, u->pub_key->ed25519.data, u->pub_key->ed25519.len);
        vpr_buf_printf(out, ",%" PRId64 "]", u->power);
    }
    vpr_buf_char(out, ']');
}

static void changes_json(struct vpr_buf *out, const Viper__V1__QueryChangesResponse *changes)
{
    if (changes == NULL) {
        vpr_buf_str(out, ",\"changes\":null");
        return;
    }
    vpr_buf_str(out, ",\"changes\":[");
    for (size_t i = 0; i < changes->n_pairs; i++) {
        const Viper__V1__StatePair *pair = changes->pairs[i];
        comma(out, i);
        vpr_buf_printf(out, "[\"%s\",", pair->store);
        hex(out, pair->key.data, pair->key.len);
        vpr_buf_char(out, ',');
        if (pair->value.len > 0) {
            hex(out, pair->value.data, pair->value.len);
        } else {
            vpr_buf_str(out, "null");
        }
        vpr_buf_char(out, ']');
    }
    vpr_buf_char(out, ']');
}

void record_block(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *request,
                  const struct plan *plan, const struct tried_round *rounds, size_t count,
                  const Viper__V1__MsgSystem *system,
                  const Viper__V1__QueryChangesResponse *changes)
{
    struct vpr_buf *out = &stage->line;
    if (stage->options.record == NULL) {
        return;
    }
    vpr_buf_printf(out, "{\"block\":%" PRIu64 ",\"time_s\":%" PRId64 ",\"proposer\":",
                   stage->height, stage->time_s);
    hex(out, request->proposer_address.data, request->proposer_address.len);
    vpr_buf_printf(out, ",\"round\":%zu", plan->round_count);
    rounds_json(out, rounds, count);
    votes_json(out, request->decided_last_commit);
    evidence_json(out, request);
    system_json(out, system);
    txs_json(stage, request);
    updates_json(stage);
    vpr_buf_str(out, ",\"app_hash\":");
    hex(out, stage->app_hash.b, 32);
    changes_json(out, changes);
    vpr_buf_char(out, '}');
    flush(stage);
}
