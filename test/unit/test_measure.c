/* SPDX-License-Identifier: MIT */
/*
 * What is measured: recorded and made-up files of /proc, what is hostile in them, the limits of a
 * measurement, and this machine for real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/facts.h"
#include "client/load.h"
#include "client/mounts.h"
#include "client/processes.h"
#include "client/procfs.h"
#include "core/alloc.h"
#include "core/err.h"
#include "core/json.h"
#include "test/lib/fake_root.h"
#include "test/lib/oom.h"

#define JSON_MAX ((size_t)1024 * 1024)

static const char stat_text[] =
    "cpu  1069356 293331 553600 610195 9491 0 59153 1415 7 3\n"
    "cpu0 518300 141197 273826 332404 3128 0 28373 691 0 0\nintr 38749710 0\nctxt 86312621\n";

static const char meminfo_text[] =
    "MemTotal:        1000000 kB\nMemFree:          100000 kB\nMemAvailable:     500000 kB\n"
    "Buffers:           50000 kB\nCached:           200000 kB\nSwapCached:            7 kB\n"
    "SReclaimable:      50000 kB\nSUnreclaim:        1000 kB\n";

static const char net_text[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
    "    lo: 2841747722012 153846529    0    0    0     0          0         0 2841747722012 1 0 "
    "   0    0     0       0          0\n"
    "  eth0: 1801004832   47275    0    0    0     0          0         0  2609716   27230    0    0"
    "    0     0       0          0\n"
    "eth1:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";

/* --- parsers --- */

static void test_cpu(void **state)
{
	(void)state;
	struct rp_cpu_times t;
	assert_int_equal(rp_procfs_cpu(rp_str_c(stat_text), &t), 0);
	assert_true(t.total == 1069356 + 293331 + 553600 + 610195 + 9491 + 59153 + 1415);
	assert_true(t.busy == t.total - 610195 - 9491);
	assert_true(t.iowait == 9491);
	assert_int_equal(rp_procfs_cpu(rp_str_c("cpu 1 2 3 4\n"), &t), 0);
	assert_true(t.total == 10 && t.busy == 6 && t.iowait == 0);
	static const char *const bad[] = {"", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5", "cpu a b c d e",
	    "cpu -1 2 3 4", "intr 1 2 3 4 5"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_procfs_cpu(rp_str_c(bad[i]), &t), RP_EPROTO);
	}
}

static void test_share(void **state)
{
	(void)state;
	assert_true(rp_procfs_share(10, 20, 100, 200) == 10);
	assert_true(rp_procfs_share(10, 10, 100, 200) == 0);
	assert_true(rp_procfs_share(20, 10, 100, 200) == 0);   /* went back */
	assert_true(rp_procfs_share(10, 20, 100, 100) == 0);   /* no time has passed */
	assert_true(rp_procfs_share(0, 300, 100, 200) == 100); /* never more than all */
}

static void test_memory(void **state)
{
	(void)state;
	struct rp_memory m;
	assert_int_equal(rp_procfs_memory(rp_str_c(meminfo_text), &m), 0);
	assert_true(m.total == UINT64_C(1000000) * 1024);
	assert_true(m.used == UINT64_C(600000) * 1024);
	assert_int_equal(rp_procfs_memory(rp_str_c("MemTotal: 5 kB\nMemFree: 9 kB\n"), &m), 0);
	assert_true(m.used == 0);
	assert_int_equal(rp_procfs_memory(rp_str_c("MemFree: 9 kB\n"), &m), RP_EPROTO);
	assert_int_equal(
	    rp_procfs_memory(rp_str_c("MemTotal: 18446744073709551615 kB\n"), &m), RP_EPROTO);
}

static void test_card(void **state)
{
	(void)state;
	struct rp_card_bytes c;
	struct rp_str rest = rp_str_c(net_text);
	struct rp_str line;
	size_t n = 0;
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_procfs_card(line, &c) == 0) {
			n++;
			if (rp_str_eq(c.name, "eth0")) {
				assert_true(c.in == 1801004832 && c.out == 2609716);
			}
			if (rp_str_eq(c.name, "eth1")) {
				assert_true(c.in == 5 && c.out == 6);
			}
		}
	}
	assert_int_equal(n, 3);
	assert_int_equal(
	    rp_procfs_card(rp_str_c(": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"), &c), RP_EPROTO);
	assert_int_equal(rp_procfs_card(rp_str_c("eth0: 1 2 3"), &c), RP_EPROTO);
}

