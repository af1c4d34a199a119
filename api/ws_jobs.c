/* SPDX-License-Identifier: MIT */
/*
 * /ws/commands and /ws/scripts (rport-api 3.14): one request, live output, ends of the child jobs,
 * close.
 *
 * A reader that is slower than its clients costs no memory: while the socket is full live output is
 * left out, with a note later, and ends wait as mere ids to be read from the database again. The
 * socket may go at any time; the job goes on.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/job_request.h"
#include "api/output_cut.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/ws.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/hash.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT   "api"
#define MESSAGE_MAX (16u * 1024 * 1024)
/* What is collected of one stream: a piece, and what of the one before was no whole character. */
#define PENDING_MAX (4u * 1024 * 1024)

/* Live output of one child job. */
struct flow {
	struct rp_hash_node node;
	char jid[RP_UUID_TEXT_MAX];
	struct rp_buf pending[2]; /* stdout, stderr: less than a character when nothing happens */
	uint64_t dropped;
};

struct session {
	struct rp_api *api;
	struct rp_api_ws *ws; /* NULL: gone */
	struct rp_job_request request;
	struct rp_hash flows;      /* by jid */
	struct rp_strlist backlog; /* ids of jobs whose ends wait for room */
	size_t backlog_next;
	bool announces; /* tells the id of the job on many clients first */
	bool asked;     /* the one request has come */
	bool reading;   /* a job of the backlog is on its way from the database */
	bool running;   /* the job's callbacks come */
	bool over;      /* all ends are known */
};

static void flow_free(struct session *s, struct flow *f)
{
	rp_hash_remove(&s->flows, &f->node);
	rp_buf_fini(&f->pending[0]);
	rp_buf_fini(&f->pending[1]);
	rp_free(f);
}

static void free_node(struct rp_hash_node *node, void *ctx)
{
	flow_free(ctx, RP_CONTAINER_OF(node, struct flow, node));
}

static void maybe_free(struct session *s)
{
	if (s->ws == NULL && !s->reading && !s->running) {
		rp_hash_each(&s->flows, free_node, s);
		rp_hash_fini(&s->flows);
		rp_strlist_fini(&s->backlog);
		rp_job_request_fini(&s->request);
		rp_free(s);
	}
}

/* Messages */

static void send_text(struct session *s, struct rp_jsonw *w, struct rp_buf *text)
{
	int err = rp_jsonw_end(w);
	err = err != 0 ? err : rp_api_ws_send(s->ws, rp_buf_head(text), text->len);
	if (err != 0) {
		rp_log_debug(COMPONENT, "a message of a WebSocket is lost: %s", rp_err_text(err));
		rp_api_ws_close(s->ws, RP_API_WS_GOING_AWAY);
	}
	rp_buf_fini(text);
}

static void send_piece(struct session *s, const struct rp_multi_output *o, struct rp_str bytes)
{
	struct rp_buf text;
	struct rp_jsonw w;
	const struct rp_str none = {0};
	bool err = o->piece->stream == 2;
	rp_buf_init(&text, MESSAGE_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "jid", o->piece->jid);
	rp_jsonw_put_str(&w, "client_id", o->client_id);
	rp_jsonw_put_str(&w, "client_name", o->client_name);
	rp_jsonw_key(&w, "result");
	rp_jsonw_obj(&w);
	rp_jsonw_key(&w, "stdout");
	rp_jsonw_strn(&w, err ? none : bytes);
	rp_jsonw_key(&w, "stderr");
	rp_jsonw_strn(&w, err ? bytes : none);
	rp_jsonw_put_str(&w, "summary", "");
	rp_jsonw_obj_end(&w);
	rp_jsonw_obj_end(&w);
	send_text(s, &w, &text);
}

static void send_end(struct session *s, const struct rp_job *job)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, MESSAGE_MAX);
	rp_jsonw_init(&w, &text);
	rp_job_write(job, &w);
	send_text(s, &w, &text);
}

