#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli/args.h"
#include "app/cli/txbuild.h"
#include "app/cli/value.h"
#include "viper/v1/tx.pb-c.h"

static int run_nothing(struct vpr_cli *cli)
{
    (void)cli;
    return VPR_CLI_OK;
}

static const struct vpr_cli_flag flags[] = {
    {"to", "HEIGHT", "where"}, {"fast", NULL, "how"}, VPR_CLI_OUTPUT_FLAG, VPR_CLI_END};

static const struct vpr_cli_verb verbs[] = {
    {"walk", "FROM [VIA]", 1, 2, "walk", flags, false, run_nothing},
    {"walk back", "", 0, 0, "walk back", flags, false, run_nothing},
};
static const struct vpr_cli_message messages[] = {
    {"/viper.v1.MsgStakeServicer", &viper__v1__msg_stake_servicer__descriptor, "owner"},
    {"/viper.v1.MsgStakeRequestor", &viper__v1__msg_stake_requestor__descriptor, "owner"},
    {"/viper.v1.MsgEditRequestor", &viper__v1__msg_edit_requestor__descriptor, "signer"},
    {"/viper.v1.MsgPropose", &viper__v1__msg_propose__descriptor, "proposer"},
    {"/viper.v1.MsgVote", &viper__v1__msg_vote__descriptor, "voter"},
};
static const struct vpr_cli_program program = {.verbs = verbs, .verb_count = VPR_COUNT(verbs),
                                               .messages = messages,
                                               .message_count = VPR_COUNT(messages)};

static struct vpr_cli cli;
static struct vpr_err err;
static bool help;

static void setup(void)
{
    memset(&cli, 0, sizeof cli);
    cli.program = &program;
    vpr_arena_init(&cli.arena, 1 << 22);
    vpr_buf_init(&cli.out, 1 << 20);
    err.text[0] = 0;
}

static void teardown(void)
{
    vpr_buf_finish(&cli.out);
    vpr_arena_finish(&cli.arena);
}

#define PARSE(...) parse((char *const[]){(char *)"viperd", __VA_ARGS__, NULL})

static bool parse(char *const *argv)
{
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    cli.arg_count = cli.flag_count = 0;
    return vpr_cli_parse(&cli, argc, argv, &help, &err);
}

static char *w(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {text};
    return cast.out;
}

/* ---- the command line ---- */

START_TEST(the_longest_name_wins)
{
    ck_assert(PARSE(w("walk"), w("home")));
    ck_assert_str_eq(cli.verb->name, "walk");
    ck_assert_str_eq(cli.args[0], "home");
    ck_assert(PARSE(w("walk"), w("back")));
    ck_assert_str_eq(cli.verb->name, "walk back");
}
END_TEST

START_TEST(flags_stand_anywhere_with_space_or_equals)
{
    ck_assert(PARSE(w("--home"), w("/h"), w("walk"), w("--to=5"), w("here"), w("--fast"),
                    w("--output"), w("json")));
    ck_assert_str_eq(vpr_cli_flag(&cli, "home"), "/h");
    ck_assert_str_eq(vpr_cli_flag(&cli, "to"), "5");
    ck_assert(vpr_cli_switch(&cli, "fast"));
    ck_assert_str_eq(vpr_cli_flag(&cli, "output"), "json");
    ck_assert_uint_eq(cli.arg_count, 1);
    ck_assert(PARSE(w("walk"), w("--to"), w("5"), w("--to"), w("6"), w("x")));
    ck_assert_str_eq(vpr_cli_flag(&cli, "to"), "6");
    ck_assert(PARSE(w("walk"), w("--"), w("--to")));
    ck_assert_str_eq(cli.args[0], "--to");
    ck_assert_ptr_null(vpr_cli_flag(&cli, "to"));
}
END_TEST

