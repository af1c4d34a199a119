/* SPDX-License-Identifier: MIT */
/*
 * One file on its way in (wire protocol 4.7), as far as files are concerned: whether it is wanted, the
 * file in <data_dir>/filepush that its bytes go to, and its way from there to the destination in
 * one step. Everything here blocks and belongs on the pool, one call at a time.
 *
 * check -> (wanted) -> open -> write … -> place; rp_incoming_drop at the end of each way.
 */
#ifndef RP_CLIENT_INCOMING_H
#define RP_CLIENT_INCOMING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/place.h"
#include "core/crypto.h"
#include "core/defs.h"
#include "core/err.h"

#define RP_INCOMING_PLACE "/filepush"
/* Of names in it, which sudoers rules for the original know. */
#define RP_INCOMING_SUFFIX "_rport_filepush"
/* What a file system keeps free: so much, or a twentieth of it. */
#define RP_INCOMING_RESERVE ((uint64_t)64 * 1024 * 1024)

/* What is asked for; borrowed, "" = not given. */
struct rp_incoming_request {
	const char *destination;
	int64_t mode; /* 0 = RP_INCOMING_MODE without what the umask forbids */
	const char *owner;
	const char *group;
	bool force;
	bool sync;
	uint8_t md5[16];
};

#define RP_INCOMING_MODE 0764

struct rp_incoming {
	struct rp_incoming_request req;
	struct rp_place_rules rules;
	const char *data_dir;
	mode_t umask;
	atomic_bool *cancelled; /* long work looks at it */

	int folder;                                               /* filepush, -1 = not open */
	int fd;                                                   /* of the file in it, -1 = none */
	char name[RP_UUID_TEXT_MAX + sizeof(RP_INCOMING_SUFFIX)]; /* "" = no file */
	struct rp_md5_stream *md5;
	struct rp_sha256_stream *sha256;
	uint64_t size;
	char sha256_text[65];
	/* Of what did not work and does no harm: a sentence, or "". */
	char remarks[512];
};

/* No I/O. Checks what is in the request: RP_EINVAL. */
RP_NODISCARD int rp_incoming_init(struct rp_incoming *in, struct rp_err *err);
/* Is the file to be fetched? *wanted = false: what is there may stay. */
RP_NODISCARD int rp_incoming_check(struct rp_incoming *in, bool *wanted, struct rp_err *err);
RP_NODISCARD int rp_incoming_open(struct rp_incoming *in, struct rp_err *err);
RP_NODISCARD int rp_incoming_write(
    struct rp_incoming *in, const uint8_t *p, size_t n, struct rp_err *err);
/* Compares the checksum, sets mode and owner, and moves the file to its destination. */
RP_NODISCARD int rp_incoming_place(struct rp_incoming *in, struct rp_err *err);
/* Removes what is left of it. */
void rp_incoming_drop(struct rp_incoming *in);

/* Removes what a stopped client left in its folder. */
void rp_incoming_clean(const char *data_dir);

#endif
