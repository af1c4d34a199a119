/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that wait for their turn in a channel, encoded when they are pulled. Bounded: the
 * oldest are dropped, as a network would, instead of growing late and large.
 */
#ifndef RP_TUNNEL_UDP_QUEUE_H
#define RP_TUNNEL_UDP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "core/buf.h"
#include "core/list.h"
#include "tunnel/gob.h"

#define RP_UDP_QUEUE_MAX       1024
#define RP_UDP_QUEUE_BYTES_MAX (1024u * 1024)
/* Text of an address with zone, as a key. */
#define RP_UDP_KEY_MAX 160

struct rp_udp_queue {
	struct rp_list items;
	size_t n;
	size_t bytes;
	bool started;       /* the descriptors are on the wire */
	struct rp_buf wire; /* rest of an encoded record */
	uint64_t dropped;
};

void rp_udp_queue_init(struct rp_udp_queue *q);
void rp_udp_queue_fini(struct rp_udp_queue *q);
/* Copies. Without memory the datagram is dropped. */
void rp_udp_queue_add(struct rp_udp_queue *q, const struct rp_udp_record *rec);
/* Fills p with the stream's next bytes; 0 when nothing waits. */
size_t rp_udp_queue_pull(struct rp_udp_queue *q, uint8_t *p, size_t max);
/* For a new channel: the stream begins again, half a record is thrown away. */
void rp_udp_queue_restart(struct rp_udp_queue *q);

/* Address of a record from a socket address, bytes as they are (IPv4-mapped stays so). */
void rp_udp_record_set_addr(struct rp_udp_record *rec, const struct sockaddr_storage *sa);
/* Socket address of the family for a record; false if it has none. */
bool rp_udp_record_addr(
    const struct rp_udp_record *rec, int family, struct sockaddr_storage *sa, socklen_t *len);
void rp_udp_record_key(const struct rp_udp_record *rec, char out[static RP_UDP_KEY_MAX]);

#endif
