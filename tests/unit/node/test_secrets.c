#include "app/node/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/host/keyring.h"
#include "tests/unit/node/suites.h"

#define LENGTH 3000

static char home[] = "/tmp/viper-secrets-XXXXXX";
static struct vpr_err err;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(home));
}

static void teardown(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}

/* The end of a new chain of that name. */
static struct vpr_hash make(const char *name, enum vpr_key_kind kind)
{
    const struct vpr_key_wish wish = {.name = name, .kind = kind, .chain_length = LENGTH};
    struct vpr_keyring *ring;
    struct vpr_key_info info;
    struct vpr_hash end;

    ck_assert_int_eq(vpr_keyring_open(&ring, home, "test", NULL, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_OK);
    vpr_keyring_close(ring);
    memcpy(end.b, info.public_key, sizeof end.b);
    return end;
}

static enum vpr_code opened(struct secrets **ret)
{
    return secrets_open(ret, home, "test", NULL, "beacon", &err);
}

START_TEST(a_chain_is_revealed_from_its_end_to_its_first_value)
{
    struct vpr_hash end = make("beacon", VPR_KEYRING_BEACON), x;
    struct secrets *secrets;
    uint64_t left;

    ck_assert_int_eq(opened(&secrets), VPR_OK);
    for (uint64_t i = 1; i <= LENGTH; i++) {
        ck_assert(secrets_reveal(secrets, &end, &x, &left));
        ck_assert_uint_eq(left, LENGTH - i);
        end = x;
    }
    ck_assert(!secrets_reveal(secrets, &end, &x, &left));
    secrets_close(secrets);
}
END_TEST

/* From the renewal's session on the end is of another chain, whose key is younger than the
 * process; the old one is still asked for when a block is proposed again. */
START_TEST(a_chain_is_renewed_without_a_restart)
{
    const struct vpr_hash first = make("beacon", VPR_KEYRING_BEACON);
    struct vpr_hash x;
    struct secrets *secrets;
    uint64_t left;

    ck_assert_int_eq(opened(&secrets), VPR_OK);
    (void)make("relay", VPR_KEYRING_RELAY);
    const struct vpr_hash second = make("beacon-2027", VPR_KEYRING_BEACON);
    ck_assert(secrets_reveal(secrets, &second, &x, &left));
    ck_assert_uint_eq(left, LENGTH - 1);
    ck_assert(secrets_reveal(secrets, &first, &x, &left));
    secrets_close(secrets);
    ck_assert_int_eq(opened(&secrets), VPR_OK);
    ck_assert(secrets_reveal(secrets, &second, &x, &left));
    secrets_close(secrets);
}
END_TEST

START_TEST(the_key_that_is_named_may_be_gone)
{
    struct secrets *secrets = NULL;
    struct vpr_hash x;
    uint64_t left;

    ck_assert_int_eq(opened(&secrets), VPR_NOT_FOUND);
    ck_assert_ptr_null(secrets);
    (void)make("relay", VPR_KEYRING_RELAY);
    ck_assert_int_eq(opened(&secrets), VPR_NOT_FOUND);
    const struct vpr_hash end = make("other", VPR_KEYRING_BEACON);
    ck_assert_int_eq(opened(&secrets), VPR_OK);
    ck_assert(secrets_reveal(secrets, &end, &x, &left));
    secrets_close(secrets);
}
END_TEST

START_TEST(what_no_key_has_is_not_revealed)
{
    struct vpr_hash end = make("beacon", VPR_KEYRING_BEACON), x;
    struct secrets *secrets;
    uint64_t left;

    ck_assert_int_eq(opened(&secrets), VPR_OK);
    end.b[0] ^= 1;
    ck_assert(!secrets_reveal(secrets, &end, &x, &left));
    ck_assert(!secrets_reveal(secrets, &end, &x, &left));
    end.b[0] ^= 1;
    ck_assert(secrets_reveal(secrets, &end, &x, &left));
    secrets_close(secrets);
}
END_TEST

Suite *suite_secrets(void)
{
    Suite *suite = suite_create("secrets");
    TCase *tc = tcase_create("secrets");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_chain_is_revealed_from_its_end_to_its_first_value);
    tcase_add_test(tc, a_chain_is_renewed_without_a_restart);
    tcase_add_test(tc, the_key_that_is_named_may_be_gone);
    tcase_add_test(tc, what_no_key_has_is_not_revealed);
    suite_add_tcase(suite, tc);
    return suite;
}
