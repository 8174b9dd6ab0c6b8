#include "tests/driver/draws.h"

#include "app/base/bytes.h"

/* ---- who was drawn ---- */

static void parse_address(struct vpr_address *ret, const char *text)
{
    VPR_ASSERT(vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text)));
}

static uint32_t seats_of(struct vpr_seat *ret, Viper__V1__Seat *const *seats, size_t count)
{
    VPR_ASSERT(count <= VPR_SEATS_MAX);
    for (size_t i = 0; i < count; i++) {
        parse_address(&ret[i].id, seats[i]->id);
        parse_address(&ret[i].owner, seats[i]->owner);
    }
    return (uint32_t)count;
}

/* False: nobody to draw. */
static bool ask_bench(struct stage *stage, uint64_t session, const struct vpr_address *requestor,
                      const Viper__V1__PairInfo *pair, struct vpr_bench *ret)
{
    const ProtobufCBinaryData sid = pair->sid;
    Viper__V1__QueryBenchRequest request = VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    char hex[65];
    uint32_t code;

    vpr_hex(hex, sid.data, sid.len);
    request.session = session;
    request.sid = hex;
    request.requestor = world_text_of(requestor);
    request.chain = pair->chain;
    request.zone = pair->zone;
    struct vpr_bytes bytes = node_query(&stage->nodes[0], &stage->block,
                                        "/viper.v1.Query/Bench", &request.base, &code);
    if (code != 0) {
        return false;
    }
    const Viper__V1__QueryBenchResponse *r =
        (const Viper__V1__QueryBenchResponse *)vpr_arena_unpack(
            &stage->block, &viper__v1__query_bench_response__descriptor, bytes);
    VPR_ASSERT(r != NULL && r->sid.len == 32);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->sid.b, r->sid.data, 32);
    ret->session = session;
    parse_address(&ret->requestor, r->requestor);
    ret->chain = (uint16_t)r->chain;
    ret->zone = (uint16_t)r->zone;
    ret->allowance_cu = r->allowance_cu;
    ret->budget = r->budget_uvipr;
    ret->quota_cu = r->quota_cu;
    ret->servicer_count = seats_of(ret->servicers, r->servicers, r->n_servicers);
    ret->fisherman_count = seats_of(ret->fishermen, r->fishermen, r->n_fishermen);
    return true;
}

/* NULL: it is gone, or was not there yet. */
static const Viper__V1__QueryRequestorResponse *
ask_requestor(struct stage *stage, uint64_t session, const struct vpr_address *id)
{
    Viper__V1__QueryRequestorRequest request = VIPER__V1__QUERY_REQUESTOR_REQUEST__INIT;
    uint32_t code;
    request.id = world_text_of(id);
    request.session = session;
    struct vpr_bytes bytes = node_query(&stage->nodes[0], &stage->block,
                                        "/viper.v1.Query/Requestor", &request.base, &code);
    if (code != 0) {
        return NULL;
    }
    const Viper__V1__QueryRequestorResponse *r =
        (const Viper__V1__QueryRequestorResponse *)vpr_arena_unpack(
            &stage->block, &viper__v1__query_requestor_response__descriptor, bytes);
    VPR_ASSERT(r != NULL);
    return r;
}

/* Who staked under a falsified address has no keys here: nobody serves in such a bench. */
static bool has_keys(const struct vpr_bench *bench)
{
    bool all = world_label_of(&bench->requestor) != NULL;
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        all = all && world_label_of(&bench->servicers[i].id) != NULL;
    }
    for (uint32_t i = 0; i < bench->fisherman_count; i++) {
        all = all && world_label_of(&bench->fishermen[i].id) != NULL;
    }
    return all;
}

size_t draws_benches(struct stage *stage, uint64_t session, struct vpr_bench *ret, size_t room)
{
    const struct vpr_address *ids;
    size_t count = mirror_actors(stage->mirror, &ids), benches = 0;
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Actor *actor = mirror_actor(stage->mirror, &stage->block, &ids[i]);
        const Viper__V1__QueryRequestorResponse *r =
            actor == NULL || actor->kind != VIPER__V1__KIND__KIND_REQUESTOR
                ? NULL
                : ask_requestor(stage, session, &ids[i]);
        for (size_t p = 0; r != NULL && p < r->n_pairs && benches < room; p++) {
            if (r->pairs[p]->sid.len == 32 &&
                ask_bench(stage, session, &ids[i], r->pairs[p], &ret[benches]) &&
                has_keys(&ret[benches])) {
                benches++;
            }
        }
    }
    return benches;
}

/* ---- what is asked for ---- */

/* The newest version <= session of a record with (first byte, id, session) as key. */
static const ProtobufCMessage *version_of(struct stage *stage, enum vpr_key_first first,
                                          uint16_t id, uint64_t session,
                                          const ProtobufCMessageDescriptor *descriptor)
{
    uint8_t key[11] = {(uint8_t)first};
    vpr_put_be16(key + 1, id);
    for (uint64_t s = session;; s--) {
        vpr_put_be64(key + 3, s);
        const ProtobufCMessage *m =
            mirror_record(stage->mirror, &stage->block, VPR_STORE_CHAINS,
                          vpr_bytes_of(key, sizeof key), descriptor);
        if (m != NULL || s == 0) {
            return m;
        }
    }
}

bool draws_asked(struct stage *stage, const struct vpr_bench *bench, struct work_asked *ret)
{
    const Viper__V1__Session *session =
        mirror_session(stage->mirror, &stage->block, bench->session);
    const Viper__V1__Params *params =
        mirror_params(stage->mirror, &stage->block, bench->session);
    const Viper__V1__ChainTerms *of_chain = (const Viper__V1__ChainTerms *)version_of(
        stage, VPR_KEY_CHAIN_TERMS, bench->chain, bench->session,
        &viper__v1__chain_terms__descriptor);
    const Viper__V1__ZoneTerms *of_zone = (const Viper__V1__ZoneTerms *)version_of(
        stage, VPR_KEY_ZONE_TERMS, bench->zone, bench->session,
        &viper__v1__zone_terms__descriptor);
    if (session == NULL || session->challenge.len != 32 || params == NULL) {
        return false;
    }
    struct vpr_hash *challenge = VPR_ARENA_NEW(&stage->block, struct vpr_hash);
    memcpy(challenge->b, session->challenge.data, 32);
    *ret = (struct work_asked){
        challenge, params->proof_samples, params->card_samples,
        of_chain == NULL ? (uint32_t)VPR_PPM : (uint32_t)of_chain->multiplier_ppm,
        of_zone == NULL ? (uint32_t)VPR_PPM : (uint32_t)of_zone->multiplier_ppm,
    };
    return true;
}
