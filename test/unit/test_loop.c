/* SPDX-License-Identifier: MIT */
/*
 * Loops on real threads: order and completeness of messages, limits of the inbox, deferred
 * work before the poll, stop and end.
 */
#include "core/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"

#define SENDERS  4
#define MESSAGES 20000

struct count_msg {
	struct rp_msg m;
	struct rp_loop *home;
	uint32_t sender;
	uint32_t seq;
};

static uint32_t next_seq[SENDERS];
static uint32_t seen;

static void on_count(struct rp_msg *m)
{
	struct count_msg *c = RP_CONTAINER_OF(m, struct count_msg, m);
	RP_VERIFY(rp_loop_is_current(c->home));
	RP_VERIFY(c->seq == next_seq[c->sender]);
	next_seq[c->sender]++;
	seen++;
	if (seen == SENDERS * MESSAGES) {
		rp_loop_stop(c->home);
	}
	rp_free(c);
}

struct sender {
	struct rp_loop *to;
	uint32_t id;
};

static void send_all(void *arg)
{
	struct sender *s = arg;
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct count_msg *c = rp_calloc(1, sizeof(*c));
		RP_VERIFY(c != NULL);
		c->m.run = on_count;
		c->home = s->to;
		c->sender = s->id;
		c->seq = i;
		while (rp_loop_post(s->to, &c->m) == RP_EBUSY) {
			(void)usleep(100);
		}
	}
}

/* Nothing is lost, doubled or reordered per sender. */
static void messages_from_many_threads(void **state)
{
	(void)state;
	struct rp_loop *l;
	assert_int_equal(rp_loop_new(&l, "test"), 0);
	assert_int_equal(rp_loop_start(l), 0);
	uv_thread_t t[SENDERS];
	struct sender s[SENDERS];
	for (uint32_t i = 0; i < SENDERS; i++) {
		s[i] = (struct sender){.to = l, .id = i};
		assert_int_equal(uv_thread_create(&t[i], send_all, &s[i]), 0);
	}
	for (uint32_t i = 0; i < SENDERS; i++) {
		assert_int_equal(uv_thread_join(&t[i]), 0);
	}
	rp_loop_join(l);
	assert_int_equal(seen, SENDERS * MESSAGES);
	struct rp_msg late = {.run = NULL};
	assert_int_equal(rp_loop_post(l, &late), RP_ECLOSED);
	late.urgent = true;
	assert_int_equal(rp_loop_post(l, &late), RP_ECLOSED);
	rp_loop_stop(l); /* harmless after the end */
	rp_loop_free(l);
}

static size_t ran;

static void on_ran(struct rp_msg *m)
{
	(void)m;
	ran++;
}

static void full_inbox(void **state)
{
	(void)state;
	struct rp_loop *l;
	assert_int_equal(rp_loop_new(&l, "test"), 0);
	struct rp_msg *m = rp_calloc(RP_LOOP_INBOX_MAX + 2, sizeof(*m));
	assert_non_null(m);
	for (size_t i = 0; i < RP_LOOP_INBOX_MAX + 2; i++) {
		m[i].run = on_ran;
		int want = i < RP_LOOP_INBOX_MAX ? 0 : RP_EBUSY;
		assert_int_equal(rp_loop_post(l, &m[i]), want);
	}
	m[RP_LOOP_INBOX_MAX].urgent = true;
	assert_int_equal(rp_loop_post(l, &m[RP_LOOP_INBOX_MAX]), 0);
	/* Stopped before it runs: all messages still run. */
	rp_loop_stop(l);
	ran = 0;
	assert_int_equal(rp_loop_run(l), 0);
	assert_int_equal(ran, RP_LOOP_INBOX_MAX + 1);
	rp_loop_free(l);
	rp_free(m);
}

/* Ping-pong between two loops, then both end; the last reply arrives although stop was asked
 * for before. */
struct pong {
	struct rp_msg m;
	struct rp_loop *a;
	struct rp_loop *b;
	int left;
};

static void on_pong(struct rp_msg *m)
{
	struct pong *p = RP_CONTAINER_OF(m, struct pong, m);
	if (p->left-- == 0) {
		rp_loop_stop(p->a);
		rp_loop_stop(p->b);
		return;
	}
	struct rp_loop *to = rp_loop_is_current(p->a) ? p->b : p->a;
	RP_VERIFY(rp_loop_post(to, m) == 0);
}

