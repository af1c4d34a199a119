/* SPDX-License-Identifier: MIT */
/*
 * The decoder. A message is a length, a signed type id, and either a descriptor (id < 0) or a
 * value. Of each struct descriptor it is kept which field means what to us; fields that mean
 * nothing are skipped if their type is basic or a known struct. Within a message, running out of
 * bytes is a protocol error; only the length may be short.
 */
#include "tunnel/gob.h"

#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

#define TYPES_MAX      32
#define FIELDS_MAX     16
#define DEPTH_MAX      8
#define LENGTH_MAX     9    /* bytes of an unsigned integer on the wire */
#define BUF_KEPT_BYTES 4096 /* a larger buffer is given back between messages */
#define FIRST_USER_ID  16   /* ids up to here are built in */

enum gob_type {
	GOB_BOOL = 1,
	GOB_INT = 2,
	GOB_UINT = 3,
	GOB_FLOAT = 4,
	GOB_BYTES = 5,
	GOB_STRING = 6,
	GOB_COMPLEX = 7
};

/* What a field of a descriptor is for us. */
enum role {
	ROLE_NONE,
	ROLE_ADDR,
	ROLE_DATA,
	ROLE_IP,
	ROLE_PORT,
	ROLE_ZONE
};

struct gob_field {
	enum role role;
	int64_t type;
};

struct gob_struct {
	int64_t id;
	bool opaque; /* not a struct: its values cannot be read */
	unsigned n;
	struct gob_field fields[FIELDS_MAX];
};

struct rp_gob_decoder {
	rp_gob_record_cb on_record;
	void *ctx;
	int failed;
	bool in_place;     /* the message stands in what was fed, not in buf */
	struct rp_buf buf; /* the unfinished message, from its length on */
	unsigned n_types;
	struct gob_struct types[TYPES_MAX];
};

/* RP_EAGAIN, RP_EPROTO (over eight bytes). Consumes nothing on failure. */
static int get_uint(struct rp_cursor *c, uint64_t *v)
{
	struct rp_cursor at = *c;
	uint8_t b;
	if (rp_cursor_u8(&at, &b) != 0) {
		return RP_EAGAIN;
	}
	*v = b;
	if (b >= 0x80) {
		unsigned n = 256u - b;
		if (n > 8) {
			return RP_EPROTO;
		}
		for (*v = 0; n > 0; n--) {
			if (rp_cursor_u8(&at, &b) != 0) {
				return RP_EAGAIN;
			}
			*v = *v << 8 | b;
		}
	}
	*c = at;
	return 0;
}

static int get_int(struct rp_cursor *c, int64_t *v)
{
	uint64_t u;
	int rc = get_uint(c, &u);
	if (rc == 0) {
		*v = (int64_t)((u & 1) != 0 ? ~(u >> 1) : u >> 1);
	}
	return rc;
}

static int get_bytes(struct rp_cursor *c, struct rp_str *s)
{
	uint64_t n;
	const uint8_t *p;
	int rc = get_uint(c, &n);
	if (rc != 0 || n > c->left || rp_cursor_bytes(c, (size_t)n, &p) != 0) {
		return RP_EPROTO;
	}
	*s = rp_str_n(p, (size_t)n);
	return 0;
}

/* The next field number of a struct, counted from 0; *end when there is none. */
static int get_field(struct rp_cursor *c, uint64_t *next, bool *end)
{
	uint64_t delta;
	if (get_uint(c, &delta) != 0 || delta > INT32_MAX) {
		return RP_EPROTO;
	}
	*end = delta == 0;
	*next += delta;
	return 0;
}

static const struct gob_struct *find_type(const struct rp_gob_decoder *d, int64_t id)
{
	for (unsigned i = 0; i < d->n_types; i++) {
		if (d->types[i].id == id) {
			return &d->types[i];
		}
	}
	return NULL;
}

/* The common part {Name, Id} of a descriptor. The id is known from the message. */
static int read_common(struct rp_cursor *c)
{
	uint64_t field = 0;
	bool end = false;
	struct rp_str name;
	int64_t id;
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end) {
			rc = field == 1  ? get_bytes(c, &name)
			    : field == 2 ? get_int(c, &id)
			                 : RP_EPROTO;
		}
		if (rc != 0) {
			return RP_EPROTO;
		}
	}
	return 0;
}

