/* SPDX-License-Identifier: MIT */
/*
 * Tables of the control payloads, and the version texts of clients.
 */
#include "tunnel/hello.h"

#include <stddef.h>
#include <string.h>

#include "core/banned.h"

#define VERSION_TEXT_MAX 64

#define HELLO(key, kind, member)                                               \
	{                                                                      \
		key, kind, 0, offsetof(struct rp_new_connection, member), NULL \
	}

/* clang-format off */
static const struct rp_json_field new_connection_fields[] = {
	HELLO("ID", RP_FIELD_STR, id),
	HELLO("Name", RP_FIELD_STR, name),
	HELLO("SessionID", RP_FIELD_STR, session_id),
	HELLO("OS", RP_FIELD_STR, os),
	HELLO("OSFullName", RP_FIELD_STR, os_full_name),
	HELLO("OSVersion", RP_FIELD_STR, os_version),
	HELLO("OSVirtualizationSystem", RP_FIELD_STR, os_virtualization_system),
	HELLO("OSVirtualizationRole", RP_FIELD_STR, os_virtualization_role),
	HELLO("OSArch", RP_FIELD_STR, os_arch),
	HELLO("OSFamily", RP_FIELD_STR, os_family),
	HELLO("OSKernel", RP_FIELD_STR, os_kernel),
	HELLO("Version", RP_FIELD_STR, version),
	HELLO("Hostname", RP_FIELD_STR, hostname),
	HELLO("CPUFamily", RP_FIELD_STR, cpu_family),
	HELLO("CPUModel", RP_FIELD_STR, cpu_model),
	HELLO("CPUModelName", RP_FIELD_STR, cpu_model_name),
	HELLO("CPUVendor", RP_FIELD_STR, cpu_vendor),
	HELLO("NumCPUs", RP_FIELD_INT, num_cpus),
	HELLO("MemoryTotal", RP_FIELD_UINT, mem_total),
	HELLO("Timezone", RP_FIELD_STR, timezone),
	HELLO("IPv4", RP_FIELD_STRLIST_NULL, ipv4),
	HELLO("IPv6", RP_FIELD_STRLIST_NULL, ipv6),
	HELLO("Tags", RP_FIELD_STRLIST_NULL, tags),
	HELLO("Labels", RP_FIELD_STRMAP, labels),
	{"Remotes", RP_FIELD_LIST, 0, offsetof(struct rp_new_connection, remotes), &rp_remote_table},
	HELLO("ClientConfiguration", RP_FIELD_RAW, client_configuration),
	{"Features", RP_FIELD_STRLIST, RP_FIELD_F_OMITEMPTY,
	 offsetof(struct rp_new_connection, features), NULL},
};

static const struct rp_json_field capabilities_fields[] = {
	{"ServerVersion", RP_FIELD_STR, 0, offsetof(struct rp_capabilities, server_version), NULL},
	{"MonitoringVersion", RP_FIELD_INT, 0, offsetof(struct rp_capabilities, monitoring_version), NULL},
	{"IPAddressesVersion", RP_FIELD_INT, 0, offsetof(struct rp_capabilities, ip_addresses_version), NULL},
	{"Features", RP_FIELD_STRLIST, RP_FIELD_F_OMITEMPTY,
	 offsetof(struct rp_capabilities, features), NULL},
};

static const struct rp_json_field check_port_fields[] = {
	{"HostPort", RP_FIELD_STR, 0, offsetof(struct rp_check_port, host_port), NULL},
	{"Timeout", RP_FIELD_INT, 0, offsetof(struct rp_check_port, timeout), NULL},
};

static const struct rp_json_field check_port_answer_fields[] = {
	{"Open", RP_FIELD_BOOL, 0, offsetof(struct rp_check_port_answer, open), NULL},
	{"ErrMsg", RP_FIELD_STR, 0, offsetof(struct rp_check_port_answer, err_msg), NULL},
};

static const struct rp_json_field check_tunnel_fields[] = {
	{"Remote", RP_FIELD_STR, 0, offsetof(struct rp_check_tunnel, remote), NULL},
};

static const struct rp_json_field check_tunnel_answer_fields[] = {
	{"IsAllowed", RP_FIELD_BOOL, 0, offsetof(struct rp_check_tunnel_answer, is_allowed), NULL},
};

