/* SPDX-License-Identifier: MIT */
/*
 * Sessions that are freed inside callbacks, answer inside them, and give all memory back.
 */
#include "ssh/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/oom.h"
#include "test/lib/ssh_flow_short.h"
#include "test/lib/ssh_short.h"

static void free_side(struct rp_ssh_side *side)
{
	rp_ssh_free(side->ssh);
	side->ssh = NULL;
}

static void free_on_packet(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	(void)type;
	(void)p;
	(void)n;
	free_side(side);
}

static void free_on_rekey(struct rp_ssh_side *side, bool running)
{
	(void)running;
	free_side(side);
}

static bool free_on_password(struct rp_ssh_pair *p, const char *user, const char *password)
{
	(void)user;
	(void)password;
	free_side(&p->server);
	return true;
}

static bool free_on_hostkey(struct rp_ssh_pair *p)
{
	free_side(&p->client);
	return true;
}

static void test_free_in_callbacks(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	p.server.on_ready = free_side;
	p.client.on_ready = free_side;
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ready && p.client.ready);
	assert_int_equal(p.server.closed + p.client.closed, 0);
	rp_ssh_pair_fini(&p);

	start(&p);
	p.on_password = free_on_password;
	rp_ssh_pair_settle(&p);
	assert_false(p.client.ready);
	rp_ssh_pair_fini(&p);

	start(&p);
	p.on_hostkey = free_on_hostkey;
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.logins, 0);
	rp_ssh_pair_fini(&p);

	login(&p);
	p.server.on_packet = free_on_packet;
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.packets, 1);
	rp_ssh_pair_fini(&p);

	login(&p);
	p.server.on_rekey = free_on_rekey;
	assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
	rp_ssh_pair_settle(&p);
	assert_null(p.server.ssh);
	rp_ssh_pair_fini(&p);
}

/* An echo from inside the callback, while key exchanges come and go. */
static void echo(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	assert_int_equal(rp_ssh_pair_send(side, type, p, n), 0);
	if (side->packets % 37 == 0) {
		assert_int_equal(rp_ssh_rekey(side->ssh), 0);
	}
}

static void test_echo_in_callbacks(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	unsigned next = 0;
	login(&p);
	p.random_pieces = true;
	p.server.on_packet = echo;
	p.client.on_packet = on_numbered;
	p.client.user = &next;
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 94, &i, sizeof(i)), 0);
		if (i % 20 == 0) {
			rp_ssh_pair_settle(&p);
		}
	}
	rp_ssh_pair_settle(&p);
	assert_int_equal(next, 500);
	assert_true(p.server.rekeys > 3);
	rp_ssh_pair_fini(&p);
}

/* Many small packets in one input: libssh would call itself for each. */
static void test_many_packets_in_one_input(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	unsigned n = slow ? 2000 : 200000;
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 93, "12345678", 8), 0);
	}
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.packets, n);
	rp_ssh_pair_fini(&p);
}

static void test_memory_is_given_back(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	offer(&p, "aes256-ctr", "hmac-sha2-256");
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ready && p.client.ready);
	ssh_buffer before = p.server.ssh->session->in_buffer;
	assert_int_equal(rp_ssh_pair_send(&p.client, 94, bulk_bytes, 100000), 0);
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ssh->large);
	assert_ptr_equal(p.server.ssh->session->in_buffer, before);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
		rp_ssh_pair_settle(&p);
	}
	assert_false(p.server.ssh->large);
	assert_null(p.server.ssh->rest.data);
	assert_int_equal(p.server.packets, 21);
	rp_ssh_pair_fini(&p);
}

/* With AES-GCM libssh's buffers are not used after the login. */
static void test_nothing_is_kept(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	static const uint8_t types[] = {80, 82, 90, 94, 100};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, types[i], bulk_bytes, 100000), 0);
		assert_int_equal(rp_ssh_pair_deliver(&p.client, 60000), 60000);
		assert_non_null(p.server.ssh->rest.data);
		rp_ssh_pair_settle(&p);
		assert_null(p.server.ssh->rest.data);
		assert_false(p.server.ssh->large || p.client.ssh->large);
	}
	assert_int_equal(p.server.packets, RP_ARRAY_LEN(types));
	rp_ssh_pair_fini(&p);
}

static void test_started_once(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	assert_int_equal(rp_ssh_start(p.server.ssh), RP_EINVAL);
	rp_ssh_pair_settle(&p);
	assert_true(p.client.ready);
	rp_ssh_pair_fini(&p);
	rp_ssh_free(NULL);
}

/* libssh's own allocations do not fail here; ours do. */
static int oom_body(void *state)
{
	(void)state;
	struct rp_ssh_pair p;
	int r = rp_ssh_pair_init(&p, key, RP_SSH_PAIR_PASSWORD);
	if (r != 0) {
		return r;
	}
	rp_ssh_pair_settle(&p);
	bool good = p.server.ready && p.client.ready;
	/* A login that is refused for lack of memory looks like a refused login. */
	bool refused = p.server.lost || p.client.lost || p.server.code == RP_ENOMEM ||
	    p.client.code == RP_ENOMEM || p.client.code == RP_EAUTH;
	rp_ssh_pair_fini(&p);
	return good ? 0 : refused ? RP_ENOMEM : -1;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_free_in_callbacks),
	    cmocka_unit_test(test_echo_in_callbacks),
	    cmocka_unit_test(test_many_packets_in_one_input),
	    cmocka_unit_test(test_memory_is_given_back),
	    cmocka_unit_test(test_nothing_is_kept),
	    cmocka_unit_test(test_started_once),
	    cmocka_unit_test(test_out_of_memory),
	};
	return run_ssh_tests(tests);
}
