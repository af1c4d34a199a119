/* SPDX-License-Identifier: MIT */
/*
 * The client's configuration, one struct per section of rport.conf (rport-config.md section
 * 3). Texts are never NULL after loading, "" = not set; durations are nanoseconds. Remotes,
 * targets, expressions and globs are kept as text: the modules that use them read them.
 */
#ifndef RP_CLIENT_CONFIG_H
#define RP_CLIENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/log.h"

/* [client], section 3.2 */
struct rp_conf_client {
	char
	    *server; /* as written: host[:port] or with http, https, ws, wss; validate: not empty */
	struct rp_strlist fallback_servers;
	int64_t server_switchback_interval;
	char *fingerprint; /* "" = not checked */
	char *auth;
	char *proxy;
	char *id;
	bool use_system_id;
	char *name;
	bool use_hostname;
	struct rp_strlist tags;
	struct rp_strmap labels; /* names in lower case */
	char *attributes_file_path;
	struct rp_strlist remotes;
	struct rp_strlist tunnel_allowed;
	int64_t tunnel_memory; /* bytes, for the windows of all tunnels together */
	bool allow_root;
	char *data_dir;
	int64_t updates_interval; /* 0 = never */
	char *bind_interface;
	char *ip_api_url;
	int64_t ip_refresh_min; /* nanoseconds in spite of its name */
};

/* [connection], section 3.3 */
struct rp_conf_connection {
	int64_t keep_alive; /* 0 = off */
	int64_t keep_alive_timeout;
	int64_t max_retry_count;    /* negative = endless */
	int64_t max_retry_interval; /* validate: at least 1 s */
	char *hostname;
	struct rp_strlist headers; /* validate: each is "Name: value" */
	bool watchdog_integration;
};

/* [logging] */
struct rp_conf_client_logging {
	char *log_file; /* "" = stdout */
	char *log_level;
	enum rp_log_level level; /* validate: log_level read */
};

/* What remote-commands.deny forbids by default: shell operators, as in RPort's example file. */
#define RP_CLIENT_DENY_DEFAULT "(\\||<|>|;|,|\\n|&)"

/* [remote-commands], section 3.5 */
struct rp_conf_remote_commands {
	bool enabled;
	int64_t send_back_limit;
	bool shell;            /* beyond RPort: the text goes to /bin/sh, as the original does it */
	bool sudo;             /* beyond RPort: requests with sudo are not refused from the start */
	struct rp_toml *rules; /* beyond RPort: cmdpolicy/rules.h */
	struct rp_strlist allow;
	struct rp_strlist deny;
	struct rp_strlist order; /* validate: {allow, deny} or {deny, allow} */
};

/* [remote-scripts], section 3.6 */
struct rp_conf_remote_scripts {
	bool enabled;
	struct rp_strlist interpreters; /* beyond RPort: no others; empty: any */
};

/* [monitoring], section 3.7 */
struct rp_conf_client_monitoring {
	bool enabled;
	int64_t interval; /* validate: at least 60 s */
	struct rp_strlist fs_type_include;
	struct rp_strlist fs_path_exclude;
	bool fs_path_exclude_recurse;
	bool fs_identify_mountpoints_by_device;
	bool pm_enabled;
	bool pm_kerneltasks_enabled;
	int64_t pm_max_number_processes;
	struct rp_strlist net_lan; /* device, maximum speed in Mbit/s */
	struct rp_strlist net_wan;
};

/* [file-reception], section 3.9 */
struct rp_conf_file_reception {
	bool enabled;
	struct rp_strlist protected;
};

/* For the remotes of the command line only (section 3.1). */
struct rp_conf_tunnel_options {
	char *scheme;
	bool enable_reverse_proxy;
	char *host_header;
};

struct rp_client_config {
	struct rp_conf conf; /* .file, .warnings (for the log) */
	struct rp_conf_client client;
	struct rp_conf_connection connection;
	struct rp_conf_client_logging logging;
	struct rp_conf_remote_commands remote_commands;
	struct rp_conf_remote_scripts remote_scripts;
	struct rp_conf_client_monitoring monitoring;
	struct rp_listmap
	    interpreter_aliases; /* alias (lower case): path, input and output encoding */
	struct rp_conf_file_reception file_reception;
	struct rp_conf_tunnel_options tunnel;
	bool remotes_from_args; /* client.remotes come from the command line: .tunnel applies */
};

/* All options of the client; also for --help. */
extern const struct rp_conf_spec rp_client_config_spec;

/* Fills *cfg (need not be initialised; not to be moved afterwards). argv holds the arguments
 * without program and role. SERVER and REMOTEs replace client.server and all client.remotes.
 * Returns enum rp_conf_mode or a negative code with its text; see rp_conf_load.
 * rp_client_config_fini in every case. */
RP_NODISCARD int rp_client_config_load(
    struct rp_client_config *cfg, int argc, char *const *argv, struct rp_err *err);
/* Checks the rules of the sections with RPort's texts and raises values that are too low.
 * RP_EINVAL, RP_ENOMEM. */
RP_NODISCARD int rp_client_config_validate(struct rp_client_config *cfg, struct rp_err *err);
/* The part of it about commands and scripts. */
RP_NODISCARD int rp_client_config_check_commands(
    const struct rp_client_config *cfg, struct rp_err *err);
/* Part of it: config_warn.c. RP_ENOMEM. */
RP_NODISCARD int rp_client_config_warn(struct rp_client_config *cfg);
void rp_client_config_fini(struct rp_client_config *cfg);

#endif
