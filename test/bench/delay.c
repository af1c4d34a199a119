/* SPDX-License-Identifier: MIT */
/*
 * A long way on loopback, for measuring: takes connections on a free port of 127.0.0.1, prints the
 * port, and hands what comes on to PORT after MS milliseconds, in both directions.
 *
 *   delay MS PORT
 *
 * Bytes wait in chunks that carry the time when they are due; QUEUE_MAX of them are 128 MiB for
 * each direction, 20 Gbit/s at 50 ms. Only then does the sender feel that nobody reads: this is a
 * path with delay and without a limit of its own. Ends of streams are delayed like bytes, new
 * connections are not.
 */
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "test/bench/tool.h"

#define CHUNK_BYTES ((size_t)128 * 1024)
#define QUEUE_MAX   1024u
#define LINKS_MAX   64u
/* What one turn takes from one socket, so that nobody waits long for his turn. */
#define TURN_CHUNKS 32u
/* Pause after a turn that moved something: many small reads become few large ones. */
#define PAUSE_NS 200000u

const char tool_name[] = "delay";

struct chunk {
	struct chunk *next;
	uint64_t due;
	size_t from;
	size_t to; /* 0: the stream ends here */
	char data[CHUNK_BYTES];
};

/* One direction of a link. */
struct way {
	int in;
	int out;
	struct chunk *first;
	struct chunk *last;
	unsigned queued;
	bool ended;   /* nothing more comes from in */
	bool blocked; /* out took less than was due */
	bool done;    /* the end was handed on */
};

struct link {
	struct way way[2];
};

static struct link *links[LINKS_MAX];
static unsigned n_links;
static struct chunk *unused;
static uint64_t delay_ns;
static struct sockaddr_in target;

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NS_IN_S), .tv_nsec = (long)(ns % NS_IN_S)};
}

static struct chunk *chunk_take(void)
{
	struct chunk *c = unused;
	if (c != NULL) {
		unused = c->next;
		return c;
	}
	c = malloc(sizeof(*c));
	if (c == NULL) {
		fail("malloc");
	}
	return c;
}

static void chunk_give(struct chunk *c)
{
	c->next = unused;
	unused = c;
}

static void push(struct way *w, struct chunk *c)
{
	c->next = NULL;
	if (w->last != NULL) {
		w->last->next = c;
	} else {
		w->first = c;
	}
	w->last = c;
	w->queued++;
}

static void pop(struct way *w)
{
	struct chunk *c = w->first;
	w->first = c->next;
	if (w->first == NULL) {
		w->last = NULL;
	}
	w->queued--;
	chunk_give(c);
}

/* Takes what has come. A reset ends the stream like a FIN: what came before it still arrives. */
static void fill(struct way *w, uint64_t now)
{
	for (unsigned i = 0; i < TURN_CHUNKS && w->queued < QUEUE_MAX && !w->ended; i++) {
		struct chunk *c = chunk_take();
		ssize_t n = recv(w->in, c->data, sizeof(c->data), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			chunk_give(c);
			return;
		}
		w->ended = n <= 0;
		c->from = 0;
		c->to = n > 0 ? (size_t)n : 0;
		c->due = now + delay_ns;
		push(w, c);
		if ((size_t)n < sizeof(c->data)) {
			return;
		}
	}
}

/* Hands on what is due. False: nobody takes it any more. */
static bool drain(struct way *w, uint64_t now)
{
	w->blocked = false;
	while (w->first != NULL && w->first->due <= now) {
		struct chunk *c = w->first;
		if (c->to == 0) {
			(void)shutdown(w->out, SHUT_WR);
			w->done = true;
			pop(w);
			return true;
		}
		ssize_t n = send(
		    w->out, c->data + c->from, c->to - c->from, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return false;
		}
		c->from += n > 0 ? (size_t)n : 0;
		if (c->from < c->to) {
			w->blocked = true;
			return true;
		}
		pop(w);
	}
	return true;
}