static enum role role_of(struct rp_str name)
{
	static const struct {
		const char *name;
		enum role role;
	} roles[] = {{"Addr", ROLE_ADDR}, {"Data", ROLE_DATA}, {"IP", ROLE_IP}, {"Port", ROLE_PORT},
	    {"Zone", ROLE_ZONE}};
	for (size_t i = 0; i < RP_ARRAY_LEN(roles); i++) {
		if (rp_str_eq(name, roles[i].name)) {
			return roles[i].role;
		}
	}
	return ROLE_NONE;
}

/* One {Name, Id} of a struct's field list. */
static int read_field(struct rp_cursor *c, struct gob_field *out)
{
	uint64_t field = 0;
	bool end = false;
	struct rp_str name;
	*out = (struct gob_field){0};
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end && field == 1 && (rc = get_bytes(c, &name)) == 0) {
			out->role = role_of(name);
		} else if (rc == 0 && !end) {
			rc = field == 2 ? get_int(c, &out->type) : RP_EPROTO;
		}
		if (rc != 0) {
			return RP_EPROTO;
		}
	}
	return 0;
}

static int read_field_list(struct rp_cursor *c, struct gob_struct *s)
{
	uint64_t n;
	if (get_uint(c, &n) != 0) {
		return RP_EPROTO;
	}
	if (n > FIELDS_MAX) {
		return RP_ELIMIT;
	}
	for (s->n = 0; s->n < n; s->n++) {
		if (read_field(c, &s->fields[s->n]) != 0) {
			return RP_EPROTO;
		}
	}
	return 0;
}

/* {common, field list} */
static int read_struct(struct rp_cursor *c, struct gob_struct *s)
{
	uint64_t field = 0;
	bool end = false;
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end) {
			rc = field == 1  ? read_common(c)
			    : field == 2 ? read_field_list(c, s)
			                 : RP_EPROTO;
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

/* The union of a descriptor message; its third member is the struct, the only one that is looked
 * into. */
static int read_descriptor(struct rp_gob_decoder *d, int64_t id, struct rp_cursor *c)
{
	if (id <= FIRST_USER_ID || find_type(d, id) != NULL) {
		return RP_EPROTO;
	}
	if (d->n_types == TYPES_MAX) {
		return RP_ELIMIT;
	}
	struct gob_struct *s = &d->types[d->n_types];
	*s = (struct gob_struct){.id = id};
	uint64_t kind = 0;
	bool end;
	int rc = get_field(c, &kind, &end);
	if (rc != 0 || end) {
		return RP_EPROTO;
	}
	if (kind != 3) {
		s->opaque = true;
		d->n_types++;
		return 0;
	}
	rc = read_struct(c, s);
	if (rc == 0) {
		rc = get_field(c, &kind, &end);
	}
	if (rc != 0) {
		return rc;
	}
	d->n_types++;
	return end && c->left == 0 ? 0 : RP_EPROTO;
}

static int skip_value(const struct rp_gob_decoder *d, int64_t type, struct rp_cursor *c, int depth);

static int skip_struct(
    const struct rp_gob_decoder *d, const struct gob_struct *s, struct rp_cursor *c, int depth)
{
	uint64_t field = 0;
	bool end = false;
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end) {
			rc = field > s->n ? RP_EPROTO
			                  : skip_value(d, s->fields[field - 1].type, c, depth);
		}
		if (rc != 0) {
			return RP_EPROTO;
		}
	}
	return 0;
}

static int skip_value(const struct rp_gob_decoder *d, int64_t type, struct rp_cursor *c, int depth)
{
	uint64_t u;
	struct rp_str s;
	const struct gob_struct *t;
	switch (type) {
	case GOB_BOOL:
	case GOB_INT:
	case GOB_UINT:
	case GOB_FLOAT:
		return get_uint(c, &u);
	case GOB_COMPLEX:
		return get_uint(c, &u) == 0 ? get_uint(c, &u) : RP_EPROTO;
	case GOB_BYTES:
	case GOB_STRING:
		return get_bytes(c, &s);
	default:
		t = find_type(d, type);
		if (t == NULL || t->opaque || depth >= DEPTH_MAX) {
			return RP_EPROTO;
		}
		return skip_struct(d, t, c, depth + 1);
	}
}

