/* SPDX-License-Identifier: MIT */
/*
 * A program of the system that is asked something: started without a shell, in a process group of its
 * own, with a clean environment in the C locale and at low priority; its output comes line by line.
 * When it takes too long its group is killed. One that cannot be killed (sudo's) is left behind.
 */
#ifndef RP_CLIENT_TOOL_H
#define RP_CLIENT_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "core/str.h"

/* Longer lines come without their end. */
#define RP_TOOL_LINE_MAX 4096
#define RP_TOOL_TEXT_MAX 160

struct rp_tool;

struct rp_tool_end {
	bool exited; /* by itself: status and signal are known */
	int64_t status;
	int signal;
	bool timed_out;
	char text
	    [RP_TOOL_TEXT_MAX]; /* first words on stderr, printable ASCII, one line; may be empty */
};

struct rp_tool_options {
	const struct rp_strlist
	    *argv; /* first the program with its whole path; borrowed for the call */
	unsigned timeout_ms;
	void (*on_line)(void *ctx, struct rp_str line); /* of stdout; NULL: is not read */
	void (*on_end)(void *ctx, const struct rp_tool_end *end);
	void *ctx;
};

/* 0: on_end comes exactly once unless cancelled, never from inside this. Otherwise what the system
 * said. */
RP_NODISCARD int rp_tool_start(
    struct rp_loop *loop, const struct rp_tool_options *opt, struct rp_tool **out);
/* Kills it; nothing comes any more. Only before on_end. NULL is fine. */
void rp_tool_cancel(struct rp_tool *t);

#endif
