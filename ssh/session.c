/* SPDX-License-Identifier: MIT */
/*
 * Life of a session. libssh runs without blocking on a transport that is ours (transport.c):
 * ssh_connect and ssh_handle_key_exchange only set up its state machine, packets.c drives it with
 * the bytes that arrive. An end is noted wherever it is noticed and told to the owner by
 * rp_ssh_input as its last act, so that no callback runs below libssh's or our own unfinished
 * work.
 */
#include "ssh/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"

#include "core/banned.h"

#define WHY_MAX 240
/* Any number but SSH_INVALID_SOCKET keeps libssh from connecting by itself. */
#define NO_DESCRIPTOR 0x7fff

/* libssh ignores that its mbedTLS generator could not be seeded, and crashes when it first uses it.
 * A generator without a source of entropy was given up there. */
static bool generator_seeded(void)
{
#ifdef HAVE_LIBMBEDCRYPTO
	return ssh_get_mbedtls_ctr_drbg_context()->MBEDTLS_PRIVATE(f_entropy) != NULL;
#else
	return true;
#endif
}

int rp_ssh_global_init(struct rp_err *err)
{
	if (ssh_init() != SSH_OK) {
		return rp_err_set(err, RP_ECRYPTO, "the SSH library cannot be initialised");
	}
	if (!generator_seeded()) {
		ssh_finalize();
		return rp_err_set(err, RP_ECRYPTO,
		    "the random generator cannot be seeded: neither getrandom nor /dev/urandom works");
	}
	int r = rp_kex_global_init();
	if (r != 0) {
		rp_ssh_global_fini();
		return rp_err_set(err, r, "%s", rp_err_text(r));
	}
	return 0;
}

void rp_ssh_global_fini(void)
{
	rp_kex_global_fini();
	ssh_finalize();
}

static void on_log(int priority, const char *function, const char *text, void *userdata)
{
	(void)priority;
	(void)function;
	(void)userdata;
	rp_log_debug("ssh", "libssh: %s", text);
}

/* libssh keeps these per thread, and writes to stderr without a callback. */
static void set_log(void)
{
	ssh_set_log_callback(on_log);
	ssh_set_log_level(rp_log_enabled(RP_LOG_DEBUG) ? SSH_LOG_WARN : SSH_LOG_NONE);
}

/* Nothing of the user's or the system's SSH configuration, and no agent. */
static void isolate(ssh_session session)
{
	const void *name;
	ssh_set_blocking(session, 0);
	ssh_agent_free(session->agent);
	session->agent = NULL;
	while ((name = _ssh_list_pop_head(session->opts.identity_non_exp)) != NULL) {
		ssh_string_free_char((char *)(uintptr_t)name);
	}
	session->opts.fd = NO_DESCRIPTOR;
	session->opts.config_processed = true;
	session->opts.exp_flags = SSH_OPT_EXP_FLAG_KNOWNHOSTS | SSH_OPT_EXP_FLAG_GLOBAL_KNOWNHOSTS |
	    SSH_OPT_EXP_FLAG_PROXYCOMMAND | SSH_OPT_EXP_FLAG_IDENTITY |
	    SSH_OPT_EXP_FLAG_CONTROL_PATH;
	session->auth.supported_methods = SSH_AUTH_METHOD_PASSWORD;
}

static int new_session(struct rp_ssh **out, const struct rp_ssh_ops *ops, void *ctx)
{
	struct rp_ssh *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return RP_ENOMEM;
	}
	set_log();
	s->session = ssh_new();
	if (s->session == NULL) {
		rp_free(s);
		return RP_ENOMEM;
	}
	s->ops = ops;
	s->ctx = ctx;
	s->muted = true;
	s->rekey_bytes = RP_SSH_REKEY_BYTES;
	s->rekey_ms = RP_SSH_REKEY_MS;
	rp_buf_init(&s->held, RP_SSH_HELD_MAX);
	rp_buf_init(&s->rest, 4 + RP_SSH_PACKET_MAX + 64);
	isolate(s->session);
	rp_transport_attach(s->session, s);
	*out = s;
	return 0;
}

int rp_ssh_server_new(
    struct rp_ssh **out, const struct rp_hostkey *key, const struct rp_ssh_ops *ops, void *ctx)
{
	int r = new_session(out, ops, ctx);
	if (r != 0) {
		return r;
	}
	(*out)->server = true;
	(*out)->key = key;
	(*out)->session->server = 1;
	return 0;
}

int rp_ssh_client_new(struct rp_ssh **out, const char *user, const char *password,
    const struct rp_ssh_ops *ops, void *ctx)
{
	struct rp_ssh *s;
	int r = new_session(&s, ops, ctx);
	if (r != 0) {
		return r;
	}
	s->user = rp_strdup(user);
	s->password = rp_strdup(password);
	s->session->client = 1;
	/* libssh asks the system for these when they are not set. */
	s->session->opts.sshdir = rp_transport_strdup("/");
	s->session->opts.username = rp_transport_strdup("-");
	if (s->user == NULL || s->password == NULL || s->session->opts.sshdir == NULL ||
	    s->session->opts.username == NULL) {
		rp_ssh_free(s);
		return RP_ENOMEM;
	}
	*out = s;
	return 0;
}

static int start_server(struct rp_ssh *s)
{
	return ssh_handle_key_exchange(s->session) == SSH_AGAIN ? 0 : RP_ECRYPTO;
}

