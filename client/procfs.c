/* SPDX-License-Identifier: MIT */
/*
 * Field numbers are those of proc(5).
 */
#include "client/procfs.h"

#include <string.h>

#include "core/err.h"

#include "core/banned.h"

#define CPU_FIELDS   8          /* user nice system idle iowait irq softirq steal */
#define PF_KTHREAD   0x00200000 /* of the flags of a process */
#define STAT_PARENT  4
#define STAT_FLAGS   9
#define STAT_UTIME   14
#define STAT_STIME   15
#define STAT_START   22
#define STAT_VSIZE   23
#define STAT_RSS     24
#define CARD_FIELDS  16
#define CARD_IN      0
#define CARD_OUT     8
#define MOUNT_DEVICE 3
#define MOUNT_PATH   5

/* The next word of a line; runs of blanks count as one. */
static bool next_word(struct rp_str *rest, struct rp_str *word)
{
	while (rp_str_split(rest, ' ', word)) {
		if (word->len > 0) {
			return true;
		}
	}
	return false;
}

static bool next_number(struct rp_str *rest, uint64_t *v)
{
	struct rp_str word;
	return next_word(rest, &word) && rp_str_u64(word, UINT64_MAX, v) == 0;
}

int rp_procfs_cpu(struct rp_str text, struct rp_cpu_times *t)
{
	struct rp_str line;
	struct rp_str word;
	uint64_t v[CPU_FIELDS] = {0};
	if (!rp_str_split(&text, '\n', &line) || !next_word(&line, &word) ||
	    !rp_str_eq(word, "cpu")) {
		return RP_EPROTO;
	}
	size_t n = 0;
	while (n < CPU_FIELDS && next_number(&line, &v[n])) {
		n++;
	}
	/* Old kernels have less; idle time is the fourth. */
	if (n < 4) {
		return RP_EPROTO;
	}
	*t = (struct rp_cpu_times){.iowait = v[4]};
	for (size_t i = 0; i < CPU_FIELDS; i++) {
		t->total += v[i];
	}
	t->busy = t->total - v[3] - v[4];
	return 0;
}

double rp_procfs_share(uint64_t before, uint64_t now, uint64_t total_before, uint64_t total_now)
{
	if (now <= before || total_now <= total_before) {
		return 0;
	}
	double share = (double)(now - before) * 100 / (double)(total_now - total_before);
	return RP_MIN(share, 100.0);
}

/* Bytes of a line "Name:  123 kB". */
static uint64_t kib_value(struct rp_str text, const char *name)
{
	struct rp_str line;
	while (rp_str_split(&text, '\n', &line)) {
		struct rp_str key;
		uint64_t v;
		(void)rp_str_split(&line, ':', &key);
		if (rp_str_eq(key, name) && next_number(&line, &v) && v <= UINT64_MAX / 1024) {
			return v * 1024;
		}
	}
	return 0;
}

int rp_procfs_memory(struct rp_str text, struct rp_memory *m)
{
	static const char *const names[] = {"MemFree", "Buffers", "Cached", "SReclaimable"};
	m->total = kib_value(text, "MemTotal");
	m->used = m->total;
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		m->used -= RP_MIN(m->used, kib_value(text, names[i]));
	}
	return m->total > 0 ? 0 : RP_EPROTO;
}

int rp_procfs_card(struct rp_str line, struct rp_card_bytes *c)
{
	struct rp_str name;
	uint64_t v[CARD_FIELDS];
	if (!rp_str_split(&line, ':', &name)) {
		return RP_EPROTO;
	}
	for (size_t i = 0; i < CARD_FIELDS; i++) {
		if (!next_number(&line, &v[i])) {
			return RP_EPROTO;
		}
	}
	c->name = rp_str_trim(name);
	c->in = v[CARD_IN];
	c->out = v[CARD_OUT];
	return c->name.len > 0 ? 0 : RP_EPROTO;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "blocked";
	case 'Z':
		return "zombie";
	case 'X':
	case 'x':
		return "dead";
	case 'T':
	case 't':
		return "stopped";
	case 'W':
		return "paging";
	case 'P':
		return "parked";
	case 'I':
		return "idle";
	default:
		return "unknown";
	}
}