static void link_close(unsigned i)
{
	struct link *l = links[i];
	for (unsigned d = 0; d < 2; d++) {
		while (l->way[d].first != NULL) {
			pop(&l->way[d]);
		}
		(void)close(l->way[d].in);
	}
	free(l);
	links[i] = links[--n_links];
}

static void link_open(int listener)
{
	int a = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (a < 0) {
		return;
	}
	int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct link *l = calloc(1, sizeof(*l));
	if (b < 0 || l == NULL || n_links == LINKS_MAX ||
	    connect(b, (struct sockaddr *)&target, sizeof(target)) != 0) {
		(void)fprintf(stderr, "delay: no connection to the target: %s\n", strerror(errno));
		(void)close(a);
		if (b >= 0) {
			(void)close(b);
		}
		free(l);
		return;
	}
	no_delay(a);
	no_delay(b);
	l->way[0] = (struct way){.in = a, .out = b};
	l->way[1] = (struct way){.in = b, .out = a};
	links[n_links++] = l;
}

static bool wants_input(const struct way *w)
{
	return !w->ended && w->queued < QUEUE_MAX;
}

/* What is polled for a socket: input of the way that begins there, room for the one that ends. A
 * socket of which nothing is wanted is left out, or its hang-up would wake us again and again. */
static struct pollfd poll_entry(const struct link *l, unsigned d)
{
	short events = (short)((wants_input(&l->way[d]) ? POLLIN : 0) |
	    (l->way[1 - d].blocked ? POLLOUT : 0));
	return (struct pollfd){.fd = events != 0 ? l->way[d].in : -1, .events = events};
}

/* Until when nothing is to be done without an event; UINT64_MAX = for ever */
static uint64_t next_due(void)
{
	uint64_t due = UINT64_MAX;
	for (unsigned i = 0; i < n_links; i++) {
		for (unsigned d = 0; d < 2; d++) {
			const struct way *w = &links[i]->way[d];
			if (w->first != NULL && !w->blocked && w->first->due < due) {
				due = w->first->due;
			}
		}
	}
	return due;
}

/* True: bytes moved. */
static bool link_turn(unsigned i, const struct pollfd *entry, uint64_t now)
{
	struct link *l = links[i];
	bool moved = false;
	bool alive = true;
	for (unsigned d = 0; d < 2; d++) {
		struct way *w = &l->way[d];
		if (entry[d].revents != 0 && wants_input(w)) {
			fill(w, now);
			moved = true;
		}
		if (w->first != NULL && w->first->due <= now) {
			alive = drain(w, now) && alive;
			moved = true;
		}
	}
	if (!alive || (l->way[0].done && l->way[1].done)) {
		link_close(i);
	}
	return moved;
}

static void turn(int listener)
{
	struct pollfd p[1 + 2 * LINKS_MAX] = {{.fd = listener, .events = POLLIN}};
	for (unsigned i = 0; i < n_links; i++) {
		p[1 + 2 * i] = poll_entry(links[i], 0);
		p[2 + 2 * i] = poll_entry(links[i], 1);
	}
	uint64_t due = next_due();
	uint64_t now = now_ns();
	struct timespec wait = timespec_of(due > now ? due - now : 0);
	if (ppoll(p, 1 + 2 * n_links, due == UINT64_MAX ? NULL : &wait, NULL) < 0 &&
	    errno != EINTR) {
		fail("poll");
	}
	now = now_ns();
	bool moved = false;
	for (unsigned i = n_links;
	     i-- > 0;) { /* closing moves the last one here, which had its turn */
		moved = link_turn(i, &p[1 + 2 * i], now) || moved;
	}
	if ((p[0].revents & POLLIN) != 0) {
		link_open(listener);
	}
	if (moved) {
		wait = timespec_of(PAUSE_NS);
		(void)nanosleep(&wait, NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fprintf(stderr, "usage: delay MS PORT\n");
		return 2;
	}
	delay_ns = strtoul(argv[1], NULL, 10) * UINT64_C(1000000);
	target = loopback(port_of(argv[2]));
	uint16_t port;
	int listener = listen_any(&port);
	say_port(port);
	for (;;) {
		turn(listener);
	}
}
