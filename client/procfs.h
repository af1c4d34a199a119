/* SPDX-License-Identifier: MIT */
/*
 * What Linux writes into the files of /proc that are measured, as numbers. Pure: text in, values out;
 * what is missing or unreadable is RP_EPROTO.
 */
#ifndef RP_CLIENT_PROCFS_H
#define RP_CLIENT_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/str.h"

/* Ticks of all processors together since the start of the machine: first line of /proc/stat. */
struct rp_cpu_times {
	uint64_t total;
	uint64_t busy; /* neither idle nor waiting for disks */
	uint64_t iowait;
};
RP_NODISCARD int rp_procfs_cpu(struct rp_str text, struct rp_cpu_times *t);
/* What a count has of the total between two looks, in percent; 0 if no time has passed or the
 * counters went back. */
double rp_procfs_share(uint64_t before, uint64_t now, uint64_t total_before, uint64_t total_now);

/* /proc/meminfo, bytes. Used: without buffers, caches and what the kernel can reclaim. */
struct rp_memory {
	uint64_t total;
	uint64_t used;
};
RP_NODISCARD int rp_procfs_memory(struct rp_str text, struct rp_memory *m);

/* A line of /proc/net/dev. */
struct rp_card_bytes {
	struct rp_str name; /* borrowed from the line */
	uint64_t in;
	uint64_t out;
};
RP_NODISCARD int rp_procfs_card(struct rp_str line, struct rp_card_bytes *c);

/* /proc/PID/stat. */
struct rp_process_stat {
	struct rp_str name; /* borrowed from the text */
	const char *state;  /* static */
	int64_t parent;
	bool kernel_task;
	uint64_t ticks; /* of processor time */
	uint64_t start; /* with the number it makes the process unique */
	uint64_t vms;   /* bytes */
	uint64_t rss_pages;
};
RP_NODISCARD int rp_procfs_process(struct rp_str text, struct rp_process_stat *s);

#define RP_MOUNT_PATH_MAX 1024
#define RP_MOUNT_WORD_MAX 64

/* A line of /proc/self/mountinfo. */
struct rp_mount {
	char device[RP_MOUNT_WORD_MAX]; /* major:minor */
	char type[RP_MOUNT_WORD_MAX];
	char path[RP_MOUNT_PATH_MAX]; /* as it is, escapes resolved */
};
RP_NODISCARD int rp_procfs_mount(struct rp_str line, struct rp_mount *m);

#endif
