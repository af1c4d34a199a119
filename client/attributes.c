/* SPDX-License-Identifier: MIT */
/*
 * The attributes file. A crash at any moment leaves either the old content or the new one.
 */
#include "client/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/file.h"

#include "core/banned.h"

#define WRITE_TEXT "can't write attributes to file"

void rp_attributes_fini(struct rp_attributes *a)
{
	rp_json_release(&rp_attributes_table, a);
}

/* Whole file, up to the limit. */
static int read_file(const char *path, struct rp_buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return errno == ENOENT ? RP_ENOENT : -errno;
	}
	int rc = fstat(fd, &st) != 0 ? -errno : 0;
	if (rc == 0 && !S_ISREG(st.st_mode)) {
		rc = RP_EINVAL;
	}
	while (rc == 0) {
		uint8_t *tail;
		if ((rc = rp_buf_reserve(out, 4096, &tail)) != 0) {
			break;
		}
		ssize_t n = read(fd, tail, 4096);
		if (n == 0) {
			break;
		}
		if (n > 0) {
			rp_buf_commit(out, (size_t)n);
		} else if (errno != EINTR) {
			rc = RP_EIO;
		}
	}
	(void)close(fd);
	return rc;
}

/* Some characters take more room as JSON than they did when they came. */
static int check_size(const struct rp_attributes *a, struct rp_err *err)
{
	char *text = rp_json_text(&rp_attributes_table, a);
	if (text == NULL) {
		return rp_err_no_memory(err);
	}
	bool fits = strlen(text) <= RP_ATTRIBUTES_SENT_MAX;
	rp_free(text);
	return fits ? 0
	            : rp_err_set(err, RP_ELIMIT, "tags and labels have more than %d bytes",
	                  RP_ATTRIBUTES_SENT_MAX);
}

static int check(const struct rp_attributes *a, struct rp_err *err)
{
	if (a->tags.n > RP_ATTRIBUTES_TAGS_MAX || a->labels.n > RP_ATTRIBUTES_LABEL_MAX) {
		return rp_err_set(err, RP_ELIMIT, "more than %d tags or %d labels",
		    RP_ATTRIBUTES_TAGS_MAX, RP_ATTRIBUTES_LABEL_MAX);
	}
	for (size_t i = 0; i < a->tags.n; i++) {
		if (strlen(a->tags.v[i]) > RP_ATTRIBUTES_TEXT_MAX) {
			return rp_err_set(err, RP_ELIMIT, "a tag is too long");
		}
	}
	for (size_t i = 0; i < a->labels.n; i++) {
		if (strlen(a->labels.k[i]) > RP_ATTRIBUTES_TEXT_MAX ||
		    strlen(a->labels.v[i]) > RP_ATTRIBUTES_TEXT_MAX) {
			return rp_err_set(err, RP_ELIMIT, "a label is too long");
		}
	}
	return check_size(a, err);
}

static int decode(const void *p, size_t n, struct rp_attributes *a, struct rp_err *err)
{
	if (n > RP_ATTRIBUTES_FILE_MAX) {
		return rp_err_set(err, RP_ELIMIT, "more than %d bytes", RP_ATTRIBUTES_FILE_MAX);
	}
	int rc = rp_json_decode_text(p, n, &rp_attributes_table, false, a, err);
	if (rc == 0 && (rc = check(a, err)) != 0) {
		rp_attributes_fini(a);
	}
	return rc;
}

int rp_attributes_read(const char *path, struct rp_attributes *a, struct rp_err *err)
{
	struct rp_buf text;
	*a = (struct rp_attributes){0};
	rp_buf_init(&text, RP_ATTRIBUTES_FILE_MAX + 4096);
	int rc = read_file(path, &text);
	if (rc != 0) {
		(void)rp_err_set(err, rc, "attributes file %s: %s", path, rp_err_text(rc));
	} else if (text.len > 0) { /* an empty file has no attributes */
		rc = decode(rp_buf_head(&text), text.len, a, err);
		if (rc != 0) {
			(void)rp_err_wrap(err, "attributes file %s", path);
		}
	}
	rp_buf_fini(&text);
	return rc;
}

int rp_attributes_write(const char *path, const struct rp_attributes *a, struct rp_err *err)
{
	char *text = rp_json_text(&rp_attributes_table, a);
	if (text == NULL) {
		return rp_err_set(
		    err, RP_ENOMEM, "can't serialize attributes: %s", rp_err_text(RP_ENOMEM));
	}
	int rc = rp_file_replace(path, rp_str_c(text), 0600);
	rp_free(text);
	return rc == 0 ? 0 : rp_err_set(err, rc, WRITE_TEXT ": %s: %s", path, rp_err_text(rc));
}

int rp_attributes_update(
    const char *path, const void *payload, size_t n, struct rp_attributes *a, struct rp_err *err)
{
	*a = (struct rp_attributes){0};
	if (path == NULL || *path == '\0') {
		return rp_err_set(err, RP_EINVAL, "attributes file path not set");
	}
	int rc = decode(payload, n, a, err);
	if (rc != 0) {
		(void)rp_err_wrap(err, "payload unreadable");
		return rc;
	}
	rc = rp_attributes_write(path, a, err);
	if (rc != 0) {
		rp_attributes_fini(a);
	}
	return rc;
}
