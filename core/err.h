/* SPDX-License-Identifier: MIT */
/*
 * Error codes. Functions return 0 or a negative code: libuv's UV_E* pass through, our own start at
 * -10000. struct rp_err is used only where a human reads the text (configuration, API, log).
 */
#ifndef RP_CORE_ERR_H
#define RP_CORE_ERR_H

#include "core/defs.h"

#define RP_ERR_MAP(X)                                  \
	X(RP_EAGAIN, -10001, "more data needed")       \
	X(RP_EPROTO, -10002, "protocol error")         \
	X(RP_ENOMEM, -10003, "out of memory")          \
	X(RP_ELIMIT, -10004, "limit exceeded")         \
	X(RP_EINVAL, -10005, "invalid value")          \
	X(RP_ENOENT, -10006, "not found")              \
	X(RP_EEXIST, -10007, "already exists")         \
	X(RP_EDENIED, -10008, "not allowed")           \
	X(RP_EAUTH, -10009, "authentication failed")   \
	X(RP_ETIMEOUT, -10010, "timed out")            \
	X(RP_ECLOSED, -10011, "closed")                \
	X(RP_ECRYPTO, -10012, "cryptographic failure") \
	X(RP_EDB, -10013, "database error")            \
	X(RP_EIO, -10014, "input/output error")        \
	X(RP_EBUSY, -10015, "busy")                    \
	X(RP_ETLS, -10016, "TLS error")                \
	X(RP_EUNSUPPORTED, -10017, "not supported")

enum rp_err_code {
#define RP_ERR_ENUM(name, code, text) name = code,
	RP_ERR_MAP(RP_ERR_ENUM)
#undef RP_ERR_ENUM
};

struct rp_err {
	int code;
	char msg[256];
};

/* Text of a code of ours or of libuv. Never NULL, static storage or thread-local. */
const char *rp_err_text(int code);

/* Fills err (NULL is fine) and returns code. A text that does not fit ends in "...". */
int rp_err_set(struct rp_err *err, int code, const char *fmt, ...) RP_PRINTF(3, 4);

/* The same for RP_ENOMEM, with its own text. */
int rp_err_no_memory(struct rp_err *err);

/* Puts "<text>: " before the message that err already holds and returns its code. */
int rp_err_wrap(struct rp_err *err, const char *fmt, ...) RP_PRINTF(2, 3);

#endif