static void send_id(struct session *s, const char *jid)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, MESSAGE_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "multi_job_id", jid);
	rp_jsonw_obj_end(&w);
	send_text(s, &w, &text);
}

/* Live output */

static struct flow *flow_of(struct session *s, const char *jid)
{
	struct rp_hash_node *node = rp_hash_get(&s->flows, jid);
	if (node != NULL) {
		return RP_CONTAINER_OF(node, struct flow, node);
	}
	struct flow *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return NULL;
	}
	(void)snprintf(f->jid, sizeof(f->jid), "%s", jid);
	rp_buf_init(&f->pending[0], PENDING_MAX);
	rp_buf_init(&f->pending[1], PENDING_MAX);
	if (rp_hash_put(&s->flows, &f->node, f->jid) != 0) {
		rp_free(f);
		return NULL;
	}
	return f;
}

/* What is left is less than a character. */
static void send_pending(struct session *s, struct flow *f, const struct rp_multi_output *o)
{
	struct rp_buf *b = &f->pending[o->piece->stream == 2];
	size_t n;
	while ((n = rp_output_cut(rp_buf_head(b), b->len)) > 0) {
		send_piece(s, o, rp_str_n(rp_buf_head(b), n));
		rp_buf_consume(b, n);
	}
}

/* On stderr, where it stands between what was left out and what follows. */
static void send_note(struct session *s, struct flow *f, const struct rp_multi_output *o)
{
	char note[128];
	struct rp_job_output piece = *o->piece;
	const struct rp_multi_output on_stderr = {
	    .client_id = o->client_id, .client_name = o->client_name, .piece = &piece};
	piece.stream = 2;
	(void)snprintf(note, sizeof(note),
	    "\n[%llu bytes of live output were left out: this connection is too slow]\n",
	    (unsigned long long)f->dropped);
	f->dropped = 0;
	send_piece(s, &on_stderr, rp_str_c(note));
}

static void on_output(void *ctx, const struct rp_multi_output *o)
{
	struct session *s = ctx;
	struct flow *f = flow_of(s, o->piece->jid);
	if (f == NULL) {
		return;
	}
	f->dropped += o->piece->dropped;
	struct rp_buf *b = &f->pending[o->piece->stream == 2];
	if (rp_api_ws_full(s->ws) || rp_buf_add(b, o->piece->p, o->piece->n) != 0) {
		f->dropped += o->piece->n + b->len;
		rp_buf_clear(b);
		return;
	}
	if (f->dropped > 0) {
		send_note(s, f, o);
	}
	send_pending(s, f, o);
}

/* A stream that ends within a character. */
static void flush(struct session *s, const struct rp_job *job)
{
	struct rp_hash_node *node = job->jid == NULL ? NULL : rp_hash_get(&s->flows, job->jid);
	if (node == NULL) {
		return;
	}
	struct flow *f = RP_CONTAINER_OF(node, struct flow, node);
	for (int i = 0; i < 2; i++) {
		const struct rp_job_output piece = {.jid = job->jid, .stream = i + 1};
		const struct rp_multi_output o = {
		    .client_id = job->client_id, .client_name = job->client_name, .piece = &piece};
		struct rp_buf *b = &f->pending[i];
		if (b->len > 0 && !rp_api_ws_full(s->ws)) {
			send_piece(s, &o, rp_str_n(rp_buf_head(b), b->len));
		}
		if (f->dropped > 0 && !rp_api_ws_full(s->ws)) {
			send_note(s, f, &o);
		}
	}
	flow_free(s, f);
}

/* Ends */

static void pump(struct session *s);

static void on_read(void *ctx, int code, const struct rp_jobs_read *r, const struct rp_err *err)
{
	struct session *s = ctx;
	s->reading = false;
	if (s->ws == NULL) {
		maybe_free(s);
		return;
	}
	if (code == 0 && r->n > 0) {
		send_end(s, &r->jobs[0]);
	} else if (code != 0) {
		rp_log_error(COMPONENT, "the end of a job is not told: %s", err->msg);
	}
	pump(s);
}

