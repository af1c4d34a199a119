/* SPDX-License-Identifier: MIT */
/*
 * Host keys: the test vectors of the wire protocol's appendix A.1, fingerprints, and the key file.
 */
#include "ssh/hostkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "ssh/session.h"
#include "test/lib/oom.h"

static const char *const seeds[][2] = {
    {"test", "aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01"},
    {"Z4mQqmkDnexNNR4giNU3Me", "5d:b3:ee:37:b2:31:cc:ce:93:d4:69:21:16:5d:36:11"},
    {"0", "6a:37:ab:ab:d5:ac:71:d9:88:a7:18:ef:50:f4:4c:89"},
    {"a-very-secret-seed", "ec:ce:1f:1f:03:52:76:55:2b:5c:8d:61:a4:8f:fc:c1"},
};

static const char test_blob[] =
    "0000001365636473612d736861322d6e69737470323536000000086e69737470323536"
    "0000004104c1446c6587bc647777b656583132eb5c42c716b18c08587eb16aaf68436506"
    "247d6a07496d1c88ad4d4c866c52cd012b62d1dbb29fac2161c33d57b4af2ac743";

struct folder {
	char path[64];
	char key[96];
};

static int setup_folder(void **state)
{
	static struct folder f;
	(void)snprintf(f.path, sizeof(f.path), "/tmp/rport-test-XXXXXX");
	if (mkdtemp(f.path) == NULL) {
		return -1;
	}
	(void)snprintf(f.key, sizeof(f.key), "%s/host_key", f.path);
	*state = &f;
	return 0;
}

static int teardown_folder(void **state)
{
	struct folder *f = *state;
	(void)unlink(f->key);
	return rmdir(f->path);
}

static void test_seed_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(seeds); i++) {
		struct rp_hostkey *k = NULL;
		struct rp_err err;
		assert_int_equal(rp_hostkey_from_seed(seeds[i][0], &k, &err), 0);
		assert_string_equal(rp_hostkey_md5(k), seeds[i][1]);
		rp_hostkey_free(k);
	}
}

static void test_long_seed(void **state)
{
	(void)state;
	char seed[201];
	memset(seed, 'x', 200);
	seed[200] = '\0';
	struct rp_hostkey *k = NULL;
	assert_int_equal(rp_hostkey_from_seed(seed, &k, NULL), 0);
	assert_string_equal(rp_hostkey_md5(k), "1c:db:2e:95:74:ee:88:14:3e:b0:e9:cc:44:8a:2c:f8");
	rp_hostkey_free(k);
}

static void test_empty_seed(void **state)
{
	(void)state;
	struct rp_hostkey *k = NULL;
	struct rp_err err;
	assert_int_equal(rp_hostkey_from_seed("", &k, &err), RP_EINVAL);
	assert_non_null(strstr(err.msg, "seed"));
	rp_hostkey_free(NULL);
}

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		unsigned v;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

static void test_fingerprints_of_blob(void **state)
{
	(void)state;
	uint8_t blob[104];
	char md5[RP_FINGERPRINT_MD5_MAX];
	char sha256[RP_FINGERPRINT_SHA256_MAX];
	size_t n = from_hex(test_blob, blob);
	assert_int_equal(n, sizeof(blob));
	assert_int_equal(rp_fingerprint_md5(blob, n, md5), 0);
	assert_string_equal(md5, seeds[0][1]);
	assert_int_equal(rp_fingerprint_sha256(blob, n, sha256), 0);

	struct rp_hostkey *k = NULL;
	assert_int_equal(rp_hostkey_from_seed("test", &k, NULL), 0);
	assert_string_equal(rp_hostkey_sha256(k), sha256);
	assert_int_equal(strlen(sha256), RP_FINGERPRINT_SHA256_MAX - 2);
	rp_hostkey_free(k);
}

/* Scalars and coordinates with leading zeros take other lengths in the file; all come back the
 * same. */
static void test_many_seeds(void **state)
{
	(void)state;
	char first[RP_FINGERPRINT_MD5_MAX] = "";
	for (int i = 0; i < 300; i++) {
		char seed[32];
		(void)snprintf(seed, sizeof(seed), "seed %d", i);
		struct rp_hostkey *k = NULL;
		assert_int_equal(rp_hostkey_from_seed(seed, &k, NULL), 0);
		assert_string_not_equal(rp_hostkey_md5(k), first);
		(void)snprintf(first, sizeof(first), "%s", rp_hostkey_md5(k));
		rp_hostkey_free(k);
	}
}

