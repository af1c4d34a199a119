/* SPDX-License-Identifier: MIT */
/*
 * Answers in the API's envelopes (rport-api 1.2). Every function that answers frees the call.
 */
#ifndef RP_API_REPLY_H
#define RP_API_REPLY_H

#include "api/context.h"
#include "server/audience.h"
#include "server/listq.h"
#include "server/listread.h"

/* One error. code may be "" or an ERR_CODE_… */
struct rp_api_error {
	unsigned status;
	const char *code;
	const char *title;
	const char *detail;
};
/* The errors envelope as text; the buffer is the caller's, also on failure. */
RP_NODISCARD int rp_reply_error_text(const struct rp_api_error *e, struct rp_buf *out);
void rp_reply_error(struct rp_api_call *c, const struct rp_api_error *e);
void rp_reply_problem(struct rp_api_call *c, const struct rp_problem *p);
/* Several at once; the status is that of the first. */
void rp_reply_errors(struct rp_api_call *c, const struct rp_api_error *v, size_t n);
/* The same with empty code and detail. */
void rp_reply_fail(struct rp_api_call *c, unsigned status, const char *fmt, ...) RP_PRINTF(3, 4);
void rp_reply_list_errors(struct rp_api_call *c, const struct rp_listq_errors *errs);
/* Internal codes: RP_ENOMEM, RP_EBUSY 503 …, others 500. */
void rp_reply_code(struct rp_api_call *c, int code, const struct rp_err *err);
void rp_reply_empty(struct rp_api_call *c, unsigned status);
/* ctx is the call: 204 for code 0, else rp_reply_code. Of the form of rp_store_done_cb. */
void rp_reply_done(void *ctx, int code, const struct rp_err *err);
void rp_reply_text(struct rp_api_call *c, unsigned status, const char *text);

/* A header that is only a help: without memory the answer goes out without it. */
void rp_reply_header(struct rp_api_call *c, const char *name, const char *value);

/* 200 with bytes of any type. */
void rp_reply_bytes(struct rp_api_call *c, const char *content_type, struct rp_str bytes);

/* JSON answers: begin, write with the writer, end. The writer's failure becomes a 500. */
struct rp_reply {
	struct rp_buf text;
	struct rp_jsonw w;
};
/* Writes {"data": and leaves the value to the caller. */
void rp_reply_begin(struct rp_reply *r);
/* Closes the envelope and sends 200. */
void rp_reply_end(struct rp_reply *r, struct rp_api_call *c);
/* The same with another status, such as 201. */
void rp_reply_end_status(struct rp_reply *r, struct rp_api_call *c, unsigned status);
/* The same with "meta":{"count":N}. */
void rp_reply_end_count(struct rp_reply *r, struct rp_api_call *c, int64_t count);

/* n objects of a table as a list: 200, counted unless total is negative. */
void rp_reply_list(
    struct rp_api_call *c, const struct rp_json_table *t, const void *v, size_t n, int64_t total);

/* JSON without that envelope, for the few calls that are so: begin leaves the value to the caller. */
void rp_reply_begin_bare(struct rp_reply *r);
void rp_reply_end_bare(struct rp_reply *r, struct rp_api_call *c);

/* The query of a list checked by its spec; on failure answers and returns negative. */
RP_NODISCARD int rp_api_list_query(
    struct rp_api_call *c, const struct rp_listq_spec *spec, struct rp_listq *q);

/* The same, and then the list is read: cb answers. Failures before it are answered here. */
void rp_api_list_read(struct rp_api_call *c, const struct rp_listq_spec *spec,
    const struct rp_listread_ask *ask, rp_listread_cb cb);

/* A truth value of the query, in the spellings of Go: 1, t, true, 0, f, false; without one it is
 * false. Returns false when what stands there is neither; *v is false then, too. */
RP_NODISCARD bool rp_api_bool(const struct rp_api_call *c, const char *key, bool *v);

/* Decodes the request body strictly by a table (1.4); on failure answers and returns negative. */
RP_NODISCARD int rp_api_body(
    struct rp_api_call *c, const struct rp_json_table *t, bool strict, void *dst);

#endif
