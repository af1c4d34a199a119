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

static int put_uint(struct rp_buf *out, uint64_t v)
{
	size_t bytes = uint_size(v) - 1;
	if (bytes == 0) {
		return rp_buf_add_u8(out, (uint8_t)v);
	}
	int rc = rp_buf_add_u8(out, (uint8_t)(256 - bytes));
	for (; bytes > 0 && rc == 0; bytes--) {
		rc = rp_buf_add_u8(out, (uint8_t)(v >> (8 * (bytes - 1))));
	}
	return rc;
}

/* A field number as the distance to the last one present, then a length and bytes; nothing when
 * empty. */
static int put_bytes(struct rp_buf *out, unsigned *delta, const void *p, size_t n)
{
	if (n == 0) {
		(*delta)++;
		return 0;
	}
	int rc = put_uint(out, *delta);
	if (rc == 0) {
		rc = put_uint(out, n);
	}
	*delta = 1;
	return rc == 0 ? rp_buf_add(out, p, n) : rc;
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
static int put_addr(struct rp_buf *out, const struct rp_udp_record *rec)
{
	unsigned delta = 1;
	int rc = put_bytes(out, &delta, rec->ip, rec->ip_len);
	if (rc == 0 && rec->port == 0) {
		delta++;
	} else if (rc == 0) {
		rc = put_uint(out, delta);
		if (rc == 0) {
			rc = put_uint(out, (uint64_t)rec->port << 1);
		}
		delta = 1;
	}
	if (rc == 0) {
		rc = put_bytes(out, &delta, rec->zone, strlen(rec->zone));
	}
	return rc == 0 ? rp_buf_add_u8(out, 0) : rc;
}

static int put_value(struct rp_buf *out, const struct rp_udp_record *rec)
{
	static const uint8_t type_id[] = {0xff, 0x82};
	unsigned delta = 1;
	int rc = rp_buf_add(out, type_id, sizeof(type_id));
	if (rc == 0 && rec->has_addr) {
		rc = put_uint(out, delta);
		if (rc == 0) {
			rc = put_addr(out, rec);
		}
	} else {
		delta++;
	}
	if (rc == 0) {
		rc = put_bytes(out, &delta, rec->data, rec->data_len);
	}
	return rc == 0 ? rp_buf_add_u8(out, 0) : rc;
}

int rp_gob_encode(struct rp_buf *out, bool first, const struct rp_udp_record *rec)
{
	if (rec->data_len > RP_UDP_DATA_MAX ||
	    (rec->ip_len != 0 && rec->ip_len != 4 && rec->ip_len != 16) ||
	    memchr(rec->zone, '\0', sizeof(rec->zone)) == NULL) {
		return RP_EINVAL;
	}
	size_t len = 2 + (rec->has_addr ? 1 + addr_size(rec) : 0) + bytes_size(rec->data_len) + 1;
	size_t head = first ? sizeof(descriptors) - 1 : 0;
	uint8_t *tail;
	/* All of the room at once: half a message would spoil the stream. */
	int rc = rp_buf_reserve(out, head + uint_size(len) + len, &tail);
	if (rc == 0 && first) {
		rc = rp_buf_add(out, descriptors, head);
	}
	if (rc == 0) {
		rc = put_uint(out, len);
	}
	return rc == 0 ? put_value(out, rec) : rc;
}
