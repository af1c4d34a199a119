/* SPDX-License-Identifier: MIT */
/*
 * Remotes: the table of the JSON object, the text form, and the check of what a peer sent.
 */
#include "tunnel/remote.h"

#include <stddef.h>
#include <string.h>

#include "acl/addrlist.h"
#include "core/alloc.h"

#include "core/banned.h"

#define TEXT_MAX         1024
#define HOST_MAX         255
#define LABEL_MAX        255
#define SCHEME_MAX       64
#define ACL_MAX          65536
#define URL_MAX          2048
#define PARTS_MAX        4
#define IDLE_MINUTES_MAX (7 * 24 * 60)
#define AUTO_CLOSE_MAX   (INT64_C(31) * 24 * 3600 * 1000000000)

/* clang-format off */
static const struct rp_json_field remote_fields[] = {
	{"name", RP_FIELD_STR, 0, offsetof(struct rp_remote, name), NULL},
	{"protocol", RP_FIELD_STR, 0, offsetof(struct rp_remote, protocol), NULL},
	{"lhost", RP_FIELD_STR, 0, offsetof(struct rp_remote, lhost), NULL},
	{"lport", RP_FIELD_STR, 0, offsetof(struct rp_remote, lport), NULL},
	{"lport_random", RP_FIELD_BOOL, 0, offsetof(struct rp_remote, lport_random), NULL},
	{"owner", RP_FIELD_STR, 0, offsetof(struct rp_remote, owner), NULL},
	{"rhost", RP_FIELD_STR, 0, offsetof(struct rp_remote, rhost), NULL},
	{"rport", RP_FIELD_STR, 0, offsetof(struct rp_remote, rport), NULL},
	{"scheme", RP_FIELD_STR_OPT, 0, offsetof(struct rp_remote, scheme), NULL},
	{"acl", RP_FIELD_STR_OPT, 0, offsetof(struct rp_remote, acl), NULL},
	{"idle_timeout_minutes", RP_FIELD_INT, 0, offsetof(struct rp_remote, idle_timeout_minutes), NULL},
	{"auto_close", RP_FIELD_INT, 0, offsetof(struct rp_remote, auto_close), NULL},
	{"http_proxy", RP_FIELD_BOOL, 0, offsetof(struct rp_remote, http_proxy), NULL},
	{"host_header", RP_FIELD_STR, 0, offsetof(struct rp_remote, host_header), NULL},
	{"auth_user", RP_FIELD_STR, 0, offsetof(struct rp_remote, auth_user), NULL},
	{"auth_password", RP_FIELD_STR, 0, offsetof(struct rp_remote, auth_password), NULL},
	{"tunnel_url", RP_FIELD_STR, 0, offsetof(struct rp_remote, tunnel_url), NULL},
};
/* clang-format on */

const struct rp_json_table rp_remote_table = RP_JSON_TABLE(remote_fields, struct rp_remote);

static const struct {
	const char *text;
	enum rp_proto proto;
} protos[] = {{"tcp", RP_PROTO_TCP}, {"udp", RP_PROTO_UDP}, {"tcp+udp", RP_PROTO_TCP_UDP}};

int rp_proto_parse(const char *text, enum rp_proto *proto)
{
	for (size_t i = 0; text != NULL && i < RP_ARRAY_LEN(protos); i++) {
		if (strcmp(text, protos[i].text) == 0) {
			*proto = protos[i].proto;
			return 0;
		}
	}
	return RP_EINVAL;
}

const char *rp_proto_text(enum rp_proto proto)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(protos); i++) {
		if (protos[i].proto == proto) {
			return protos[i].text;
		}
	}
	return "";
}

/* A peer may leave strings out. */
static const char *or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* A port that a tunnel can have: 1 to 65535. */
static bool is_port(struct rp_str s)
{
	uint16_t port;
	return s.len <= 5 && rp_str_port(s, &port) == 0 && port != 0;
}

/* Printable ASCII without what would end a host in one of the text forms or break a log line. */
static bool is_host(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("/\\\"'<>()[]{}@,;?#&|`$^", s.p[i]) != NULL) {
			return false;
		}
	}
	return s.len > 0 && s.len <= HOST_MAX;
}