static void test_process(void **state)
{
	(void)state;
	struct rp_process_stat s;
	assert_int_equal(
	    rp_procfs_process(
	        rp_str_c("4711 (a (b) c) S 42 4711 4711 34816 4711 4194560 1 2 3 4 "
	                 "70 30 5 6 20 0 1 0 98765 123456789 250 18446744073709551615\n"),
	        &s),
	    0);
	assert_true(rp_str_eq(s.name, "a (b) c"));
	assert_string_equal(s.state, "sleeping");
	assert_true(s.parent == 42 && !s.kernel_task && s.ticks == 100 && s.start == 98765);
	assert_true(s.vms == 123456789 && s.rss_pages == 250);
	assert_int_equal(
	    rp_procfs_process(
	        rp_str_c("2 (kthreadd) I 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 1 0 0"), &s),
	    0);
	assert_true(s.kernel_task);
	assert_string_equal(s.state, "idle");
	static const char *const bad[] = {"", "1", "1 (a", "1 a) S 1", "1 )a( S 1 1 1", "1 (a)",
	    "1 (a) S", "1 (a) S x 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
	    "1 (a) S 1 1 1 1 -1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_procfs_process(rp_str_c(bad[i]), &s), RP_EPROTO);
	}
}

static void test_mount(void **state)
{
	(void)state;
	struct rp_mount m;
	assert_int_equal(
	    rp_procfs_mount(rp_str_c("36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 "
	                             "shared:2 - ext3 /dev/root rw,errors=continue"),
	        &m),
	    0);
	assert_string_equal(m.device, "98:0");
	assert_string_equal(m.path, "/mnt/a b\\c");
	assert_string_equal(m.type, "ext3");
	assert_int_equal(rp_procfs_mount(rp_str_c("27 1 254:0 / / rw - ext4 /dev/vda rw"), &m), 0);
	static const char *const bad[] = {"", "1 2 3", "27 1 254:0 / / rw ext4 /dev/vda rw",
	    "27 1 254:0 / / rw -", "27 1 254:0 / /\\000 rw - ext4 /dev/vda rw"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		assert_int_equal(rp_procfs_mount(rp_str_c(bad[i]), &m), RP_EPROTO);
	}
	char line[RP_MOUNT_PATH_MAX + 64];
	(void)snprintf(
	    line, sizeof(line), "27 1 254:0 / /%*s rw - ext4 /dev/vda rw", RP_MOUNT_PATH_MAX, "x");
	for (char *p = line + 14; *p == ' '; p++) {
		*p = 'y';
	}
	assert_int_equal(rp_procfs_mount(rp_str_c(line), &m), RP_EPROTO);
}

/* --- files --- */

struct lines {
	size_t n;
	size_t last_len;
	size_t stop_at;
};

static bool on_line(void *ctx, struct rp_str line)
{
	struct lines *l = ctx;
	l->n++;
	l->last_len = line.len;
	return l->n != l->stop_at;
}

static void test_lines(void **state)
{
	(void)state;
	static struct rp_fact_file f;
	static char big[3 * RP_FACT_FILE_BYTES];
	struct lines l = {0};
	memset(big, 'x', sizeof(big));
	big[1] = '\n';                      /* a short line */
	big[2 * RP_FACT_FILE_BYTES] = '\n'; /* one that is too long */
	for (size_t i = 2 * RP_FACT_FILE_BYTES + 10; i < sizeof(big) - 20; i += 10) {
		big[i] = '\n';
	}
	rp_fake_root_put_n("/f", big, sizeof(big));
	rp_fact_lines(rp_fake_root, "/f", &f, on_line, &l);
	assert_int_equal(l.n, 1 + (RP_FACT_FILE_BYTES - 30) / 10 + 2);
	assert_true(l.last_len >= 19); /* the last, without a line end */
	l = (struct lines){.stop_at = 2};
	rp_fact_lines(rp_fake_root, "/f", &f, on_line, &l);
	assert_int_equal(l.n, 2);
	l = (struct lines){0};
	rp_fact_lines(rp_fake_root, "/none", &f, on_line, &l);
	assert_int_equal(l.n, 0);
}

