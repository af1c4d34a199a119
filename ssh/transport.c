/* SPDX-License-Identifier: MIT */
/*
 * The transport under libssh: this file defines the functions of libssh's socket.c and poll.c, so
 * the linker never takes those two out of libssh.a. There is no descriptor and nothing is ever
 * polled: what libssh writes goes to on_output at once, what arrives is handed to libssh's packet
 * layer by packets.c. libssh therefore cannot block.
 *
 * A version of libssh that needs one more of these functions shows itself as doubly defined
 * symbols at link time.
 */
#include "ssh/internal.h"

#include <stdlib.h>
#include <string.h>

#include "libssh/poll.h"

/* What libssh frees has to come from libc. */
#define RP_BANNED_ALLOW_HEAP
#include "core/banned.h"

/* libssh makes a second one per session for an authentication agent: it has no owner. */
struct ssh_socket_struct {
	struct rp_ssh *owner;
};

struct ssh_poll_handle_struct {
	int unused;
};

struct ssh_poll_ctx_struct {
	int unused;
};

/* Something to point at: libssh takes NULL for a lack of memory. */
static struct ssh_poll_handle_struct the_handle;
static struct ssh_poll_ctx_struct the_context;

/* Named by client.c for chains of proxies, which we do not have. */
extern int proxy_disconnect;
int proxy_disconnect;

void rp_transport_attach(ssh_session session, struct rp_ssh *s)
{
	session->socket->owner = s;
}

struct rp_ssh *rp_transport_owner(ssh_session session)
{
	return session->socket == NULL ? NULL : session->socket->owner;
}

char *rp_transport_strdup(const char *s)
{
	return strdup(s);
}

/* libssh answers an unknown message number with UNIMPLEMENTED, which ends a Go peer's connection
 * with an error of its own. The number is out of protocol after the login, so the session ends
 * here, with a reason. */
static bool is_unimplemented(const struct rp_ssh *s)
{
	return s->phase == RP_SSH_READY && s->session->packet_state == PACKET_STATE_PROCESSING &&
	    !s->handled;
}

int ssh_socket_write(ssh_socket s, const void *buffer, uint32_t len)
{
	struct rp_ssh *owner = s->owner;
	if (owner == NULL || owner->muted) {
		return SSH_OK;
	}
	if (is_unimplemented(owner)) {
		rp_ssh_fail(owner, RP_EPROTO, "peer sent unknown message number %u",
		    (unsigned)owner->session->in_packet.type);
		return SSH_OK;
	}
	owner->bytes_out += len;
	owner->ops->on_output(owner->ctx, buffer, len);
	return SSH_OK;
}

ssh_socket ssh_socket_new(ssh_session session)
{
	(void)session;
	return calloc(1, sizeof(struct ssh_socket_struct));
}

void ssh_socket_free(ssh_socket s)
{
	free(s);
}

int ssh_socket_init(void)
{
	return 0;
}

void ssh_socket_cleanup(void)
{
}

int ssh_socket_is_open(ssh_socket s)
{
	return s->owner != NULL && s->owner->phase != RP_SSH_CLOSED;
}

void ssh_socket_reset(ssh_socket s)
{
	(void)s;
}

void ssh_socket_close(ssh_socket s)
{
	(void)s;
}

void ssh_socket_set_fd(ssh_socket s, socket_t fd)
{
	(void)s;
	(void)fd;
}

socket_t ssh_socket_get_fd(ssh_socket s)
{
	(void)s;
	return SSH_INVALID_SOCKET;
}

void ssh_socket_set_connected(ssh_socket s, struct ssh_poll_handle_struct *p)
{
	(void)s;
	(void)p;
}

int ssh_socket_connect(ssh_socket s, const char *host, uint16_t port, const char *bind_addr)
{
	(void)s;
	(void)host;
	(void)port;
	(void)bind_addr;
	return SSH_ERROR;
}

int ssh_socket_unix(ssh_socket s, const char *path)
{
	(void)s;
	(void)path;
	return SSH_ERROR;
}

int ssh_socket_connect_proxyjump(ssh_socket s)
{
	(void)s;
	return SSH_ERROR;
}

void ssh_socket_set_callbacks(ssh_socket s, ssh_socket_callbacks callbacks)
{
	(void)s;
	(void)callbacks;
}

int ssh_socket_nonblocking_flush(ssh_socket s)
{
	(void)s;
	return SSH_OK;
}

void ssh_socket_set_write_wontblock(ssh_socket s)
{
	(void)s;
}

void ssh_socket_set_read_wontblock(ssh_socket s)
{
	(void)s;
}

void ssh_socket_set_except(ssh_socket s)
{
	(void)s;
}

int ssh_socket_get_status(ssh_socket s)
{
	(void)s;
	return 0;
}

int ssh_socket_get_poll_flags(ssh_socket s)
{
	(void)s;
	return 0;
}

int ssh_socket_buffered_write_bytes(ssh_socket s)
{
	(void)s;
	return 0;
}

int ssh_socket_data_available(ssh_socket s)
{
	(void)s;
	return 0;
}

int ssh_socket_data_writable(ssh_socket s)
{
	(void)s;
	return 1;
}

int ssh_socket_set_nonblocking(socket_t fd)
{
	(void)fd;
	return SSH_ERROR;
}

int ssh_socket_set_blocking(socket_t fd)
{
	(void)fd;
	return SSH_ERROR;
}

struct ssh_poll_handle_struct *ssh_socket_get_poll_handle(ssh_socket s)
{
	(void)s;
	return &the_handle;
}

ssh_poll_handle ssh_poll_new(socket_t fd, short events, ssh_poll_callback cb, void *userdata)
{
	(void)fd;
	(void)events;
	(void)cb;
	(void)userdata;
	return &the_handle;
}

void ssh_poll_free(ssh_poll_handle p)
{
	(void)p;
}

void ssh_poll_add_events(ssh_poll_handle p, short events)
{
	(void)p;
	(void)events;
}

ssh_poll_ctx ssh_poll_get_ctx(ssh_poll_handle p)
{
	(void)p;
	return &the_context;
}

ssh_poll_ctx ssh_poll_get_default_ctx(ssh_session session)
{
	(void)session;
	return &the_context;
}

int ssh_poll_ctx_add(ssh_poll_ctx ctx, ssh_poll_handle p)
{
	(void)ctx;
	(void)p;
	return 0;
}

int ssh_poll_ctx_dopoll(ssh_poll_ctx ctx, int timeout)
{
	(void)ctx;
	(void)timeout;
	return SSH_OK;
}

void ssh_poll_ctx_free(ssh_poll_ctx ctx)
{
	(void)ctx;
}

int ssh_poll(ssh_pollfd_t *fds, nfds_t n, int timeout)
{
	(void)fds;
	(void)n;
	(void)timeout;
	return SSH_ERROR;
}

ssh_event ssh_event_new(void)
{
	return NULL;
}

int ssh_event_add_session(ssh_event event, ssh_session session)
{
	(void)event;
	(void)session;
	return SSH_ERROR;
}

int ssh_event_dopoll(ssh_event event, int timeout)
{
	(void)event;
	(void)timeout;
	return SSH_ERROR;
}

void ssh_event_free(ssh_event event)
{
	(void)event;
}