/* An IPv6 address, with or without a zone. */
static bool is_v6(struct rp_str s)
{
	struct rp_str rest = s;
	struct rp_str addr;
	struct rp_addr a;
	(void)rp_str_split(&rest, '%', &addr);
	return is_host(s) && memchr(addr.p, ':', addr.len) != NULL &&
	    rp_addr_parse(addr, &a) == 0 &&
	    (rest.p == NULL || (rest.len > 0 && memchr(rest.p, ':', rest.len) == NULL));
}

/* A host as JSON has it: IPv6 without brackets. */
static bool is_host_field(const char *s)
{
	struct rp_str host = rp_str_c(s);
	return is_host(host) && (strchr(s, ':') == NULL || is_v6(host));
}

/* One element between colons; an empty one counts as a host that was left out. */
struct part {
	struct rp_str s;
	bool bracketed;
};

/* Takes "[v6]" off the front of s, up to and without the colon behind it. */
static int take_bracketed(struct rp_str *s, struct part *out)
{
	struct rp_str rest = rp_str_n(s->p + 1, s->len - 1);
	if (memchr(rest.p, ']', rest.len) == NULL) {
		return RP_EINVAL;
	}
	(void)rp_str_split(&rest, ']', &out->s);
	out->bracketed = true;
	if (!is_v6(out->s) || (rest.len > 0 && rest.p[0] != ':')) {
		return RP_EINVAL;
	}
	*s = rest.len > 0 ? rp_str_n(rest.p + 1, rest.len - 1) : rp_str_n(NULL, 0);
	return 0;
}

static int split_parts(struct rp_str s, struct part parts[static PARTS_MAX], size_t *n)
{
	for (*n = 0; s.p != NULL; (*n)++) {
		if (*n == PARTS_MAX) {
			return RP_EINVAL;
		}
		parts[*n] = (struct part){0};
		if (s.len > 0 && s.p[0] == '[') {
			if (take_bracketed(&s, &parts[*n]) != 0) {
				return RP_EINVAL;
			}
			continue;
		}
		(void)rp_str_split(&s, ':', &parts[*n].s);
	}
	return 0;
}

/* The four places of the text form, in the order in which they are met from the right. */
struct places {
	struct rp_str port[2]; /* rport, lport */
	struct rp_str host[2]; /* rhost, lhost */
	size_t ports;
	size_t hosts;
};

static int place(struct places *pl, const struct part *part, struct rp_err *err)
{
	if (!part->bracketed && rp_str_is_digits(part->s)) {
		if (pl->ports == 2) {
			return rp_err_set(err, RP_EINVAL, "Invalid remote: more than two ports");
		}
		pl->port[pl->ports++] = part->s;
		return is_port(part->s) ? 0 : rp_err_set(err, RP_EINVAL, "port is not in 1-65535");
	}
	if (pl->ports == 0) {
		return rp_err_set(err, RP_EINVAL, "Missing ports");
	}
	if (pl->hosts == 2) {
		return rp_err_set(err, RP_EINVAL, "Invalid remote: more than two hosts");
	}
	if (part->s.len > 0 && !part->bracketed && !is_host(part->s)) {
		return rp_err_set(err, RP_EINVAL, "Invalid host");
	}
	pl->host[pl->hosts++] = part->s;
	return 0;
}

/* Takes "/tcp", "/udp" or "/tcp+udp" off the end. */
static int take_proto(struct rp_str *s, enum rp_proto *proto)
{
	struct rp_str rest = *s;
	struct rp_str head;
	(void)rp_str_split(&rest, '/', &head);
	*proto = RP_PROTO_TCP;
	if (rest.p == NULL) {
		return 0;
	}
	*s = head;
	for (size_t i = 0; i < RP_ARRAY_LEN(protos); i++) {
		if (rp_str_eq(rest, protos[i].text)) {
			*proto = protos[i].proto;
			return 0;
		}
	}
	return RP_EINVAL;
}

