/* SPDX-License-Identifier: MIT */
/*
 * Where received files may go: texts that are no path, protected folders by their name and by what
 * they are, links that are followed and links that are not, folders that are made.
 */
#include "client/place.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#define OTHER 65534

static char dir[PATH_MAX]; /* a real path */
static struct rp_strlist protected;
static struct rp_strlist own;
static const struct rp_place_rules rules = {.protected = &protected, .own = &own};
static struct rp_place place;
static struct rp_err err;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int make_dir(void **state)
{
	(void)state;
	char name[] = "/tmp/rp-test-place-XXXXXX";
	assert_non_null(mkdtemp(name));
	assert_non_null(realpath(name, dir));
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	rp_strlist_fini(&protected);
	rp_strlist_fini(&own);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Below the test's folder. */
static const char *at(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned n;
	char *path = paths[n++ % 4];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void protect(const char *glob)
{
	assert_int_equal(rp_strlist_add(&protected, rp_str_c(glob)), 0);
}

static int open_place(const char *destination, mode_t make)
{
	err = (struct rp_err){0};
	return rp_place_open(&place, destination, &rules, make, &err);
}

static void assert_open(const char *destination, mode_t make, const char *folder)
{
	assert_int_equal(open_place(destination, make), 0);
	assert_string_equal(place.path, folder);
	rp_place_close(&place);
}

static void assert_refused(const char *destination, int code, const char *text)
{
	int got = open_place(destination, 0);
	if (got == 0) {
		rp_place_close(&place);
	}
	if (got != code || strstr(err.msg, text) == NULL) {
		fail_msg("%s: %d %s", destination, got, err.msg);
	}
}

static void test_texts(void **state)
{
	(void)state;
	static char longest[PATH_MAX + 10];
	static char long_name[NAME_MAX + 10];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[0] = '/';
	assert_refused("", RP_EINVAL, "absolute path");
	assert_refused("a", RP_EINVAL, "absolute path");
	assert_refused("./a", RP_EINVAL, "absolute path");
	assert_refused("C:\\a", RP_EINVAL, "absolute path");
	assert_refused("/", RP_EINVAL, "name of a file");
	assert_refused("/tmp/", RP_EINVAL, "name of a file");
	assert_refused("/tmp/.", RP_EINVAL, "name of a file");
	assert_refused("/tmp/..", RP_EINVAL, "\"..\"");
	assert_refused("/tmp/../a", RP_EINVAL, "\"..\"");
	assert_refused("/../a", RP_EINVAL, "\"..\"");
	assert_refused(longest, RP_EINVAL, "too long");
	assert_refused(long_name, RP_EINVAL, "too long");
	assert_open("/a", 0, "");
	assert_string_equal(place.name, "a");
	assert_open("//tmp//./a..", 0, "/tmp");
	assert_string_equal(place.name, "a..");
}

static void test_names(void **state)
{
	(void)state;
	protect("/srv/x");
	protect("/lib*");
	protect("/home/?/[a-c]*");
	protect("/file");
	assert_refused(
	    "/srv/x/f", RP_EDENIED, "target path /srv/x matches protected pattern /srv/x, ");
	assert_refused("/srv/x", RP_EDENIED, "target path /srv/x matches");
	assert_refused("/srv/x/y/z/f", RP_EDENIED, "target path /srv/x matches");
	assert_refused("//srv/./x//f", RP_EDENIED, "target path /srv/x matches");
	assert_refused(
	    "/lib64/f", RP_EDENIED, "target path /lib64 matches protected pattern /lib*, ");
	assert_refused("/lib/y/f", RP_EDENIED, "target path /lib matches");
	assert_refused("/home/u/b1/f", RP_EDENIED, "target path /home/u/b1 matches");
	assert_refused("/home/u/.x/../b1/f", RP_EINVAL, "..");
	assert_refused("/file", RP_EDENIED, "target path /file matches");
	assert_int_equal(open_place("/srv/xx/f", 0), 0);
	rp_place_close(&place);
	assert_int_equal(open_place("/home/uu/b/f", 0), 0);
	rp_place_close(&place);
	protect("/");
	assert_refused("/anything/f", RP_EDENIED, "target path / matches");
}

/* A folder is the same under every name. */
static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("closed"), 0700), 0);
	assert_int_equal(mkdir(at("closed/deep"), 0700), 0);
	assert_int_equal(symlink("closed", at("link")), 0);
	assert_int_equal(symlink(at("closed/deep"), at("deep")), 0);
	protect(at("clo*"));
	assert_refused(at("link/f"), RP_EDENIED, "closed matches protected pattern");
	assert_refused(at("deep/f"), RP_EDENIED, "closed matches protected pattern");
	assert_refused(at("link/deep/none/f"), RP_EDENIED, "closed matches protected pattern");
	/* The link's own name is not protected, what it leads to is; and the other way round. */
	rp_strlist_fini(&protected);
	protect(at("link"));
	assert_refused(at("closed/f"), RP_EDENIED, "link, therefore");
}

