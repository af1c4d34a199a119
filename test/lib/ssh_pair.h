/* SPDX-License-Identifier: MIT */
/*
 * An SSH server and a client session joined in memory, for tests, fuzzers and benchmarks: output
 * is collected and handed over in whole or in random pieces. Every callback leaves its trace in
 * the side it came for.
 */
#ifndef RP_TEST_LIB_SSH_PAIR_H
#define RP_TEST_LIB_SSH_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "ssh/hostkey.h"
#include "ssh/session.h"

#define RP_SSH_PAIR_USER     "client1"
#define RP_SSH_PAIR_PASSWORD "pass:word"

struct rp_ssh_pair;

struct rp_ssh_side {
	struct rp_ssh_pair *pair;
	struct rp_ssh *ssh;
	struct rp_buf out; /* for the other side */
	uint64_t sent;     /* bytes ever put into out */
	bool lost;         /* no memory for some of them */
	bool ready;
	bool rekeying;
	unsigned rekeys; /* ended ones */
	unsigned closed; /* calls of on_closed */
	int code;
	char why[256];
	unsigned packets;
	struct {
		const uint8_t *p;
		size_t n;
		uint32_t sum;
	} loan[16]; /* payloads that have to stay as they are */
	size_t loans;
	bool keeps;
	/* NULL or the test's own; may free ssh (and set it to NULL). */
	void (*on_ready)(struct rp_ssh_side *side);
	void (*on_packet)(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n);
	void (*on_rekey)(struct rp_ssh_side *side, bool running);
	void *user;
};

struct rp_ssh_pair {
	struct rp_ssh_side server;
	struct rp_ssh_side client;
	bool random_pieces; /* by test/lib/prng.h */
	bool refuse_hostkey;
	bool keep_closed; /* on_closed does not free the session */
	unsigned logins;  /* calls of on_password */
	bool (*on_password)(struct rp_ssh_pair *pair, const char *user, const char *password);
	bool (*on_hostkey)(struct rp_ssh_pair *pair);
	char md5[RP_FINGERPRINT_MD5_MAX]; /* what the client was shown */
	char sha256[RP_FINGERPRINT_SHA256_MAX];
};

/* Creates and starts both; p is zeroed first. 0 or RP_ENOMEM (then nothing is left). */
int rp_ssh_pair_init(struct rp_ssh_pair *p, const struct rp_hostkey *key, const char *password);
/* Frees what is still there. */
void rp_ssh_pair_fini(struct rp_ssh_pair *p);
/* Hands the output of from over, at most max bytes; returns the bytes handed over. */
size_t rp_ssh_pair_deliver(struct rp_ssh_side *from, size_t max);
/* Delivers in both directions until nothing moves. */
void rp_ssh_pair_settle(struct rp_ssh_pair *p);
/* Sends one packet: type, then payload. */
int rp_ssh_pair_send(struct rp_ssh_side *side, uint8_t type, const void *p, size_t n);

#endif
