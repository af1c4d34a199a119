/* SPDX-License-Identifier: MIT */
/*
 * Zones: a table of transitions out of a file, then for ever the rule of a POSIX TZ text.
 */
#include "core/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/zone_posix.h"

#include "core/banned.h"

#define FILE_SIZE_MAX   (256 * 1024)
#define TRANSITIONS_MAX 10000
#define TYPES_MAX       256
#define NAME_MAX_BYTES  64
#define HEADER_SIZE     44
/* RFC 9636 3.2: at least -25 and at most 26 hours. */
#define OFFSET_MIN (-25 * 3600 + 1)
#define OFFSET_MAX (26 * 3600 - 1)
/* More than any offset. */
#define TWO_DAYS (INT64_C(2) * 86400)

struct transition {
	int64_t at;
	int32_t offset; /* from then on */
};

struct rp_zone {
	int32_t first; /* offset before the first transition */
	struct transition *v;
	size_t n;
	bool has_rule; /* after the last transition */
	struct rp_zone_rule rule;
};

/* Of one of a file's two blocks. */
struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static int bad(struct rp_err *err, const char *what)
{
	return rp_err_set(err, RP_EINVAL, "no file of a time zone: %s", what);
}

static int read_header(struct rp_cursor *c, uint8_t *version, struct counts *n, struct rp_err *err)
{
	const uint8_t *p;
	if (rp_cursor_bytes(c, HEADER_SIZE - 24, &p) != 0 || memcmp(p, "TZif", 4) != 0) {
		return bad(err, "it begins with something else");
	}
	*version = p[4];
	if (rp_cursor_u32(c, &n->isut) != 0 || rp_cursor_u32(c, &n->isstd) != 0 ||
	    rp_cursor_u32(c, &n->leap) != 0 || rp_cursor_u32(c, &n->time) != 0 ||
	    rp_cursor_u32(c, &n->type) != 0 || rp_cursor_u32(c, &n->chars) != 0) {
		return bad(err, "it is cut off");
	}
	if (n->time > TRANSITIONS_MAX || n->type == 0 || n->type > TYPES_MAX ||
	    n->isut > TYPES_MAX || n->isstd > TYPES_MAX || n->leap > TRANSITIONS_MAX ||
	    n->chars > FILE_SIZE_MAX) {
		return bad(err, "its counts are out of range");
	}
	return 0;
}

/* Bytes of a block with times of that size. */
static size_t block_size(const struct counts *n, size_t time_size)
{
	return n->time * (time_size + 1) + n->type * (size_t)6 + n->chars +
	    n->leap * (time_size + 4) + n->isstd + n->isut;
}

/* Two's complement, from the wire's order. */
static int64_t read_signed(const uint8_t *p, size_t size)
{
	uint64_t v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < size; i++) {
		v = v << 8 | p[i];
	}
	return (int64_t)v;
}

static int read_block(struct rp_cursor *c, const struct counts *n, size_t time_size,
    struct rp_zone *z, struct rp_err *err)
{
	const uint8_t *p;
	if (rp_cursor_bytes(c, block_size(n, time_size), &p) != 0) {
		return bad(err, "it is cut off");
	}
	const uint8_t *which = p + n->time * time_size;
	const uint8_t *types = which + n->time;
	for (uint32_t i = 0; i < n->type; i++) {
		int64_t offset = read_signed(types + i * (size_t)6, 4);
		if (offset < OFFSET_MIN || offset > OFFSET_MAX) {
			return bad(err, "an offset is out of range");
		}
	}
	z->v = rp_calloc(n->time, sizeof(*z->v));
	if (z->v == NULL) {
		return rp_err_no_memory(err);
	}
	z->first = (int32_t)read_signed(types, 4);
	for (uint32_t i = 0; i < n->time; i++) {
		int64_t at = read_signed(p + i * time_size, time_size);
		if (which[i] >= n->type || (z->n > 0 && at <= z->v[z->n - 1].at)) {
			return bad(err, "its transitions are not in order");
		}
		z->v[z->n++] = (struct transition){
		    .at = at, .offset = (int32_t)read_signed(types + which[i] * (size_t)6, 4)};
	}
	return 0;
}

/* "\n", a POSIX TZ text or nothing, "\n". */
static int read_footer(struct rp_cursor *c, struct rp_zone *z, struct rp_err *err)
{
	struct rp_str rest = rp_str_n(c->p, c->left);
	struct rp_str text;
	if (rest.len == 0 || rest.p[0] != '\n') {
		return bad(err, "it has no end");
	}
	rest = rp_str_n(rest.p + 1, rest.len - 1);
	if (!rp_str_split(&rest, '\n', &text) || text.len == 0) {
		return 0;
	}
	if (rp_zone_rule_parse(text, &z->rule) != 0) {
		return bad(err, "its rule is unreadable");
	}
	z->has_rule = true;
	return 0;
}

static int parse(struct rp_cursor *c, struct rp_zone *z, struct rp_err *err)
{
	struct counts n;
	uint8_t version;
	const uint8_t *skipped;
	int code = read_header(c, &version, &n, err);
	if (code != 0) {
		return code;
	}
	if (version == 0) {
		return read_block(c, &n, 4, z, err);
	}
	if (rp_cursor_bytes(c, block_size(&n, 4), &skipped) != 0) {
		return bad(err, "it is cut off");
	}
	code = read_header(c, &version, &n, err);
	code = code != 0 ? code : read_block(c, &n, 8, z, err);
	return code != 0 ? code : read_footer(c, z, err);
}

