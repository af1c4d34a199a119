/* SPDX-License-Identifier: MIT */
/*
 * Client side of tunnel channels (type "rport"): parse the target, ask the owner's policy with the
 * resolved addresses, confirm, dial exactly those addresses (a name is resolved once, for check
 * and dial), pump.
 */
#ifndef RP_TUNNEL_TARGET_H
#define RP_TUNNEL_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "acl/targets.h"
#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/mux.h"

#define RP_TARGET_REFUSED_TEXT "not allowed with \"tunnel_allowed\" config"

struct rp_targets; /* all such channels of one connection */

struct rp_targets_options {
	const struct rp_target_rules *allowed; /* borrowed; NULL or empty = all */
	unsigned dial_timeout_ms;              /* 0 = 30 s */
	bool no_half_close;                    /* peer is an installed server */
};

RP_NODISCARD int rp_targets_new(
    struct rp_loop *loop, const struct rp_targets_options *opt, struct rp_targets **out);
/* For mux ops->on_open when type is "rport": takes care of accept or reject. The refusal by policy
 * is reason 1 with the text `not allowed with "tunnel_allowed" config`. */
void rp_targets_open(struct rp_targets *t, struct rp_channel *c, const uint8_t *extra, size_t n);
/* Cuts everything; on_closed once from the loop, then freed. Before rp_mux_free. */
void rp_targets_close(struct rp_targets *t, void (*on_closed)(void *ctx), void *ctx);

struct rp_check;

/* check_tunnel_allowed (4.2, 5.7): resolves and decides. cb once from the loop: code 0 and
 * allowed, or an error with text for the failure reply. */
typedef void (*rp_target_check_cb)(void *ctx, int code, bool allowed, const char *text);
RP_NODISCARD int rp_target_check(struct rp_loop *loop, const struct rp_target_rules *rules,
    const char *remote, rp_target_check_cb cb, void *ctx, struct rp_check **out);
/* check_port: TCP connect test, of what the rules (NULL = none) allow. ErrMsg text in Go's form
 * (`dial tcp 127.0.0.1:9: connect: connection refused`). timeout_ns 0 = 60 s cap. */
struct rp_port_question {
	const char *hostport;
	int64_t timeout_ns;
};
typedef void (*rp_port_check_cb)(void *ctx, bool open, const char *text);
RP_NODISCARD int rp_port_check(struct rp_loop *loop, const struct rp_target_rules *rules,
    const struct rp_port_question *q, rp_port_check_cb cb, void *ctx, struct rp_check **out);
/* The callback will not come. Not after it came. */
void rp_check_cancel(struct rp_check *k);

#endif
