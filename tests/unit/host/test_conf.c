#include "app/host/conf.h"

#include <stddef.h>
#include <stdio.h>

#include "tests/unit/host/suites.h"

struct backend {
    const char *chain;
    const char *url;
    struct vpr_conf_list methods;
    uint64_t timeout_ms;
};

struct config {
    const char *home, *level, *at, *node;
    struct {
        const char *address;
        uint64_t port;
        bool open;
    } listen;
    struct backend *backends;
    size_t backend_count;
};

static const struct vpr_conf_key top_keys[] = {
    {"home", VPR_CONF_STRING, offsetof(struct config, home), 1, 20, NULL, NULL, "Where data lies."},
    {"log-level", VPR_CONF_STRING, offsetof(struct config, level), 0, 0, "\"info\"",
     "debug|info|warn|error", "What is logged."},
    {"at", VPR_CONF_LISTEN, offsetof(struct config, at), 0, 63, "\"\"", NULL, "Where."},
    {"node", VPR_CONF_URL, offsetof(struct config, node), 1, 99, "\"http://a\"", NULL, "Whom."},
};
static const struct vpr_conf_key listen_keys[] = {
    {"address", VPR_CONF_STRING, offsetof(struct config, listen.address), 1, 64,
     "\"127.0.0.1\"", NULL, "Numeric address."},
    {"port", VPR_CONF_UINT, offsetof(struct config, listen.port), 1, 65535, "8_500", NULL,
     "TCP port."},
    {"open", VPR_CONF_BOOL, offsetof(struct config, listen.open), 0, 0, "false", NULL, "Open?"},
};
static const struct vpr_conf_key backend_keys[] = {
    {"url", VPR_CONF_STRING, offsetof(struct backend, url), 1, 255, NULL, NULL, "Its URL."},
    {"methods", VPR_CONF_LIST, offsetof(struct backend, methods), 0, 3, "[]", NULL, "Allowed."},
    {"timeout-ms", VPR_CONF_UINT, offsetof(struct backend, timeout_ms), 1, 60000, "5000", NULL,
     "Patience."},
};
static const struct vpr_conf_table tables[] = {
    {"", top_keys, VPR_COUNT(top_keys), NULL, 0, 0, 0},
    {"listen", listen_keys, VPR_COUNT(listen_keys), "Where it listens.", 0, 0, 0},
    {"chain-*", backend_keys, VPR_COUNT(backend_keys), "A chain that is served.",
     offsetof(struct config, backends), sizeof(struct backend),
     offsetof(struct config, backend_count)},
};
static void check(const void *target, struct vpr_conf_checker *checker)
{
    const struct config *c = target;

    if (c->at[0] != '\0' && strcmp(c->node, "http://a") == 0) {
        vpr_conf_wrong(checker, "", "at", "nobody is at %s", c->node);
    }
    for (size_t i = 0; i < c->backend_count; i++) {
        if (strlen(c->backends[i].chain) != 4) {
            char table[32];
            snprintf(table, sizeof table, "chain-%s", c->backends[i].chain);
            vpr_conf_wrong(checker, table, NULL, "no chain");
            vpr_conf_wrong(checker, table, "timeout-ms", "has %zu", strlen(c->backends[i].url));
        }
    }
}

static const struct vpr_conf_schema schema = {"viper-test", tables, VPR_COUNT(tables),
                                              sizeof(struct config), check};

static struct vpr_arena arena;
static struct vpr_buf errors;
static struct config config;

static void open_all(void)
{
    vpr_arena_init(&arena, 4 << 20);
    vpr_buf_init(&errors, 100000);
}

static void close_all(void)
{
    vpr_arena_finish(&arena);
    vpr_buf_finish(&errors);
}

static bool parse(const char *text)
{
    vpr_buf_reset(&errors);
    return vpr_conf_parse(&config, &schema, &arena, "t.toml", vpr_bytes_str(text), &errors);
}

START_TEST(a_file_fills_its_struct_and_defaults_the_rest)
{
    ck_assert_msg(parse("# head\r\nhome = \"/x \\\"y\\\"\"  # tail\n"
                        "[ listen ]\nport = 65_535\n\n"
                        "[chain-0002]\nurl = 'http://a\\b'\nmethods = [ \"m\", # why\n  \"n\",\n]\n"
                        "[chain-0001]\nurl = \"http://c\"\ntimeout-ms = 1"),
                  "%s", errors.data);
    ck_assert_str_eq(config.home, "/x \"y\"");
    ck_assert_str_eq(config.level, "info");
    ck_assert_str_eq(config.listen.address, "127.0.0.1");
    ck_assert_uint_eq(config.listen.port, 65535);
    ck_assert(!config.listen.open);
    ck_assert_uint_eq(config.backend_count, 2);
    ck_assert_str_eq(config.backends[0].chain, "0002");
    ck_assert_str_eq(config.backends[0].url, "http://a\\b");
    ck_assert_uint_eq(config.backends[0].methods.count, 2);
    ck_assert_str_eq(config.backends[0].methods.items[1], "n");
    ck_assert_uint_eq(config.backends[0].timeout_ms, 5000);
    ck_assert_str_eq(config.backends[1].chain, "0001");
    ck_assert_uint_eq(config.backends[1].timeout_ms, 1);
}
END_TEST

