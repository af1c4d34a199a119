/* SPDX-License-Identifier: MIT */
/*
 * A datagram is received where there is room for the largest one; of such a slot only the pages
 * that datagrams filled are real memory, and the slots belong to the loop.
 */
#include "tunnel/udp_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/syscall.h>

#include "core/err.h"
#include "tunnel/gob.h"

#include "core/banned.h"

#define TURN_BATCHES 4
/* Room for the largest datagram, plus an offset that keeps the slots from sharing cache sets. */
#define SLOT_BYTES ((size_t)RP_UDP_DATA_MAX + 1 + 28 + 4096 + 192)
/* Errors of earlier datagrams that are passed over in a row. */
#define ERRORS_MAX 32

int rp_udp_receive_prepare(struct rp_loop *loop)
{
	return rp_loop_scratch(loop, SLOT_BYTES * RP_UDP_BATCH) == NULL ? RP_ENOMEM : 0;
}

/* One batch into the slots; how many or a negative value. */
static int receive(int fd, struct mmsghdr *msgs)
{
	for (unsigned errors = 0; errors < ERRORS_MAX; errors++) {
		int n = recvmmsg(fd, msgs, RP_UDP_BATCH, MSG_DONTWAIT, NULL);
		if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
			return n;
		}
	}
	return -1;
}

uint64_t rp_udp_receive(struct rp_loop *loop, int fd, rp_udp_receive_cb cb, void *ctx)
{
	uint8_t *slots = rp_loop_scratch(loop, SLOT_BYTES * RP_UDP_BATCH);
	struct mmsghdr msgs[RP_UDP_BATCH];
	struct iovec data[RP_UDP_BATCH];
	struct sockaddr_in6 from[RP_UDP_BATCH];
	uint64_t lost = 0;
	int n = RP_UDP_BATCH;
	RP_VERIFY(slots != NULL);
	for (int turn = 0; turn < TURN_BATCHES && n == RP_UDP_BATCH; turn++) {
		for (size_t i = 0; i < RP_UDP_BATCH; i++) {
			data[i] = (struct iovec){
			    .iov_base = slots + i * SLOT_BYTES, .iov_len = RP_UDP_DATA_MAX + 1};
			msgs[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
			    .msg_namelen = sizeof(from[i]),
			    .msg_iov = &data[i],
			    .msg_iovlen = 1};
		}
		n = receive(fd, msgs);
		for (int i = 0; i < n; i++) {
			if (msgs[i].msg_len > RP_UDP_DATA_MAX) {
				lost++;
				continue;
			}
			cb(ctx, (const struct sockaddr *)&from[i], data[i].iov_base,
			    msgs[i].msg_len);
		}
	}
	return lost;
}

void rp_udp_out_init(struct rp_udp_out *o, int fd)
{
	o->fd = fd;
	o->n = 0;
	o->lost = 0;
}

void rp_udp_out_add(
    struct rp_udp_out *o, const struct sockaddr *to, socklen_t to_len, const uint8_t *p, size_t n)
{
	if (o->n == RP_UDP_BATCH) {
		rp_udp_out_flush(o);
	}
	RP_VERIFY(to_len <= sizeof(o->to[0]));
	o->data[o->n] = (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	o->msgs[o->n] = (struct mmsghdr){
	    .msg_hdr = {.msg_iov = &o->data[o->n], .msg_iovlen = 1}, .msg_len = 0};
	if (to != NULL) {
		memcpy(&o->to[o->n], to, to_len);
		o->msgs[o->n].msg_hdr.msg_name = &o->to[o->n];
		o->msgs[o->n].msg_hdr.msg_namelen = to_len;
	}
	o->n++;
}

/* musl's sendmmsg is a loop of sendmsg, for the sake of padding in its struct msghdr; here that is
 * zero, which is all the kernel wants. */
static int send_many(int fd, struct mmsghdr *msgs, unsigned n)
{
	return (int)syscall(SYS_sendmmsg, fd, msgs, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void rp_udp_out_flush(struct rp_udp_out *o)
{
	unsigned at = 0;
	bool again = false;
	while (at < o->n) {
		int rc = send_many(o->fd, &o->msgs[at], o->n - at);
		if (rc > 0) {
			at += (unsigned)rc;
			again = false;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
			o->lost += o->n - at;
			break;
		}
		/* It may be what an earlier datagram met (a closed port): try once more. */
		if (again) {
			o->lost++;
			at++;
		}
		again = !again;
	}
	o->n = 0;
}

static void set_buffer(int fd, int forced, int plain, int size)
{
	if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) != 0) {
		(void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
	}
}

void rp_udp_socket_buffers(int fd, int receive_bytes, int send_bytes)
{
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send_bytes);
}