int rp_zone_parse(const void *p, size_t n, struct rp_zone **out, struct rp_err *err)
{
	struct rp_cursor c;
	struct rp_zone *z = rp_calloc(1, sizeof(*z));
	if (z == NULL) {
		return rp_err_no_memory(err);
	}
	rp_cursor_init(&c, p, n);
	int code = parse(&c, z, err);
	if (code != 0) {
		rp_zone_free(z);
		return code;
	}
	*out = z;
	return 0;
}

int rp_zone_utc(struct rp_zone **out)
{
	*out = rp_calloc(1, sizeof(**out));
	return *out == NULL ? RP_ENOMEM : 0;
}

int rp_zone_posix(struct rp_str text, struct rp_zone **out)
{
	struct rp_zone_rule rule;
	int code = rp_zone_rule_parse(text, &rule);
	code = code != 0 ? code : rp_zone_utc(out);
	if (code == 0) {
		(*out)->has_rule = true;
		(*out)->rule = rule;
	}
	return code;
}

void rp_zone_free(struct rp_zone *z)
{
	if (z != NULL) {
		rp_free(z->v);
		rp_free(z);
	}
}

/* Files */

static int read_all(int fd, struct rp_buf *b)
{
	for (;;) {
		uint8_t *tail;
		int err = rp_buf_reserve(b, 4096, &tail);
		if (err != 0) {
			return err;
		}
		ssize_t n = read(fd, tail, 4096);
		if (n <= 0) {
			return n == 0 ? 0 : RP_EIO;
		}
		rp_buf_commit(b, (size_t)n);
	}
}

static int load_file(const char *path, struct rp_zone **out, struct rp_err *err)
{
	struct rp_buf b;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		return rp_err_set(err, RP_ENOENT, "%s: %s", path, rp_err_text(-errno));
	}
	rp_buf_init(&b, FILE_SIZE_MAX);
	int code = read_all(fd, &b);
	(void)close(fd);
	code = code != 0 ? rp_err_set(err, code, "%s: %s", path, rp_err_text(code))
	                 : rp_zone_parse(rp_buf_head(&b), b.len, out, err);
	rp_buf_fini(&b);
	return code;
}

/* Letters, digits and some signs; no part begins with a point. */
static bool name_valid(const char *name)
{
	bool at_start = true;
	size_t i = 0;
	for (; i <= NAME_MAX_BYTES && name[i] != '\0'; i++) {
		char ch = name[i];
		bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '+';
		if (!word && (at_start || (ch != '/' && ch != '.'))) {
			return false;
		}
		at_start = ch == '/';
	}
	return i > 0 && i <= NAME_MAX_BYTES && !at_start;
}

static int load_named(const char *name, struct rp_zone **out, struct rp_err *err)
{
	static const char *const folders[] = {
	    "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
	char path[128];
	if (!name_valid(name)) {
		return rp_err_set(err, RP_EINVAL, "this is no name of a time zone");
	}
	int code = RP_ENOENT;
	for (size_t i = 0; code == RP_ENOENT && i < RP_ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		code = load_file(path, out, err);
	}
	return code != RP_ENOENT
	    ? code
	    : rp_err_set(err, RP_ENOENT, "the time zone %s is unknown on this server", name);
}

/* What TZ says. */
static int load_tz(const char *tz, struct rp_zone **out)
{
	const char *name = tz[0] == ':' ? tz + 1 : tz;
	if (name[0] == '/') {
		return load_file(name, out, NULL);
	}
	int code = name[0] == '\0' ? rp_zone_utc(out) : load_named(name, out, NULL);
	return code == 0 || code == RP_ENOMEM ? code : rp_zone_posix(rp_str_c(name), out);
}

int rp_zone_local(struct rp_zone **out)
{
	const char *tz = getenv("TZ");
	int code = tz != NULL ? load_tz(tz, out) : load_file("/etc/localtime", out, NULL);
	return code == 0 || code == RP_ENOMEM ? code : rp_zone_utc(out);
}

int rp_zone_load(const char *name, struct rp_zone **out, struct rp_err *err)
{
	int code;
	if (strcmp(name, "") == 0 || strcmp(name, "UTC") == 0) {
		code = rp_zone_utc(out);
	} else if (strcmp(name, "Local") == 0) {
		code = rp_zone_local(out);
	} else {
		return load_named(name, out, err);
	}
	return code == 0 ? 0 : rp_err_set(err, code, "out of memory");
}

/* Questions */

int64_t rp_zone_offset(const struct rp_zone *z, int64_t t, int64_t *until)
{
	size_t lo = 0; /* transitions before lo are not after t, */
	size_t hi = z->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (z->v[mid].at <= t) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	if (lo == z->n && z->has_rule) {
		return rp_zone_rule_offset(&z->rule, t, until);
	}
	*until = lo < z->n ? z->v[lo].at : INT64_MAX;
	return lo == 0 ? z->first : z->v[lo - 1].offset;
}

int64_t rp_zone_from_wall(const struct rp_zone *z, int64_t wall)
{
	int64_t from = wall - TWO_DAYS;
	for (;;) {
		int64_t until;
		int64_t t = wall - rp_zone_offset(z, from, &until);
		if (t < from) {
			return from; /* in the gap before this stretch */
		}
		if (t < until) {
			return t;
		}
		from = until;
	}
}
