/* SPDX-License-Identifier: MIT */
/*
 * The state file of watchdog_integration: what stands in it, and what happens where it cannot be
 * written.
 */
#include "client/watchdog.h"

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

#include "core/clock.h"
#include "core/json.h"
#include "core/loop.h"
#include "test/lib/oom.h"

struct fixture {
	struct rp_loop *loop;
	struct rp_serial *files;
	struct rp_watchdog w;
	char dir[32];
	char path[64];
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){.dir = "/tmp/rport-test-XXXXXX"};
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/state.json", f->dir);
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	assert_int_equal(rp_serial_new(&f->files, f->loop, 16, NULL), 0);
	rp_watchdog_init(&f->w);
}

/* Whatever was told is in the file then. */
static void finish(struct fixture *f)
{
	rp_watchdog_stop(&f->w);
	rp_serial_close(f->files, NULL, NULL);
	rp_loop_stop(f->loop);
	(void)rp_loop_run(f->loop);
	rp_loop_free(f->loop);
	rp_watchdog_fini(&f->w);
}

static void remove_all(struct fixture *f)
{
	(void)unlink(f->path);
	(void)rmdir(f->path);
	(void)rmdir(f->dir);
}

static char *read_file(const struct fixture *f)
{
	static char text[4096];
	FILE *file = fopen(f->path, "re");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

static void assert_state(const struct fixture *f, const char *name, const char *message)
{
	const char *text = read_file(f);
	struct rp_json *j;
	struct rp_err err;
	int64_t t;
	assert_int_equal(rp_json_parse(text, strlen(text), &j, &err), 0);
	assert_string_equal(rp_json_string(rp_json_get(j, "last_state")), name);
	assert_string_equal(rp_json_string(rp_json_get(j, "last_message")), message);
	assert_int_equal(
	    rp_time_parse(rp_str_c(rp_json_string(rp_json_get(j, "last_update"))), &t), 0);
	assert_true((double)(t / RP_NS_PER_S) == rp_json_number(rp_json_get(j, "last_update_ts")));
	assert_in_range(rp_time_now() - t, 0, 60 * RP_NS_PER_S);
	rp_json_free(j);
}

static void test_states(void **state)
{
	(void)state;
	struct fixture f;
	struct rp_err err;
	struct stat st;
	set_up(&f);
	assert_int_equal(rp_watchdog_open(&f.w, f.files, f.dir, &err), 0);
	assert_state(&f, "initialized", "");
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0133, 0);
	/* Simple tools take it line by line. */
	assert_non_null(strstr(read_file(&f), "\n  \"last_state\": \"initialized\",\n"));
	rp_watchdog_tell(&f.w, RP_WATCHDOG_CONNECTED, "Connected to %s within %s", "a:1", "2ms");
	rp_watchdog_tell(&f.w, RP_WATCHDOG_RECONNECTING, "Retrying \"in\" %ds...", 3);
	finish(&f);
	assert_state(&f, "reconnecting", "Retrying \"in\" 3s...");
	remove_all(&f);
}

static void test_off(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	rp_watchdog_tell(&f.w, RP_WATCHDOG_CONNECTED, "x");
	finish(&f);
	assert_int_equal(access(f.path, F_OK), -1);
	remove_all(&f);
}

static void test_cannot_write(void **state)
{
	(void)state;
	struct fixture f;
	struct rp_err err;
	set_up(&f);
	assert_true(rp_watchdog_open(&f.w, f.files, "/nowhere", &err) < 0);
	assert_non_null(
	    strstr(err.msg, "watchdog_integration: cannot write /nowhere/state.json: "));
	rp_watchdog_fini(&f.w);
	/* Later it is only told. */
	rp_watchdog_init(&f.w);
	assert_int_equal(rp_watchdog_open(&f.w, f.files, f.dir, &err), 0);
	assert_int_equal(unlink(f.path), 0);
	assert_int_equal(mkdir(f.path, 0700), 0);
	rp_watchdog_tell(&f.w, RP_WATCHDOG_CONNECTED, "x");
	finish(&f);
	assert_true(f.w.failed);
	char temp[80];
	(void)snprintf(temp, sizeof(temp), "%s.new", f.path);
	(void)unlink(temp);
	remove_all(&f);
}

static int all_of_it(void *ctx)
{
	struct fixture *f = ctx;
	struct rp_err err;
	int code = rp_loop_new(&f->loop, "test");
	if (code != 0) {
		return code;
	}
	code = rp_serial_new(&f->files, f->loop, 16, NULL);
	rp_watchdog_init(&f->w);
	if (code != 0) {
		rp_loop_free(f->loop);
		return code;
	}
	code = rp_watchdog_open(&f->w, f->files, f->dir, &err);
	if (code == 0) {
		rp_watchdog_tell(&f->w, RP_WATCHDOG_CONNECTED, "x");
	}
	finish(f);
	return code;
}

static void test_no_memory(void **state)
{
	(void)state;
	struct fixture f = {.dir = "/tmp/rport-test-XXXXXX"};
	assert_non_null(mkdtemp(f.dir));
	(void)snprintf(f.path, sizeof(f.path), "%s/state.json", f.dir);
	assert_int_equal(rp_oom_run(all_of_it, &f), 0);
	remove_all(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_states),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_cannot_write),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
