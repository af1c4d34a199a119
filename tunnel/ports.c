/* SPDX-License-Identifier: MIT */
/*
 * The pool of server ports as bitmaps: one for what the owner allows, one per protocol for what
 * tunnels hold.
 */
#include "tunnel/ports.h"

#include <errno.h>
#include <pthread.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crypto.h"

#include "core/banned.h"

#define PORTS 65536u

struct portset {
	uint64_t w[PORTS / 64];
};

struct rp_ports {
	struct portset allowed; /* never changes */
	pthread_mutex_t lock;   /* guards the other two */
	struct portset tcp;
	struct portset udp;
};

static bool has(const struct portset *s, unsigned port)
{
	return (s->w[port / 64] >> (port % 64) & 1) != 0;
}

static void put(struct portset *s, unsigned port, bool on)
{
	uint64_t bit = UINT64_C(1) << (port % 64);
	s->w[port / 64] = on ? s->w[port / 64] | bit : s->w[port / 64] & ~bit;
}

/* "N" or "A-B". */
static int parse_range(struct rp_str s, uint16_t *from, uint16_t *to)
{
	struct rp_str rest = s;
	struct rp_str first;
	if (!rp_str_split(&rest, '-', &first) || rp_str_port(rp_str_trim(first), from) != 0) {
		return RP_EINVAL;
	}
	*to = *from;
	if (rest.p != NULL && rp_str_port(rp_str_trim(rest), to) != 0) {
		return RP_EINVAL;
	}
	return *from <= *to ? 0 : RP_EINVAL;
}

static int apply(struct portset *s, const struct rp_strlist *l, bool on, struct rp_err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		uint16_t from;
		uint16_t to;
		if (parse_range(rp_str_trim(rp_str_c(l->v[i])), &from, &to) != 0) {
			return rp_err_set(err, RP_EINVAL,
			    "can't parse '%s': \"%.64s\" is not a port or a range of ports (0-65535)",
			    on ? "used_ports" : "excluded_ports", l->v[i]);
		}
		for (unsigned port = from; port <= to; port++) {
			put(s, port, on);
		}
	}
	return 0;
}

static bool any(const struct portset *s)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(s->w); i++) {
		if (s->w[i] != 0) {
			return true;
		}
	}
	return false;
}

