/* SPDX-License-Identifier: MIT */
/*
 * One uv loop with three handles of its own: an async that wakes it for the inbox, a prepare
 * that flushes the deferred list right before each poll, and an idle that is active only while
 * something is still deferred, so that the loop cannot block in between.
 *
 * Life: new -> run (or start) -> stop: the wake handle no longer keeps the loop alive -> the
 * owner's handles close -> the inbox is empty -> ended: posts are refused from now on.
 */
#include "core/loop.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

/* A library below recurses deeply; musl's default of 128 KiB is not enough. */
#define STACK_SIZE_BYTES ((size_t)4 * 1024 * 1024)
/* Work that came from deferred work is run within the same turn, so many times. */
#define DEFERRED_ROUNDS 3
/* What Linux keeps of a thread's name, with the NUL. */
#define THREAD_NAME_MAX 16

struct rp_loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t prepare;
	uv_idle_t idle;
	struct rp_list deferred;
	void (*on_stop)(void *ctx);
	void *on_stop_ctx;
	char name[THREAD_NAME_MAX];
	uv_thread_t thread;
	bool started;
	bool stopping; /* on_stop was called */
	bool closed;   /* own handles are closed */
	void *scratch;
	size_t scratch_size;

	uv_mutex_t lock; /* guards what follows */
	struct rp_list inbox;
	size_t inbox_len;
	bool stop_wanted;
	bool ended;
};

static _Thread_local struct rp_loop *current;

/* Moves all nodes of src to the empty list dst. */
static void take_list(struct rp_list *dst, struct rp_list *src)
{
	rp_list_init(dst);
	if (rp_list_empty(src)) {
		return;
	}
	*dst = *src;
	dst->next->prev = dst;
	dst->prev->next = dst;
	rp_list_init(src);
}

/* Runs what was posted up to now; false if there was nothing. */
static bool drain_inbox(struct rp_loop *l)
{
	struct rp_list batch;
	uv_mutex_lock(&l->lock);
	take_list(&batch, &l->inbox);
	l->inbox_len = 0;
	uv_mutex_unlock(&l->lock);

	bool any = !rp_list_empty(&batch);
	while (!rp_list_empty(&batch)) {
		struct rp_msg *m = RP_LIST_ENTRY(batch.next, struct rp_msg, node);
		rp_list_remove(&m->node);
		m->run(m);
	}
	return any;
}

/* Once, on the loop's thread: tells the owner; the loop ends when the owner's handles are gone. */
static void begin_stop(struct rp_loop *l)
{
	uv_mutex_lock(&l->lock);
	bool wanted = l->stop_wanted;
	uv_mutex_unlock(&l->lock);
	if (!wanted || l->stopping) {
		return;
	}
	l->stopping = true;
	uv_unref((uv_handle_t *)&l->wake);
	if (l->on_stop != NULL) {
		l->on_stop(l->on_stop_ctx);
	}
}

static void on_wake(uv_async_t *h)
{
	struct rp_loop *l = h->data;
	(void)drain_inbox(l);
	begin_stop(l);
}

static void on_idle(uv_idle_t *h)
{
	(void)h; /* exists to keep the poll from blocking */
}

static void run_deferred(struct rp_loop *l)
{
	struct rp_list batch;
	take_list(&batch, &l->deferred);
	while (!rp_list_empty(&batch)) {
		struct rp_deferred *d = RP_LIST_ENTRY(batch.next, struct rp_deferred, node);
		rp_list_remove(&d->node);
		d->run(d);
	}
}

/* What a deferred defers (a mux filled a stream, which now has to write) still belongs to this
 * turn, as far as that goes: nobody can keep the sockets from being served. */
static void flush_deferred(struct rp_loop *l)
{
	for (int i = 0; i < DEFERRED_ROUNDS && !rp_list_empty(&l->deferred); i++) {
		run_deferred(l);
	}
	if (rp_list_empty(&l->deferred)) {
		(void)uv_idle_stop(&l->idle);
	} else {
		(void)uv_idle_start(&l->idle, on_idle);
	}
}

static void on_prepare(uv_prepare_t *h)
{
	struct rp_loop *l = h->data;
	if (!rp_list_empty(&l->deferred)) {
		flush_deferred(l);
	}
}

static int init_handles(struct rp_loop *l)
{
	(void)uv_prepare_init(&l->uv, &l->prepare);
	(void)uv_idle_init(&l->uv, &l->idle);
	l->prepare.data = l;
	l->idle.data = l;
	int rc = uv_async_init(&l->uv, &l->wake, on_wake);
	if (rc == 0) {
		l->wake.data = l;
		rc = uv_prepare_start(&l->prepare, on_prepare);
		uv_unref((uv_handle_t *)&l->prepare);
		uv_unref((uv_handle_t *)&l->idle);
		return rc;
	}
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	return rc;
}

