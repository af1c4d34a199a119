/* SPDX-License-Identifier: MIT */
/*
 * Sections of the draft stand at the packets.
 */
#include "tunnel/sftp.h"

#include <string.h>

#include "core/err.h"

#include "core/banned.h"

/* 7, 3 */
#define TYPE_VERSION 2
#define TYPE_STATUS  101
#define TYPE_HANDLE  102
#define TYPE_DATA    103
#define TYPE_ATTRS   105
/* 5 */
#define ATTR_SIZE        1u
#define ATTR_PERMISSIONS 4u

static int take_u64(struct rp_cursor *c, uint64_t *v)
{
	uint32_t high;
	uint32_t low;
	if (rp_cursor_u32(c, &high) != 0 || rp_cursor_u32(c, &low) != 0) {
		return RP_EPROTO;
	}
	*v = (uint64_t)high << 32 | low;
	return 0;
}

/* What stands behind the name. Extensions and attributes at the end are left unread. */
static int take_rest(struct rp_cursor *c, struct rp_sftp_request *r)
{
	switch (r->type) {
	case RP_SFTP_OPEN: /* 6.3 */
		return rp_cursor_u32(c, &r->flags) == 0 ? 0 : RP_EPROTO;
	case RP_SFTP_READ: /* 6.4 */
		return take_u64(c, &r->offset) == 0 && rp_cursor_u32(c, &r->len) == 0 ? 0
		                                                                      : RP_EPROTO;
	default:
		return 0;
	}
}

static int take_body(struct rp_cursor *c, struct rp_sftp_request *r)
{
	if (rp_cursor_u8(c, &r->type) != 0 || rp_cursor_u32(c, &r->id) != 0) {
		return RP_EPROTO;
	}
	switch (r->type) {
	case RP_SFTP_OPEN:
	case RP_SFTP_CLOSE:
	case RP_SFTP_READ:
	case RP_SFTP_LSTAT:
	case RP_SFTP_FSTAT:
	case RP_SFTP_STAT:
		return rp_cursor_sstring(c, &r->name) == 0 ? take_rest(c, r) : RP_EPROTO;
	default:
		return 0;
	}
}

int rp_sftp_parse(const uint8_t *p, size_t n, size_t *used, struct rp_sftp_request *r)
{
	struct rp_cursor c;
	uint32_t len;
	const uint8_t *body;
	*used = 0;
	memset(r, 0, sizeof(*r));
	rp_cursor_init(&c, p, n);
	if (rp_cursor_u32(&c, &len) != 0) {
		return 0;
	}
	if (len > RP_SFTP_REQUEST_MAX) {
		return RP_ELIMIT;
	}
	if (rp_cursor_bytes(&c, len, &body) != 0) {
		return 0;
	}
	rp_cursor_init(&c, body, len);
	int code = take_body(&c, r);
	*used = code == 0 ? (size_t)len + 4 : 0;
	return code == 0 ? 1 : code;
}

/* Length, type and id of an answer whose rest has n bytes. */
static int put_head(struct rp_buf *b, uint8_t type, uint32_t id, size_t n)
{
	int code = n > UINT32_MAX - 5 ? RP_ELIMIT : rp_buf_add_u32(b, (uint32_t)(n + 5));
	code = code != 0 ? code : rp_buf_add_u8(b, type);
	return code != 0 ? code : rp_buf_add_u32(b, id);
}

/* 4 */
int rp_sftp_put_version(struct rp_buf *b)
{
	return put_head(b, TYPE_VERSION, RP_SFTP_VERSION, 0);
}

/* 7 */
int rp_sftp_put_status(struct rp_buf *b, uint32_t id, enum rp_sftp_status status)
{
	static const char *const texts[] = {
	    [RP_SFTP_OK] = "ok",
	    [RP_SFTP_EOF] = "end of file",
	    [RP_SFTP_NO_SUCH_FILE] = "no such file",
	    [RP_SFTP_PERMISSION_DENIED] = "permission denied",
	    [RP_SFTP_FAILURE] = "failure",
	    [RP_SFTP_OP_UNSUPPORTED] = "not supported",
	};
	const char *text = texts[status] != NULL ? texts[status] : "";
	int code = put_head(b, TYPE_STATUS, id, 4 + 4 + strlen(text) + 4 + 2);
	code = code != 0 ? code : rp_buf_add_u32(b, (uint32_t)status);
	code = code != 0 ? code : rp_buf_add_sstring(b, text, strlen(text));
	return code != 0 ? code : rp_buf_add_sstring(b, "en", 2);
}

int rp_sftp_put_handle(struct rp_buf *b, uint32_t id, const char *handle)
{
	int code = put_head(b, TYPE_HANDLE, id, 4 + strlen(handle));
	return code != 0 ? code : rp_buf_add_sstring(b, handle, strlen(handle));
}

int rp_sftp_put_data(struct rp_buf *b, uint32_t id, const void *p, size_t n)
{
	int code = put_head(b, TYPE_DATA, id, 4 + n);
	return code != 0 ? code : rp_buf_add_sstring(b, p, n);
}

int rp_sftp_put_attrs(struct rp_buf *b, uint32_t id, uint64_t size, uint32_t mode)
{
	int code = put_head(b, TYPE_ATTRS, id, 4 + 8 + 4);
	code = code != 0 ? code : rp_buf_add_u32(b, ATTR_SIZE | ATTR_PERMISSIONS);
	code = code != 0 ? code : rp_buf_add_u32(b, (uint32_t)(size >> 32));
	code = code != 0 ? code : rp_buf_add_u32(b, (uint32_t)size);
	return code != 0 ? code : rp_buf_add_u32(b, mode);
}
