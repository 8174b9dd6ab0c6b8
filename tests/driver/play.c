#include "tests/driver/play.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/host/pbjson.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "tests/driver/draws.h"

#define DRAWN_MAX 64

struct play {
    struct stage *stage;
    const struct random_options *options;
    const char *name;
    unsigned line;
    struct dice dice;
    struct labour labour;
    bool work;
    struct plan plan; /* of the next block */
    struct sending next; /* what the next tx shall be like */
    bool waiting;        /* for the last tx */
    uint32_t code;       /* its */
};

static void fail(const struct play *p, const char *what, const char *word)
{
    fprintf(stderr, "driver: %s:%u: %s: %s\n", p->name, p->line, what, word);
    exit(1);
}

static void block(struct play *p)
{
    if (p->work) {
        labour_step(&p->labour);
    }
    stage_block(p->stage, &p->plan);
    memset(&p->plan, 0, sizeof p->plan);
}

/* ---- words ---- */

static uint64_t number(const struct play *p, const char *word)
{
    char *end;
    uint64_t n = strtoull(word == NULL ? "" : word, &end, 10);
    if (word == NULL || *word == 0 || *end != 0) {
        fail(p, "a number is expected", word == NULL ? "end of line" : word);
    }
    return n;
}

static size_t one_of(const struct play *p, const char *const *names, size_t count,
                     const char *word)
{
    for (size_t i = 0; i < count && word != NULL; i++) {
        if (names[i] != NULL && strcmp(names[i], word) == 0) {
            return i;
        }
    }
    fail(p, "no such word here", word == NULL ? "end of line" : word);
    return 0;
}

static char *word_of(char **rest)
{
    return strtok_r(NULL, " \t", rest);
}

/* ---- blocks ---- */

static void do_blocks(struct play *p, char **rest)
{
    for (uint64_t n = number(p, word_of(rest)); n > 0; n--) {
        block(p);
    }
}

static void do_session(struct play *p, char **rest)
{
    uint64_t session = number(p, word_of(rest));
    while (p->stage->height == 0 || mirror_session_number(p->stage->mirror) < session) {
        block(p);
    }
}

static void do_silent(struct play *p, char **rest)
{
    (void)rest;
    p->plan.silent = true;
}

static void do_seconds(struct play *p, char **rest)
{
    p->plan.seconds = (int64_t)number(p, word_of(rest));
}

static void do_round(struct play *p, char **rest)
{
    for (char *name = strtok_r(NULL, ",", rest); name != NULL;
         name = strtok_r(NULL, ",", rest)) {
        while (*name == ' ') {
            name++;
        }
        if (p->plan.round_count + 1 == ROUNDS_MAX) {
            fail(p, "too many rounds", name);
        }
        p->plan.rounds[p->plan.round_count++] =
            (enum round_how)one_of(p, round_names, ROUND_HOWS, name);
    }
}

static size_t member(const struct play *p, const char *label)
{
    const struct set *set = &p->stage->last;
    if (label != NULL) {
        struct vpr_address who = world_consensus(label);
        for (size_t i = 0; i < set->count; i++) {
            if (vpr_address_equal(&set->members[i].address, &who)) {
                return i;
            }
        }
    }
    fail(p, "did not vote on the last block", label == NULL ? "end of line" : label);
    return 0;
}

static void do_absent(struct play *p, char **rest)
{
    for (char *label = word_of(rest); label != NULL; label = word_of(rest)) {
        p->plan.absent |= UINT64_C(1) << member(p, label);
    }
}

static void do_evidence(struct play *p, char **rest)
{
    static const char *const types[] = {"unknown", "votes", "light", "later"};
    char *label = word_of(rest);
    uint64_t back = number(p, word_of(rest));
    const struct set_member *m = &p->stage->last.members[member(p, label)];
    if (p->plan.evidence_count == EVIDENCE_MAX || back >= p->stage->height) {
        fail(p, "too much, or too long ago", label);
    }
    p->plan.evidence[p->plan.evidence_count++] =
        (struct evidence){m->address, p->stage->height - back,
                          (int)one_of(p, types, VPR_COUNT(types), word_of(rest))};
}

static void do_kill(struct play *p, char **rest)
{
    static const char *const points[] = {"executed", "ready", "gently"};
    p->plan.kill_node = number(p, word_of(rest));
    size_t at = one_of(p, points, VPR_COUNT(points), word_of(rest));
    if (p->plan.kill_node >= p->stage->node_count) {
        fail(p, "no such node", "kill");
    }
    p->plan.kill = at == 0 ? KILL_EXECUTED : KILL_READY;
    p->plan.kill_gently = at == 2;
}