int rp_loop_new(struct rp_loop **out, const char *name)
{
	*out = NULL;
	struct rp_loop *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		return RP_ENOMEM;
	}
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	rp_list_init(&l->deferred);
	rp_list_init(&l->inbox);
	int rc = uv_mutex_init(&l->lock);
	if (rc != 0) {
		goto fail_alloc;
	}
	rc = uv_loop_init(&l->uv);
	if (rc != 0) {
		goto fail_lock;
	}
	rc = init_handles(l);
	if (rc != 0) {
		goto fail_loop;
	}
	*out = l;
	return 0;

fail_loop:
	(void)uv_loop_close(&l->uv);
fail_lock:
	uv_mutex_destroy(&l->lock);
fail_alloc:
	rp_free(l);
	return rc;
}

/* True when nothing is left to run; from then on rp_loop_post refuses. */
static bool try_end(struct rp_loop *l)
{
	uv_mutex_lock(&l->lock);
	bool end = l->stopping && rp_list_empty(&l->inbox);
	if (end) {
		l->ended = true;
	}
	uv_mutex_unlock(&l->lock);
	return end;
}

static void close_handles(struct rp_loop *l)
{
	if (l->closed) {
		return;
	}
	l->closed = true;
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	/* Not blocking: a handle that somebody forgot is found by rp_loop_free, not waited for. */
	(void)uv_run(&l->uv, UV_RUN_NOWAIT);
}

int rp_loop_run(struct rp_loop *l)
{
	struct rp_loop *outer = current;
	current = l;
	for (;;) {
		(void)uv_run(&l->uv, UV_RUN_DEFAULT);
		/* Close callbacks come after prepare in a turn: what they deferred or posted
		 * is still here. */
		if (!rp_list_empty(&l->deferred)) {
			flush_deferred(l);
			continue;
		}
		bool worked = drain_inbox(l);
		begin_stop(l);
		if (worked || uv_loop_alive(&l->uv) || !rp_list_empty(&l->deferred)) {
			continue;
		}
		if (try_end(l)) {
			break;
		}
	}
	close_handles(l);
	current = outer;
	return 0;
}

static void thread_main(void *arg)
{
	struct rp_loop *l = arg;
	(void)pthread_setname_np(pthread_self(), l->name);
	(void)rp_loop_run(l);
}

int rp_loop_start(struct rp_loop *l)
{
	uv_thread_options_t options = {
	    .flags = UV_THREAD_HAS_STACK_SIZE,
	    .stack_size = STACK_SIZE_BYTES,
	};
	int rc = uv_thread_create_ex(&l->thread, &options, thread_main, l);
	l->started = rc == 0;
	return rc;
}

void rp_loop_stop(struct rp_loop *l)
{
	uv_mutex_lock(&l->lock);
	if (!l->ended && !l->stop_wanted) {
		l->stop_wanted = true;
		(void)uv_async_send(&l->wake);
	}
	uv_mutex_unlock(&l->lock);
}

void rp_loop_on_stop(struct rp_loop *l, void (*on_stop)(void *ctx), void *ctx)
{
	l->on_stop = on_stop;
	l->on_stop_ctx = ctx;
}

void rp_loop_join(struct rp_loop *l)
{
	if (l->started) {
		l->started = false;
		RP_VERIFY(uv_thread_join(&l->thread) == 0);
	}
}

void rp_loop_free(struct rp_loop *l)
{
	if (l == NULL) {
		return;
	}
	RP_VERIFY(!l->started);
#ifndef NDEBUG
	RP_VERIFY(rp_list_empty(&l->inbox));
#endif
	close_handles(l);
	RP_VERIFY(uv_loop_close(&l->uv) == 0);
	uv_mutex_destroy(&l->lock);
	rp_free(l->scratch);
	rp_free(l);
}

void *rp_loop_scratch(struct rp_loop *l, size_t n)
{
	if (n > l->scratch_size) {
		void *p = rp_malloc(n);
		if (p == NULL) {
			return NULL;
		}
		rp_free(l->scratch);
		l->scratch = p;
		l->scratch_size = n;
	}
	return l->scratch;
}

uv_loop_t *rp_loop_uv(struct rp_loop *l)
{
	return &l->uv;
}

int rp_loop_post(struct rp_loop *l, struct rp_msg *m)
{
	int rc = 0;
	uv_mutex_lock(&l->lock);
	if (l->ended) {
		rc = RP_ECLOSED;
	} else if (!m->urgent && l->inbox_len >= RP_LOOP_INBOX_MAX) {
		rc = RP_EBUSY;
	} else {
		/* A filled inbox has woken the loop already. Sent under the lock: the handle
		 * is closed only after ended was set. */
		bool first = rp_list_empty(&l->inbox);
		rp_list_append(&l->inbox, &m->node);
		l->inbox_len++;
		if (first) {
			(void)uv_async_send(&l->wake);
		}
	}
	uv_mutex_unlock(&l->lock);
	return rc;
}

void rp_loop_defer(struct rp_loop *l, struct rp_deferred *d)
{
	if (rp_list_empty(&d->node)) {
		rp_list_append(&l->deferred, &d->node);
	}
}

void rp_loop_defer_cancel(struct rp_deferred *d)
{
	rp_list_remove(&d->node);
}

bool rp_loop_is_current(const struct rp_loop *l)
{
	return current == l;
}
