/* SPDX-License-Identifier: MIT */
/*
 * TLS over a stream's TCP (http/stream.h). mbedTLS pulls ciphertext from the bytes that just
 * arrived and pushes its own into the stream's write queue, so it never has to wait for anything
 * but the peer.
 *
 * What the owner writes is queued as plaintext and encrypted once per turn: small writes share a
 * record. What cannot be decrypted yet, because the owner does not read, is kept until it does;
 * then nothing more is read from TCP.
 */
#include <arpa/inet.h>
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "http/stream_int.h"
#include "http/tls_int.h"

#include "core/banned.h"

/* Ciphertext that is made before the kernel gets some of it. */
#define AHEAD_MAX ((size_t)256 * 1024)
/* More than one read of TCP and a record are never kept. */
#define PENDING_MAX (2 * RP_IOPOOL_READ_SIZE)
#define TEXT_MAX    320

struct rp_streamtls {
	struct rp_stream *s;
	struct rp_tls *held; /* during the handshake */
	mbedtls_ssl_context ssl;
	struct rp_chunkq plain;
	void (*on_tls)(void *ctx);
	const uint8_t *in; /* ciphertext at hand */
	size_t in_n;
	struct rp_buf pending; /* ciphertext for later */
	uint8_t ip[16];        /* address to verify, if the host is one */
	size_t ip_n;
	bool ready;
	bool notified; /* close_notify was sent */
	bool tcp_eof;
	bool running;
};

static int on_send(void *ctx, const unsigned char *p, size_t n)
{
	struct rp_streamtls *t = ctx;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	if (t->s->pool == NULL || rp_chunkq_add(&t->s->out, t->s->pool, &iov, 1, n) != 0) {
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	}
	return (int)n; /* at most one record */
}

static int on_recv(void *ctx, unsigned char *p, size_t n)
{
	struct rp_streamtls *t = ctx;
	if (t->in_n == 0) {
		return t->tcp_eof ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
	}
	size_t part = RP_MIN(n, t->in_n);
	memcpy(p, t->in, part);
	t->in += part;
	t->in_n -= part;
	return (int)part;
}

/* mbedTLS checks names; for an address as host the certificate must list that address. */
static int on_verify(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct rp_streamtls *t = ctx;
	if (depth != 0) {
		return 0;
	}
	const mbedtls_x509_sequence *san = &crt->subject_alt_names;
	for (; san != NULL; san = san->next) {
		bool is_ip = (san->buf.tag & 0x1f) == MBEDTLS_X509_SAN_IP_ADDRESS;
		if (is_ip && san->buf.len == t->ip_n && memcmp(san->buf.p, t->ip, t->ip_n) == 0) {
			return 0;
		}
	}
	*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	return 0;
}

/* SNI carries names only (RFC 6066 3), so addresses are verified by on_verify. */
static int set_host(struct rp_streamtls *t, const char *host)
{
	if (inet_pton(AF_INET, host, t->ip) == 1) {
		t->ip_n = 4;
	} else if (inet_pton(AF_INET6, host, t->ip) == 1) {
		t->ip_n = 16;
	} else {
		return mbedtls_ssl_set_hostname(&t->ssl, host);
	}
	mbedtls_ssl_set_verify(&t->ssl, on_verify, t);
	return mbedtls_ssl_set_hostname(&t->ssl, NULL);
}

