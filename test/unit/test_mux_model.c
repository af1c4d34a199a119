/* SPDX-License-Identifier: MIT */
/*
 * The mux against its model, from random bytes. RP_MODEL_RUNS sets the number of runs,
 * RP_MODEL_SEED the seed of the first one; the seed of a run with a finding is printed, and
 * RP_MODEL_RUNS=1 with it repeats that run alone.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "ssh/session.h"
#include "test/lib/mux_model.h"
#include "test/lib/slow.h"

#define RUNS          1500
#define RUNS_VALGRIND 40
#define DATA_MAX      4000

static struct rp_hostkey *key;
static char now[64]; /* the seed of this run, for the end of the process */

/* Only async-signal-safe calls. */
static void on_abort(int sig)
{
	(void)!write(STDERR_FILENO, now, strlen(now));
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static const char *run(uint64_t seed, struct rp_model_stats *stats)
{
	const struct rp_model_options opt = {.key = key, .bytes_max = 2000000};
	uint64_t state = seed;
	size_t n = 20 + next(&state) % DATA_MAX;
	/* A block of its own size, so that a sanitizer sees the first byte read behind it. */
	uint8_t *data = malloc(n);
	assert_non_null(data);
	for (size_t i = 0; i < n; i++) {
		data[i] = (uint8_t)(next(&state) >> 32);
	}
	(void)snprintf(now, sizeof(now), "# RP_MODEL_SEED=%llu\n", (unsigned long long)seed);
	const char *finding = rp_model_run(&opt, data, n, stats);
	free(data);
	return finding;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	return s != NULL ? strtoull(s, NULL, 10) : otherwise;
}

static void test_random_runs(void **state)
{
	(void)state;
	uint64_t first = number_of("RP_MODEL_SEED", 1);
	uint64_t runs = number_of("RP_MODEL_RUNS", rp_slow() ? RUNS_VALGRIND : RUNS);
	struct rp_model_stats s = {0};
	unsigned findings = 0;
	for (uint64_t i = 0; i < runs && findings < 10; i++) {
		const char *finding = run(first + i, &s);
		if (finding != NULL) {
			findings++;
			print_message("%s# %s\n", now, finding);
		}
	}
	print_message("# %llu runs (%llu hostile, %llu through SSH): %llu cut, %llu out of memory, "
	              "%llu refused, %llu came to rest; %llu packets, %llu bytes, %llu opens, "
	              "%llu closes, %llu calls, %llu key exchanges, %llu batches\n",
	    (unsigned long long)s.runs, (unsigned long long)s.hostile, (unsigned long long)s.ssh,
	    (unsigned long long)s.cut, (unsigned long long)s.out_of_memory,
	    (unsigned long long)s.violations, (unsigned long long)s.rested,
	    (unsigned long long)s.packets, (unsigned long long)s.bytes, (unsigned long long)s.opens,
	    (unsigned long long)s.closes, (unsigned long long)s.calls, (unsigned long long)s.rekeys,
	    (unsigned long long)s.batches);
	assert_int_equal(findings, 0);
	if (runs >= RUNS) {
		/* A model that never gets anywhere finds nothing either. */
		assert_true(s.ssh > 0 && s.cut > 0 && s.out_of_memory > 0 && s.violations > 0);
		assert_true(s.rested > runs / 3 && s.rekeys > 0 && s.batches > 0);
		assert_true(s.opens > runs && s.closes > runs && s.calls > runs);
		assert_true(s.bytes > runs * 1000);
	}
}

static int start(void **state)
{
	(void)state;
	(void)signal(SIGABRT, on_abort);
	if (rp_ssh_global_init(NULL) != 0 || rp_hostkey_from_seed("model", &key, NULL) != 0) {
		return -1;
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rp_hostkey_free(key);
	rp_ssh_global_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_runs),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
