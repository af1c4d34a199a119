/* SPDX-License-Identifier: MIT */
/*
 * Containers before virtual machines before hypervisors, since a container on a virtual machine
 * is a container.
 */
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "client/facts.h"
#include "core/alloc.h"

#include "core/banned.h"

struct hint {
	const char *text;
	const char *system;
};

static const struct hint container_names[] = {
    {"docker", "DOCKER"},
    {"podman", "PODMAN"},
    {"libpod", "PODMAN"},
    {"kubepods", "KUBERNETES"},
    {"kubernetes", "KUBERNETES"},
    {"lxc", "LXC"},
    {"systemd-nspawn", "SYSTEMD-NSPAWN"},
    {"machine-rkt", "RKT"},
    {"openvz", "OPENVZ"},
    {"wsl", "WSL"},
};

/* Makers of machines that are none, in what the firmware says. */
static const struct hint dmi_names[] = {
    {"KVM", "KVM"},
    {"QEMU", "KVM"},
    {"Amazon EC2", "KVM"},
    {"Google Compute Engine", "KVM"},
    {"OpenStack", "KVM"},
    {"DigitalOcean", "KVM"},
    {"Hetzner", "KVM"},
    {"VMware", "VMWARE"},
    {"VMW", "VMWARE"},
    {"innotek GmbH", "VBOX"},
    {"VirtualBox", "VBOX"},
    {"Oracle Corporation VirtualBox", "VBOX"},
    {"Xen", "XEN"},
    {"Bochs", "BOCHS"},
    {"Parallels", "PARALLELS"},
    {"BHYVE", "BHYVE"},
    {"Hyper-V", "HYPERV"},
};

/* What hypervisors say of themselves to who asks the processor. */
static const struct hint processor_names[] = {
    {"KVMKVMKVM", "KVM"},
    {"TCGTCGTCGTCG", "KVM"}, /* QEMU without KVM */
    {"Linux KVM Hv", "KVM"},
    {"VMwareVMware", "VMWARE"},
    {"VBoxVBoxVBox", "VBOX"},
    {"Microsoft Hv", "HYPERV"},
    {"XenVMMXenVMM", "XEN"},
    {" lrpepyh vr", "PARALLELS"},
    {"prl hyperv", "PARALLELS"},
    {"bhyve bhyve", "BHYVE"},
    {"ACRNACRNACRN", "ACRN"},
    {"QNXQVMBSQG", "QNX"},
};

/* Where the files of a container's root come from, in what was given to mount them. */
static const struct hint root_names[] = {
    {"/kubelet/", "KUBERNETES"},
    {"/docker/", "DOCKER"},
    {"/containers/storage/", "PODMAN"},
    {"/io.containerd", "CONTAINERD"},
    {"/lxc/", "LXC"},
};

static const char *find_hint(const char *text, const struct hint *hints, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(text, hints[i].text) != NULL) {
			return hints[i].system;
		}
	}
	return NULL;
}

#define FIND(text, hints) find_hint((text), (hints), RP_ARRAY_LEN(hints))

/* NUL-separated entries of an environment. */
static const char *container_variable(const struct rp_fact_file *f)
{
	static const char name[] = "container=";
	struct rp_str rest = rp_str_n(f->text, f->n);
	struct rp_str entry;
	while (rp_str_split(&rest, '\0', &entry)) {
		if (rp_str_starts(entry, name) && entry.len > sizeof(name) - 1) {
			const char *system = FIND(entry.p, container_names);
			return system != NULL ? system : "CONTAINER";
		}
	}
	return NULL;
}

struct root_mount {
	const char *system; /* of the container whose it is, or NULL */
	bool disk;          /* a whole file system of a device: a machine's */
};

/* "27 1 0:30 / / rw - overlay overlay rw,lowerdir=...,upperdir=...": the last counts. */
static bool on_mount(void *ctx, struct rp_str line)
{
	struct root_mount *m = ctx;
	struct rp_str rest = line;
	struct rp_str words[5] = {0};
	char text[2048];
	for (size_t i = 0; i < RP_ARRAY_LEN(words) && rp_str_split(&rest, ' ', &words[i]); i++) {
	}
	if (!rp_str_eq(words[4], "/")) {
		return true;
	}
	size_t n = RP_MIN(rest.len, sizeof(text) - 1);
	memcpy(text, rest.p, n);
	text[n] = '\0';
	bool overlay = strstr(text, "- overlay ") != NULL;
	m->system = overlay ? FIND(text, root_names) : NULL;
	m->disk = !overlay && rp_str_eq(words[3], "/") && strstr(text, " /dev/") != NULL &&
	    strstr(text, "docker") == NULL;
	return true;
}

/* Seen from the inside by everybody, without any privilege. The first two files also lie in the root
 * of a machine whose disk was made from an image of a container: there they say nothing. */
