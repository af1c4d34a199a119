/* SPDX-License-Identifier: MIT */
/*
 * What strangers claim in a line: X-Forwarded-For, Accept-Encoding, answers of mail servers, mail
 * addresses, TOTP secrets. The first byte chooses; what is taken must be harmless.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acl/forwarded.h"
#include "api/totp.h"
#include "core/alloc.h"
#include "http/compress.h"
#include "http/smtp_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The peer itself, or an address that reads back. */
static void try_forwarded(const char *text)
{
	struct rp_net net;
	struct rp_addr a;
	char out[RP_ADDR_TEXT_MAX];
	RP_VERIFY(rp_net_parse(rp_str_c("10.0.0.0/8"), &net) == 0);
	const struct rp_addrlist trusted = {.v = &net, .n = 1};
	struct rp_forwarded f = {.peer = "10.0.0.1", .values = &text, .n = 1};
	rp_forwarded_client(&trusted, &f, out);
	RP_VERIFY(rp_addr_parse(rp_str_c(out), &a) == 0);
	f.peer = "192.0.2.1";
	rp_forwarded_client(&trusted, &f, out);
	RP_VERIFY(strcmp(out, "192.0.2.1") == 0);
}

static void try_coding(const char *text)
{
	struct rp_http_header header = {
	    .name = (char *)(uintptr_t) "Accept-Encoding", .value = (char *)(uintptr_t)text};
	const struct rp_http_head h = {.headers = &header, .n_headers = 1};
	enum rp_coding c = rp_coding_choose(&h);
	RP_VERIFY(c == RP_CODING_NONE || strchr(text, '*') != NULL ||
	    strcasestr(text, rp_coding_name(c)) != NULL);
	static const enum rp_coding offers[] = {RP_CODING_BROTLI, RP_CODING_GZIP};
	c = rp_coding_choose_of(&h, offers, RP_ARRAY_LEN(offers));
	RP_VERIFY(c == RP_CODING_NONE || strchr(text, '*') != NULL ||
	    strcasestr(text, rp_coding_name(c)) != NULL);
}

static void try_mail(const char *text)
{
	struct rp_smtp_offer offer = {0};
	struct rp_str rest;
	unsigned code;
	if (rp_smtp_line(rp_str_c(text), &code, &rest) >= 0) {
		RP_VERIFY(code >= 200 && code < 600);
		rp_smtp_offer_add(&offer, rest);
	}
	if (rp_smtp_address_ok(text)) {
		RP_VERIFY(strpbrk(text, " \t\r\n<>,;:\"\\") == NULL);
	}
}

static void try_secret(const char *text)
{
	struct rp_totp t;
	struct rp_totp again;
	if (rp_totp_parse(text, &t) != 0) {
		return;
	}
	char *secret = rp_totp_secret(&t);
	RP_VERIFY(secret != NULL);
	RP_VERIFY(t.n == 0 || rp_totp_parse(secret, &again) == 0);
	RP_VERIFY(t.n == 0 || (t.n == again.n && memcmp(t.key, again.key, t.n) == 0));
	rp_free(secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	char *text = rp_strndup((const char *)data + 1, size - 1);
	RP_VERIFY(text != NULL);
	switch (data[0] % 4) {
	case 0:
		try_forwarded(text);
		break;
	case 1:
		try_coding(text);
		break;
	case 2:
		try_mail(text);
		break;
	default:
		try_secret(text);
		break;
	}
	rp_free(text);
	return 0;
}