static bool take_field(struct rp_process_stat *s, unsigned number, struct rp_str word)
{
	uint64_t v = 0;
	if (number == STAT_PARENT) {
		return rp_str_i64(word, INT32_MIN, INT32_MAX, &s->parent) == 0;
	}
	bool wanted = number == STAT_FLAGS || number == STAT_UTIME || number == STAT_STIME ||
	    (number >= STAT_START && number <= STAT_RSS);
	if (wanted && rp_str_u64(word, UINT64_MAX, &v) != 0) {
		return false;
	}
	if (number == STAT_FLAGS) {
		s->kernel_task = (v & PF_KTHREAD) != 0;
	} else if (number == STAT_UTIME || number == STAT_STIME) {
		s->ticks += v;
	} else if (number == STAT_START) {
		s->start = v;
	} else if (number == STAT_VSIZE) {
		s->vms = v;
	} else if (number == STAT_RSS) {
		s->rss_pages = v;
	}
	return true;
}

/* The name may hold blanks and brackets: it ends at the last one. */
int rp_procfs_process(struct rp_str text, struct rp_process_stat *s)
{
	const char *open = memchr(text.p, '(', text.len);
	const char *close = memrchr(text.p, ')', text.len);
	struct rp_str word;
	if (open == NULL || close == NULL || close < open) {
		return RP_EPROTO;
	}
	*s = (struct rp_process_stat){.name = rp_str_n(open + 1, (size_t)(close - open) - 1)};
	size_t used = (size_t)(close - text.p) + 1;
	struct rp_str rest = rp_str_trim(rp_str_n(text.p + used, text.len - used));
	if (!next_word(&rest, &word)) {
		return RP_EPROTO;
	}
	s->state = state_name(word.p[0]);
	for (unsigned number = STAT_PARENT; number <= STAT_RSS; number++) {
		if (!next_word(&rest, &word) || !take_field(s, number, word)) {
			return RP_EPROTO;
		}
	}
	return 0;
}

static bool copy_word(char out[static RP_MOUNT_WORD_MAX], struct rp_str word)
{
	if (word.len >= RP_MOUNT_WORD_MAX || memchr(word.p, '\0', word.len) != NULL) {
		return false;
	}
	memcpy(out, word.p, word.len);
	out[word.len] = '\0';
	return true;
}

/* Three digits from i on. */
static bool is_octal(struct rp_str s, size_t i)
{
	return s.p[i] >= '0' && s.p[i] <= '3' && s.p[i + 1] >= '0' && s.p[i + 1] <= '7' &&
	    s.p[i + 2] >= '0' && s.p[i + 2] <= '7';
}

/* Blanks, tabs, line ends and backslashes are written as \ooo. */
static bool copy_path(char out[static RP_MOUNT_PATH_MAX], struct rp_str word)
{
	size_t n = 0;
	for (size_t i = 0; i < word.len && n < RP_MOUNT_PATH_MAX - 1; i++) {
		char c = word.p[i];
		if (c == '\\' && word.len - i >= 4 && is_octal(word, i + 1)) {
			c = (char)((word.p[i + 1] - '0') * 64 + (word.p[i + 2] - '0') * 8 +
			    (word.p[i + 3] - '0'));
			i += 3;
		}
		if (c == '\0') {
			return false;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return word.len > 0 && n < RP_MOUNT_PATH_MAX - 1;
}

/* "36 35 98:0 /mnt1 /mnt/parent rw,noatime master:1 - ext3 /dev/root rw": any number of words before
 * the dash, and behind it the type. */
int rp_procfs_mount(struct rp_str line, struct rp_mount *m)
{
	struct rp_str word;
	for (unsigned i = 1; i <= MOUNT_PATH; i++) {
		if (!next_word(&line, &word) ||
		    (i == MOUNT_DEVICE && !copy_word(m->device, word)) ||
		    (i == MOUNT_PATH && !copy_path(m->path, word))) {
			return RP_EPROTO;
		}
	}
	bool dash = false;
	while (!dash && next_word(&line, &word)) {
		dash = rp_str_eq(word, "-");
	}
	return dash && next_word(&line, &word) && copy_word(m->type, word) ? 0 : RP_EPROTO;
}
