/* SPDX-License-Identifier: MIT */
/*
 * A timerfd far in the future that the kernel cancels when the wall clock makes a step.
 */
#include "client/clockwatch.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

#include "core/banned.h"

#define NOTABLE_NS RP_NS_PER_S
/* A day that nobody will see; the largest time there is would overflow inside some kernels. */
#define FAR_FUTURE_S (INT64_C(1) << 33)

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * RP_NS_PER_S + (int64_t)ts.tv_nsec;
}

static struct rp_clock_reading read_clocks(void)
{
	return (struct rp_clock_reading){
	    .boot_ns = read_clock(CLOCK_BOOTTIME),
	    .mono_ns = read_clock(CLOCK_MONOTONIC),
	    .real_ns = read_clock(CLOCK_REALTIME),
	};
}

static int64_t notable(int64_t ns)
{
	return ns >= NOTABLE_NS || ns <= -NOTABLE_NS ? ns : 0;
}

struct rp_clock_change rp_clockwatch_compare(
    const struct rp_clock_reading *before, const struct rp_clock_reading *now)
{
	int64_t slept = (now->boot_ns - before->boot_ns) - (now->mono_ns - before->mono_ns);
	int64_t set = (now->real_ns - before->real_ns) - (now->boot_ns - before->boot_ns);
	return (struct rp_clock_change){.slept_ns = notable(slept), .set_ns = notable(set)};
}

static int arm(int fd)
{
	const struct itimerspec when = {.it_value.tv_sec = (time_t)FAR_FUTURE_S};
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) == 0) {
		return 0;
	}
	/* The clock was set in this very moment: armed all the same. */
	return errno == ECANCELED ? 0 : uv_translate_sys_error(errno);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct rp_clockwatch *w = h->data;
	(void)status;
	(void)events;
	uint64_t ticks;
	(void)!read(w->fd, &ticks, sizeof(ticks));
	if (arm(w->fd) != 0) {
		(void)uv_poll_stop(&w->poll);
	}
	struct rp_clock_reading now = read_clocks();
	struct rp_clock_change change = rp_clockwatch_compare(&w->last, &now);
	w->last = now;
	if (change.slept_ns != 0 || change.set_ns != 0) {
		w->on_change(w->ctx, &change);
	}
}

int rp_clockwatch_start(
    struct rp_clockwatch *w, uv_loop_t *loop, rp_clockwatch_cb on_change, void *ctx)
{
	*w = (struct rp_clockwatch){.on_change = on_change, .ctx = ctx};
	w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->fd < 0) {
		return uv_translate_sys_error(errno);
	}
	w->last = read_clocks();
	int err = arm(w->fd);
	err = err != 0 ? err : uv_poll_init(loop, &w->poll, w->fd);
	if (err != 0) {
		(void)close(w->fd);
		return err;
	}
	w->open = true;
	w->poll.data = w;
	return uv_poll_start(&w->poll, UV_READABLE, on_poll);
}

static void on_closed(uv_handle_t *h)
{
	struct rp_clockwatch *w = h->data;
	(void)close(w->fd);
}

void rp_clockwatch_close(struct rp_clockwatch *w)
{
	if (w->open) {
		w->open = false;
		uv_close((uv_handle_t *)&w->poll, on_closed);
	}
}