static void test_load(void **state)
{
	(void)state;
	struct rp_load l;
	struct rp_load_values v;
	rp_fake_root_put("/proc/stat", "cpu 100 0 100 700 100 0 0 0\n");
	rp_fake_root_put("/proc/meminfo", meminfo_text);
	rp_fake_root_put("/proc/net/dev", net_text);
	rp_load_init(&l, rp_fake_root, "eth0", "gone");
	rp_fake_root_put("/proc/stat", "cpu 150 0 150 1400 300 0 0 0\n");
	rp_fake_root_put("/proc/net/dev", "eth0: 2801004832 0 0 0 0 0 0 0 3609716 0 0 0 0 0 0 0\n");
	(void)usleep(20000);
	assert_int_equal(rp_load_look(&l, &v), 0);
	assert_true(v.cpu == 10);
	assert_true(v.io == 20);
	assert_true(v.memory == 60);
	assert_true(v.memory_total == UINT64_C(1000000) * 1024);
	assert_true(v.lan.set && v.lan.in > 0 && v.lan.in < INT64_C(50000000000));
	assert_true(v.lan.out > 0 && v.lan.in / v.lan.out > 900);
	assert_false(v.wan.set);
	rp_fake_root_put("/proc/net/dev", "eth0: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n");
	assert_int_equal(rp_load_look(&l, &v), 0);
	assert_false(v.lan.set); /* counts anew: it was taken out and put in */
	assert_true(v.cpu == 0 && v.io == 0);
	rp_fake_root_clear();
	assert_int_equal(rp_load_look(&l, &v), 0);
	assert_true(v.cpu == 0 && v.memory == 0 && !v.lan.set);
}

static void put_process(int pid, const char *name, unsigned ticks, const char *cmdline, size_t n)
{
	char path[64];
	char text[512];
	bool kernel = cmdline == NULL;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)snprintf(text, sizeof(text),
	    "%d (%s) S 1 %d 0 0 -1 %u 0 0 0 0 %u 0 0 0 20 0 1 0 77 4096000 10\n", pid, name, pid,
	    kernel ? 0x00200000u : 0u, ticks);
	rp_fake_root_put(path, text);
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (!kernel) {
		rp_fake_root_put_n(path, cmdline, n);
	}
}

#define PUT(pid, name, ticks, cmdline) put_process(pid, name, ticks, cmdline, sizeof(cmdline))

static struct rp_json *list_processes(
    struct rp_processes *p, const struct rp_processes_options *opt, size_t *bytes)
{
	struct rp_buf out;
	struct rp_err err;
	struct rp_json *j;
	rp_buf_init(&out, JSON_MAX);
	assert_int_equal(rp_processes_list(p, opt, &out), 0);
	assert_int_equal(rp_json_parse(rp_buf_head(&out), out.len, &j, &err), 0);
	*bytes = out.len;
	rp_buf_fini(&out);
	return j;
}

static void test_processes(void **state)
{
	(void)state;
	struct rp_processes p = {0};
	struct rp_processes_options opt = {.root = rp_fake_root,
	    .memory_total = UINT64_C(100) * (uint64_t)sysconf(_SC_PAGESIZE),
	    .kernel_tasks = true,
	    .max = 500};
	size_t bytes;
	PUT(7, "init", 5, "/sbin/init\0--x\0");
	put_process(9, "kworker/0:1", 0, NULL, 0);
	PUT(1000, "we\"ird", 0, "a\0\xff<b>\0");
	rp_fake_root_put("/proc/1001/stat", "gone");
	rp_fake_root_put("/proc/self/stat", "1 (x) S");
	struct rp_json *j = list_processes(&p, &opt, &bytes);
	assert_int_equal(rp_json_count(j), 3);
	const struct rp_json *e = rp_json_first(j);
	assert_true(rp_json_number(rp_json_get(e, "pid")) == 1000);
	assert_string_equal(rp_json_string(rp_json_get(e, "name")), "we\"ird");
	assert_string_equal(rp_json_string(rp_json_get(e, "cmdline")), "a \xef\xbf\xbd<b>");
	assert_true(rp_json_number(rp_json_get(e, "memory_usage_percent")) == 10);
	assert_true(rp_json_number(rp_json_get(e, "vms")) == 4096000);
	assert_null(rp_json_get(e, "cpu_avg_usage_percent"));
	e = rp_json_next(rp_json_next(e));
	assert_string_equal(rp_json_string(rp_json_get(e, "cmdline")), "/sbin/init --x");
	rp_json_free(j);

	PUT(7, "init", 5000000, "/sbin/init\0--x\0");
	(void)usleep(2000);
	opt.kernel_tasks = false;
	opt.max = 2;
	j = list_processes(&p, &opt, &bytes);
	assert_int_equal(rp_json_count(j), 2); /* the kernel's does not count */
	e = rp_json_next(rp_json_first(j));
	assert_true(rp_json_number(rp_json_get(e, "pid")) == 7);
	assert_true(rp_json_number(rp_json_get(e, "cpu_avg_usage_percent")) > 0);
	rp_json_free(j);

	opt.max = 0;
	j = list_processes(&p, &opt, &bytes);
	assert_int_equal(rp_json_count(j), 0);
	rp_json_free(j);
	rp_processes_fini(&p);
	rp_fake_root_clear();
	struct rp_buf out;
	rp_buf_init(&out, JSON_MAX);
	assert_int_equal(rp_processes_list(&p, &opt, &out), RP_EIO);
	rp_buf_fini(&out);
}