/* ---- transactions ---- */

static const ProtobufCMessageDescriptor *const messages[] = {
    &cosmos__bank__v1beta1__msg_send__descriptor,
    &viper__v1__msg_stake_servicer__descriptor,
    &viper__v1__msg_edit_servicer__descriptor,
    &viper__v1__msg_stake_requestor__descriptor,
    &viper__v1__msg_edit_requestor__descriptor,
    &viper__v1__msg_stake_fisherman__descriptor,
    &viper__v1__msg_edit_fisherman__descriptor,
    &viper__v1__msg_stake_validator__descriptor,
    &viper__v1__msg_set_commission__descriptor,
    &viper__v1__msg_delegate__descriptor,
    &viper__v1__msg_undelegate__descriptor,
    &viper__v1__msg_withdraw__descriptor,
    &viper__v1__msg_price__descriptor,
    &viper__v1__msg_renew_beacon__descriptor,
    &viper__v1__msg_increase_stake__descriptor,
    &viper__v1__msg_pause__descriptor,
    &viper__v1__msg_resume__descriptor,
    &viper__v1__msg_unstake__descriptor,
    &viper__v1__msg_set_operator__descriptor,
    &viper__v1__msg_set_owner__descriptor,
    &viper__v1__msg_report_card__descriptor,
};

static void hear(struct stage *stage, void *arg, uint32_t code)
{
    struct play *p = arg;
    (void)stage;
    p->waiting = false;
    p->code = code;
}

/* "@label" in a text of JSON becomes an address; no label has a quote in it. */
static char *with_addresses(struct play *p, const char *text)
{
    struct vpr_arena *arena = &p->stage->block;
    char *out = vpr_arena_text(arena, "%s", "");
    for (const char *at = strstr(text, "\"@"); at != NULL; at = strstr(text, "\"@")) {
        const char *end = strchr(at + 2, '"');
        if (end == NULL) {
            fail(p, "no end of a label", at);
            return NULL;
        }
        char *label = vpr_arena_text(arena, "%.*s", (int)(end - at - 2), at + 2);
        bool type = strcmp(label, "type") == 0;
        out = vpr_arena_text(arena, "%s%.*s\"%s", out, (int)(at - text), text,
                             type ? "@type" : world_text(label));
        text = end;
    }
    return vpr_arena_text(arena, "%s%s", out, text);
}

static const ProtobufCMessage *message_of(struct play *p, const char *text)
{
    const struct vpr_pbjson_options strict = {.strict = true};
    struct vpr_arena *arena = &p->stage->block;
    struct vpr_err err = {VPR_OK, ""};
    ProtobufCMessage *message = NULL;
    json_t *root = json_loads(with_addresses(p, text), 0, NULL);
    const char *type = json_string_value(json_object_get(root, "@type"));

    for (size_t i = 0; i < VPR_COUNT(messages) && type != NULL; i++) {
        if (strcmp(vpr_wire_type_url(arena, messages[i]), type) == 0) {
            const ProtobufCMessageDescriptor *descriptor = messages[i];
            (void)json_object_del(root, "@type");
            char *rest = json_dumps(root, JSON_COMPACT);
            if (vpr_pbjson_parse(&message, arena, descriptor, vpr_bytes_str(rest), &strict,
                                 &err) != VPR_OK) {
                fail(p, err.text, rest);
            }
            free(rest);
            break;
        }
    }
    json_decref(root);
    if (message == NULL) {
        fail(p, "no message", text);
    }
    return message;
}

static void do_tx(struct play *p, char **rest)
{
    const char *label = word_of(rest);
    if (label == NULL || *rest == NULL || **rest == 0) {
        fail(p, "a label and a message are expected", "tx");
    }
    p->next.label = label;
    p->next.messages[0] = message_of(p, *rest);
    p->next.count = 1;
    p->next.told = hear;
    p->next.arg = p;
    p->waiting = true;
    send_tx(p->stage, &p->next);
    memset(&p->next, 0, sizeof p->next);
    *rest = NULL;
}

static void do_fault(struct play *p, char **rest)
{
    static const char *const names[ENVELOPE_FAULTS] = {
        NULL, "signature", "chain-id", "number", "old", "ahead", "fee", "gas", "expired",
        "bytes", "poor"};
    p->next.fault = (enum envelope_fault)one_of(p, names, ENVELOPE_FAULTS, word_of(rest));
}

