/* SPDX-License-Identifier: MIT */
/*
 * Remotes as text, as JSON of a peer, and targets of channels. What parses must pass the check,
 * survive JSON, and come back from its own target text.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/str.h"
#include "server/tunnel_plan.h"
#include "tunnel/hello.h"
#include "tunnel/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A remote that was accepted. */
static void check(const struct rp_remote *r)
{
	struct rp_tunnel_info info = {.remote = *r};
	const struct rp_json_vec old = {.v = &info, .n = 1};
	struct rp_tunnel_plan plan;
	char *host;
	uint16_t port;
	struct rp_str proto;
	char *target = rp_remote_target(r);
	char *text = rp_remote_text(r);
	RP_VERIFY(rp_target_parse(rp_str_c(target), &host, &port, &proto) == 0);
	RP_VERIFY(strcmp(host, r->rhost) == 0);
	rp_free(host);
	rp_free(target);
	rp_free(text);
	RP_VERIFY(rp_tunnel_plan_make(&plan, &old, NULL, 0) == 0 && plan.n == 1);
	rp_tunnel_plan_fini(&plan);
	RP_VERIFY(rp_tunnel_plan_make(&plan, &old, r, 1) == 0 && plan.n == 1);
	rp_tunnel_plan_fini(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_remote r = {0};
	struct rp_err err;
	char *host;
	uint16_t port;
	struct rp_str proto;
	char *text = rp_str_dup(rp_str_n(data, size));
	if (rp_remote_parse(text, &r, &err) == 0) {
		RP_VERIFY(rp_remote_check(&r, &err) == 0);
		check(&r);
		rp_remote_fini(&r);
	}
	if (rp_target_parse(rp_str_n(data, size), &host, &port, &proto) == 0) {
		RP_VERIFY(*host != '\0' && port > 0);
		rp_free(host);
	}
	if (rp_json_decode_text(data, size, &rp_remote_table, false, &r, &err) == 0) {
		if (rp_remote_check(&r, &err) == 0) {
			check(&r);
		}
		rp_remote_fini(&r);
	}
	(void)rp_version_valid(text);
	rp_free(text);
	return 0;
}