static int analyse(struct rp_str s, struct places *pl, enum rp_proto *proto, struct rp_err *err)
{
	struct part parts[PARTS_MAX];
	size_t n;
	if (s.len > TEXT_MAX) {
		return rp_err_set(err, RP_EINVAL, "Invalid remote: too long");
	}
	if (take_proto(&s, proto) != 0) {
		return rp_err_set(err, RP_EINVAL, "protocol is not tcp, udp or tcp+udp");
	}
	/* "::1" would otherwise read as port 1 of the default host. */
	if (memchr(s.p, '[', s.len) == NULL && memmem(s.p, s.len, "::", 2) != NULL) {
		return rp_err_set(err, RP_EINVAL, "Invalid remote: IPv6 addresses need brackets");
	}
	if (s.len == 0 || split_parts(s, parts, &n) != 0) {
		return rp_err_set(err, RP_EINVAL, "Invalid remote");
	}
	*pl = (struct places){0};
	while (n > 0) {
		int rc = place(pl, &parts[--n], err);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int dup_or(char **dst, struct rp_str s, const char *fallback)
{
	*dst = s.len > 0 ? rp_str_dup(s) : rp_strdup(fallback);
	return *dst == NULL ? RP_ENOMEM : 0;
}

static int fill(struct rp_remote *r, const struct places *pl, enum rp_proto proto)
{
	char **empty[] = {
	    &r->name, &r->owner, &r->host_header, &r->auth_user, &r->auth_password, &r->tunnel_url};
	int rc = 0;
	for (size_t i = 0; i < RP_ARRAY_LEN(empty) && rc == 0; i++) {
		rc = dup_or(empty[i], rp_str_n(NULL, 0), "");
	}
	if (rc != 0 || (rc = dup_or(&r->protocol, rp_str_c(rp_proto_text(proto)), "")) != 0 ||
	    (rc = dup_or(&r->rport, pl->port[0], "")) != 0 ||
	    (rc = dup_or(&r->lport, pl->port[1], "")) != 0 ||
	    (rc = dup_or(&r->rhost, pl->host[0], "127.0.0.1")) != 0) {
		return rc;
	}
	return dup_or(&r->lhost, pl->host[1], pl->ports == 2 ? "0.0.0.0" : "");
}

int rp_remote_parse(const char *text, struct rp_remote *r, struct rp_err *err)
{
	struct places pl = {0};
	enum rp_proto proto = RP_PROTO_TCP;
	int rc = analyse(rp_str_c(text), &pl, &proto, err);
	if (rc == 0 && fill(r, &pl, proto) != 0) {
		rp_remote_fini(r);
		rc = rp_err_no_memory(err);
	}
	if (rc != 0) {
		(void)rp_err_wrap(err, "failed to decode remote \"%.100s\"", text);
		return rc;
	}
	return 0;
}

int rp_remote_parse_side(const char *text, char **host, char **port, struct rp_err *err)
{
	struct places pl = {0};
	enum rp_proto proto;
	*host = NULL;
	*port = NULL;
	if (strchr(text, '/') != NULL) {
		return rp_err_set(err, RP_EINVAL, "the protocol has a parameter of its own");
	}
	int rc = analyse(rp_str_c(text), &pl, &proto, err);
	if (rc == 0 && (pl.ports != 1 || pl.hosts > 1)) {
		rc = rp_err_set(err, RP_EINVAL, "more than one host and one port");
	}
	if (rc != 0) {
		return rc;
	}
	*port = rp_str_dup(pl.port[0]);
	*host = pl.host[0].len == 0 ? NULL : rp_str_dup(pl.host[0]);
	if (*port == NULL || (pl.host[0].len > 0 && *host == NULL)) {
		rp_free(*port);
		rp_free(*host);
		*port = NULL;
		*host = NULL;
		return rp_err_no_memory(err);
	}
	return 0;
}

/* Free text of a peer that ends up in headers, logs and pages: no control bytes, well-formed,
 * capped. */
static bool is_label(const char *s, size_t max)
{
	size_t n = strnlen(or_empty(s), max + 1);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
			return false;
		}
	}
	return n <= max && (n == 0 || rp_utf8_valid(s, n));
}

static int check_labels(const struct rp_remote *r, struct rp_err *err)
{
	const struct {
		const char *key;
		const char *value;
		size_t max;
	} labels[] = {
	    {"name", r->name, LABEL_MAX},
	    {"owner", r->owner, LABEL_MAX},
	    {"scheme", r->scheme, SCHEME_MAX},
	    {"acl", r->acl, ACL_MAX},
	    {"host_header", r->host_header, LABEL_MAX},
	    {"auth_user", r->auth_user, LABEL_MAX},
	    {"auth_password", r->auth_password, LABEL_MAX},
	    {"tunnel_url", r->tunnel_url, URL_MAX},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(labels); i++) {
		if (!is_label(labels[i].value, labels[i].max)) {
			return rp_err_set(err, RP_EINVAL,
			    "invalid %s: over %zu bytes or with unprintable characters",
			    labels[i].key, labels[i].max);
		}
	}
	return 0;
}

