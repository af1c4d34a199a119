/* SPDX-License-Identifier: MIT */
/*
 * Running out of memory on purpose: a test body is repeated while the 1st, 2nd, 3rd ...
 * allocation made
 * through core/alloc.h fails, until a run needs fewer allocations than that. Every run must end in
 * success or in "no memory" and give back every block. Works from any thread of the process.
 *
 *	static int body(void *state)
 *	{
 *		struct rp_thing *t = rp_thing_new(state);
 *		if (t == NULL) {
 *			return RP_ENOMEM;
 *		}
 *		rp_thing_free(t);
 *		return 0;
 *	}
 *	...
 *	assert_int_equal(rp_oom_run(body, &state), 0);
 *
 * For allocations of libuv, cJSON and SQLite call rp_alloc_hook_libraries() at the start of main.
 */
#ifndef RP_TEST_LIB_OOM_H
#define RP_TEST_LIB_OOM_H

/* Returns 0, RP_ENOMEM or UV_ENOMEM; anything else fails the test. Must not leave by a failed
 * assertion:
 * check what is true with and without memory, and report the rest by the return value. */
typedef int (*rp_oom_body)(void *state);

/* Runs body once as it is (a warm-up for what libraries allocate once and keep), then with the
 * Nth allocation
 * failing alone, then with the Nth and all later ones failing. 0 when everything held; -1 after a
 * line on stderr that names the allocation. RP_OOM_STOP=N in the environment raises SIGTRAP there,
 * for a debugger. Not to be nested. */
int rp_oom_run(rp_oom_body body, void *state);

/* Counts blocks without letting any allocation fail. Ends with rp_oom_count_stop. */
void rp_oom_count_start(void);
/* Blocks allocated minus blocks freed since rp_oom_count_start; may be negative. */
long rp_oom_live(void);
/* Restores the ordinary allocator; fine when nothing was started (so it suits a teardown). */
void rp_oom_count_stop(void);

#endif
