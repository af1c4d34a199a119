/* SPDX-License-Identifier: MIT */
/*
 * The pages that the proxy itself answers with.
 */
#include <stdio.h>
#include <string.h>

#include "tunnel/web_int.h"

#include "core/banned.h"

#define PAGE_MAX ((size_t)2048)

static const struct {
	unsigned status;
	const char *text;
} texts[] = {
    {400, "The request could not be understood."},
    {401, "This tunnel asks for a user name and a password."},
    {403, "Your address is not on the list of those that may use this tunnel."},
    {405, "This method does not pass through the tunnel."},
    {502, "The destination of this tunnel refused the connection or gave no usable answer."},
    {503, "The server cannot serve this request now."},
    {504, "The destination of this tunnel did not answer in time."},
};

static const char *text_of(unsigned status)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		if (texts[i].status == status) {
			return texts[i].text;
		}
	}
	return "The request was refused.";
}

static int make_page(struct rp_buf *page, unsigned status)
{
	const char *title = rp_http_status_text(status);
	return rp_buf_printf(page,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
	    "<title>%u %s</title></head>\n"
	    "<body><h1>%u %s</h1><p>%s</p></body>\n</html>\n",
	    status, title, status, title, text_of(status));
}

static int make_head(
    const struct rp_web *w, struct rp_buf *head, unsigned status, size_t length, bool close)
{
	static const char challenge[] = "WWW-Authenticate: Basic realm=\"restricted\"\r\n";
	const char *connection = close ? "Connection: close\r\n"
	    : w->minor0                ? "Connection: keep-alive\r\n"
	                               : "";
	return rp_buf_printf(head,
	    "HTTP/1.1 %u %s\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n%s%s%s\r\n",
	    status, rp_http_status_text(status), length, status == 401 ? challenge : "",
	    status == 405 ? "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n" : "",
	    connection);
}

int rp_web_page(struct rp_web *w, unsigned status, bool close)
{
	struct rp_buf head;
	struct rp_buf page;
	rp_buf_init(&head, PAGE_MAX);
	rp_buf_init(&page, PAGE_MAX);
	int rc = make_page(&page, status);
	rc = rc != 0 ? rc : make_head(w, &head, status, page.len, close);
	if (rc == 0) {
		struct iovec iov[2] = {
		    {.iov_base = rp_buf_head(&head), .iov_len = head.len},
		    {.iov_base = rp_buf_head(&page), .iov_len = page.len},
		};
		rc = rp_stream_write(w->visitor, iov, w->to_head ? 1 : 2);
	}
	rp_buf_fini(&head);
	rp_buf_fini(&page);
	return rc < 0 ? rc : 0;
}
