/* SPDX-License-Identifier: MIT */
/*
 * A loop and a mux on it, without a transport: the test sees every packet and plays the other end.
 */
#ifndef RP_TEST_LIB_MUX_ALONE_H
#define RP_TEST_LIB_MUX_ALONE_H

#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "tunnel/mux.h"

struct rp_alone {
	struct rp_loop *loop;
	struct rp_mux *mux; /* may be freed, and be NULL then, before the end */
	/* A packet of the mux, its type first. */
	void (*on_packet)(const uint8_t *p, size_t n);
	/* The other end opens a channel; NULL: it never does. */
	void (*on_open)(struct rp_channel *c);
};

/* The callbacks are set. These fail the test when something does not work. */
void rp_alone_init(struct rp_alone *a);
/* Nothing is left on the loop then. */
void rp_alone_fini(struct rp_alone *a);
/* Four bytes in network byte order. */
uint32_t rp_alone_u32(const uint8_t *p);
/* n bytes of which no block of 1000 is like the next; owned, malloc. */
uint8_t *rp_alone_content(size_t n);

#endif
