/* SPDX-License-Identifier: MIT */
/*
 * SFTP requests and answers: one is taken only whole, its text lies in it, and how much is looked at
 * changes nothing. What we write of either can be read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "tunnel/sftp.h"
#include "tunnel/sftp_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(struct rp_buf *b, int code)
{
	struct rp_cursor c;
	uint32_t len;
	RP_VERIFY(code == 0);
	rp_cursor_init(&c, rp_buf_head(b), b->len);
	RP_VERIFY(rp_cursor_u32(&c, &len) == 0 && len == c.left && len >= 5);
	rp_buf_clear(b);
}

static void check(const uint8_t *p, size_t n, size_t used, const struct rp_sftp_request *r)
{
	struct rp_sftp_request again;
	size_t used_again;
	struct rp_buf b;
	RP_VERIFY(used >= 4 + 5 && used <= n && used <= RP_SFTP_REQUEST_MAX + 4);
	const uint8_t *name = (const uint8_t *)r->name.p;
	RP_VERIFY(r->name.len == 0 || (name > p && name + r->name.len <= p + used));
	/* Not without its last byte, and with no more than itself. */
	RP_VERIFY(rp_sftp_parse(p, used - 1, &used_again, &again) == 0);
	RP_VERIFY(rp_sftp_parse(p, used, &used_again, &again) == 1 && used_again == used);
	RP_VERIFY(again.id == r->id && again.len == r->len && again.offset == r->offset);
	rp_buf_init(&b, 100000);
	check_answer(&b, rp_sftp_put_status(&b, r->id, RP_SFTP_FAILURE));
	check_answer(&b, rp_sftp_put_attrs(&b, r->id, r->offset, r->flags));
	check_answer(&b, rp_sftp_put_data(&b, r->id, r->name.p, r->name.len));
	check_answer(&b, rp_sftp_put_handle(&b, r->id, "x"));
	rp_buf_fini(&b);
}

/* What a client takes for an answer, and what it would ask with the text of it. */
static void check_asking(const uint8_t *p, size_t n)
{
	struct rp_sftp_answer a;
	struct rp_sftp_answer again;
	struct rp_sftp_request r;
	size_t used;
	size_t used_again;
	struct rp_buf b;
	int code = rp_sftp_ask_answer(p, n, &used, &a);
	RP_VERIFY(code == 1 || (used == 0 && code <= 0));
	if (code != 1) {
		return;
	}
	const uint8_t *text = (const uint8_t *)a.data.p;
	RP_VERIFY(used >= 4 + 5 && used <= n && used <= RP_SFTP_ANSWER_MAX + 4);
	RP_VERIFY(a.data.len == 0 || (text > p && text + a.data.len <= p + used));
	RP_VERIFY(a.data.len <= RP_SFTP_BLOCK || a.type == RP_SFTP_STATUS);
	RP_VERIFY(rp_sftp_ask_answer(p, used - 1, &used_again, &again) == 0);
	RP_VERIFY(rp_sftp_ask_answer(p, used, &used_again, &again) == 1 && used_again == used);
	if (a.data.len > RP_SFTP_HANDLE_MAX) {
		return;
	}
	rp_buf_init(&b, 100000);
	RP_VERIFY(rp_sftp_ask_read(&b, a.id, a.data, a.status) == 0);
	RP_VERIFY(rp_sftp_parse(rp_buf_head(&b), b.len, &used, &r) == 1 && used == b.len);
	RP_VERIFY(r.id == a.id && r.name.len == a.data.len && r.offset == a.status);
	rp_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;
	check_asking(data, size);
	while (at < size) {
		struct rp_sftp_request r;
		size_t used;
		int code = rp_sftp_parse(data + at, size - at, &used, &r);
		if (code != 1) {
			RP_VERIFY(
			    used == 0 && (code == 0 || code == RP_EPROTO || code == RP_ELIMIT));
			break;
		}
		check(data + at, size - at, used, &r);
		at += used;
	}
	return 0;
}