static const char *container_root(const char *root, struct rp_fact_file *f)
{
	struct root_mount m = {0};
	rp_fact_lines(root, "/proc/self/mountinfo", f, on_mount, &m);
	if (!m.disk && rp_fact_exists(root, "/.dockerenv")) {
		return "DOCKER";
	}
	if (!m.disk && rp_fact_exists(root, "/run/.containerenv")) {
		return "PODMAN";
	}
	if (rp_fact_exists(root, "/run/secrets/kubernetes.io") ||
	    rp_fact_exists(root, "/var/run/secrets/kubernetes.io")) {
		return "KUBERNETES";
	}
	return m.system;
}

static const char *container(const char *root, struct rp_fact_file *f)
{
	const char *system = container_root(root, f);
	if (system != NULL) {
		return system;
	}
	rp_fact_read(root, "/run/systemd/container", f);
	if (f->n > 0) {
		system = FIND(f->text, container_names);
		return system != NULL ? system : "CONTAINER";
	}
	rp_fact_read(root, "/proc/1/environ", f);
	system = container_variable(f);
	if (system != NULL) {
		return system;
	}
	rp_fact_read(root, "/proc/1/cgroup", f);
	system = FIND(f->text, container_names);
	if (system != NULL) {
		return system;
	}
	if (rp_fact_exists(root, "/proc/vz") && !rp_fact_exists(root, "/proc/bc")) {
		return "OPENVZ";
	}
	rp_fact_read(root, "/proc/sys/kernel/osrelease", f);
	return strstr(f->text, "icrosoft") != NULL ? "WSL" : NULL;
}

/* Of the machine this runs on, so not for a made-up one. */
static const char *processor(const char *root)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned v[4] = {0};
	char text[13] = "";
	if (root[0] == '\0' && __get_cpuid(1, &v[0], &v[1], &v[2], &v[3]) != 0 &&
	    (v[2] & (1u << 31)) != 0) {
		__cpuid(0x40000000, v[0], v[1], v[2], v[3]);
		memcpy(text, &v[1], 12);
		text[12] = '\0';
		return FIND(text, processor_names);
	}
#else
	(void)root;
	(void)processor_names;
#endif
	return NULL;
}

/* Where there is no firmware of PCs. */
static const char *device_tree(const char *root, struct rp_fact_file *f)
{
	rp_fact_read(root, "/proc/device-tree/hypervisor/compatible", f);
	if (strncmp(f->text, "linux,kvm", 9) == 0) {
		return "KVM";
	}
	return strstr(f->text, "xen") != NULL ? "XEN" : NULL;
}

static const char *machine(const char *root, struct rp_fact_file *f)
{
	static const char *const paths[] = {"/sys/class/dmi/id/product_name",
	    "/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/board_vendor",
	    "/sys/class/dmi/id/bios_vendor"};
	for (size_t i = 0; i < RP_ARRAY_LEN(paths); i++) {
		rp_fact_read(root, paths[i], f);
		const char *system = FIND(f->text, dmi_names);
		if (system != NULL) {
			return system;
		}
		if (i == 0 && strncmp(f->text, "Virtual Machine", 15) == 0) {
			rp_fact_read(root, "/sys/class/dmi/id/sys_vendor", f);
			if (strncmp(f->text, "Microsoft", 9) == 0) {
				return "HYPERV";
			}
		}
	}
	rp_fact_read(root, "/sys/hypervisor/type", f);
	if (strncmp(f->text, "xen", 3) == 0) {
		return "XEN";
	}
	const char *told = processor(root);
	told = told != NULL ? told : device_tree(root, f);
	if (told != NULL) {
		return told;
	}
	rp_fact_read(root, "/proc/cpuinfo", f);
	struct rp_str flags;
	if (rp_fact_value(f, "flags", ':', &flags)) {
		struct rp_str flag;
		while (rp_str_split(&flags, ' ', &flag)) {
			if (rp_str_eq(flag, "hypervisor")) {
				return "UNKNOWN";
			}
		}
	}
	return strstr(f->text, "QEMU") != NULL ? "KVM" : NULL;
}

static struct rp_virt detect(const char *root, struct rp_fact_file *f)
{
	const char *system = container(root, f);
	if (system != NULL) {
		return (struct rp_virt){system, "guest"};
	}
	rp_fact_read(root, "/proc/xen/capabilities", f);
	if (strstr(f->text, "control_d") != NULL) {
		return (struct rp_virt){"XEN", "host"};
	}
	system = machine(root, f);
	if (system != NULL) {
		return (struct rp_virt){system, "guest"};
	}
	if (rp_fact_exists(root, "/dev/kvm")) {
		return (struct rp_virt){"KVM", "host"};
	}
	return (struct rp_virt){"", ""};
}

struct rp_virt rp_virt_detect(const char *root)
{
	struct rp_fact_file *f = rp_malloc(sizeof(*f));
	if (f == NULL) {
		return (struct rp_virt){"UNKNOWN", "unknown"};
	}
	struct rp_virt found = detect(root, f);
	rp_free(f);
	return found;
}
