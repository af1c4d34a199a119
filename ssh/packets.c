/* SPDX-License-Identifier: MIT */
/*
 * Between the transport's bytes and libssh's packet layer (RFC 4253 6). libssh gets exactly one
 * packet per call, straight from the caller's memory: it would call itself once per packet
 * otherwise, and a peer could choose the depth. A packet's length is known after its first block,
 * which libssh decrypts in a call of its own; only the rest of an incomplete packet is kept.
 *
 * Our table of packet callbacks stands in front of libssh's: key exchange goes on to libssh, all
 * else ends here, so that neither its channels nor its user authentication ever see a byte of a
 * peer. libssh's packet filter has looked at every message before.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* packet_length and padding_length before the payload: left free, libssh need not move it. */
#define HEADROOM 5
/* Padding and MAC behind it. */
#define TAILROOM (32 + 64)
/* A packet above this makes buffers worth giving back; an input below that is a small one. */
#define LARGE_BYTES       4096
#define SMALL_INPUT_BYTES 1024
/* Payload that may wait for the end of a key exchange. */
#define QUEUED_MAX ((size_t)16 * 1024 * 1024)

enum {
	FIRST_TYPE = SSH2_MSG_DISCONNECT,
	LAST_TYPE = SSH2_MSG_CHANNEL_FAILURE
};

static void on_disconnect(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	struct rp_cursor c;
	struct rp_str text = rp_str_c("");
	uint32_t reason = 0;
	rp_cursor_init(&c, p, n);
	if (rp_cursor_u32(&c, &reason) != 0 || rp_cursor_sstring(&c, &text) != 0) {
		text = rp_str_c("");
	}
	rp_ssh_fail(s, RP_ECLOSED, "peer disconnected: %.*s (reason %u)",
	    (int)RP_MIN(text.len, (size_t)160), text.p, (unsigned)reason);
}

static int on_transport(ssh_session session, uint8_t type, ssh_buffer packet, void *user)
{
	struct rp_ssh *s = user;
	(void)session;
	s->handled = true;
	if (type == SSH2_MSG_DISCONNECT) {
		on_disconnect(s, ssh_buffer_get(packet), ssh_buffer_get_len(packet));
	}
	/* IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO: nothing to do. */
	return SSH_PACKET_USED;
}

static int on_kex(ssh_session session, uint8_t type, ssh_buffer packet, void *user)
{
	struct rp_ssh *s = user;
	(void)session;
	(void)packet;
	s->handled = true;
	if (type == SSH2_MSG_KEXINIT && !rp_kex_on_peer_init(s)) {
		return SSH_PACKET_USED;
	}
	return SSH_PACKET_NOT_USED;
}

static int on_auth(ssh_session session, uint8_t type, ssh_buffer packet, void *user)
{
	struct rp_ssh *s = user;
	(void)session;
	s->handled = true;
	rp_auth_on_packet(s, type, ssh_buffer_get(packet), ssh_buffer_get_len(packet));
	return SSH_PACKET_USED;
}

static int on_connection(ssh_session session, uint8_t type, ssh_buffer packet, void *user)
{
	struct rp_ssh *s = user;
	(void)session;
	s->handled = true;
	if (s->phase != RP_SSH_READY) {
		rp_ssh_fail(
		    s, RP_EPROTO, "peer sent message number %u before login", (unsigned)type);
		return SSH_PACKET_USED;
	}
	size_t n = ssh_buffer_get_len(packet);
	if (n > LARGE_BYTES) {
		s->large = true;
		s->quiet = 0;
	}
	s->ops->on_packet(s->ctx, type, ssh_buffer_get(packet), n);
	return SSH_PACKET_USED;
}

#define NONE2  NULL, NULL
#define NONE8  NONE2, NONE2, NONE2, NONE2
#define AUTH5  on_auth, on_auth, on_auth, on_auth, on_auth
#define CONN10 CONN5, CONN5
#define CONN5  on_connection, on_connection, on_connection, on_connection, on_connection

/* Where it says NULL libssh's filter knows no such message. */
static ssh_packet_callback table[] = {
    on_transport, on_transport, on_transport, on_transport, /* 1-4 */
    on_auth, on_auth, on_transport,                         /* 5-7 */
    NONE8, NONE2, NONE2,                                    /* 8-19 */
    on_kex, on_kex,                                         /* 20-21 */
    NONE8,                                                  /* 22-29 */
    on_kex, on_kex, on_kex, on_kex, on_kex,                 /* 30-34 */
    NONE8, NONE2, NONE2, NONE2, NULL,                       /* 35-49 */
    AUTH5, AUTH5, AUTH5, AUTH5, AUTH5, AUTH5,               /* 50-79 */
    on_connection, on_connection, on_connection,            /* 80-82 */
    NONE2, NONE2, NONE2, NULL,                              /* 83-89 */
    CONN10, on_connection,                                  /* 90-100 */
};
_Static_assert(RP_ARRAY_LEN(table) == LAST_TYPE - FIRST_TYPE + 1, "one entry per message number");