static void do_force(struct play *p, char **rest)
{
    (void)rest;
    p->next.forced = true;
}

static void do_expect(struct play *p, char **rest)
{
    uint64_t code = number(p, word_of(rest));
    if (p->waiting) {
        block(p);
    }
    if (p->waiting || p->code != code) {
        fail(p, "the transaction came out otherwise",
             p->waiting ? "it is in no block"
                        : vpr_arena_text(&p->stage->block, "code %u", p->code));
    }
}

static void do_random(struct play *p, char **rest)
{
    for (uint64_t n = number(p, word_of(rest)); n > 0; n--) {
        random_tx(p->stage, p->options, &p->dice);
    }
}

/* ---- the sessions' work ---- */

static void do_work(struct play *p, char **rest)
{
    static const char *const names[] = {"off", "on", "steady"};
    size_t how = one_of(p, names, VPR_COUNT(names), word_of(rest));
    p->work = how != 0;
    p->labour.options.steady = how == 2;
}

static struct vpr_address actor_of(const struct play *p, char **rest)
{
    const char *label = word_of(rest);
    if (label == NULL) {
        fail(p, "an actor is expected", "end of line");
    }
    return world_address(label);
}

/* LABEL CHAIN ZONE, the ids as four hex digits. */
static struct sight place_of(const struct play *p, char **rest)
{
    struct sight place = {.servicer = actor_of(p, rest)};
    const char *chain = word_of(rest), *zone = word_of(rest);
    if (chain == NULL || zone == NULL ||
        !vpr_id16_parse(&place.chain, vpr_bytes_str(chain)) ||
        !vpr_id16_parse(&place.zone, vpr_bytes_str(zone))) {
        fail(p, "a chain and a zone are expected", chain == NULL ? "end of line" : chain);
    }
    return place;
}

static void do_seen(struct play *p, char **rest)
{
    struct sight sight = place_of(p, rest);
    uint64_t ppm = number(p, word_of(rest));
    sight.right = ppm / 100000;
    if (ppm % 100000 != 0 || sight.right > 10 || !labour_see(&p->labour, &sight)) {
        fail(p, "too many sights, or no tenths", "seen");
    }
}

static void do_blind(struct play *p, char **rest)
{
    static const char *const names[] = {"off", "on"};
    struct vpr_address fisherman = actor_of(p, rest);
    if (!labour_blind(&p->labour, &fisherman, one_of(p, names, 2, word_of(rest)) == 1)) {
        fail(p, "too many", "blind");
    }
}

/* ---- the state ---- */

static void do_balance(struct play *p, char **rest)
{
    const char *label = word_of(rest);
    uint64_t want = number(p, word_of(rest));
    struct vpr_address who = world_address(label);
    const Viper__V1__Account *account =
        mirror_account(p->stage->mirror, &p->stage->block, &who);
    uint64_t have = account == NULL ? 0 : account->balance;
    if (have != want) {
        fail(p, label, vpr_arena_text(&p->stage->block, "has %" PRIu64 " uvipr", have));
    }
}

static void do_status(struct play *p, char **rest)
{
    const char *label = word_of(rest), *want = word_of(rest);
    if (label == NULL || want == NULL) {
        fail(p, "an actor and a status are expected", "status");
        return;
    }
    struct vpr_address id = world_address(label);
    const Viper__V1__Actor *actor = mirror_actor(p->stage->mirror, &p->stage->block, &id);
    const ProtobufCEnumValue *value =
        actor == NULL ? NULL
                      : protobuf_c_enum_descriptor_get_value(&viper__v1__status__descriptor,
                                                             (int)actor->status);
    const char *have = value == NULL ? "never staked" : value->name + strlen("STATUS_");
    if (strcmp(have, want) != 0) {
        fail(p, label, have);
    }
}

/* An unsigned number or bool of a record; 0 of one that is not there. */
static uint64_t field_of(const struct play *p, const ProtobufCMessageDescriptor *descriptor,
                         const ProtobufCMessage *record, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        name == NULL ? NULL : protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
    if (field == NULL ||
        (field->type != PROTOBUF_C_TYPE_UINT64 && field->type != PROTOBUF_C_TYPE_UINT32 &&
         field->type != PROTOBUF_C_TYPE_BOOL)) {
        fail(p, "no such number in the record", name == NULL ? "end of line" : name);
        return 0;
    }
    const uint8_t *at = record == NULL ? NULL : (const uint8_t *)record + field->offset;
    uint64_t wide = 0;
    uint32_t narrow = 0; /* protobuf-c keeps a bool in four bytes */
    if (at != NULL && field->type == PROTOBUF_C_TYPE_UINT64) {
        memcpy(&wide, at, sizeof wide);
    } else if (at != NULL) {
        memcpy(&narrow, at, sizeof narrow);
    }
    return wide + narrow;
}

