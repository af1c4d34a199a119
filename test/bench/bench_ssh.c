/* SPDX-License-Identifier: MIT */
/*
 * Speed and size of the SSH layer alone, both ends in one thread and joined in memory: bulk data
 * in packets of 32 KiB, handshakes, and memory of idle sessions.
 *
 *   bench_ssh [MiB] [pairs]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/ssh_pair.h"

#include "core/banned.h"

#define PACKET_BYTES ((size_t)32768)
#define TURN_PACKETS 8

static const struct rp_hostkey *key;
static uint64_t got;

static void on_packet(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	(void)side;
	(void)type;
	(void)p;
	got += n;
}

static void must(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "bench_ssh: %s failed\n", what);
		exit(1);
	}
}

static long resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	must(f != NULL && fscanf(f, "%*s %ld", &pages) == 1, "statm");
	(void)fclose(f);
	return pages * 4;
}

static void connect_pair(struct rp_ssh_pair *p)
{
	must(rp_ssh_pair_init(p, key, RP_SSH_PAIR_PASSWORD) == 0, "start");
	rp_ssh_pair_settle(p);
	must(p->server.ready && p->client.ready, "handshake");
}

static void bulk(size_t bytes)
{
	static uint8_t data[32768];
	struct rp_ssh_pair p;
	connect_pair(&p);
	p.client.on_packet = on_packet;
	uint64_t start = rp_clock_ns();
	for (size_t sent = 0; sent < bytes;) {
		for (int i = 0; i < TURN_PACKETS; i++) {
			must(rp_ssh_pair_send(&p.server, 94, data, sizeof(data)) == 0, "send");
			sent += sizeof(data);
		}
		rp_ssh_pair_settle(&p);
	}
	double s = (double)(rp_clock_ns() - start) / 1e9;
	(void)printf("ssh bulk, 32 KiB packets, both ends: %.0f MB/s (%s, %u key exchanges)\n",
	    (double)got / 1e6 / s, rp_ssh_describe(p.server.ssh), p.server.rekeys);
	rp_ssh_pair_fini(&p);
}

static void idle(size_t pairs)
{
	struct rp_ssh_pair *all = rp_calloc(pairs, sizeof(*all));
	must(all != NULL, "memory");
	long before = resident_kb();
	uint64_t start = rp_clock_ns();
	for (size_t i = 0; i < pairs; i++) {
		connect_pair(&all[i]);
		rp_buf_fini(&all[i].server.out);
		rp_buf_fini(&all[i].client.out);
	}
	double ms = (double)(rp_clock_ns() - start) / 1e6;
	(void)printf("ssh handshake and login, both ends: %.2f ms\n", ms / (double)pairs);
	long both = resident_kb() - before;
	(void)printf("ssh session, idle: %.1f kB each\n", (double)both / 2 / (double)pairs);
	for (size_t i = 0; i < pairs; i++) {
		rp_ssh_pair_fini(&all[i]);
	}
	rp_free(all);
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
	size_t pairs = argc > 2 ? strtoul(argv[2], NULL, 10) : 500;
	struct rp_hostkey *k = NULL;
	must(rp_ssh_global_init(NULL) == 0, "init");
	must(rp_hostkey_from_seed("bench", &k, NULL) == 0, "host key");
	key = k;
	struct rp_ssh_pair warm;
	connect_pair(&warm);
	bulk(mib << 20);
	if (pairs > 0) {
		idle(pairs);
	}
	rp_ssh_pair_fini(&warm);
	rp_hostkey_free(k);
	rp_ssh_global_fini();
	return 0;
}
