/* SPDX-License-Identifier: MIT */
/*
 * Without memory for a smaller answer the plain one goes out.
 */
#include "api/answer.h"

#include <string.h>

#include <uv.h>

#include "api/call.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "http/compress.h"

#include "core/banned.h"

/* Below that compression only costs. */
#define COMPRESS_MIN ((size_t)200)
/* Up to that it takes less than a millisecond: on the loop. */
#define AT_ONCE_MAX ((size_t)16 * 1024)
/* The pool has other work; the answers beyond that go out plain. */
#define UNDER_WAY_MAX 2
#define SMALLER_MAX   ((size_t)64 * 1024 * 1024)
/* Bytes that wait for visitors who do not take them: of all, of one source. */
#define WAITING_MAX       ((size_t)128 * 1024 * 1024)
#define WAITING_OF_SOURCE ((size_t)32 * 1024 * 1024)

struct job {
	uv_work_t work;
	struct rp_api_call *call;
	struct rp_answer answer;
	enum rp_coding coding;
	char *body; /* copy of the answer's */
	struct rp_buf out;
	int err;
};

/* The smaller body, if it came out well, was told; otherwise the answer stays as it is. */
static void reply_smaller(struct job *j)
{
	if (j->err == 0 &&
	    rp_http_req_add_header(j->call->req, "Content-Encoding", rp_coding_name(j->coding)) ==
	        0) {
		j->answer.body = rp_str_n(rp_buf_head(&j->out), j->out.len);
	}
	rp_api_call_finish(j->call, &j->answer);
	rp_buf_fini(&j->out);
}

static void on_work(uv_work_t *work)
{
	struct job *j = work->data;
	j->err = rp_compress(j->coding, j->body, j->answer.body.len, &j->out);
}

static void on_worked(uv_work_t *work, int status)
{
	struct job *j = work->data;
	j->call->api->compressing--;
	j->err = status != 0 ? status : j->err;
	reply_smaller(j);
	rp_free(j->body);
	rp_free(j);
}

/* 0: the pool has it. */
static int submit(const struct job *from)
{
	struct job *j = rp_memdup(from, sizeof(*from));
	if (j == NULL) {
		return RP_ENOMEM;
	}
	j->work.data = j;
	j->body = rp_memdup(from->answer.body.p, from->answer.body.len);
	j->answer.body.p = j->body;
	int err = j->body == NULL
	    ? RP_ENOMEM
	    : uv_queue_work(rp_loop_uv(j->call->api->parts.loop), &j->work, on_work, on_worked);
	if (err != 0) {
		rp_free(j->body);
		rp_free(j);
		return err;
	}
	from->call->api->compressing++;
	return 0;
}

bool rp_answer_has_room(const struct rp_api_call *c, size_t n)
{
	struct rp_api_waiting w;
	rp_api_waiting(c, &w);
	return w.all + n <= WAITING_MAX && w.of_source + n <= WAITING_OF_SOURCE;
}

void rp_answer_busy(struct rp_api_call *c)
{
	rp_reply_header(c, "Retry-After", "5");
	rp_reply_text(c, 503, "Too many files are under way. Please try later.\n");
}

void rp_answer_send(struct rp_api_call *c, const struct rp_answer *a)
{
	struct job j = {.call = c, .answer = *a};
	rp_reply_header(c, "Vary", "Accept-Encoding");
	if (c->by_cookie) {
		/* Unlike an Authorization header a cookie keeps no cache from storing the answer. */
		rp_reply_header(c, "Cache-Control", "no-store");
	}
	rp_cors_answer(&c->api->cors, c->req);
	if (a->body.len >= COMPRESS_MIN && !a->packed) {
		j.coding = rp_coding_choose(rp_http_req_head(c->req));
	}
	if (j.coding == RP_CODING_NONE) {
		rp_api_call_finish(c, a);
		return;
	}
	rp_buf_init(&j.out, SMALLER_MAX);
	if (a->body.len <= AT_ONCE_MAX) {
		j.err = rp_compress(j.coding, a->body.p, a->body.len, &j.out);
		reply_smaller(&j);
		return;
	}
	if (c->api->closing || c->api->compressing >= UNDER_WAY_MAX || submit(&j) != 0) {
		rp_api_call_finish(c, a);
	}
}