int rp_packets_hook(struct rp_ssh *s)
{
	s->callbacks = (struct ssh_packet_callbacks_struct){
	    .start = FIRST_TYPE,
	    .n_callbacks = RP_ARRAY_LEN(table),
	    .callbacks = table,
	    .user = s,
	};
	return ssh_list_prepend(s->session->packet_callbacks, &s->callbacks) == SSH_OK ? 0
	                                                                               : RP_ENOMEM;
}

/* How the incoming direction cuts its packets now. */
struct framing {
	size_t block;  /* the part that the padding fills up is a multiple of it */
	size_t clear;  /* leading bytes that do not count into that */
	size_t header; /* bytes that tell the length */
	size_t mac;
};

static struct framing current_framing(ssh_session session)
{
	struct framing f = {.block = 8, .header = 8};
	const struct ssh_crypto_struct *crypto = ssh_packet_get_current_crypto(
	    session, SSH_DIRECTION_IN);
	if (crypto == NULL) {
		return f;
	}
	f.block = crypto->in_cipher->blocksize;
	f.mac = hmac_digest_len(crypto->in_hmac);
	f.header = crypto->in_cipher->lenfield_blocksize;
	if (crypto->in_hmac_etm) {
		f.header = 4;
	} else if (f.header == 0) {
		f.header = f.block;
	}
	f.clear = f.header == 4 ? 4 : 0;
	return f;
}

/* Notices what a call of libssh has led to. False: the session is over. */
static bool check(struct rp_ssh *s)
{
	enum ssh_session_state_e state = s->session->session_state;
	if (s->phase != RP_SSH_CLOSED &&
	    (state == SSH_SESSION_STATE_ERROR || state == SSH_SESSION_STATE_DISCONNECTED)) {
		rp_ssh_fail_lib(s, RP_EPROTO, s->phase == RP_SSH_KEX ? "key exchange" : "packet");
	}
	return s->phase != RP_SSH_CLOSED;
}

/* The length that libssh has read is checked before anything is kept for it. */
static bool set_wanted(struct rp_ssh *s, const struct framing *f)
{
	size_t len = s->session->in_packet.len;
	size_t max = s->phase == RP_SSH_READY ? RP_SSH_PACKET_MAX : RP_SSH_PACKET_UNAUTH_MAX;
	bool whole = len >= HEADROOM && (len + 4 - f->clear) % f->block == 0;
	if (!whole || len > max || len + 4 < f->header) {
		rp_ssh_fail(s, RP_EPROTO, "peer sent a packet of a bad length");
		return false;
	}
	s->want = 4 + len + f->mac;
	return true;
}

/* Memory that libssh uses again for the next packet was handed out. */
static void end_loan(struct rp_ssh *s)
{
	s->lent = false;
	if (s->ops->on_reuse != NULL && !s->free_later) {
		s->ops->on_reuse(s->ctx);
	}
}

/* libssh has dealt with a packet. */
static size_t finish_packet(struct rp_ssh *s, size_t whole, size_t used)
{
	end_loan(s);
	if (!check(s)) {
		return 0;
	}
	if (used != whole) {
		rp_ssh_fail(s, RP_EPROTO, "packet: cut in two");
		return 0;
	}
	rp_kex_after_packet(s);
	return whole;
}

/* libssh gets what is not of the connection protocol, decrypted already. */
static size_t direct_step(struct rp_ssh *s, uint8_t *p, size_t n)
{
	bool ours;
	size_t whole = rp_direct_step(s, p, n, &ours);
	if (whole == 0 || ours) {
		return whole;
	}
	s->handled = false;
	s->plain = true;
	size_t used = ssh_packet_socket_callback(p, whole, s->session);
	s->plain = false;
	return finish_packet(s, whole, used);
}

static size_t packet_step(struct rp_ssh *s, const uint8_t *p, size_t n, bool mutable)
{
	ssh_session session = s->session;
	if (mutable && rp_direct_may_receive(s)) {
		return direct_step(s, (uint8_t *)(uintptr_t)p, n);
	}
	if (session->packet_state == PACKET_STATE_INIT) {
		struct framing f = current_framing(session);
		s->want = f.header;
		if (n < s->want) {
			return 0;
		}
		s->handled = false;
		size_t used = ssh_packet_socket_callback(p, f.header, session);
		if (!check(s) || !set_wanted(s, &f)) {
			return 0;
		}
		if (used != 0) {
			rp_ssh_fail(s, RP_EPROTO, "peer sent an empty packet");
			return 0;
		}
	}
	if (n < s->want) {
		return 0;
	}
	s->handled = false;
	size_t whole = s->want;
	size_t used = ssh_packet_socket_callback(p, whole, session);
	return finish_packet(s, whole, used);
}

