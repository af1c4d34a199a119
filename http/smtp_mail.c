/* SPDX-License-Identifier: MIT */
/*
 * RFC 5321 and 5322.
 */
#include "http/smtp_mail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/crypto.h"
#include "core/err.h"

#include "core/banned.h"

#define LOCAL_MAX   64
#define ADDRESS_MAX 254

bool rp_smtp_address_ok(const char *address)
{
	const char *at = strrchr(address, '@');
	size_t n = strlen(address);
	if (at == NULL || at == address || at[1] == '\0' || n > ADDRESS_MAX ||
	    (size_t)(at - address) > LOCAL_MAX || strchr(address, '@') != at) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)address[i];
		if (c <= ' ' || c >= 0x7f || strchr("<>()[],;:\\\"", (char)c) != NULL) {
			return false;
		}
	}
	return true;
}

int rp_smtp_line(struct rp_str line, unsigned *code, struct rp_str *text)
{
	uint64_t v;
	if (line.len < 3 || rp_str_u64(rp_str_n(line.p, 3), 599, &v) != 0 || v < 200 ||
	    (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-')) {
		return RP_EPROTO;
	}
	*code = (unsigned)v;
	*text = line.len > 4 ? rp_str_n(line.p + 4, line.len - 4) : rp_str_n("", 0);
	return line.len > 3 && line.p[3] == '-' ? 0 : 1;
}

void rp_smtp_offer_add(struct rp_smtp_offer *o, struct rp_str text)
{
	struct rp_str word;
	if (!rp_str_split(&text, ' ', &word)) {
		return;
	}
	o->starttls = o->starttls || rp_str_ieq(word, "STARTTLS");
	if (!rp_str_ieq(word, "AUTH")) {
		return;
	}
	while (rp_str_split(&text, ' ', &word)) {
		o->plain = o->plain || rp_str_ieq(word, "PLAIN");
		o->login = o->login || rp_str_ieq(word, "LOGIN");
	}
}

static int add_date(struct rp_buf *out)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;
	(void)gmtime_r(&now, &tm);
	return rp_buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
	    days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

int rp_smtp_mail(const struct rp_smtp_options *opt, struct rp_buf *out)
{
	char id[33];
	struct rp_str rest = rp_str_c(opt->text);
	struct rp_str line;
	rp_random_text(id, sizeof(id) - 1);
	int err = add_date(out);
	err = err != 0 ? err
	               : rp_buf_printf(out,
	                     "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: <%s%s>\r\n"
	                     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	                     "Auto-Submitted: auto-generated\r\n\r\n",
	                     opt->from, opt->to, opt->subject, id, strrchr(opt->from, '@'));
	while (err == 0 && rp_str_split(&rest, '\n', &line)) {
		const char *dot = line.len > 0 && line.p[0] == '.' ? "." : "";
		err = rp_buf_printf(out, "%s%.*s\r\n", dot, (int)line.len, line.p);
	}
	return err != 0 ? err : rp_buf_add_str(out, ".\r\n");
}
