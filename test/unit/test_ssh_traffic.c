/* SPDX-License-Identifier: MIT */
/*
 * What a session does after the login: traffic under key exchanges, queues, sizes of payloads.
 */
#include "ssh/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/prng.h"
#include "test/lib/ssh_flow_short.h"
#include "test/lib/ssh_short.h"

static void test_forced_rekeys(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	p.random_pieces = true;
	run_traffic(&p, traffic_total(), true);
	if (!slow) {
		assert_true(p.server.rekeys > 5);
	}
	rp_ssh_pair_fini(&p);
}

static void test_rekeys_by_limit(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	rp_ssh_set_rekey_limits(p.server.ssh, 700000, 3600000);
	rp_ssh_set_rekey_limits(p.client.ssh, 1100000, 3600000);
	run_traffic(&p, traffic_total() / (slow ? 1 : 2), false);
	/* About 14, of which chance may take half. */
	assert_true(p.server.rekeys >= (slow ? 1 : 4));
	rp_ssh_pair_fini(&p);
}

static void test_rekey_by_time(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	rp_ssh_set_rekey_limits(p.server.ssh, UINT64_MAX, 0);
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	(void)rp_ssh_pair_deliver(&p.client, SIZE_MAX);
	assert_true(p.server.rekeying);
	rp_ssh_set_rekey_limits(p.server.ssh, UINT64_MAX, UINT64_MAX);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.rekeys, 1);
	assert_int_equal(p.client.rekeys, 1);
	rp_ssh_pair_fini(&p);
}

static void test_both_rekey_at_once(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
		assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
		assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
		assert_true(p.server.rekeying && p.client.rekeying);
		rp_ssh_pair_settle(&p);
		assert_int_equal(p.server.rekeys, i);
		assert_int_equal(p.client.rekeys, i);
	}
	rp_ssh_pair_fini(&p);
}

static void test_queue_during_rekey(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	unsigned next = 0;
	login(&p);
	p.client.on_packet = on_numbered;
	p.client.user = &next;
	assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
	uint64_t sent = p.server.sent;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.server, 94, &i, sizeof(i)), 0);
	}
	assert_int_equal(p.server.sent, sent);
	rp_ssh_pair_settle(&p);
	assert_int_equal(next, 1000);
	rp_ssh_pair_fini(&p);
}

static void test_queue_is_bounded(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
	size_t taken = 0;
	int r;
	while ((r = rp_ssh_pair_send(&p.server, 94, bulk_bytes, 200000)) == 0) {
		taken += 200000;
	}
	assert_int_equal(r, RP_EBUSY);
	assert_true(taken > 1000000 && taken <= (size_t)16 * 1024 * 1024);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.packets, taken / 200000);
	assert_int_equal(rp_ssh_pair_send(&p.server, 94, bulk_bytes, 200000), 0);
	rp_ssh_pair_fini(&p);
}

static void test_changed_host_key(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	struct rp_hostkey *other_key;
	assert_int_equal(rp_hostkey_from_seed("other", &other_key, NULL), 0);
	login(&p);
	p.server.ssh->key = other_key;
	assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.code, RP_EDENIED);
	assert_non_null(strstr(p.client.why, rp_hostkey_md5(other_key)));
	rp_ssh_pair_fini(&p);
	rp_hostkey_free(other_key);
}

static void on_sized(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	size_t *size = side->user;
	(void)type;
	assert_memory_equal(p, bulk_bytes, n);
	*size = n;
}

static void test_payload_limits(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	size_t size = 0;
	start(&p);
	assert_int_equal(rp_ssh_pair_send(&p.server, 80, "x", 1), RP_ECLOSED);
	assert_int_equal(rp_ssh_rekey(p.server.ssh), RP_ECLOSED);
	rp_ssh_pair_settle(&p);
	p.client.on_packet = on_sized;
	p.client.user = &size;
	rp_prng_bytes(bulk_bytes, sizeof(bulk_bytes));
	static const size_t sizes[] = {0, 1, 3, 4, 11, 12, 15, 16, 17, 32767, 32768, 65535, 65536,
	    RP_SSH_PAYLOAD_MAX - 2, RP_SSH_PAYLOAD_MAX - 1};
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		assert_int_equal(rp_ssh_pair_send(&p.server, 94, bulk_bytes, sizes[i]), 0);
		rp_ssh_pair_settle(&p);
		assert_int_equal(size, sizes[i]);
	}
	assert_int_equal(
	    rp_ssh_pair_send(&p.server, 94, bulk_bytes, RP_SSH_PAYLOAD_MAX), RP_ELIMIT);
	struct iovec huge[2] = {{bulk_bytes, 1}, {bulk_bytes, SIZE_MAX}};
	assert_int_equal(rp_ssh_send(p.server.ssh, huge, 2), RP_ELIMIT);
	assert_int_equal(rp_ssh_send(p.server.ssh, huge, 0), RP_EINVAL);
	assert_int_equal(p.client.packets, RP_ARRAY_LEN(sizes));
	rp_ssh_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forced_rekeys),
	    cmocka_unit_test(test_rekeys_by_limit),
	    cmocka_unit_test(test_rekey_by_time),
	    cmocka_unit_test(test_both_rekey_at_once),
	    cmocka_unit_test(test_queue_during_rekey),
	    cmocka_unit_test(test_queue_is_bounded),
	    cmocka_unit_test(test_changed_host_key),
	    cmocka_unit_test(test_payload_limits),
	};
	return run_ssh_tests(tests);
}
