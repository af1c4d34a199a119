/* SPDX-License-Identifier: MIT */
/*
 * What users send to run a command or a script (rport-api 3.11 to 3.14), read the same way for one
 * client, for many, and over a WebSocket.
 */
#ifndef RP_API_JOB_REQUEST_H
#define RP_API_JOB_REQUEST_H

#include <stdbool.h>

#include "api/context.h"
#include "server/audience.h"
#include "server/multi.h"

/* Of a command or a decoded script. */
#define RP_JOB_TEXT_MAX (128u * 1024)

struct rp_job_request {
	bool is_script;
	char *command; /* a script is decoded */
	char *interpreter;
	char *cwd;
	bool is_sudo;
	int64_t timeout_sec;
	/* For many clients only. */
	bool concurrent;
	bool abort_on_error;
	struct rp_audience audience;
	char *tags; /* as JSON; NULL if not named */
};

/* Decodes the text. What it has of the other kind, a command or a script, is not looked at, nor are
 * unknown keys if lenient. On failure *p says what is wrong and nothing is left to free. */
struct rp_job_request_kind {
	bool is_script;
	bool many;    /* with what is for many clients; else none of that may be named */
	bool lenient; /* as the original takes the messages of its WebSockets */
};
RP_NODISCARD int rp_job_request_read(struct rp_str text, const struct rp_job_request_kind *kind,
    struct rp_job_request *r, struct rp_problem *p);
void rp_job_request_fini(struct rp_job_request *r);

/* Who wants to run it, by which route. */
struct rp_job_requester {
	struct rp_api *api;
	const struct rp_api_user *user;
	const struct rp_route *route;
	const char *peer;
};
/* Starts it on its clients if the user may use each of them: RP_EDENIED otherwise. Errors as above;
 * after 0 the ops follow. */
RP_NODISCARD int rp_job_request_start(const struct rp_job_request *r,
    const struct rp_job_requester *who, const struct rp_multi_ops *ops, void *ctx,
    struct rp_problem *p);
/* The same without the start: are there such clients, and may the user use them? */
RP_NODISCARD int rp_job_request_check(
    const struct rp_job_request *r, const struct rp_job_requester *who, struct rp_problem *p);
/* Entries of the audit log, one for each client. */
void rp_job_request_audit(
    const struct rp_job_request *r, const struct rp_job_requester *who, const char *jid);

#endif
