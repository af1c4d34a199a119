/* SPDX-License-Identifier: MIT */
/*
 * What a client tells by itself while it is connected (wire protocol 4.3): measurements, pending updates
 * and outer addresses. What the connection has no room for waits, the newest of its kind.
 */
#ifndef RP_CLIENT_SENSORS_H
#define RP_CLIENT_SENSORS_H

#include <stddef.h>

#include "client/config.h"
#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/hello.h"

struct rp_sensors;

/* All borrowed until the end. */
struct rp_sensors_options {
	struct rp_loop *loop;
	const struct rp_client_config *cfg;
	struct rp_tls *tls; /* for an ip_api_url with https */
	/* A notification to the server; RP_EBUSY: rp_sensors_room follows. */
	int (*send)(void *ctx, const char *name, const void *p, size_t n);
	void *ctx;
};

RP_NODISCARD int rp_sensors_new(const struct rp_sensors_options *opt, struct rp_sensors **out);
/* Registered with the server of that number. */
void rp_sensors_up(struct rp_sensors *s, size_t server);
/* What a server wants to know (put_capabilities). */
void rp_sensors_want(struct rp_sensors *s, const struct rp_capabilities *cap);
/* A user wants to know the pending updates now. */
void rp_sensors_refresh_updates(struct rp_sensors *s);
/* The connection has room again. */
void rp_sensors_room(struct rp_sensors *s);
/* The connection is gone. */
void rp_sensors_down(struct rp_sensors *s);
/* On the loop, for good: nothing is sent any more, s is gone. NULL is fine. */
void rp_sensors_close(struct rp_sensors *s);

#endif
