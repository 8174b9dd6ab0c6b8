#include "app/cli/txbuild.h"

#include <jansson.h>

#include "app/cli/value.h"
#include "app/host/file.h"
#include "app/host/pbjson.h"
#include "viper/v1/tx.pb-c.h"

#define JSON_BYTES_MAX (4u * 1024 * 1024)

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *field, *value;
} defaults[] = {
    {&viper__v1__msg_stake_requestor__descriptor, "num_servicers", "5"},
};

const char *vpr_cli_default(const ProtobufCMessageDescriptor *type, const char *field)
{
    for (size_t i = 0; i < VPR_COUNT(defaults); i++) {
        if (defaults[i].type == type && strcmp(defaults[i].field, field) == 0) {
            return defaults[i].value;
        }
    }
    return NULL;
}

void vpr_cli_kebab(char text[VPR_CLI_KEBAB_MAX], const char *type_url)
{
    const char *name = strrchr(type_url, '.');
    size_t n = 0;

    name = name ? name + 1 : type_url;
    name += strncmp(name, "Msg", 3) == 0 ? 3 : 0;
    for (; *name && n + 2 < VPR_CLI_KEBAB_MAX; name++) {
        bool upper = *name >= 'A' && *name <= 'Z';
        if (upper && n) {
            text[n++] = '-';
        }
        text[n++] = upper ? (char)(*name + 32) : *name;
    }
    text[n] = 0;
}

const struct vpr_cli_message *vpr_cli_message(const struct vpr_cli_program *program,
                                              const char *name)
{
    char kebab[VPR_CLI_KEBAB_MAX];
    for (size_t i = 0; i < program->message_count; i++) {
        const struct vpr_cli_message *message = &program->messages[i];
        vpr_cli_kebab(kebab, message->type_url);
        if (strcmp(kebab, name) == 0 || strcmp(message->type_url, name) == 0) {
            return message;
        }
    }
    return NULL;
}

/* The signer field is text in every message that people send. */
static void fill_signer(struct vpr_cli *cli, ProtobufCMessage *message, const char *field,
                        const char *signer)
{
    const ProtobufCFieldDescriptor *f =
        field ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field)
              : NULL;
    if (f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED) {
        char **text = (char **)(void *)((uint8_t *)message + f->offset);
        if (!*text || !**text) {
            *text = vpr_arena_text(&cli->arena, "%s", signer);
        }
    }
}

const ProtobufCMessage *vpr_cli_message_json(struct vpr_cli *cli,
                                             const struct vpr_cli_message *message,
                                             struct vpr_bytes json, const char *signer)
{
    const struct vpr_pbjson_options options = {.strict = true};
    ProtobufCMessage *built;
    struct vpr_err err;

    if (vpr_pbjson_parse(&built, &cli->arena, message->descriptor, json, &options, &err) !=
        VPR_OK) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "%s: %s", message->type_url, err.text);
        return NULL;
    }
    fill_signer(cli, built, message->signer, signer);
    return built;
}

static bool needs_names(const struct vpr_cli *cli, const struct vpr_cli_message *message)
{
    for (size_t i = 0; i < cli->flag_count; i++) {
        const ProtobufCFieldDescriptor *field =
            cli->flags[i].field ? vpr_cli_field(message->descriptor, cli->flags[i].name) : NULL;
        if (field && vpr_cli_needs_names(field->name, cli->flags[i].value)) {
            return true;
        }
    }
    return false;
}

static bool add_field(struct vpr_cli *cli, struct vpr_buf *json,
                      const struct vpr_cli_message *message,
                      const ProtobufCFieldDescriptor *field, struct vpr_bytes names)
{
    const char *values[VPR_CLI_FLAGS_MAX];
    size_t count = 0;
    struct vpr_err err;

    for (size_t i = 0; i < cli->flag_count; i++) {
        if (cli->flags[i].field &&
            vpr_cli_field(message->descriptor, cli->flags[i].name) == field) {
            values[count++] = cli->flags[i].value;
        }
    }
    if (count == 0) {
        values[0] = vpr_cli_default(message->descriptor, field->name);
        if (values[0] == NULL) {
            return true;
        }
        count = 1;
    }
    vpr_buf_str(json, json->len > 1 ? "," : "");
    if (vpr_cli_value(json, &cli->arena, field, values, count, names, &err) != VPR_OK) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "--%s", err.text);
        return false;
    }
    return true;
}

