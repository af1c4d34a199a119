/* SPDX-License-Identifier: MIT */
/*
 * Happy path: init -> run (scenario, then stop: tunnel and targets close, the muxes go last) ->
 * fini.
 */
#include "test/lib/tunnel_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PORTS_FIRST 24000
#define MINUTE_MS   150

/* --- the loop's side --- */

static void drop_pair(struct rp_rig *rig)
{
	if (rig->pair_made && rig->tunnel == NULL && rig->targets == NULL) {
		rig->pair_made = false;
		rp_pair_fini(&rig->pair);
	}
}

static void on_targets_closed(void *ctx)
{
	struct rp_rig *rig = ctx;
	rig->targets = NULL;
	drop_pair(rig);
}

static void on_tunnel_closed(void *ctx)
{
	struct rp_rig *rig = ctx;
	rig->tunnel = NULL;
	if (rig->targets == NULL) {
		drop_pair(rig);
	}
}

static void on_expired(void *ctx, const char *why)
{
	struct rp_rig *rig = ctx;
	rig->why = why;
	rig->expired++;
	rp_tunnel_close(rig->tunnel);
}

static const struct rp_tunnel_ops tunnel_ops = {
    .on_expired = on_expired,
    .on_closed = on_tunnel_closed,
};

static void on_stop(void *ctx)
{
	struct rp_rig *rig = ctx;
	if (rig->tunnel != NULL) {
		rp_tunnel_orphan(rig->tunnel);
	}
	if (rig->targets != NULL) {
		rp_targets_close(rig->targets, on_targets_closed, rig);
	}
}

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_rig *rig = e->user;
	(void)type;
	if (rig->targets == NULL) {
		rp_channel_reject(c, RP_OPEN_CONNECT_FAILED, "closing");
		return;
	}
	rp_targets_open(rig->targets, c, extra, n);
}

static char *text_or_empty(const char *s)
{
	return (char *)(uintptr_t)(s != NULL ? s : "");
}

static int start_tunnel(struct rp_rig *rig)
{
	char lport[8];
	char rport[8];
	bool given = rig->opt.lhost != NULL;
	(void)snprintf(lport, sizeof(lport), "%u", (unsigned)PORTS_FIRST);
	(void)snprintf(rport, sizeof(rport), "%u", (unsigned)rig->target_port);
	/* rp_tunnel_start copies; literals are only read. */
	struct rp_remote r = {
	    .name = (char *)(uintptr_t) "",
	    .protocol = (char *)(uintptr_t)(rig->opt.protocol != NULL ? rig->opt.protocol : "tcp"),
	    .lhost = (char *)(uintptr_t)(given ? rig->opt.lhost : ""),
	    .lport = given ? lport : (char *)(uintptr_t) "",
	    .owner = (char *)(uintptr_t) "",
	    .rhost = (char *)(uintptr_t)(rig->opt.rhost != NULL ? rig->opt.rhost : "127.0.0.1"),
	    .rport = rport,
	    .acl = (char *)(uintptr_t)rig->opt.acl,
	    .idle_timeout_minutes = rig->opt.idle_minutes,
	    .auto_close = rig->opt.auto_close,
	    .scheme = (char *)(uintptr_t)rig->opt.scheme,
	    .http_proxy = rig->opt.web != NULL,
	    .host_header = text_or_empty(rig->opt.host_header),
	    .auth_user = text_or_empty(rig->opt.auth),
	    .auth_password = text_or_empty(rig->opt.auth),
	    .tunnel_url = (char *)(uintptr_t) "",
	};
	const struct rp_tunnel_options opt = {
	    .ports = rig->ports,
	    .web = rig->opt.web,
	    .no_half_close = rig->opt.no_half_close,
	    .connections_max = rig->opt.connections_max,
	    .age_ms = rig->opt.age_ms,
	    .minute_ms = MINUTE_MS,
	};
	/* A given port may be in use on this machine: take the next one. */
	int rc = RP_EEXIST;
	for (unsigned i = 0; i < 200 && (rc == RP_EEXIST || rc == UV_EADDRINUSE); i++) {
		(void)snprintf(lport, sizeof(lport), "%u", PORTS_FIRST + i);
		rc = rp_tunnel_start(rig->loop, rig->pair.end[0].mux, &r, &opt, &tunnel_ops, rig,
		    &rig->tunnel, &rig->err);
	}
	return rc != 0 ? rc
	               : rp_str_port(rp_str_c(rp_tunnel_remote(rig->tunnel)->lport), &rig->port);
}

