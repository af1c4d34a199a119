/* SPDX-License-Identifier: MIT */
/*
 * Addresses of UDP sources in their three forms. A key is made for every datagram, so it is put
 * together by hand.
 */
#include "tunnel/udp_addr.h"

#include <stdio.h>
#include <string.h>

#include <net/if.h>
#include <netinet/in.h>

#include "core/banned.h"

#define MAPPED_PREFIX_LEN 12u

static const uint8_t mapped_prefix[MAPPED_PREFIX_LEN] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void rp_udp_record_set_addr(struct rp_udp_record *rec, const struct sockaddr *sa)
{
	rec->has_addr = true;
	rec->zone[0] = '\0';
	if (sa->sa_family == AF_INET) {
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

static size_t put_hex(char *out, size_t at, unsigned byte)
{
	static const char digits[] = "0123456789abcdef";
	out[at] = digits[byte >> 4 & 15];
	out[at + 1] = digits[byte & 15];
	return at + 2;
}

void rp_udp_record_key(const struct rp_udp_record *rec, char out[static RP_UDP_KEY_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < rec->ip_len; i++) {
		n = put_hex(out, n, rec->ip[i]);
	}
	out[n++] = ':';
	n = put_hex(out, n, rec->port >> 8);
	n = put_hex(out, n, rec->port & 0xff);
	out[n++] = '%';
	memcpy(&out[n], rec->zone, sizeof(rec->zone));
	out[RP_UDP_KEY_MAX - 1] = '\0';
}
