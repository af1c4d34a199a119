/* SPDX-License-Identifier: MIT */
/*
 * Messages to the supervisor: what arrives at a socket as systemd makes it, by path and by abstract
 * name, and what is silent.
 */
#include "core/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	uv_loop_t loop;
	struct rp_supervisor s;
	int fd;
	char dir[32];
	char path[64];
	bool well;
	int beats;
};

static void set_up(struct fixture *f, bool abstract)
{
	*f = (struct fixture){.dir = "/tmp/rport-test-XXXXXX", .well = true};
	assert_non_null(mkdtemp(f->dir));
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	(void)snprintf(f->path, sizeof(f->path), "%s/notify", f->dir);
	memcpy(sa.sun_path, f->path, strlen(f->path) + 1);
	size_t n = offsetof(struct sockaddr_un, sun_path) + strlen(f->path) + 1;
	if (abstract) {
		sa.sun_path[0] = '\0';
		f->path[0] = '@';
		n--;
	}
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&sa, (socklen_t)n), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", f->path, 1), 0);
	assert_int_equal(uv_loop_init(&f->loop), 0);
}

static void tear_down(struct fixture *f)
{
	rp_supervisor_stop(&f->s);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	rp_supervisor_fini(&f->s);
	rp_supervisor_fini(&f->s);
	(void)close(f->fd);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
}

static bool heard(struct fixture *f, const char *text)
{
	char got[1024];
	ssize_t n = recv(f->fd, got, sizeof(got), 0);
	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static bool silent(struct fixture *f)
{
	char got[1];
	return recv(f->fd, got, sizeof(got), 0) < 0;
}

static bool is_well(void *ctx)
{
	struct fixture *f = ctx;
	if (++f->beats == 3) {
		uv_stop(&f->loop);
	}
	return f->well;
}

static void messages(bool abstract)
{
	struct fixture f;
	set_up(&f, abstract);
	rp_supervisor_init(&f.s);
	assert_null(getenv("NOTIFY_SOCKET"));
	rp_supervisor_start(&f.s, &f.loop, is_well, &f);
	assert_true(heard(&f, "READY=1"));
	rp_supervisor_status(&f.s, "Connected");
	assert_true(heard(&f, "STATUS=Connected"));
	char text[2000];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	rp_supervisor_status(&f.s, text);
	assert_false(silent(&f));
	rp_supervisor_beat(&f.s);
	assert_true(heard(&f, "WATCHDOG=1"));
	rp_supervisor_stop(&f.s);
	assert_true(heard(&f, "STOPPING=1"));
	tear_down(&f);
}

static void test_messages(void **state)
{
	(void)state;
	messages(false);
	messages(true);
}

/* The watchdog hears from us as long as all is well, and only if it is meant for us. */
static void test_watchdog(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct fixture f;
		char pid[32];
		set_up(&f, false);
		f.well = i != 1;
		(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid() + (i == 2 ? 1 : 0));
		assert_int_equal(setenv("WATCHDOG_USEC", "20000", 1), 0);
		assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
		rp_supervisor_init(&f.s);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		rp_supervisor_start(&f.s, &f.loop, is_well, &f);
		assert_true(heard(&f, "READY=1"));
		(void)uv_run(&f.loop, UV_RUN_DEFAULT);
		assert_int_equal(f.beats, i == 2 ? 0 : 3);
		for (int n = 0; i == 0 && n < 3; n++) {
			assert_true(heard(&f, "WATCHDOG=1"));
		}
		assert_true(silent(&f));
		tear_down(&f);
	}
}

static void test_nobody(void **state)
{
	(void)state;
	static const char *const names[] = {NULL, "", "@", "relative", "/nowhere/at/all",
	    "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxx"};
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		struct fixture f;
		set_up(&f, false);
		(void)unsetenv("NOTIFY_SOCKET");
		if (names[i] != NULL) {
			assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
		}
		rp_supervisor_init(&f.s);
		rp_supervisor_start(&f.s, &f.loop, is_well, &f);
		rp_supervisor_status(&f.s, "x");
		rp_supervisor_beat(&f.s);
		assert_true(silent(&f));
		tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_watchdog),
	    cmocka_unit_test(test_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
