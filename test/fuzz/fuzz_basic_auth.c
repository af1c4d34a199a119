/* SPDX-License-Identifier: MIT */
/*
 * The Authorization header: a Basic pair that is accepted is text without NUL, split at the first
 * colon, and nothing of it is lost.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "http/server_int.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pair(const struct rp_api_call *c)
{
	char *name = NULL;
	char *password = NULL;
	int err = rp_auth_basic(c, &name, &password);
	RP_VERIFY(err == 0 || err == RP_ENOENT || err == RP_EINVAL);
	const char *token = rp_auth_bearer(c);
	RP_VERIFY(token == NULL || (token[0] != '\0' && err == RP_ENOENT));
	if (err != 0) {
		return;
	}
	RP_VERIFY(strchr(name, ':') == NULL);
	uint8_t *text;
	size_t n;
	const char *header = rp_http_header(rp_http_req_head(c->req), "Authorization");
	struct rp_str sent = rp_str_trim(rp_str_c(header + strlen("basic ")));
	char *pair = rp_asprintf("%s:%s", name, password);
	RP_VERIFY(rp_base64_decode(sent, &text, &n) == 0);
	RP_VERIFY(rp_str_eq(rp_str_n(text, n), pair));
	rp_free(text);
	rp_free(pair);
	rp_free(name);
	rp_free(password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ";
	static const char end[] = "\r\n\r\n";
	struct rp_http_conn conn = {0};
	struct rp_api_call call = {.req = &conn.req};
	size_t used;
	if (size > INPUT_MAX) {
		return 0;
	}
	size_t n = strlen(start) + size + strlen(end);
	uint8_t *text = rp_malloc(n);
	memcpy(text, start, strlen(start));
	memcpy(text + strlen(start), data, size);
	memcpy(text + strlen(start) + size, end, strlen(end));
	RP_VERIFY(rp_http_parser_new(&conn.parser, false, 65536, 0) == 0);
	if (rp_http_parser_feed(conn.parser, text, n, &used) == 1) {
		check_pair(&call);
	}
	rp_http_parser_free(conn.parser);
	rp_free(text);
	return 0;
}
