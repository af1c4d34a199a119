/* SPDX-License-Identifier: MIT */
/*
 * An HTTP server over real sockets for one test: its loop runs in the main thread, a client in
 * another one.
 */
#ifndef RP_TEST_LIB_HTTP_RIG_H
#define RP_TEST_LIB_HTTP_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "core/loop.h"
#include "http/accept.h"
#include "http/server.h"

/* Room for what the client reads. */
#define RP_HTTP_RIG_OUT_MAX ((size_t)256 * 1024)
/* Bytes of the answer to /big. */
#define RP_HTTP_RIG_BIG ((size_t)5 * 1000 * 1000)

struct rp_http_rig {
	struct rp_loop *loop;
	struct rp_acceptor *acceptor;
	struct rp_http_server_options opt;
	struct rp_http_server_ops ops;
	uint16_t port;
	unsigned accepted;
	unsigned closed;
	unsigned requests;
	unsigned bad;
	unsigned last_status; /* of on_bad_request */
	unsigned late;        /* answers that wait for their timer */
	bool own_bad_body;
	bool rough; /* clients go suddenly */
	char *big;
	/* Client thread. */
	uv_thread_t thread;
	void (*client)(struct rp_http_rig *f);
	struct rp_msg done;
	const char *in;
	size_t in_n;
	size_t piece;    /* bytes per send, 0 = all */
	unsigned gap_ms; /* between pieces */
	bool half_close;
	const char *command;
	char *out;
	size_t out_n;
	size_t sent; /* of `in`, before the server closed */
	uint64_t took_ms;
};

/* All of these fail the test when something does not work. Short deadlines, small limits. */
void rp_http_rig_init(struct rp_http_rig *f);
void rp_http_rig_fini(struct rp_http_rig *f);
/* Runs the client to its end; every connection must be gone then. */
void rp_http_rig_run(struct rp_http_rig *f, void (*client)(struct rp_http_rig *f));
/* Client: sends f->in, reads until the server closes. */
void rp_http_rig_raw(struct rp_http_rig *f);
/* Client: f->command, whose %u is the port. */
void rp_http_rig_command(struct rp_http_rig *f);
/* Init, and a raw client that sends this and closes its half. */
void rp_http_rig_talk(struct rp_http_rig *f, const char *in);
void rp_http_rig_talk_n(struct rp_http_rig *f, const char *in, size_t n);
/* How often part stands in text. */
unsigned rp_http_rig_count(const char *text, const char *part);

#endif
