#include "app/host/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/host/file.h"
#include "tests/unit/host/suites.h"

static char home[64];
static char pass[128];
static struct vpr_keyring *ring;
static struct vpr_err err;

static void open_ring(const char *backend)
{
    ck_assert_msg(vpr_keyring_open(&ring, home, backend, pass, &err) == VPR_OK, "%s", err.text);
}

static void set_up(void)
{
    strcpy(home, "/tmp/viper.test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(pass, sizeof pass, "%s/pass", home);
    ck_assert_int_eq(vpr_file_write(pass, vpr_bytes_str("correct horse\nnot this\n"), 0600, &err),
                     VPR_OK);
}

static void tear_down(void)
{
    char command[128];
    vpr_keyring_close(ring);
    snprintf(command, sizeof command, "rm -r '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

static struct vpr_key_info make(const char *name, enum vpr_key_kind kind, enum vpr_key_algo algo)
{
    struct vpr_key_info info;
    struct vpr_key_wish wish = {.name = name, .kind = kind, .algo = algo, .chain_length = 5000};
    ck_assert_msg(vpr_keyring_create(ring, &wish, &info, &err) == VPR_OK, "%s", err.text);
    return info;
}

static struct vpr_key *load(const char *name)
{
    struct vpr_key *key;
    ck_assert_msg(vpr_keyring_load(&key, ring, name, VPR_KEYRING_ANY, &err) == VPR_OK, "%s",
                  err.text);
    return key;
}

static const char *const backends[] = {"test", "file"};

/* Kinds and algorithms, both backends: what was signed verifies with the stated key. */
START_TEST(keys_survive_a_reload_and_sign)
{
    struct vpr_signature sig;
    struct vpr_bytes doc = vpr_bytes_str("sign doc");
    struct vpr_hash digest = vpr_tagged("receipt", "x", 1), public_key;
    open_ring(backends[_i]);
    struct vpr_key_info a = make("alice", VPR_KEYRING_ACCOUNT, VPR_KEYRING_SECP256K1);
    struct vpr_key_info o = make("op", VPR_KEYRING_OPERATOR, VPR_KEYRING_ED25519);
    struct vpr_key_info r = make("relay-1", VPR_KEYRING_RELAY, VPR_KEYRING_ED25519);
    vpr_keyring_close(ring);
    open_ring(backends[_i]);

    struct vpr_key *key = load("alice");
    ck_assert_mem_eq(vpr_key_info(key)->public_key, a.public_key, 33);
    vpr_key_sign_tx(key, &sig, doc);
    struct vpr_hash hash = vpr_sha256(doc.data, doc.len);
    ck_assert(vpr_secp256k1_verify(&sig, &hash, a.public_key));
    vpr_key_sign_hash(key, VPR_KEYRING_ACCOUNT, &sig, &digest);
    ck_assert(vpr_secp256k1_verify(&sig, &digest, a.public_key));
    vpr_key_close(key);

    key = load("op");
    memcpy(public_key.b, o.public_key, 32);
    vpr_key_sign_tx(key, &sig, doc);
    ck_assert(vpr_ed25519_verify(&sig, doc.data, doc.len, &public_key));
    vpr_key_close(key);

    key = load("relay-1");
    memcpy(public_key.b, r.public_key, 32);
    vpr_key_sign_hash(key, VPR_KEYRING_RELAY, &sig, &digest);
    ck_assert(vpr_ed25519_verify(&sig, digest.b, 32, &public_key));
    vpr_key_close(key);
}
END_TEST

START_TEST(files_are_private_and_sealed_ones_hold_no_secret)
{
    struct stat st;
    char path[160];
    struct vpr_buf text;
    open_ring(backends[_i]);
    struct vpr_key_wish wish = {.name = "k", .kind = VPR_KEYRING_GATEWAY};
    const char *secret = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    ck_assert_int_eq(vpr_keyring_import(ring, &wish, vpr_bytes_str(secret), NULL, &err), VPR_OK);
    snprintf(path, sizeof path, "%s/keyring-%s/k.key", home, backends[_i]);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    vpr_buf_init(&text, 10000);
    ck_assert_int_eq(vpr_file_read(&text, path, &err), VPR_OK);
    ck_assert((strstr(text.data, secret) != NULL) == (_i == 0));
    vpr_buf_finish(&text);
    snprintf(path, sizeof path, "%s/keyring-%s", home, backends[_i]);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);

    int ends[2];
    char out[100] = "";
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(vpr_keyring_export(ring, "k", ends[1], &err), VPR_OK);
    ck_assert_int_eq((int)read(ends[0], out, sizeof out), 65);
    ck_assert_int_eq(strncmp(out, secret, 64), 0);
}
END_TEST

START_TEST(a_wrong_passphrase_or_a_changed_file_does_not_open)
{
    struct vpr_key *key = NULL;
    char path[160];
    struct vpr_buf text;
    open_ring("file");
    make("k", VPR_KEYRING_RELAY, VPR_KEYRING_ED25519);
    vpr_keyring_close(ring);
    ck_assert_int_eq(vpr_file_write(pass, vpr_bytes_str("wrong horse"), 0600, &err), VPR_OK);
    open_ring("file");
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "k", VPR_KEYRING_ANY, &err), VPR_BAD_KEY);
    ck_assert_ptr_null(key);
    vpr_keyring_close(ring);
    ck_assert_int_eq(vpr_file_write(pass, vpr_bytes_str("short"), 0600, &err), VPR_OK);
    open_ring("file");
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "k", VPR_KEYRING_ANY, &err), VPR_BAD_FIELD);
    vpr_keyring_close(ring);

    /* a relay key that says it is a gateway key */
    ck_assert_int_eq(vpr_file_write(pass, vpr_bytes_str("correct horse"), 0600, &err), VPR_OK);
    open_ring("file");
    snprintf(path, sizeof path, "%s/keyring-file/k.key", home);
    vpr_buf_init(&text, 10000);
    ck_assert_int_eq(vpr_file_read(&text, path, &err), VPR_OK);
    char *kind = strstr(text.data, "\"relay\"");
    ck_assert_ptr_nonnull(kind);
    struct vpr_buf other;
    vpr_buf_init(&other, 10000);
    vpr_buf_add(&other, text.data, (size_t)(kind - text.data));
    vpr_buf_str(&other, "\"gateway\"");
    vpr_buf_str(&other, kind + 7);
    ck_assert_int_eq(vpr_file_write(path, vpr_buf_bytes(&other), 0600, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "k", VPR_KEYRING_ANY, &err), VPR_BAD_KEY);
    ck_assert_int_eq(vpr_file_write(path, vpr_buf_bytes(&text), 0600, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "k", VPR_KEYRING_ANY, &err), VPR_OK);
    vpr_key_close(key);
    vpr_buf_finish(&text);
    vpr_buf_finish(&other);
}
END_TEST