static int start_client(struct rp_ssh *s)
{
	if (ssh_connect(s->session) != SSH_AGAIN) {
		return RP_ECRYPTO;
	}
	s->session->socket_callbacks.connected(SSH_SOCKET_CONNECTED_OK, 0, s->session);
	return s->session->session_state == SSH_SESSION_STATE_SOCKET_CONNECTED ? 0 : RP_ECRYPTO;
}

int rp_ssh_start(struct rp_ssh *s)
{
	if (s->phase != RP_SSH_IDLE) {
		return RP_EINVAL;
	}
	int r = rp_kex_arm(s);
	if (r == 0) {
		r = s->server ? start_server(s) : start_client(s);
	}
	if (r == 0) {
		s->phase = RP_SSH_VERSION;
		s->muted = false;
		r = rp_banner_send(s);
	}
	if (r != 0) {
		s->phase = RP_SSH_CLOSED;
		s->muted = true;
	}
	return r;
}

/* Peer's words end up in here: printable ASCII only. */
static void sanitise(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~') {
			*text = '?';
		}
	}
}

void rp_ssh_fail(struct rp_ssh *s, int code, const char *fmt, ...)
{
	if (s->phase == RP_SSH_CLOSED) {
		return;
	}
	char text[WHY_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sanitise(text);
	s->phase = RP_SSH_CLOSED;
	s->muted = true;
	s->close_code = code;
	s->close_why = rp_strdup(text);
}

void rp_ssh_fail_lib(struct rp_ssh *s, int code, const char *what)
{
	const char *text = ssh_get_error(s->session);
	rp_ssh_fail(s, code, "%s: %s", what, *text != '\0' ? text : "failed");
}

void rp_ssh_say_bye(struct rp_ssh *s, uint32_t reason, const char *text)
{
	bool speaks = s->phase == RP_SSH_KEX || s->phase == RP_SSH_AUTH || s->phase == RP_SSH_READY;
	if (!speaks || s->room != NULL) {
		return;
	}
	ssh_buffer out = s->session->out_buffer;
	if (ssh_buffer_reinit(out) == 0 &&
	    ssh_buffer_pack(out, "bdss", SSH2_MSG_DISCONNECT, reason, text, "") == SSH_OK) {
		/* Nobody is left to tell when it does not go out. */
		(void)ssh_packet_send(s->session);
	}
}

void rp_ssh_disconnect(struct rp_ssh *s, const char *text)
{
	rp_ssh_say_bye(s, SSH2_DISCONNECT_BY_APPLICATION, text);
	s->phase = RP_SSH_CLOSED;
	s->muted = true;
}

void rp_ssh_become_ready(struct rp_ssh *s)
{
	s->phase = RP_SSH_READY;
	/* The buffers have held a key exchange and a password. */
	s->large = true;
	s->quiet = RP_SSH_QUIET_INPUTS;
	s->ops->on_ready(s->ctx);
}

static void destroy(struct rp_ssh *s)
{
	ssh_free(s->session);
	rp_free(s->user);
	rp_free_secret(s->password);
	rp_free(s->describe);
	rp_free(s->close_why);
	rp_buf_fini(&s->rest);
	rp_buf_fini(&s->held);
	rp_free(s);
}

/* The last act of an input: the owner may free the session in on_closed. */
static void settle(struct rp_ssh *s)
{
	if (s->free_later) {
		destroy(s);
		return;
	}
	if (s->close_code == 0) {
		return;
	}
	int code = s->close_code;
	char *why = s->close_why;
	s->close_code = 0;
	s->close_why = NULL;
	s->ops->on_closed(s->ctx, code, why != NULL ? why : "out of memory");
	rp_free(why);
}

static void input(struct rp_ssh *s, const uint8_t *p, size_t n, bool in_place)
{
	RP_VERIFY(!s->busy);
	s->in_place = in_place;
	if (s->phase != RP_SSH_IDLE && s->phase != RP_SSH_CLOSED) {
		s->busy = true;
		s->bytes_in += n;
		rp_packets_feed(s, p, n);
		rp_kex_check_limits(s);
		rp_packets_trim(s, n);
		s->busy = false;
	}
	settle(s);
}

void rp_ssh_input(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	input(s, p, n, false);
}

void rp_ssh_input_in_place(struct rp_ssh *s, uint8_t *p, size_t n)
{
	input(s, p, n, true);
}

void rp_ssh_input_done(struct rp_ssh *s)
{
	s->lent = false;
	if (s->rest.len == 0) {
		rp_buf_fini(&s->rest);
	}
}

void rp_ssh_set_rekey_limits(struct rp_ssh *s, uint64_t bytes, uint64_t ms)
{
	s->rekey_bytes = bytes;
	s->rekey_ms = ms;
}

bool rp_ssh_is_ready(const struct rp_ssh *s)
{
	return s->phase == RP_SSH_READY;
}

const char *rp_ssh_describe(const struct rp_ssh *s)
{
	return s->describe != NULL ? s->describe : "";
}

const char *rp_ssh_peer_version(const struct rp_ssh *s)
{
	const char *line = s->server ? s->session->clientbanner : s->session->serverbanner;
	return line != NULL ? line : "";
}

void rp_ssh_free(struct rp_ssh *s)
{
	if (s == NULL) {
		return;
	}
	if (s->busy) {
		s->phase = RP_SSH_CLOSED;
		s->muted = true;
		s->free_later = true;
		return;
	}
	destroy(s);
}
