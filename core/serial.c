/* SPDX-License-Identifier: MIT */
/*
 * A queue in front of libuv's thread pool with at most one job in it at a time. Everything but
 * work() happens on the loop's thread, so there is no lock; libuv hands the job over and back.
 *
 * A job that finds the queue idle starts from the loop, not from inside the submission: what is
 * queued while a program starts leaves ctx to the start until the loop runs.
 *
 * Close: no new jobs, the queued ones still run, then a deferred call frees the queue and
 * tells the owner.
 */
#include "core/serial.h"

#include <stdbool.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

struct rp_serial {
	struct rp_loop *loop;
	void *ctx;
	struct rp_list queue;
	size_t queued;
	size_t max_queued;
	uv_work_t req;
	struct rp_serial_job *running;
	bool closing;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
	struct rp_deferred start;
	struct rp_deferred finish;
};

static void next(struct rp_serial *s);

static void on_finish(struct rp_deferred *d)
{
	struct rp_serial *s = RP_CONTAINER_OF(d, struct rp_serial, finish);
	void (*on_closed)(void *arg) = s->on_closed;
	void *arg = s->on_closed_arg;
	rp_loop_defer_cancel(&s->start);
	rp_free(s);
	if (on_closed != NULL) {
		on_closed(arg);
	}
}

static void on_work(uv_work_t *req)
{
	struct rp_serial *s = req->data;
	s->running->status = s->running->work(s->running, s->ctx);
}

static void on_worked(uv_work_t *req, int status)
{
	struct rp_serial *s = req->data;
	struct rp_serial_job *job = s->running;
	s->running = NULL;
	job->done(job, status == 0 ? job->status : status);
	next(s);
}

/* Starts the oldest job if none runs; ends a closed queue. */
static void next(struct rp_serial *s)
{
	if (s->running != NULL) {
		return;
	}
	if (rp_list_empty(&s->queue)) {
		if (s->closing) {
			rp_loop_defer(s->loop, &s->finish);
		}
		return;
	}
	struct rp_serial_job *job = RP_LIST_ENTRY(s->queue.next, struct rp_serial_job, node);
	rp_list_remove(&job->node);
	s->queued--;
	s->running = job;
	/* Fails only without a work callback. */
	RP_VERIFY(uv_queue_work(rp_loop_uv(s->loop), &s->req, on_work, on_worked) == 0);
}

static void on_start(struct rp_deferred *d)
{
	next(RP_CONTAINER_OF(d, struct rp_serial, start));
}

int rp_serial_new(struct rp_serial **out, struct rp_loop *loop, size_t max_queued, void *ctx)
{
	struct rp_serial *s = rp_calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL) {
		return RP_ENOMEM;
	}
	s->loop = loop;
	s->ctx = ctx;
	s->max_queued = max_queued;
	rp_list_init(&s->queue);
	s->req.data = s;
	rp_list_init(&s->start.node);
	s->start.run = on_start;
	s->finish.run = on_finish;
	return 0;
}

int rp_serial_submit(struct rp_serial *s, struct rp_serial_job *job)
{
	if (s->closing) {
		return RP_ECLOSED;
	}
	/* While none runs, the first is only about to. */
	if (s->queued >= s->max_queued + (s->running == NULL ? 1 : 0)) {
		return RP_EBUSY;
	}
	job->status = UV_ECANCELED;
	rp_list_append(&s->queue, &job->node);
	s->queued++;
	rp_loop_defer(s->loop, &s->start);
	return 0;
}

void rp_serial_close(struct rp_serial *s, void (*on_closed)(void *arg), void *arg)
{
	if (s->closing) {
		return;
	}
	s->closing = true;
	s->on_closed = on_closed;
	s->on_closed_arg = arg;
	next(s);
}
