/* SPDX-License-Identifier: MIT */
/*
 * Queue of datagrams in front of the gob encoder, and addresses of records.
 */
#include "tunnel/udp_queue.h"

#include <stdio.h>
#include <string.h>

#include <net/if.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "core/str.h"

#include "core/banned.h"

#define MAPPED_PREFIX_LEN 12u

struct item {
	struct rp_list node;
	struct rp_udp_record rec;
	uint8_t data[];
};

static const uint8_t mapped_prefix[MAPPED_PREFIX_LEN] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void rp_udp_queue_init(struct rp_udp_queue *q)
{
	*q = (struct rp_udp_queue){.started = false};
	rp_list_init(&q->items);
	rp_buf_init(&q->wire, RP_GOB_ENCODED_MAX);
}

/* Takes the oldest out; NULL: empty. */
static struct item *take(struct rp_udp_queue *q)
{
	if (rp_list_empty(&q->items)) {
		return NULL;
	}
	struct item *it = RP_LIST_ENTRY(q->items.next, struct item, node);
	rp_list_remove(&it->node);
	q->n--;
	q->bytes -= it->rec.data_len;
	return it;
}

void rp_udp_queue_fini(struct rp_udp_queue *q)
{
	for (struct item *it = take(q); it != NULL; it = take(q)) {
		rp_free(it);
	}
	rp_buf_fini(&q->wire);
}

void rp_udp_queue_add(struct rp_udp_queue *q, const struct rp_udp_record *rec)
{
	struct item *it = rp_malloc(sizeof(*it) + rec->data_len);
	if (it == NULL) {
		q->dropped++;
		return;
	}
	*it = (struct item){.rec = *rec};
	if (rec->data_len > 0) {
		memcpy(it->data, rec->data, rec->data_len);
	}
	it->rec.data = it->data;
	rp_list_append(&q->items, &it->node);
	q->n++;
	q->bytes += rec->data_len;
	while (q->n > RP_UDP_QUEUE_MAX || q->bytes > RP_UDP_QUEUE_BYTES_MAX) {
		rp_free(take(q));
		q->dropped++;
	}
}

/* Encodes the next datagram; false when none is left. */
static bool encode_next(struct rp_udp_queue *q)
{
	for (struct item *it = take(q); it != NULL; it = take(q)) {
		int rc = rp_gob_encode(&q->wire, !q->started, &it->rec);
		rp_free(it);
		if (rc == 0) {
			q->started = true;
			return true;
		}
		q->dropped++;
	}
	return false;
}

size_t rp_udp_queue_pull(struct rp_udp_queue *q, uint8_t *p, size_t max)
{
	size_t done = 0;
	while (done < max && (q->wire.len > 0 || encode_next(q))) {
		size_t n = RP_MIN(max - done, q->wire.len);
		memcpy(p + done, rp_buf_head(&q->wire), n);
		rp_buf_consume(&q->wire, n);
		done += n;
	}
	if (q->wire.len == 0) {
		rp_buf_fini(&q->wire); /* idle tunnels hold no buffer */
	}
	return done;
}

void rp_udp_queue_restart(struct rp_udp_queue *q)
{
	q->started = false;
	rp_buf_fini(&q->wire);
}

void rp_udp_record_set_addr(struct rp_udp_record *rec, const struct sockaddr_storage *sa)
{
	rec->has_addr = true;
	rec->zone[0] = '\0';
	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
		rec->ip_len = 4;
		memcpy(rec->ip, &v4->sin_addr, 4);
		rec->port = ntohs(v4->sin_port);
		return;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	char name[IF_NAMESIZE];
	rec->ip_len = 16;
	memcpy(rec->ip, &v6->sin6_addr, 16);
	rec->port = ntohs(v6->sin6_port);
	if (v6->sin6_scope_id != 0 && if_indextoname(v6->sin6_scope_id, name) != NULL) {
		(void)snprintf(rec->zone, sizeof(rec->zone), "%s", name);
	}
}

static bool is_mapped(const struct rp_udp_record *rec)
{
	return rec->ip_len == 16 && memcmp(rec->ip, mapped_prefix, MAPPED_PREFIX_LEN) == 0;
}

static bool set_v4(const struct rp_udp_record *rec, struct sockaddr_storage *sa, socklen_t *len)
{
	if (rec->ip_len != 4 && !is_mapped(rec)) {
		return false;
	}
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	v4->sin_family = AF_INET;
	v4->sin_port = htons(rec->port);
	memcpy(&v4->sin_addr, rec->ip + (rec->ip_len == 4 ? 0 : MAPPED_PREFIX_LEN), 4);
	*len = sizeof(*v4);
	return true;
}

bool rp_udp_record_addr(
    const struct rp_udp_record *rec, int family, struct sockaddr_storage *sa, socklen_t *len)
{
	memset(sa, 0, sizeof(*sa));
	if (!rec->has_addr || rec->ip_len == 0) {
		return false;
	}
	if (family == AF_INET) {
		return set_v4(rec, sa, len);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(rec->port);
	if (rec->ip_len == 4) {
		memcpy(v6->sin6_addr.s6_addr, mapped_prefix, MAPPED_PREFIX_LEN);
		memcpy(v6->sin6_addr.s6_addr + MAPPED_PREFIX_LEN, rec->ip, 4);
	} else {
		memcpy(v6->sin6_addr.s6_addr, rec->ip, 16);
	}
	if (rec->zone[0] != '\0') {
		v6->sin6_scope_id = if_nametoindex(rec->zone);
	}
	*len = sizeof(*v6);
	return true;
}

void rp_udp_record_key(const struct rp_udp_record *rec, char out[static RP_UDP_KEY_MAX])
{
	char hex[2 * sizeof(rec->ip) + 1] = "";
	for (size_t i = 0; i < rec->ip_len; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", rec->ip[i]);
	}
	(void)snprintf(out, RP_UDP_KEY_MAX, "%s:%u%%%s", hex, (unsigned)rec->port, rec->zone);
}
