/* SPDX-License-Identifier: MIT */
/*
 * The last step of a call: headers that every answer has (Vary, CORS), and compression for callers
 * that ask for it. Large bodies are compressed on libuv's pool.
 */
#ifndef RP_API_ANSWER_H
#define RP_API_ANSWER_H

#include "api/context.h"

struct rp_answer {
	unsigned status;
	const char *content_type; /* static; NULL: no body */
	struct rp_str body;       /* borrowed during the call */
	bool packed;              /* there is nothing to gain by compressing it */
};

/* Ends the call with it, now or later. */
void rp_answer_send(struct rp_api_call *c, const struct rp_answer *a);

#endif
