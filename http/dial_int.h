/* SPDX-License-Identifier: MIT */
/*
 * Inside of an outgoing connection: http/dial.c (phases), http/dial_connect.c (addresses),
 * http/dial_proxy.c, http/dial_upgrade.c. Private to these.
 */
#ifndef RP_HTTP_DIAL_INT_H
#define RP_HTTP_DIAL_INT_H

#include <sys/socket.h>
#include <uv.h>

#include "http/dial.h"

#define RP_DIAL_ADDRESSES_MAX 16

enum rp_dial_phase {
	RP_DIAL_RESOLVE,
	RP_DIAL_CONNECT,
	RP_DIAL_PROXY_HTTP,
	RP_DIAL_SOCKS_METHOD,
	RP_DIAL_SOCKS_AUTH,
	RP_DIAL_SOCKS_REQUEST,
	RP_DIAL_TLS,
	RP_DIAL_UPGRADE,
	RP_DIAL_DONE /* on_done was called, or the owner has cancelled */
};

struct rp_dial {
	struct rp_loop *loop;
	struct rp_dial_options opt;
	rp_dial_cb on_done;
	void *ctx;
	enum rp_dial_phase phase;
	struct rp_deferred begin;
	uv_timer_t deadline;
	uv_timer_t stagger; /* the next address is tried */
	unsigned handles;   /* timers not yet closed */
	uv_getaddrinfo_t resolve;
	bool resolving;
	struct sockaddr_storage addresses[RP_DIAL_ADDRESSES_MAX];
	unsigned n_addresses;
	unsigned next_address;
	struct rp_list attempts;
	struct rp_err attempt_err; /* of the last attempt that failed */
	struct rp_stream *stream;
	struct rp_http_parser *parser;
	struct rp_buf in; /* SOCKS answers */
	char *accept;     /* the Sec-WebSocket-Accept to expect */
	char *authority;  /* of the target */
	char *peer;       /* whom we connect to, for texts: "proxy a:1" or "b:2" */
};

/* Ends the dial with an error. The dial must not be used afterwards. */
void rp_dial_fail(struct rp_dial *d, int code, const char *fmt, ...) RP_PRINTF(3, 4);
/* Ends it with success: the stream and the early bytes go to the owner. */
void rp_dial_succeed(struct rp_dial *d, const uint8_t *early, size_t early_n);
/* Queues a message for the peer; on failure the dial has ended: false. */
bool rp_dial_send(struct rp_dial *d, const void *p, size_t n);
/* Frees the dial if nothing of it is under way any more. */
void rp_dial_maybe_free(struct rp_dial *d);

/* dial_connect.c: resolves the host and connects; calls rp_dial_connected or rp_dial_fail. */
void rp_dial_connect_start(struct rp_dial *d);
void rp_dial_connect_cancel(struct rp_dial *d);
void rp_dial_connected(struct rp_dial *d, int fd);

/* dial_proxy.c: talks to the proxy; calls rp_dial_reached or rp_dial_fail. */
void rp_dial_proxy_start(struct rp_dial *d);
void rp_dial_proxy_data(struct rp_dial *d, const uint8_t *p, size_t n);
/* The path to the server stands; p: bytes behind the proxy's answer. */
void rp_dial_reached(struct rp_dial *d, const uint8_t *p, size_t n);

/* dial_upgrade.c */
/* What is wrong with the custom headers, or NULL. */
const char *rp_dial_check_headers(const struct rp_dial *d);
void rp_dial_upgrade_start(struct rp_dial *d);
void rp_dial_upgrade_data(struct rp_dial *d, const uint8_t *p, size_t n);

#endif