START_TEST(names_kinds_and_duplicates_are_checked)
{
    struct vpr_key *key = NULL;
    struct vpr_key_info info;
    static const char *const names[] = {"", ".a", "-a", "a/b", "../a", "A", "a b",
                                        "a12345678901234567890123456789012", "\xc3\xa4"};
    open_ring("test");
    make("a", VPR_KEYRING_RELAY, VPR_KEYRING_ED25519);
    struct vpr_key_wish wish = {.name = "a", .kind = VPR_KEYRING_RELAY};
    ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_DUPLICATE);
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        wish.name = names[i];
        ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_BAD_FIELD);
    }
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "a", VPR_KEYRING_MASK(VPR_KEYRING_GATEWAY), &err),
                     VPR_BAD_KEY);
    ck_assert_str_eq(err.text, "key 'a' is of kind relay, which cannot do this");
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "b", VPR_KEYRING_ANY, &err), VPR_NOT_FOUND);
    wish = (struct vpr_key_wish){.name = "c", .kind = VPR_KEYRING_CLIENT};
    ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_BAD_FIELD);
    wish = (struct vpr_key_wish){.name = "c", .kind = VPR_KEYRING_ACCOUNT};
    ck_assert_int_eq(vpr_keyring_import(ring, &wish, vpr_bytes_str("00"), &info, &err),
                     VPR_BAD_KEY);
    char zeros[65];
    memset(zeros, '0', 64);
    zeros[64] = '\0';
    ck_assert_int_eq(vpr_keyring_import(ring, &wish, vpr_bytes_str(zeros), &info, &err),
                     VPR_BAD_KEY);
    ck_assert_int_eq(vpr_keyring_info(ring, "c", &info, &err), VPR_NOT_FOUND);
    struct vpr_keyring *other = NULL;
    ck_assert_int_eq(vpr_keyring_open(&other, home, "os", NULL, &err), VPR_BAD_FIELD);
}
END_TEST

