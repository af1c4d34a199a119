/* SPDX-License-Identifier: MIT */
/*
 * What the client tells of itself when it registers: new_connection (wire protocol 3.2) and in
 * it the configuration (appendix B), from which user interfaces see what the client lets them
 * do. Secrets stay here: credentials, values of headers, whatever follows '?' in an URL.
 */
#include <stdio.h>
#include <string.h>

#include "client/agent.h"
#include "client/inventory.h"
#include "core/alloc.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define CONFIGURATION_MAX ((size_t)128 * 1024)
#define HIDDEN            "***"

/* --- configuration --- */

static void put_empty_list(struct rp_jsonw *w, const char *key)
{
	rp_jsonw_key(w, key);
	rp_jsonw_arr(w);
	rp_jsonw_arr_end(w);
}

static void put_proxy(struct rp_jsonw *w, const struct rp_client_setup *s)
{
	char *authority = s->has_proxy ? rp_url_authority(&s->proxy) : NULL;
	char *text = authority == NULL ? NULL : rp_asprintf("%s://%s", s->proxy.scheme, authority);
	rp_jsonw_put_str(w, "proxy", text == NULL ? "" : text);
	rp_free(text);
	rp_free(authority);
}

static void put_tunnels(struct rp_jsonw *w, const struct rp_client_setup *s)
{
	rp_jsonw_key(w, "tunnels");
	rp_jsonw_arr(w);
	for (size_t i = 0; i < s->n_remotes; i++) {
		rp_jsonw_struct(w, &rp_remote_table, &s->remotes[i]);
	}
	rp_jsonw_arr_end(w);
}

static void put_client(
    struct rp_jsonw *w, const struct rp_conf_client *c, const struct rp_client_setup *s)
{
	rp_jsonw_key(w, "client");
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "server", c->server);
	rp_jsonw_put_strlist(w, "fallback_servers", &c->fallback_servers);
	rp_jsonw_put_int(w, "server_switchback_interval", c->server_switchback_interval);
	rp_jsonw_put_str(w, "fingerprint", c->fingerprint);
	rp_jsonw_put_str(w, "auth", "");
	put_proxy(w, s);
	rp_jsonw_put_str(w, "id", c->id);
	rp_jsonw_put_bool(w, "use_system_id", c->use_system_id);
	rp_jsonw_put_str(w, "name", c->name);
	rp_jsonw_put_bool(w, "use_hostname", c->use_hostname);
	rp_jsonw_put_strlist(w, "tags", &c->tags);
	rp_jsonw_key(w, "labels");
	rp_jsonw_strmap(w, &c->labels);
	rp_jsonw_put_strlist(w, "remotes", &c->remotes);
	rp_jsonw_put_strlist(w, "tunnel_allowed", &c->tunnel_allowed);
	rp_jsonw_put_bool(w, "allow_root", c->allow_root);
	rp_jsonw_put_int(w, "updates_interval", c->updates_interval);
	rp_jsonw_put_str(w, "data_dir", c->data_dir);
	rp_jsonw_put_str(w, "bind_interface", c->bind_interface);
	rp_jsonw_key(w, "ip_api_url");
	rp_jsonw_strn(w, rp_str_n(c->ip_api_url, strcspn(c->ip_api_url, "?")));
	rp_jsonw_put_int(w, "ip_refresh_min", c->ip_refresh_min / (60 * INT64_C(1000000000)));
	rp_jsonw_put_null(w, "proxy_url");
	put_tunnels(w, s);
	rp_jsonw_put_str(w, "auth_user", "");
	rp_jsonw_put_str(w, "auth_pass", "");
	rp_jsonw_obj_end(w);
}

static void put_headers(struct rp_jsonw *w, const struct rp_strlist *headers)
{
	rp_jsonw_key(w, "headers");
	rp_jsonw_arr(w);
	for (size_t i = 0; i < headers->n; i++) {
		const char *h = headers->v[i];
		char *text = rp_asprintf("%.*s: " HIDDEN, (int)strcspn(h, ":"), h);
		rp_jsonw_str(w, text == NULL ? HIDDEN : text);
		rp_free(text);
	}
	rp_jsonw_arr_end(w);
}

