/* SPDX-License-Identifier: MIT */
/*
 * How busy the machine is: processors, disks, memory, two network cards. What counts is the time
 * since the look before. A few small files of /proc, none of which can hang.
 */
#ifndef RP_CLIENT_LOAD_H
#define RP_CLIENT_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "client/procfs.h"
#include "core/defs.h"

/* A network card to watch, and what it had counted at the last look. */
struct rp_load_card {
	const char *name; /* borrowed; NULL: none */
	bool seen;
	uint64_t in;
	uint64_t out;
};

struct rp_load {
	const char *root; /* borrowed; "" is the real one */
	struct rp_cpu_times cpu;
	struct rp_load_card lan;
	struct rp_load_card wan;
	uint64_t at_ns;
};

/* Bytes per second; not set if the card is not there or was not before. */
struct rp_load_rate {
	bool set;
	int64_t in;
	int64_t out;
};

/* Percents with two decimals; 0 where nothing can be read. */
struct rp_load_values {
	double cpu;
	double io; /* share of time in which processors waited for disks */
	double memory;
	uint64_t memory_total; /* bytes */
	struct rp_load_rate lan;
	struct rp_load_rate wan;
};

/* Takes the first look. Names NULL: no card. No failure: what cannot be read counts as 0. */
void rp_load_init(struct rp_load *l, const char *root, const char *lan, const char *wan);
/* RP_ENOMEM. */
RP_NODISCARD int rp_load_look(struct rp_load *l, struct rp_load_values *v);

#endif
