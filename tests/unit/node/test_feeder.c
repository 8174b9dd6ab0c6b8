#include "app/node/feeder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/node/suites.h"

static uint64_t price(const char *text, const char *pointer)
{
    struct vpr_err err = {VPR_OK, ""};
    uint64_t v = 0;
    enum vpr_code code = feeder_parse(&v, vpr_bytes_str(text), pointer, &err);
    ck_assert_msg(code == VPR_OK, "\"%s\": %s", text, err.text);
    return v;
}

static void no_price(const char *text, const char *pointer)
{
    struct vpr_err err = {VPR_OK, ""};
    uint64_t v = 7;
    ck_assert_msg(feeder_parse(&v, vpr_bytes_str(text), pointer, &err) == VPR_BAD_FIELD, "%s",
                  text);
    ck_assert_uint_eq(v, 7);
    ck_assert_uint_gt(strlen(err.text), 0);
}

START_TEST(a_decimal_number_is_a_price)
{
    ck_assert_uint_eq(price("0.05", ""), 50000);
    ck_assert_uint_eq(price(" 0.0512\n", ""), 51200);
    ck_assert_uint_eq(price("12", ""), 12000000);
    ck_assert_uint_eq(price("1.2345678", ""), 1234567); /* below a micro-USD is dropped */
    ck_assert_uint_eq(price("\"0.000001\"", ""), 1);
    ck_assert_uint_eq(price("4611686018427.387904", ""), UINT64_C(1) << 62);
}
END_TEST

START_TEST(a_pointer_leads_to_the_number)
{
    ck_assert_uint_eq(price("{\"viper\":{\"usd\":0.0612}}", "/viper/usd"), 61200);
    ck_assert_uint_eq(price("[{\"last\":\"1.5\"}]", "/0/last"), 1500000);
    no_price("{\"viper\":{\"usd\":null}}", "/viper/usd");
    no_price("{\"viper\":{}}", "/viper/usd");
    no_price("{\"viper\":", "/viper/usd");
    no_price("", "/viper/usd");
}
END_TEST

START_TEST(what_is_no_price_is_never_voted)
{
    static const char *const bad[] = {"",      " ",    ".",     "0",         "0.0000001", "-1",
                                      "1e-05", "1,5",  "1.2.3", "0.05 USD",  "\"\"",      "NaN",
                                      "4611686018427.387905",   "18446744073710",
                                      "99999999999999999999999999999999999999999999999999"};
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        no_price(bad[i], "");
    }
}
END_TEST

static void written(const char *path, int seconds_ago)
{
    struct timespec times[2] = {{time(NULL) - seconds_ago, 0}, {time(NULL) - seconds_ago, 0}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A price server that died leaves its last word: it is not voted for ever. */
START_TEST(a_file_that_is_not_written_anew_is_not_voted)
{
    char path[] = "/tmp/viper-price-XXXXXX";
    struct vpr_err err = {VPR_OK, ""};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    written(path, 50);
    ck_assert_int_eq(feeder_fresh(path, 60, &err), VPR_OK);
    written(path, 120);
    ck_assert_int_eq(feeder_fresh(path, 60, &err), VPR_EXPIRED);
    ck_assert_ptr_nonnull(strstr(err.text, "12"));
    ck_assert_ptr_nonnull(strstr(err.text, "60 s (max-age-s)"));
    ck_assert_int_eq(feeder_fresh(path, 0, &err), VPR_OK);
    written(path, -120); /* a clock that was set back */
    ck_assert_int_eq(feeder_fresh(path, 60, &err), VPR_OK);
    unlink(path);
    ck_assert_int_eq(feeder_fresh(path, 60, &err), VPR_OK); /* the reading says what is wrong */
}
END_TEST

Suite *suite_feeder(void)
{
    Suite *s = suite_create("feeder");
    TCase *t = tcase_create("feeder");
    tcase_add_test(t, a_decimal_number_is_a_price);
    tcase_add_test(t, a_pointer_leads_to_the_number);
    tcase_add_test(t, what_is_no_price_is_never_voted);
    tcase_add_test(t, a_file_that_is_not_written_anew_is_not_voted);
    suite_add_tcase(s, t);
    return s;
}
