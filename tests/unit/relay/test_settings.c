#include <stdio.h>

#include "relay/settings.h"
#include "tests/unit/relay/help.h"

static bool parse(struct vpr_relay_conf *conf, struct vpr_arena *arena, const char *text,
                  struct vpr_buf *errors)
{
    return vpr_conf_parse(conf, &vpr_relay_schema, arena, "relay.toml", vpr_bytes_str(text),
                          errors);
}

START_TEST(a_short_file_is_enough)
{
    struct vpr_relay_conf conf;
    struct vpr_arena arena;
    struct vpr_buf errors;
    struct vpr_backend backends[VPR_BACKENDS_MAX];

    vpr_arena_init(&arena, 1 << 20);
    vpr_buf_init(&errors, 1 << 16);
    ck_assert(parse(&conf, &arena,
                    "node = \"http://127.0.0.1:1317\"\n[backend-0001]\n"
                    "url = \"http://127.0.0.1:26657\"\n[backend-0021]\n"
                    "url = \"http://127.0.0.1:8545\"\nauth = \"a:b\"\nmethods = [\"eth_call\"]\n"
                    "timeout-ms = 500\n", &errors));
    ck_assert_str_eq(conf.relay_key, "relay");
    ck_assert_uint_eq(conf.body_max, 8 * 1024 * 1024);
    ck_assert_uint_eq(conf.risk.floor_cu, 100);
    ck_assert_uint_eq(conf.risk.quota_ppm, 20000);
    ck_assert_uint_eq(vpr_relay_backends(backends, &conf), 2);
    ck_assert_uint_eq(backends[0].chain, 0x0001);
    ck_assert_uint_eq(backends[0].timeout_ms, 10000);
    ck_assert_uint_eq(backends[0].allowed.count, 0);
    ck_assert_uint_eq(backends[1].chain, 0x0021);
    ck_assert_str_eq(backends[1].authorization, "Basic YTpi");
    ck_assert_uint_eq(backends[1].allowed.count, 1);
    vpr_buf_finish(&errors);
    vpr_arena_finish(&arena);
}
END_TEST

/* Whether the errors of a file with these tables have `words` in them. */
static bool faulty(const char *tables, const char *words)
{
    struct vpr_relay_conf conf;
    struct vpr_arena arena;
    struct vpr_buf errors;
    char text[1024];

    vpr_arena_init(&arena, 1 << 20);
    vpr_buf_init(&errors, 1 << 16);
    snprintf(text, sizeof text, "node = \"http://127.0.0.1:1317\"\n%s", tables);
    bool found = !parse(&conf, &arena, text, &errors);
    vpr_buf_char(&errors, '\0');
    found = found && strstr(errors.data, words) != NULL;
    vpr_buf_finish(&errors);
    vpr_arena_finish(&arena);
    return found;
}

START_TEST(backends_that_make_no_sense_are_refused)
{
    ck_assert(faulty("", "relay.toml: 1 to 15 tables such as [backend-0001]"));
    ck_assert(faulty("[backend-viper]\nurl = \"http://127.0.0.1:1\"\n",
                     "relay.toml:2: [backend-viper]: a chain is four hex digits"));
    ck_assert(faulty("[backend-0001]\nurl = \"http://127.0.0.1:1\"\nauth = \"no-colon\"\n",
                     "relay.toml:4: auth: user:password is expected"));
    ck_assert(faulty("[backend-0001]\nurl = \"http://127.0.0.1:1\"\nauth = \"a:b\"\n"
                     "authorization = \"Bearer x\"\n", "relay.toml:5: authorization: auth is"));
    ck_assert(faulty("servicer = \"viper1x\"\n[backend-0001]\nurl = \"http://a\"\n",
                     "relay.toml:2: servicer: an address viper1"));
    ck_assert(faulty("tls-key = \"k\"\n[backend-0001]\nurl = \"http://a\"\n",
                     "relay.toml:2: tls-key: tls-cert and tls-key"));
}
END_TEST

START_TEST(every_fault_is_named_with_its_line)
{
    struct vpr_relay_conf conf;
    struct vpr_arena arena;
    struct vpr_buf errors;

    vpr_arena_init(&arena, 1 << 20);
    vpr_buf_init(&errors, 1 << 16);
    ck_assert(!parse(&conf, &arena, "nod = \"x\"\nleaf-sync = \"never\"\ncapacity = 0\n", &errors));
    vpr_buf_char(&errors, '\0');
    ck_assert_ptr_nonnull(strstr(errors.data, "relay.toml:1"));
    ck_assert_ptr_nonnull(strstr(errors.data, "relay.toml:2"));
    ck_assert_ptr_nonnull(strstr(errors.data, "relay.toml:3"));
    ck_assert_ptr_nonnull(strstr(errors.data, "group"));
    ck_assert_ptr_nonnull(strstr(errors.data, "'node' must be given"));
    vpr_buf_finish(&errors);
    vpr_arena_finish(&arena);
}
END_TEST

START_TEST(an_address_to_listen_on_is_numeric)
{
    char host[VPR_LISTEN_HOST_MAX];
    uint16_t port = 0;

    ck_assert(vpr_listen_parse(host, &port, "127.0.0.1:8500"));
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_uint_eq(port, 8500);
    ck_assert(vpr_listen_parse(host, &port, "[::1]:1"));
    ck_assert_str_eq(host, "::1");
    ck_assert(!vpr_listen_parse(host, &port, "localhost:1"));
    ck_assert(!vpr_listen_parse(host, &port, "127.0.0.1"));
    ck_assert(!vpr_listen_parse(host, &port, "127.0.0.1:"));
    ck_assert(!vpr_listen_parse(host, &port, "127.0.0.1:65536"));
    ck_assert(!vpr_listen_parse(host, &port, "127.0.0.1:+1"));
    ck_assert(!vpr_listen_parse(host, &port, ":8500"));
}
END_TEST

Suite *suite_settings(void)
{
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");

    tcase_add_test(tests, a_short_file_is_enough);
    tcase_add_test(tests, backends_that_make_no_sense_are_refused);
    tcase_add_test(tests, every_fault_is_named_with_its_line);
    tcase_add_test(tests, an_address_to_listen_on_is_numeric);
    suite_add_tcase(suite, tests);
    return suite;
}
