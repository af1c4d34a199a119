/* SPDX-License-Identifier: MIT */
/*
 * The inventory: made-up systems in a folder, what is missing or hostile in them, and this
 * machine for real.
 */
#include "client/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/facts.h"
#include "core/alloc.h"
#include "core/err.h"
#include "test/lib/fake_root.h"
#include "test/lib/oom.h"

static void test_debian_vm(void **state)
{
	(void)state;
	struct rp_new_connection c = {0};
	rp_fake_root_put("/etc/os-release",
	    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
	    "VERSION_ID=\"12\"\nID=debian\n");
	rp_fake_root_put("/etc/debian_version", "12.11\n");
	rp_fake_root_put("/proc/cpuinfo",
	    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
	    "model\t\t: 85\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.50GHz\n"
	    "flags\t\t: fpu vme hypervisor\n\nprocessor\t: 1\nmodel\t\t: 99\n");
	rp_fake_root_put("/proc/meminfo", "MemTotal:        8123456 kB\nMemFree: 1 kB\n");
	rp_fake_root_put("/sys/class/dmi/id/sys_vendor", "QEMU\n");
	rp_fake_root_put("/var/lib/dbus/machine-id", "0123456789abcdef\n");
	assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
	assert_string_equal(c.os_full_name, "Debian 12.11");
	assert_string_equal(c.os_version, "12.11");
	assert_string_equal(c.os_family, "debian");
	assert_string_equal(c.os_kernel, "linux");
	assert_string_equal(c.os_virtualization_system, "KVM");
	assert_string_equal(c.os_virtualization_role, "guest");
	assert_string_equal(c.cpu_family, "6");
	assert_string_equal(c.cpu_model, "85");
	assert_string_equal(c.cpu_model_name, "Intel(R) Xeon(R) CPU @ 2.50GHz");
	assert_string_equal(c.cpu_vendor, "GenuineIntel");
	assert_true(c.mem_total == UINT64_C(8123456) * 1024);
	assert_non_null(strstr(c.os, "GNU/Linux"));
	char *id;
	assert_int_equal(rp_inventory_machine_id_at(rp_fake_root, &id), 0);
	assert_string_equal(id, "0123456789abcdef");
	rp_free(id);
	rp_json_release(&rp_new_connection_table, &c);
}

