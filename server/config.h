/* SPDX-License-Identifier: MIT */
/*
 * The server's configuration, one struct per section of rportd.conf (rport-config.md section
 * 2). Texts are never NULL after loading, "" = not set; durations are nanoseconds; lists that
 * other modules understand (tunnel targets, origins) are kept as text.
 */
#ifndef RP_SERVER_CONFIG_H
#define RP_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/log.h"

/* [server], section 2.2 */
struct rp_conf_server {
	char *address;
	struct rp_strlist url; /* after rp_server_config_validate at least one */
	char *pairing_url;
	char *key_seed;
	char *auth;
	char *auth_file;
	char *auth_table;
	bool auth_write;
	bool auth_multiuse_creds;
	bool equate_clientauthid_clientid;
	char *proxy;
	struct rp_port_list used_ports;
	struct rp_port_list excluded_ports;
	char *data_dir;
	bool sqlite_wal;
	int64_t max_concurrent_ssh_handshakes; /* validate: at least 1 */
	bool purge_disconnected_clients;
	int64_t keep_disconnected_clients;
	int64_t purge_disconnected_clients_interval;
	int64_t check_clients_connection_interval;
	int64_t check_clients_connection_timeout;
	int64_t max_request_bytes_client;
	int64_t check_port_timeout;
	int64_t run_remote_cmd_timeout_sec;
	bool allow_root;
	double client_login_wait; /* seconds */
	int64_t max_failed_login;
	int64_t ban_time; /* seconds */
	int64_t jobs_max_results;
	char *tls_min;
	char *tunnel_host;
	char *tunnel_proxy_cert_file;
	char *tunnel_proxy_key_file;
	bool tunnel_enable_acme;
	int64_t acme_http_port;
	struct rp_strlist tunnel_cors;
	char *novnc_root;
	char *guacd_address;
	struct rp_strlist trusted_proxies; /* addresses and networks (acl/forwarded.h) */
	int64_t tunnel_memory;             /* bytes, for the windows of all tunnels together */
	int64_t workers;                   /* validate: at least 1 */
};

/* [logging], section 2.3 */
struct rp_conf_logging {
	char *log_file; /* "" = stdout */
	char *log_level;
	enum rp_log_level level; /* validate: log_level read */
};

/* [api], section 2.4 */
struct rp_conf_api {
	char *address; /* "" = no API */
	char *base_url;
	bool enable_acme;
	char *auth;
	char *auth_file;
	char *auth_user_table;
	char *auth_group_table;
	char *auth_group_details_table;
	char *auth_header;
	char *user_header;
	bool create_missing_users;
	char *default_user_group;
	char *jwt_secret;
	char *doc_root;
	char *cert_file;
	char *key_file;
	char *access_log_file;
	double user_login_wait; /* seconds */
	int64_t max_failed_login;
	int64_t ban_time;           /* seconds */
	int64_t max_token_lifetime; /* hours */
	int64_t password_min_length;
	int64_t password_zxcvbn_minscore;
	char *tls_min;
	bool enable_ws_test_endpoints;
	int64_t max_request_bytes;
	int64_t max_filepush_size;
	struct rp_strlist cors;
	char *two_fa_token_delivery;
	int64_t two_fa_token_ttl_seconds;
	int64_t two_fa_send_timeout;
	char *two_fa_send_to_type;
	char *two_fa_send_to_regex;
	bool totp_enabled;
	int64_t totp_login_session_ttl;
	char *totp_account_name;
	bool enable_audit_log;
	bool use_ip_obfuscation;
	char *audit_log_rotation;
	char *tunnel_default_acl; /* "requester" or "none" */
	bool show_client_passwords;
	struct rp_strlist trusted_proxies;
};

/* [database], section 2.5 */
struct rp_conf_database {
	char *db_type;
	char *db_host;
	char *db_user;
	char *db_password;
	char *db_name;
};

/* [smtp] */
struct rp_conf_smtp {
	char *server;
	char *sender_email;
	char *auth_username;
	char *auth_password;
	bool secure;
};

/* [pushover] */
struct rp_conf_pushover {
	char *api_token;
	char *user_key;
};

/* [monitoring] */
struct rp_conf_server_monitoring {
	bool enabled;
	int64_t data_storage_duration;
};

/* [notifications] */
struct rp_conf_notifications {
	char *notification_script_dir;
	int64_t log_storage_duration;
	int64_t cleanup_interval;
};

/* [caddy-integration]: kept as written; an error in it must only turn it off. */
struct rp_conf_caddy {
	char *caddy;
	char *address;
	char *subdomain_prefix;
	char *cert_file;
	char *key_file;
	char *api_hostname;
	char *api_cert_file;
	char *api_key_file;
	char *api_port;
	char *tls_min;
};

struct rp_server_config {
	struct rp_conf conf; /* .file, .warnings (for the log) */
	struct rp_conf_server server;
	struct rp_conf_logging logging;
	struct rp_conf_api api;
	struct rp_conf_database database;
	struct rp_conf_smtp smtp;
	struct rp_conf_pushover pushover;
	struct rp_conf_server_monitoring monitoring;
	struct rp_conf_notifications notifications;
	struct rp_conf_caddy caddy;
};

/* All options of the server; also for --help. */
extern const struct rp_conf_spec rp_server_config_spec;

/* Fills *cfg (need not be initialised; not to be moved afterwards). argv holds the arguments
 * without program and role. Returns enum rp_conf_mode or a negative code with its text; see
 * rp_conf_load. rp_server_config_fini in every case. */
RP_NODISCARD int rp_server_config_load(
    struct rp_server_config *cfg, int argc, char *const *argv, struct rp_err *err);
/* Checks the rules of the sections with RPort's texts, and fills in what depends on other
 * values or on the machine. RP_EINVAL, RP_ENOMEM. */
RP_NODISCARD int rp_server_config_validate(struct rp_server_config *cfg, struct rp_err *err);
void rp_server_config_fini(struct rp_server_config *cfg);
/* True for a port that may be given to a tunnel by itself: in used_ports and not in
 * excluded_ports. */
bool rp_server_config_port_usable(const struct rp_server_config *cfg, uint16_t port);

#endif
