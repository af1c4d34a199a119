/* SPDX-License-Identifier: MIT */
/*
 * Numbers first, then what is behind them from the highest down; the list is written at the end,
 * when it is known how long the command lines may be.
 */
#include "client/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/procfs.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define PIDS_MAX     ((size_t)4 * 1024 * 1024) /* what a kernel can have */
#define STAT_BYTES   1024
#define NAME_MAX_LEN 64
#define CMDLINE_MAX  1024
#define TEXT_MAX     ((size_t)RP_PROCESSES_MAX * (CMDLINE_MAX + NAME_MAX_LEN))
#define CUT_PERCENT  0.005

/* How long a command line may be, tried in turn until all fits. */
static const size_t cmdline_limits[] = {CMDLINE_MAX, 256, 64, 0};

struct rp_process_times {
	int pid;
	uint64_t start;
	uint64_t ticks;
};

/* One process; its texts are a part of the list's text. */
struct entry {
	int pid;
	int64_t parent;
	const char *state;
	size_t name;
	size_t name_len;
	size_t cmdline;
	size_t cmdline_len;
	double cpu;
	double memory;
	uint64_t rss;
	uint64_t vms;
};

struct list {
	const struct rp_processes_options *opt;
	struct rp_processes *before;
	struct rp_processes now;
	size_t at_before; /* where in before to go on looking */
	int dir;
	long tick_hz;
	uint64_t page;
	int *pids;
	size_t n_pids;
	size_t cap_pids;
	struct entry *entries;
	size_t n;
	struct rp_buf text;
	char scratch[CMDLINE_MAX];
};

void rp_processes_fini(struct rp_processes *p)
{
	rp_free(p->times);
	*p = (struct rp_processes){0};
}

/* --- the numbers --- */

static int add_pid(struct list *l, int pid)
{
	if (l->n_pids == l->cap_pids) {
		size_t cap = l->cap_pids == 0 ? 256 : l->cap_pids * 2;
		int *grown = cap > PIDS_MAX ? NULL : rp_reallocarray(l->pids, cap, sizeof(*grown));
		if (grown == NULL) {
			return RP_ENOMEM;
		}
		l->pids = grown;
		l->cap_pids = cap;
	}
	l->pids[l->n_pids++] = pid;
	return 0;
}