static size_t escaped(const struct rp_json *j)
{
	struct rp_buf out;
	rp_buf_init(&out, JSON_MAX);
	assert_int_equal(rp_json_print(j, &out), 0);
	size_t n = out.len;
	for (size_t i = 0; i < out.len; i++) {
		uint8_t c = rp_buf_head(&out)[i];
		n += c == '"' || c == '\\' ? 1 : 0;
	}
	rp_buf_fini(&out);
	return n;
}

/* Command lines get shorter before processes are left out, and a character is never cut. */
static void test_too_many_processes(void **state)
{
	(void)state;
	static char cmdline[4096];
	struct rp_processes p = {0};
	const struct rp_processes_options opt = {.root = rp_fake_root, .max = 100000};
	size_t bytes;
	for (size_t i = 0; i + 2 <= sizeof(cmdline); i += 2) {
		memcpy(&cmdline[i], "\xc3\xa4", 2);
	}
	cmdline[0] = 'x';
	cmdline[1] = '"';
	put_process(1, "one", 0, cmdline, sizeof(cmdline));
	struct rp_json *j = list_processes(&p, &opt, &bytes);
	size_t len = strlen(rp_json_string(rp_json_get(rp_json_first(j), "cmdline")));
	assert_true(len > 1000 && len <= 1024);
	assert_null(
	    strstr(rp_json_string(rp_json_get(rp_json_first(j), "cmdline")), "\xef\xbf\xbd"));
	rp_json_free(j);
	for (int i = 2; i <= 400; i++) {
		put_process(i, "many", 0, cmdline, sizeof(cmdline));
	}
	j = list_processes(&p, &opt, &bytes);
	assert_int_equal(rp_json_count(j), 400);
	len = strlen(rp_json_string(rp_json_get(rp_json_first(j), "cmdline")));
	assert_true(len >= 60 && len <= 256);
	assert_true(escaped(j) <= RP_PROCESSES_ESCAPED_MAX);
	rp_json_free(j);
	for (int i = 401; i <= 2500; i++) {
		put_process(i, "more", 0, cmdline, 8);
	}
	j = list_processes(&p, &opt, &bytes);
	assert_true(rp_json_count(j) > 500 && rp_json_count(j) <= RP_PROCESSES_MAX);
	assert_true(escaped(j) <= RP_PROCESSES_ESCAPED_MAX);
	assert_true(rp_json_number(rp_json_get(rp_json_first(j), "pid")) == 2500);
	rp_json_free(j);
	rp_processes_fini(&p);
}

/* --- mount points --- */

static const char mounts_text[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
                                  "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
                                  "28 27 254:0 /x /tmp rw - ext4 /dev/vda rw\n"
                                  "29 27 0:5 / /usr rw - ReiserFS /dev/vdb rw\n"
                                  "30 27 0:6 / /etc rw - tmpfs tmpfs rw\n"
                                  "31 27 0:7 / /var rw - tmpfs tmpfs rw\n"
                                  "32 31 0:8 / /var/lib rw - tmpfs tmpfs rw\n"
                                  "33 31 0:9 / /no-such-folder rw - tmpfs tmpfs rw\n"
                                  "nonsense\n";

/* The mount points in the list, in order, each with a blank behind it. */
static void list_mounts(const struct rp_mounts_options *opt, char *text, size_t max)
{
	struct rp_buf out;
	struct rp_err err;
	struct rp_json *j;
	rp_buf_init(&out, JSON_MAX);
	assert_int_equal(rp_mounts_list(opt, &out), 0);
	assert_int_equal(rp_json_parse(rp_buf_head(&out), out.len, &j, &err), 0);
	text[0] = '\0';
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		size_t n = strlen(text);
		if (strncmp(rp_json_key(e), "free_b.", 7) == 0) {
			(void)snprintf(text + n, max - n, "%s ", rp_json_key(e) + 7);
		} else {
			assert_int_equal(strncmp(rp_json_key(e), "total_b./", 9), 0);
		}
	}
	rp_json_free(j);
	rp_buf_fini(&out);
}

