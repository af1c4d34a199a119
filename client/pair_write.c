/* SPDX-License-Identifier: MIT */
/*
 * The configuration that comes out of a pairing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/config.h"
#include "client/pair.h"
#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define TEXT_MAX 16384
#define PATH_LEN 4096

static const char head_text[] =
    "# Made by rport client pair. rport.conf(5) has all that can stand here.\n"
    "\n"
    "[client]\n";

static const char tail_text[] =
    "\n"
    "# What the server may do here is decided here: rport client policy show -c FILE\n"
    "#[remote-commands]\n"
    "#enabled = false\n"
    "#sudo = false\n";

static int add_key(struct rp_buf *out, const char *key, const char *value, struct rp_err *err)
{
	int code = rp_buf_printf(out, "%s = \"", key);
	for (const char *p = value; code == 0 && *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			return rp_err_set(
			    err, RP_EPROTO, "the server's answer has control characters in it");
		}
		if (*p == '"' || *p == '\\') {
			code = rp_buf_add_u8(out, '\\');
		}
		code = code != 0 ? code : rp_buf_add_u8(out, (uint8_t)*p);
	}
	code = code != 0 ? code : rp_buf_add_str(out, "\"\n");
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static int make_text(const struct rp_pair_settings *s, struct rp_buf *out, struct rp_err *err)
{
	int code = rp_buf_add_str(out, head_text);
	code = code != 0 ? code : add_key(out, "server", s->server, err);
	code = code != 0 ? code : add_key(out, "fingerprint", s->fingerprint, err);
	code = code != 0 ? code : add_key(out, "auth", s->auth, err);
	return code != 0 ? code : rp_buf_add_str(out, tail_text);
}

static int fail(struct rp_err *err, const char *what, const char *path)
{
	int code = errno;
	return rp_err_set(err, RP_EIO, "cannot %s %s: %s", what, path, rp_err_text(-code));
}

/* Its folder is the system's: others may look in. */
static int make_folder(const char *file, struct rp_err *err)
{
	char path[PATH_LEN];
	(void)snprintf(path, sizeof(path), "%s", file);
	char *slash = strrchr(path, '/');
	if (slash == NULL || slash == path) {
		return 0;
	}
	*slash = '\0';
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : fail(err, "make", path);
}

static int write_new(const char *path, const struct rp_buf *text, struct rp_err *err)
{
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail(err, "write", path);
	}
	ssize_t n = write(fd, rp_buf_head(text), text->len);
	bool good = n == (ssize_t)text->len && fsync(fd) == 0;
	int code = good ? 0 : fail(err, "write", path);
	(void)close(fd);
	return code;
}

/* A server could name an address that the client does not take. */
static int check(char *path, struct rp_err *err)
{
	char option[] = "-c";
	char *args[] = {option, path, NULL};
	struct rp_client_config cfg;
	int mode = rp_client_config_load(&cfg, 2, args, err);
	int code = mode < 0 ? mode : rp_client_config_validate(&cfg, err);
	rp_client_config_fini(&cfg);
	return code == 0 ? 0 : rp_err_wrap(err, "the server gives settings that are not valid");
}

static int put_in_place(const char *new, const char *file, bool replace, struct rp_err *err)
{
	char kept[PATH_LEN];
	(void)snprintf(kept, sizeof(kept), "%s.bak", file);
	if (replace && rename(file, kept) != 0 && errno != ENOENT) {
		return fail(err, "put aside", file);
	}
	/* Not over one that somebody else has just made. */
	if (link(new, file) != 0) {
		int code = fail(err, "write", file);
		if (replace && access(file, F_OK) != 0) {
			(void)rename(kept, file);
		}
		return code;
	}
	(void)unlink(new);
	return 0;
}

int rp_pair_write(
    const struct rp_pair_settings *s, const char *file, bool replace, struct rp_err *err)
{
	char new[PATH_LEN];
	struct rp_buf text;
	int n = snprintf(new, sizeof(new), "%s.new", file);
	if (n < 0 || (size_t)n >= sizeof(new)) {
		return rp_err_set(err, RP_EINVAL, "the path of the configuration is too long");
	}
	if (!replace && access(file, F_OK) == 0) {
		return rp_err_set(err, RP_EEXIST,
		    "%s is there already: --force replaces it and keeps it as %s.bak", file, file);
	}
	rp_buf_init(&text, TEXT_MAX);
	int code = make_text(s, &text, err);
	code = code != 0 ? code : make_folder(file, err);
	code = code != 0 ? code : write_new(new, &text, err);
	if (text.cap > 0) {
		rp_secret_wipe(text.data, text.cap);
	}
	rp_buf_fini(&text);
	if (code != 0) {
		return code;
	}
	code = check(new, err);
	code = code != 0 ? code : put_in_place(new, file, replace, err);
	if (code != 0) {
		(void)unlink(new);
	}
	return code;
}
