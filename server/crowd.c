/* SPDX-License-Identifier: MIT */
/*
 * A quarter of the descriptors for one source, half of them for all: tunnels and clients need the
 * rest. Sites with many clients behind one address, and proxies in front of the API, stay far below
 * the upper limits.
 */
#include "server/crowd.h"

#include <arpa/inet.h>
#include <sys/resource.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "server/refusals.h"

#include "core/banned.h"

#define PER_SOURCE_MAX 2048u
#define TOTAL_MAX      16384u
#define DESCRIPTORS    1024u /* where the limit is not known */

struct rp_crowd {
	struct rp_gate *gate;
	struct rp_refusals refusals;
};

int rp_crowd_new(const char *component, struct rp_crowd **out, struct rp_err *err)
{
	struct rlimit lim;
	rlim_t n = getrlimit(RLIMIT_NOFILE, &lim) == 0 ? lim.rlim_cur : DESCRIPTORS;
	const struct rp_gate_options opt = {
	    .slots_per_source = (unsigned)RP_MIN(n / 4 + 1, PER_SOURCE_MAX),
	    .slots_total = (unsigned)RP_MIN(n / 2 + 1, TOTAL_MAX),
	};
	struct rp_crowd *c = rp_calloc(1, sizeof(*c));
	int code = c == NULL ? RP_ENOMEM : rp_gate_new(&opt, &c->gate);
	if (code != 0) {
		rp_free(c);
		return rp_err_set(err, code, "out of memory");
	}
	rp_refusals_init(&c->refusals, component, "too many connections");
	*out = c;
	return 0;
}

void rp_crowd_free(struct rp_crowd *c)
{
	if (c != NULL) {
		rp_refusals_tick(&c->refusals, UINT64_MAX);
		rp_refusals_fini(&c->refusals);
		rp_gate_free(c->gate);
		rp_free(c);
	}
}

int rp_crowd_enter(
    struct rp_crowd *c, const struct sockaddr *peer, char source[static RP_CROWD_SOURCE_MAX])
{
	const void *address = peer->sa_family == AF_INET
	    ? (const void *)&((const struct sockaddr_in *)peer)->sin_addr
	    : (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr;
	if (inet_ntop(peer->sa_family, address, source, RP_CROWD_SOURCE_MAX) == NULL) {
		return RP_EBUSY;
	}
	int code = rp_gate_enter(c->gate, source);
	if (code != 0) {
		rp_refusals_add(&c->refusals, source, rp_clock_ms());
	}
	return code;
}

void rp_crowd_leave(struct rp_crowd *c, const char *source)
{
	rp_gate_leave(c->gate, source);
}

void rp_crowd_tick(struct rp_crowd *c, uint64_t now_ms)
{
	if (c != NULL) {
		rp_refusals_tick(&c->refusals, now_ms);
	}
}
