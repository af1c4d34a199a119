/* SPDX-License-Identifier: MIT */
/*
 * The server role: reads the configuration, puts the parts together on the control loop, runs,
 * and takes them down in the
 * reverse order. Parts that come up are ended by stop_parts(), whatever was reached.
 */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "acl/forwarded.h"
#include "acl/gate.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/supervisor.h"
#include "http/accept.h"
#include "server/clientauth.h"
#include "server/crowd.h"
#include "server/service.h"
#include "server/worker.h"
#include "ssh/session.h"
#include "tunnel/budget.h"
#include "tunnel/ports.h"

#include "core/banned.h"

#define COMPONENT        "server"
#define SLOTS_PER_SOURCE 64
#define SLOTS_TOTAL      4096

struct server {
	struct rp_server_config cfg;
	const struct rp_server_hooks *hooks;
	void *hooks_state;
	struct rp_loop *loop;
	struct rp_store *store;
	struct rp_audit *audit;           /* NULL = off */
	struct rp_monitoring *monitoring; /* NULL = off */
	struct rp_hostkey *hostkey;
	struct rp_clientauth *auth;
	struct rp_gate *gate;
	struct rp_crowd *crowd;
	struct rp_addrlist trusted; /* proxies before the clients' port */
	struct rp_ports *ports;
	struct rp_proxy_target *proxy;
	struct rp_web_settings web; /* visitor NULL = not configured */
	struct rp_budget budget;    /* tunnel_memory */
	struct rp_events events;
	struct rp_registry *registry;
	struct rp_jobs *jobs;
	struct rp_multis *multis;
	struct rp_schedules *schedules;
	struct rp_workers *workers;
	struct rp_acceptor *acceptor;
	struct rp_supervisor supervisor;
	uv_signal_t signals[5];
	bool signals_open;
	bool failed;
};

static void log_stats(struct server *s)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	rp_log_info(COMPONENT, "clients connected %zu, disconnected %zu, memory %ld kB, cpu %ld s",
	    rp_registry_count(s->registry, true), rp_registry_count(s->registry, false),
	    u.ru_maxrss, (long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec));
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct server *s = h->data;
	if (signum == SIGUSR2) {
		log_stats(s);
		return;
	}
	if (signum == SIGUSR1) {
		if (s->hooks_state != NULL) {
			s->hooks->reload(s->hooks_state);
		}
		return;
	}
	rp_log_info(COMPONENT, "Received %s signal, shutting down...", strsignal(signum));
	rp_loop_stop(s->loop);
}

static void open_signals(struct server *s)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	for (size_t i = 0; i < RP_ARRAY_LEN(numbers); i++) {
		RP_VERIFY(uv_signal_init(rp_loop_uv(s->loop), &s->signals[i]) == 0);
		s->signals[i].data = s;
		RP_VERIFY(uv_signal_start(&s->signals[i], on_signal, numbers[i]) == 0);
	}
	s->signals_open = true;
}

/* What the last writes have done is still to be told. */
static void on_store_closed(void *ctx)
{
	struct server *s = ctx;
	rp_audit_close(s->audit, NULL, NULL);
}

/* Runs once on the control loop when the server is to end; the loop goes on until every handle
 * is closed and what was
 * queued for the database is written. */
static void on_stop(void *ctx)
{
	struct server *s = ctx;
	rp_supervisor_stop(&s->supervisor);
	for (size_t i = 0; s->signals_open && i < RP_ARRAY_LEN(s->signals); i++) {
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	}
	if (s->acceptor != NULL) {
		rp_acceptor_close(s->acceptor);
	}
	if (s->hooks_state != NULL) {
		s->hooks->stop(s->hooks_state);
	}
	if (s->workers != NULL) {
		rp_workers_stop(s->workers);
	}
	if (s->registry != NULL) {
		rp_registry_close(s->registry);
	}
	if (s->schedules != NULL) {
		rp_schedules_close(s->schedules);
	}
	if (s->multis != NULL) {
		rp_multis_close(s->multis);
	}
	if (s->jobs != NULL) {
		rp_jobs_close(s->jobs);
	}
	rp_monitoring_close(s->monitoring, NULL, NULL);
	if (s->store != NULL) {
		rp_store_close(s->store, on_store_closed, s);
	}
}

