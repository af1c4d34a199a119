/* SPDX-License-Identifier: MIT */
/*
 * From a request's headers to the decision.
 */
#include "server/peer.h"

#include "core/banned.h"

void rp_peer_of(
    const struct rp_addrlist *trusted, struct rp_http_req *req, char out[static RP_ADDR_TEXT_MAX])
{
	const struct rp_http_head *h = rp_http_req_head(req);
	const char *values[RP_HTTP_HEADERS_MAX];
	struct rp_forwarded f = {.peer = rp_http_req_peer(req), .values = values};
	for (size_t i = 0; trusted->n > 0 && i < h->n_headers && f.n < RP_ARRAY_LEN(values); i++) {
		if (rp_ascii_ieq(h->headers[i].name, "X-Forwarded-For")) {
			values[f.n++] = h->headers[i].value;
		}
	}
	rp_forwarded_client(trusted, &f, out);
}