static void put_connection(
    struct rp_jsonw *w, const struct rp_conf_connection *c, const struct rp_client_setup *s)
{
	rp_jsonw_key(w, "connection");
	rp_jsonw_obj(w);
	rp_jsonw_put_int(w, "keep_alive", c->keep_alive);
	rp_jsonw_put_int(w, "keep_alive_timeout", c->keep_alive_timeout);
	rp_jsonw_put_int(w, "max_retry_count", c->max_retry_count);
	rp_jsonw_put_int(w, "max_retry_interval", c->max_retry_interval);
	put_headers(w, &c->headers);
	rp_jsonw_put_str(w, "hostname", c->hostname);
	rp_jsonw_put_bool(w, "watchdog_integration", c->watchdog_integration);
	rp_jsonw_key(w, "http_headers");
	rp_jsonw_obj(w);
	for (size_t i = 0; i < s->headers.n; i++) {
		rp_jsonw_key(w, s->headers.k[i]);
		rp_jsonw_arr(w);
		rp_jsonw_str(w, HIDDEN);
		rp_jsonw_arr_end(w);
	}
	rp_jsonw_obj_end(w);
	rp_jsonw_obj_end(w);
}

static void put_logging(struct rp_jsonw *w, const struct rp_conf_client_logging *c)
{
	rp_jsonw_key(w, "logging");
	rp_jsonw_obj(w);
	rp_jsonw_key(w, "log_file");
	rp_jsonw_obj(w);
	rp_jsonw_put_null(w, "File");
	rp_jsonw_obj_end(w);
	rp_jsonw_put_int(w, "log_level", c->level);
	rp_jsonw_obj_end(w);
}

static void put_commands(struct rp_jsonw *w, const struct rp_client_config *c)
{
	rp_jsonw_key(w, "remote_commands");
	rp_jsonw_obj(w);
	rp_jsonw_put_bool(w, "enabled", c->remote_commands.enabled);
	rp_jsonw_put_int(w, "send_back_limit", c->remote_commands.send_back_limit);
	rp_jsonw_put_strlist(w, "allow", &c->remote_commands.allow);
	rp_jsonw_put_strlist(w, "deny", &c->remote_commands.deny);
	rp_jsonw_put_strlist(w, "order", &c->remote_commands.order);
	/* Their form depends on the toolchain of installed peers; an empty list suits all (3.2). */
	put_empty_list(w, "allow_regexp");
	put_empty_list(w, "deny_regexp");
	rp_jsonw_obj_end(w);
	rp_jsonw_key(w, "remote_scripts");
	rp_jsonw_obj(w);
	rp_jsonw_put_bool(w, "enabled", c->remote_scripts.enabled);
	rp_jsonw_obj_end(w);
}

/* {"name", "max_speed"} of [device, speed], or null. */
static void put_card(struct rp_jsonw *w, const char *key, const struct rp_strlist *v)
{
	int64_t speed;
	if (v->n != 2 || rp_str_i64(rp_str_c(v->v[1]), 0, INT32_MAX, &speed) != 0) {
		rp_jsonw_put_null(w, key);
		return;
	}
	rp_jsonw_key(w, key);
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "name", v->v[0]);
	rp_jsonw_put_int(w, "max_speed", speed);
	rp_jsonw_obj_end(w);
}

static void put_monitoring(struct rp_jsonw *w, const struct rp_conf_client_monitoring *m)
{
	rp_jsonw_key(w, "monitoring");
	rp_jsonw_obj(w);
	rp_jsonw_put_bool(w, "enabled", m->enabled);
	rp_jsonw_put_int(w, "interval", m->interval);
	rp_jsonw_put_strlist(w, "fs_type_include", &m->fs_type_include);
	rp_jsonw_put_strlist(w, "fs_path_exclude", &m->fs_path_exclude);
	rp_jsonw_put_bool(w, "fs_path_exclude_recurse", m->fs_path_exclude_recurse);
	rp_jsonw_put_bool(
	    w, "fs_identify_mountpoints_by_device", m->fs_identify_mountpoints_by_device);
	rp_jsonw_put_bool(w, "pm_enabled", m->pm_enabled);
	rp_jsonw_put_bool(w, "pm_kerneltasks_enabled", m->pm_kerneltasks_enabled);
	rp_jsonw_put_int(
	    w, "pm_max_number_processes", RP_MAX(m->pm_max_number_processes, INT64_C(0)));
	rp_jsonw_put_strlist(w, "net_lan", &m->net_lan);
	rp_jsonw_put_strlist(w, "net_wan", &m->net_wan);
	put_card(w, "lan_card", &m->net_lan);
	put_card(w, "wan_card", &m->net_wan);
	rp_jsonw_obj_end(w);
}

static void put_aliases(struct rp_jsonw *w, const struct rp_listmap *m)
{
	rp_jsonw_key(w, "interpreter_aliases");
	rp_jsonw_obj(w);
	for (size_t i = 0; i < m->n; i++) {
		rp_jsonw_put_str(w, m->k[i], m->v[i].v[0]);
	}
	rp_jsonw_obj_end(w);
	rp_jsonw_key(w, "interpreter_aliases_encodings");
	rp_jsonw_obj(w);
	for (size_t i = 0; i < m->n; i++) {
		const struct rp_strlist *v = &m->v[i];
		rp_jsonw_key(w, m->k[i]);
		rp_jsonw_obj(w);
		rp_jsonw_put_str(w, "input_encoding", v->n > 1 ? v->v[1] : "");
		rp_jsonw_put_str(w, "output_encoding", v->n > 2 ? v->v[2] : "");
		rp_jsonw_obj_end(w);
	}
	rp_jsonw_obj_end(w);
}