/* Sends ends that wait, as long as there is room; closes when there is nothing more to come. */
static void pump(struct session *s)
{
	if (s->reading || rp_api_ws_full(s->ws)) {
		return;
	}
	if (s->backlog_next < s->backlog.n) {
		const struct rp_jobs_query query = {.jid = s->backlog.v[s->backlog_next++]};
		s->reading = rp_jobs_read(s->api->parts.jobs, &query, on_read, s) == 0;
		if (!s->reading) {
			rp_api_ws_close(s->ws, RP_API_WS_GOING_AWAY);
		}
	} else if (s->over) {
		rp_api_ws_close(s->ws, RP_API_WS_NORMAL);
	}
}

static void on_job(void *ctx, const struct rp_job *job)
{
	struct session *s = ctx;
	flush(s, job);
	bool stored = job->jid != NULL && job->jid[0] != '\0';
	if (!rp_api_ws_full(s->ws) || !stored) {
		send_end(s, job);
	} else if (rp_strlist_add(&s->backlog, rp_str_c(job->jid)) != 0) {
		rp_api_ws_close(s->ws, RP_API_WS_GOING_AWAY);
	}
}

static void on_end(void *ctx, const struct rp_multi_end *end)
{
	struct session *s = ctx;
	(void)end;
	s->running = false;
	s->over = true;
	pump(s);
}

/* Start */

static struct rp_job_requester requester(const struct session *s)
{
	return (struct rp_job_requester){
	    .api = s->api,
	    .user = rp_api_ws_user(s->ws),
	    .route = rp_api_ws_route(s->ws),
	    .peer = rp_api_ws_peer(s->ws),
	};
}

static void on_stored(void *ctx, const char *jid, int code, const struct rp_err *err)
{
	struct session *s = ctx;
	s->running = code == 0;
	if (code != 0) {
		rp_api_ws_fail(s->ws, "Failed to persist a new multi-client job.", err->msg);
	} else {
		const struct rp_job_requester who = requester(s);
		rp_job_request_audit(&s->request, &who, jid);
		if (s->announces) {
			send_id(s, jid);
		}
	}
	rp_job_request_fini(&s->request);
}

static const struct rp_multi_ops ops = {
    .on_stored = on_stored,
    .on_output = on_output,
    .on_job = on_job,
    .on_end = on_end,
};

static void on_request(struct session *s, struct rp_str text)
{
	const struct rp_job_requester who = requester(s);
	const struct rp_job_request_kind kind = {
	    .is_script = strcmp(who.route->path, "/ws/scripts") == 0,
	    .many = true,
	    .lenient = true,
	};
	struct rp_problem p;
	int code = rp_job_request_read(text, &kind, &s->request, &p);
	code = code != 0 ? code : rp_job_request_start(&s->request, &who, &ops, s, &p);
	if (code != 0) {
		rp_api_ws_fail(s->ws, p.title, p.detail);
		return;
	}
	s->running = true;
}

/* Whatever comes behind the request ends the connection, as in the original. */
static void on_text(void *ctx, const char *p, size_t n)
{
	struct session *s = ctx;
	if (s->asked) {
		rp_api_ws_close(s->ws, RP_API_WS_NORMAL);
		return;
	}
	s->asked = true;
	on_request(s, rp_str_n(p, n));
}

static void on_drain(void *ctx)
{
	pump(ctx);
}

static void on_closed(void *ctx)
{
	struct session *s = ctx;
	s->ws = NULL;
	if (s->running) {
		rp_multi_detach(s->api->parts.multis, s);
		s->running = false;
	}
	maybe_free(s);
}

static const struct rp_api_ws_ops ws_ops = {
    .on_text = on_text,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

void rp_api_ws_jobs(struct rp_api_call *c)
{
	struct session *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	s->api = c->api;
	const char *announce = rp_query_get(&c->query, "announce");
	s->announces = announce != NULL && strcmp(announce, "true") == 0;
	rp_hash_init(&s->flows);
	if (rp_api_ws_start(c, &ws_ops, s, &s->ws) != 0) {
		maybe_free(s);
	}
}