START_TEST(what_is_unknown_is_refused_with_a_hint)
{
    ck_assert(!PARSE(w("wlak")) && !help);
    ck_assert_ptr_nonnull(strstr(err.text, "wlak"));
    ck_assert(!PARSE(w("keys"), w("dance")) && !help);
    ck_assert_ptr_nonnull(strstr(err.text, "add"));
    ck_assert(!PARSE(w("walk"), w("x"), w("--too"), w("5")) && !help);
    ck_assert_ptr_nonnull(strstr(err.text, "--too"));
    ck_assert(!PARSE(w("walk"), w("x"), w("--to")) && !help);
    ck_assert_ptr_nonnull(strstr(err.text, "HEIGHT"));
    ck_assert(!PARSE(w("walk"), w("x"), w("--fast=1")) && !help);
    ck_assert(!PARSE(w("walk"), w("x"), w("y"), w("z")) && !help);
    ck_assert(!PARSE(w("walk")) && !help);
    ck_assert(!PARSE(w("walk"), w("x"), w("--home")) && !help);
    ck_assert(!PARSE(w("help"), w("wlak")) && !help);
}
END_TEST

START_TEST(help_is_asked_for_in_four_ways)
{
    ck_assert(!PARSE(w("help")) && help && !cli.verb);
    ck_assert(!PARSE(w("--help")) && help && !cli.verb);
    ck_assert(!PARSE(w("help"), w("walk")) && help);
    ck_assert_str_eq(cli.verb->name, "walk");
    ck_assert(!PARSE(w("walk"), w("x"), w("--help")) && help);
    vpr_cli_help(&program, cli.verb, &cli.out);
    ck_assert_ptr_nonnull(strstr(cli.out.data, "--to HEIGHT"));
    vpr_buf_reset(&cli.out);
    vpr_cli_help(&program, NULL, &cli.out);
    ck_assert_ptr_nonnull(strstr(cli.out.data, "keys add NAME"));
    ck_assert_ptr_nonnull(strstr(cli.out.data, "walk back"));
}
END_TEST

START_TEST(numbers_and_choices_are_bounded)
{
    uint64_t v = 0;
    bool json = false;

    ck_assert(PARSE(w("walk"), w("x"), w("--to"), w("7"), w("--output"), w("json")));
    ck_assert(vpr_cli_number(&cli, &v, "to", 1, 1, 7) && v == 7);
    ck_assert(vpr_cli_json(&cli, &json, false) && json);
    ck_assert(!vpr_cli_number(&cli, &v, "to", 1, 1, 6));
    ck_assert(PARSE(w("walk"), w("x"), w("--to"), w("7x"), w("--output"), w("yaml")));
    ck_assert(!vpr_cli_number(&cli, &v, "to", 1, 0, 100));
    ck_assert(!vpr_cli_json(&cli, &json, false));
    ck_assert(PARSE(w("walk"), w("x"), w("--to"), w("99999999999999999999")));
    ck_assert(!vpr_cli_number(&cli, &v, "to", 1, 0, UINT64_MAX));
    ck_assert(PARSE(w("walk"), w("x")));
    ck_assert(vpr_cli_number(&cli, &v, "to", 3, 1, 6) && v == 3);
}
END_TEST

START_TEST(more_flags_than_there_is_room_for_are_refused)
{
    char *argv[2 * VPR_CLI_FLAGS_MAX + 8] = {w("viperd"), w("walk"), w("x")};
    size_t n = 3;
    for (size_t i = 0; i < VPR_CLI_FLAGS_MAX; i++) {
        argv[n++] = w("--fast");
    }
    ck_assert(parse(argv));
    argv[n++] = w("--fast");
    ck_assert(!parse(argv) && !help);
}
END_TEST

/* ---- values ---- */

START_TEST(amounts_have_units)
{
    uint64_t v = 0;
    ck_assert(vpr_cli_amount(&v, "5") && v == 5);
    ck_assert(vpr_cli_amount(&v, "5uvipr") && v == 5);
    ck_assert(vpr_cli_amount(&v, "5vipr") && v == 5000000);
    ck_assert(vpr_cli_amount(&v, "0.5vipr") && v == 500000);
    ck_assert(vpr_cli_amount(&v, "1.000001vipr") && v == 1000001);
    v = 77;
    static const char *const bad[] = {"", "x", "-5", "5eth", "0.5", "0.5uvipr", "1.0000001vipr",
                                      ".5vipr", "5.vipr", "vipr", "uvipr", " 5",
                                      "99999999999999999vipr"};
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(!vpr_cli_amount(&v, bad[i]), "%s", bad[i]);
    }
    ck_assert_uint_eq(v, 77);
}
END_TEST

