/* SPDX-License-Identifier: MIT */
/*
 * User authentication (RFC 4252, wire protocol 2.5): the method password and nothing else.
 * libssh's own handlers, with their public keys, agents and dialogues, are never reached.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

/* Longer ones are refused unseen. */
#define NAME_MAX_BYTES 1024

static void violated(struct rp_ssh *s, const char *what)
{
	rp_ssh_say_bye(s, SSH2_DISCONNECT_PROTOCOL_ERROR, what);
	rp_ssh_fail(s, RP_EPROTO, "login: %s", what);
}

/* FAILURE; too many of them end the session. A first "none" only asks which methods there are. */
static void refuse(struct rp_ssh *s, bool counts)
{
	if (ssh_auth_reply_default(s->session, 0) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ENOMEM, "login");
		return;
	}
	if (counts && ++s->failures >= RP_SSH_AUTH_FAILURES_MAX) {
		static const char text[] = "too many authentication failures";
		rp_ssh_say_bye(s, SSH2_DISCONNECT_PROTOCOL_ERROR, text);
		rp_ssh_fail(s, RP_EAUTH, "%s", text);
	}
}

static void on_service_request(struct rp_ssh *s, struct rp_cursor *c)
{
	struct rp_str name;
	if (rp_cursor_sstring(c, &name) != 0 || !rp_str_eq(name, "ssh-userauth")) {
		rp_ssh_say_bye(s, SSH2_DISCONNECT_SERVICE_NOT_AVAILABLE, "no such service");
		rp_ssh_fail(s, RP_EPROTO, "login: peer asked for an unknown service");
		return;
	}
	s->service_ok = true;
	if (ssh_buffer_pack(
	        s->session->out_buffer, "bs", SSH2_MSG_SERVICE_ACCEPT, "ssh-userauth") != SSH_OK ||
	    ssh_packet_send(s->session) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ENOMEM, "login");
	}
}

/* As a C string; NULL when it cannot be one. */
static char *text_of(struct rp_str t)
{
	if (t.len > NAME_MAX_BYTES || memchr(t.p, '\0', t.len) != NULL) {
		return NULL;
	}
	return rp_strndup(t.p, t.len);
}

static bool decide(struct rp_ssh *s, struct rp_str user, struct rp_str password)
{
	char *u = text_of(user);
	char *p = text_of(password);
	bool good = u != NULL && p != NULL && s->ops->on_password(s->ctx, u, p);
	rp_free_secret(p);
	rp_free(u);
	return good;
}

static void on_password(struct rp_ssh *s, struct rp_str user, struct rp_cursor *c)
{
	uint8_t change;
	struct rp_str password;
	if (rp_cursor_u8(c, &change) != 0 || rp_cursor_sstring(c, &password) != 0 || c->left != 0) {
		violated(s, "malformed request");
		return;
	}
	if (change != 0) {
		violated(s, "password change is not offered");
		return;
	}
	bool good = decide(s, user, password);
	if (s->phase == RP_SSH_CLOSED) {
		return;
	}
	if (!good) {
		refuse(s, true);
	} else if (ssh_auth_reply_success(s->session, 0) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ENOMEM, "login");
	} else {
		rp_ssh_become_ready(s);
	}
}

static void on_userauth_request(struct rp_ssh *s, struct rp_cursor *c)
{
	struct rp_str user;
	struct rp_str service;
	struct rp_str method;
	if (!s->service_ok || rp_cursor_sstring(c, &user) != 0 ||
	    rp_cursor_sstring(c, &service) != 0 || rp_cursor_sstring(c, &method) != 0) {
		violated(s, "malformed request");
		return;
	}
	if (rp_str_eq(service, "ssh-connection") && rp_str_eq(method, "password")) {
		on_password(s, user, c);
		return;
	}
	bool free_of_charge = rp_str_eq(method, "none") && !s->none_seen;
	s->none_seen = true;
	refuse(s, !free_of_charge);
}

void rp_auth_begin(struct rp_ssh *s)
{
	s->session->auth.service_state = SSH_AUTH_SERVICE_SENT;
	if (ssh_buffer_pack(
	        s->session->out_buffer, "bs", SSH2_MSG_SERVICE_REQUEST, "ssh-userauth") != SSH_OK ||
	    ssh_packet_send(s->session) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ENOMEM, "login");
	}
}

static void forget_credentials(struct rp_ssh *s)
{
	rp_free(s->user);
	rp_free_secret(s->password);
	s->user = NULL;
	s->password = NULL;
}

static void on_service_accept(struct rp_ssh *s)
{
	ssh_session session = s->session;
	session->auth.service_state = SSH_AUTH_SERVICE_ACCEPTED;
	session->auth.current_method = SSH_AUTH_METHOD_PASSWORD;
	session->auth.state = SSH_AUTH_STATE_PASSWORD_AUTH_SENT;
	/* Wiped when it grows and when rp_packets_trim replaces it. */
	ssh_buffer_set_secure(session->out_buffer);
	int r = ssh_buffer_pack(session->out_buffer, "bsssbs", SSH2_MSG_USERAUTH_REQUEST, s->user,
	    "ssh-connection", "password", 0, s->password);
	if (r != SSH_OK || ssh_packet_send(session) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ENOMEM, "login");
	}
	forget_credentials(s);
}

static void on_success(struct rp_ssh *s)
{
	s->session->auth.state = SSH_AUTH_STATE_SUCCESS;
	s->session->auth.current_method = SSH_AUTH_METHOD_UNKNOWN;
	s->session->session_state = SSH_SESSION_STATE_AUTHENTICATED;
	s->session->flags |= SSH_SESSION_FLAG_AUTHENTICATED;
	rp_ssh_become_ready(s);
}

static void server_packet(struct rp_ssh *s, uint8_t type, struct rp_cursor *c)
{
	if (type == SSH2_MSG_SERVICE_REQUEST) {
		on_service_request(s, c);
	} else if (type == SSH2_MSG_USERAUTH_REQUEST) {
		on_userauth_request(s, c);
	} else {
		violated(s, "unexpected message");
	}
}

static void client_packet(struct rp_ssh *s, uint8_t type)
{
	switch (type) {
	case SSH2_MSG_SERVICE_ACCEPT:
		on_service_accept(s);
		break;
	case SSH2_MSG_USERAUTH_SUCCESS:
		on_success(s);
		break;
	case SSH2_MSG_USERAUTH_FAILURE:
		rp_ssh_fail(s, RP_EAUTH, "server refused the login");
		break;
	case SSH2_MSG_USERAUTH_BANNER:
		break;
	default:
		violated(s, "unexpected message");
		break;
	}
}

void rp_auth_on_packet(struct rp_ssh *s, uint8_t type, uint8_t *p, size_t n)
{
	/* A late service request is legal for libssh's filter; nobody needs one. */
	if (s->phase != RP_SSH_AUTH) {
		violated(s, "unexpected message");
		return;
	}
	if (!s->server) {
		client_packet(s, type);
		return;
	}
	struct rp_cursor c;
	rp_cursor_init(&c, p, n);
	server_packet(s, type, &c);
	rp_secret_wipe(p, n);
}
