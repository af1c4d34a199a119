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

/* Files that anybody may ask for: may one of n bytes be queued, beside the answers that visitors have
 * not taken yet? And what is answered if not. */
bool rp_answer_has_room(const struct rp_api_call *c, size_t n);
void rp_answer_busy(struct rp_api_call *c);
/* Ends the call with it, now or later. */
void rp_answer_send(struct rp_api_call *c, const struct rp_answer *a);

#endif