int rp_ports_new(const struct rp_strlist *used, const struct rp_strlist *excluded,
    struct rp_ports **out, struct rp_err *err)
{
	struct rp_ports *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = apply(&p->allowed, used, true, err);
	if (rc == 0) {
		rc = apply(&p->allowed, excluded, false, err);
	}
	put(&p->allowed, 0, false); /* the kernel's "any port", not a port */
	if (rc == 0 && !any(&p->allowed)) {
		rc = rp_err_set(err, RP_EINVAL,
		    "invalid 'used_ports', 'excluded_ports': at least one port should be available for port "
		    "assignment");
	}
	if (rc == 0 && pthread_mutex_init(&p->lock, NULL) != 0) {
		rc = rp_err_no_memory(err);
	}
	if (rc != 0) {
		rp_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void rp_ports_free(struct rp_ports *p)
{
	if (p == NULL) {
		return;
	}
	(void)pthread_mutex_destroy(&p->lock);
	rp_free(p);
}

bool rp_ports_allowed(const struct rp_ports *p, uint16_t port)
{
	return has(&p->allowed, port);
}

/* With the lock held. */
static bool is_taken(const struct rp_ports *p, unsigned port, enum rp_proto proto)
{
	return ((proto & RP_PROTO_TCP) != 0 && has(&p->tcp, port)) ||
	    ((proto & RP_PROTO_UDP) != 0 && has(&p->udp, port));
}

/* With the lock held. */
static void mark(struct rp_ports *p, unsigned port, enum rp_proto proto, bool on)
{
	if ((proto & RP_PROTO_TCP) != 0) {
		put(&p->tcp, port, on);
	}
	if ((proto & RP_PROTO_UDP) != 0) {
		put(&p->udp, port, on);
	}
}

int rp_ports_take(struct rp_ports *p, uint16_t port, enum rp_proto proto)
{
	if (!rp_ports_allowed(p, port)) {
		return RP_EDENIED;
	}
	(void)pthread_mutex_lock(&p->lock);
	bool taken = is_taken(p, port, proto);
	if (!taken) {
		mark(p, port, proto, true);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return taken ? RP_EEXIST : 0;
}

/* Binds the wildcard address of the family: 0 or a negative errno. */
static int probe(int family, int type, unsigned port)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	/* Like the listener to come: connections in TIME_WAIT do not count, listening sockets
	 * do. */
	int on = 1;
	if (type == SOCK_STREAM) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	}
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int rc;
	if (family == AF_INET6) {
		int off = 0;
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		rc = bind(fd, (const struct sockaddr *)&sin6, sizeof(sin6));
	} else {
		rc = bind(fd, (const struct sockaddr *)&sin, sizeof(sin));
	}
	rc = rc == 0 ? 0 : -errno;
	(void)close(fd);
	return rc;
}

/* One dual-stack socket sees both families; where IPv6 is off, IPv4 has to do. */
static bool is_free_for(unsigned port, int type)
{
	int rc = probe(AF_INET6, type, port);
	if (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL) {
		rc = probe(AF_INET, type, port);
	}
	return rc == 0;
}

/* Whether nobody on the machine has the port. */
static bool is_free(unsigned port, enum rp_proto proto)
{
	return ((proto & RP_PROTO_TCP) == 0 || is_free_for(port, SOCK_STREAM)) &&
	    ((proto & RP_PROTO_UDP) == 0 || is_free_for(port, SOCK_DGRAM));
}

/* Index of the nth set bit; the caller has counted them. */
static unsigned nth(const struct portset *s, uint64_t n)
{
	for (unsigned i = 0; i < RP_ARRAY_LEN(s->w); i++) {
		unsigned here = (unsigned)__builtin_popcountll(s->w[i]);
		if (n >= here) {
			n -= here;
			continue;
		}
		uint64_t word = s->w[i];
		for (; n > 0; n--) {
			word &= word - 1;
		}
		return i * 64 + (unsigned)__builtin_ctzll(word);
	}
	return 0;
}

/* With the lock held. Random candidates one by one, so that the choice is uniform and ends. */
static int pick(const struct rp_ports *p, enum rp_proto proto, unsigned *port)
{
	struct portset left = p->allowed;
	uint64_t n = 0;
	for (size_t i = 0; i < RP_ARRAY_LEN(left.w); i++) {
		left.w[i] &= (proto & RP_PROTO_TCP) != 0 ? ~p->tcp.w[i] : ~UINT64_C(0);
		left.w[i] &= (proto & RP_PROTO_UDP) != 0 ? ~p->udp.w[i] : ~UINT64_C(0);
		n += (uint64_t)__builtin_popcountll(left.w[i]);
	}
	for (; n > 0; n--) {
		*port = nth(&left, rp_random_below(n));
		if (is_free(*port, proto)) {
			return 0;
		}
		put(&left, *port, false);
	}
	return RP_ENOENT;
}

int rp_ports_take_any(struct rp_ports *p, enum rp_proto proto, uint16_t *port)
{
	unsigned found = 0;
	(void)pthread_mutex_lock(&p->lock);
	int rc = pick(p, proto, &found);
	if (rc == 0) {
		mark(p, found, proto, true);
		*port = (uint16_t)found;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return rc;
}

void rp_ports_release(struct rp_ports *p, uint16_t port, enum rp_proto proto)
{
	(void)pthread_mutex_lock(&p->lock);
	mark(p, port, proto, false);
	(void)pthread_mutex_unlock(&p->lock);
}
