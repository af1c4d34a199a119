/* SPDX-License-Identifier: MIT */
/*
 * The attributes file: reading with limits, replacing it as a whole, and the texts of
 * update_client_metadata.
 */
#include "client/attributes.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/oom.h"

static char dir[64];
static char path[128];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rp-test-attributes-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/attributes.json", dir);
	return 0;
}

static size_t files(void)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		n += e->d_name[0] != '.' ? 1 : 0;
	}
	(void)closedir(d);
	return n;
}

static int tear_down(void **state)
{
	(void)state;
	char link[140];
	(void)snprintf(link, sizeof(link), "%s.link", path);
	(void)unlink(link);
	(void)unlink(path);
	return rmdir(dir); /* fails when something else was left there */
}

static void put(const char *text, size_t n)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void expect_file(const char *want)
{
	char text[1024] = "";
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	(void)!fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	assert_string_equal(text, want);
}

static void test_read(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"tags\": [\"a\", \"b\"],\n \"labels\": {\"k\": \"v\", \"city\": \"K\xc3\xb6ln\"}}\n";
	struct rp_attributes a;
	struct rp_err err;
	put(text, sizeof(text) - 1);
	assert_int_equal(rp_attributes_read(path, &a, &err), 0);
	assert_int_equal(a.tags.n, 2);
	assert_string_equal(a.tags.v[1], "b");
	assert_string_equal(rp_strmap_get(&a.labels, "city"), "K\xc3\xb6ln");
	rp_attributes_fini(&a);
	put("{\"tags\":null,\"labels\":null,\"more\":1}", 36);
	assert_int_equal(rp_attributes_read(path, &a, &err), 0);
	assert_int_equal(a.tags.n + a.labels.n, 0);
	put("", 0);
	assert_int_equal(rp_attributes_read(path, &a, &err), 0);
	rp_attributes_fini(&a);
}

static void test_read_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"{", "[]", "tags = []", "{\"tags\":\"a\"}",
	    "{\"tags\":[1]}", "{\"labels\":[]}", "{\"labels\":{\"k\":1}}", "{} x", "\xff"};
	struct rp_attributes a;
	struct rp_err err;
	assert_int_equal(rp_attributes_read(path, &a, &err), RP_ENOENT);
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		put(bad[i], strlen(bad[i]));
		assert_int_not_equal(rp_attributes_read(path, &a, &err), 0);
		assert_non_null(strstr(err.msg, "attributes file "));
		assert_non_null(strstr(err.msg, path));
		assert_null(a.tags.v);
		assert_null(a.labels.k);
	}
	assert_int_equal(rp_attributes_read(dir, &a, &err), RP_EINVAL);
	assert_int_equal(rp_attributes_read("/dev/zero", &a, &err), RP_EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(rp_attributes_read(path, &a, &err), RP_EINVAL); /* and does not wait */
}

static void test_limits(void **state)
{
	(void)state;
	static char big[RP_ATTRIBUTES_FILE_MAX + 2];
	struct rp_attributes a;
	memset(big, ' ', sizeof(big));
	memcpy(big, "{}", 2);
	put(big, RP_ATTRIBUTES_FILE_MAX);
	assert_int_equal(rp_attributes_read(path, &a, NULL), 0);
	put(big, RP_ATTRIBUTES_FILE_MAX + 1);
	assert_int_equal(rp_attributes_read(path, &a, NULL), RP_ELIMIT);
	size_t n = (size_t)snprintf(big, sizeof(big), "{\"tags\":[\"a\"");
	for (size_t i = 0; i < RP_ATTRIBUTES_TAGS_MAX; i++) {
		memcpy(big + n, ",\"a\"", 4);
		n += 4;
	}
	memcpy(big + n, "]}", 2);
	put(big, n + 2);
	assert_int_equal(rp_attributes_read(path, &a, NULL), RP_ELIMIT);
	n = (size_t)snprintf(big, sizeof(big), "{\"tags\":[\"");
	memset(big + n, 'x', RP_ATTRIBUTES_TEXT_MAX + 1);
	memcpy(big + n + RP_ATTRIBUTES_TEXT_MAX + 1, "\"]}", 3);
	put(big, n + RP_ATTRIBUTES_TEXT_MAX + 4);
	assert_int_equal(rp_attributes_read(path, &a, NULL), RP_ELIMIT);
}

