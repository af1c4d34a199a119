/* SPDX-License-Identifier: MIT */
/*
 * The thread and the loop share the errand: whoever comes last frees it. Under the lock the thread
 * either finds that it was abandoned, or posts its message while the loop is certainly there.
 */
#include "client/errand.h"

#include <pthread.h>
#include <stdbool.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define STACK_BYTES ((size_t)256 * 1024)

struct rp_errand {
	struct rp_msg msg;
	struct rp_loop *loop;
	const struct rp_errand_ops *ops;
	void *arg;
	void *ctx;
	pthread_mutex_t lock; /* of abandoned */
	bool abandoned;
};

static void errand_free(struct rp_errand *e)
{
	(void)pthread_mutex_destroy(&e->lock);
	rp_free(e);
}

static void on_message(struct rp_msg *m)
{
	struct rp_errand *e = RP_CONTAINER_OF(m, struct rp_errand, msg);
	/* The thread may still be on its way out of the lock. */
	(void)pthread_mutex_lock(&e->lock);
	bool abandoned = e->abandoned;
	(void)pthread_mutex_unlock(&e->lock);
	const struct rp_errand_ops *ops = e->ops;
	void *arg = e->arg;
	void *ctx = e->ctx;
	errand_free(e);
	if (abandoned) {
		ops->drop(arg);
	} else {
		ops->done(ctx, arg);
	}
}

static void *run(void *p)
{
	struct rp_errand *e = p;
	e->ops->work(e->arg);
	(void)pthread_mutex_lock(&e->lock);
	bool last = e->abandoned;
	if (!last) {
		RP_VERIFY(rp_loop_post(e->loop, &e->msg) == 0);
	}
	(void)pthread_mutex_unlock(&e->lock);
	if (last) {
		e->ops->drop(e->arg);
		errand_free(e);
	}
	return NULL;
}

static int start_thread(struct rp_errand *e)
{
	pthread_attr_t attr;
	pthread_t thread;
	if (pthread_attr_init(&attr) != 0) {
		return RP_ENOMEM;
	}
	int rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = rc != 0 ? rc : pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = rc != 0 ? rc : pthread_create(&thread, &attr, run, e);
	(void)pthread_attr_destroy(&attr);
	return rc == 0 ? 0 : uv_translate_sys_error(rc);
}

int rp_errand_start(struct rp_loop *loop, const struct rp_errand_ops *ops, void *arg, void *ctx,
    struct rp_errand **out)
{
	struct rp_errand *e = rp_calloc(1, sizeof(*e));
	*out = NULL;
	if (e == NULL) {
		return RP_ENOMEM;
	}
	e->msg.run = on_message;
	e->msg.urgent = true;
	e->loop = loop;
	e->ops = ops;
	e->arg = arg;
	e->ctx = ctx;
	RP_VERIFY(pthread_mutex_init(&e->lock, NULL) == 0);
	int rc = start_thread(e);
	if (rc != 0) {
		errand_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void rp_errand_abandon(struct rp_errand *e)
{
	if (e == NULL) {
		return;
	}
	/* The thread frees it after the unlock, or the message does, which is never now. */
	(void)pthread_mutex_lock(&e->lock);
	e->abandoned = true;
	(void)pthread_mutex_unlock(&e->lock);
}
