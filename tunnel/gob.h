/* SPDX-License-Identifier: MIT */
/*
 * The stream of a UDP tunnel's channel: records {Addr {IP, Port, Zone}, Data} in Go's gob
 * encoding (wire protocol 5.6). The encoder emits the descriptors of RPort once per direction;
 * the decoder takes type ids and the order of fields from whatever descriptors the peer sends.
 */
#ifndef RP_TUNNEL_GOB_H
#define RP_TUNNEL_GOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"

#define RP_UDP_DATA_MAX    65507
#define RP_UDP_ZONE_MAX    63
#define RP_GOB_MESSAGE_MAX (70 * 1024)
/* More than one encoded record with its descriptors ever takes. */
#define RP_GOB_ENCODED_MAX (RP_UDP_DATA_MAX + 512)
/* More than what stands in front of a record's data ever takes. */
#define RP_GOB_HEAD_MAX 112

/* One datagram. The address bytes of a request are given back unchanged in the reply. */
struct rp_udp_record {
	bool has_addr;
	uint8_t ip_len; /* 0, 4 or 16 */
	uint16_t port;
	uint8_t ip[16];
	char zone[RP_UDP_ZONE_MAX + 1];
	const uint8_t *data; /* borrowed */
	size_t data_len;
	bool lasting; /* decoded: data stays where it is until the feed returns */
};

/* What stands in front of a record's data: the message's length, its type, the address and the
 * length of the data. The data follow, and one byte of zero. Returns how many bytes; RP_EINVAL
 * over the limits above. */
RP_NODISCARD int rp_gob_head(const struct rp_udp_record *rec, uint8_t out[static RP_GOB_HEAD_MAX]);
/* The descriptors that begin a stream. */
struct rp_str rp_gob_descriptors(void);
/* Appends one record, with the descriptors before it if it is the first of its direction. Nothing
 * is appended on failure: RP_EINVAL (over the limits above), RP_ENOMEM, RP_ELIMIT (out is
 * full). */
RP_NODISCARD int rp_gob_encode(struct rp_buf *out, bool first, const struct rp_udp_record *rec);

struct rp_gob_decoder;

/* Called for each record; rec is valid during the call only, and so are its data unless lasting. A negative answer ends
 * the feed, which returns it. Must not feed or free the decoder. */
typedef int (*rp_gob_record_cb)(void *ctx, const struct rp_udp_record *rec);

RP_NODISCARD int rp_gob_decoder_new(
    struct rp_gob_decoder **out, rp_gob_record_cb on_record, void *ctx);
void rp_gob_decoder_free(struct rp_gob_decoder *d);
/* Takes the next bytes of the stream, cut anywhere. 0, RP_EPROTO, RP_ELIMIT (a message over
 * RP_GOB_MESSAGE_MAX, too many types), RP_ENOMEM, or what on_record answered; after an error the
 * stream is lost and every later call gives the same code. */
RP_NODISCARD int rp_gob_decoder_feed(struct rp_gob_decoder *d, const void *p, size_t n);

#endif
