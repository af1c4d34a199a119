/* SPDX-License-Identifier: MIT */
/*
 * Global requests (RFC 4254 4, with data in both replies, wire protocol 4.1). Replies carry no
 * number, so their order is everything: incoming requests wait in a ring until it is their turn to
 * be answered, and of our own only one is on the wire at a time.
 */
#include <string.h>

#include "core/alloc.h"
#include "tunnel/mux_private.h"

#include "core/banned.h"

#define RING_FIRST 4u
/* Message number, length of the name, want_reply. */
#define REQUEST_HEADER 6u

struct rp_call {
	struct rp_list node;
	struct rp_mux *mux;
	rp_call_cb cb; /* NULL: cancelled */
	void *ctx;
	bool sent;
	bool done; /* inside cb */
	size_t name_len;
	size_t n;
	uint8_t data[]; /* name, payload; until sent */
};

/* --- requests of the peer --- */

static struct rp_mux_request *request_at(struct rp_mux_requests *q, size_t i)
{
	return &q->v[(q->head + i) & (q->cap - 1)];
}

/* Room for one more. */
static int grow(struct rp_mux_requests *q)
{
	if (q->n < q->cap) {
		return 0;
	}
	size_t cap = q->cap != 0 ? q->cap * 2 : RING_FIRST;
	struct rp_mux_request *v = rp_calloc(cap, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	for (size_t i = 0; i < q->n; i++) {
		v[i] = *request_at(q, i);
	}
	rp_free(q->v);
	q->v = v;
	q->cap = cap;
	q->head = 0;
	return 0;
}

const char *rp_mux_in_request(struct rp_mux *m, struct rp_cursor *in)
{
	struct rp_str name;
	uint8_t want_reply;
	if (rp_cursor_sstring(in, &name) != 0 || rp_cursor_u8(in, &want_reply) != 0) {
		return RP_MUX_MALFORMED;
	}
	uint64_t ticket = 0;
	if (want_reply != 0) {
		struct rp_mux_requests *q = &m->requests;
		if (q->n >= RP_MUX_REQUESTS_MAX) {
			return "too many unanswered requests";
		}
		if (grow(q) != 0) {
			return "out of memory";
		}
		ticket = q->first_ticket + q->n;
		*request_at(q, q->n) = (struct rp_mux_request){.answered = false};
		q->n++;
	}
	m->ops->on_request(m->ctx, name, ticket, in->p, in->left);
	return NULL;
}

static void send_reply(struct rp_mux *m, bool ok, const void *p, size_t n)
{
	uint8_t type = ok ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE;
	const struct iovec iov[] = {rp_mux_iov(&type, 1), rp_mux_iov(p, n)};
	(void)rp_mux_send(m, iov, n > 0 ? 2 : 1);
}

static void drop_first(struct rp_mux_requests *q)
{
	rp_free(request_at(q, 0)->data);
	q->head = (q->head + 1) & (q->cap - 1);
	q->n--;
	q->first_ticket++;
}

/* Sends the answers whose turn has come. */
static void flush_replies(struct rp_mux *m)
{
	struct rp_mux_requests *q = &m->requests;
	while (q->n > 0 && request_at(q, 0)->answered) {
		const struct rp_mux_request *r = request_at(q, 0);
		send_reply(m, r->ok, r->data, r->n);
		drop_first(q);
	}
}

/* Keeps an answer for later; without memory it becomes a failure without data. */
static void keep_reply(struct rp_mux_request *r, bool ok, const void *p, size_t n)
{
	r->answered = true;
	r->ok = ok;
	if (n == 0) {
		return;
	}
	r->data = rp_memdup(p, n);
	if (r->data == NULL) {
		r->ok = false;
		return;
	}
	r->n = n;
}

int rp_mux_reply(struct rp_mux *m, uint64_t ticket, bool ok, const void *p, size_t n)
{
	struct rp_mux_requests *q = &m->requests;
	if (ticket == 0) {
		return 0;
	}
	if (ticket < q->first_ticket || ticket - q->first_ticket >= q->n) {
		return RP_EINVAL;
	}
	struct rp_mux_request *r = request_at(q, (size_t)(ticket - q->first_ticket));
	if (r->answered) {
		return RP_EINVAL;
	}
	int rc = 0;
	if (n > RP_MUX_PAYLOAD_MAX - 1) { /* message number */
		rc = RP_ELIMIT;
		ok = false;
		p = "answer too long";
		n = strlen(p);
	}
	if (ticket != q->first_ticket) {
		keep_reply(r, ok, p, n);
		return rc;
	}
	send_reply(m, ok, p, n);
	drop_first(q);
	flush_replies(m);
	return rc;
}

/* --- our requests --- */

static int send_request(struct rp_mux *m, struct rp_str name, bool want_reply, struct rp_str data)
{
	uint8_t head[5] = {MSG_GLOBAL_REQUEST};
	uint8_t want = want_reply ? 1 : 0;
	rp_mux_put_u32(head + 1, (uint32_t)name.len);
	const struct iovec iov[] = {
	    rp_mux_iov(head, sizeof(head)),
	    rp_mux_iov(name.p, name.len),
	    rp_mux_iov(&want, 1),
	    rp_mux_iov(data.p, data.len),
	};
	return rp_mux_send(m, iov, data.len > 0 ? 4 : 3);
}

static int check_size(const struct rp_mux *m, struct rp_str name, size_t n)
{
	if (m->dead) {
		return RP_ECLOSED;
	}
	const size_t max = RP_MUX_PAYLOAD_MAX - REQUEST_HEADER;
	return n > max || name.len > max - n ? RP_ELIMIT : 0;
}

int rp_mux_notify(struct rp_mux *m, const char *name, const void *p, size_t n)
{
	struct rp_str s = rp_str_c(name);
	int rc = check_size(m, s, n);
	return rc != 0 ? rc : send_request(m, s, false, rp_str_n(p, n));
}

static struct rp_call *first_call(struct rp_mux *m)
{
	return rp_list_empty(&m->calls) ? NULL : RP_LIST_ENTRY(m->calls.next, struct rp_call, node);
}

static size_t count_calls(struct rp_mux *m)
{
	struct rp_list *it;
	struct rp_list *tmp;
	size_t n = 0;
	RP_LIST_FOREACH(it, tmp, &m->calls) {
		n++;
	}
	return n;
}

static int send_call(struct rp_mux *m, struct rp_call *c)
{
	c->sent = true;
	return send_request(
	    m, rp_str_n(c->data, c->name_len), true, rp_str_n(c->data + c->name_len, c->n));
}

int rp_mux_call(struct rp_mux *m, const char *name, const void *p, size_t n, rp_call_cb cb,
    void *ctx, struct rp_call **out)
{
	if (out != NULL) {
		*out = NULL;
	}
	struct rp_str s = rp_str_c(name);
	int rc = check_size(m, s, n);
	if (rc != 0) {
		return rc;
	}
	if (count_calls(m) >= RP_MUX_CALLS_MAX) {
		return RP_EBUSY;
	}
	struct rp_call *c = rp_malloc(sizeof(*c) + s.len + n);
	if (c == NULL) {
		return RP_ENOMEM;
	}
	*c = (struct rp_call){.mux = m, .cb = cb, .ctx = ctx, .name_len = s.len, .n = n};
	memcpy(c->data, s.p, s.len);
	if (n > 0) {
		memcpy(c->data + s.len, p, n);
	}
	bool alone = rp_list_empty(&m->calls);
	rp_list_append(&m->calls, &c->node);
	if (alone) {
		rc = send_call(m, c);
		if (rc != 0) {
			rp_list_remove(&c->node);
			rp_free(c);
			return rc;
		}
	}
	if (out != NULL) {
		*out = c;
	}
	return 0;
}

void rp_call_cancel(struct rp_call *c)
{
	c->cb = NULL;
	if (c->sent || c->done) {
		return;
	}
	rp_list_remove(&c->node);
	rp_free(c);
}

/* Ends a call that is in no list any more. */
static void finish_call(struct rp_call *c, int code, const uint8_t *p, size_t n)
{
	c->done = true;
	if (c->cb != NULL) {
		c->cb(c->ctx, code, p, n);
	}
	rp_free(c);
}

/* The answer to the call on the wire. One that nobody asked for is ignored: old clients answer a
 * ping twice (wire protocol 4.1). */
static const char *take_answer(struct rp_mux *m, int code, struct rp_cursor *in)
{
	struct rp_call *c = first_call(m);
	if (c == NULL || !c->sent) {
		return NULL;
	}
	rp_list_remove(&c->node);
	struct rp_call *next = first_call(m);
	if (next != NULL) {
		(void)send_call(m, next);
	}
	finish_call(c, code, in->p, in->left);
	return NULL;
}

const char *rp_mux_in_success(struct rp_mux *m, struct rp_cursor *in)
{
	return take_answer(m, 0, in);
}

const char *rp_mux_in_failure(struct rp_mux *m, struct rp_cursor *in)
{
	return take_answer(m, RP_EDENIED, in);
}

void rp_mux_requests_fini(struct rp_mux *m)
{
	for (struct rp_call *c = first_call(m); c != NULL; c = first_call(m)) {
		rp_list_remove(&c->node);
		finish_call(c, RP_ECLOSED, NULL, 0);
	}
	while (m->requests.n > 0) {
		drop_first(&m->requests);
	}
	rp_free(m->requests.v);
}