/* What grows as JSON counts as it grows: new_connection has to fit in a packet. */
static void test_sent_size(void **state)
{
	(void)state;
	static char text[RP_ATTRIBUTES_FILE_MAX];
	struct rp_attributes a;
	for (size_t tags = 3; tags <= 5; tags++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "{\"tags\":[\"a\"");
		for (size_t i = 0; i < tags; i++) {
			memcpy(text + n, ",\"", 2);
			memset(text + n + 2, '<', 4000);
			text[n + 4002] = '"';
			n += 4003;
		}
		memcpy(text + n, "]}", 2);
		put(text, n + 2);
		assert_int_equal(rp_attributes_read(path, &a, NULL),
		    tags * 24000 < RP_ATTRIBUTES_SENT_MAX - 100 ? 0 : RP_ELIMIT);
		rp_attributes_fini(&a);
	}
}

static void test_write(void **state)
{
	(void)state;
	struct rp_attributes a = {0};
	struct rp_err err;
	struct stat st;
	assert_int_equal(rp_strlist_add(&a.tags, rp_str_c("x")), 0);
	assert_int_equal(rp_strmap_set(&a.labels, rp_str_c("k"), rp_str_c("v")), 0);
	assert_int_equal(rp_attributes_write(path, &a, &err), 0);
	expect_file("{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files(), 1);
	/* A looser mode becomes 0600; nothing else is left. */
	assert_int_equal(chmod(path, 0644), 0);
	rp_attributes_fini(&a);
	assert_int_equal(rp_attributes_write(path, &a, &err), 0);
	expect_file("{\"tags\":[],\"labels\":{}}");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files(), 1);
	/* Through a link. */
	char link[140];
	(void)snprintf(link, sizeof(link), "%s.link", path);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(rp_strlist_add(&a.tags, rp_str_c("y")), 0);
	assert_int_equal(rp_attributes_write(link, &a, &err), 0);
	expect_file("{\"tags\":[\"y\"],\"labels\":{}}");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	rp_attributes_fini(&a);
	assert_int_not_equal(rp_attributes_write("/no/such/dir/file", &a, &err), 0);
	assert_string_equal(err.msg,
	    "can't write attributes to file: /no/such/dir/file: no such file or directory");
}

static void test_update(void **state)
{
	(void)state;
	static const char good[] = "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}";
	struct rp_attributes a;
	struct rp_err err;
	assert_int_equal(rp_attributes_update(path, good, sizeof(good) - 1, &a, &err), 0);
	assert_string_equal(a.tags.v[0], "x");
	assert_string_equal(rp_strmap_get(&a.labels, "k"), "v");
	expect_file(good);
	rp_attributes_fini(&a);
	assert_int_equal(rp_attributes_update("", good, sizeof(good) - 1, &a, &err), RP_EINVAL);
	assert_string_equal(err.msg, "attributes file path not set");
	assert_int_equal(rp_attributes_update(NULL, good, sizeof(good) - 1, &a, &err), RP_EINVAL);
	assert_int_not_equal(rp_attributes_update(path, "{\"tags\":1}", 10, &a, &err), 0);
	assert_non_null(strstr(err.msg, "payload unreadable: "));
	assert_int_not_equal(rp_attributes_update(path, "", 0, &a, &err), 0);
	expect_file(good);
	assert_int_not_equal(
	    rp_attributes_update("/no/such/dir/file", good, sizeof(good) - 1, &a, &err), 0);
	assert_non_null(strstr(err.msg, "can't write attributes to file: "));
	assert_null(a.tags.v);
}

static int oom_body(void *state)
{
	(void)state;
	static const char good[] = "{\"tags\":[\"x\"],\"labels\":{\"k\":\"v\"}}";
	struct rp_attributes a;
	int rc = rp_attributes_update(path, good, sizeof(good) - 1, &a, NULL);
	rp_attributes_fini(&a);
	if (rc == 0) {
		rc = rp_attributes_read(path, &a, NULL);
		rp_attributes_fini(&a);
	}
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	assert_int_equal(files(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_read_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_sent_size, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_update, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_oom, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