static int higher_first(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

static int read_pids(struct list *l)
{
	int copy = fcntl(l->dir, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;
	int64_t pid;
	int rc = 0;
	if (d == NULL) {
		if (copy >= 0) {
			(void)close(copy);
		}
		return RP_EIO;
	}
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (rp_str_i64(rp_str_c(e->d_name), 1, INT_MAX, &pid) == 0) {
			rc = add_pid(l, (int)pid);
		}
	}
	(void)closedir(d);
	if (l->n_pids > 0) {
		qsort(l->pids, l->n_pids, sizeof(*l->pids), higher_first);
	}
	return rc;
}

/* --- one process --- */

/* What is in the file, up to cap bytes; empty for a process that is gone or that is not for us. */
static size_t read_file(const struct list *l, int pid, const char *name, char *out, size_t cap)
{
	char path[64];
	size_t n = 0;
	ssize_t got = 1;
	(void)snprintf(path, sizeof(path), "%d/%s", pid, name);
	int fd = openat(l->dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return 0;
	}
	while (n < cap && (got > 0 || (got < 0 && errno == EINTR))) {
		got = read(fd, out + n, cap - n);
		n += got > 0 ? (size_t)got : 0;
	}
	(void)close(fd);
	return n;
}

/* A cut in the middle of a character takes all of it away. */
static size_t whole_chars(const char *p, size_t n, size_t max)
{
	if (n <= max) {
		return n;
	}
	size_t cut = max;
	while (cut > 0 && ((unsigned char)p[cut] & 0xc0) == 0x80) {
		cut--;
	}
	return cut;
}

static int add_text(struct list *l, const char *p, size_t n, size_t *at)
{
	*at = l->text.len;
	return rp_buf_add(&l->text, p, n);
}

/* Words end in NUL; in the list blanks stand between them. */
static int add_cmdline(struct list *l, struct entry *e)
{
	char *p = l->scratch;
	size_t n = read_file(l, e->pid, "cmdline", p, sizeof(l->scratch));
	while (n > 0 && p[n - 1] == '\0') {
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		p[i] = p[i] == '\0' ? ' ' : p[i];
	}
	e->cmdline_len = n == sizeof(l->scratch) ? whole_chars(p, n, n - 4) : n;
	return add_text(l, p, e->cmdline_len, &e->cmdline);
}

/* Share of one processor since the list before, in percent; both lists go from high to low. */
static double usage(struct list *l, int pid, const struct rp_process_stat *s)
{
	const struct rp_processes *b = l->before;
	while (l->at_before < b->n && b->times[l->at_before].pid > pid) {
		l->at_before++;
	}
	if (l->at_before == b->n || l->now.at_ns <= b->at_ns) {
		return 0;
	}
	const struct rp_process_times *t = &b->times[l->at_before];
	if (t->pid != pid || t->start != s->start || s->ticks < t->ticks) {
		return 0;
	}
	double seconds = (double)(l->now.at_ns - b->at_ns) / (double)RP_NS_PER_S;
	return round((double)(s->ticks - t->ticks) / (double)l->tick_hz / seconds * 10000) / 100;
}

static int add_process(struct list *l, int pid)
{
	char stat[STAT_BYTES];
	struct rp_process_stat s;
	size_t n = read_file(l, pid, "stat", stat, sizeof(stat));
	if (rp_procfs_process(rp_str_n(stat, n), &s) != 0 ||
	    (s.kernel_task && !l->opt->kernel_tasks)) {
		return 0;
	}
	struct entry *e = &l->entries[l->n];
	*e = (struct entry){.pid = pid, .parent = s.parent, .state = s.state, .vms = s.vms};
	e->cpu = usage(l, pid, &s);
	e->rss = s.rss_pages <= UINT64_MAX / l->page ? s.rss_pages * l->page : 0;
	if (l->opt->memory_total > 0) {
		double share = (double)e->rss / (double)l->opt->memory_total;
		e->memory = round(share * 10000) / 100;
	}
	e->name_len = whole_chars(s.name.p, s.name.len, NAME_MAX_LEN);
	int rc = add_text(l, s.name.p, e->name_len, &e->name);
	if (rc == 0 && !s.kernel_task) {
		rc = add_cmdline(l, e);
	}
	l->now.times[l->n] = (struct rp_process_times){pid, s.start, s.ticks};
	l->now.n = ++l->n;
	return rc;
}

static int read_processes(struct list *l)
{
	size_t max = RP_MIN(RP_MIN(l->opt->max, (size_t)RP_PROCESSES_MAX), l->n_pids);
	int rc = 0;
	l->entries = rp_calloc(max, sizeof(*l->entries));
	l->now.times = rp_calloc(max, sizeof(*l->now.times));
	if (l->entries == NULL || l->now.times == NULL) {
		return RP_ENOMEM;
	}
	for (size_t i = 0; rc == 0 && i < l->n_pids && l->n < max; i++) {
		rc = add_process(l, l->pids[i]);
	}
	return rc;
}

/* --- the JSON --- */

static void write_entry(
    struct rp_jsonw *w, const struct list *l, const struct entry *e, size_t cmdline_max)
{
	const char *text = (const char *)rp_buf_head(&l->text);
	rp_jsonw_obj(w);
	rp_jsonw_put_int(w, "pid", e->pid);
	rp_jsonw_put_int(w, "parent_pid", e->parent);
	rp_jsonw_key(w, "name");
	rp_jsonw_strn(w, rp_str_n(text + e->name, e->name_len));
	rp_jsonw_key(w, "cmdline");
	rp_jsonw_strn(w,
	    rp_str_n(
	        text + e->cmdline, whole_chars(text + e->cmdline, e->cmdline_len, cmdline_max)));
	rp_jsonw_put_str(w, "state", e->state);
	if (e->cpu >= CUT_PERCENT) {
		rp_jsonw_key(w, "cpu_avg_usage_percent");
		rp_jsonw_double(w, e->cpu);
	}
	rp_jsonw_put_uint(w, "rss", e->rss);
	rp_jsonw_put_uint(w, "vms", e->vms);
	rp_jsonw_key(w, "memory_usage_percent");
	rp_jsonw_double(w, e->memory);
	rp_jsonw_obj_end(w);
}

/* Bytes of JSON as a JSON string. */
static size_t escaped_len(const uint8_t *p, size_t n)
{
	size_t len = n;
	for (size_t i = 0; i < n; i++) {
		len += p[i] == '"' || p[i] == '\\' ? 1 : 0;
	}
	return len;
}

/* Appends to out. *all is false when some had no room. */
static int write_list(const struct list *l, size_t cmdline_max, struct rp_buf *out, bool *all)
{
	struct rp_jsonw w;
	size_t escaped = 2;
	*all = true;
	rp_jsonw_init(&w, out);
	rp_jsonw_arr(&w);
	for (size_t i = 0; i < l->n; i++) {
		struct rp_jsonw before = w;
		size_t len = out->len;
		write_entry(&w, l, &l->entries[i], cmdline_max);
		escaped += escaped_len(rp_buf_head(out) + len, out->len - len);
		if (escaped > RP_PROCESSES_ESCAPED_MAX) {
			*all = false;
			out->len = len;
			w = before;
			break;
		}
	}
	rp_jsonw_arr_end(&w);
	return rp_jsonw_end(&w);
}

static int write_json(const struct list *l, struct rp_buf *out)
{
	size_t from = out->len;
	bool all = false;
	int rc = 0;
	for (size_t i = 0; rc == 0 && !all && i < RP_ARRAY_LEN(cmdline_limits); i++) {
		out->len = from;
		rc = write_list(l, cmdline_limits[i], out, &all);
	}
	return rc;
}

static int make_list(struct list *l, struct rp_buf *out)
{
	int rc = read_pids(l);
	l->now.at_ns = rp_clock_ns();
	rc = rc != 0 ? rc : read_processes(l);
	return rc != 0 ? rc : write_json(l, out);
}

int rp_processes_list(
    struct rp_processes *p, const struct rp_processes_options *opt, struct rp_buf *out)
{
	char path[PATH_MAX];
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		return RP_ENOMEM;
	}
	l->opt = opt;
	l->before = p;
	l->tick_hz = RP_MAX(sysconf(_SC_CLK_TCK), 1L);
	l->page = (uint64_t)RP_MAX(sysconf(_SC_PAGESIZE), 1L);
	rp_buf_init(&l->text, TEXT_MAX);
	(void)snprintf(path, sizeof(path), "%s/proc", opt->root);
	l->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = l->dir < 0 ? RP_EIO : make_list(l, out);
	if (l->dir >= 0) {
		(void)close(l->dir);
	}
	if (rc == 0) {
		rp_processes_fini(p);
		*p = l->now;
	} else {
		rp_processes_fini(&l->now);
	}
	rp_buf_fini(&l->text);
	rp_free(l->pids);
	rp_free(l->entries);
	rp_free(l);
	return rc;
}
