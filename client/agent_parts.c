/* SPDX-License-Identifier: MIT */
/*
 * What a client has besides connections: folders, policy and runner of commands, TLS settings,
 * the attributes file. Made once at start, while blocking is fine.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/attributes.h"
#include "client/policy.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define FILE_JOBS_MAX 16
/* The name of a request counts in its packet too. */
#define REQUEST_NAME_ROOM 64

/* --- folders --- */

static int make_dir(const char *path, struct rp_err *err)
{
	struct stat st;
	if (mkdir(path, 0700) == 0) {
		return 0;
	}
	if (errno != EEXIST) {
		return rp_err_set(
		    err, RP_EIO, "cannot create the folder %s: %s", path, rp_err_text(-errno));
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		return rp_err_set(err, RP_EIO, "%s is not a folder", path);
	}
	return 0;
}

/* Whoever can write there decides what we run. */
static int check_scripts_dir(const char *path, struct rp_err *err)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		return rp_err_set(
		    err, RP_EIO, "cannot read the folder %s: %s", path, rp_err_text(-errno));
	}
	if ((st.st_mode & 07777) != 0700) {
		return rp_err_set(err, RP_EDENIED, "the folder %s has mode %04o, expected 0700",
		    path, (unsigned)(st.st_mode & 07777));
	}
	if (st.st_uid != geteuid()) {
		return rp_err_set(err, RP_EDENIED, "the folder %s belongs to another user", path);
	}
	return 0;
}

static int make_dirs(const char *data_dir, struct rp_err *err)
{
	char *scripts = rp_asprintf("%s/scripts", data_dir);
	if (scripts == NULL) {
		return rp_err_no_memory(err);
	}
	int code = make_dir(data_dir, err);
	code = code != 0 ? code : make_dir(scripts, err);
	code = code != 0 ? code : check_scripts_dir(scripts, err);
	rp_free(scripts);
	return code;
}

/* --- commands --- */

