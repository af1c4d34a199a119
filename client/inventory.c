/* SPDX-License-Identifier: MIT */
/*
 * The system facts, each by a function that fills its fields.
 */
#include "client/inventory.h"

#include <ifaddrs.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "client/facts.h"
#include "core/alloc.h"

#include "core/banned.h"

#define ADDRESSES_MAX 512
#define UNKNOWN       "unknown"

/* The name that Go has for what this program was built for. */
static const char *arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__i386__)
	return "386";
#elif defined(__arm__)
	return "arm";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return "ppc64le";
#elif defined(__mips__) && defined(__MIPSEL__)
	return "mipsle";
#elif defined(__mips__)
	return "mips";
#else
	return UNKNOWN;
#endif
}

static int set(char **field, const char *value)
{
	return rp_fact_set(field, rp_str_c(value));
}

/* As `uname -a` has it. */
static int collect_kernel(struct rp_new_connection *c, bool gnu)
{
	struct utsname u;
	char text[sizeof(u) + 16] = "";
	if (uname(&u) == 0) {
		(void)snprintf(text, sizeof(text), "%s %s %s %s %s %s", u.sysname, u.nodename,
		    u.release, u.version, u.machine, gnu ? "GNU/Linux" : "Linux");
	}
	int rc = set(&c->os, text);
	rc = rc != 0 ? rc : set(&c->os_kernel, "linux");
	return rc != 0 ? rc : set(&c->os_arch, arch());
}

static struct rp_str unquote(struct rp_str s)
{
	if (s.len >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.len - 1] == s.p[0]) {
		return rp_str_n(s.p + 1, s.len - 2);
	}
	return s;
}

/* A variable of os-release, empty if it is not there. */
static struct rp_str os_value(const struct rp_fact_file *f, const char *key)
{
	struct rp_str v;
	return rp_fact_value(f, key, '=', &v) ? unquote(v) : rp_str_c("");
}

/* Distributions by family; those that are not here say by ID_LIKE what they descend from. */
static const struct {
	const char *id;
	const char *family;
} families[] = {
    {"debian", "debian"},
    {"ubuntu", "debian"},
    {"linuxmint", "debian"},
    {"raspbian", "debian"},
    {"kali", "debian"},
    {"fedora", "fedora"},
    {"rhel", "rhel"},
    {"redhat", "rhel"},
    {"centos", "rhel"},
    {"rocky", "rhel"},
    {"almalinux", "rhel"},
    {"ol", "rhel"},
    {"oracle", "rhel"},
    {"amzn", "rhel"},
    {"cloudlinux", "rhel"},
    {"suse", "suse"},
    {"sles", "suse"},
    {"opensuse", "suse"},
    {"opensuse-leap", "suse"},
    {"opensuse-tumbleweed", "suse"},
    {"arch", "arch"},
    {"manjaro", "arch"},
    {"alpine", "alpine"},
    {"gentoo", "gentoo"},
    {"slackware", "slackware"},
    {"solus", "solus"},
};

static const char *family_of(struct rp_str id)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(families); i++) {
		if (rp_str_eq(id, families[i].id)) {
			return families[i].family;
		}
	}
	return NULL;
}

static const char *family(const struct rp_fact_file *f)
{
	const char *found = family_of(os_value(f, "ID"));
	struct rp_str like = os_value(f, "ID_LIKE");
	struct rp_str id;
	while (found == NULL && rp_str_split(&like, ' ', &id)) {
		found = family_of(id);
	}
	return found != NULL ? found : UNKNOWN;
}

/* Debian's own file has the point release, 12.11 instead of 12. */
static struct rp_str version(
    const char *root, const struct rp_fact_file *f, struct rp_fact_file *extra)
{
	if (rp_str_eq(os_value(f, "ID"), "debian")) {
		rp_fact_read(root, "/etc/debian_version", extra);
		if (extra->text[0] >= '0' && extra->text[0] <= '9') {
			return rp_str_trim(rp_str_n(extra->text, extra->n));
		}
	}
	return os_value(f, "VERSION_ID");
}

/* "Debian 12.11": the id with a capital, and the version if there is one. */
static int full_name(char **field, struct rp_str id, struct rp_str ver)
{
	char text[RP_FACT_TEXT_MAX];
	(void)snprintf(text, sizeof(text), "%.*s%s%.*s", (int)RP_MIN(id.len, (size_t)64), id.p,
	    ver.len > 0 ? " " : "", (int)RP_MIN(ver.len, (size_t)64), ver.p);
	if (text[0] >= 'a' && text[0] <= 'z') {
		text[0] = (char)(text[0] - 'a' + 'A');
	}
	return set(field, text);
}

