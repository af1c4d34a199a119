/* SPDX-License-Identifier: MIT */
/*
 * Texts of error codes, the human-readable error of configuration and API, and the end of the
 * process when an invariant of our own is broken.
 */
#include "core/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "core/log.h"

#include "core/banned.h"

#define ELLIPSIS        "..."
#define TEXT_MAX        128
#define VERIFY_TEXT_MAX 512

const char *rp_err_text(int code)
{
	switch (code) {
	case 0:
		return "success";
#define RP_ERR_CASE(name, number, text) \
	case name:                      \
		return text;
		RP_ERR_MAP(RP_ERR_CASE)
#undef RP_ERR_CASE
	default:
		break;
	}
	/* uv_strerror() would leak the text of a code it does not know. */
	static _Thread_local char text[TEXT_MAX];
	return uv_strerror_r(code, text, sizeof(text));
}

/* True for the second and later bytes of a UTF-8 sequence. */
static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0u) == 0x80u;
}

/* Replaces the end of a full msg by "...", on a character boundary. */
static void mark_cut(struct rp_err *err)
{
	size_t at = sizeof(err->msg) - sizeof(ELLIPSIS);
	while (at > 0 && is_continuation(err->msg[at])) {
		at--;
	}
	memcpy(err->msg + at, ELLIPSIS, sizeof(ELLIPSIS));
}

int rp_err_set(struct rp_err *err, int code, const char *fmt, ...)
{
	if (err == NULL) {
		return code;
	}
	/* An argument may be err->msg itself. */
	struct rp_err tmp = {.code = code};
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(tmp.msg, sizeof(tmp.msg), fmt, ap);
	va_end(ap);
	if (n < 0) {
		tmp.msg[0] = '\0';
	} else if ((size_t)n >= sizeof(tmp.msg)) {
		mark_cut(&tmp);
	}
	*err = tmp;
	return code;
}

int rp_err_no_memory(struct rp_err *err)
{
	return rp_err_set(err, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
}

int rp_err_wrap(struct rp_err *err, const char *fmt, ...)
{
	if (err == NULL) {
		return RP_EINVAL;
	}
	char prefix[sizeof(err->msg)];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	if (n < 0) {
		return err->code;
	}
	return rp_err_set(err, err->code, "%s: %s", prefix, err->msg);
}

void rp_verify_failed(const char *expr, const char *file, int line)
{
	char text[VERIFY_TEXT_MAX];
	int n = snprintf(
	    text, sizeof(text), "internal error: %s does not hold at %s:%d", expr, file, line);
	rp_log(RP_LOG_ERROR, "core", "%s", text);
	if (n > 0) {
		size_t len = RP_MIN((size_t)n, sizeof(text) - 1);
		text[len] = '\n';
		ssize_t ignored = write(STDERR_FILENO, text, len + 1);
		(void)ignored;
	}
	abort();
}
