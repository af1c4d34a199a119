/* SPDX-License-Identifier: MIT */
/*
 * Version lines (RFC 4253 4.2, wire protocol 2.1). RPort's own are SSH-rport-v1-…, which libssh
 * refuses, so both lines are sent and read here; libssh only gets the texts, exactly as they were
 * on the wire, for the exchange hash.
 *
 * The linker's --wrap turns libssh's calls to ssh_send_banner and ssh_analyze_banner between its
 * objects into the two functions at the end. The client's call of ssh_send_banner stays inside
 * one object: what it writes is muted.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define SERVER_LINE "SSH-rport-v1-server"
#define CLIENT_LINE "SSH-rport-v1-client"
/* Lines of text that a server may send before its version line. */
#define PRELUDE_LINES_MAX 32

int __wrap_ssh_send_banner(ssh_session session, int server);
int __wrap_ssh_analyze_banner(ssh_session session, int server);

static int set_line(char **field, const char *line)
{
	SAFE_FREE(*field);
	*field = rp_transport_strdup(line);
	return *field == NULL ? RP_ENOMEM : 0;
}

int rp_banner_send(struct rp_ssh *s)
{
	static const char server_bytes[] = SERVER_LINE "\r\n";
	static const char client_bytes[] = CLIENT_LINE "\r\n";
	char **field = s->server ? &s->session->serverbanner : &s->session->clientbanner;
	int r = set_line(field, s->server ? SERVER_LINE : CLIENT_LINE);
	if (r != 0) {
		return r;
	}
	const char *bytes = s->server ? server_bytes : client_bytes;
	s->ops->on_output(s->ctx, (const uint8_t *)bytes, strlen(bytes));
	return 0;
}

static bool is_plain(const char *line)
{
	for (; *line != '\0'; line++) {
		if (*line < ' ' || *line > '~') {
			return false;
		}
	}
	return true;
}

static bool is_known(const char *line)
{
	return strncmp(line, "SSH-2.0-", 8) == 0 || strncmp(line, "SSH-1.99-", 9) == 0 ||
	    strncmp(line, "SSH-rport-", 10) == 0;
}

/* The peer's line is there: libssh goes on to the key exchange. */
static void accept_line(struct rp_ssh *s, const char *line)
{
	ssh_session session = s->session;
	char **field = s->server ? &session->clientbanner : &session->serverbanner;
	if (set_line(field, line) != 0) {
		rp_ssh_fail(s, RP_ENOMEM, "out of memory");
		return;
	}
	s->phase = RP_SSH_KEX;
	s->kexing = true;
	session->session_state = SSH_SESSION_STATE_BANNER_RECEIVED;
	session->ssh_connection_callback(session);
	if (session->session_state == SSH_SESSION_STATE_ERROR) {
		rp_ssh_fail_lib(s, RP_EPROTO, "key exchange");
	} else if (rp_packets_hook(s) != 0) {
		rp_ssh_fail(s, RP_ENOMEM, "out of memory");
	}
}

static void take_line(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	char line[RP_SSH_VERSION_LINE_MAX + 1];
	RP_VERIFY(n < sizeof(line));
	memcpy(line, p, n);
	line[n] = '\0';
	bool version = strncmp(line, "SSH-", 4) == 0;
	if (!version && !s->server && s->prelude_lines < PRELUDE_LINES_MAX) {
		s->prelude_lines++;
		return;
	}
	/* A NUL inside makes the text shorter than the line, and the exchange hash wrong. */
	if (!version || strlen(line) != n || !is_plain(line) || !is_known(line)) {
		rp_ssh_fail(s, RP_EPROTO, "peer does not speak SSH 2");
		return;
	}
	accept_line(s, line);
}

size_t rp_banner_step(struct rp_ssh *s, const uint8_t *p, size_t n)
{
	/* Room for CR LF. */
	size_t window = RP_MIN(n, (size_t)RP_SSH_VERSION_LINE_MAX + 2);
	const uint8_t *end = memchr(p, '\n', window);
	if (end == NULL) {
		/* Garbage is not worth waiting for the end of its line. */
		bool foreign = s->server && memcmp(p, "SSH-", RP_MIN(n, (size_t)4)) != 0;
		if (foreign || n > RP_SSH_VERSION_LINE_MAX + 1) {
			rp_ssh_fail(s, RP_EPROTO, "peer does not speak SSH 2");
		}
		s->want = RP_SSH_VERSION_LINE_MAX + 2;
		return 0;
	}
	size_t len = (size_t)(end - p);
	size_t used = len + 1;
	if (len > 0 && p[len - 1] == '\r') {
		len--;
	}
	if (len > RP_SSH_VERSION_LINE_MAX) {
		rp_ssh_fail(s, RP_EPROTO, "peer does not speak SSH 2");
		return 0;
	}
	take_line(s, p, len);
	return used;
}

/* rp_banner_send sends it. */
int __wrap_ssh_send_banner(ssh_session session, int server)
{
	(void)session;
	(void)server;
	return SSH_OK;
}

/* take_line has looked at it. */
int __wrap_ssh_analyze_banner(ssh_session session, int server)
{
	(void)session;
	(void)server;
	return 0;
}
