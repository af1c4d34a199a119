/* SPDX-License-Identifier: MIT */
/*
 * A libuv loop with an inbox for messages from other threads and a list of things to do once before
 * the loop sleeps again (one flush per connection and turn). Threads share nothing else: an object
 * belongs to exactly one loop, and other loops talk to it by messages.
 */
#ifndef RP_CORE_LOOP_H
#define RP_CORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "core/defs.h"
#include "core/list.h"

#define RP_LOOP_INBOX_MAX 65536

struct rp_loop;

/* A message: embed it in a struct that the sender allocates and that run() frees (or hands
 * back). run() is called on the receiver's thread, in the order of posting. urgent messages
 * pass a full inbox (state changes that may not get lost); others get RP_EBUSY then and stay
 * with the caller. */
struct rp_msg {
	struct rp_list node;
	void (*run)(struct rp_msg *m);
	bool urgent;
};

/* Something to run once, on this loop, after the callbacks of this turn and before the next
 * poll. run() may free it, and may defer it or others: they run after all that were waiting, in
 * the same turn unless that went on for too long. */
struct rp_deferred {
	struct rp_list node;
	void (*run)(struct rp_deferred *d);
};

/* Makes a loop with its handles. */
RP_NODISCARD int rp_loop_new(struct rp_loop **out, const char *name);
/* Runs on the calling thread until rp_loop_stop and until every handle is closed; 0. Once per
 * loop. */
int rp_loop_run(struct rp_loop *l);
/* Runs it on a thread of its own (4 MiB of stack) with the loop's name. */
RP_NODISCARD int rp_loop_start(struct rp_loop *l);
/* From any thread, also before run: on_stop is called on the loop's thread, where the owner
 * closes what it has; the loop ends when no active handle or request is left and the inbox is
 * empty. Idempotent. */
void rp_loop_stop(struct rp_loop *l);
/* Before run. */
void rp_loop_on_stop(struct rp_loop *l, void (*on_stop)(void *ctx), void *ctx);
/* Waits for the thread of rp_loop_start. */
void rp_loop_join(struct rp_loop *l);
/* After run/join, or for a loop that never ran and has no handles. A handle that somebody left
 * open is an RP_VERIFY; so is, in debug builds, a message that never ran. NULL is fine. */
void rp_loop_free(struct rp_loop *l);

uv_loop_t *rp_loop_uv(struct rp_loop *l);
/* On the loop's own thread: n bytes to work in until the callback that asked returns, with
 * anything in them. Once it has given n bytes, a call for as many does not fail. NULL: no memory. */
void *rp_loop_scratch(struct rp_loop *l, size_t n);
/* From any thread, never blocks. 0, RP_EBUSY (inbox full), RP_ECLOSED (loop has ended). */
RP_NODISCARD int rp_loop_post(struct rp_loop *l, struct rp_msg *m);
/* On the loop's own thread. A deferred that is already waiting stays where it is. */
void rp_loop_defer(struct rp_loop *l, struct rp_deferred *d);
/* Harmless for one that is not waiting. */
void rp_loop_defer_cancel(struct rp_deferred *d);
/* True between begin and end of rp_loop_run on the thread that runs it. */
bool rp_loop_is_current(const struct rp_loop *l);

#endif