static int read_ip(struct rp_cursor *c, struct rp_udp_record *rec)
{
	struct rp_str s;
	if (get_bytes(c, &s) != 0 || (s.len != 0 && s.len != 4 && s.len != 16)) {
		return RP_EPROTO;
	}
	if (s.len > 0) {
		memcpy(rec->ip, s.p, s.len);
	}
	rec->ip_len = (uint8_t)s.len;
	return 0;
}

static int read_zone(struct rp_cursor *c, struct rp_udp_record *rec)
{
	struct rp_str s;
	if (get_bytes(c, &s) != 0 || s.len > RP_UDP_ZONE_MAX ||
	    (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)) {
		return RP_EPROTO;
	}
	if (s.len > 0) {
		memcpy(rec->zone, s.p, s.len);
	}
	rec->zone[s.len] = '\0';
	return 0;
}

static int read_port(struct rp_cursor *c, struct rp_udp_record *rec)
{
	int64_t port;
	if (get_int(c, &port) != 0 || port < 0 || port > UINT16_MAX) {
		return RP_EPROTO;
	}
	rec->port = (uint16_t)port;
	return 0;
}

static int read_addr_field(const struct rp_gob_decoder *d, const struct gob_field *f,
    struct rp_cursor *c, struct rp_udp_record *rec)
{
	if (f->role == ROLE_IP) {
		return f->type == GOB_BYTES ? read_ip(c, rec) : RP_EPROTO;
	}
	if (f->role == ROLE_PORT) {
		return f->type == GOB_INT ? read_port(c, rec) : RP_EPROTO;
	}
	if (f->role == ROLE_ZONE) {
		return f->type == GOB_STRING ? read_zone(c, rec) : RP_EPROTO;
	}
	return skip_value(d, f->type, c, 1);
}

static int read_addr(
    const struct rp_gob_decoder *d, int64_t type, struct rp_cursor *c, struct rp_udp_record *rec)
{
	const struct gob_struct *t = find_type(d, type);
	uint64_t field = 0;
	bool end = false;
	if (t == NULL || t->opaque) {
		return RP_EPROTO;
	}
	rec->has_addr = true;
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end) {
			rc = field > t->n ? RP_EPROTO
			                  : read_addr_field(d, &t->fields[field - 1], c, rec);
		}
		if (rc != 0) {
			return RP_EPROTO;
		}
	}
	return 0;
}

static int read_record_field(const struct rp_gob_decoder *d, const struct gob_field *f,
    struct rp_cursor *c, struct rp_udp_record *rec)
{
	struct rp_str s;
	if (f->role == ROLE_ADDR) {
		return read_addr(d, f->type, c, rec);
	}
	if (f->role != ROLE_DATA) {
		return skip_value(d, f->type, c, 0);
	}
	if (f->type != GOB_BYTES || get_bytes(c, &s) != 0 || s.len > RP_UDP_DATA_MAX) {
		return RP_EPROTO;
	}
	rec->data = (const uint8_t *)s.p;
	rec->data_len = s.len;
	return 0;
}

/* Whether values of the type are records: they have one of the two fields. */
static bool is_record(const struct gob_struct *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->fields[i].role == ROLE_ADDR || t->fields[i].role == ROLE_DATA) {
			return true;
		}
	}
	return false;
}

static int read_record(struct rp_gob_decoder *d, int64_t type, struct rp_cursor *c)
{
	const struct gob_struct *t = find_type(d, type);
	struct rp_udp_record rec = {.data = (const uint8_t *)"", .lasting = d->in_place};
	uint64_t field = 0;
	bool end = false;
	if (t == NULL || t->opaque || !is_record(t)) {
		return RP_EPROTO;
	}
	while (!end) {
		int rc = get_field(c, &field, &end);
		if (rc == 0 && !end) {
			rc = field > t->n ? RP_EPROTO
			                  : read_record_field(d, &t->fields[field - 1], c, &rec);
		}
		if (rc != 0) {
			return RP_EPROTO;
		}
	}
	return c->left == 0 ? d->on_record(d->ctx, &rec) : RP_EPROTO;
}

