/* SPDX-License-Identifier: MIT */
/*
 * Measurements on a loop: what a payload has, that they begin and end with the server's wish, that a
 * list that hangs holds up neither the next measurement nor the end; and errands by themselves.
 */
#include "client/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "client/errand.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "test/lib/fake_root.h"

static struct rp_loop *loop;
static struct rp_monitor *monitor;
static unsigned n_measured;
static unsigned stop_at;
static struct rp_json *last;

static void on_measured(void *ctx, const char *payload, size_t n)
{
	struct rp_err err;
	(void)ctx;
	rp_json_free(last);
	assert_int_equal(rp_json_parse(payload, n, &last, &err), 0);
	if (++n_measured >= stop_at) {
		rp_loop_stop(loop);
	}
}

static void on_stop(void *ctx)
{
	(void)ctx;
	rp_monitor_close(monitor);
	monitor = NULL;
}

static void on_deadline(uv_timer_t *t)
{
	*(bool *)t->data = true;
	rp_loop_stop(loop);
	uv_close((uv_handle_t *)t, NULL);
}

static void measure(const struct rp_conf_client_monitoring *cfg, const char *root, unsigned n)
{
	const struct rp_monitor_options opt = {
	    .cfg = cfg, .root = root, .on_measured = on_measured, .loop = loop};
	n_measured = 0;
	stop_at = n;
	assert_int_equal(rp_monitor_new(&opt, &monitor), 0);
	rp_loop_on_stop(loop, on_stop, NULL);
	rp_monitor_start(monitor);
	rp_monitor_start(monitor); /* once more changes nothing */
}

static const struct rp_json *inner(const char *key, struct rp_json **out)
{
	struct rp_err err;
	const char *text = rp_json_string(rp_json_get(last, key));
	assert_non_null(text);
	assert_int_equal(rp_json_parse(text, strlen(text), out, &err), 0);
	return *out;
}

static int set_up(void **state)
{
	last = NULL;
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	return rp_fake_root_set_up(state);
}

static int tear_down(void **state)
{
	rp_json_free(last);
	rp_loop_free(loop);
	return rp_fake_root_tear_down(state);
}

static void test_payload(void **state)
{
	(void)state;
	static char words[][6] = {"ext4", "lo", "1000"};
	char *types[] = {words[0]};
	char *lan[] = {words[1], words[2]};
	const struct rp_conf_client_monitoring cfg = {.enabled = true,
	    .interval = 60 * RP_NS_PER_S,
	    .pm_enabled = true,
	    .pm_max_number_processes = 10,
	    .fs_type_include = {types, 1},
	    .net_lan = {lan, 2}};
	struct rp_json *j;
	rp_fake_root_put("/proc/stat", "cpu 1 2 3 4 5 6 7 8\n");
	rp_fake_root_put("/proc/net/dev", "lo: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n");
	rp_fake_root_put("/proc/meminfo", "MemTotal: 100 kB\nMemFree: 25 kB\n");
	rp_fake_root_put("/proc/self/mountinfo", "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n");
	rp_fake_root_put(
	    "/proc/5/stat", "5 (a) S 1 5 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 4096000 10\n");
	measure(&cfg, rp_fake_root, 1);
	(void)rp_loop_run(loop);
	assert_int_equal(n_measured, 1);
	assert_string_equal(rp_json_string(rp_json_get(last, "client_id")), "");
	assert_non_null(rp_json_string(rp_json_get(last, "timestamp")));
	assert_true(rp_json_number(rp_json_get(last, "memory_usage_percent")) == 75);
	assert_int_equal(rp_json_type(rp_json_get(last, "cpu_usage_percent")), RP_JSON_NUMBER);
	assert_int_equal(rp_json_type(rp_json_get(last, "io_usage_percent")), RP_JSON_NUMBER);
	assert_int_equal(rp_json_type(rp_json_get(last, "net_lan")), RP_JSON_OBJECT);
	assert_int_equal(rp_json_type(rp_json_get(last, "net_wan")), RP_JSON_NULL);
	assert_int_equal(rp_json_count(inner("processes", &j)), 1);
	rp_json_free(j);
	assert_true(rp_json_number(rp_json_get(inner("mountpoints", &j), "total_b./")) > 0);
	rp_json_free(j);
}

/* Without the lists and without /proc it still comes. */
static void test_off(void **state)
{
	(void)state;
	const struct rp_conf_client_monitoring cfg = {
	    .enabled = true, .interval = 20 * RP_NS_PER_MS};
	measure(&cfg, rp_fake_root, 3);
	(void)rp_loop_run(loop);
	assert_int_equal(n_measured, 3);
	assert_string_equal(rp_json_string(rp_json_get(last, "processes")), "[]");
	assert_string_equal(rp_json_string(rp_json_get(last, "mountpoints")), "{}");
}

static void on_later(uv_timer_t *t)
{
	rp_fake_root_put("/proc/stat", "cpu 51 0 0 50 0 0 0 0\n");
	uv_close((uv_handle_t *)t, NULL);
}