const ProtobufCMessage *vpr_cli_message_flags(struct vpr_cli *cli,
                                              const struct vpr_cli_message *message,
                                              const char *node, const char *signer)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const ProtobufCMessage *built = NULL;
    struct vpr_buf json, names;
    uint32_t status = 0;
    bool good = true;

    for (size_t i = 0; i < cli->flag_count; i++) {
        if (cli->flags[i].field && !vpr_cli_field(type, cli->flags[i].name)) {
            (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "%s has no field --%s; "
                               "`viperd tx %s` without flags lists them",
                               message->type_url, cli->flags[i].name, cli->args[0]);
            return NULL;
        }
    }
    vpr_buf_init(&json, JSON_BYTES_MAX);
    vpr_buf_init(&names, JSON_BYTES_MAX);
    if (needs_names(cli, message)) {
        good = vpr_cli_ask_raw(cli, &status, &names, node, "/viper/v1/chains",
                               vpr_bytes_of(NULL, 0), 0) == VPR_CLI_OK;
    }
    if (status != 200) {
        vpr_buf_reset(&names);
    }
    vpr_buf_char(&json, '{');
    for (unsigned i = 0; good && i < type->n_fields; i++) {
        good = add_field(cli, &json, message, &type->fields[i], vpr_buf_bytes(&names));
    }
    vpr_buf_char(&json, '}');
    if (good) {
        built = vpr_cli_message_json(cli, message, vpr_buf_bytes(&json), signer);
    }
    vpr_buf_finish(&names);
    vpr_buf_finish(&json);
    return built;
}

static bool add_typed(struct vpr_cli *cli, struct vpr_cli_tx *tx, const json_t *object,
                      const char *signer)
{
    const char *type = json_string_value(json_object_get(object, "@type"));
    const struct vpr_cli_message *message =
        type ? vpr_cli_message(cli->program, type) : NULL;
    json_t *fields = message ? json_copy((json_t *)(uintptr_t)object) : NULL;

    if (!fields || tx->count == VPR_TX_MESSAGES_MAX) {
        json_decref(fields);
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, message ? "more than 16 messages"
                                                       : "\"@type\" is missing or unknown");
        return false;
    }
    (void)json_object_del(fields, "@type");
    char *text = json_dumps(fields, JSON_COMPACT);
    const ProtobufCMessage *built =
        text ? vpr_cli_message_json(cli, message, vpr_bytes_str(text), signer) : NULL;
    free(text);
    json_decref(fields);
    if (built) {
        tx->messages[tx->count++] = built;
    }
    return built != NULL;
}

bool vpr_cli_messages_file(struct vpr_cli *cli, struct vpr_cli_tx *tx, const char *path,
                           const char *signer, int *ret_exit)
{
    struct vpr_buf text;
    struct vpr_err err;
    json_error_t fault;

    vpr_buf_init(&text, JSON_BYTES_MAX);
    if (vpr_file_read(&text, path, &err) != VPR_OK) {
        vpr_buf_finish(&text);
        *ret_exit = vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", err.text);
        return false;
    }
    json_t *root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES,
                              &fault);
    vpr_buf_finish(&text);
    *ret_exit = VPR_CLI_USAGE;
    if (!root) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "%s:%d: %s", path, fault.line, fault.text);
        return false;
    }
    const json_t *body = json_object_get(root, "body");
    const json_t *list = body ? json_object_get(body, "messages") : root;
    bool good = true;
    if (json_is_array(list)) {
        for (size_t i = 0; good && i < json_array_size(list); i++) {
            good = add_typed(cli, tx, json_array_get(list, i), signer);
        }
    } else {
        good = add_typed(cli, tx, list, signer);
    }
    if (good && tx->count == 0) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "%s holds no message", path);
        good = false;
    }
    json_decref(root);
    return good;
}

struct vpr_bytes vpr_cli_tx_pack(struct vpr_cli *cli, const struct vpr_cli_tx *tx,
                                 const struct vpr_cli_signer *signer, bool sign)
{
    const struct vpr_wire_body body = {tx->messages, tx->count, tx->memo, tx->timeout_height,
                                       tx->unordered, tx->timeout_s};
    struct vpr_signature signature = {{0}};
    struct vpr_bytes packed = vpr_wire_body_pack(&cli->arena, &body);
    struct vpr_bytes auth = vpr_wire_auth_pack(&cli->arena, &signer->key,
                                               tx->unordered ? 0 : tx->sequence, tx->gas,
                                               tx->fee);
    if (sign) {
        struct vpr_bytes doc =
            vpr_wire_sign_doc(&cli->arena, packed, auth, tx->chain_id, tx->number);
        vpr_key_sign_tx(signer->secret, &signature, doc);
    }
    return vpr_wire_raw_pack(&cli->arena, packed, auth, &signature);
}
