/* SPDX-License-Identifier: MIT */
/*
 * The client as a whole on a real loop, without a server that answers: used up retries, the end in
 * the middle of an attempt, every allocation failing. The rest needs a server:
 * test/e2e/client_*.sh.
 */
#include "client/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ftw.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "test/lib/oom.h"

struct fixture {
	struct rp_client_config cfg;
	int fd; /* of a port where nobody answers */
	char dir[32];
	char server[32];
	uv_timer_t stop;
	unsigned stop_after_ms; /* 0 = runs until it ends by itself */
	bool failed;
};

/* A bound socket: without listen a connect is refused, with it nothing ever comes back. */
static void bind_port(struct fixture *f, bool silent)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&sa, &len), 0);
	if (silent) {
		assert_int_equal(listen(f->fd, 128), 0);
	}
	(void)snprintf(f->server, sizeof(f->server), "127.0.0.1:%u", ntohs(sa.sin_port));
}

static void set_up(struct fixture *f, bool silent)
{
	*f = (struct fixture){.dir = "/tmp/rport-test-XXXXXX"};
	assert_non_null(mkdtemp(f->dir));
	bind_port(f, silent);
	char data_dir[64];
	char count[] = "0";
	char opt_dir[] = "--data-dir";
	char opt_count[] = "--max-retry-count";
	char opt_fallback[] = "--fallback-server";
	char remote[] = "127.0.0.1:22";
	char *argv[] = {
	    opt_dir, data_dir, opt_count, count, opt_fallback, f->server, f->server, remote};
	struct rp_err err = {0};
	(void)snprintf(data_dir, sizeof(data_dir), "%s/data", f->dir);
	int mode = rp_client_config_load(&f->cfg, (int)RP_ARRAY_LEN(argv), argv, &err);
	assert_int_equal(mode, RP_CONF_RUN);
	assert_int_equal(rp_client_config_validate(&f->cfg, &err), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void tear_down(struct fixture *f)
{
	(void)close(f->fd);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	rp_client_config_fini(&f->cfg);
}

static void on_stop(uv_timer_t *h)
{
	struct rp_agent *a = h->data;
	rp_loop_stop(a->loop);
	uv_close((uv_handle_t *)h, NULL);
}

static int run_agent(void *state)
{
	struct fixture *f = state;
	struct rp_agent a;
	struct rp_err err = {0};
	int code = rp_agent_open(&a, &f->cfg, &err);
	if (code != 0) {
		rp_agent_fini(&a);
		return code;
	}
	code = rp_agent_start(&a, &err);
	if (code != 0) {
		rp_agent_abandon(&a);
		rp_agent_fini(&a);
		return code;
	}
	if (f->stop_after_ms > 0) {
		RP_VERIFY(uv_timer_init(rp_loop_uv(a.loop), &f->stop) == 0);
		f->stop.data = &a;
		RP_VERIFY(uv_timer_start(&f->stop, on_stop, f->stop_after_ms, 0) == 0);
	}
	rp_agent_run(&a);
	f->failed = a.worst == RP_RETRY_UNREACHABLE;
	rp_agent_fini(&a);
	return 0;
}

static void test_retries_used_up(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, false);
	assert_int_equal(run_agent(&f), 0);
	assert_true(f.failed);
	tear_down(&f);
}

static void test_stop_while_dialing(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, true);
	for (unsigned ms = 1; ms < 200; ms *= 3) {
		f.stop_after_ms = ms;
		assert_int_equal(run_agent(&f), 0);
		assert_false(f.failed);
	}
	tear_down(&f);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, false);
	assert_int_equal(rp_oom_run(run_agent, &f), 0);
	tear_down(&f);
}

static void test_no_memory_while_dialing(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, true);
	f.stop_after_ms = 2;
	assert_int_equal(rp_oom_run(run_agent, &f), 0);
	tear_down(&f);
}

/* A link that is away for days does not fill the log. */
static void test_attempts_logged(void **state)
{
	(void)state;
	struct rp_agent a = {0};
	int logged = 0;
	for (a.no_link = 0; a.no_link < 10000; a.no_link++) {
		enum rp_log_level level = rp_agent_attempt_level(&a, RP_LOG_ERROR);
		assert_true(level == RP_LOG_ERROR || level == RP_LOG_DEBUG);
		logged += level == RP_LOG_ERROR ? 1 : 0;
		assert_true(a.no_link > 20 || level == RP_LOG_ERROR);
	}
	assert_in_range(logged, 100, 130);
}

static void expect_zone(struct rp_agent *a, const char *tz, const char *zone)
{
	struct rp_err err = {0};
	char *text = NULL;
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
	assert_int_equal(rp_agent_hello(a, &text, &err), 0);
	assert_non_null(strstr(text, zone));
	rp_free(text);
}

/* A connection tells what is so then, not what was at the start. */
static void test_facts_anew(void **state)
{
	(void)state;
	struct fixture f;
	struct rp_agent a;
	struct rp_err err = {0};
	set_up(&f, false);
	assert_int_equal(rp_agent_open(&a, &f.cfg, &err), 0);
	assert_int_equal(rp_agent_describe(&a, &err), 0);
	expect_zone(&a, "AAA-5", "\"Timezone\":\"AAA (UTC+05:00)\"");
	expect_zone(&a, "BBB3", "\"Timezone\":\"BBB (UTC-03:00)\"");
	assert_int_equal(unsetenv("TZ"), 0);
	rp_agent_fini(&a);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attempts_logged),
	    cmocka_unit_test(test_retries_used_up),
	    cmocka_unit_test(test_stop_while_dialing),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_no_memory_while_dialing),
	    cmocka_unit_test(test_facts_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
