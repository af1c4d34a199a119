/* SPDX-License-Identifier: MIT */
/*
 * Files that are put in the place of others: content, mode, links, and what failures leave.
 */
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "test/lib/oom.h"

static char dir[64];
static char path[96];
static char other[96];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rport-file-XXXXXX");
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

/* How many names the folder has. */
static unsigned names(void)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		n += e->d_name[0] != '.';
	}
	assert_int_equal(closedir(d), 0);
	return n;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(other);
	return rmdir(dir);
}

static void assert_content(const char *text)
{
	char have[64];
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, have, sizeof(have) - 1);
	assert_true(n >= 0);
	have[n] = '\0';
	assert_int_equal(close(fd), 0);
	assert_string_equal(have, text);
}

static void assert_mode(mode_t mode)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int replace(const char *text, mode_t allowed)
{
	return rp_file_replace(path, rp_str_c(text), allowed);
}

static void test_new(void **state)
{
	(void)state;
	assert_int_equal(replace("one", 0666), 0);
	assert_content("one");
	assert_mode(0600);
	assert_int_equal(replace("", 0666), 0);
	assert_content("");
	assert_int_equal(names(), 1);
}

/* Whoever has the old file open goes on reading it. */
static void test_other_file(void **state)
{
	struct stat before;
	struct stat after;
	(void)state;
	make(path, "one");
	assert_int_equal(stat(path, &before), 0);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(replace("two", 0666), 0);
	assert_content("two");
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	char old[4] = "";
	assert_int_equal(read(fd, old, 3), 3);
	assert_string_equal(old, "one");
	assert_int_equal(close(fd), 0);
	assert_int_equal(names(), 1);
}

static void test_mode(void **state)
{
	static const struct {
		mode_t old;
		mode_t allowed;
		mode_t new;
	} rows[] = {{0644, 0666, 0644}, {0644, 0640, 0640}, {0644, 0600, 0600}, {0640, 0640, 0640},
	    {0600, 0666, 0600}, {0400, 0666, 0400}, {04755, 0666, 0644}};
	(void)state;
	make(path, "one");
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		assert_int_equal(chmod(path, rows[i].old), 0);
		assert_int_equal(replace("two", rows[i].allowed), 0);
		assert_mode(rows[i].new);
	}
}

static void test_owner(void **state)
{
	struct stat st;
	(void)state;
	if (geteuid() != 0) {
		return; /* only root may give files away */
	}
	make(path, "one");
	assert_int_equal(chown(path, 12, 34), 0);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(replace("two", 0666), 0);
	assert_mode(0660);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_gid, 34);
}

static void test_link(void **state)
{
	struct stat st;
	(void)state;
	make(other, "one");
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(replace("two", 0600), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_content("two");
	assert_int_equal(lstat(other, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(names(), 2);
}

/* In the current folder, which has no slash. */
static void test_plain_name(void **state)
{
	char here[256];
	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(rp_file_replace("file", rp_str_c("one"), 0600), 0);
	assert_int_equal(chdir(here), 0);
	assert_content("one");
}

static void test_failures(void **state)
{
	char missing[128];
	(void)state;
	(void)snprintf(missing, sizeof(missing), "%s/no/file", dir);
	assert_int_equal(rp_file_replace(missing, rp_str_c("x"), 0600), -ENOENT);
	assert_int_equal(symlink("file", path), 0);
	assert_int_equal(replace("x", 0600), -ELOOP);
	assert_int_equal(unlink(path), 0);
	/* A folder is no file: nothing is left beside it. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(replace("x", 0600), -EISDIR);
	assert_int_equal(names(), 1);
	assert_int_equal(rmdir(path), 0);
}

/* A limit in the place of a full disk: the old content stays. */
static void test_full(void **state)
{
	struct rlimit limit;
	int full = open("/dev/full", O_WRONLY);
	(void)state;
	assert_true(full >= 0);
	assert_int_equal(rp_file_write_all(full, "x", 1), -ENOSPC);
	assert_int_equal(rp_file_write_all(full, "x", 0), 0);
	assert_int_equal(close(full), 0);
	make(path, "one");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	const struct rlimit small = {.rlim_cur = 2, .rlim_max = limit.rlim_max};
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int code = replace("four", 0600);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	(void)signal(SIGXFSZ, before);
	assert_int_equal(code, -EFBIG);
	assert_content("one");
	assert_int_equal(names(), 1);
}

static int oom_body(void *state)
{
	(void)state;
	int code = replace("two", 0666);
	return code != 0 ? code : rp_file_sync_folder(path);
}

static void test_oom(void **state)
{
	(void)state;
	make(path, "one");
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
	assert_content("two");
	assert_int_equal(names(), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_new),
	    T(test_other_file),
	    T(test_mode),
	    T(test_owner),
	    T(test_link),
	    T(test_plain_name),
	    T(test_failures),
	    T(test_full),
	    T(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
