/* SPDX-License-Identifier: MIT */
/*
 * Policy of one channel's receive window: how much a peer may send and when it is told that it may
 * send more. Only what a socket took is credited, so a slow reader costs at most the window.
 *
 * The window follows the path without knowing its round trip. What a receiver can see is this:
 *
 * - A sender that has used up its credit has cut its last data message at the limit. Credits are
 *   a few bytes short, each time another few, so that messages of one size do not end at limits by
 *   chance: a message that ends exactly at an announced limit says "I could send more".
 *   (That little of the window is open says nothing: credit under way counts as open here, and a
 *   reader that keeps up credits at once.)
 * - From then on until its next message the channel is stalled. Time in which meanwhile nothing
 *   came for any channel of the connection is time that a larger window would have filled. Where
 *   the path, this process or the reader is the limit, data comes without such gaps, and a larger
 *   window would only make queues longer.
 *
 * When that is half of the time or more while the reader kept up, or more than a tenth twice in a
 * row, the window doubles, and the growth is credited at once (from three quarters on it doubles
 * twice). Only limits that were announced with or after a growth count for the next, hence it takes
 * two round trips each time, and at least so long that a busy scheduler is not taken for a path.
 *
 * It shrinks, by not crediting what was read, when the reader lets half of it wait for long (down
 * to the initial size) or when the budget is short (tunnel/budget.h). An open credit cannot be
 * taken back, so a large window that nothing comes through stays promised until something does.
 */
#ifndef RP_TUNNEL_WINDOW_H
#define RP_TUNNEL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "tunnel/budget.h"

/* Announced limits that are watched; of more the latest count. Credit goes out in eighths, so
 * there are hardly more. */
#define RP_WINDOW_LIMITS 8

/* When a connection received data; shared by its windows. Zero-initialised is fine. */
struct rp_window_path {
	uint64_t now_ns;         /* arrival of this message */
	uint64_t idle_ns;        /* all time in which nothing came */
	uint64_t last_ns;        /* private: arrival of the last data of some size */
	uint64_t idle_before_ns; /* private: idle time up to then */
};

struct rp_window {
	uint32_t size;    /* what the peer may have under way and unread */
	uint32_t open;    /* what it may still send now */
	uint32_t held;    /* arrived, not consumed yet */
	uint32_t pending; /* consumed, not credited yet; open + held + pending == size */

	/* For windows that follow the path. */
	struct rp_budget *budget; /* holds a promise of size; NULL: the window is fixed, or ended */
	uint32_t initial;
	uint32_t withhold;                 /* part of size that is given back instead of credited */
	uint32_t arrived;                  /* all bytes, modulo 2^32 */
	uint32_t last;                     /* size of the last data message */
	uint32_t limits[RP_WINDOW_LIMITS]; /* announced and not reached: values of arrived */
	uint8_t limits_n;
	uint8_t short_of;  /* of the last credit, bytes */
	uint8_t doublings; /* due with the next credit */
	bool stalled;      /* arrived is at a limit */
	bool suspect;      /* it was the limit at the last decision */
	bool ended;
	uint32_t round_bytes; /* arrived since the last decision about growth */
	uint64_t round_ns;    /* when that was */
	uint64_t stalled_ns;  /* idle while stalled, since then */
	uint64_t idle_mark_ns;
	uint32_t read_bytes; /* consumed since the last decision about shrinking */
	uint32_t held_min;   /* since then */
};

/* n bytes of data arrive on a connection at now_ns (any monotonic clock). */
void rp_window_path_data(struct rp_window_path *p, uint64_t now_ns, uint32_t n);

/* size is what is wanted; a budget may give less. Without a budget (NULL) the size is fixed. */
void rp_window_init(struct rp_window *w, uint32_t size, struct rp_budget *budget);
/* n bytes arrived. path (may be NULL for a fixed window) knows of them already. RP_EPROTO when the
 * peer was not allowed to send them. */
RP_NODISCARD int rp_window_take(struct rp_window *w, uint32_t n, const struct rp_window_path *path);
/* n bytes that arrived were consumed (more than were held counts as all). Returns the
 * WINDOW_ADJUST that is to be sent now, 0 for none. */
uint32_t rp_window_consume(struct rp_window *w, uint32_t n);
/* No data will come any more (EOF): what cannot be needed goes back to the budget, the rest as it
 * is consumed. What still comes must be dropped. Idempotent. */
void rp_window_end(struct rp_window *w);
/* Gives all back. Idempotent; rp_window_take still checks. */
void rp_window_fini(struct rp_window *w);

#endif
