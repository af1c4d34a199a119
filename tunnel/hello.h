/* SPDX-License-Identifier: MIT */
/*
 * What both ends say when a connection is registered: the payload of new_connection (wire
 * protocol 3.2), of put_capabilities (4.2), and the rest of the small control payloads.
 */
#ifndef RP_TUNNEL_HELLO_H
#define RP_TUNNEL_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "tunnel/remote.h"

/* Keys in the order of section 3.2; strings owned. */
struct rp_new_connection {
	char *id;
	char *name;
	char *session_id;
	char *os;
	char *os_full_name;
	char *os_version;
	char *os_virtualization_system;
	char *os_virtualization_role;
	char *os_arch;
	char *os_family;
	char *os_kernel;
	char *version;
	char *hostname;
	char *cpu_family;
	char *cpu_model;
	char *cpu_model_name;
	char *cpu_vendor;
	int64_t num_cpus;
	uint64_t mem_total;
	char *timezone;
	struct rp_strlist ipv4; /* empty = null */
	struct rp_strlist ipv6;
	struct rp_strlist tags;
	struct rp_strmap labels;
	struct rp_json_vec remotes; /* struct rp_remote */
	char *client_configuration; /* raw JSON or NULL */
	/* Beyond the original (which ignores unknown keys): what our own client can do,
	 * "half-close" … Absent with installed clients. */
	struct rp_strlist features;
};

extern const struct rp_json_table rp_new_connection_table;

/* put_capabilities; features as above, from our own server only. */
struct rp_capabilities {
	char *server_version;
	int64_t monitoring_version;
	int64_t ip_addresses_version;
	struct rp_strlist features;
};

extern const struct rp_json_table rp_capabilities_table;

#define RP_FEATURE_HALF_CLOSE "half-close"

/* check_port, its answer, check_tunnel_allowed, its answer, the answer to run_cmd, attributes
 * (4.2). */
struct rp_check_port {
	char *host_port;
	int64_t timeout; /* ns */
};
struct rp_check_port_answer {
	bool open;
	char *err_msg;
};
struct rp_check_tunnel {
	char *remote;
};
struct rp_check_tunnel_answer {
	bool is_allowed;
};
struct rp_run_answer {
	int64_t pid;
	int64_t started_at;
};
struct rp_attributes {
	struct rp_strlist tags;
	struct rp_strmap labels;
};
extern const struct rp_json_table rp_check_port_table;
extern const struct rp_json_table rp_check_port_answer_table;
extern const struct rp_json_table rp_check_tunnel_table;
extern const struct rp_json_table rp_check_tunnel_answer_table;
extern const struct rp_json_table rp_run_answer_table;
extern const struct rp_json_table rp_attributes_table;

/* Version text as the original parses it (3.5): digits separated by dots, optional leading v,
 * optional -pre. */
bool rp_version_valid(const char *text);
/* At least major.minor.patch? */
bool rp_version_at_least(const char *text, unsigned major, unsigned minor, unsigned patch);

#endif
