/* SPDX-License-Identifier: MIT */
/*
 * What the connection protocol itself costs: MB/s through two muxes in memory, and through pump +
 * mux + mux + pump with loopback sockets at both ends; no SSH. Prints "name value unit" lines.
 * Links librport.a, test/lib and libuv.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "core/clock.h"
#include "test/lib/mux_pair.h"
#include "test/lib/tunnel_rig.h"

#define TOTAL    ((size_t)2 << 30)
#define PIECE    ((size_t)256 * 1024)
#define CHANNELS 4
#define ROUNDS   20000

struct stream {
	struct rp_channel *c;
	size_t left;
	size_t got;
	const uint8_t *source;
};

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct stream *s = ctx;
	size_t n = RP_MIN(s->left, max);
	memcpy(p, s->source, n); /* as read(2) does */
	s->left -= n;
	return n;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct stream *s = ctx;
	(void)p;
	s->got += n;
	rp_channel_consumed(s->c, n);
}

static const struct rp_channel_ops ops = {.on_pull = on_pull, .on_data = on_data};

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct stream *s = e->user;
	(void)type;
	(void)n;
	s += extra[0];
	s->c = c;
	rp_channel_accept(c, &ops, s);
}

static void report(const char *name, size_t bytes, uint64_t ns)
{
	printf("%-28s %8.0f MB/s\n", name, (double)bytes * 1000.0 / (double)ns);
	(void)fflush(stdout);
}

static void bench_memory(const char *name, int channels)
{
	static uint8_t source[32768];
	struct rp_pair pair;
	struct stream from[CHANNELS] = {{0}};
	struct stream to[CHANNELS] = {{0}};
	RP_VERIFY(rp_pair_init(&pair, NULL, NULL) == 0);
	pair.end[1].user = to;
	pair.end[1].on_open = on_open;
	for (int i = 0; i < channels; i++) {
		uint8_t extra = (uint8_t)i;
		from[i].source = source;
		from[i].left = TOTAL / (size_t)channels;
		RP_VERIFY(rp_channel_open(pair.end[0].mux, "rport", &extra, 1, &ops, &from[i],
		              &from[i].c) == 0);
		rp_channel_ready(from[i].c);
	}
	uint64_t start = rp_clock_ns();
	rp_pair_settle(&pair);
	report(name, TOTAL, rp_clock_ns() - start);
	for (int i = 0; i < channels; i++) {
		RP_VERIFY(to[i].got == TOTAL / (size_t)channels);
	}
	rp_pair_fini(&pair);
}

static void *send_all(void *arg)
{
	const int *fd = arg;
	uint8_t *p = calloc(1, PIECE);
	RP_VERIFY(p != NULL);
	for (size_t at = 0; at < TOTAL / 2; at += PIECE) {
		RP_VERIFY(rp_rig_write_all(*fd, p, PIECE));
	}
	(void)shutdown(*fd, SHUT_WR);
	free(p);
	return NULL;
}

static void bulk(struct rp_rig *rig)
{
	pthread_t thread;
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	uint8_t *p = malloc(PIECE);
	RP_VERIFY(visitor >= 0 && target >= 0 && p != NULL);
	size_t got = 0;
	uint64_t start = rp_clock_ns();
	RP_VERIFY(pthread_create(&thread, NULL, send_all, &target) == 0);
	for (;;) {
		ssize_t n = recv(visitor, p, PIECE, 0);
		if (n <= 0) {
			break;
		}
		got += (size_t)n;
	}
	RP_VERIFY(got == TOTAL / 2);
	report("pump, one stream", got, rp_clock_ns() - start);
	RP_VERIFY(pthread_join(thread, NULL) == 0);
	free(p);
	(void)close(visitor);
	(void)close(target);
}

static void echo(struct rp_rig *rig)
{
	char b[64] = {0};
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	RP_VERIFY(visitor >= 0 && target >= 0);
	uint64_t start = rp_clock_ns();
	for (int i = 0; i < ROUNDS; i++) {
		RP_VERIFY(rp_rig_write_all(visitor, b, sizeof(b)));
		RP_VERIFY(rp_rig_read_all(target, b, sizeof(b)) == (long)sizeof(b));
		RP_VERIFY(rp_rig_write_all(target, b, sizeof(b)));
		RP_VERIFY(rp_rig_read_all(visitor, b, sizeof(b)) == (long)sizeof(b));
	}
	double us = (double)(rp_clock_ns() - start) / 1000.0 / ROUNDS;
	printf("%-28s %8.1f us\n", "pump, 64 bytes and back", us);
	(void)fflush(stdout);
	(void)close(visitor);
	(void)close(target);
}

static void bench_rig(void (*scenario)(struct rp_rig *rig))
{
	struct rp_rig rig;
	RP_VERIFY(rp_rig_init(&rig, NULL) == 0);
	rp_rig_run(&rig, scenario);
	rp_rig_fini(&rig);
}

int main(void)
{
	bench_memory("mux in memory, one channel", 1);
	bench_memory("mux in memory, 4 channels", CHANNELS);
	bench_rig(bulk);
	bench_rig(echo);
	return 0;
}