static int read_message(struct rp_gob_decoder *d, const uint8_t *p, size_t n)
{
	struct rp_cursor c;
	int64_t id;
	rp_cursor_init(&c, p, n);
	if (get_int(&c, &id) != 0 || id == INT64_MIN) {
		return RP_EPROTO;
	}
	return id < 0 ? read_descriptor(d, -id, &c) : read_record(d, id, &c);
}

/* Length of the message that starts at c: 0 and *whole = all its bytes with the length,
 * RP_EAGAIN, or an error. */
static int frame(struct rp_cursor c, size_t *whole)
{
	size_t before = c.left;
	uint64_t len;
	int rc = get_uint(&c, &len);
	if (rc != 0) {
		return rc;
	}
	if (len == 0) {
		return RP_EPROTO;
	}
	if (len > RP_GOB_MESSAGE_MAX) {
		return RP_ELIMIT;
	}
	*whole = (size_t)len + (before - c.left);
	return 0;
}

/* Runs the message of exactly the cursor's bytes, length included. */
static int run_frame(struct rp_gob_decoder *d, const uint8_t *p, size_t n)
{
	struct rp_cursor c;
	uint64_t len;
	const uint8_t *body;
	rp_cursor_init(&c, p, n);
	int rc = get_uint(&c, &len);
	if (rc == 0) {
		rc = rp_cursor_bytes(&c, (size_t)len, &body);
	}
	return rc == 0 ? read_message(d, body, (size_t)len) : RP_EPROTO;
}

/* Moves bytes from c to the unfinished message until it is whole, then runs it. RP_EAGAIN: c is
 * empty. */
static int fill_unfinished(struct rp_gob_decoder *d, struct rp_cursor *c)
{
	struct rp_cursor have;
	size_t whole = 0;
	const uint8_t *p;
	int rc;
	for (;;) {
		rp_cursor_init(&have, rp_buf_head(&d->buf), d->buf.len);
		rc = frame(have, &whole);
		if (rc == 0 && d->buf.len == whole) {
			break;
		}
		if (rc != 0 && rc != RP_EAGAIN) {
			return rc;
		}
		/* Without a length yet, byte by byte: there are at most nine. */
		size_t want = rc == 0 ? RP_MIN(whole - d->buf.len, c->left) : 1;
		if (c->left == 0) {
			return RP_EAGAIN;
		}
		rc = rp_cursor_bytes(c, want, &p);
		if (rc != 0 || (rc = rp_buf_add(&d->buf, p, want)) != 0) {
			return rc;
		}
	}
	rc = run_frame(d, have.p, have.left);
	rp_buf_clear(&d->buf);
	if (d->buf.cap > BUF_KEPT_BYTES) {
		rp_buf_fini(&d->buf);
	}
	return rc;
}

static int feed(struct rp_gob_decoder *d, struct rp_cursor *c)
{
	size_t whole;
	const uint8_t *p;
	int rc = 0;
	while (c->left > 0 && rc == 0) {
		if (d->buf.len > 0) {
			rc = fill_unfinished(d, c);
			continue;
		}
		rc = frame(*c, &whole);
		if (rc == RP_EAGAIN || (rc == 0 && whole > c->left)) {
			size_t rest = c->left;
			rc = rp_cursor_bytes(c, rest, &p);
			return rc == 0 ? rp_buf_add(&d->buf, p, rest) : rc;
		}
		if (rc == 0 && (rc = rp_cursor_bytes(c, whole, &p)) == 0) {
			d->in_place = true;
			rc = run_frame(d, p, whole);
			d->in_place = false;
		}
	}
	return rc == RP_EAGAIN ? 0 : rc;
}

int rp_gob_decoder_feed(struct rp_gob_decoder *d, const void *p, size_t n)
{
	struct rp_cursor c;
	if (d->failed == 0) {
		rp_cursor_init(&c, p, n);
		d->failed = feed(d, &c);
	}
	return d->failed;
}

int rp_gob_decoder_new(struct rp_gob_decoder **out, rp_gob_record_cb on_record, void *ctx)
{
	struct rp_gob_decoder *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	d->on_record = on_record;
	d->ctx = ctx;
	rp_buf_init(&d->buf, RP_GOB_MESSAGE_MAX + LENGTH_MAX);
	*out = d;
	return 0;
}

void rp_gob_decoder_free(struct rp_gob_decoder *d)
{
	if (d == NULL) {
		return;
	}
	rp_buf_fini(&d->buf);
	rp_free(d);
}