static void test_own(void **state)
{
	(void)state;
	assert_int_equal(close(open(at("conf"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(symlink("conf", at("alias")), 0);
	assert_int_equal(link(at("conf"), at("hard")), 0);
	assert_int_equal(rp_strlist_add(&own, rp_str_c(at("conf"))), 0);
	assert_int_equal(rp_strlist_add(&own, rp_str_c(at("log*"))), 0);
	assert_refused(at("conf"), RP_EDENIED, "conf belongs to the client itself");
	assert_refused(at("alias"), RP_EDENIED, "alias belongs to the client itself");
	assert_refused(at("hard"), RP_EDENIED, "hard belongs to the client itself");
	assert_refused(at("log.1"), RP_EDENIED, "log.1 belongs to the client itself");
	assert_refused(at("log.d/f"), RP_EDENIED, "log.d belongs to the client itself");
	assert_open(at("other"), 0, dir);
}

static void test_folders(void **state)
{
	(void)state;
	struct stat st;
	char path[PATH_MAX + 64];
	mode_t before = umask(022);
	assert_int_equal(open_place(at("a/b/f"), 0), 0);
	assert_false(place.there);
	rp_place_close(&place);
	assert_int_not_equal(stat(at("a"), &st), 0);
	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	assert_open(at("a/b/f"), 0750, path);
	assert_true(place.there);
	assert_int_equal(stat(at("a/b"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(close(open(at("file"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_refused(at("file/f"), -ENOTDIR, "cannot open the folder of");
	(void)umask(before);
}

/* What is made below a protected name is not made. */
static void test_not_made(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(symlink(dir, at("alias")), 0);
	protect(at("closed"));
	assert_int_equal(open_place(at("alias/closed/x/f"), 0700), RP_EDENIED);
	assert_int_not_equal(stat(at("closed/x"), &st), 0);
}

static void test_links(void **state)
{
	(void)state;
	char path[PATH_MAX + 64];
	assert_int_equal(mkdir(at("real"), 0700), 0);
	assert_int_equal(mkdir(at("open"), 0700), 0);
	assert_int_equal(symlink("../real/./", at("open/up")), 0);
	assert_int_equal(symlink("loop", at("loop")), 0);
	(void)snprintf(path, sizeof(path), "%s/real", dir);
	assert_open(at("open/up/f"), 0, path);
	assert_refused(at("loop/f"), RP_EDENIED, "symbolic link");
	assert_int_equal(chmod(at("open"), 0777), 0);
	assert_refused(
	    at("open/up/f"), RP_EDENIED, "symbolic link in a folder that others can change");
	assert_int_equal(chmod(at("open"), 01777), 0);
	assert_refused(
	    at("open/up/f"), RP_EDENIED, "symbolic link in a folder that others can change");
	assert_int_equal(chmod(at("open"), 0770), 0);
	assert_refused(
	    at("open/up/f"), RP_EDENIED, "symbolic link in a folder that others can change");
	assert_int_equal(chmod(at("open"), 0755), 0);
	assert_open(at("open/up/f"), 0, path);
	if (geteuid() == 0) {
		assert_int_equal(chown(at("open"), OTHER, OTHER), 0);
		assert_refused(at("open/up/f"), RP_EDENIED, "symbolic link");
		assert_open(at("open/f"), 0, at("open"));
	}
}

static bool is_steady(const char *destination)
{
	assert_int_equal(open_place(destination, 0), 0);
	rp_place_close(&place);
	assert_true(place.steady || !place.guarded);
	return place.steady;
}

static bool is_guarded(const char *destination)
{
	return is_steady(destination) && place.guarded;
}

/* The folder itself may be anybody's; the way to it may not. */
static void test_steady(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("a"), 0700), 0);
	assert_int_equal(mkdir(at("a/b"), 0700), 0);
	assert_true(is_guarded(at("a/b/f")));
	assert_int_equal(chmod(at("a/b"), 01777), 0);
	assert_true(is_steady(at("a/b/f")));
	assert_false(is_guarded(at("a/b/f")));
	assert_int_equal(chmod(at("a/b"), 0777), 0);
	assert_true(is_steady(at("a/b/f")));
	assert_false(is_guarded(at("a/b/f")));
	assert_int_equal(chmod(at("a"), 0777), 0);
	assert_false(is_steady(at("a/b/f")));
	assert_int_equal(chmod(at("a"), 01777), 0);
	assert_true(is_steady(at("a/b/f")));
	if (geteuid() == 0) {
		assert_int_equal(chown(at("a/b"), OTHER, OTHER), 0);
		assert_false(is_steady(at("a/b/f")));
	}
}

static void test_globs(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "/a", "/a*", "/?", "/[a-z]x", "/[^a]", "/[!a]", "/\\[", "*"};
	static const char *const bad[] = {"", "/[", "/[a", "/a\\", "/[]", "/[^]", "/[a\\"};
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_true(rp_place_glob_ok(good[i]));
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_false(rp_place_glob_ok(bad[i]));
	}
}

static void test_protected(void **state)
{
	(void)state;
	static char v0[] = "/etc";
	static char v1[] = "/usr/*bin";
	char *v[] = {v0, v1};
	const struct rp_strlist globs = {.v = v, .n = RP_ARRAY_LEN(v)};
	assert_true(rp_place_is_protected(&globs, "/etc"));
	assert_true(rp_place_is_protected(&globs, "/etc/cron.d/x"));
	assert_true(rp_place_is_protected(&globs, "/usr/sbin/x/y"));
	assert_false(rp_place_is_protected(&globs, "/usr/x"));
	assert_false(rp_place_is_protected(&globs, "/etcetera/x"));
	static char all0[] = "/";
	char *all[] = {all0};
	const struct rp_strlist root = {.v = all, .n = 1};
	assert_true(rp_place_is_protected(&root, "/x"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_texts),
	    T(test_names),
	    T(test_identity),
	    T(test_own),
	    T(test_folders),
	    T(test_not_made),
	    T(test_links),
	    T(test_steady),
	    T(test_globs),
	    T(test_protected),
	};
	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
