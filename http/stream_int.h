/* SPDX-License-Identifier: MIT */
/*
 * Inside of a stream, shared by http/stream.c (sockets) and http/streamtls.c (TLS on top). Private
 * to these two.
 */
#ifndef RP_HTTP_STREAM_INT_H
#define RP_HTTP_STREAM_INT_H

#include <netinet/in.h>
#include <uv.h>

#include "http/chunkq.h"
#include "http/iopool.h"
#include "http/stream.h"

struct rp_streamtls;

struct rp_stream {
	struct rp_loop *loop;
	const struct rp_stream_ops *ops;
	void *ctx;
	struct rp_stream_options opt;
	uv_tcp_t tcp;
	uv_timer_t linger;
	uv_write_t write_req;
	struct rp_deferred turn; /* what is due before the loop sleeps: TLS, then writing */
	struct rp_iopool *pool;  /* from the first read or write on */
	struct rp_chunkq out;    /* for the kernel */
	struct rp_streamtls *tls;
	size_t write_len;   /* of write_req */
	size_t discarded;   /* bytes thrown away since close_flush */
	size_t linger_left; /* unacknowledged bytes at the linger timer's last tick */
	unsigned handles;   /* not yet closed */
	bool linger_made;
	bool writing;    /* write_req is under way */
	bool reading;    /* the owner wants data */
	bool eof;        /* the peer's FIN was seen */
	bool full;       /* the owner was told to wait for on_drain */
	bool fin_wanted; /* shutdown was called */
	bool fin_sent;
	bool discard; /* close_flush: no callbacks, data thrown away */
	bool failed;  /* on_error was called */
	bool closing; /* uv_close was called */
	char peer[INET6_ADDRSTRLEN];
};

/* Callbacks may be made. */
static inline bool rp_stream_live(const struct rp_stream *s)
{
	return !s->closing && !s->failed && !s->discard;
}

/* The stream can do no more: tells the owner, or closes if it is only being flushed. From loop
 * callbacks only. */
void rp_stream_fail(struct rp_stream *s, int code, const char *text);
/* The peer's end of data. From loop callbacks only. */
void rp_stream_end_of_data(struct rp_stream *s);

/* Writes at once what the kernel takes (a last TLS alert). */
void rp_stream_push(struct rp_stream *s);
/* Asks for on_turn. */
void rp_stream_want_turn(struct rp_stream *s);

/* Ciphertext that arrived. */
void rp_streamtls_input(struct rp_streamtls *t, const uint8_t *p, size_t n);
/* TCP ended. */
void rp_streamtls_eof(struct rp_streamtls *t);
/* Handshake, and what is waiting to be decrypted, as far as the owner reads. */
void rp_streamtls_run(struct rp_streamtls *t);
/* Encrypts what is queued into s->out; false: the stream failed. */
bool rp_streamtls_flush(struct rp_streamtls *t);
/* Ciphertext waits until the owner reads. */
bool rp_streamtls_kept(const struct rp_streamtls *t);
/* The handshake is done. */
bool rp_streamtls_ready(const struct rp_streamtls *t);
struct rp_chunkq *rp_streamtls_plain(struct rp_streamtls *t);
void rp_streamtls_free(struct rp_streamtls *t);

#endif