static int collect_os(
    const char *root, struct rp_new_connection *c, struct rp_fact_file f[static 2])
{
	rp_fact_read(root, "/etc/os-release", &f[0]);
	if (f[0].n == 0) {
		rp_fact_read(root, "/usr/lib/os-release", &f[0]);
	}
	struct rp_str id = os_value(&f[0], "ID");
	struct rp_str ver = version(root, &f[0], &f[1]);
	int rc = id.len == 0 ? set(&c->os_full_name, UNKNOWN)
	                     : full_name(&c->os_full_name, id, ver);
	rc = rc != 0 ? rc : rp_fact_set(&c->os_version, ver);
	rc = rc != 0 ? rc : set(&c->os_family, family(&f[0]));
	return rc != 0 ? rc : collect_kernel(c, !rp_str_eq(id, "alpine"));
}

/* Empty texts mean plain hardware here, not "unknown". */
static int collect_virt(const char *root, struct rp_new_connection *c)
{
	struct rp_virt v = rp_virt_detect(root);
	int rc = rp_strset(&c->os_virtualization_system, v.system);
	return rc != 0 ? rc : rp_strset(&c->os_virtualization_role, v.role);
}

static int set_value(char **field, const struct rp_fact_file *f, const char *key)
{
	struct rp_str value = rp_str_c("");
	(void)rp_fact_value(f, key, ':', &value);
	return rp_fact_set(field, value);
}

/* What ARM's processors say in numbers (linux/arch/arm64/include/asm/cputype.h). */
static const struct {
	const char *implementer;
	const char *part; /* NULL: any */
	const char *vendor;
	const char *name;
} arm_cpus[] = {
    {"0x41", "0xd03", "ARM", "Cortex-A53"},
    {"0x41", "0xd04", "ARM", "Cortex-A35"},
    {"0x41", "0xd05", "ARM", "Cortex-A55"},
    {"0x41", "0xd07", "ARM", "Cortex-A57"},
    {"0x41", "0xd08", "ARM", "Cortex-A72"},
    {"0x41", "0xd09", "ARM", "Cortex-A73"},
    {"0x41", "0xd0a", "ARM", "Cortex-A75"},
    {"0x41", "0xd0b", "ARM", "Cortex-A76"},
    {"0x41", "0xd0c", "ARM", "Neoverse-N1"},
    {"0x41", "0xd40", "ARM", "Neoverse-V1"},
    {"0x41", "0xd49", "ARM", "Neoverse-N2"},
    {"0x41", "0xd4f", "ARM", "Neoverse-V2"},
    {"0x41", "0xc07", "ARM", "Cortex-A7"},
    {"0x41", "0xc09", "ARM", "Cortex-A9"},
    {"0x41", "0xb76", "ARM", "ARM1176"},
    {"0x41", NULL, "ARM", NULL},
    {"0x42", NULL, "Broadcom", NULL},
    {"0x43", NULL, "Cavium", NULL},
    {"0x46", NULL, "Fujitsu", NULL},
    {"0x48", NULL, "HiSilicon", NULL},
    {"0x4e", NULL, "NVIDIA", NULL},
    {"0x50", NULL, "APM", NULL},
    {"0x51", NULL, "Qualcomm", NULL},
    {"0x61", NULL, "Apple", NULL},
    {"0xc0", NULL, "Ampere", NULL},
};

static int set_if(char **field, struct rp_str value)
{
	return value.len > 0 ? rp_fact_set(field, value) : 0;
}

/* ARM has other keys than a PC, and numbers for names. */
static int collect_arm(struct rp_new_connection *c, const struct rp_fact_file *f)
{
	struct rp_str implementer;
	struct rp_str part = {0};
	struct rp_str family = {0};
	struct rp_str name = {0};
	if (!rp_fact_value(f, "CPU implementer", ':', &implementer)) {
		return 0;
	}
	(void)rp_fact_value(f, "CPU part", ':', &part);
	(void)rp_fact_value(f, "CPU architecture", ':', &family);
	int rc = set_if(&c->cpu_vendor, implementer);
	for (size_t i = 0; rc == 0 && i < RP_ARRAY_LEN(arm_cpus); i++) {
		if (rp_str_eq(implementer, arm_cpus[i].implementer) &&
		    (arm_cpus[i].part == NULL || rp_str_eq(part, arm_cpus[i].part))) {
			rc = set_if(&c->cpu_vendor, rp_str_c(arm_cpus[i].vendor));
			name = rp_str_c(arm_cpus[i].name);
			break;
		}
	}
	rc = rc != 0 ? rc : set_if(&c->cpu_model, part);
	rc = rc != 0 ? rc : set_if(&c->cpu_family, family);
	bool named = strcmp(c->cpu_model_name, UNKNOWN) != 0;
	return rc != 0 || named ? rc : set_if(&c->cpu_model_name, name);
}

/* The first processor stands for all. */
static int collect_cpu(const char *root, struct rp_new_connection *c, struct rp_fact_file *f)
{
	rp_fact_read(root, "/proc/cpuinfo", f);
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	c->num_cpus = n > 0 ? n : 1;
	int rc = set_value(&c->cpu_family, f, "cpu family");
	rc = rc != 0 ? rc : set_value(&c->cpu_model, f, "model");
	rc = rc != 0 ? rc : set_value(&c->cpu_model_name, f, "model name");
	rc = rc != 0 ? rc : set_value(&c->cpu_vendor, f, "vendor_id");
	return rc != 0 ? rc : collect_arm(c, f);
}

