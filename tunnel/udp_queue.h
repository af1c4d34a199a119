/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that wait for their turn in a channel, encoded already. Bounded, per tunnel and for the
 * process: the oldest are dropped, as a network would, instead of growing late and large. Sources
 * take turns, and what is dropped belongs to those that have most waiting, so a source that floods
 * a tunnel takes nothing from its neighbours.
 */
#ifndef RP_TUNNEL_UDP_QUEUE_H
#define RP_TUNNEL_UDP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "tunnel/gob.h"

/* Of one queue, and of all in the process; with what a datagram costs besides its data. */
#define RP_UDP_QUEUE_BYTES_MAX   (2u * 1024 * 1024)
#define RP_UDP_PROCESS_BYTES_MAX (64u * 1024 * 1024)
/* What a queue may hold when the process has no more to give. */
#define RP_UDP_QUEUE_BYTES_MIN (16u * 1024)
/* Sources are kept apart by the power of two of what they have waiting. */
#define RP_UDP_WEIGHTS 24

struct rp_udp_item;

/* What one source has waiting; embedded in whatever the owner knows of a source. */
struct rp_udp_line {
	struct rp_list turn;   /* of the queue's turns, while anything waits */
	struct rp_list weight; /* of the queue's weights, likewise */
	struct rp_udp_item *first;
	struct rp_udp_item *last;
	size_t bytes;
	unsigned weight_class;
	int credit; /* bytes that it may still send in this turn */
};

struct rp_udp_queue {
	struct rp_list turns;
	struct rp_list weights[RP_UDP_WEIGHTS];
	uint32_t weights_used; /* bit n: weights[n] is not empty */
	size_t n;
	size_t bytes;
	size_t reserved;            /* of the process's limit */
	size_t intro_sent;          /* of the descriptors */
	struct rp_udp_item *moving; /* sent in part, or next */
	size_t moved;
	uint64_t dropped;
};

void rp_udp_queue_init(struct rp_udp_queue *q);
/* What waits is freed; the lines that it waited in are not used again. */
void rp_udp_queue_fini(struct rp_udp_queue *q);
/* Copies. Without memory the datagram is dropped. */
void rp_udp_queue_add(
    struct rp_udp_queue *q, struct rp_udp_line *line, const struct rp_udp_record *rec);
/* Fills p with the stream's next bytes; 0 when nothing waits. */
size_t rp_udp_queue_pull(struct rp_udp_queue *q, uint8_t *p, size_t max);
/* For a new channel: the stream begins again, half a record is thrown away. */
void rp_udp_queue_restart(struct rp_udp_queue *q);

void rp_udp_line_init(struct rp_udp_line *line);
/* The source goes: what it has waiting is thrown away, not counted as dropped. */
void rp_udp_line_clear(struct rp_udp_queue *q, struct rp_udp_line *line);

#endif