static void expect_field(struct play *p, const ProtobufCMessageDescriptor *descriptor,
                         const ProtobufCMessage *record, char **rest)
{
    const char *name = word_of(rest);
    uint64_t have = field_of(p, descriptor, record, name), want = number(p, word_of(rest));
    if (have != want) {
        fail(p, name, vpr_arena_text(&p->stage->block, "is %" PRIu64, have));
    }
}

static void do_actor(struct play *p, char **rest)
{
    struct vpr_address id = actor_of(p, rest);
    const Viper__V1__Actor *actor = mirror_actor(p->stage->mirror, &p->stage->block, &id);
    expect_field(p, &viper__v1__actor__descriptor, actor == NULL ? NULL : &actor->base, rest);
}

static void do_score(struct play *p, char **rest)
{
    struct sight at = place_of(p, rest);
    const Viper__V1__Score *score = mirror_score(p->stage->mirror, &p->stage->block,
                                                 &at.servicer, at.chain, at.zone);
    expect_field(p, &viper__v1__score__descriptor, score == NULL ? NULL : &score->base, rest);
}

static void do_standing(struct play *p, char **rest)
{
    struct sight at = place_of(p, rest);
    const Viper__V1__Standing *standing = mirror_standing(
        p->stage->mirror, &p->stage->block, &at.servicer, at.chain, at.zone);
    expect_field(p, &viper__v1__standing__descriptor,
                 standing == NULL ? NULL : &standing->base, rest);
}

static bool sits(const struct vpr_seat *seats, uint32_t count, const struct vpr_address *who)
{
    for (uint32_t i = 0; i < count; i++) {
        if (vpr_address_equal(&seats[i].id, who)) {
            return true;
        }
    }
    return false;
}

/* Node 0 draws. */
static void do_drawn(struct play *p, char **rest)
{
    static const char *const names[] = {"no", "yes"};
    static struct vpr_bench benches[DRAWN_MAX];
    struct sight at = place_of(p, rest);
    size_t want = one_of(p, names, 2, word_of(rest)), have = 0;
    size_t count = draws_benches(p->stage, mirror_session_number(p->stage->mirror), benches,
                                 DRAWN_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_bench *b = &benches[i];
        have |= b->chain == at.chain && b->zone == at.zone &&
                (sits(b->servicers, b->servicer_count, &at.servicer) ||
                 sits(b->fishermen, b->fisherman_count, &at.servicer));
    }
    if (have != want) {
        fail(p, "drawn", names[have]);
    }
}

/* ---- lines ---- */

struct verb {
    const char *name;
    void (*run)(struct play *p, char **rest);
};
static const struct verb verbs[] = {
    {"blocks", do_blocks}, {"session", do_session},   {"work", do_work},
    {"random", do_random}, {"tx", do_tx},             {"expect", do_expect},
    {"fault", do_fault},   {"force", do_force},       {"silent", do_silent},
    {"seconds", do_seconds}, {"round", do_round},     {"absent", do_absent},
    {"evidence", do_evidence}, {"kill", do_kill},     {"balance", do_balance},
    {"status", do_status}, {"seen", do_seen},         {"blind", do_blind},
    {"actor", do_actor},   {"score", do_score},       {"standing", do_standing},
    {"drawn", do_drawn},
};

static void run_line(struct play *p, char *line)
{
    char *rest;
    char *word = strtok_r(line, " \t", &rest);
    if (word == NULL || *word == '#') {
        return;
    }
    for (size_t i = 0; i < VPR_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, word) == 0) {
            verbs[i].run(p, &rest);
            char *more = rest == NULL ? NULL : word_of(&rest);
            if (more != NULL) {
                fail(p, "more than is expected", more);
            }
            return;
        }
    }
    fail(p, "no such action", word);
}

void play_run(struct stage *stage, const char *name, char *text,
              const struct random_options *options, uint64_t seed)
{
    struct play *p = calloc(1, sizeof *p);
    VPR_ASSERT(p != NULL);
    p->stage = stage;
    p->options = options;
    p->name = name;
    p->dice.state = seed;
    labour_open(&p->labour, stage, &p->dice, &options->labour);
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = 0;
        }
        p->line++;
        run_line(p, line);
        line = end;
    }
    labour_close(&p->labour);
    free(p);
}
