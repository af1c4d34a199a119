/* SPDX-License-Identifier: MIT */
/*
 * Datagrams in and out of a socket, many per system call.
 */
#ifndef RP_TUNNEL_UDP_IO_H
#define RP_TUNNEL_UDP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/defs.h"
#include "core/loop.h"

#define RP_UDP_BATCH 32

/* A datagram; from and p are valid during the call. May not receive itself. */
typedef void (*rp_udp_receive_cb)(
    void *ctx, const struct sockaddr *from, const uint8_t *p, size_t n);

/* Before a loop receives for the first time: RP_ENOMEM. */
RP_NODISCARD int rp_udp_receive_prepare(struct rp_loop *loop);
/* Hands over what waits at a socket, at most four batches of it, so that others get their turn.
 * Returns how many datagrams were lost because they are larger than a tunnel carries. Errors
 * (a target that refused an earlier datagram) are passed over. */
uint64_t rp_udp_receive(struct rp_loop *loop, int fd, rp_udp_receive_cb cb, void *ctx);

/* Datagrams on their way out. */
struct rp_udp_out {
	int fd;
	unsigned n;
	uint64_t lost; /* the kernel did not take them */
	struct mmsghdr msgs[RP_UDP_BATCH];
	struct iovec data[RP_UDP_BATCH];
	struct sockaddr_in6 to[RP_UDP_BATCH];
};

void rp_udp_out_init(struct rp_udp_out *o, int fd);
/* Borrows p until the next flush, which it does itself when the batch is full. to is copied; NULL
 * for a connected socket. */
void rp_udp_out_add(
    struct rp_udp_out *o, const struct sockaddr *to, socklen_t to_len, const uint8_t *p, size_t n);
/* What the kernel does not take is lost, as on any network. */
void rp_udp_out_flush(struct rp_udp_out *o);

/* Kernel queues of this many bytes, or as near as the system lets us. */
void rp_udp_socket_buffers(int fd, int receive_bytes, int send_bytes);

#endif