static void on_accept(void *ctx, int fd, const struct sockaddr *peer)
{
	struct server *s = ctx;
	char source[RP_CROWD_SOURCE_MAX];
	if (rp_crowd_enter(s->crowd, peer, source) != 0) {
		(void)close(fd);
		return;
	}
	rp_workers_take(s->workers, fd, source);
}

static void on_notify(void *ctx, const char *client_id, const char *name, const char *p, size_t n)
{
	struct server *s = ctx;
	if (strcmp(name, "cmd_result") == 0) {
		rp_jobs_result(s->jobs, client_id, p, n);
	} else if (strcmp(name, "save_measurement") == 0) {
		rp_monitoring_save(s->monitoring, client_id, p, n);
	} else {
		rp_log_debug(COMPONENT, "client %s: %s is not used", client_id, name);
	}
}

static void on_output(void *ctx, const char *client_id, const struct rp_job_output *o)
{
	struct server *s = ctx;
	rp_jobs_output(s->jobs, client_id, o);
}

static int open_hostkey(struct server *s, struct rp_err *err)
{
	const char *seed = s->cfg.server.key_seed;
	if (seed[0] != '\0') {
		return rp_hostkey_from_seed(seed, &s->hostkey, err);
	}
	char *path = rp_asprintf("%s/rportd-hostkey", s->cfg.server.data_dir);
	if (path == NULL) {
		return rp_err_no_memory(err);
	}
	int code = rp_hostkey_from_file(path, &s->hostkey, err);
	rp_free(path);
	return code;
}

/* rport-config section 5; only a convenience for operators, so a failure is no reason to end. */
static void write_fingerprint(struct server *s)
{
	char *path = rp_asprintf("%s/rportd-fingerprint.txt", s->cfg.server.data_dir);
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const char *text = rp_hostkey_md5(s->hostkey);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		rp_log_error(
		    COMPONENT, "the fingerprint file is not written: %s", rp_err_text(-errno));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	rp_free(path);
}

