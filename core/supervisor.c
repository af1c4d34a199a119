/* SPDX-License-Identifier: MIT */
/*
 * One datagram a message, never waiting: a supervisor that does not read is no reason to stop.
 */
#include "core/supervisor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/str.h"

#include "core/banned.h"

#define MESSAGE_MAX 512
/* So often within the time that the watchdog waits. */
#define BEATS 2

static void tell(const struct rp_supervisor *s, const char *text)
{
	if (s->fd >= 0) {
		(void)sendto(s->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		    (const struct sockaddr *)(const void *)&s->to, s->to_len);
	}
}

/* A path, or the name of an abstract socket behind @. */
static bool take_address(struct rp_supervisor *s, const char *name)
{
	size_t n = strlen(name);
	if (n < 2 || n >= sizeof(s->to.sun_path) || (name[0] != '/' && name[0] != '@')) {
		return false;
	}
	s->to.sun_family = AF_UNIX;
	memcpy(s->to.sun_path, name, n);
	s->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (name[0] == '@') {
		s->to.sun_path[0] = '\0';
	} else {
		s->to_len++;
	}
	return true;
}

static uint64_t watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t n;
	if (pid != NULL &&
	    (rp_str_u64(rp_str_c(pid), INT32_MAX, &n) != 0 || n != (uint64_t)getpid())) {
		return 0;
	}
	if (usec == NULL || rp_str_u64(rp_str_c(usec), UINT64_MAX, &n) != 0) {
		return 0;
	}
	return n / 1000;
}

void rp_supervisor_init(struct rp_supervisor *s)
{
	const char *name = getenv("NOTIFY_SOCKET");
	*s = (struct rp_supervisor){.fd = -1};
	if (name != NULL && take_address(s, name)) {
		s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		s->watchdog_ms = s->fd >= 0 ? watchdog_ms() : 0;
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

static void on_beat(uv_timer_t *t)
{
	const struct rp_supervisor *s = t->data;
	if (s->is_well(s->ctx)) {
		rp_supervisor_beat(s);
	}
}

void rp_supervisor_start(
    struct rp_supervisor *s, uv_loop_t *loop, bool (*is_well)(void *ctx), void *ctx)
{
	s->is_well = is_well;
	s->ctx = ctx;
	tell(s, "READY=1");
	if (s->watchdog_ms > 0) {
		uint64_t every = RP_MAX(s->watchdog_ms / BEATS, UINT64_C(1));
		RP_VERIFY(uv_timer_init(loop, &s->beat) == 0);
		s->beat.data = s;
		s->beating = true;
		RP_VERIFY(uv_timer_start(&s->beat, on_beat, 0, every) == 0);
	}
}

void rp_supervisor_status(const struct rp_supervisor *s, const char *text)
{
	char message[MESSAGE_MAX];
	(void)snprintf(message, sizeof(message), "STATUS=%s", text);
	tell(s, message);
}

void rp_supervisor_beat(const struct rp_supervisor *s)
{
	tell(s, "WATCHDOG=1");
}

void rp_supervisor_stop(struct rp_supervisor *s)
{
	tell(s, "STOPPING=1");
	if (s->beating) {
		s->beating = false;
		uv_close((uv_handle_t *)&s->beat, NULL);
	}
}

void rp_supervisor_fini(struct rp_supervisor *s)
{
	if (s->fd >= 0) {
		(void)close(s->fd);
		s->fd = -1;
	}
}
