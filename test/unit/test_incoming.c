/* SPDX-License-Identifier: MIT */
/*
 * One received file on its way through the folders: when it is wanted, what is written, what it
 * becomes, and that nothing is left when it does not get there.
 */
#include "client/incoming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#include "core/str.h"
#include "test/lib/oom.h"

#define TEXT "what is in the file"

static char dir[64];
static char data_dir[96];
static char destination[96];
static struct rp_strlist none;
static struct rp_incoming in;
static struct rp_err err;
static atomic_bool stop;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rp-test-incoming-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(data_dir, sizeof(data_dir), "%s/data", dir);
	(void)snprintf(destination, sizeof(destination), "%s/file", dir);
	assert_int_equal(mkdir(data_dir, 0700), 0);
	atomic_store(&stop, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A request for the text, as most of them are. */
static void request(void)
{
	err = (struct rp_err){0};
	in = (struct rp_incoming){
	    .req = {.destination = destination, .owner = "", .group = ""},
	    .rules = {.protected = &none, .own = &none},
	    .data_dir = data_dir,
	    .umask = 022,
	    .cancelled = &stop,
	};
	assert_int_equal(rp_md5(TEXT, strlen(TEXT), in.req.md5), 0);
}

/* All the way; what the last step says. */
static int receive(const char *text)
{
	bool wanted = false;
	int code = rp_incoming_init(&in, &err);
	code = code != 0 ? code : rp_incoming_check(&in, &wanted, &err);
	if (code == 0 && wanted) {
		code = rp_incoming_open(&in, &err);
		code = code != 0
		    ? code
		    : rp_incoming_write(&in, (const uint8_t *)text, strlen(text), &err);
		code = code != 0 ? code : rp_incoming_place(&in, &err);
	}
	rp_incoming_drop(&in);
	return code == 0 && !wanted ? 1 : code;
}

static void assert_content(const char *path, const char *want)
{
	char got[200] = "";
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(want));
	assert_int_equal(fclose(f), 0);
	assert_string_equal(got, want);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int entries(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);
	const struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2 ? 1 : 0;
	}
	if (d != NULL) {
		(void)closedir(d);
	}
	return n;
}