static void test_mounts(void **state)
{
	(void)state;
	static char words[][9] = {"ext4", "reiserfs", "tmpfs", "/var", "/u?r"};
	char *types[] = {words[0], words[1], words[2]};
	char *var[] = {words[3], words[4]};
	struct {
		struct rp_strlist types;
		struct rp_strlist exclude;
		bool below;
		bool once;
		const char *want;
	} rows[] = {
	    {{types, 3}, {NULL, 0}, false, true, "/ /usr /etc /var /var/lib "},
	    {{types, 3}, {NULL, 0}, false, false, "/ /tmp /usr /etc /var /var/lib "},
	    {{types, 1}, {NULL, 0}, false, false, "/ /tmp "},
	    {{types, 0}, {NULL, 0}, false, false, ""},
	    {{types, 3}, {var, 2}, false, true, "/ /etc /var/lib "},
	    {{types, 3}, {var, 2}, true, true, "/ /etc "},
	};
	rp_fake_root_put("/proc/self/mountinfo", mounts_text);
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		char text[256];
		const struct rp_mounts_options opt = {.root = rp_fake_root,
		    .types = &rows[i].types,
		    .exclude = &rows[i].exclude,
		    .exclude_below = rows[i].below,
		    .once_per_device = rows[i].once};
		list_mounts(&opt, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

/* --- this machine --- */

static void test_this_machine(void **state)
{
	(void)state;
	struct rp_load l;
	struct rp_load_values v;
	struct rp_processes p = {0};
	size_t bytes;
	rp_load_init(&l, "", "lo", NULL);
	assert_int_equal(rp_load_look(&l, &v), 0);
	assert_true(v.cpu >= 0 && v.cpu <= 100 && v.io >= 0 && v.io <= 100);
	assert_true(v.memory > 0 && v.memory <= 100);
	const struct rp_processes_options opt = {
	    .root = "", .memory_total = v.memory_total, .kernel_tasks = false, .max = 500};
	struct rp_json *j = list_processes(&p, &opt, &bytes);
	bool found = false;
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		if (rp_json_number(rp_json_get(e, "pid")) == (double)getpid()) {
			found = true;
			assert_non_null(
			    strstr(rp_json_string(rp_json_get(e, "cmdline")), "test_measure"));
			assert_true(
			    rp_json_number(rp_json_get(e, "parent_pid")) == (double)getppid());
			assert_true(rp_json_number(rp_json_get(e, "rss")) > 100000);
		}
	}
	assert_true(found);
	rp_json_free(j);
	rp_processes_fini(&p);
}

static int oom_body(void *state)
{
	(void)state;
	char ext4[] = "ext4";
	char *types[] = {ext4};
	const struct rp_strlist type_list = {types, 1};
	const struct rp_strlist none = {0};
	struct rp_processes p = {0};
	struct rp_buf out;
	const struct rp_processes_options opt = {.root = rp_fake_root, .max = 500};
	const struct rp_mounts_options mounts = {
	    .root = rp_fake_root, .types = &type_list, .exclude = &none};
	rp_buf_init(&out, JSON_MAX);
	int rc = rp_processes_list(&p, &opt, &out);
	rc = rc != 0 ? rc : rp_processes_list(&p, &opt, &out);
	rc = rc != 0 ? rc : rp_mounts_list(&mounts, &out);
	rp_processes_fini(&p);
	rp_buf_fini(&out);
	return rc;
}

static void test_oom(void **state)
{
	(void)state;
	rp_fake_root_put("/proc/self/mountinfo", mounts_text);
	PUT(7, "init", 5, "/sbin/init\0--x\0");
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

#define WITH_ROOT(test) \
	cmocka_unit_test_setup_teardown(test, rp_fake_root_set_up, rp_fake_root_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cpu),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_card),
	    cmocka_unit_test(test_process),
	    cmocka_unit_test(test_mount),
	    WITH_ROOT(test_lines),
	    WITH_ROOT(test_load),
	    WITH_ROOT(test_processes),
	    WITH_ROOT(test_too_many_processes),
	    WITH_ROOT(test_mounts),
	    cmocka_unit_test(test_this_machine),
	    WITH_ROOT(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
