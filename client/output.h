/* SPDX-License-Identifier: MIT */
/*
 * What a command prints: kept up to the limits as valid UTF-8, with the <summary> parts taken out
 * on the way, and cut so that the result fits into one packet of an installed server (wire
 * protocol 4.1, 6.3).
 */
#ifndef RP_CLIENT_OUTPUT_H
#define RP_CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmdpolicy/job.h"
#include "core/buf.h"
#include "core/defs.h"

#define RP_RESULT_JSON_MAX 261000
#define RP_SUMMARY_MAX     65536

/* Text between <summary> and </summary>, several parts one behind the other; tags in any case,
 * cut anywhere. */
struct rp_summary {
	struct rp_buf text;
	size_t tag; /* bytes of the tag seen so far */
	bool inside;
	bool cr; /* a carriage return that the next byte may drop */
};

/* One stream. */
struct rp_output {
	struct rp_buf text; /* valid UTF-8 without NUL */
	uint64_t limit;     /* raw bytes that are taken */
	uint64_t taken;
	bool overflow;   /* there was more than limit */
	bool cut;        /* more was taken than is kept */
	uint8_t tail[4]; /* an unfinished character */
	size_t n_tail;
};

void rp_summary_init(struct rp_summary *s);
void rp_summary_fini(struct rp_summary *s);
void rp_summary_feed(struct rp_summary *s, const void *p, size_t n);

/* keep_max: bytes of text that are kept at most. Without memory less is kept, and cut is set. */
void rp_output_init(struct rp_output *o, uint64_t limit, size_t keep_max);
void rp_output_fini(struct rp_output *o);
/* Takes raw bytes. What they are as UTF-8 (U+FFFD for what is none, and for NUL) goes to text and
 * is given to sink (may be NULL), up to the limit. */
typedef void (*rp_output_sink)(void *ctx, const uint8_t *p, size_t n);
void rp_output_feed(struct rp_output *o, const void *p, size_t n, rp_output_sink sink, void *ctx);
/* The end of the stream: an unfinished character becomes U+FFFD. */
void rp_output_end(struct rp_output *o, rp_output_sink sink, void *ctx);

/* Shortens summary, stderr, stdout and at last the command until the JSON of the job with the
 * error text has at most max bytes, and says so in error. Works in place; no memory: RP_ENOMEM. */
RP_NODISCARD int rp_job_fit(struct rp_job *job, size_t max);

#endif
