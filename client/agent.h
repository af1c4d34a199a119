/* SPDX-License-Identifier: MIT */
/*
 * The running client: what its connections share, and the loop that keeps one of them up (wire
 * protocol 1.4).
 *
 * A round tries the main server, then the fallback ones; the first that lets us log in is
 * registered with. When a round failed or the connection ended, the back-off decides when the
 * next one starts. On a fallback server a second connection to the main one is made from time to
 * time; once it is logged in, the first is closed and the second takes over with the same
 * session id.
 */
#ifndef RP_CLIENT_AGENT_H
#define RP_CLIENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "client/backoff.h"
#include "client/clockwatch.h"
#include "client/config.h"
#include "client/netwatch.h"
#include "client/reception.h"
#include "client/results.h"
#include "client/runner.h"
#include "client/sensors.h"
#include "client/setup.h"
#include "client/trail.h"
#include "client/uplink.h"
#include "client/watchdog.h"
#include "cmdpolicy/cmdpolicy.h"
#include "core/crypto.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/serial.h"
#include "http/tls.h"
#include "tunnel/budget.h"
#include "tunnel/hello.h"

#define RP_AGENT_SIGNALS 3

struct rp_agent {
	struct rp_loop *loop;
	const struct rp_client_config *cfg;
	struct rp_client_setup setup;
	struct rp_budget budget;        /* tunnel_memory */
	struct rp_tls *tls;             /* NULL without wss and https */
	struct rp_new_connection hello; /* as it is sent; facts and attributes change */

	struct rp_cmdpolicy *policy;
	struct rp_runner *runner; /* NULL: no_commands says why, or the agent stops */
	struct rp_strmap aliases; /* of interpreters, paths only */
	char no_commands[256];
	struct rp_trail *trail; /* decisions about commands */
	struct rp_results results;
	struct rp_serial *files; /* writes the attributes file */
	struct rp_reception *reception;
	struct rp_sensors *sensors;

	struct rp_uplink *link;  /* the connection, or the attempt */
	struct rp_uplink *spare; /* to the main server, while link is on a fallback */
	struct rp_backoff backoff;
	enum rp_retry worst; /* of this round */
	uint64_t no_link;    /* rounds in a row without a link */
	uint64_t busy_ms;
	uv_timer_t retry;
	uv_timer_t switch_back;
	uv_signal_t signals[RP_AGENT_SIGNALS];
	struct rp_watchdog watchdog;
	struct rp_netwatch net;
	struct rp_clockwatch clocks;
	bool handles_open;
	bool stopping;
	void (*on_parts_closed)(struct rp_agent *a);
};

/* agent.c */

/* Runs until a signal ends it or max_retry_count is used up. After rp_agent_start. */
void rp_agent_run(struct rp_agent *a);
/* In its place when rp_agent_start failed: closes what there is. */
void rp_agent_abandon(struct rp_agent *a);

/* Attempts without a link follow each other fast, for days perhaps: after the first ones only some are
 * logged at this level, the others for debugging. */
enum rp_log_level rp_agent_attempt_level(const struct rp_agent *a, enum rp_log_level level);
/* Ends the wait between two attempts, if there is one. */
void rp_agent_retry_now(struct rp_agent *a);

/* wake.c: changes of the network and the clock */

void rp_agent_watch(struct rp_agent *a);
void rp_agent_unwatch(struct rp_agent *a);

/* agent_parts.c */

/* Zeroes *a and parses what the configuration leaves as text; reads the trust store. Errors are
 * configuration errors. rp_agent_fini in every case, after the loop has ended. cfg is borrowed. */
RP_NODISCARD int rp_agent_open(
    struct rp_agent *a, const struct rp_client_config *cfg, struct rp_err *err);
/* Makes loop, folders, runner and what is told to servers. On failure rp_agent_abandon. */
RP_NODISCARD int rp_agent_start(struct rp_agent *a, struct rp_err *err);
void rp_agent_fini(struct rp_agent *a);
/* Closes runner and files; on_closed comes when the jobs have reported. */
void rp_agent_close_parts(struct rp_agent *a, void (*on_closed)(struct rp_agent *a));

/* report.c */

/* Fills a->hello. */
RP_NODISCARD int rp_agent_describe(struct rp_agent *a, struct rp_err *err);
/* Payload of new_connection, owned; with the facts as they are now. */
RP_NODISCARD int rp_agent_hello(struct rp_agent *a, char **text, struct rp_err *err);
/* The ClientConfiguration of appendix B without secrets, owned; NULL: no memory. */
RP_NODISCARD char *rp_client_report(
    const struct rp_client_config *cfg, const struct rp_client_setup *setup);
/* Takes tags and labels over, for the next new_connection. */
void rp_agent_take_attributes(struct rp_agent *a, struct rp_attributes *attrs);

/* commands.c */

/* run_cmd. 0: on_started comes exactly once from the loop, answer NULL if the process never
 * ran (why: the text for the failure reply). Otherwise err has that text and nothing follows. The
 * result is sent or kept when the command ends. With stream_result the server gets live output if it
 * takes it (client/live.h). */
typedef void (*rp_command_cb)(void *ctx, const struct rp_run_answer *answer, const char *why);
RP_NODISCARD int rp_agent_command(struct rp_agent *a, const void *payload, size_t n,
    rp_command_cb on_started, void *ctx, struct rp_err *err);
/* Sends the results that wait, as far as the connection takes them, and asks whether they arrived. */
void rp_agent_send_results(struct rp_agent *a);

#endif
