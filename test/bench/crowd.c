/* SPDX-License-Identifier: MIT */
/*
 * Many connections at once to an echo server, each with data of its own that has to come back
 * unharmed.
 *
 *   crowd PORT N BYTES      prints how many came back whole, and MB/s (there and back count once),
 *                           0 if it was not all of them
 *
 * All N are open, and have echoed a byte, before the first sends the rest: none is early or late.
 * The data is a stretch of one random pattern that begins elsewhere for each connection, so bytes
 * of another connection, lost ones and doubled ones are all seen: every byte is compared.
 */
#include <stdbool.h>
#include <unistd.h>

#include <sys/random.h>

#include "test/bench/tool.h"

#define MEMBERS_MAX   4096u
#define PATTERN_BYTES ((size_t)1 << 20)
#define STEP          8191u /* prime: the stretches of all members begin at different places */
#define PIECE         ((size_t)32 * 1024)
#define EVENTS        256
/* Some need many seconds of CPU time for so many; what has not come back by then does not count. */
#define LIMIT_S "40"

const char tool_name[] = "crowd";

struct member {
	int fd;
	bool bad;
	size_t sent;
	size_t got;
};

static struct member member[MEMBERS_MAX];
static unsigned char pattern[PATTERN_BYTES + PIECE]; /* the first bytes again at the end */
static unsigned n_members;
static unsigned n_ended;
static size_t goal;
static int epoll;

static void fill_pattern(void)
{
	for (size_t i = 0; i < PATTERN_BYTES;) {
		ssize_t n = getrandom(pattern + i, PATTERN_BYTES - i, 0);
		if (n < 0) {
			fail("getrandom");
		}
		i += (size_t)n;
	}
	memcpy(pattern + PATTERN_BYTES, pattern, PIECE);
}

static const unsigned char *data_at(unsigned i, size_t offset)
{
	return pattern + ((size_t)i * STEP + offset) % PATTERN_BYTES;
}

static size_t piece_of(size_t left)
{
	return left < PIECE ? left : PIECE;
}

static void end(unsigned i, bool bad)
{
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, member[i].fd, NULL);
	member[i].bad = bad;
	n_ended++;
}

static void receive(unsigned i)
{
	static unsigned char b[PIECE];
	struct member *m = &member[i];
	ssize_t n = recv(m->fd, b, piece_of(goal - m->got), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0 || memcmp(b, data_at(i, m->got), (size_t)n) != 0) {
		end(i, true);
		return;
	}
	m->got += (size_t)n;
	if (m->got == goal) {
		end(i, false);
	}
}

/* Until up_to are on their way. */
static void transmit(unsigned i, size_t up_to)
{
	struct member *m = &member[i];
	ssize_t n = send(
	    m->fd, data_at(i, m->sent), piece_of(up_to - m->sent), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0) {
		m->sent += (size_t)n;
	}
	if (m->sent == up_to) {
		watch(epoll, EPOLL_CTL_MOD, m->fd, EPOLLIN, i);
	}
}

/* Everybody sends as far as that and gets it back. False: not all of them did before the limit. */
static bool echo_all(size_t up_to, uint64_t limit)
{
	goal = up_to;
	n_ended = 0;
	for (unsigned i = 0; i < n_members; i++) {
		if (member[i].bad) {
			n_ended++;
		} else {
			watch(epoll, EPOLL_CTL_ADD, member[i].fd, EPOLLIN | EPOLLOUT, i);
		}
	}
	while (n_ended < n_members && now_ns() < limit) {
		struct epoll_event e[EVENTS];
		int n = epoll_wait(epoll, e, EVENTS, 1000);
		for (int k = 0; k < n; k++) {
			unsigned i = e[k].data.u32;
			if ((e[k].events & EPOLLOUT) != 0) {
				transmit(i, up_to);
			}
			if ((e[k].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
				receive(i);
			}
		}
	}
	return n_ended == n_members;
}

static unsigned n_whole(size_t bytes)
{
	unsigned n = 0;
	for (unsigned i = 0; i < n_members; i++) {
		n += !member[i].bad && member[i].got == bytes ? 1 : 0;
	}
	return n;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		(void)fprintf(stderr, "usage: crowd PORT N BYTES\n");
		return 2;
	}
	struct sockaddr_in a = loopback(port_of(argv[1]));
	size_t bytes = strtoul(argv[3], NULL, 10);
	n_members = (unsigned)strtoul(argv[2], NULL, 10);
	if (n_members == 0 || n_members > MEMBERS_MAX || bytes < 2) {
		(void)fprintf(stderr, "crowd: at most %u connections\n", MEMBERS_MAX);
		return 2;
	}
	fill_pattern();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < n_members; i++) {
		member[i].fd = new_socket(0);
		if (connect(member[i].fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
			fail("connect");
		}
	}
	uint64_t limit = deadline(LIMIT_S);
	bool open = echo_all(1, limit);
	uint64_t begin = now_ns();
	if (open) {
		(void)echo_all(bytes, limit);
	}
	double seconds = (double)(now_ns() - begin) / (double)NS_IN_S;
	unsigned whole = n_whole(bytes);
	(void)printf("%u %.1f\n", whole,
	    whole < n_members ? 0 : (double)n_members * (double)bytes / seconds / 1e6);
	return 0;
}
