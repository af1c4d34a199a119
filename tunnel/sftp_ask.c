/* SPDX-License-Identifier: MIT */
/*
 * Sections of the draft stand at the packets.
 */
#include "tunnel/sftp_ask.h"

#include <string.h>

#include "core/err.h"
#include "tunnel/sftp.h"

#include "core/banned.h"

/* Length, type, id and a name; rest more bytes follow. */
static int put_named(struct rp_buf *b, uint8_t type, uint32_t id, struct rp_str name, uint32_t rest)
{
	int code = name.len > RP_SFTP_REQUEST_MAX / 2
	    ? RP_ELIMIT
	    : rp_buf_add_u32(b, 1 + 4 + 4 + (uint32_t)name.len + rest);
	code = code != 0 ? code : rp_buf_add_u8(b, type);
	code = code != 0 ? code : rp_buf_add_u32(b, id);
	return code != 0 ? code : rp_buf_add_sstring(b, name.p, name.len);
}

/* 4 */
int rp_sftp_ask_init(struct rp_buf *b)
{
	int code = rp_buf_add_u32(b, 1 + 4);
	code = code != 0 ? code : rp_buf_add_u8(b, RP_SFTP_INIT);
	return code != 0 ? code : rp_buf_add_u32(b, RP_SFTP_VERSION);
}

/* 6.3, without attributes */
int rp_sftp_ask_open(struct rp_buf *b, uint32_t id, struct rp_str path)
{
	int code = put_named(b, RP_SFTP_OPEN, id, path, 8);
	code = code != 0 ? code : rp_buf_add_u32(b, RP_SFTP_F_READ);
	return code != 0 ? code : rp_buf_add_u32(b, 0);
}

/* 6.4 */
int rp_sftp_ask_read(struct rp_buf *b, uint32_t id, struct rp_str handle, uint64_t offset)
{
	int code = put_named(b, RP_SFTP_READ, id, handle, 12);
	code = code != 0 ? code : rp_buf_add_u32(b, (uint32_t)(offset >> 32));
	code = code != 0 ? code : rp_buf_add_u32(b, (uint32_t)offset);
	return code != 0 ? code : rp_buf_add_u32(b, RP_SFTP_BLOCK);
}

/* 6.3 */
int rp_sftp_ask_close(struct rp_buf *b, uint32_t id, struct rp_str handle)
{
	return put_named(b, RP_SFTP_CLOSE, id, handle, 0);
}

/* 7. Servers may leave text and language of a status out. */
static int take_rest(struct rp_cursor *c, struct rp_sftp_answer *a)
{
	switch (a->type) {
	case RP_SFTP_STATUS:
		if (rp_cursor_u32(c, &a->status) != 0) {
			return RP_EPROTO;
		}
		return c->left == 0 || rp_cursor_sstring(c, &a->data) == 0 ? 0 : RP_EPROTO;
	case RP_SFTP_HANDLE:
		if (rp_cursor_sstring(c, &a->data) != 0) {
			return RP_EPROTO;
		}
		return a->data.len <= RP_SFTP_HANDLE_MAX ? 0 : RP_ELIMIT;
	case RP_SFTP_DATA:
		if (rp_cursor_sstring(c, &a->data) != 0) {
			return RP_EPROTO;
		}
		return a->data.len <= RP_SFTP_BLOCK ? 0 : RP_ELIMIT;
	default:
		return 0;
	}
}

int rp_sftp_ask_answer(const uint8_t *p, size_t n, size_t *used, struct rp_sftp_answer *a)
{
	struct rp_cursor c;
	uint32_t len;
	const uint8_t *body;
	*used = 0;
	memset(a, 0, sizeof(*a));
	rp_cursor_init(&c, p, n);
	if (rp_cursor_u32(&c, &len) != 0) {
		return 0;
	}
	if (len > RP_SFTP_ANSWER_MAX) {
		return RP_ELIMIT;
	}
	if (rp_cursor_bytes(&c, len, &body) != 0) {
		return 0;
	}
	rp_cursor_init(&c, body, len);
	if (rp_cursor_u8(&c, &a->type) != 0 || rp_cursor_u32(&c, &a->id) != 0) {
		return RP_EPROTO;
	}
	int code = take_rest(&c, a);
	*used = code == 0 ? (size_t)len + 4 : 0;
	return code == 0 ? 1 : code;
}