START_TEST(the_list_is_sorted_and_shrinks)
{
    static struct vpr_key_info infos[VPR_KEYS_MAX];
    size_t count;
    char path[160];
    open_ring("test");
    make("b", VPR_KEYRING_RELAY, VPR_KEYRING_ED25519);
    make("a", VPR_KEYRING_ACCOUNT, VPR_KEYRING_SECP256K1);
    make("c", VPR_KEYRING_BEACON, VPR_KEYRING_CHAIN);
    snprintf(path, sizeof path, "%s/keyring-test/notes.txt", home);
    ck_assert_int_eq(vpr_file_write(path, vpr_bytes_str("x"), 0600, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_list(ring, infos, &count, &err), VPR_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(infos[0].name, "a");
    ck_assert_str_eq(infos[2].name, "c");
    ck_assert_uint_eq(infos[2].chain_length, 5000);
    ck_assert_int_eq(vpr_keyring_remove(ring, "b", &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_remove(ring, "b", &err), VPR_NOT_FOUND);
    ck_assert_int_eq(vpr_keyring_list(ring, infos, &count, &err), VPR_OK);
    ck_assert_uint_eq(count, 2);
}
END_TEST

/* Account addresses as the Cosmos world has them: a known pair. */
START_TEST(addresses_follow_from_keys)
{
    struct vpr_key_info info;
    char hex[67];
    open_ring("test");
    struct vpr_key_wish wish = {.name = "one", .kind = VPR_KEYRING_ACCOUNT};
    ck_assert_int_eq(vpr_keyring_import(ring, &wish, vpr_bytes_str(
        "0000000000000000000000000000000000000000000000000000000000000001"), &info, &err), VPR_OK);
    vpr_hex(hex, info.public_key, 33);
    ck_assert_str_eq(hex, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    vpr_hex(hex, info.address.b, 20);
    ck_assert_str_eq(hex, "751e76e8199196d454941c45d1b3a323f1433bd6");
}
END_TEST

/* From the end down to the first value, over several segments, and after a restart. */
START_TEST(every_preimage_of_a_beacon_is_found)
{
    struct vpr_hash end, x;
    uint64_t left;
    open_ring(backends[_i]);
    struct vpr_key_info info = make("beacon", VPR_KEYRING_BEACON, VPR_KEYRING_CHAIN);
    memcpy(end.b, info.public_key, 32);
    struct vpr_key *key = load("beacon");
    for (uint64_t i = 5000; i > 0; i--) {
        ck_assert(vpr_key_beacon_preimage(key, &end, &x, &left));
        ck_assert_uint_eq(left, i - 1);
        struct vpr_hash again = vpr_tagged("beacon-chain", x.b, 32);
        ck_assert(vpr_hash_equal(&again, &end));
        end = x;
        if (i == 2500) {
            vpr_key_close(key);
            key = load("beacon");
        }
    }
    ck_assert(!vpr_key_beacon_preimage(key, &end, &x, &left)); /* used up */
    memcpy(end.b, info.public_key, 32);
    ck_assert(vpr_key_beacon_preimage(key, &end, &x, NULL)); /* from the top again */
    end.b[0] ^= 1;
    ck_assert(!vpr_key_beacon_preimage(key, &end, &x, NULL));
    vpr_key_close(key);
}
END_TEST

START_TEST(a_full_beacon_is_made_and_found_in_seconds)
{
    struct vpr_key_info info;
    struct vpr_hash end, x;
    uint64_t left;
    open_ring("test");
    struct vpr_key_wish wish = {.name = "beacon", .kind = VPR_KEYRING_BEACON};
    ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_OK);
    ck_assert_uint_eq(info.chain_length, VPR_BEACON_LENGTH);
    struct vpr_key *key = load("beacon");
    memcpy(end.b, info.public_key, 32);
    ck_assert(vpr_key_beacon_preimage(key, &end, &x, &left));
    ck_assert_uint_eq(left, VPR_BEACON_LENGTH - 1);
    vpr_key_close(key);
}
END_TEST

START_TEST(a_client_key_lives_in_memory_only)
{
    struct vpr_signature sig;
    struct vpr_hash digest = vpr_tagged("request", "x", 1), public_key;
    struct vpr_key *key = vpr_key_ephemeral();
    ck_assert_int_eq(vpr_key_info(key)->kind, VPR_KEYRING_CLIENT);
    memcpy(public_key.b, vpr_key_info(key)->public_key, 32);
    vpr_key_sign_hash(key, VPR_KEYRING_CLIENT, &sig, &digest);
    ck_assert(vpr_ed25519_verify(&sig, digest.b, 32, &public_key));
    vpr_key_close(key);
    ring = NULL;
}
END_TEST

START_TEST(signing_as_another_kind_halts)
{
    struct vpr_signature sig;
    struct vpr_hash digest = vpr_tagged("request", "x", 1);
    struct vpr_key *key = vpr_key_ephemeral();
    vpr_key_sign_hash(key, VPR_KEYRING_GATEWAY, &sig, &digest);
}
END_TEST

START_TEST(a_relay_key_signs_no_transaction)
{
    struct vpr_signature sig;
    struct vpr_key *key = vpr_key_ephemeral();
    vpr_key_sign_tx(key, &sig, vpr_bytes_str("x"));
}
END_TEST

Suite *suite_keyring(void)
{
    Suite *suite = suite_create("keyring");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, keys_survive_a_reload_and_sign, 0, 2);
    tcase_add_loop_test(tcase, files_are_private_and_sealed_ones_hold_no_secret, 0, 2);
    tcase_add_test(tcase, a_wrong_passphrase_or_a_changed_file_does_not_open);
    tcase_add_test(tcase, names_kinds_and_duplicates_are_checked);
    tcase_add_test(tcase, the_list_is_sorted_and_shrinks);
    tcase_add_test(tcase, addresses_follow_from_keys);
    tcase_add_loop_test(tcase, every_preimage_of_a_beacon_is_found, 0, 2);
    tcase_add_test(tcase, a_full_beacon_is_made_and_found_in_seconds);
    tcase_add_test(tcase, a_client_key_lives_in_memory_only);
    suite_add_tcase(suite, tcase);
    TCase *bugs = tcase_create("bugs");
    tcase_add_test_raise_signal(bugs, signing_as_another_kind_halts, 6);
    tcase_add_test_raise_signal(bugs, a_relay_key_signs_no_transaction, 6);
    suite_add_tcase(suite, bugs);
    return suite;
}