static void ping_pong(void **state)
{
	(void)state;
	struct pong p = {.m.run = on_pong, .left = 5001};
	assert_int_equal(rp_loop_new(&p.a, "a"), 0);
	assert_int_equal(rp_loop_new(&p.b, "a-name-longer-than-the-kernel-keeps"), 0);
	assert_int_equal(rp_loop_start(p.a), 0);
	assert_int_equal(rp_loop_start(p.b), 0);
	assert_int_equal(rp_loop_post(p.a, &p.m), 0);
	rp_loop_join(p.a);
	rp_loop_join(p.b);
	assert_int_equal(p.left, -1);
	rp_loop_free(p.a);
	rp_loop_free(p.b);
}

struct owner {
	struct rp_loop *l;
	uv_timer_t timer;
	uv_pipe_t pipe;
	int write_fd;
	struct rp_deferred d;
	struct rp_deferred e;
	char order[64];
	int rounds;
	bool stopped;
	bool close_deferred_ran;
};

static void note(struct owner *o, char c)
{
	size_t n = strlen(o->order);
	RP_VERIFY(n + 1 < sizeof(o->order));
	o->order[n] = c;
}

static void on_deferred(struct rp_deferred *d)
{
	struct owner *o = RP_CONTAINER_OF(d, struct owner, d);
	note(o, 'd');
}

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
	static char mem[64];
	(void)h;
	(void)n;
	*buf = uv_buf_init(mem, 1);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct owner *o = s->data;
	(void)buf;
	if (n > 0) {
		note(o, 'r');
		rp_loop_defer(o->l, &o->d);
		rp_loop_defer(o->l, &o->d); /* twice is once */
	}
}

static void on_timer(uv_timer_t *t)
{
	struct owner *o = t->data;
	note(o, 't');
	rp_loop_defer(o->l, &o->d);
	rp_loop_defer(o->l, &o->e);
	rp_loop_defer_cancel(&o->e);
	rp_loop_defer_cancel(&o->e);
	if (++o->rounds == 3) {
		rp_loop_stop(o->l);
	} else if (o->rounds == 2) {
		RP_VERIFY(write(o->write_fd, "x", 1) == 1);
	}
}

static void on_close_deferred(struct rp_deferred *d)
{
	struct owner *o = RP_CONTAINER_OF(d, struct owner, e);
	o->close_deferred_ran = true;
}

static void on_timer_closed(uv_handle_t *h)
{
	struct owner *o = h->data;
	rp_loop_defer(o->l, &o->e);
}

static void on_stop(void *ctx)
{
	struct owner *o = ctx;
	RP_VERIFY(!o->stopped);
	RP_VERIFY(rp_loop_is_current(o->l));
	o->stopped = true;
	o->e.run = on_close_deferred;
	uv_close((uv_handle_t *)&o->pipe, NULL);
	uv_close((uv_handle_t *)&o->timer, on_timer_closed);
}

/* Each callback's deferred work runs before the next callback of a later turn, also after the
 * last close. */
static void deferred_order(void **state)
{
	(void)state;
	struct owner o = {.d.run = on_deferred, .e.run = on_deferred};
	int fds[2];
	assert_int_equal(rp_loop_new(&o.l, "test"), 0);
	assert_false(rp_loop_is_current(o.l));
	assert_int_equal(uv_pipe(fds, UV_NONBLOCK_PIPE, 0), 0);
	o.write_fd = fds[1];
	assert_int_equal(uv_timer_init(rp_loop_uv(o.l), &o.timer), 0);
	assert_int_equal(uv_pipe_init(rp_loop_uv(o.l), &o.pipe, 0), 0);
	assert_int_equal(uv_pipe_open(&o.pipe, fds[0]), 0);
	o.timer.data = &o;
	o.pipe.data = &o;
	assert_int_equal(uv_read_start((uv_stream_t *)&o.pipe, on_alloc, on_read), 0);
	assert_int_equal(uv_timer_start(&o.timer, on_timer, 20, 20), 0);
	rp_loop_on_stop(o.l, on_stop, &o);
	assert_int_equal(rp_loop_run(o.l), 0);
	assert_string_equal(o.order, "tdtdrdtd");
	assert_true(o.stopped);
	assert_true(o.close_deferred_ran);
	rp_loop_free(o.l);
	(void)close(fds[1]);
}

