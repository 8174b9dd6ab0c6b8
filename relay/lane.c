#include "relay/lane.h"

#include "relay/wire.h"

/* The servicers' default (docs/protocol.md, 3); theirs may differ, so this only steers. */
#define RISK_FLOOR_CU 100
#define RISK_QUOTA_DIV 50
#define RISK_ACKED_DIV 10

void vpr_pass_make(struct vpr_pass *pass, const struct vpr_hash *sid)
{
    memset(pass, 0, sizeof *pass);
    pass->key = vpr_key_ephemeral();
    const struct vpr_key_info *info = vpr_key_info(pass->key);
    VPR_ASSERT(info->public_len == sizeof pass->token.client_key.b);
    memcpy(pass->token.client_key.b, info->public_key, info->public_len);
    pass->token.sid = *sid;
}

void vpr_pass_wipe(struct vpr_pass *pass)
{
    vpr_key_close(pass->key);
    pass->key = NULL;
}

void vpr_tab_open(struct vpr_tab *tab, struct vpr_signed_request *ret,
                  const struct vpr_pass *pass, uint64_t cu, const struct vpr_hash *req)
{
    struct vpr_request *part = &ret->part;

    *part = (struct vpr_request){
        .sid = pass->token.sid,
        .servicer = tab->servicer,
        .client_key = pass->token.client_key,
        .seq = ++tab->seq,
        .cum_cu = tab->accepted_cu + cu,
        .cu = cu,
        .req = *req,
    };
    const struct vpr_hash hash = vpr_request_hash(part);
    vpr_key_sign_hash(pass->key, VPR_KEYRING_CLIENT, &ret->signature, &hash);
    tab->pending_cu += cu;
    tab->pending++;
    tab->sent++;
}

void vpr_tab_close(struct vpr_tab *tab, const struct vpr_signed_request *request,
                   enum vpr_tab_end end)
{
    const uint64_t cu = request->part.cu;

    VPR_ASSERT(tab->pending > 0 && tab->pending_cu >= cu);
    tab->pending--;
    tab->pending_cu -= cu;
    switch (end) {
    case VPR_TAB_ANSWERED:
        tab->accepted_cu += cu;
        tab->answered++;
        /* Only now it is certain that the servicer has this voucher. */
        if (request->part.cum_cu > tab->vouched_cu) {
            tab->vouched_cu = request->part.cum_cu;
        }
        break;
    case VPR_TAB_REFUSED:
        tab->refused++;
        break;
    case VPR_TAB_LOST:
        tab->lost_cu += cu;
        tab->failed++;
        break;
    case VPR_TAB_UNSENT:
        tab->failed++;
        break;
    }
    VPR_ASSERT(tab->sent == tab->answered + tab->refused + tab->failed + tab->pending);
}

bool vpr_tab_room(const struct vpr_tab *tab, uint64_t cu)
{
    const uint64_t kept =
        tab->sampled_cu < tab->reserve_cu ? tab->reserve_cu - tab->sampled_cu : 0;
    const uint64_t used = tab->accepted_cu + tab->lost_cu + tab->pending_cu + kept;

    return !tab->full && used <= tab->quota_cu && cu <= tab->quota_cu - used;
}

bool vpr_tab_bears(const struct vpr_tab *tab, uint64_t cu)
{
    uint64_t risk = tab->quota_cu / RISK_QUOTA_DIV;

    if (risk < RISK_FLOOR_CU) {
        risk = RISK_FLOOR_CU;
    }
    risk += tab->accepted_cu / RISK_ACKED_DIV;
    return tab->pending == 0 || tab->lost_cu + tab->pending_cu + cu <= risk;
}

bool vpr_tab_open_end(const struct vpr_tab *tab)
{
    return tab->accepted_cu > tab->vouched_cu;
}

static enum vpr_answer judge_receipt(struct vpr_receipt *ret, const struct vpr_request *request,
                                     const struct vpr_hash *relay_key, uint32_t status,
                                     struct vpr_bytes text, struct vpr_bytes body)
{
    struct vpr_receipt receipt;
    const struct vpr_hash part = vpr_request_part_hash(request);

    if (status > UINT16_MAX || !vpr_wire_receipt_parse(&receipt, text) ||
        !vpr_hash_equal(&receipt.request_part, &part) || receipt.status != status) {
        return VPR_ANSWER_BAD;
    }
    const struct vpr_hash res = vpr_res_hash((uint16_t)status, body);
    if (!vpr_hash_equal(&receipt.res, &res) || !vpr_receipt_verify(&receipt, relay_key)) {
        return VPR_ANSWER_BAD;
    }
    *ret = receipt;
    return VPR_ANSWER_GOOD;
}

enum vpr_answer vpr_answer_judge(struct vpr_receipt *ret_receipt,
                                 struct vpr_refusal *ret_refusal,
                                 const struct vpr_request *request,
                                 const struct vpr_hash *relay_key, uint32_t status,
                                 const struct vpr_bytes *receipt,
                                 const struct vpr_bytes *refusal, struct vpr_bytes body)
{
    struct vpr_refusal told;

    if (receipt != NULL && refusal != NULL) {
        return VPR_ANSWER_BAD;
    }
    if (receipt != NULL) {
        return judge_receipt(ret_receipt, request, relay_key, status, *receipt, body);
    }
    if (refusal == NULL) {
        return status == VPR_WIRE_ASK_TOKEN ? VPR_ANSWER_TOKEN : VPR_ANSWER_BARE;
    }
    const struct vpr_hash part = vpr_request_part_hash(request);
    if (!vpr_wire_refusal_parse(&told, *refusal) ||
        !vpr_hash_equal(&told.request_part, &part) || !vpr_refusal_verify(&told, relay_key)) {
        return VPR_ANSWER_BAD;
    }
    *ret_refusal = told;
    return VPR_ANSWER_REFUSAL;
}
