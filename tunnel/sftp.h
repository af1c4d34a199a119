/* SPDX-License-Identifier: MIT */
/*
 * Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) as far as a download needs them: requests
 * read, answers written. No I/O.
 */
#ifndef RP_TUNNEL_SFTP_H
#define RP_TUNNEL_SFTP_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"

#define RP_SFTP_VERSION 3
/* A request packet behind its length: a path and its attributes. */
#define RP_SFTP_REQUEST_MAX 8192u
/* What one answer may carry of a file; whoever asks for more gets less. */
#define RP_SFTP_READ_MAX ((uint32_t)128 * 1024)

enum rp_sftp_type {
	RP_SFTP_INIT = 1,
	RP_SFTP_OPEN = 3,
	RP_SFTP_CLOSE = 4,
	RP_SFTP_READ = 5,
	RP_SFTP_LSTAT = 7,
	RP_SFTP_FSTAT = 8,
	RP_SFTP_STAT = 17
};

enum rp_sftp_status {
	RP_SFTP_OK = 0,
	RP_SFTP_EOF = 1,
	RP_SFTP_NO_SUCH_FILE = 2,
	RP_SFTP_PERMISSION_DENIED = 3,
	RP_SFTP_FAILURE = 4,
	RP_SFTP_OP_UNSUPPORTED = 8
};

/* Flag of OPEN. */
#define RP_SFTP_F_READ 1u

struct rp_sftp_request {
	uint8_t type;       /* enum rp_sftp_type, or another one, of which only the id was read */
	uint32_t id;        /* INIT: the version */
	struct rp_str name; /* path or handle, borrowed */
	uint32_t flags;     /* OPEN */
	uint64_t offset;    /* READ */
	uint32_t len;
};

/* The first request of the n bytes; *used is its whole length. 1; 0 = more bytes are needed;
 * RP_EPROTO, RP_ELIMIT. */
RP_NODISCARD int rp_sftp_parse(const uint8_t *p, size_t n, size_t *used, struct rp_sftp_request *r);

/* Each appends one answer, or fails as rp_buf_add does. */
RP_NODISCARD int rp_sftp_put_version(struct rp_buf *b);
RP_NODISCARD int rp_sftp_put_status(struct rp_buf *b, uint32_t id, enum rp_sftp_status status);
RP_NODISCARD int rp_sftp_put_handle(struct rp_buf *b, uint32_t id, const char *handle);
RP_NODISCARD int rp_sftp_put_data(struct rp_buf *b, uint32_t id, const void *p, size_t n);
/* Of a file; mode with its type bits. */
RP_NODISCARD int rp_sftp_put_attrs(struct rp_buf *b, uint32_t id, uint64_t size, uint32_t mode);

#endif
