/* gate.h - a requestor's world on loopback: servicers that can misbehave, a panel drawn over
 * them, sender, front and shadow door, and clients; all in one loop. */
#ifndef VPR_TEST_RELAY_GATE_H
#define VPR_TEST_RELAY_GATE_H

#include "relay/front.h"
#include "relay/lane.h"
#include "relay/shadow.h"
#include "tests/unit/relay/help.h"

#define GATE_SERVICERS 3
#define GATE_FISHERMEN 2
#define GATE_SEEN_MAX 512
#define GATE_NAMES_MAX 512

enum manner {
    GOOD,
    TAMPER_BODY,    /* the body is another than the receipt's */
    TAMPER_STATUS,
    TAMPER_RECEIPT, /* one bit of the signature */
    WRONG_KEY,      /* signed by somebody else */
    OTHER_REQUEST,  /* a good receipt, of another request */
    RECEIPT_AND_REFUSAL,
    BARE,           /* 500 and no receipt */
    REFUSE,         /* signed, reason in `reason` */
    REFUSE_BADLY,   /* unsigned */
    HOLD,           /* until released */
    NOTHING,        /* answers an empty body, with a receipt */
};

/* One relay as a servicer saw it. */
struct seen {
    struct vpr_signed_request request;
    char names[GATE_NAMES_MAX]; /* header names in order, each with a comma */
    char values[GATE_NAMES_MAX]; /* all values but those of Viper-Relay, Viper-Token, Host */
    char peer[64], target[256], body[1024];
    bool token;
    uint64_t at_us;
};

struct servicer {
    struct vpr_http_server *server;
    struct vpr_address id;
    struct keypair relay;
    enum manner manner;
    uint16_t reason;
    uint32_t delay_ms;
    uint32_t opening; /* so many are answered opening_status first */
    uint32_t opening_status;
    bool wants_token; /* 428 until it came */
    bool has_token;
    const char *mangle_id; /* what its backend makes of ids; NULL: left alone */
    const char *result;    /* JSON; NULL: "ok" */
    size_t seen_count;
    struct seen seen[GATE_SEEN_MAX];
    size_t held_count;
    struct vpr_http_request *held[64];
};

/* What a client got. */
struct got {
    bool done;
    enum vpr_http_failure failure;
    uint32_t status;
    char body[65536];
    size_t body_len;
    char servicer[128], relay[512], receipt[512], refusal[512], token[512], answer_id[512];
    char viper_status[16], type[128];
};

struct fisher {
    struct vpr_address id;
    struct vpr_hash secret;
    uint8_t key[VPR_SECP_KEY_BYTES];
    struct vpr_address operator_address;
};

struct gate {
    struct vpr_loop *loop;
    struct vpr_metrics *metrics;
    struct vpr_healths healths;
    struct vpr_sender *sender;
    struct vpr_front *front;
    struct vpr_shadow_door *door;
    struct vpr_http_client *client;
    struct vpr_panel *panel;
    struct vpr_corpus *corpus;
    struct keypair gateway_key;
    struct servicer servicers[GATE_SERVICERS]; /* as the panel's seats */
    struct fisher fishers[GATE_FISHERMEN];     /* as the panel's watchers */
    bool closed; /* no session */
};

struct gate_wish {
    uint64_t quota_cu; /* 0: 10,000 */
    uint32_t attempt_ms, total_ms;
};

void gate_open(struct gate *gate, const struct gate_wish *wish);
void gate_close(struct gate *gate);
/* Turn the loop until *flag, or fail after 8 s. */
void gate_until(struct gate *gate, const bool *flag);
void gate_for_ms(struct gate *gate, uint64_t ms);
void gate_release(struct servicer *servicer); /* answer what is held, as GOOD */
/* One alone, for worlds that are not this one; n makes its relay key. */
void gate_servicer_open(struct servicer *servicer, struct vpr_loop *loop, uint8_t n);
void gate_servicer_close(struct servicer *servicer);
void gate_all(struct gate *gate, enum manner manner);

/* Start, or do, a client's request to the front. */
void gate_start(struct gate *gate, struct got *got, const char *method, const char *target,
                const char *body);
void gate_post(struct gate *gate, struct got *got, const char *body);

/* A fisherman's post, signed unless `spoil`. */
struct shot {
    size_t fisher, servicer;
    uint64_t nonce;
    const char *body, *method, *path;
    bool spoil;
    struct vpr_hash *sid; /* NULL: the panel's */
    struct vpr_address *to; /* NULL: of `servicer` */
};
void gate_shoot_start(struct gate *gate, struct got *got, const struct shot *shot);
void gate_shoot(struct gate *gate, struct got *got, const struct shot *shot);

size_t gate_seen(const struct gate *gate); /* over all servicers */
uint64_t gate_count(const struct gate *gate, enum vpr_meter meter, size_t b);
/* sent = answered + refused + failed + under way, everywhere. */
void gate_balanced(const struct gate *gate);

Suite *suite_lane(void);
Suite *suite_select(void);
Suite *suite_panel(void);
Suite *suite_front(void);
Suite *suite_shadow(void);
Suite *suite_gateway(void);

#endif
