/* SPDX-License-Identifier: MIT */
/*
 * Sessions with one host key, joined and brought to where a test begins; to be included by the only
 * file of a test program.
 */
#ifndef RP_TEST_LIB_SSH_SHORT_H
#define RP_TEST_LIB_SSH_SHORT_H

#include "ssh/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/prng.h"
#include "test/lib/slow.h"
#include "test/lib/ssh_pair.h"

static struct rp_hostkey *key;
static bool slow; /* under valgrind */

static inline void start(struct rp_ssh_pair *p)
{
	assert_int_equal(rp_ssh_pair_init(p, key, RP_SSH_PAIR_PASSWORD), 0);
}

static inline void login(struct rp_ssh_pair *p)
{
	start(p);
	rp_ssh_pair_settle(p);
	assert_true(p->server.ready);
	assert_true(p->client.ready);
}

/* Sends a message with libssh's own means, whatever the session thinks of it. */
static inline void force(struct rp_ssh_side *side, const void *p, size_t n)
{
	ssh_session session = side->ssh->session;
	side->ssh->muted = false;
	assert_int_equal(ssh_buffer_add_data(session->out_buffer, p, (uint32_t)n), 0);
	assert_int_equal(ssh_packet_send(session), SSH_OK);
}

/* What main returns. */
#define run_ssh_tests(tests) \
	(start_ssh_tests() != 0 ? 1 : end_ssh_tests(cmocka_run_group_tests(tests, NULL, NULL)))

static inline int start_ssh_tests(void)
{
	rp_prng_start();
	slow = rp_slow();
	int err = rp_ssh_global_init(NULL);
	return err != 0 ? err : rp_hostkey_from_seed("test", &key, NULL);
}

static inline int end_ssh_tests(int status)
{
	rp_hostkey_free(key);
	rp_ssh_global_fini();
	return rp_prng_report(status);
}

#endif
