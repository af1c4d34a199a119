/* SPDX-License-Identifier: MIT */
/*
 * A quarter of the descriptors for one source, half of them for all: tunnels and clients need the
 * rest. Sites with many clients behind one address, and proxies in front of the API, stay far below
 * the upper limits.
 */
#include "server/crowd.h"

#include <arpa/inet.h>
#include <sys/resource.h>

#include "core/log.h"

#include "core/banned.h"

#define PER_SOURCE_MAX 2048u
#define TOTAL_MAX      16384u
#define DESCRIPTORS    1024u /* where the limit is not known */

int rp_crowd_new(struct rp_gate **out, struct rp_err *err)
{
	struct rlimit lim;
	rlim_t n = getrlimit(RLIMIT_NOFILE, &lim) == 0 ? lim.rlim_cur : DESCRIPTORS;
	const struct rp_gate_options opt = {
	    .slots_per_source = (unsigned)RP_MIN(n / 4 + 1, PER_SOURCE_MAX),
	    .slots_total = (unsigned)RP_MIN(n / 2 + 1, TOTAL_MAX),
	};
	int code = rp_gate_new(&opt, out);
	return code == 0 ? 0 : rp_err_set(err, code, "out of memory");
}

int rp_crowd_enter(
    struct rp_gate *g, const struct sockaddr *peer, char source[static RP_CROWD_SOURCE_MAX])
{
	const void *address = peer->sa_family == AF_INET
	    ? (const void *)&((const struct sockaddr_in *)peer)->sin_addr
	    : (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr;
	if (inet_ntop(peer->sa_family, address, source, RP_CROWD_SOURCE_MAX) == NULL) {
		return RP_EBUSY;
	}
	int code = rp_gate_enter(g, source);
	if (code != 0) {
		rp_log_debug("listener", "%s: too many connections, one is closed", source);
	}
	return code;
}