static int set_aliases(struct rp_agent *a)
{
	const struct rp_listmap *m = &a->cfg->interpreter_aliases;
	for (size_t i = 0; i < m->n; i++) {
		if (rp_strmap_set(&a->aliases, rp_str_c(m->k[i]), rp_str_c(m->v[i].v[0])) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static void on_decision(void *ctx, const struct rp_job *job, bool allowed, const char *reason)
{
	struct rp_agent *a = ctx;
	rp_trail_decision(a->trail, job, allowed, reason);
}

/* Tunnels need no folder, so a client without one goes on without commands. */
static int open_runner(struct rp_agent *a, struct rp_err *err)
{
	struct rp_err why = {0};
	if (a->cfg->remote_commands.enabled && make_dirs(a->cfg->client.data_dir, &why) != 0) {
		rp_log_error(RP_CLIENT_LOG, "ERROR: remote commands are off: %s", why.msg);
		(void)snprintf(a->no_commands, sizeof(a->no_commands), "%s", why.msg);
	}
	const struct rp_runner_options opt = {
	    .data_dir = a->cfg->client.data_dir,
	    .policy = a->policy,
	    .interpreter_aliases = &a->aliases,
	    .send_back_limit = (uint64_t)a->cfg->remote_commands.send_back_limit,
	    .result_max = RP_MUX_PAYLOAD_MAX - REQUEST_NAME_ROOM,
	    .on_decision = on_decision,
	    .ctx = a,
	};
	int code = rp_trail_new(a->loop, a->cfg->client.data_dir, &a->trail, err);
	if (code != 0) {
		return code;
	}
	code = set_aliases(a);
	code = code != 0 ? code : rp_runner_new(rp_loop_uv(a->loop), &opt, &a->runner);
	return code != 0 ? rp_err_set(err, code, "%s", rp_err_text(code)) : 0;
}

/* --- the rest --- */

/* Unreadable attributes are logged and ignored, as the original does; the configured ones stay
 * then. */
static int read_attributes(struct rp_agent *a, struct rp_err *err)
{
	const char *path = a->cfg->client.attributes_file_path;
	struct rp_attributes attrs = {0};
	struct rp_err why = {0};
	int code = path[0] == '\0' ? RP_ENOENT : rp_attributes_read(path, &attrs, &why);
	if (code == RP_ENOMEM) {
		return rp_err_no_memory(err);
	}
	if (code == 0) {
		rp_agent_take_attributes(a, &attrs);
	} else if (code != RP_ENOENT) {
		rp_log_error(RP_CLIENT_LOG, "attributes file: %s", why.msg);
	}
	rp_attributes_fini(&attrs);
	return 0;
}

int rp_agent_open(struct rp_agent *a, const struct rp_client_config *cfg, struct rp_err *err)
{
	*a = (struct rp_agent){.cfg = cfg};
	rp_watchdog_init(&a->watchdog);
	rp_results_init(&a->results);
	rp_budget_init(&a->budget, (uint64_t)cfg->client.tunnel_memory);
	int code = rp_client_setup_init(&a->setup, cfg, err);
	code = code != 0 ? code : rp_client_policy_new(cfg, &a->policy, err);
	bool asks_by_tls = rp_str_starts(rp_str_c(cfg->client.ip_api_url), "https://");
	if (code == 0 && (a->setup.any_tls || asks_by_tls)) {
		code = rp_tls_client_new_lean(&a->tls, err);
	}
	return code;
}

/* To the connection that counts. */
static int send_to_server(void *ctx, const char *name, const void *p, size_t n)
{
	struct rp_agent *a = ctx;
	return a->link == NULL ? RP_ECLOSED : rp_uplink_notify(a->link, name, p, n);
}

static int open_sensors(struct rp_agent *a, struct rp_err *err)
{
	const struct rp_sensors_options opt = {
	    .loop = a->loop,
	    .cfg = a->cfg,
	    .tls = a->tls,
	    .send = send_to_server,
	    .ctx = a,
	};
	int code = rp_sensors_new(&opt, &a->sensors);
	return code != 0 ? rp_err_set(err, code, "%s", rp_err_text(code)) : 0;
}

static int open_watchdog(struct rp_agent *a, struct rp_err *err)
{
	const char *data_dir = a->cfg->client.data_dir;
	if (!a->cfg->connection.watchdog_integration) {
		return 0;
	}
	int code = make_dir(data_dir, err);
	return code != 0 ? code : rp_watchdog_open(&a->watchdog, a->files, data_dir, err);
}

static int open_reception(struct rp_agent *a, struct rp_err *err)
{
	int code = rp_reception_new(a->loop, a->cfg, &a->reception);
	return code != 0 ? rp_err_set(err, code, "%s", rp_err_text(code)) : 0;
}

int rp_agent_start(struct rp_agent *a, struct rp_err *err)
{
	int code = rp_loop_new(&a->loop, "client");
	code = code != 0 ? code : rp_serial_new(&a->files, a->loop, FILE_JOBS_MAX, NULL);
	if (code != 0) {
		return rp_err_set(err, code, "%s", rp_err_text(code));
	}
	code = rp_agent_describe(a, err);
	code = code != 0 ? code : read_attributes(a, err);
	code = code != 0 ? code : open_sensors(a, err);
	code = code != 0 ? code : open_reception(a, err);
	code = code != 0 ? code : open_runner(a, err);
	return code != 0 ? code : open_watchdog(a, err);
}

static void on_reception_closed(void *ctx)
{
	struct rp_agent *a = ctx;
	a->reception = NULL;
	a->on_parts_closed(a);
}

static void close_reception(struct rp_agent *a)
{
	if (a->reception != NULL) {
		rp_reception_close(a->reception, on_reception_closed, a);
	} else {
		a->on_parts_closed(a);
	}
}

static void on_files_closed(void *ctx)
{
	struct rp_agent *a = ctx;
	a->files = NULL;
	close_reception(a);
}

static void close_files(struct rp_agent *a)
{
	if (a->files != NULL) {
		rp_serial_close(a->files, on_files_closed, a);
	} else {
		close_reception(a);
	}
}

static void on_trail_closed(void *ctx)
{
	struct rp_agent *a = ctx;
	a->trail = NULL;
	close_files(a);
}

static void close_trail(struct rp_agent *a)
{
	if (a->trail != NULL) {
		rp_trail_close(a->trail, on_trail_closed, a);
	} else {
		close_files(a);
	}
}

static void on_runner_closed(void *ctx)
{
	struct rp_agent *a = ctx;
	a->runner = NULL;
	close_trail(a);
}

/* Commands live on, as with the original: one of them may be what restarts this client. */
void rp_agent_close_parts(struct rp_agent *a, void (*on_closed)(struct rp_agent *a))
{
	a->on_parts_closed = on_closed;
	rp_sensors_close(a->sensors);
	a->sensors = NULL;
	if (a->runner != NULL) {
		rp_runner_close(a->runner, false, on_runner_closed, a);
	} else {
		close_trail(a);
	}
}

void rp_agent_fini(struct rp_agent *a)
{
	rp_loop_free(a->loop);
	rp_watchdog_fini(&a->watchdog);
	rp_results_fini(&a->results);
	rp_strmap_fini(&a->aliases);
	rp_cmdpolicy_free(a->policy);
	rp_tls_free(a->tls);
	rp_json_release(&rp_new_connection_table, &a->hello);
	rp_client_setup_fini(&a->setup);
}
