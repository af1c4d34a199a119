/* SPDX-License-Identifier: MIT */
/*
 * Bulk traffic in both directions of a pair of sessions, with the ciphers of a test's choice; to be
 * included by the only file of a test program.
 */
#ifndef RP_TEST_LIB_SSH_FLOW_SHORT_H
#define RP_TEST_LIB_SSH_FLOW_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ssh/internal.h"
#include "ssh/session.h"
#include "test/lib/prng.h"
#include "test/lib/ssh_short.h"

/* The client offers this one cipher and MAC; before the first delivery. */
static inline void offer(struct rp_ssh_pair *p, const char *cipher, const char *mac)
{
	char **methods = p->client.ssh->session->next_crypto->client_kex.methods;
	for (size_t k = SSH_CRYPT_C_S; k <= SSH_MAC_S_C; k++) {
		free(methods[k]);
		methods[k] = rp_transport_strdup(k <= SSH_CRYPT_S_C ? cipher : mac);
	}
}

/* Bulk traffic: messages carry a counter and pseudo-random bytes, both ends keep a hash. */
struct flow {
	uint64_t hash_sent;
	uint64_t hash_got;
	uint64_t sent;
	uint64_t got;
};

static inline uint64_t mix(uint64_t hash, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 61) {
		hash = (hash ^ p[i] ^ (n << 8)) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static inline void on_bulk(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	struct flow *f = side->user;
	assert_int_equal(type, 94);
	f->hash_got = mix(f->hash_got, p, n);
	f->got += n;
}

static uint8_t bulk_bytes[RP_SSH_PAYLOAD_MAX];

/* Fills a packet where the transport wants it, and sends another one meanwhile. */
static inline bool send_in_place(struct rp_ssh_side *side, struct flow *f, size_t n)
{
	uint8_t *room = rp_ssh_reserve(side->ssh, 1 + n + rp_prng_below(100));
	if (room == NULL) {
		return false;
	}
	assert_null(rp_ssh_reserve(side->ssh, 1));
	room[0] = 94;
	memcpy(room + 1, bulk_bytes, n);
	f->hash_sent = mix(f->hash_sent, bulk_bytes, n);
	f->sent += n;
	size_t more = rp_prng_below(3) == 0 ? rp_prng_below(n + 1) : 0;
	if (more > 0) {
		assert_int_equal(rp_ssh_pair_send(side, 94, bulk_bytes, more), 0);
		f->hash_sent = mix(f->hash_sent, bulk_bytes, more);
		f->sent += more;
	}
	assert_int_equal(rp_ssh_commit(side->ssh, 1 + n), 0);
	return true;
}

static inline void send_some(struct rp_ssh_side *side, struct rp_ssh_side *to)
{
	struct flow *f = to->user;
	for (size_t i = rp_prng_below(8); i > 0; i--) {
		size_t n = rp_prng_below(rp_prng_below(20) == 0 ? 260000 : 33000);
		bulk_bytes[rp_prng_below(n + 1)]++;
		if (n < 200000 && rp_prng_below(2) == 0 && send_in_place(side, f, n)) {
			continue;
		}
		assert_int_equal(rp_ssh_pair_send(side, 94, bulk_bytes, n), 0);
		f->hash_sent = mix(f->hash_sent, bulk_bytes, n);
		f->sent += n;
	}
}

static inline void run_traffic(struct rp_ssh_pair *p, uint64_t total, bool forced)
{
	struct flow to_server = {0};
	struct flow to_client = {0};
	p->server.user = &to_server;
	p->client.user = &to_client;
	p->server.on_packet = on_bulk;
	p->client.on_packet = on_bulk;
	while (to_server.got + to_client.got < total) {
		send_some(&p->server, &p->client);
		send_some(&p->client, &p->server);
		size_t dice = rp_prng_below(50);
		if (forced && (dice == 0 || dice == 2)) {
			assert_int_equal(rp_ssh_rekey(p->server.ssh), 0);
		}
		if (forced && (dice == 1 || dice == 2)) {
			assert_int_equal(rp_ssh_rekey(p->client.ssh), 0);
		}
		/* Part of it stays under way. */
		(void)rp_ssh_pair_deliver(&p->client, rp_prng_below(200000));
		(void)rp_ssh_pair_deliver(&p->server, rp_prng_below(200000));
		assert_non_null(p->server.ssh);
		assert_non_null(p->client.ssh);
	}
	rp_ssh_pair_settle(p);
	assert_int_equal(to_server.sent, to_server.got);
	assert_int_equal(to_client.sent, to_client.got);
	assert_int_equal(to_server.hash_sent, to_server.hash_got);
	assert_int_equal(to_client.hash_sent, to_client.hash_got);
	assert_false(p->server.rekeying);
	assert_false(p->client.rekeying);
	assert_int_equal(p->server.rekeys, p->client.rekeys);
}

static inline uint64_t traffic_total(void)
{
	return (uint64_t)(slow ? 2 : 64) << 20;
}

static inline void on_numbered(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	unsigned *next = side->user;
	unsigned number;
	assert_int_equal(type, 94);
	assert_int_equal(n, sizeof(number));
	memcpy(&number, p, sizeof(number));
	assert_int_equal(number, *next);
	*next = number + 1;
}

#endif