int rp_stream_start_tls(
    struct rp_stream *s, struct rp_tls *tls, const char *host, void (*on_tls)(void *ctx))
{
	RP_VERIFY(s->tls == NULL);
	if (!tls->server && host == NULL) {
		return RP_EINVAL; /* would be a connection to anybody */
	}
	if (s->out.len > 0) {
		return RP_EPROTO; /* a proxy that answers before it has read the question */
	}
	struct rp_streamtls *t = rp_calloc(1, sizeof(*t));
	if (t == NULL) {
		return RP_ENOMEM;
	}
	int rc = rp_tls_hold(tls);
	if (rc != 0) {
		rp_free(t);
		return rc;
	}
	t->held = tls;
	t->s = s;
	t->on_tls = on_tls;
	rp_buf_init(&t->pending, PENDING_MAX);
	mbedtls_ssl_init(&t->ssl);
	rc = mbedtls_ssl_setup(&t->ssl, &tls->conf);
	if (rc == 0 && !tls->server) {
		rc = set_host(t, host);
	}
	if (rc != 0) {
		rp_streamtls_free(t);
		return rc == MBEDTLS_ERR_SSL_ALLOC_FAILED ? RP_ENOMEM : RP_ETLS;
	}
	mbedtls_ssl_set_bio(&t->ssl, t, on_send, on_recv, NULL);
	s->tls = t;
	if (s->reading) {
		rp_stream_want_turn(s);
	}
	return 0;
}

static void handshake_over(struct rp_streamtls *t)
{
	if (t->held != NULL) {
		rp_tls_release(t->held);
		t->held = NULL;
	}
}

void rp_streamtls_free(struct rp_streamtls *t)
{
	mbedtls_ssl_free(&t->ssl);
	handshake_over(t);
	rp_chunkq_fini(&t->plain, t->s->pool);
	rp_buf_fini(&t->pending);
	rp_free(t);
}

bool rp_streamtls_kept(const struct rp_streamtls *t)
{
	return t->pending.len > 0;
}

bool rp_streamtls_ready(const struct rp_streamtls *t)
{
	return t->ready;
}

struct rp_chunkq *rp_streamtls_plain(struct rp_streamtls *t)
{
	return &t->plain;
}

/* "TLS: certificate ...: The certificate Common Name (CN) does not match ...; ..." */
static void verify_text(struct rp_streamtls *t, char *text, size_t size)
{
	char info[TEXT_MAX / 2];
	uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
	if (mbedtls_x509_crt_verify_info(info, sizeof(info), "", flags) < 0) {
		(void)snprintf(text, size, "TLS: certificate refused");
		return;
	}
	size_t n = strlen(info);
	while (n > 0 && info[n - 1] == '\n') {
		info[--n] = '\0';
	}
	for (char *nl = strchr(info, '\n'); nl != NULL; nl = strchr(nl, '\n')) {
		*nl = ';';
	}
	(void)snprintf(text, size, "TLS: certificate refused: %s", info);
}

/* The alert that mbedTLS has queued goes out first. */
static void tls_fail(struct rp_streamtls *t, int code)
{
	char text[TEXT_MAX];
	char reason[128];
	if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
		verify_text(t, text, sizeof(text));
	} else if (code == MBEDTLS_ERR_SSL_CONN_EOF) {
		(void)snprintf(text, sizeof(text), "TLS: connection closed during the handshake");
	} else if (code == MBEDTLS_ERR_SSL_INVALID_RECORD && !t->ready) {
		(void)snprintf(text, sizeof(text), "TLS: the peer does not speak TLS");
	} else {
		mbedtls_strerror(code, reason, sizeof(reason));
		(void)snprintf(text, sizeof(text), "TLS: %s", reason);
	}
	rp_stream_push(t->s);
	rp_stream_fail(t->s, code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? RP_ENOMEM : RP_ETLS, text);
}

static bool may_read(const struct rp_streamtls *t)
{
	return rp_stream_live(t->s) && t->s->reading;
}

/* True when the handshake is done and the owner still reads. */
static bool shake(struct rp_streamtls *t)
{
	if (t->ready) {
		return true;
	}
	int rc = mbedtls_ssl_handshake(&t->ssl);
	rp_stream_want_turn(t->s);
	if (rc == MBEDTLS_ERR_SSL_WANT_READ) {
		return false;
	}
	if (rc != 0) {
		tls_fail(t, rc);
		return false;
	}
	t->ready = true;
	handshake_over(t);
	if (t->on_tls != NULL) {
		t->on_tls(t->s->ctx);
	}
	return may_read(t);
}