/* Installed servers look here before they send a file. */
static void put_file_reception(struct rp_jsonw *w, const struct rp_conf_file_reception *f)
{
	rp_jsonw_key(w, "file_reception");
	rp_jsonw_obj(w);
	rp_jsonw_put_strlist(w, "protected", &f->protected);
	rp_jsonw_put_bool(w, "enabled", f->enabled);
	rp_jsonw_obj_end(w);
}

char *rp_client_report(const struct rp_client_config *cfg, const struct rp_client_setup *setup)
{
	struct rp_buf out;
	struct rp_jsonw w;
	rp_buf_init(&out, CONFIGURATION_MAX);
	rp_jsonw_init(&w, &out);
	rp_jsonw_obj(&w);
	put_client(&w, &cfg->client, setup);
	put_connection(&w, &cfg->connection, setup);
	put_logging(&w, &cfg->logging);
	put_commands(&w, cfg);
	put_monitoring(&w, &cfg->monitoring);
	put_file_reception(&w, &cfg->file_reception);
	put_aliases(&w, &cfg->interpreter_aliases);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_take(&w);
}

/* --- new_connection --- */

/* Owned; empty if the server is to choose. */
static char *client_id(const struct rp_conf_client *c)
{
	char *id = NULL;
	if (c->id[0] != '\0' || !c->use_system_id || rp_inventory_machine_id(&id) != 0) {
		return rp_strdup(c->id);
	}
	return id;
}

static char *client_name(const struct rp_conf_client *c)
{
	return c->name[0] == '\0' && c->use_hostname ? rp_inventory_hostname() : rp_strdup(c->name);
}

static int copy_remotes(struct rp_new_connection *h, const struct rp_client_setup *s)
{
	struct rp_remote *v = rp_calloc(s->n_remotes + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	h->remotes.v = v;
	for (size_t i = 0; i < s->n_remotes; i++) {
		if (rp_remote_copy(&v[i], &s->remotes[i]) != 0) {
			return RP_ENOMEM;
		}
		h->remotes.n++;
	}
	return 0;
}

static int describe(struct rp_agent *a)
{
	struct rp_new_connection *h = &a->hello;
	const struct rp_client_config *cfg = a->cfg;
	char session[RP_UUID_TEXT_MAX];
	rp_uuid4(session);
	int code = rp_inventory_collect(h);
	h->id = client_id(&cfg->client);
	h->name = client_name(&cfg->client);
	h->session_id = rp_strdup(session);
	h->version = rp_strdup(RP_VERSION);
	h->client_configuration = rp_client_report(cfg, &a->setup);
	if (code != 0 || h->id == NULL || h->name == NULL || h->session_id == NULL ||
	    h->version == NULL || h->client_configuration == NULL) {
		return RP_ENOMEM;
	}
	code = rp_strlist_copy(&h->tags, &cfg->client.tags);
	code = code != 0 ? code : rp_strmap_copy(&h->labels, &cfg->client.labels);
	code = code != 0 ? code : rp_strlist_add(&h->features, rp_str_c(RP_FEATURE_HALF_CLOSE));
	return code != 0 ? code : copy_remotes(h, &a->setup);
}

int rp_agent_describe(struct rp_agent *a, struct rp_err *err)
{
	int code = describe(a);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

void rp_agent_take_attributes(struct rp_agent *a, struct rp_attributes *attrs)
{
	rp_strlist_fini(&a->hello.tags);
	rp_strmap_fini(&a->hello.labels);
	a->hello.tags = attrs->tags;
	a->hello.labels = attrs->labels;
	*attrs = (struct rp_attributes){0};
}

/* What may have changed since the last connection: addresses, the machine's name, summer time, a
 * system that was upgraded. */
static int look_anew(struct rp_agent *a)
{
	int code = rp_inventory_collect(&a->hello);
	char *name = code == 0 ? client_name(&a->cfg->client) : NULL;
	if (name == NULL) {
		return RP_ENOMEM;
	}
	rp_free(a->hello.name);
	a->hello.name = name;
	return 0;
}

int rp_agent_hello(struct rp_agent *a, char **text, struct rp_err *err)
{
	*text = look_anew(a) == 0 ? rp_json_text(&rp_new_connection_table, &a->hello) : NULL;
	return *text == NULL ? rp_err_no_memory(err) : 0;
}
