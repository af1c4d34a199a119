/* SPDX-License-Identifier: MIT */
/*
 * Allocator hooks that count live blocks and let chosen allocations fail. Blocks are the C
 * library's own,
 * so those from before and after a run mix freely. Knows nothing of cmocka: fuzzers link it too.
 */
#include "test/lib/oom.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/err.h"

/* A body that still wants memory after so many failures does not terminate. */
#define RUNS_MAX 200000

enum mode {
	FAIL_NONE,
	FAIL_ONE,  /* allocation number fail_at */
	FAIL_FROM, /* that one and all later ones */
};

static atomic_long live;
static atomic_long count;
static atomic_bool failed;
static enum mode mode;
static long fail_at;
static long stop_at;

static bool must_fail(void)
{
	long n = atomic_fetch_add(&count, 1) + 1;
	bool fail = (mode == FAIL_ONE && n == fail_at) || (mode == FAIL_FROM && n >= fail_at);
	if (!fail) {
		return false;
	}
	if (n == stop_at) {
		(void)raise(SIGTRAP);
	}
	atomic_store(&failed, true);
	return true;
}

static void *counted(void *p)
{
	if (p != NULL) {
		atomic_fetch_add(&live, 1);
	}
	return p;
}

static void *oom_malloc(size_t size)
{
	return must_fail() ? NULL : counted(malloc(size));
}

static void *oom_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : counted(calloc(n, size));
}

static void *oom_realloc(void *p, size_t size)
{
	if (must_fail()) {
		return NULL;
	}
	void *q = realloc(p, size);
	return p == NULL ? counted(q) : q;
}

static void oom_free(void *p)
{
	if (p != NULL) {
		atomic_fetch_sub(&live, 1);
	}
	free(p);
}

static const struct rp_alloc_hooks hooks = {
    .malloc_fn = oom_malloc,
    .calloc_fn = oom_calloc,
    .realloc_fn = oom_realloc,
    .free_fn = oom_free,
};

static void arm(enum mode m, long n)
{
	mode = m;
	fail_at = n;
	atomic_store(&live, 0);
	atomic_store(&count, 0);
	atomic_store(&failed, false);
	rp_alloc_set_hooks(&hooks);
}

static void disarm(void)
{
	rp_alloc_set_hooks(NULL);
	mode = FAIL_NONE;
}

static const char *mode_text(enum mode m)
{
	return m == FAIL_ONE ? "alone" : "and all later ones";
}

/* One run with allocation n failing; 1 when nothing had to fail any more, 0 when it did, -1 when
 * broken. */
static int run_once(rp_oom_body body, void *state, enum mode m, long n)
{
	arm(m, n);
	int rc = body(state);
	long leaked = atomic_load(&live);
	bool injected = atomic_load(&failed);
	disarm();

	if (leaked != 0) {
		(void)fprintf(stderr,
		    "# oom: allocation %ld failing %s: %ld blocks not given back\n", n,
		    mode_text(m), leaked);
		return -1;
	}
	if (rc != 0 && !(injected && (rc == RP_ENOMEM || rc == UV_ENOMEM))) {
		(void)fprintf(stderr,
		    "# oom: allocation %ld failing %s: the body returned %d (%s)\n", n,
		    mode_text(m), rc, rp_err_text(rc));
		return -1;
	}
	return injected ? 0 : 1;
}

static int run_mode(rp_oom_body body, void *state, enum mode m)
{
	for (long n = 1; n <= RUNS_MAX; n++) {
		int rc = run_once(body, state, m, n);
		if (rc != 0) {
			return rc < 0 ? -1 : 0;
		}
	}
	(void)fprintf(stderr, "# oom: no end after %d failing allocations\n", RUNS_MAX);
	return -1;
}

int rp_oom_run(rp_oom_body body, void *state)
{
	const char *stop = getenv("RP_OOM_STOP");
	stop_at = stop == NULL ? 0 : strtol(stop, NULL, 10);

	int rc = body(state);
	if (rc != 0) {
		(void)fprintf(stderr, "# oom: the body returned %d (%s) with all memory there\n",
		    rc, rp_err_text(rc));
		return -1;
	}
	if (run_mode(body, state, FAIL_ONE) != 0) {
		return -1;
	}
	return run_mode(body, state, FAIL_FROM);
}

void rp_oom_count_start(void)
{
	arm(FAIL_NONE, 0);
}

long rp_oom_live(void)
{
	return atomic_load(&live);
}

void rp_oom_count_stop(void)
{
	disarm();
}