struct again {
	struct rp_deferred d;
	struct rp_loop *l;
	uv_timer_t timer;
	int left;
};

static void on_again(struct rp_deferred *d)
{
	struct again *a = RP_CONTAINER_OF(d, struct again, d);
	if (--a->left > 0) {
		rp_loop_defer(a->l, d);
		return;
	}
	uv_close((uv_handle_t *)&a->timer, NULL);
	rp_loop_stop(a->l);
}

static void on_never(uv_timer_t *t)
{
	(void)t;
	fail();
}

/* Deferring from within a deferred neither blocks the loop (the timer is far away) nor starves
 * it. */
static void deferred_again(void **state)
{
	(void)state;
	struct again a = {.d.run = on_again, .left = 1000};
	assert_int_equal(rp_loop_new(&a.l, "test"), 0);
	assert_int_equal(uv_timer_init(rp_loop_uv(a.l), &a.timer), 0);
	assert_int_equal(uv_timer_start(&a.timer, on_never, 60000, 0), 0);
	rp_loop_defer(a.l, &a.d);
	uint64_t start = uv_hrtime();
	assert_int_equal(rp_loop_run(a.l), 0);
	assert_int_equal(a.left, 0);
	assert_true(uv_hrtime() - start < UINT64_C(30) * 1000000000);
	rp_loop_free(a.l);
}

struct freed {
	struct rp_deferred d;
	struct rp_loop *l;
	struct freed *other;
};

static void on_free_both(struct rp_deferred *d)
{
	struct freed *f = RP_CONTAINER_OF(d, struct freed, d);
	rp_loop_defer_cancel(&f->other->d);
	rp_loop_stop(f->l);
	rp_free(f->other);
	rp_free(f);
}

/* A deferred may cancel and free its neighbour of the same batch and itself. */
static void deferred_frees_neighbour(void **state)
{
	(void)state;
	struct rp_loop *l;
	assert_int_equal(rp_loop_new(&l, "test"), 0);
	struct freed *f[2];
	for (size_t i = 0; i < 2; i++) {
		f[i] = rp_calloc(1, sizeof(*f[i]));
		assert_non_null(f[i]);
		f[i]->d.run = on_free_both;
		f[i]->l = l;
	}
	f[0]->other = f[1];
	f[1]->other = f[0];
	rp_loop_defer(l, &f[0]->d);
	rp_loop_defer(l, &f[1]->d);
	assert_int_equal(rp_loop_run(l), 0);
	rp_loop_free(l);
}

static void on_deep(struct rp_msg *m)
{
	(void)m;
	volatile char room[1024 * 1024];
	for (size_t i = 0; i < sizeof(room); i += 4096) {
		room[i] = 1;
	}
	ran = (size_t)room[4096];
}

static void thread_has_a_big_stack(void **state)
{
	(void)state;
	struct rp_loop *l;
	struct rp_msg m = {.run = on_deep};
	ran = 0;
	assert_int_equal(rp_loop_new(&l, "test"), 0);
	assert_int_equal(rp_loop_post(l, &m), 0);
	assert_int_equal(rp_loop_start(l), 0);
	rp_loop_stop(l);
	rp_loop_join(l);
	rp_loop_join(l); /* harmless */
	assert_int_equal(ran, 1);
	rp_loop_free(l);
}

static void never_run(void **state)
{
	(void)state;
	struct rp_loop *l;
	assert_int_equal(rp_loop_new(&l, "test"), 0);
	rp_loop_free(l);
	rp_loop_free(NULL);
}

static void *no_memory(size_t n, size_t size)
{
	(void)n;
	(void)size;
	return NULL;
}

static void out_of_memory(void **state)
{
	(void)state;
	struct rp_alloc_hooks hooks = {malloc, no_memory, realloc, free};
	struct rp_loop *l;
	rp_alloc_set_hooks(&hooks);
	int rc = rp_loop_new(&l, "test");
	rp_alloc_set_hooks(NULL);
	assert_int_equal(rc, RP_ENOMEM);
	assert_null(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_from_many_threads),
	    cmocka_unit_test(full_inbox),
	    cmocka_unit_test(ping_pong),
	    cmocka_unit_test(deferred_order),
	    cmocka_unit_test(deferred_again),
	    cmocka_unit_test(deferred_frees_neighbour),
	    cmocka_unit_test(thread_has_a_big_stack),
	    cmocka_unit_test(never_run),
	    cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