static const struct rp_json_field run_answer_fields[] = {
	{"Pid", RP_FIELD_INT, 0, offsetof(struct rp_run_answer, pid), NULL},
	{"StartedAt", RP_FIELD_TIME, 0, offsetof(struct rp_run_answer, started_at), NULL},
};

static const struct rp_json_field attributes_fields[] = {
	{"tags", RP_FIELD_STRLIST, 0, offsetof(struct rp_attributes, tags), NULL},
	{"labels", RP_FIELD_STRMAP, 0, offsetof(struct rp_attributes, labels), NULL},
};

const struct rp_json_table rp_new_connection_table =
	RP_JSON_TABLE(new_connection_fields, struct rp_new_connection);
const struct rp_json_table rp_capabilities_table =
	RP_JSON_TABLE(capabilities_fields, struct rp_capabilities);
const struct rp_json_table rp_check_port_table =
	RP_JSON_TABLE(check_port_fields, struct rp_check_port);
const struct rp_json_table rp_check_port_answer_table =
	RP_JSON_TABLE(check_port_answer_fields, struct rp_check_port_answer);
const struct rp_json_table rp_check_tunnel_table =
	RP_JSON_TABLE(check_tunnel_fields, struct rp_check_tunnel);
const struct rp_json_table rp_check_tunnel_answer_table =
	RP_JSON_TABLE(check_tunnel_answer_fields, struct rp_check_tunnel_answer);
const struct rp_json_table rp_run_answer_table =
	RP_JSON_TABLE(run_answer_fields, struct rp_run_answer);
const struct rp_json_table rp_attributes_table =
	RP_JSON_TABLE(attributes_fields, struct rp_attributes);
/* clang-format on */

struct version {
	uint64_t part[3];
	bool pre;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters, digits, '-', '~', dots. */
static bool is_suffix(struct rp_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !is_digit(c) && c != '-' && c != '~' && c != '.') {
			return false;
		}
	}
	return s.len > 0;
}

/* Everything behind the numbers: "-pre" or "pre", "+build". */
static int parse_suffix(struct rp_str s, struct version *v)
{
	struct rp_str pre;
	if (s.len == 0) {
		return 0;
	}
	(void)rp_str_split(&s, '+', &pre);
	if (s.p != NULL && !is_suffix(s)) {
		return RP_EINVAL;
	}
	v->pre = pre.len > 0;
	if (v->pre && pre.p[0] == '-') {
		pre = rp_str_n(pre.p + 1, pre.len - 1);
	} else if (v->pre && pre.p[0] == '.') {
		return RP_EINVAL;
	}
	return !v->pre || is_suffix(pre) ? 0 : RP_EINVAL;
}

static int parse_version(const char *text, struct version *v)
{
	struct rp_str s = rp_str_c(text);
	*v = (struct version){0};
	if (s.len > VERSION_TEXT_MAX) {
		return RP_EINVAL;
	}
	if (rp_str_starts(s, "v")) {
		s = rp_str_n(s.p + 1, s.len - 1);
	}
	for (size_t i = 0;; i++) {
		size_t n = 0;
		uint64_t number;
		while (n < s.len && is_digit(s.p[n])) {
			n++;
		}
		if (rp_str_u64(rp_str_n(s.p, n), INT64_MAX, &number) != 0) {
			return RP_EINVAL;
		}
		if (i < RP_ARRAY_LEN(v->part)) {
			v->part[i] = number;
		}
		s = rp_str_n(s.p + n, s.len - n);
		if (s.len < 2 || s.p[0] != '.' || !is_digit(s.p[1])) {
			return parse_suffix(s, v);
		}
		s = rp_str_n(s.p + 1, s.len - 1);
	}
}

bool rp_version_valid(const char *text)
{
	struct version v;
	return text != NULL && parse_version(text, &v) == 0;
}

bool rp_version_at_least(const char *text, unsigned major, unsigned minor, unsigned patch)
{
	const uint64_t least[] = {major, minor, patch};
	struct version v;
	if (text == NULL || parse_version(text, &v) != 0) {
		return false;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(least); i++) {
		if (v.part[i] != least[i]) {
			return v.part[i] > least[i];
		}
	}
	return !v.pre; /* 1.0.0-rc1 comes before 1.0.0 */
}