int rp_remote_check(const struct rp_remote *r, struct rp_err *err)
{
	enum rp_proto proto;
	if (rp_proto_parse(r->protocol, &proto) != 0) {
		return rp_err_set(err, RP_EINVAL, "invalid kind, %.16s", or_empty(r->protocol));
	}
	const char *lport = or_empty(r->lport);
	if (*lport != '\0' && !is_port(rp_str_c(lport))) {
		return rp_err_set(err, RP_EINVAL, "Invalid local port: %.32s.", lport);
	}
	if (!is_port(rp_str_c(or_empty(r->rport)))) {
		return rp_err_set(
		    err, RP_EINVAL, "Invalid remote port: %.32s.", or_empty(r->rport));
	}
	if (*or_empty(r->lhost) != '\0' && !is_host_field(r->lhost)) {
		return rp_err_set(err, RP_EINVAL, "Invalid local host.");
	}
	if (!is_host_field(or_empty(r->rhost))) {
		return rp_err_set(err, RP_EINVAL, "Invalid remote host.");
	}
	if (r->idle_timeout_minutes < 0 || r->idle_timeout_minutes > IDLE_MINUTES_MAX) {
		return rp_err_set(
		    err, RP_EINVAL, "idle_timeout_minutes is not in 0-%d", IDLE_MINUTES_MAX);
	}
	if (r->auto_close < 0 || r->auto_close > AUTO_CLOSE_MAX) {
		return rp_err_set(err, RP_EINVAL, "auto_close is not in 0-744h");
	}
	return check_labels(r, err);
}

void rp_remote_fini(struct rp_remote *r)
{
	rp_json_release(&rp_remote_table, r);
}

int rp_remote_copy(struct rp_remote *dst, const struct rp_remote *src)
{
	return rp_json_clone(&rp_remote_table, src, dst);
}

char *rp_remote_target(const struct rp_remote *r)
{
	const char *host = or_empty(r->rhost);
	const char *fmt = strchr(host, ':') != NULL ? "[" : "";
	return rp_asprintf("%s%s%s:%s", fmt, host, *fmt != '\0' ? "]" : "", or_empty(r->rport));
}

char *rp_remote_text(const struct rp_remote *r)
{
	char *target = rp_remote_target(r);
	if (target == NULL) {
		return NULL;
	}
	const char *proto = or_empty(r->protocol);
	bool tcp = *proto == '\0' || strcmp(proto, "tcp") == 0;
	bool acl = *or_empty(r->acl) != '\0';
	char *text = rp_asprintf("%s:%s:%s%s%s%s%s%s", or_empty(r->lhost), or_empty(r->lport),
	    target, tcp ? "" : "/", tcp ? "" : proto, acl ? "(acl:" : "", or_empty(r->acl),
	    acl ? ")" : "");
	rp_free(target);
	return text;
}

bool rp_remote_local_given(const struct rp_remote *r)
{
	return *or_empty(r->lhost) != '\0' && *or_empty(r->lport) != '\0';
}

/* The "host:port" part; the host without brackets. */
static int parse_hostport(struct rp_str s, struct rp_str *host, uint16_t *port)
{
	struct rp_str rest = s;
	struct part bracketed;
	if (s.len > 0 && s.p[0] == '[') {
		if (take_bracketed(&rest, &bracketed) != 0) {
			return RP_EINVAL;
		}
		*host = bracketed.s;
	} else {
		(void)rp_str_split(&rest, ':', host);
		if (!is_host(*host)) {
			return RP_EINVAL;
		}
	}
	return is_port(rest) ? rp_str_port(rest, port) : RP_EINVAL;
}

int rp_target_parse(struct rp_str s, char **host, uint16_t *port, struct rp_str *proto)
{
	struct rp_str rest = s;
	struct rp_str target;
	struct rp_str name;
	if (s.len == 0 || s.len > TEXT_MAX || !rp_str_split(&rest, '/', &target) ||
	    parse_hostport(target, &name, port) != 0) {
		return RP_EINVAL;
	}
	*host = rp_str_dup(name);
	if (*host == NULL) {
		return RP_ENOMEM;
	}
	*proto = rest.p == NULL ? rp_str_c("tcp") : rest;
	return 0;
}
