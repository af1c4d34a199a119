/* SPDX-License-Identifier: MIT */
/*
 * The list of processes of a measurement (wire protocol 4.6), out of /proc: two small files of each,
 * one of the kernel's own. Reading them may hang (client/errand.h).
 */
#ifndef RP_CLIENT_PROCESSES_H
#define RP_CLIENT_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"

/* Of the list's JSON within a JSON string, where quotes and backslashes count twice: it has to fit
 * into a packet of an installed server with the rest of the measurement. */
#define RP_PROCESSES_ESCAPED_MAX 180000
#define RP_PROCESSES_MAX         2000

struct rp_process_times;

/* What is remembered from one list to the next. Zero-initialised is empty. */
struct rp_processes {
	struct rp_process_times *times; /* highest number first */
	size_t n;
	uint64_t at_ns;
};
void rp_processes_fini(struct rp_processes *p);

struct rp_processes_options {
	const char *root;      /* borrowed; "" is the real one */
	uint64_t memory_total; /* bytes; 0: unknown */
	bool kernel_tasks;
	size_t max; /* those with the highest numbers are listed */
};

/* Appends the JSON array to out: all that RP_PROCESSES_ESCAPED_MAX lets in, with shorter command
 * lines when they are too many. RP_ENOMEM, RP_EIO (no /proc), RP_ELIMIT of out. */
RP_NODISCARD int rp_processes_list(
    struct rp_processes *p, const struct rp_processes_options *opt, struct rp_buf *out);

#endif