static void assert_nothing_left(void)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/filepush", data_dir);
	assert_int_equal(entries(path), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_new_file(void **state)
{
	(void)state;
	request();
	assert_int_equal(receive(TEXT), 0);
	assert_content(destination, TEXT);
	assert_int_equal(mode_of(destination), 0744);
	assert_int_equal(in.size, strlen(TEXT));
	assert_int_equal(strlen(in.sha256_text), 64);
	assert_string_equal(in.remarks, "");
	assert_nothing_left();
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/filepush", data_dir);
	assert_int_equal(mode_of(path), 0700);
}

static void test_existing(void **state)
{
	(void)state;
	put(destination, "old");
	request();
	assert_int_equal(receive(TEXT), 1);
	assert_content(destination, "old");
	request();
	in.req.force = true;
	in.req.mode = 0600;
	assert_int_equal(receive(TEXT), 0);
	assert_content(destination, TEXT);
	assert_int_equal(mode_of(destination), 0600);
}

static void test_sync(void **state)
{
	(void)state;
	put(destination, TEXT);
	assert_int_equal(chmod(destination, 0640), 0);
	request();
	in.req.sync = true;
	assert_int_equal(receive(TEXT), 1);
	request();
	in.req.sync = true;
	in.req.mode = 0640;
	assert_int_equal(receive(TEXT), 1);
	request();
	in.req.sync = true;
	in.req.mode = 0644;
	assert_int_equal(receive(TEXT), 0);
	assert_int_equal(mode_of(destination), 0644);
	put(destination, "old");
	request();
	in.req.sync = true;
	assert_int_equal(receive(TEXT), 0);
	assert_content(destination, TEXT);
	/* The file of a link is not compared: the link makes room. */
	char other[160];
	(void)snprintf(other, sizeof(other), "%s.other", destination);
	assert_int_equal(rename(destination, other), 0);
	assert_int_equal(symlink(other, destination), 0);
	request();
	in.req.sync = true;
	assert_int_equal(receive(TEXT), 0);
	assert_int_equal(mode_of(destination), 0744);
	assert_content(other, TEXT);
}

static void test_owner(void **state)
{
	(void)state;
	struct stat st;
	request();
	in.req.owner = "no-such-user";
	assert_int_equal(receive(TEXT), 0);
	assert_non_null(strstr(in.remarks, "chown of "));
	assert_non_null(strstr(in.remarks, " failed: unknown user no-such-user."));
	if (geteuid() != 0) {
		return;
	}
	request();
	in.req.owner = "12345";
	in.req.group = "23456";
	in.req.force = true;
	assert_int_equal(receive(TEXT), 0);
	assert_string_equal(in.remarks, "");
	assert_int_equal(stat(destination, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	request();
	in.req.owner = "12345";
	in.req.sync = true;
	assert_int_equal(receive(TEXT), 1);
	request();
	in.req.group = "12345";
	in.req.sync = true;
	assert_int_equal(receive(TEXT), 0);
}

static void test_invalid(void **state)
{
	(void)state;
	static const struct {
		const char *destination, *owner, *group;
		int64_t mode;
		const char *text;
	} rows[] = {
	    {"", "", "", 0, "empty destination file path"},
	    {"/a", "", "", 01000, "invalid destination file mode"},
	    {"/a", "", "", 04755, "invalid destination file mode"},
	    {"/a", "", "", -1, "invalid destination file mode"},
	    {"/a", "", "", INT64_MAX, "invalid destination file mode"},
	    {"/a", "-x", "", 0, "invalid destination file owner"},
	    {"/a", "a:b", "", 0, "invalid destination file owner"},
	    {"/a", "a b", "", 0, "invalid destination file owner"},
	    {"/a", "a\n", "", 0, "invalid destination file owner"},
	    {"/a", "", "a/b", 0, "invalid destination file group"},
	    {"/a", "", "--x", 0, "invalid destination file group"},
	    {"/a", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	        0, "invalid destination file group"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		request();
		in.req.destination = rows[i].destination;
		in.req.owner = rows[i].owner;
		in.req.group = rows[i].group;
		in.req.mode = rows[i].mode;
		assert_int_equal(receive(TEXT), RP_EINVAL);
		assert_non_null(strstr(err.msg, rows[i].text));
	}
}

static void test_not_replaced(void **state)
{
	(void)state;
	assert_int_equal(mkdir(destination, 0700), 0);
	request();
	in.req.force = true;
	assert_int_equal(receive(TEXT), RP_EDENIED);
	assert_non_null(strstr(err.msg, "a folder, which is not replaced"));
	assert_int_equal(rmdir(destination), 0);
	assert_int_equal(mkfifo(destination, 0600), 0);
	request();
	in.req.sync = true;
	assert_int_equal(receive(TEXT), RP_EDENIED);
	assert_non_null(strstr(err.msg, "no regular file, which is not replaced"));
}

/* Other bytes than were announced; and the old file stays. */
static void test_checksum(void **state)
{
	(void)state;
	put(destination, "old");
	request();
	in.req.force = true;
	assert_int_equal(receive("something else"), RP_EPROTO);
	assert_non_null(strstr(err.msg, "md5 check failed: checksum from server "));
	assert_content(destination, "old");
	assert_nothing_left();
}

static void test_cancelled(void **state)
{
	(void)state;
	bool wanted;
	request();
	assert_int_equal(rp_incoming_init(&in, &err), 0);
	assert_int_equal(rp_incoming_check(&in, &wanted, &err), 0);
	assert_int_equal(rp_incoming_open(&in, &err), 0);
	assert_int_equal(rp_incoming_write(&in, (const uint8_t *)TEXT, strlen(TEXT), &err), 0);
	atomic_store(&stop, true);
	assert_int_equal(rp_incoming_write(&in, (const uint8_t *)TEXT, 1, &err), RP_ECLOSED);
	assert_int_equal(rp_incoming_place(&in, &err), RP_ECLOSED);
	rp_incoming_drop(&in);
	rp_incoming_drop(&in);
	assert_int_not_equal(access(destination, F_OK), 0);
	assert_nothing_left();
}

/* A folder that is not ours alone is not written to. */
static void test_folder(void **state)
{
	(void)state;
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/filepush", data_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	request();
	assert_int_equal(receive(TEXT), RP_EDENIED);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	request();
	assert_true(receive(TEXT) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(data_dir), 0);
	request();
	assert_int_equal(receive(TEXT), -ENOENT);
	assert_non_null(strstr(err.msg, "cannot make the folder"));
}

static void test_left_over(void **state)
{
	(void)state;
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/filepush", data_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path),
	    "%s/filepush/01234567-89ab-4def-8123-456789abcdef_rport_filepush", data_dir);
	put(path, "x");
	char kept[256];
	(void)snprintf(kept, sizeof(kept), "%s/filepush/kept", data_dir);
	put(kept, "x");
	rp_incoming_clean(data_dir);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access(kept, F_OK), 0);
	rp_incoming_clean("/nonexistent");
}

static int receive_once(void *state)
{
	(void)state;
	request();
	in.req.force = true;
	int code = receive(TEXT);
	assert_nothing_left();
	return code;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(receive_once, NULL), 0);
	assert_content(destination, TEXT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_new_file),
	    T(test_existing),
	    T(test_sync),
	    T(test_owner),
	    T(test_invalid),
	    T(test_not_replaced),
	    T(test_checksum),
	    T(test_cancelled),
	    T(test_folder),
	    T(test_left_over),
	    T(test_no_memory),
	};
	return cmocka_run_group_tests_name("incoming", tests, NULL, NULL);
}
