/* SPDX-License-Identifier: MIT */
/*
 * What the two fuzz targets of the SSH layer share: a pair of sessions that is honest up to a
 * chosen point, and the input that speaks for one side from there on. Random numbers come from a
 * fixed seed, where the crypto backend lets itself be told, so that an input always does the
 * same.
 */
#ifndef RP_TEST_FUZZ_SSH_HARNESS_H
#define RP_TEST_FUZZ_SSH_HARNESS_H

#include <stdlib.h>
#include <string.h>

#include "ssh/internal.h"
#include "test/lib/ssh_pair.h"

#ifdef HAVE_LIBCRYPTO
#include <openssl/rand.h>
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RP_HARNESS_CLEAR,
	RP_HARNESS_UNAUTH,
	RP_HARNESS_AUTH,
	RP_HARNESS_RAW
};

static struct rp_hostkey *rp_harness_key;
static uint64_t rp_harness_random;

static inline int rp_harness_bytes(unsigned char *p, int n)
{
	for (int i = 0; i < n; i++) {
		rp_harness_random = rp_harness_random * UINT64_C(6364136223846793005) + 1;
		p[i] = (unsigned char)(rp_harness_random >> 56);
	}
	return 1;
}

static inline int rp_harness_ok(void)
{
	return 1;
}

static inline void rp_harness_init(void)
{
#ifdef HAVE_LIBCRYPTO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	static const RAND_METHOD method = {
	    .bytes = rp_harness_bytes, .pseudorand = rp_harness_bytes, .status = rp_harness_ok};
	RP_VERIFY(RAND_set_rand_method(&method) == 1);
#pragma GCC diagnostic pop
#endif
	RP_VERIFY(rp_ssh_global_init(NULL) == 0);
	RP_VERIFY(rp_hostkey_from_seed("fuzz", &rp_harness_key, NULL) == 0);
}

/* Closed sessions stay, so that they can go on sending nonsense. */
static inline void rp_harness_start(struct rp_ssh_pair *p, int mode)
{
	rp_harness_random = 1;
	RP_VERIFY(rp_ssh_pair_init(p, rp_harness_key, RP_SSH_PAIR_PASSWORD) == 0);
	p->keep_closed = true;
	p->refuse_hostkey = mode == RP_HARNESS_UNAUTH;
	if (mode != RP_HARNESS_CLEAR) {
		rp_ssh_pair_settle(p);
	}
}

static inline void rp_harness_send(struct rp_ssh_side *side, const uint8_t *p, size_t n)
{
	ssh_session session = side->ssh->session;
	/* Messages that change the sender's own keys are none of an honest libssh's. */
	if (n == 0 || p[0] == SSH2_MSG_NEWKEYS) {
		return;
	}
	side->ssh->muted = false;
	RP_VERIFY(ssh_buffer_reinit(session->out_buffer) == 0);
	RP_VERIFY(ssh_buffer_add_data(session->out_buffer, p, (uint32_t)n) == 0);
	(void)ssh_packet_send(session);
}

static inline void rp_harness_messages(struct rp_ssh_side *side, const uint8_t *data, size_t size)
{
	struct rp_cursor c;
	uint8_t high;
	uint8_t low;
	const uint8_t *message;
	rp_cursor_init(&c, data, size);
	while (rp_cursor_u8(&c, &high) == 0 && rp_cursor_u8(&c, &low) == 0) {
		size_t n = RP_MIN((size_t)high << 8 | low, c.left);
		if (rp_cursor_bytes(&c, n, &message) != 0) {
			return;
		}
		rp_harness_send(side, message, n);
		/* One direction alone: the speaker does not listen. */
		(void)rp_ssh_pair_deliver(side, SIZE_MAX);
	}
}

/* side is the one that the input speaks for. */
static inline void rp_harness_play(
    struct rp_ssh_pair *p, struct rp_ssh_side *side, int mode, const uint8_t *data, size_t size)
{
	struct rp_ssh_side *target = side == &p->client ? &p->server : &p->client;
	if (mode == RP_HARNESS_UNAUTH || mode == RP_HARNESS_AUTH) {
		rp_harness_messages(side, data, size);
		return;
	}
	/* In two pieces, the second from another block of memory. */
	size_t half = size / 2;
	uint8_t *second = malloc(size - half + 1);
	RP_VERIFY(second != NULL);
	memcpy(second, data + half, size - half);
	rp_ssh_input(target->ssh, data, half);
	rp_ssh_input(target->ssh, second, size - half);
	free(second);
}

#endif