static void test_other_systems(void **state)
{
	(void)state;
	static const struct {
		const char *release;
		const char *full;
		const char *version;
		const char *family;
	} rows[] = {
	    {"ID=ubuntu\nVERSION_ID='22.04'\nID_LIKE=debian\n", "Ubuntu 22.04", "22.04", "debian"},
	    {"ID=\"rocky\"\nVERSION_ID=\"9.3\"\n", "Rocky 9.3", "9.3", "rhel"},
	    {"ID=alpine\nVERSION_ID=3.19.1\n", "Alpine 3.19.1", "3.19.1", "alpine"},
	    {"ID=arch\n", "Arch", "unknown", "arch"},
	    {"ID=pop\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=1\n", "Pop 1", "1", "debian"},
	    {"ID=own\n", "Own", "unknown", "unknown"},
	    {"NAME=x\n", "unknown", "unknown", "unknown"},
	    {"ID=\nVERSION_ID=\n", "unknown", "unknown", "unknown"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_new_connection c = {0};
		rp_fake_root_put("/etc/os-release", rows[i].release);
		assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
		assert_string_equal(c.os_full_name, rows[i].full);
		assert_string_equal(c.os_version, rows[i].version);
		assert_string_equal(c.os_family, rows[i].family);
		rp_json_release(&rp_new_connection_table, &c);
	}
}

static void test_arm(void **state)
{
	(void)state;
	struct rp_new_connection c = {0};
	rp_fake_root_put("/proc/cpuinfo",
	    "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
	    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n");
	assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
	assert_string_equal(c.cpu_vendor, "ARM");
	assert_string_equal(c.cpu_model, "0xd08");
	assert_string_equal(c.cpu_model_name, "Cortex-A72");
	assert_string_equal(c.cpu_family, "8");
	rp_fake_root_put("/proc/cpuinfo",
	    "model name\t: ARMv7 Processor rev 4 (v7l)\nCPU implementer\t: 0x99\nCPU part\t: 0x1\n");
	assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
	assert_string_equal(c.cpu_vendor, "0x99");
	assert_string_equal(c.cpu_model_name, "ARMv7 Processor rev 4 (v7l)");
	rp_json_release(&rp_new_connection_table, &c);
}

static void test_virtualization(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		const char *text;
		const char *system;
		const char *role;
	} rows[] = {
	    {"/.dockerenv", "", "DOCKER", "guest"},
	    {"/run/.containerenv", "", "PODMAN", "guest"},
	    {"/run/systemd/container", "systemd-nspawn\n", "SYSTEMD-NSPAWN", "guest"},
	    {"/run/systemd/container", "what\n", "CONTAINER", "guest"},
	    {"/proc/1/environ", "A=b|container=lxc|", "LXC", "guest"},
	    {"/proc/1/environ", "Xcontainer=lxc|", "", ""},
	    {"/proc/1/cgroup", "0::/docker/abc\n", "DOCKER", "guest"},
	    {"/proc/1/cgroup", "1:name=systemd:/kubepods/x\n", "KUBERNETES", "guest"},
	    {"/proc/1/cgroup", "0::/init.scope\n", "", ""},
	    {"/run/secrets/kubernetes.io/x", "", "KUBERNETES", "guest"},
	    {"/proc/self/mountinfo",
	        "1 0 0:5 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/x\n"
	        "2 1 0:6 / /proc rw - proc proc rw\n",
	        "DOCKER", "guest"},
	    {"/proc/self/mountinfo",
	        "1 0 0:5 / / rw - overlay overlay rw,lowerdir=/var/lib/containers/storage/overlay/l\n",
	        "PODMAN", "guest"},
	    {"/proc/self/mountinfo",
	        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
	        "2 1 0:5 / /var/lib/docker/x rw - overlay overlay rw,upperdir=/var/lib/docker/y\n",
	        "", ""},
	    {"/proc/vz/x", "", "OPENVZ", "guest"},
	    {"/proc/device-tree/hypervisor/compatible", "linux,kvm", "KVM", "guest"},
	    {"/proc/device-tree/hypervisor/compatible", "xen,xen-4.17|xen,xen", "XEN", "guest"},
	    {"/proc/sys/kernel/osrelease", "5.15.0-microsoft-standard-WSL2\n", "WSL", "guest"},
	    {"/proc/xen/capabilities", "control_d\n", "XEN", "host"},
	    {"/sys/hypervisor/type", "xen\n", "XEN", "guest"},
	    {"/sys/class/dmi/id/product_name", "VMware Virtual Platform\n", "VMWARE", "guest"},
	    {"/sys/class/dmi/id/product_name", "VirtualBox\n", "VBOX", "guest"},
	    {"/sys/class/dmi/id/product_name", "Virtual Machine\n", "", ""},
	    {"/sys/class/dmi/id/sys_vendor", "Amazon EC2\n", "KVM", "guest"},
	    {"/sys/class/dmi/id/bios_vendor", "Xen\n", "XEN", "guest"},
	    {"/sys/class/dmi/id/sys_vendor", "Dell Inc.\n", "", ""},
	    {"/proc/cpuinfo", "flags\t: fpu hypervisor sse\n", "UNKNOWN", "guest"},
	    {"/proc/cpuinfo", "flags\t: fpu xhypervisor sse\n", "", ""},
	    {"/proc/cpuinfo", "model name\t: QEMU Virtual CPU version 2.5\n", "KVM", "guest"},
	    {"/dev/kvm", "", "KVM", "host"},
	    {"/etc/hosts", "", "", ""},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		char text[256];
		size_t n = strlen(rows[i].text);
		memcpy(text, rows[i].text, n + 1);
		for (char *p = text; (p = strchr(p, '|')) != NULL;) {
			*p = '\0';
			p++;
		}
		rp_fake_root_clear();
		rp_fake_root_put_n(rows[i].path, text, n);
		struct rp_virt v = rp_virt_detect(rp_fake_root);
		if (strcmp(v.system, rows[i].system) != 0 || strcmp(v.role, rows[i].role) != 0) {
			fail_msg("row %zu: %s %s", i, v.system, v.role);
		}
	}
	rp_fake_root_clear();
	/* A machine whose disk was made from an image of a container, and a container of that kind. */
	rp_fake_root_put("/.dockerenv", "");
	rp_fake_root_put("/proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n");
	assert_string_equal(rp_virt_detect(rp_fake_root).system, "");
	rp_fake_root_put("/proc/self/mountinfo", "27 1 254:0 /rootfs / rw - xfs /dev/dm-3 rw\n");
	assert_string_equal(rp_virt_detect(rp_fake_root).system, "DOCKER");
	rp_fake_root_clear();
	rp_fake_root_put("/sys/class/dmi/id/product_name", "Virtual Machine\n");
	rp_fake_root_put("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n");
	assert_string_equal(rp_virt_detect(rp_fake_root).system, "HYPERV");
}

/* An empty system: everything is unknown, nothing fails. */
static void test_nothing(void **state)
{
	(void)state;
	struct rp_new_connection c = {0};
	char *id = rp_fake_root;
	assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
	assert_string_equal(c.os_full_name, "unknown");
	assert_string_equal(c.os_version, "unknown");
	assert_string_equal(c.os_family, "unknown");
	assert_string_equal(c.cpu_family, "unknown");
	assert_string_equal(c.cpu_model, "unknown");
	assert_string_equal(c.cpu_model_name, "unknown");
	assert_string_equal(c.cpu_vendor, "unknown");
	assert_string_equal(c.os_virtualization_system, "");
	assert_true(c.mem_total == 0);
	assert_true(c.num_cpus >= 1);
	assert_int_equal(rp_inventory_machine_id_at(rp_fake_root, &id), RP_ENOENT);
	assert_null(id);
	rp_json_release(&rp_new_connection_table, &c);
}

static void test_hostile_texts(void **state)
{
	(void)state;
	static char big[RP_FACT_FILE_BYTES * 2];
	struct rp_new_connection c = {0};
	char fifo[128];
	memset(big, 'x', sizeof(big));
	memcpy(big, "ID=", 3);
	rp_fake_root_put_n("/etc/os-release", big, sizeof(big));
	rp_fake_root_put("/proc/cpuinfo",
	    "model name : a\x01"
	    "b\xff"
	    "c\x1b[0m\xc3\xa4\nvendor_id\t:   \n");
	rp_fake_root_put("/proc/meminfo", "MemTotal: 99999999999999999999 kB\n");
	(void)snprintf(fifo, sizeof(fifo), "%s/etc/machine-id", rp_fake_root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
	assert_true(strlen(c.os_full_name) <= RP_FACT_TEXT_MAX);
	assert_string_equal(c.cpu_model_name, "a?b?c?[0m\xc3\xa4");
	assert_string_equal(c.cpu_vendor, "unknown");
	assert_true(c.mem_total == 0);
	char *id;
	assert_int_equal(rp_inventory_machine_id_at(rp_fake_root, &id), RP_ENOENT);
	rp_json_release(&rp_new_connection_table, &c);
}

static void test_fact_set(void **state)
{
	(void)state;
	char long_text[RP_FACT_TEXT_MAX + 10];
	char *field = NULL;
	memset(long_text, 'a', sizeof(long_text));
	memcpy(long_text + RP_FACT_TEXT_MAX - 1, "\xc3\xa4", 2);
	assert_int_equal(rp_fact_set(&field, rp_str_n(long_text, sizeof(long_text))), 0);
	assert_int_equal(strlen(field), RP_FACT_TEXT_MAX - 1); /* no half character */
	assert_int_equal(rp_fact_set(&field, rp_str_c("  b \n")), 0);
	assert_string_equal(field, "b");
	assert_int_equal(rp_fact_set(&field, rp_str_n(NULL, 0)), 0);
	assert_string_equal(field, "unknown");
	rp_free(field);
}

static void test_timezone(void **state)
{
	(void)state;
	static const struct {
		const char *tz;
		const char *text;
	} rows[] = {{"UTC0", "UTC (UTC+00:00)"}, {"IST-5:30", "IST (UTC+05:30)"},
	    {"NST3:30", "NST (UTC-03:30)"}, {"X-14", NULL}, {"AAA12", "AAA (UTC-12:00)"}};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_new_connection c = {0};
		(void)setenv("TZ", rows[i].tz, 1);
		tzset();
		assert_int_equal(rp_inventory_collect_at(rp_fake_root, &c), 0);
		if (rows[i].text != NULL) {
			assert_string_equal(c.timezone, rows[i].text);
		}
		rp_json_release(&rp_new_connection_table, &c);
	}
	(void)unsetenv("TZ");
	tzset();
}

static void test_this_machine(void **state)
{
	(void)state;
	struct rp_new_connection c = {0};
	struct rusage children;
	assert_int_equal(rp_inventory_collect(&c), 0);
	assert_int_equal(rp_inventory_collect(&c), 0); /* replaces, does not add */
	/* The connection waits for it: it runs no program. */
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &children), 0);
	assert_int_equal(children.ru_minflt, 0);
	assert_non_null(strstr(c.os, "Linux"));
	assert_true(c.num_cpus >= 1);
	assert_true(c.mem_total > 1024 * 1024);
	assert_true(strlen(c.hostname) > 0);
	assert_non_null(strstr(c.timezone, "(UTC"));
	assert_false(rp_strlist_has(&c.ipv4, "127.0.0.1"));
	assert_false(rp_strlist_has(&c.ipv6, "::1"));
	for (size_t i = 0; i < c.ipv4.n; i++) {
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(c.ipv4.v[i], c.ipv4.v[k]);
		}
	}
	assert_null(c.id);
	char *text = rp_json_text(&rp_new_connection_table, &c);
	assert_non_null(text);
	assert_non_null(
	    strstr(text, "{\"ID\":\"\",\"Name\":\"\",\"SessionID\":\"\",\"OS\":\"Linux "));
	rp_free(text);
	rp_json_release(&rp_new_connection_table, &c);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_new_connection c = {0};
	int rc = rp_inventory_collect_at(rp_fake_root, &c);
	rp_json_release(&rp_new_connection_table, &c);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	rp_fake_root_put("/etc/os-release", "ID=debian\n");
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        test_debian_vm, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_other_systems, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test_setup_teardown(test_arm, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_virtualization, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_nothing, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_hostile_texts, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test(test_fact_set),
	    cmocka_unit_test_setup_teardown(
	        test_timezone, rp_fake_root_set_up, rp_fake_root_tear_down),
	    cmocka_unit_test(test_this_machine),
	    cmocka_unit_test_setup_teardown(test_oom, rp_fake_root_set_up, rp_fake_root_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
