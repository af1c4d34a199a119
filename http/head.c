/* SPDX-License-Identifier: MIT */
/*
 * Reading of parsed heads, and status texts (http/http.h).
 */
#include <string.h>

#include "core/alloc.h"
#include "http/http.h"

#include "core/banned.h"

static const struct {
	unsigned status;
	const char *text;
} status_texts[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Requested Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *rp_http_status_text(unsigned status)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(status_texts); i++) {
		if (status_texts[i].status == status) {
			return status_texts[i].text;
		}
	}
	return "Unknown";
}

const char *rp_http_header(const struct rp_http_head *h, const char *name)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, name)) {
			return h->headers[i].value;
		}
	}
	return NULL;
}

static bool list_has(struct rp_str list, const char *token)
{
	struct rp_str part;
	while (rp_str_split(&list, ',', &part)) {
		if (rp_str_ieq(rp_str_trim(part), token)) {
			return true;
		}
	}
	return false;
}

bool rp_http_has_token(const struct rp_http_head *h, const char *name, const char *token)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, name) &&
		    list_has(rp_str_c(h->headers[i].value), token)) {
			return true;
		}
	}
	return false;
}

void rp_http_head_fini(struct rp_http_head *h)
{
	rp_free(h->block);
	*h = (struct rp_http_head){0};
}