START_TEST(chains_are_four_hex_digits_a_number_or_a_name)
{
    struct vpr_bytes names = vpr_bytes_str(
        "{\"chains\":[{\"id\":1,\"name\":\"viper\"},{\"id\":33,\"name\":\"geth\"}],"
        "\"zones\":[{\"id\":7,\"name\":\"viper\"}]}");
    const struct vpr_bytes no_names = {NULL, 0};
    uint16_t id = 0;

    ck_assert(vpr_cli_id16(&id, "0021", no_names, false) && id == 33);
    ck_assert(vpr_cli_id16(&id, "21", no_names, false) && id == 21);
    ck_assert(vpr_cli_id16(&id, "geth", names, false) && id == 33);
    ck_assert(vpr_cli_id16(&id, "viper", names, true) && id == 7);
    ck_assert(vpr_cli_id16(&id, "viper", names, false) && id == 1);
    ck_assert(!vpr_cli_id16(&id, "geth", names, true));
    ck_assert(!vpr_cli_id16(&id, "geth", no_names, false));
    ck_assert(!vpr_cli_id16(&id, "65536", no_names, false));
    ck_assert(!vpr_cli_id16(&id, "00zz", no_names, false));
    ck_assert(vpr_cli_needs_names("chains", "0001,geth"));
    ck_assert(!vpr_cli_needs_names("chains", "0001,2"));
    ck_assert(!vpr_cli_needs_names("url", "geth"));
    ck_assert(vpr_cli_needs_names("pairs", "geth/0001/1000000"));
    ck_assert(!vpr_cli_needs_names("pairs", "0001/1/1000000"));
}
END_TEST

static const ProtobufCMessage *build(const char *name, char *const *argv)
{
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    cli.flag_count = 0;
    for (int i = 0; i < argc; i += 2) {
        cli.flags[cli.flag_count++] = (struct vpr_cli_given){argv[i], argv[i + 1], true};
    }
    cli.args[0] = name;
    cli.arg_count = 1;
    return vpr_cli_message_flags(&cli, vpr_cli_message(&program, name), "http://127.0.0.1:1",
                                 "viper1signer");
}

START_TEST(a_message_is_built_from_flags)
{
    static const char key[] = "1111111111111111111111111111111111111111111111111111111111111111";
    char *const argv[] = {w("operator"), w("viper1op"), w("amount"), w("15000vipr"), w("url"),
                          w("http://h,1:2"), w("relay-key"), w(key), w("zone"), w("0001"),
                          w("chains"), w("1,0021"), w("chains"), w("0002"), NULL};
    const Viper__V1__MsgStakeServicer *m =
        (const Viper__V1__MsgStakeServicer *)build("stake-servicer", argv);

    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(m->owner, "viper1signer");
    ck_assert_str_eq(m->operator_, "viper1op");
    ck_assert_uint_eq(m->amount, 15000000000);
    ck_assert_str_eq(m->url, "http://h,1:2");
    ck_assert_uint_eq(m->relay_key.len, 32);
    ck_assert_uint_eq(m->relay_key.data[31], 0x11);
    ck_assert_uint_eq(m->zone, 1);
    ck_assert_uint_eq(m->n_chains, 3);
    ck_assert_uint_eq(m->chains[1], 33);
}
END_TEST

START_TEST(five_servicers_are_asked_for_unless_said_otherwise)
{
    char *const none[] = {w("operator"), w("viper1op"), NULL};
    char *const some[] = {w("num-servicers"), w("7"), NULL};
    char *const edited[] = {w("signer"), w("viper1op"), NULL};
    const Viper__V1__MsgStakeRequestor *m =
        (const Viper__V1__MsgStakeRequestor *)build("stake-requestor", none);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->num_servicers, 5);
    m = (const Viper__V1__MsgStakeRequestor *)build("stake-requestor", some);
    ck_assert_uint_eq(m->num_servicers, 7);
    /* An edit leaves alone what it does not name. */
    const Viper__V1__MsgEditRequestor *edit =
        (const Viper__V1__MsgEditRequestor *)build("edit-requestor", edited);
    ck_assert_uint_eq(edit->num_servicers, 0);
}
END_TEST