/* The first measurement is one of some time, not of the start of the program. */
static void test_first(void **state)
{
	(void)state;
	const struct rp_conf_client_monitoring cfg = {
	    .enabled = true, .interval = 60 * RP_NS_PER_S};
	const struct rp_monitor_options opt = {.cfg = &cfg,
	    .root = rp_fake_root,
	    .first_ms = 200,
	    .on_measured = on_measured,
	    .loop = loop};
	uv_timer_t later;
	n_measured = 0;
	stop_at = 1;
	rp_fake_root_put("/proc/stat", "cpu 1 0 0 0 0 0 0 0\n");
	assert_int_equal(rp_monitor_new(&opt, &monitor), 0);
	rp_loop_on_stop(loop, on_stop, NULL);
	rp_monitor_start(monitor);
	assert_int_equal(uv_timer_init(rp_loop_uv(loop), &later), 0);
	assert_int_equal(uv_timer_start(&later, on_later, 20, 0), 0);
	(void)rp_loop_run(loop);
	assert_int_equal(n_measured, 1);
	assert_true(rp_json_number(rp_json_get(last, "cpu_usage_percent")) == 50);
}

static void run_for(uint64_t ms)
{
	uv_timer_t timer;
	bool over = false;
	timer.data = &over;
	assert_int_equal(uv_timer_init(rp_loop_uv(loop), &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_deadline, ms, 0), 0);
	(void)rp_loop_run(loop);
	assert_true(over);
}

static void test_not_enabled(void **state)
{
	(void)state;
	const struct rp_conf_client_monitoring cfg = {.interval = 10 * RP_NS_PER_MS};
	measure(&cfg, rp_fake_root, 1);
	run_for(50);
	assert_int_equal(n_measured, 0);
}

static void test_stopped(void **state)
{
	(void)state;
	const struct rp_conf_client_monitoring cfg = {
	    .enabled = true, .interval = 10 * RP_NS_PER_MS};
	measure(&cfg, rp_fake_root, 1);
	rp_monitor_stop(monitor);
	run_for(50);
	assert_int_equal(n_measured, 0);
}

/* --- errands --- */

struct work {
	pthread_mutex_t gate;
	bool worked;
	bool done;
	bool dropped;
};

static void work(void *arg)
{
	struct work *w = arg;
	(void)pthread_mutex_lock(&w->gate);
	w->worked = true;
	(void)pthread_mutex_unlock(&w->gate);
}

static void on_done(void *ctx, void *arg)
{
	struct work *w = arg;
	assert_ptr_equal(ctx, loop);
	w->done = true;
	rp_loop_stop(loop);
}

static void drop(void *arg)
{
	struct work *w = arg;
	(void)pthread_mutex_lock(&w->gate);
	w->dropped = true;
	(void)pthread_mutex_unlock(&w->gate);
}

static const struct rp_errand_ops ops = {work, on_done, drop};

static void test_errand(void **state)
{
	(void)state;
	struct work w = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct rp_errand *e;
	assert_int_equal(rp_errand_start(loop, &ops, &w, loop, &e), 0);
	assert_non_null(e);
	(void)rp_loop_run(loop);
	assert_true(w.worked && w.done && !w.dropped);
}

static bool is_dropped(struct work *w)
{
	(void)pthread_mutex_lock(&w->gate);
	bool dropped = w->dropped;
	(void)pthread_mutex_unlock(&w->gate);
	return dropped;
}

static void wait_dropped(struct work *w)
{
	for (int i = 0; i < 1000 && !is_dropped(w); i++) {
		(void)usleep(10000);
	}
	assert_true(is_dropped(w));
	assert_true(w->worked && !w->done);
}

/* The loop ends while the thread hangs; when that goes on, it cleans up by itself. */
static void test_abandoned(void **state)
{
	(void)state;
	static struct work w = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct rp_errand *e;
	(void)pthread_mutex_lock(&w.gate);
	assert_int_equal(rp_errand_start(loop, &ops, &w, loop, &e), 0);
	rp_errand_abandon(e);
	rp_errand_abandon(NULL);
	rp_loop_stop(loop);
	(void)rp_loop_run(loop);
	(void)pthread_mutex_unlock(&w.gate);
	wait_dropped(&w);
}

/* It was done already, but the loop did not know. */
static void test_abandoned_late(void **state)
{
	(void)state;
	static struct work w = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct rp_errand *e;
	assert_int_equal(rp_errand_start(loop, &ops, &w, loop, &e), 0);
	(void)usleep(50000);
	rp_errand_abandon(e);
	rp_loop_stop(loop);
	(void)rp_loop_run(loop);
	wait_dropped(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_payload),
	    TEST(test_off),
	    TEST(test_first),
	    TEST(test_not_enabled),
	    TEST(test_stopped),
	    TEST(test_errand),
	    TEST(test_abandoned),
	    TEST(test_abandoned_late),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
