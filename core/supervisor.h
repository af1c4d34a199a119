/* SPDX-License-Identifier: MIT */
/*
 * Talks to whoever supervises this process by the protocol of systemd (sd_notify): readiness, a
 * line of status, the watchdog. Without NOTIFY_SOCKET in the environment all of it does nothing.
 */
#ifndef RP_CORE_SUPERVISOR_H
#define RP_CORE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <uv.h>

#include "core/defs.h"

struct rp_supervisor {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t watchdog_ms; /* 0: none; the longest silence that is taken for life */
	uv_timer_t beat;
	bool beating;
	bool (*is_well)(void *ctx);
	void *ctx;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment, so that
 * no program that we start speaks for us. While there is one thread. */
void rp_supervisor_init(struct rp_supervisor *s);
/* Says READY=1. If there is a watchdog it hears from us as long as the loop runs and is_well says
 * so. */
void rp_supervisor_start(
    struct rp_supervisor *s, uv_loop_t *loop, bool (*is_well)(void *ctx), void *ctx);
/* A line for people, without control bytes. */
void rp_supervisor_status(const struct rp_supervisor *s, const char *text);
/* A sign of life out of turn, also without WATCHDOG_USEC. */
void rp_supervisor_beat(const struct rp_supervisor *s);
/* Says STOPPING=1 and closes the timer: the loop has to go on. */
void rp_supervisor_stop(struct rp_supervisor *s);
/* After the loop has ended. */
void rp_supervisor_fini(struct rp_supervisor *s);

#endif
