/* SPDX-License-Identifier: MIT */
/*
 * Carries the code of a login to the user: by a program, a URL, mail or Pushover, as [api]
 * two_fa_token_delivery says (rport-config 2.4). Codes stand neither in logs nor in error texts of
 * ours.
 */
#ifndef RP_API_TWOFA_SEND_H
#define RP_API_TWOFA_SEND_H

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "server/config.h"

struct rp_twofa_sender;

/* Copied by rp_twofa_send. */
struct rp_twofa_message {
	const char *send_to;
	const char *code;
	const char *user_agent; /* of the login's request */
	const char *remote_address;
};

/* Once, on the loop, never from inside rp_twofa_send. err has a text for the user. */
typedef void (*rp_twofa_sent_cb)(void *ctx, int code, const struct rp_err *err);

/* cfg is borrowed. At start: reads the trust store where TLS is spoken. */
RP_NODISCARD int rp_twofa_sender_new(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_twofa_sender **out, struct rp_err *err);
/* Ends what is under way: each gets RP_ECLOSED. NULL is fine. */
void rp_twofa_sender_close(struct rp_twofa_sender *s);
/* After the loop has ended. NULL is fine. */
void rp_twofa_sender_free(struct rp_twofa_sender *s);
/* RP_EBUSY: too many under way; RP_ENOMEM, RP_ECLOSED and others: nothing was begun, err has the
 * text. */
RP_NODISCARD int rp_twofa_send(struct rp_twofa_sender *s, const struct rp_twofa_message *m,
    rp_twofa_sent_cb cb, void *ctx, struct rp_err *err);

#endif