/* Decrypts and delivers as long as there is something and the owner wants it. */
static void deliver(struct rp_streamtls *t)
{
	struct rp_stream *s = t->s;
	while (may_read(t) && !s->eof) {
		uint8_t *p = rp_iopool_plain_buf(s->pool);
		int rc = mbedtls_ssl_read(&t->ssl, p, RP_IOPOOL_PLAIN_SIZE);
		if (rc > 0) {
			s->ops->on_data(s->ctx, p, (size_t)rc);
		} else if (rc == MBEDTLS_ERR_SSL_WANT_READ) {
			return;
		} else if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
		    rc == MBEDTLS_ERR_SSL_CONN_EOF) {
			rp_stream_end_of_data(s);
		} else if (rc != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
			tls_fail(t, rc);
		}
	}
}

static bool have_pool(struct rp_stream *s)
{
	if (s->pool == NULL) {
		s->pool = rp_iopool_get();
	}
	return s->pool != NULL;
}

void rp_streamtls_run(struct rp_streamtls *t)
{
	if (t->running || !may_read(t)) {
		return;
	}
	if (!have_pool(t->s)) {
		rp_stream_fail(t->s, RP_ENOMEM, rp_err_text(RP_ENOMEM));
		return;
	}
	bool kept = t->in_n == 0;
	if (kept) {
		t->in = rp_buf_head(&t->pending);
		t->in_n = t->pending.len;
	}
	t->running = true;
	if (shake(t)) {
		deliver(t);
	}
	t->running = false;
	if (kept) {
		rp_buf_consume(&t->pending, t->pending.len - t->in_n);
		t->in_n = 0;
		if (t->pending.len == 0) {
			rp_buf_fini(&t->pending);
		}
	}
}

void rp_streamtls_input(struct rp_streamtls *t, const uint8_t *p, size_t n)
{
	int rc = 0;
	if (t->pending.len > 0) {
		rc = rp_buf_add(&t->pending, p, n);
		p = NULL;
		n = 0;
	}
	if (rc == 0) {
		t->in = p;
		t->in_n = n;
		rp_streamtls_run(t);
		rc = t->in_n == 0 ? 0 : rp_buf_add(&t->pending, t->in, t->in_n);
		t->in_n = 0;
	}
	if (rc != 0) {
		rp_stream_fail(t->s, rc, rp_err_text(rc));
	}
}

void rp_streamtls_eof(struct rp_streamtls *t)
{
	t->tcp_eof = true;
	(void)uv_read_stop((uv_stream_t *)&t->s->tcp);
	rp_streamtls_run(t);
}

/* One record's worth of the queue; false: nothing left or failed. */
static bool encrypt_some(struct rp_streamtls *t)
{
	struct iovec iov;
	if (rp_chunkq_iov(&t->plain, &iov, 1) == 0) {
		return false;
	}
	int rc = mbedtls_ssl_write(&t->ssl, iov.iov_base, iov.iov_len);
	if (rc <= 0) {
		tls_fail(t, rc);
		return false;
	}
	rp_chunkq_consume(&t->plain, t->s->pool, (size_t)rc);
	return true;
}

bool rp_streamtls_flush(struct rp_streamtls *t)
{
	struct rp_stream *s = t->s;
	if (!t->ready) {
		return true;
	}
	while (s->out.len < AHEAD_MAX && encrypt_some(t)) {
	}
	if (!s->failed && !s->closing && s->fin_wanted && t->plain.len == 0 && !t->notified) {
		t->notified = true;
		/* Only memory can lack; then the peer sees a plain end. */
		(void)mbedtls_ssl_close_notify(&t->ssl);
	}
	return !s->failed && !s->closing;
}