/* One run reports every fault, each with its line and what is accepted. */
START_TEST(all_errors_come_in_one_run)
{
    ck_assert(!parse("hmoe = \"/x\"\nlog-level = \"loud\"\n[listne]\nport = 1\n[listen]\n"
                     "port = 65536\nopen = 1\nport = 2\naddress = \"unclosed\nopen = yes\n"
                     "[chain-0001]\nmethods = [\"a\",\"b\",\"c\",\"d\"]\n[chain-0001]\n"));
    ck_assert_str_eq(
        errors.data,
        "t.toml:1: unknown key 'hmoe'; did you mean 'home'?\n"
        "t.toml:2: log-level: one of debug, info, warn, error is expected, not \"loud\"\n"
        "t.toml:3: unknown table [listne]; did you mean [listen]?\n"
        "t.toml:6: port: a number from 1 to 65535 is expected, not 65536\n"
        "t.toml:7: open: true or false is expected, not 1\n"
        "t.toml:8: key 'port' was already given in line 6\n"
        "t.toml:9: address: string is not closed; a string of 1 to 64 bytes is expected\n"
        "t.toml:10: open: a value is expected: \"text\", a number, true, false, or a list; true "
        "or false is expected\n"
        "t.toml:12: methods: a list of 0 to 3 strings is expected, not a list of 4\n"
        "t.toml:13: [chain-0001] was already given in line 11\n"
        "t.toml: key 'home' must be given: a string of 1 to 20 bytes\n"
        "t.toml:11: [chain-0001]: key 'url' must be given: a string of 1 to 255 bytes\n");
}
END_TEST

START_TEST(addresses_and_urls_are_told_from_text)
{
    ck_assert_msg(parse("home = \"a\"\nat = \"[::1]:80\"\nnode = \"https://b:1/c\"\n"), "%s",
                  errors.data);
    ck_assert_str_eq(config.at, "[::1]:80");
    ck_assert_str_eq(config.node, "https://b:1/c");
    ck_assert(!parse("home = 'a'\nat = 'localhost:80'\nnode = ''\n"));
    ck_assert_str_eq(errors.data,
                     "t.toml:2: at: a numeric address and port such as \"127.0.0.1:8080\" or "
                     "\"\" is expected, not \"localhost:80\"\n"
                     "t.toml:3: node: a URL, http://HOST[:PORT] or https://..., of at most 99 "
                     "bytes is expected, not \"\"\n");
    ck_assert(!parse("home = 'a'\nnode = 'ftp://b'\n"));
    ck_assert(!parse("home = 'a'\nat = 5\n"));
}
END_TEST

/* What only the whole shows comes in the same run, with the line of its key or table; faulty
 * keys read as their defaults there. */
START_TEST(the_whole_is_checked_too)
{
    ck_assert(!parse("at = '127.0.0.1:1'\nnode = 7\n[chain-1]\nurl = 5\ntimeout-ms = 5\n"
                     "[chain-22]\nurl = 'xyz'\n"));
    ck_assert_str_eq(errors.data,
                     "t.toml:2: node: a URL, http://HOST[:PORT] or https://..., of at most 99 "
                     "bytes is expected, not 7\n"
                     "t.toml:4: url: a string of 1 to 255 bytes is expected, not 5\n"
                     "t.toml: key 'home' must be given: a string of 1 to 20 bytes\n"
                     "t.toml:1: at: nobody is at http://a\n"
                     "t.toml:3: no chain\nt.toml:5: timeout-ms: has 0\n"
                     "t.toml:6: no chain\nt.toml:6: timeout-ms: has 3\n");
}
END_TEST

START_TEST(what_is_unknown_is_told_what_is_known)
{
    ck_assert(!parse("home = 'a'\nquantum = 1\n[zzzzzzzzzzzz]\nx = 1\n"));
    ck_assert_str_eq(errors.data,
                     "t.toml:2: unknown key 'quantum'; known: home, log-level, at, node\n"
                     "t.toml:3: unknown table [zzzzzzzzzzzz]; known: [listen], [chain-*]\n");
}
END_TEST

/* A program whose keys are all in tables. */
START_TEST(a_key_before_the_first_table_is_not_passed_over)
{
    const struct vpr_conf_schema tabled = {"x", &tables[1], 1, sizeof(struct config), NULL};

    ck_assert(!vpr_conf_parse(&config, &tabled, &arena, "t.toml",
                              vpr_bytes_str("port = 1\n[listen]\nport = 2\n"), &errors));
    ck_assert_str_eq(errors.data,
                     "t.toml:1: unknown key 'port' before the first [table]; known: [listen]\n");
}
END_TEST