START_TEST(lists_of_messages_have_a_short_and_a_json_form)
{
    char *const shorts[] = {w("pairs"), w("0001/1/400000,2/0001/600000"), w("signer"),
                            w("viper1other"), NULL};
    char *const json[] = {w("pairs"), w("[{\"chain\":1,\"zone\":1,\"share_ppm\":400000}]"),
                          w("pairs"),
                          w("{\"chain\":2,\"zone\":1,\"sharePpm\":\"600000\"}"), NULL};
    const Viper__V1__MsgEditRequestor *m =
        (const Viper__V1__MsgEditRequestor *)build("edit-requestor", shorts);
    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(m->signer, "viper1other"); /* what is given stands */
    ck_assert_uint_eq(m->n_pairs, 2);
    ck_assert_uint_eq(m->pairs[1]->share_ppm, 600000);
    m = (const Viper__V1__MsgEditRequestor *)build("edit-requestor", json);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->n_pairs, 2);
    ck_assert_uint_eq(m->pairs[1]->chain, 2);
    ck_assert_uint_eq(m->pairs[1]->share_ppm, 600000);
    ck_assert_str_eq(m->signer, "viper1signer");
}
END_TEST

START_TEST(proposals_and_votes_have_short_forms)
{
    char *const params[] = {w("params"), w("claim_min=400,min_quota=300"), NULL};
    char *const spend[] = {w("spend"), w("viper1who/9000vipr"), NULL};
    char *const upgrade[] = {w("upgrade"), w("second/1200/2"), NULL};
    char *const yes[] = {w("proposal"), w("7"), w("option"), w("yes"), NULL};
    char *const whole[] = {w("option"), w("VOTE_OPTION_VETO"), NULL};
    char *const bad_param[] = {w("params"), w("claim_min"), NULL};
    char *const bad_spend[] = {w("spend"), w("viper1who/5eth"), NULL};
    char *const bad_upgrade[] = {w("upgrade"), w("second/1200"), NULL};
    char *const bad_option[] = {w("option"), w("option_yes_"), NULL};
    const Viper__V1__MsgPropose *m = (const Viper__V1__MsgPropose *)build("propose", params);

    ck_assert_ptr_nonnull(m);
    ck_assert_str_eq(m->proposer, "viper1signer");
    ck_assert_uint_eq(m->n_params, 2);
    ck_assert_str_eq(m->params[1]->name, "min_quota");
    ck_assert_uint_eq(m->params[1]->value, 300);
    m = (const Viper__V1__MsgPropose *)build("propose", spend);
    ck_assert_str_eq(m->spend->recipient, "viper1who");
    ck_assert_uint_eq(m->spend->amount, 9000000000);
    m = (const Viper__V1__MsgPropose *)build("propose", upgrade);
    ck_assert_str_eq(m->upgrade->name, "second");
    ck_assert_uint_eq(m->upgrade->height, 1200);
    ck_assert_uint_eq(m->upgrade->version, 2);
    const Viper__V1__MsgVote *v = (const Viper__V1__MsgVote *)build("vote", yes);
    ck_assert_uint_eq(v->proposal, 7);
    ck_assert_int_eq(v->option, VIPER__V1__VOTE_OPTION__VOTE_OPTION_YES);
    v = (const Viper__V1__MsgVote *)build("vote", whole);
    ck_assert_int_eq(v->option, VIPER__V1__VOTE_OPTION__VOTE_OPTION_VETO);
    ck_assert_ptr_null(build("propose", bad_param));
    ck_assert_ptr_null(build("propose", bad_spend));
    ck_assert_ptr_null(build("propose", bad_upgrade));
    ck_assert_ptr_null(build("vote", bad_option));
}
END_TEST

START_TEST(bad_values_build_nothing)
{
    char *const unknown[] = {w("nope"), w("1"), NULL};
    char *const amount[] = {w("amount"), w("5eth"), NULL};
    char *const key[] = {w("relay-key"), w("!"), NULL};
    char *const zone[] = {w("zone"), w("65536"), NULL};
    char *const twice[] = {w("url"), w("a"), w("url"), w("b"), NULL};
    char *const pair[] = {w("pairs"), w("1/1"), NULL};
    char *const json[] = {w("pairs"), w("[{]"), NULL};
    char *const strict[] = {w("pairs"), w("{\"chian\":1}"), NULL};

    ck_assert_ptr_null(build("stake-servicer", unknown));
    ck_assert_ptr_null(build("stake-servicer", amount));
    ck_assert_ptr_null(build("stake-servicer", key));
    ck_assert_ptr_null(build("stake-servicer", zone));
    ck_assert_ptr_null(build("stake-servicer", twice));
    ck_assert_ptr_null(build("edit-requestor", pair));
    ck_assert_ptr_null(build("edit-requestor", json));
    ck_assert_ptr_null(build("edit-requestor", strict));
}
END_TEST

