/* SPDX-License-Identifier: MIT */
/*
 * The texts of SMTP, without the connection: the mail, and what a server's lines say. Private to
 * http/smtp.c and its tests.
 */
#ifndef RP_HTTP_SMTP_MAIL_H
#define RP_HTTP_SMTP_MAIL_H

#include "core/buf.h"
#include "core/defs.h"
#include "core/str.h"
#include "http/smtp.h"

/* What the lines of the answer to EHLO offer. */
struct rp_smtp_offer {
	bool starttls;
	bool plain; /* AUTH */
	bool login;
};

/* One line without its CRLF: its code in *code, the text behind it in *text; 1 if it is the last of
 * its answer, 0 if more follow, RP_EPROTO. */
RP_NODISCARD int rp_smtp_line(struct rp_str line, unsigned *code, struct rp_str *text);
void rp_smtp_offer_add(struct rp_smtp_offer *o, struct rp_str text);
/* Head and text as they follow DATA, dots stuffed, with the line that ends it. */
RP_NODISCARD int rp_smtp_mail(const struct rp_smtp_options *opt, struct rp_buf *out);

#endif