static const char *const malformed[] = {
    "home", "home =", "home = ", "= 1", "home = \"a\" \"b\"", "home = \"a\" x", "Home = \"a\"",
    "home- = \"a\"", "ho_me = \"a\"", "home = \"\\q\"", "home = \"a\x01\"", "home = 'a",
    "home = \"a\"\n[listen\n", "home = \"a\"\n[[listen]]\n", "home = \"a\"\n[listen.x]\n",
    "home = \"a\"\n[]\n", "home = \"a\"\n[chain-]\n", "home = \"a\"\n[listen]\nport = 01\n",
    "home = \"a\"\n[listen]\nport = 1.5\n", "home = \"a\"\n[listen]\nport = -1\n",
    "home = \"a\"\n[listen]\nport = 0x1\n", "home = \"a\"\n[listen]\nport = 1_\n",
    "home = \"a\"\n[listen]\nport = 1__0\n", "home = \"a\"\n[listen]\nport = \"1\"\n",
    "home = \"a\"\n[listen]\nport = 99999999999999999999\n", "home = \"a\"\n[listen]\nopen = TRUE",
    "home = \"a\"\n[chain-1]\nurl=\"x\"\nmethods = [1]",
    "home = \"a\"\n[chain-1]\nurl=\"x\"\nmethods = [\"a\" \"b\"]",
    "home = \"a\"\n[chain-1]\nurl=\"x\"\nmethods = [\"a\"", "home = \"a\" # \x01",
    "home = \"123456789012345678901\"", "home = \"\"", "home = \"a\"\n[listen]\n[listen]\n",
    "\xef\xbb\xbfhome = \"a\"", "home.x = \"a\"", "home = { a = 1 }", "home = \"\"\"a\"\"\"",
};

START_TEST(malformed_files_are_refused_with_a_line)
{
    ck_assert_msg(!parse(malformed[_i]), "taken: %s", malformed[_i]);
    ck_assert_int_eq(strncmp(errors.data, "t.toml:", 7), 0);
}
END_TEST

START_TEST(the_sample_parses_once_filled_in)
{
    struct vpr_buf sample;
    vpr_buf_init(&sample, 100000);
    vpr_conf_sample(&sample, &schema);
    ck_assert(!parse(sample.data));
    ck_assert_str_eq(errors.data, "t.toml: key 'home' must be given: a string of 1 to 20 bytes\n");
    char *home = strstr(sample.data, "#home =\n");
    ck_assert_ptr_nonnull(home);
    memcpy(home, "home=\"\"\n", 8);
    ck_assert(!parse(sample.data)); /* "" is too short */
    memcpy(home, "home='a'", 8);
    ck_assert_msg(parse(sample.data), "%s", errors.data);
    ck_assert_str_eq(config.home, "a");
    ck_assert_ptr_nonnull(strstr(sample.data, "# a number from 1 to 65535.\nport = 8_500\n"));
    ck_assert_ptr_nonnull(strstr(sample.data, "#[chain-NAME]\n"));
    ck_assert_ptr_nonnull(strstr(sample.data, "\n#timeout-ms = 5000\n"));
    vpr_buf_finish(&sample);
}
END_TEST

START_TEST(errors_stop_at_fifty)
{
    char text[2000] = "";
    for (int i = 0; i < 90; i++) {
        strcat(text, "zzzzzzzzz = 1\n");
    }
    ck_assert(!parse(text));
    size_t lines = 0;
    for (const char *c = errors.data; *c != '\0'; c++) {
        lines += *c == '\n' ? 1 : 0;
    }
    ck_assert_uint_eq(lines, 51);
    ck_assert_ptr_nonnull(strstr(errors.data, "more errors follow"));
}
END_TEST

START_TEST(the_nearest_word_is_near)
{
    static const char *const words[] = {"listen", "backend", "log"};
    ck_assert_str_eq(vpr_nearest("lsiten", words, 3), "listen");
    ck_assert_str_eq(vpr_nearest("backends", words, 3), "backend");
    ck_assert_ptr_null(vpr_nearest("quota", words, 3));
}
END_TEST

Suite *suite_conf(void)
{
    Suite *suite = suite_create("conf");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, open_all, close_all);
    tcase_add_test(tcase, a_file_fills_its_struct_and_defaults_the_rest);
    tcase_add_test(tcase, all_errors_come_in_one_run);
    tcase_add_test(tcase, addresses_and_urls_are_told_from_text);
    tcase_add_test(tcase, the_whole_is_checked_too);
    tcase_add_test(tcase, what_is_unknown_is_told_what_is_known);
    tcase_add_test(tcase, a_key_before_the_first_table_is_not_passed_over);
    tcase_add_loop_test(tcase, malformed_files_are_refused_with_a_line, 0,
                        (int)VPR_COUNT(malformed));
    tcase_add_test(tcase, the_sample_parses_once_filled_in);
    tcase_add_test(tcase, errors_stop_at_fifty);
    tcase_add_test(tcase, the_nearest_word_is_near);
    suite_add_tcase(suite, tcase);
    return suite;
}