static int range_texts(const struct rp_port_list *ports, struct rp_strlist *out)
{
	for (size_t i = 0; i < ports->n; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "%u-%u", ports->v[i].first, ports->v[i].last);
		if (rp_strlist_add(out, rp_str_n(text, (size_t)n)) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static int open_ports(struct server *s, struct rp_err *err)
{
	struct rp_strlist used = {0};
	struct rp_strlist excluded = {0};
	int code = range_texts(&s->cfg.server.used_ports, &used);
	if (code == 0) {
		code = range_texts(&s->cfg.server.excluded_ports, &excluded);
	}
	code = code == 0 ? rp_ports_new(&used, &excluded, &s->ports, err)
	                 : rp_err_set(err, code, "out of memory");
	rp_strlist_fini(&used);
	rp_strlist_fini(&excluded);
	return code;
}

static int open_gate(struct server *s, struct rp_err *err)
{
	const struct rp_conf_server *cfg = &s->cfg.server;
	/* The original's default of one slot per two CPUs is for all; here it is a share per
	 * source, so a site with many
	 * clients behind one address must not queue up behind one slot. */
	bool set = rp_conf_is_set(&s->cfg.conf, &cfg->max_concurrent_ssh_handshakes);
	const struct rp_gate_options opt = {
	    .slots_per_source = set ? (unsigned)cfg->max_concurrent_ssh_handshakes
	                            : SLOTS_PER_SOURCE,
	    .slots_total = SLOTS_TOTAL,
	    .login_wait_ms = (uint64_t)(cfg->client_login_wait * 1000.0),
	    .max_failed = (unsigned)cfg->max_failed_login,
	    .ban_ms = (uint64_t)cfg->ban_time * 1000,
	};
	int code = rp_gate_new(&opt, &s->gate);
	return code == 0 ? 0 : rp_err_set(err, code, "out of memory");
}

/* The HTTPS proxies before tunnels. */
static int open_tunnel_proxy(struct server *s, struct rp_err *err)
{
	const struct rp_conf_server *cfg = &s->cfg.server;
	enum rp_tls_version min = strcmp(cfg->tls_min, "1.2") == 0 ? RP_TLS_1_2 : RP_TLS_1_3;
	if (cfg->tunnel_proxy_cert_file[0] == '\0') {
		return 0;
	}
	int code = rp_tls_server_new(
	    cfg->tunnel_proxy_cert_file, cfg->tunnel_proxy_key_file, min, &s->web.visitor, err);
	if (code != 0) {
		(void)rp_err_wrap(err, "invalid 'tunnel_proxy_cert_file', 'tunnel_proxy_key_file'");
		return code;
	}
	return rp_tls_client_new_unverified(&s->web.target, err);
}

static int start_workers(struct server *s, struct rp_err *err)
{
	rp_budget_init(&s->budget, (uint64_t)s->cfg.server.tunnel_memory);
	const struct rp_workers_options opt = {
	    .n = (unsigned)s->cfg.server.workers,
	    .cfg = &s->cfg,
	    .hostkey = s->hostkey,
	    .auth = s->auth,
	    .gate = s->gate,
	    .crowd = s->crowd,
	    .trusted = &s->trusted,
	    .ports = s->ports,
	    .budget = &s->budget,
	    .proxy = s->proxy,
	    .web = s->web.visitor != NULL ? &s->web : NULL,
	    .control = s->loop,
	    .events = rp_registry_events(),
	    .ctx = s->registry,
	};
	int code = rp_workers_start(&opt, &s->workers, err);
	if (code == 0) {
		rp_registry_set_workers(s->registry, s->workers);
	}
	return code;
}

static int start_hooks(struct server *s, struct rp_err *err)
{
	if (s->hooks == NULL) {
		return 0;
	}
	const struct rp_server_parts parts = {
	    .loop = s->loop,
	    .cfg = &s->cfg,
	    .store = s->store,
	    .registry = s->registry,
	    .jobs = s->jobs,
	    .multis = s->multis,
	    .schedules = s->schedules,
	    .audit = s->audit,
	    .monitoring = s->monitoring,
	    .hostkey = s->hostkey,
	    .auth = s->auth,
	    .events = &s->events,
	};
	return s->hooks->start(&s->hooks_state, &parts, err);
}

/* Unless somebody has set it, the address that clients are told is the real one, also when the kernel
 * chose the port. Read on the control loop only. */
static int set_connect_url(struct server *s, struct rp_err *err)
{
	struct rp_strlist *list = &s->cfg.server.url;
	if (rp_conf_is_set(&s->cfg.conf, list)) {
		return 0;
	}
	char *url = rp_asprintf("http://%s", rp_acceptor_address(s->acceptor));
	rp_strlist_fini(list);
	int code = url == NULL ? RP_ENOMEM : rp_strlist_add(list, rp_str_c(url));
	rp_free(url);
	return code == 0 ? 0 : rp_err_set(err, code, "out of memory");
}

static int start_listener(struct server *s, struct rp_err *err)
{
	static const struct rp_acceptor_ops ops = {.on_accept = on_accept};
	int code = rp_acceptor_new(s->loop, s->cfg.server.address, &ops, s, &s->acceptor, err);
	if (code != 0) {
		return rp_acceptor_explain(err, "[server] address, --addr");
	}
	rp_log_info(COMPONENT, "Listening for clients on %s", rp_acceptor_address(s->acceptor));
	return set_connect_url(s, err);
}

/* In the order in which the parts need each other. */
static int start_parts(struct server *s, struct rp_err *err)
{
	int code = rp_store_open(
	    s->loop, s->cfg.server.data_dir, s->cfg.server.sqlite_wal, &s->store, err);
	rp_events_init(&s->events);
	const struct rp_registry_options reg = {
	    .loop = s->loop, .cfg = &s->cfg, .store = s->store, .events = &s->events};
	code = code != 0 ? code : rp_audit_open(s->loop, &s->cfg, &s->audit, err);
	code = code != 0 ? code : rp_monitoring_open(s->loop, &s->cfg, &s->monitoring, err);
	code = code != 0 ? code : open_hostkey(s, err);
	code = code != 0 ? code : rp_clientauth_open(&s->cfg, &s->auth, err);
	code = code != 0 ? code : open_gate(s, err);
	code = code != 0 ? code
	                 : rp_forwarded_parse(&s->cfg.server.trusted_proxies, &s->trusted, err);
	code = code != 0 ? code : rp_crowd_new("client-listener", &s->crowd, err);
	code = code != 0 ? code : open_ports(s, err);
	if (code == 0 && s->cfg.server.proxy[0] != '\0') {
		code = rp_proxy_target_new(s->cfg.server.proxy, &s->proxy, err);
	}
	code = code != 0 ? code : open_tunnel_proxy(s, err);
	code = code != 0 ? code : rp_registry_new(&reg, &s->registry, err);
	const struct rp_jobs_options jobs = {
	    .loop = s->loop,
	    .cfg = &s->cfg,
	    .registry = s->registry,
	    .store = s->store,
	    .audit = s->audit,
	    .events = &s->events,
	};
	if (code == 0 && rp_jobs_new(&jobs, &s->jobs) != 0) {
		code = rp_err_no_memory(err);
	}
	const struct rp_multis_options multis = {.loop = s->loop,
	    .cfg = &s->cfg,
	    .registry = s->registry,
	    .store = s->store,
	    .jobs = s->jobs,
	    .events = &s->events};
	if (code == 0 && rp_multis_new(&multis, &s->multis) != 0) {
		code = rp_err_no_memory(err);
	}
	const struct rp_schedules_options schedules = {
	    .loop = s->loop, .store = s->store, .registry = s->registry, .multis = s->multis};
	code = code != 0 ? code : rp_schedules_new(&schedules, &s->schedules, err);
	if (code != 0) {
		return code;
	}
	rp_registry_on_notify(s->registry, on_notify, s);
	rp_registry_on_output(s->registry, on_output, s);
	write_fingerprint(s);
	rp_log_info(COMPONENT, "Fingerprint %s", rp_hostkey_md5(s->hostkey));
	rp_log_info(COMPONENT, "Fingerprint %s", rp_hostkey_sha256(s->hostkey));
	code = start_workers(s, err);
	code = code != 0 ? code : start_hooks(s, err);
	return code != 0 ? code : start_listener(s, err);
}

static void free_parts(struct server *s)
{
	if (s->hooks_state != NULL) {
		s->hooks->free(s->hooks_state);
	}
	rp_workers_free(s->workers);
	rp_schedules_free(s->schedules);
	rp_multis_free(s->multis);
	rp_jobs_free(s->jobs);
	rp_audit_free(s->audit);
	rp_monitoring_free(s->monitoring);
	rp_registry_free(s->registry);
	rp_ports_free(s->ports);
	rp_proxy_target_free(s->proxy);
	rp_tls_free(s->web.visitor);
	rp_tls_free(s->web.target);
	rp_gate_free(s->gate);
	rp_crowd_free(s->crowd);
	rp_addrlist_fini(&s->trusted);
	rp_clientauth_free(s->auth);
	rp_hostkey_free(s->hostkey);
	rp_loop_free(s->loop);
}

/* The forms of rport-config section 1: one line on stderr, status 1. */
static int fail(const char *before, const char *text, const char *behind)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	(void)localtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y/%m/%d %H:%M:%S", &tm);
	(void)fprintf(stderr, "%s %s: %s%s\n", stamp, before, text, behind);
	return 1;
}

static int fail_config(const char *text)
{
	return fail("Invalid config", text, ". See --help");
}

/* What is no matter of the configuration's text: --help would not help. */
static int fail_start(struct server *s, const char *text)
{
	s->failed = true;
	rp_log_error(COMPONENT, "cannot start: %s", text);
	return fail("The server cannot start", text, "");
}

static void log_warnings(const struct server *s)
{
	const struct rp_strlist *w = &s->cfg.conf.warnings;
	for (size_t i = 0; i < w->n; i++) {
		rp_log_info(COMPONENT, "config warning: %s", w->v[i]);
	}
}

/* Asked for by the loop, which therefore runs. */
static bool is_well(void *ctx)
{
	(void)ctx;
	return true;
}

static int run(struct server *s)
{
	struct rp_err err = {0};
	rp_supervisor_init(&s->supervisor);
	if (rp_log_open(s->cfg.logging.log_file, s->cfg.logging.level, &err) != 0) {
		return fail("Failed starting log output", err.msg, "");
	}
	rp_file_raise_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	if (rp_ssh_global_init(&err) != 0) {
		return fail_start(s, err.msg);
	}
	int code = rp_loop_new(&s->loop, "control");
	if (code != 0) {
		return fail_start(s, rp_err_text(code));
	}
	rp_loop_on_stop(s->loop, on_stop, s);
	rp_log_info(COMPONENT, "rport server " RP_VERSION " starts");
	log_warnings(s);
	open_signals(s);
	if (start_parts(s, &err) != 0) {
		(void)fail_start(s, err.msg);
		rp_loop_stop(s->loop);
	} else {
		rp_supervisor_start(&s->supervisor, rp_loop_uv(s->loop), is_well, s);
	}
	(void)rp_loop_run(s->loop);
	rp_log_info(COMPONENT, "rport server ended");
	free_parts(s);
	rp_supervisor_fini(&s->supervisor);
	rp_ssh_global_fini();
	rp_log_close();
	return s->failed ? 1 : 0;
}

static int service(struct rp_server_config *cfg)
{
	struct rp_err err = {0};
	bool install = strcmp(cfg->conf.service.action, "install") == 0;
	if (install && rp_server_config_validate(cfg, &err) != 0) {
		(void)fprintf(stderr, "Invalid config: %s. Check your config file.\n", err.msg);
		return 1;
	}
	int code = rp_server_service(cfg, &err);
	if (code != 0) {
		(void)fprintf(stderr, "rport server: %s\n", err.msg);
	}
	return code == 0 ? 0 : 1;
}

static int by_mode(struct server *s, int mode)
{
	switch (mode) {
	case RP_CONF_VERSION:
		(void)puts("version " RP_VERSION);
		return 0;
	case RP_CONF_HELP:
		return rp_conf_print_help(&rp_server_config_spec);
	case RP_CONF_SERVICE:
		return service(&s->cfg);
	default:
		break;
	}
	struct rp_err bad = {0};
	if (rp_server_config_validate(&s->cfg, &bad) != 0) {
		return fail_config(bad.msg);
	}
	if (mode == RP_CONF_CHECK) {
		rp_conf_print_valid(&s->cfg.conf);
		return 0;
	}
	if (geteuid() == 0 && !s->cfg.server.allow_root) {
		(void)fputs("By default running as root is not allowed.\n", stderr);
		return 1;
	}
	return run(s);
}

int rp_server_main(int argc, char **argv, const struct rp_server_hooks *hooks)
{
	struct server s = {.hooks = hooks};
	struct rp_err err = {0};
	int mode = rp_server_config_load(&s.cfg, argc, argv, &err);
	int status = mode < 0 ? fail_config(err.msg) : by_mode(&s, mode);
	rp_server_config_fini(&s.cfg);
	return status;
}
