/* SPDX-License-Identifier: MIT */
/*
 * URLs and query strings over arbitrary bytes. What parses can be written and parsed again with
 * the same result.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rp_url *u)
{
	struct rp_url again;
	char *authority = rp_url_authority(u);
	char *text = authority == NULL ? NULL
	                               : rp_asprintf("%s://%s%s", u->scheme, authority, u->target);
	rp_free(authority);
	/* A zone is written with an escape; a port may be unknown. */
	if (text != NULL && strchr(u->host, '%') == NULL && u->port != 0) {
		if (rp_url_parse(text, &again, NULL) != 0 || strcmp(again.host, u->host) != 0 ||
		    strcmp(again.target, u->target) != 0 || again.port != u->port) {
			abort();
		}
		rp_url_fini(&again);
	}
	rp_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = rp_strndup((const char *)data, size);
	struct rp_url u;
	if (text == NULL) {
		return 0;
	}
	int (*const parsers[])(const char *, struct rp_url *, struct rp_err *) = {
	    rp_url_parse, rp_url_parse_server, rp_url_parse_proxy};
	for (size_t i = 0; i < RP_ARRAY_LEN(parsers); i++) {
		struct rp_err err = {0};
		if (parsers[i](text, &u, &err) == 0) {
			check(&u);
			rp_url_fini(&u);
		} else if (err.msg[0] == '\0' || u.host != NULL) {
			abort();
		}
	}
	rp_free(text);

	struct rp_query q;
	if (rp_query_parse(rp_str_n(data, size), &q) == 0) {
		if (q.n > RP_QUERY_PAIRS_MAX) {
			abort();
		}
		rp_query_fini(&q);
	}
	return 0;
}
