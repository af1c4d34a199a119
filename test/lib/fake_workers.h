/* SPDX-License-Identifier: MIT */
/*
 * Workers without threads and connections: they keep the orders that they get, and the test
 * answers.
 * A test that uses this file links it in place of server/worker.c.
 */
#ifndef RP_TEST_LIB_FAKE_WORKERS_H
#define RP_TEST_LIB_FAKE_WORKERS_H

#include <stdbool.h>

#include "core/str.h"
#include "server/worker.h"

enum rp_fake_kind {
	RP_FAKE_ACCEPT,
	RP_FAKE_REFUSE,
	RP_FAKE_CLOSE,
	RP_FAKE_CALL,
	RP_FAKE_START,
	RP_FAKE_STOP,
	RP_FAKE_ACL
};

struct rp_fake_order {
	enum rp_fake_kind kind;
	struct rp_conn_ref ref;
	char *name; /* request, tunnel id, client id */
	char *text; /* payload, ACL, reason; NULL */
	char *file; /* of a call; NULL */
	struct rp_remote remote;
	struct rp_strlist old; /* rp_remote_text of each */
	bool flag;             /* force, ask_old */
	unsigned timeout_ms;
	rp_workers_call_cb call_cb;
	rp_workers_tunnel_cb tunnel_cb;
	void *ctx;
};

#define RP_FAKE_ORDERS_MAX 256

struct rp_workers *rp_fake_workers_new(void);
/* Answers what waits with RP_ECLOSED first. */
void rp_fake_workers_free(struct rp_workers *w);
/* The nth order since the last clear; fails the test if there are not that many. */
struct rp_fake_order *rp_fake_order(struct rp_workers *w, size_t n);
size_t rp_fake_count(const struct rp_workers *w);
/* Bytes of live output that were dealt with. */
size_t rp_fake_taken(const struct rp_workers *w);
/* Forgets the orders; those that wait are answered with RP_ECLOSED. */
void rp_fake_clear(struct rp_workers *w);
void rp_fake_answer(struct rp_fake_order *o, int code, const char *payload);
/* code 0 of a start: a tunnel with that id and port. Else text is the error. */
void rp_fake_answer_tunnel(struct rp_fake_order *o, int code, const char *id, const char *text);
/* What an installed client answers to all that waits: yes. Forgets the orders. */
void rp_fake_answer_all(struct rp_workers *w);

#endif
