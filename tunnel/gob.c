/* SPDX-License-Identifier: MIT */
/*
 * The encoder: two descriptors that never change, then values. The decoder is gob_decode.c.
 */
#include "tunnel/gob.h"

#include <string.h>

#include "core/err.h"

#include "core/banned.h"

/* The two descriptors with the ids 65 and 66, as the original sends them. */
static const uint8_t descriptors[] =
    "\x2b\xff\x81\x03\x01\x01\x0aUDPMessage\x01\xff\x82\x00\x01\x02\x01\x04"
    "Addr\x01\xff\x84\x00"
    "\x01\x04"
    "Data\x01\x0a\x00\x00\x00"
    "\x2e\xff\x83\x03\x01\x01\x07UDPAddr\x01\xff\x84\x00\x01\x03\x01\x02IP\x01\x0a\x00\x01\x04"
    "Port\x01\x04\x00\x01\x04Zone\x01\x0c\x00\x00\x00";

/* Head of a message under way; every field has a limit, so it fits. */
struct head {
	uint8_t *bytes;
	size_t n;
};

static void put_byte(struct head *h, uint8_t v)
{
	RP_VERIFY(h->n < RP_GOB_HEAD_MAX);
	h->bytes[h->n++] = v;
}

static size_t uint_size(uint64_t v)
{
	size_t n = 1;
	if (v < 0x80) {
		return n;
	}
	for (; v > 0; v >>= 8) {
		n++;
	}
	return n;
}

static void put_uint(struct head *h, uint64_t v)
{
	size_t bytes = uint_size(v) - 1;
	if (bytes == 0) {
		put_byte(h, (uint8_t)v);
		return;
	}
	put_byte(h, (uint8_t)(256 - bytes));
	for (; bytes > 0; bytes--) {
		put_byte(h, (uint8_t)(v >> (8 * (bytes - 1))));
	}
}

/* A field number as the distance to the last one present, then a length and bytes; nothing when
 * empty. */
static void put_bytes(struct head *h, unsigned *delta, const void *p, size_t n)
{
	if (n == 0) {
		(*delta)++;
		return;
	}
	put_uint(h, *delta);
	put_uint(h, n);
	RP_VERIFY(n <= RP_GOB_HEAD_MAX - h->n);
	memcpy(&h->bytes[h->n], p, n);
	h->n += n;
	*delta = 1;
}

static size_t bytes_size(size_t n)
{
	return n == 0 ? 0 : 1 + uint_size(n) + n;
}

static size_t addr_size(const struct rp_udp_record *rec)
{
	size_t port = rec->port == 0 ? 0 : 1 + uint_size((uint64_t)rec->port << 1);
	return bytes_size(rec->ip_len) + port + bytes_size(strlen(rec->zone)) + 1;
}

/* The address struct; its Port is a signed integer, so it is shifted. */
static void put_addr(struct head *h, const struct rp_udp_record *rec)
{
	unsigned delta = 1;
	put_bytes(h, &delta, rec->ip, rec->ip_len);
	if (rec->port == 0) {
		delta++;
	} else {
		put_uint(h, delta);
		put_uint(h, (uint64_t)rec->port << 1);
		delta = 1;
	}
	put_bytes(h, &delta, rec->zone, strlen(rec->zone));
	put_byte(h, 0);
}

int rp_gob_head(const struct rp_udp_record *rec, uint8_t out[static RP_GOB_HEAD_MAX])
{
	if (rec->data_len > RP_UDP_DATA_MAX ||
	    (rec->ip_len != 0 && rec->ip_len != 4 && rec->ip_len != 16) ||
	    memchr(rec->zone, '\0', sizeof(rec->zone)) == NULL) {
		return RP_EINVAL;
	}
	struct head h = {.bytes = out};
	put_uint(&h, 2 + (rec->has_addr ? 1 + addr_size(rec) : 0) + bytes_size(rec->data_len) + 1);
	put_byte(&h, 0xff); /* type 65 */
	put_byte(&h, 0x82);
	if (rec->has_addr) {
		put_uint(&h, 1);
		put_addr(&h, rec);
	}
	if (rec->data_len > 0) {
		put_uint(&h, rec->has_addr ? 1 : 2);
		put_uint(&h, rec->data_len);
	}
	return (int)h.n;
}

struct rp_str rp_gob_descriptors(void)
{
	return rp_str_n(descriptors, sizeof(descriptors) - 1);
}

int rp_gob_encode(struct rp_buf *out, bool first, const struct rp_udp_record *rec)
{
	uint8_t head[RP_GOB_HEAD_MAX];
	int n = rp_gob_head(rec, head);
	if (n < 0) {
		return n;
	}
	size_t intro = first ? sizeof(descriptors) - 1 : 0;
	uint8_t *tail;
	/* All of the room at once: half a message would spoil the stream. */
	int rc = rp_buf_reserve(out, intro + (size_t)n + rec->data_len + 1, &tail);
	if (rc == 0 && first) {
		rc = rp_buf_add(out, descriptors, intro);
	}
	if (rc == 0) {
		rc = rp_buf_add(out, head, (size_t)n);
	}
	if (rc == 0) {
		rc = rp_buf_add(out, rec->data, rec->data_len);
	}
	return rc == 0 ? rp_buf_add_u8(out, 0) : rc;
}
