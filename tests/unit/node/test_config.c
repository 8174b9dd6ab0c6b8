#include "app/node/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/host/net.h"
#include "tests/unit/node/suites.h"

static bool listen_ok(const char *text, const char *host, uint16_t port)
{
    char have[VPR_LISTEN_HOST_MAX];
    uint16_t got;
    return vpr_listen_parse(have, &got, text) && strcmp(have, host) == 0 && got == port;
}

static bool refused(const char *text)
{
    char have[VPR_LISTEN_HOST_MAX];
    uint16_t got;
    return !vpr_listen_parse(have, &got, text);
}

START_TEST(listen_addresses_are_numeric_with_a_port)
{
    ck_assert(listen_ok("127.0.0.1:1317", "127.0.0.1", 1317));
    ck_assert(listen_ok("0.0.0.0:0", "0.0.0.0", 0));
    ck_assert(listen_ok("[::1]:65535", "::1", 65535));
    ck_assert(refused("127.0.0.1"));
    ck_assert(refused("127.0.0.1:"));
    ck_assert(refused(":1317"));
    ck_assert(refused("localhost:1317"));
    ck_assert(refused("127.0.0.1:65536"));
    ck_assert(refused("127.0.0.1:13x7"));
    ck_assert(refused("127.0.0.1:131700"));
    ck_assert(refused("[::1:1317"));
    ck_assert(refused("[]:1317"));
    ck_assert(refused(""));
}
END_TEST

#define TWO_PRICES "[price]\nfile = \"/tmp/price\"\nurl = \"http://127.0.0.1:1/\"\n"

/* What init writes start reads, and it says the defaults. */
START_TEST(the_sample_is_a_valid_file)
{
    struct node_config config;
    struct vpr_buf sample, errors;
    struct vpr_arena arena;
    char path[] = "/tmp/viper-config-XXXXXX";
    int fd = mkstemp(path);

    vpr_arena_init(&arena, 1 << 20);
    vpr_buf_init(&sample, 1 << 16);
    vpr_buf_init(&errors, 1 << 16);
    node_config_sample(&sample);
    ck_assert_int_eq(write(fd, sample.data, sample.len), (ssize_t)sample.len);
    ck_assert_msg(node_config_load(&config, &arena, path, &errors), "%s", errors.data);
    ck_assert_str_eq(config.api_listen, "127.0.0.1:1317");
    ck_assert_str_eq(config.beacon_key, "beacon");
    ck_assert_uint_eq(config.cors_origins.count, 0);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, "[api]\nlisten = 5\n[nope]\n", 24, 0), 24);
    ck_assert(!node_config_load(&config, &arena, path, &errors));
    ck_assert_ptr_nonnull(strstr(errors.data, ":2:"));
    ck_assert_ptr_nonnull(strstr(errors.data, "nope"));
    vpr_buf_reset(&errors);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, TWO_PRICES, sizeof TWO_PRICES - 1, 0), sizeof TWO_PRICES - 1);
    ck_assert(!node_config_load(&config, &arena, path, &errors));
    ck_assert_ptr_nonnull(strstr(errors.data, ":3:"));
    close(fd);
    unlink(path);
    vpr_buf_finish(&errors);
    vpr_buf_finish(&sample);
    vpr_arena_finish(&arena);
}
END_TEST

START_TEST(no_file_means_the_defaults)
{
    struct node_config config;
    struct vpr_buf errors;
    struct vpr_arena arena;

    vpr_arena_init(&arena, 1 << 20);
    vpr_buf_init(&errors, 1 << 16);
    ck_assert(node_config_load(&config, &arena, "/nonexistent/app.toml", &errors));
    ck_assert_str_eq(config.comet_rpc, "http://127.0.0.1:26657");
    ck_assert_str_eq(config.log_level, "info");
    vpr_buf_finish(&errors);
    vpr_arena_finish(&arena);
}
END_TEST

Suite *suite_config(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, listen_addresses_are_numeric_with_a_port);
    tcase_add_test(t, the_sample_is_a_valid_file);
    tcase_add_test(t, no_file_means_the_defaults);
    suite_add_tcase(s, t);
    return s;
}