static void test_file_is_made_and_read(void **state)
{
	struct folder *f = *state;
	struct rp_hostkey *made = NULL;
	struct rp_hostkey *again = NULL;
	struct rp_err err;
	assert_int_equal(rp_hostkey_from_file(f->key, &made, &err), 0);
	struct stat st;
	assert_int_equal(stat(f->key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(rp_hostkey_from_file(f->key, &again, &err), 0);
	assert_string_equal(rp_hostkey_md5(made), rp_hostkey_md5(again));
	assert_string_equal(rp_hostkey_sha256(made), rp_hostkey_sha256(again));
	rp_hostkey_free(made);
	rp_hostkey_free(again);
}

/* What OpenSSH reads out of the file is what we print. */
static void test_file_agrees_with_openssh(void **state)
{
	struct folder *f = *state;
	if (system("command -v ssh-keygen >/dev/null") != 0) {
		return;
	}
	struct rp_hostkey *k = NULL;
	assert_int_equal(rp_hostkey_from_file(f->key, &k, NULL), 0);
	static const char *const hashes[] = {"sha256", "md5"};
	for (size_t i = 0; i < RP_ARRAY_LEN(hashes); i++) {
		char command[256];
		(void)snprintf(command, sizeof(command),
		    "ssh-keygen -y -f %s | ssh-keygen -l -E %s -f -", f->key, hashes[i]);
		FILE *p = popen(command, "r");
		assert_non_null(p);
		char line[256] = "";
		assert_non_null(fgets(line, sizeof(line), p));
		assert_int_equal(pclose(p), 0);
		assert_non_null(strstr(line, i == 0 ? rp_hostkey_sha256(k) : rp_hostkey_md5(k)));
	}
	rp_hostkey_free(k);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *fp = fopen(path, "w");
	assert_non_null(fp);
	assert_true(fputs(text, fp) >= 0);
	assert_int_equal(fclose(fp), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void expect_file_error(const char *path, int code, const char *part)
{
	struct rp_hostkey *k = NULL;
	struct rp_err err;
	assert_int_equal(rp_hostkey_from_file(path, &k, &err), code);
	assert_null(k);
	assert_non_null(strstr(err.msg, path));
	assert_non_null(strstr(err.msg, part));
}

static void test_file_open_to_others(void **state)
{
	struct folder *f = *state;
	struct rp_hostkey *k = NULL;
	assert_int_equal(rp_hostkey_from_file(f->key, &k, NULL), 0);
	rp_hostkey_free(k);
	assert_int_equal(chmod(f->key, 0640), 0);
	expect_file_error(f->key, RP_EDENIED, "0640");
}

static void test_file_of_something_else(void **state)
{
	struct folder *f = *state;
	static const char *const texts[] = {
	    "",
	    "hello\n",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
	    "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		put(f->key, texts[i], 0600);
		expect_file_error(f->key, RP_EINVAL, "P-256");
	}
}

static void test_file_is_a_folder(void **state)
{
	struct folder *f = *state;
	expect_file_error(f->path, RP_EINVAL, "regular");
	expect_file_error("/nonexistent/folder/key", RP_EIO, "cannot create");
}

static int seed_body(void *state)
{
	(void)state;
	struct rp_hostkey *k = NULL;
	struct rp_err err;
	int r = rp_hostkey_from_seed("test", &k, &err);
	rp_hostkey_free(r == 0 ? k : NULL);
	return r;
}

static int file_body(void *state)
{
	struct folder *f = state;
	struct rp_hostkey *k = NULL;
	struct rp_err err;
	(void)unlink(f->key);
	int r = rp_hostkey_from_file(f->key, &k, &err);
	rp_hostkey_free(r == 0 ? k : NULL);
	return r;
}

static void test_out_of_memory(void **state)
{
	assert_int_equal(rp_oom_run(seed_body, NULL), 0);
	assert_int_equal(rp_oom_run(file_body, *state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seed_vectors),
	    cmocka_unit_test(test_long_seed),
	    cmocka_unit_test(test_empty_seed),
	    cmocka_unit_test(test_fingerprints_of_blob),
	    cmocka_unit_test(test_many_seeds),
	    cmocka_unit_test_setup_teardown(
	        test_file_is_made_and_read, setup_folder, teardown_folder),
	    cmocka_unit_test_setup_teardown(
	        test_file_agrees_with_openssh, setup_folder, teardown_folder),
	    cmocka_unit_test_setup_teardown(
	        test_file_open_to_others, setup_folder, teardown_folder),
	    cmocka_unit_test_setup_teardown(
	        test_file_of_something_else, setup_folder, teardown_folder),
	    cmocka_unit_test_setup_teardown(test_file_is_a_folder, setup_folder, teardown_folder),
	    cmocka_unit_test_setup_teardown(test_out_of_memory, setup_folder, teardown_folder),
	};
	if (rp_ssh_global_init(NULL) != 0) {
		return 1;
	}
	int status = cmocka_run_group_tests(tests, NULL, NULL);
	rp_ssh_global_fini();
	return status;
}