static void set_timeout(int fd)
{
	struct timeval t = {.tv_sec = 20};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* The target's socket; only its port is of interest when nobody is to listen. */
static bool open_target(struct rp_rig *rig)
{
	bool v6 = rig->opt.rhost != NULL && strchr(rig->opt.rhost, ':') != NULL;
	bool udp = rig->opt.protocol != NULL && strcmp(rig->opt.protocol, "udp") == 0;
	struct sockaddr_storage sa = {.ss_family = v6 ? AF_INET6 : AF_INET};
	socklen_t len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (v6) {
		((struct sockaddr_in6 *)&sa)->sin6_addr = in6addr_loopback;
	} else {
		((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	int fd = socket(sa.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	rig->target_fd = fd;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    (!udp && !rig->opt.no_target && listen(fd, 512) != 0) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0) {
		return false;
	}
	rig->target_port = ntohs(
	    v6 ? ((struct sockaddr_in6 *)&sa)->sin6_port : ((struct sockaddr_in *)&sa)->sin_port);
	set_timeout(fd);
	if (rig->opt.no_target && udp) {
		(void)close(fd);
		rig->target_fd = -1;
	}
	return true;
}

static int make_ports(struct rp_rig *rig)
{
	struct rp_strlist used = {0};
	struct rp_strlist none = {0};
	int rc = rp_strlist_add(&used, rp_str_c("24000-26000"));
	if (rc == 0) {
		rc = rp_ports_new(&used, &none, &rig->ports, &rig->err);
	}
	rp_strlist_fini(&used);
	return rc;
}

int rp_rig_init(struct rp_rig *rig, const struct rp_rig_options *opt)
{
	memset(rig, 0, sizeof(*rig));
	rig->target_fd = -1;
	if (opt != NULL) {
		rig->opt = *opt;
	}
	if (!open_target(rig)) {
		return RP_EIO;
	}
	int rc = rp_loop_new(&rig->loop, "rig");
	if (rc != 0) {
		return rc;
	}
	rp_loop_on_stop(rig->loop, on_stop, rig);
	rc = make_ports(rig);
	if (rc != 0) {
		return rc;
	}
	rc = rp_pair_init(&rig->pair, NULL, rig->loop);
	if (rc != 0) {
		return rc;
	}
	rig->pair_made = true;
	rig->pair.end[1].user = rig;
	rig->pair.end[1].on_open = on_open;
	const struct rp_targets_options topt = {
	    .allowed = rig->opt.allowed, .no_half_close = rig->opt.no_half_close};
	rc = rp_targets_new(rig->loop, &topt, &rig->targets);
	return rc != 0 ? rc : start_tunnel(rig);
}

static void *scenario_main(void *arg)
{
	struct rp_rig *rig = arg;
	rig->scenario(rig);
	rp_loop_stop(rig->loop);
	return NULL;
}

void rp_rig_run(struct rp_rig *rig, void (*scenario)(struct rp_rig *rig))
{
	pthread_t thread;
	rig->scenario = scenario;
	RP_VERIFY(pthread_create(&thread, NULL, scenario_main, rig) == 0);
	(void)rp_loop_run(rig->loop);
	RP_VERIFY(pthread_join(thread, NULL) == 0);
	rp_loop_free(rig->loop);
	rig->loop = NULL;
}

static void no_scenario(struct rp_rig *rig)
{
	(void)rig;
}

void rp_rig_fini(struct rp_rig *rig)
{
	if (rig->loop != NULL) {
		rp_rig_run(rig, no_scenario);
	}
	drop_pair(rig);
	rp_ports_free(rig->ports);
	if (rig->target_fd >= 0) {
		(void)close(rig->target_fd);
	}
}

int rp_rig_oom(const struct rp_rig_options *opt, void (*scenario)(struct rp_rig *rig))
{
	struct rp_rig rig;
	bool ok = false;
	int rc = rp_rig_init(&rig, opt);
	if (rc == 0) {
		rig.user = &ok;
		rp_rig_run(&rig, scenario);
	}
	rp_rig_fini(&rig);
	return rc == RP_ENOENT || (rc == 0 && !ok) ? RP_ENOMEM : rc;
}

/* --- the scenario's side --- */

int rp_rig_connect(const struct rp_rig *rig)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(rig->port)};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool udp = rig->opt.protocol != NULL && strcmp(rig->opt.protocol, "udp") == 0;
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	set_timeout(fd);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int rp_rig_accept(const struct rp_rig *rig)
{
	int fd = accept4(rig->target_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		set_timeout(fd);
	}
	return fd;
}

bool rp_rig_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t rc = send(fd, at, n, MSG_NOSIGNAL);
		if (rc <= 0) {
			return false;
		}
		at += rc;
		n -= (size_t)rc;
	}
	return true;
}

long rp_rig_read_all(int fd, void *p, size_t n)
{
	char *at = p;
	size_t done = 0;
	while (done < n) {
		ssize_t rc = recv(fd, at + done, n - done, 0);
		if (rc <= 0) {
			return done > 0 || rc == 0 ? (long)done : -1;
		}
		done += (size_t)rc;
	}
	return (long)done;
}