static void collect_memory(const char *root, struct rp_new_connection *c, struct rp_fact_file *f)
{
	struct rp_str value;
	struct rp_str number;
	uint64_t kib;
	c->mem_total = 0;
	rp_fact_read(root, "/proc/meminfo", f);
	if (rp_fact_value(f, "MemTotal", ':', &value) && rp_str_split(&value, ' ', &number) &&
	    rp_str_u64(number, UINT64_MAX / 1024, &kib) == 0) {
		c->mem_total = kib * 1024;
	}
}

static int collect_timezone(struct rp_new_connection *c)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[64];
	if (localtime_r(&now, &tm) == NULL) {
		return set(&c->timezone, UNKNOWN);
	}
	long minutes = tm.tm_gmtoff / 60;
	long ahead = minutes < 0 ? -minutes : minutes;
	(void)snprintf(text, sizeof(text), "%.32s (UTC%c%02ld:%02ld)", tm.tm_zone,
	    minutes < 0 ? '-' : '+', ahead / 60, ahead % 60);
	return set(&c->timezone, text);
}

static int add_once(struct rp_strlist *l, const char *text)
{
	if (rp_strlist_has(l, text) || l->n >= ADDRESSES_MAX) {
		return 0;
	}
	return rp_strlist_add(l, rp_str_c(text));
}

static int add_address(const struct ifaddrs *i, struct rp_strlist *ipv4, struct rp_strlist *ipv6)
{
	char text[INET6_ADDRSTRLEN];
	if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0) {
		return 0;
	}
	if (i->ifa_addr->sa_family == AF_INET) {
		struct sockaddr_in sin;
		memcpy(&sin, i->ifa_addr, sizeof(sin));
		return inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text)) != NULL
		    ? add_once(ipv4, text)
		    : 0;
	}
	if (i->ifa_addr->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;
		memcpy(&sin6, i->ifa_addr, sizeof(sin6));
		return !IN6_IS_ADDR_LOOPBACK(&sin6.sin6_addr) &&
		        inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text)) != NULL
		    ? add_once(ipv6, text)
		    : 0;
	}
	return 0;
}

int rp_inventory_addresses(struct rp_strlist *ipv4, struct rp_strlist *ipv6)
{
	struct rp_strlist four = {0};
	struct rp_strlist six = {0};
	struct ifaddrs *all = NULL;
	int rc = 0;
	/* Without the right to ask there are just none. */
	if (getifaddrs(&all) != 0) {
		all = NULL;
	}
	for (const struct ifaddrs *i = all; i != NULL && rc == 0; i = i->ifa_next) {
		rc = add_address(i, &four, &six);
	}
	if (all != NULL) {
		freeifaddrs(all);
	}
	if (rc != 0) {
		rp_strlist_fini(&four);
		rp_strlist_fini(&six);
		return rc;
	}
	rp_strlist_fini(ipv4);
	rp_strlist_fini(ipv6);
	*ipv4 = four;
	*ipv6 = six;
	return 0;
}

char *rp_inventory_hostname(void)
{
	struct utsname u;
	char *name = NULL;
	return set(&name, uname(&u) == 0 ? u.nodename : "") == 0 ? name : NULL;
}

static int collect_hostname(struct rp_new_connection *c)
{
	char *name = rp_inventory_hostname();
	if (name == NULL) {
		return RP_ENOMEM;
	}
	rp_free(c->hostname);
	c->hostname = name;
	return 0;
}

int rp_inventory_collect_at(const char *root, struct rp_new_connection *c)
{
	struct rp_fact_file *f = rp_calloc(2, sizeof(*f));
	if (f == NULL) {
		return RP_ENOMEM;
	}
	collect_memory(root, c, f);
	int rc = collect_os(root, c, f);
	rc = rc != 0 ? rc : collect_cpu(root, c, f);
	rc = rc != 0 ? rc : collect_virt(root, c);
	rc = rc != 0 ? rc : collect_timezone(c);
	rc = rc != 0 ? rc : collect_hostname(c);
	rc = rc != 0 ? rc : rp_inventory_addresses(&c->ipv4, &c->ipv6);
	rp_free(f);
	return rc;
}

int rp_inventory_collect(struct rp_new_connection *c)
{
	return rp_inventory_collect_at("", c);
}

int rp_inventory_machine_id_at(const char *root, char **id)
{
	struct rp_fact_file *f = rp_malloc(sizeof(*f));
	*id = NULL;
	if (f == NULL) {
		return RP_ENOMEM;
	}
	rp_fact_read(root, "/var/lib/dbus/machine-id", f);
	if (f->n == 0) {
		rp_fact_read(root, "/etc/machine-id", f);
	}
	struct rp_str text = rp_str_trim(rp_str_n(f->text, f->n));
	int rc = text.len == 0 ? RP_ENOENT : rp_fact_set(id, text);
	rp_free(f);
	return rc;
}

int rp_inventory_machine_id(char **id)
{
	return rp_inventory_machine_id_at("", id);
}