/* One version line or packet off the front. 0: s->want bytes are needed, or the session is over. */
static size_t step(struct rp_ssh *s, const uint8_t *p, size_t n, bool mutable)
{
	return s->phase == RP_SSH_VERSION ? rp_banner_step(s, p, n) : packet_step(s, p, n, mutable);
}

/* Makes s->rest as long as s->want, as far as there are bytes; returns the bytes taken. */
static size_t keep(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	RP_VERIFY(s->want > s->rest.len);
	size_t take = RP_MIN(n, s->want - s->rest.len);
	uint8_t *unused;
	if (s->lent) {
		end_loan(s);
	}
	if (rp_buf_reserve(&s->rest, s->want - s->rest.len, &unused) != 0 ||
	    rp_buf_add(&s->rest, p, take) != 0) {
		rp_ssh_fail(s, RP_ENOMEM, "out of memory");
		return 0;
	}
	return take;
}

void rp_packets_feed(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	while (s->phase != RP_SSH_CLOSED && (n > 0 || s->rest.len > 0)) {
		size_t used;
		if (s->rest.len > 0) {
			used = step(s, rp_buf_head(&s->rest), s->rest.len, true);
			rp_buf_consume(&s->rest, used);
			s->lent = s->lent || used > 0;
		} else {
			used = step(s, p, n, s->in_place);
			p += used;
			n -= used;
		}
		if (used > 0) {
			continue;
		}
		if (n == 0 || s->phase == RP_SSH_CLOSED) {
			break;
		}
		size_t kept = keep(s, p, n);
		p += kept;
		n -= kept;
	}
	if (!s->in_place) {
		rp_ssh_input_done(s);
	}
}

void rp_packets_trim(struct rp_ssh *s, size_t input)
{
	if (!s->large || s->phase == RP_SSH_CLOSED) {
		return;
	}
	if (input > SMALL_INPUT_BYTES) {
		s->quiet = 0;
		return;
	}
	if (s->quiet < RP_SSH_QUIET_INPUTS) {
		s->quiet++;
		return;
	}
	ssh_buffer in = ssh_buffer_new();
	ssh_buffer out = ssh_buffer_new();
	/* In the middle of a packet its first block is in the buffer. */
	if (in == NULL || out == NULL || s->session->packet_state != PACKET_STATE_INIT) {
		ssh_buffer_free(in);
		ssh_buffer_free(out);
		return;
	}
	ssh_buffer_free(s->session->in_buffer);
	ssh_buffer_free(s->session->out_buffer);
	s->session->in_buffer = in;
	s->session->out_buffer = out;
	s->large = false;
	s->quiet = 0;
}

static int gather(ssh_buffer out, const struct iovec *iov, int n, size_t total)
{
	static const uint8_t headroom[HEADROOM];
	if (ssh_buffer_reinit(out) != 0 ||
	    ssh_buffer_allocate_size(out, (uint32_t)(HEADROOM + total + TAILROOM)) != 0 ||
	    ssh_buffer_add_data(out, headroom, HEADROOM) != 0) {
		return RP_ENOMEM;
	}
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > 0 &&
		    ssh_buffer_add_data(out, iov[i].iov_base, (uint32_t)iov[i].iov_len) != 0) {
			return RP_ENOMEM;
		}
	}
	ssh_buffer_pass_bytes(out, HEADROOM);
	return 0;
}

static int payload_size(const struct iovec *iov, int n, size_t *total)
{
	*total = 0;
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > RP_SSH_PAYLOAD_MAX - *total) {
			return RP_ELIMIT;
		}
		*total += iov[i].iov_len;
	}
	return *total > 0 ? 0 : RP_EINVAL;
}

int rp_ssh_send(struct rp_ssh *s, const struct iovec *iov, int n)
{
	size_t total;
	if (s->phase != RP_SSH_READY) {
		return RP_ECLOSED;
	}
	int r = payload_size(iov, n, &total);
	if (r != 0) {
		return r;
	}
	if (s->room != NULL) {
		return rp_direct_hold(s, iov, n, total);
	}
	if (rp_direct_send(s, iov, n, total, &r)) {
		return r;
	}
	if (s->kexing) {
		if (total > QUEUED_MAX - s->queued) {
			return RP_EBUSY;
		}
		s->queued += total;
	}
	r = gather(s->session->out_buffer, iov, n, total);
	if (r != 0) {
		rp_ssh_fail(s, r, "out of memory");
		return r;
	}
	if (total > LARGE_BYTES) {
		s->large = true;
		s->quiet = 0;
	}
	if (ssh_packet_send(s->session) != SSH_OK || s->phase == RP_SSH_CLOSED) {
		rp_ssh_fail_lib(s, RP_ECRYPTO, "cannot send");
		return RP_ECRYPTO;
	}
	return 0;
}
