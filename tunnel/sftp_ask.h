/* SPDX-License-Identifier: MIT */
/*
 * The asking side of SFTP version 3 (draft-ietf-secsh-filexfer-02) as far as a download needs it:
 * requests written, answers read. No I/O.
 */
#ifndef RP_TUNNEL_SFTP_ASK_H
#define RP_TUNNEL_SFTP_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"

/* What is asked for in one READ; installed servers give no more at once. */
#define RP_SFTP_BLOCK 32768u
/* An answer packet behind its length: a block, or a text. */
#define RP_SFTP_ANSWER_MAX (RP_SFTP_BLOCK + 1024u)
#define RP_SFTP_HANDLE_MAX 256u /* draft, 3 */

enum rp_sftp_answer_type {
	RP_SFTP_VERSION_IS = 2,
	RP_SFTP_STATUS = 101,
	RP_SFTP_HANDLE = 102,
	RP_SFTP_DATA = 103
};

struct rp_sftp_answer {
	uint8_t type; /* enum rp_sftp_answer_type, or another one, of which only the id was read */
	uint32_t id;  /* VERSION_IS: the version */
	uint32_t status;    /* STATUS: enum rp_sftp_status or any other number */
	struct rp_str data; /* the handle, the bytes, or the text of a status; borrowed */
};

/* Each appends one request, or fails as rp_buf_add does. */
RP_NODISCARD int rp_sftp_ask_init(struct rp_buf *b);
RP_NODISCARD int rp_sftp_ask_open(struct rp_buf *b, uint32_t id, struct rp_str path);
RP_NODISCARD int rp_sftp_ask_read(
    struct rp_buf *b, uint32_t id, struct rp_str handle, uint64_t offset);
RP_NODISCARD int rp_sftp_ask_close(struct rp_buf *b, uint32_t id, struct rp_str handle);

/* The first answer of the n bytes; *used is its whole length. 1; 0 = more bytes are needed;
 * RP_EPROTO, RP_ELIMIT. */
RP_NODISCARD int rp_sftp_ask_answer(
    const uint8_t *p, size_t n, size_t *used, struct rp_sftp_answer *a);

#endif
