/* SPDX-License-Identifier: MIT */
/*
 * The serial queue over a real loop and thread pool: order, one at a time, limits, close with
 * jobs waiting.
 */
#include "core/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"

#define JOBS 200

struct fixture {
	struct rp_loop *loop;
	struct rp_serial *q;
	int in_work; /* only ever touched by the queue's work(): TSan tells if not */
	int worked;
	int done;
	int closed;
	int chained;
};

struct job {
	struct rp_serial_job j;
	struct fixture *f;
	int number;
	int answer;
};

static int work(struct rp_serial_job *sj, void *ctx)
{
	struct job *j = RP_CONTAINER_OF(sj, struct job, j);
	struct fixture *f = ctx;
	RP_VERIFY(f->in_work == 0);
	f->in_work = 1;
	RP_VERIFY(f->worked == j->number);
	if (j->number % 50 == 0) {
		(void)usleep(2000);
	}
	f->worked++;
	j->answer = j->number * 2;
	f->in_work = 0;
	return j->number % 7 == 0 ? RP_EDB : 0;
}

static void on_done(struct rp_serial_job *sj, int status)
{
	struct job *j = RP_CONTAINER_OF(sj, struct job, j);
	struct fixture *f = j->f;
	RP_VERIFY(rp_loop_is_current(f->loop));
	assert_int_equal(f->done, j->number);
	assert_int_equal(j->answer, j->number * 2);
	assert_int_equal(status, j->number % 7 == 0 ? RP_EDB : 0);
	f->done++;
	rp_free(j);
}

static struct job *new_job(struct fixture *f, int number)
{
	struct job *j = rp_calloc(1, sizeof(*j));
	assert_non_null(j);
	j->j.work = work;
	j->j.done = on_done;
	j->f = f;
	j->number = number;
	return j;
}

static void on_closed(void *arg)
{
	struct fixture *f = arg;
	f->closed++;
	rp_loop_stop(f->loop);
}

static void setup(struct fixture *f, size_t max)
{
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	assert_int_equal(rp_serial_new(&f->q, f->loop, max, f), 0);
}

static void in_order_and_close_drains(void **state)
{
	(void)state;
	struct fixture f = {0};
	setup(&f, JOBS);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(rp_serial_submit(f.q, &new_job(&f, i)->j), 0);
	}
	rp_serial_close(f.q, on_closed, &f);
	rp_serial_close(f.q, on_closed, &f);
	struct job *late = new_job(&f, JOBS);
	assert_int_equal(rp_serial_submit(f.q, &late->j), RP_ECLOSED);
	rp_free(late);
	assert_int_equal(f.closed, 0);
	assert_int_equal(rp_loop_run(f.loop), 0);
	assert_int_equal(f.done, JOBS);
	assert_int_equal(f.closed, 1);
	rp_loop_free(f.loop);
}

/* A start-up that has queued something still has ctx to itself. */
static void waits_for_the_loop(void **state)
{
	(void)state;
	struct fixture f = {0};
	setup(&f, 2);
	assert_int_equal(rp_serial_submit(f.q, &new_job(&f, 0)->j), 0);
	assert_int_equal(rp_serial_submit(f.q, &new_job(&f, 1)->j), 0);
	(void)usleep(20000);
	assert_int_equal(f.worked, 0);
	rp_serial_close(f.q, on_closed, &f);
	assert_int_equal(rp_loop_run(f.loop), 0);
	assert_int_equal(f.done, 2);
	rp_loop_free(f.loop);
}

static void full_queue(void **state)
{
	(void)state;
	struct fixture f = {0};
	setup(&f, 2);
	for (int i = 0; i < 3; i++) { /* one runs, two wait */
		assert_int_equal(rp_serial_submit(f.q, &new_job(&f, i)->j), 0);
	}
	struct job *over = new_job(&f, 3);
	assert_int_equal(rp_serial_submit(f.q, &over->j), RP_EBUSY);
	rp_free(over);
	rp_serial_close(f.q, on_closed, &f);
	assert_int_equal(rp_loop_run(f.loop), 0);
	assert_int_equal(f.done, 3);
	rp_loop_free(f.loop);
}

static void close_idle(void **state)
{
	(void)state;
	struct fixture f = {0};
	setup(&f, 1);
	rp_serial_close(f.q, on_closed, &f);
	assert_int_equal(f.closed, 0); /* not from inside close */
	assert_int_equal(rp_loop_run(f.loop), 0);
	assert_int_equal(f.closed, 1);
	rp_loop_free(f.loop);
}

static void on_chain(struct rp_serial_job *sj, int status)
{
	struct job *j = RP_CONTAINER_OF(sj, struct job, j);
	struct fixture *f = j->f;
	f->chained++;
	on_done(sj, status);
	if (f->chained < 10) {
		struct job *next = new_job(f, f->chained);
		next->j.done = on_chain;
		assert_int_equal(rp_serial_submit(f->q, &next->j), 0);
	} else {
		rp_serial_close(f->q, on_closed, f);
	}
}

/* done() submits the next job, the last one closes the queue. */
static void submit_and_close_from_done(void **state)
{
	(void)state;
	struct fixture f = {0};
	setup(&f, 1);
	struct job *first = new_job(&f, 0);
	first->j.done = on_chain;
	assert_int_equal(rp_serial_submit(f.q, &first->j), 0);
	assert_int_equal(rp_loop_run(f.loop), 0);
	assert_int_equal(f.done, 10);
	assert_int_equal(f.closed, 1);
	rp_loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(in_order_and_close_drains),
	    cmocka_unit_test(waits_for_the_loop),
	    cmocka_unit_test(full_queue),
	    cmocka_unit_test(close_idle),
	    cmocka_unit_test(submit_and_close_from_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
