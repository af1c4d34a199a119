/* SPDX-License-Identifier: MIT */
/*
 * What the client does at once when the network or the clock has changed: a connection whose
 * address is gone ends, one that should still have its way has to prove it, an attempt starts
 * anew, and a wait between attempts is over.
 */
#include "client/agent.h"
#include "client/uplink.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

/* A server that said no, or when to come back, does not change its mind with our network. */
static void wake_from_wait(struct rp_agent *a)
{
	if (a->worst == RP_RETRY_REFUSED || a->worst == RP_RETRY_BUSY) {
		return;
	}
	rp_backoff_new_network(&a->backoff);
	rp_agent_retry_now(a);
}

static void look_again(struct rp_agent *a)
{
	if (a->link != NULL) {
		rp_uplink_check_path(a->link);
	} else {
		wake_from_wait(a);
	}
	if (a->spare != NULL) {
		rp_uplink_check_path(a->spare);
	}
}

static void on_network(void *ctx)
{
	struct rp_agent *a = ctx;
	if (!a->stopping) {
		rp_log_debug(RP_CLIENT_LOG, "the network has changed");
		look_again(a);
	}
}

static void on_clock(void *ctx, const struct rp_clock_change *change)
{
	struct rp_agent *a = ctx;
	char text[RP_TIME_TEXT_MAX];
	if (a->stopping) {
		return;
	}
	if (change->slept_ns != 0) {
		rp_duration_format(change->slept_ns, text);
		rp_log_info(RP_CLIENT_LOG, "The machine was asleep for %s", text);
		look_again(a);
		return;
	}
	rp_duration_format(change->set_ns, text);
	rp_log_info(RP_CLIENT_LOG, "The clock was set by %s", text);
	/* A certificate may be valid now. Nothing else goes by the time of day. */
	if (a->link == NULL && a->tls != NULL) {
		rp_agent_retry_now(a);
	}
}

void rp_agent_watch(struct rp_agent *a)
{
	uv_loop_t *uv = rp_loop_uv(a->loop);
	int err = rp_netwatch_start(&a->net, uv, on_network, a);
	if (err != 0) {
		rp_log_info(RP_CLIENT_LOG, "changes of the network are not told by this system: %s",
		    rp_err_text(err));
	}
	err = rp_clockwatch_start(&a->clocks, uv, on_clock, a);
	if (err != 0) {
		rp_log_info(
		    RP_CLIENT_LOG, "sleep is not told by this system: %s", rp_err_text(err));
	}
}

void rp_agent_unwatch(struct rp_agent *a)
{
	rp_netwatch_close(&a->net);
	rp_clockwatch_close(&a->clocks);
}
