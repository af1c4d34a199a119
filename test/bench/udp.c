/* SPDX-License-Identifier: MIT */
/*
 * How many datagrams a path carries, and how many it loses.
 *
 *   udp sink                                counts what comes; prints its port
 *   udp send PORT SINK SECONDS BYTES RATE   sends datagrams of BYTES to PORT, RATE in a second or,
 *                                           with 0, as fast as it goes; asks the sink at SINK what
 *                                           came; prints Mbit/s of payload delivered and % lost
 *
 * PORT is where the path begins, SINK the sink itself: the questions do not take the path.
 */
#include <stdbool.h>
#include <unistd.h>

#include "test/bench/tool.h"

#define BYTES_MAX 65507u
#define BATCH     32u
#define BUFFER    (4 * 1024 * 1024)
/* The sink has it all when it counts no more for this long. */
#define QUIET_NS UINT64_C(300000000)
#define POLL_NS  50000000
/* A pace is kept by sleeping this long at least. */
#define NAP_NS UINT64_C(200000)

const char tool_name[] = "udp";

enum kind {
	KIND_DATA = 0x72706264,
	KIND_ASK = 0x72706261
};

struct head {
	uint32_t kind;
	uint32_t run; /* what an earlier run left on the way does not count */
	uint64_t count;
};

static int udp_socket(struct sockaddr_in *a)
{
	int size = BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		fail("socket");
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (a->sin_port == 0 && bind(fd, (struct sockaddr *)a, sizeof(*a)) != 0) {
		fail("bind");
	}
	if (a->sin_port != 0 && connect(fd, (struct sockaddr *)a, sizeof(*a)) != 0) {
		fail("connect");
	}
	return fd;
}

static void take(int fd, struct head *now, const struct msghdr *m, size_t n)
{
	struct head *h = m->msg_iov->iov_base;
	if (n < sizeof(*h)) {
		return;
	}
	if (h->run != now->run) {
		*now = (struct head){.kind = KIND_DATA, .run = h->run};
	}
	if (h->kind == KIND_DATA) {
		now->count++;
	} else if (h->kind == KIND_ASK) {
		(void)sendto(fd, now, sizeof(*now), 0, m->msg_name, m->msg_namelen);
	}
}

static _Noreturn void sink(void)
{
	static _Alignas(struct head) char data[BATCH][BYTES_MAX + 5];
	struct sockaddr_in from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	struct head now = {0};
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = udp_socket(&a);
	(void)getsockname(fd, (struct sockaddr *)&a, &len);
	say_port(ntohs(a.sin_port));
	for (;;) {
		for (unsigned i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){data[i], BYTES_MAX};
			m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
			    .msg_namelen = sizeof(from[i]),
			    .msg_iov = &iov[i],
			    .msg_iovlen = 1};
		}
		int n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			take(fd, &now, &m[i].msg_hdr, m[i].msg_len);
		}
	}
}

/* --- sending --- */

static void nap(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NS_IN_S), .tv_nsec = (long)(ns % NS_IN_S)};
	(void)nanosleep(&t, NULL);
}

/* Datagrams sent until end. One that the kernel has no room for counts as sent and lost. */
static uint64_t send_until(uint64_t end, const char *port, size_t bytes, double rate)
{
	static _Alignas(struct head) char data[BYTES_MAX + 5];
	struct sockaddr_in a = loopback(port_of(port));
	struct head *h = (struct head *)data;
	int fd = udp_socket(&a);
	uint64_t begin = now_ns();
	uint64_t sent = 0;
	*h = (struct head){.kind = KIND_DATA, .run = (uint32_t)getpid()};
	for (uint64_t now = begin; now < end; now = now_ns()) {
		double due = rate > 0 ? (double)(now - begin) * rate / (double)NS_IN_S : 1e18;
		for (unsigned i = 0; i < BATCH && (double)sent < due; i++, sent++) {
			if (send(fd, data, bytes, 0) < 0 && errno != ENOBUFS && errno != EAGAIN) {
				fail("send");
			}
		}
		if ((double)sent >= due) {
			nap(NAP_NS);
		}
	}
	return sent;
}

static uint64_t ask(int fd)
{
	struct head h = {.kind = KIND_ASK, .run = (uint32_t)getpid()};
	for (uint64_t end = now_ns() + SILENCE_MS * UINT64_C(1000000); now_ns() < end;) {
		if (send(fd, &h, sizeof(h), 0) < 0) {
			fail("ask");
		}
		struct head got;
		if (recv(fd, &got, sizeof(got), 0) == (ssize_t)sizeof(got) && got.run == h.run) {
			return got.count;
		}
	}
	fail_silence("the sink");
}

/* What the sink has counted when it counts no more. */
static uint64_t received(const char *port)
{
	struct sockaddr_in a = loopback(port_of(port));
	struct timeval limit = {.tv_usec = 200000};
	int fd = udp_socket(&a);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	uint64_t count = ask(fd);
	uint64_t quiet_since = now_ns();
	while (now_ns() - quiet_since < QUIET_NS) {
		nap(POLL_NS);
		uint64_t now = ask(fd);
		if (now != count) {
			count = now;
			quiet_since = now_ns();
		}
	}
	return count;
}

static int measure(char **arg)
{
	size_t bytes = strtoul(arg[3], NULL, 10);
	if (bytes < sizeof(struct head) || bytes > BYTES_MAX) {
		(void)fprintf(stderr, "udp: %zu to %u bytes\n", sizeof(struct head), BYTES_MAX);
		return 2;
	}
	uint64_t begin = now_ns();
	uint64_t sent = send_until(deadline(arg[2]), arg[0], bytes, strtod(arg[4], NULL));
	double seconds = (double)(now_ns() - begin) / (double)NS_IN_S;
	uint64_t count = received(arg[1]);
	if (count == 0) {
		fail_silence("nothing came through");
	}
	(void)printf("%.1f %.2f\n", (double)count * (double)bytes * 8 / seconds / 1e6,
	    ((double)sent - (double)count) * 100 / (double)sent);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sink") == 0) {
		sink();
	}
	if (argc == 7 && strcmp(argv[1], "send") == 0) {
		return measure(argv + 2);
	}
	(void)fprintf(stderr, "usage: see the head of test/bench/udp.c\n");
	return 2;
}
