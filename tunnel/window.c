/* SPDX-License-Identifier: MIT */
/*
 * A fixed window. Credit goes out in parts of an eighth: seldom enough to cost nothing, and the
 * sender always has seven eighths of the window less what is really under way or unread.
 */
#include "tunnel/window.h"

#include "core/err.h"

#include "core/banned.h"

#define CREDIT_PARTS 8u

void rp_window_init(struct rp_window *w, uint32_t size)
{
	*w = (struct rp_window){.size = size, .open = size};
}

int rp_window_take(struct rp_window *w, uint32_t n)
{
	if (n > w->open) {
		return RP_EPROTO;
	}
	w->open -= n;
	w->held += n;
	return 0;
}

uint32_t rp_window_consume(struct rp_window *w, uint32_t n)
{
	n = RP_MIN(n, w->held);
	w->held -= n;
	w->pending += n;
	if (w->pending == 0 || w->pending < w->size / CREDIT_PARTS) {
		return 0;
	}
	uint32_t credit = w->pending;
	w->pending = 0;
	w->open += credit;
	return credit;
}
