/* SPDX-License-Identifier: MIT */
/*
 * Changes of the network as the kernel tells them, in a network of the test's own; where a process
 * may not have one, only that the watch starts.
 */
#include "client/netwatch.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 10000

struct fixture {
	uv_loop_t loop;
	uv_timer_t timer;
	struct rp_netwatch w;
	int changes;
	bool late;
};

static bool have_network;

static struct sockaddr_in address(const char *ip)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	assert_int_equal(inet_pton(AF_INET, ip, &sa.sin_addr), 1);
	return sa;
}

/* SIOCSIFADDR, or SIOCSIFFLAGS with ip NULL. */
static void set_interface(const char *name, const char *ip, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ip != NULL) {
		struct sockaddr_in sa = address(ip);
		memcpy(&r.ifr_addr, &sa, sizeof(sa));
		assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
	} else {
		r.ifr_flags = (short)(up ? IFF_UP : 0);
		assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	}
	(void)close(fd);
}

static void on_change(void *ctx)
{
	struct fixture *f = ctx;
	f->changes++;
	uv_stop(&f->loop);
}

static void on_timer(uv_timer_t *t)
{
	struct fixture *f = t->data;
	f->late = true;
	uv_stop(&f->loop);
}

/* True if a change was told within ms. */
static bool changed(struct fixture *f, uint64_t ms)
{
	f->changes = 0;
	f->late = false;
	assert_int_equal(uv_timer_start(&f->timer, on_timer, ms, 0), 0);
	while (f->changes == 0 && !f->late) {
		(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	}
	return f->changes > 0;
}

static void set_up(struct fixture *f)
{
	*f = (struct fixture){0};
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(uv_timer_init(&f->loop, &f->timer), 0);
	f->timer.data = f;
	assert_int_equal(rp_netwatch_start(&f->w, &f->loop, on_change, f), 0);
}

static void tear_down(struct fixture *f)
{
	rp_netwatch_close(&f->w);
	rp_netwatch_close(&f->w);
	uv_close((uv_handle_t *)&f->timer, NULL);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void test_changes(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f);
	if (have_network) {
		set_interface("lo", NULL, true);
		assert_true(changed(&f, DEADLINE_MS));
		set_interface("lo:1", "192.0.2.1", true);
		assert_true(changed(&f, DEADLINE_MS));
		/* Gone and back within a moment is no change. */
		set_interface("lo", NULL, false);
		set_interface("lo", NULL, true);
		set_interface("lo:1", "192.0.2.1", true);
		assert_false(changed(&f, 500));
		set_interface("lo:1", NULL, false);
		assert_true(changed(&f, DEADLINE_MS));
	}
	tear_down(&f);
}

static int connected_pair(const char *ip, int fds[3])
{
	struct sockaddr_in sa = address(ip);
	socklen_t len = sizeof(sa);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fds[0], 1), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&sa, len), 0);
	fds[2] = accept(fds[0], NULL, NULL);
	assert_true(fds[2] >= 0);
	return fds[1];
}

static void test_path(void **state)
{
	(void)state;
	int fds[3];
	if (!have_network) {
		return;
	}
	set_interface("lo", NULL, true);
	set_interface("lo:1", "192.0.2.1", true);
	int fd = connected_pair("192.0.2.1", fds);
	assert_int_equal(rp_netwatch_path(fd, false), RP_NETPATH_OPEN);
	assert_int_equal(rp_netwatch_path(fd, true), RP_NETPATH_OPEN);
	set_interface("lo", NULL, false);
	assert_int_equal(rp_netwatch_path(fd, false), RP_NETPATH_NONE);
	set_interface("lo", NULL, true);
	set_interface("lo:1", NULL, false);
	assert_int_equal(rp_netwatch_path(fd, false), RP_NETPATH_GONE);
	assert_int_equal(rp_netwatch_path(fd, true), RP_NETPATH_GONE);
	for (size_t i = 0; i < RP_ARRAY_LEN(fds); i++) {
		(void)close(fds[i]);
	}
	/* What is no connection is left to those who use it. */
	assert_int_equal(rp_netwatch_path(-1, false), RP_NETPATH_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_path),
	};
	have_network = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	if (!have_network) {
		(void)fprintf(stderr, "# no network of its own: less is tested\n");
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