START_TEST(verbs_of_messages_are_their_names)
{
    char text[VPR_CLI_KEBAB_MAX];
    vpr_cli_kebab(text, "/viper.v1.MsgStakeServicer");
    ck_assert_str_eq(text, "stake-servicer");
    vpr_cli_kebab(text, "/cosmos.bank.v1beta1.MsgSend");
    ck_assert_str_eq(text, "send");
    ck_assert_ptr_eq(vpr_cli_message(&program, "/viper.v1.MsgEditRequestor"), &messages[2]);
    ck_assert_ptr_null(vpr_cli_message(&program, "stake"));
}
END_TEST

/* Both forms, objects and a whole transaction; what is wrong is named and sends nothing. */
START_TEST(messages_come_from_a_file)
{
    static const struct {
        const char *text;
        size_t count;
    } files[] = {
        {"{\"@type\":\"/viper.v1.MsgStakeServicer\",\"amount\":\"5\"}", 1},
        {"[{\"@type\":\"/viper.v1.MsgStakeServicer\"},"
         "{\"@type\":\"/viper.v1.MsgEditRequestor\"}]", 2},
        {"{\"body\":{\"messages\":[{\"@type\":\"/viper.v1.MsgStakeServicer\"}]}}", 1},
        {"{\"@type\":\"/viper.v1.MsgNothing\"}", 0},
        {"{\"amount\":\"5\"}", 0},
        {"[]", 0},
        {"{\"@type\":\"/viper.v1.MsgStakeServicer\",\"no_such\":1}", 0},
        {"not json", 0},
    };
    char path[] = "/tmp/viper-cli-XXXXXX";
    int fd = mkstemp(path), left;

    for (size_t i = 0; i < VPR_COUNT(files); i++) {
        struct vpr_cli_tx tx = {.count = 0};
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(pwrite(fd, files[i].text, strlen(files[i].text), 0),
                         (ssize_t)strlen(files[i].text));
        bool good = vpr_cli_messages_file(&cli, &tx, path, "viper1me", &left);
        ck_assert_msg(good == (files[i].count > 0), "%s", files[i].text);
        if (good) {
            ck_assert_uint_eq(tx.count, files[i].count);
            ck_assert_str_eq(((const Viper__V1__MsgStakeServicer *)tx.messages[0])->owner,
                             "viper1me");
        } else {
            ck_assert_int_eq(left, VPR_CLI_USAGE);
        }
    }
    close(fd);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli");
    TCase *args = tcase_create("args");
    tcase_add_checked_fixture(args, setup, teardown);
    tcase_add_test(args, the_longest_name_wins);
    tcase_add_test(args, flags_stand_anywhere_with_space_or_equals);
    tcase_add_test(args, what_is_unknown_is_refused_with_a_hint);
    tcase_add_test(args, help_is_asked_for_in_four_ways);
    tcase_add_test(args, numbers_and_choices_are_bounded);
    tcase_add_test(args, more_flags_than_there_is_room_for_are_refused);
    suite_add_tcase(s, args);
    TCase *values = tcase_create("values");
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_test(values, amounts_have_units);
    tcase_add_test(values, chains_are_four_hex_digits_a_number_or_a_name);
    tcase_add_test(values, a_message_is_built_from_flags);
    tcase_add_test(values, five_servicers_are_asked_for_unless_said_otherwise);
    tcase_add_test(values, lists_of_messages_have_a_short_and_a_json_form);
    tcase_add_test(values, proposals_and_votes_have_short_forms);
    tcase_add_test(values, bad_values_build_nothing);
    tcase_add_test(values, verbs_of_messages_are_their_names);
    tcase_add_test(values, messages_come_from_a_file);
    suite_add_tcase(s, values);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
