/* SPDX-License-Identifier: MIT */
#include "client/packages.h"

#include <string.h>

#include "core/banned.h"

#define WORDS_MAX 8

/* Words between runs of blanks. More than WORDS_MAX: that many. */
static size_t split_words(struct rp_str line, struct rp_str words[static WORDS_MAX])
{
	size_t n = 0;
	size_t i = 0;
	while (n < WORDS_MAX) {
		while (
		    i < line.len && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == '\r')) {
			i++;
		}
		size_t from = i;
		while (i < line.len && line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') {
			i++;
		}
		if (i == from) {
			break;
		}
		words[n++] = rp_str_n(line.p + from, i - from);
	}
	return n;
}

static size_t split_columns(struct rp_str line, struct rp_str columns[static WORDS_MAX])
{
	struct rp_str part;
	size_t n = 0;
	while (n < WORDS_MAX && rp_str_split(&line, '|', &part)) {
		columns[n++] = rp_str_trim(part);
	}
	return n;
}

static bool contains(struct rp_str s, const char *what)
{
	return s.len > 0 && memmem(s.p, s.len, what, strlen(what)) != NULL;
}

bool rp_packages_apt(struct rp_str line, struct rp_package *p)
{
	struct rp_str words[WORDS_MAX];
	*p = (struct rp_package){0};
	if (!rp_str_starts(line, "Inst ") || split_words(line, words) < 3) {
		return false;
	}
	const char *open = memchr(line.p, '(', line.len);
	const char *close = open == NULL ? NULL
	                                 : memchr(open, ')', line.len - (size_t)(open - line.p));
	p->name = words[1];
	if (close != NULL) {
		p->version = rp_str_n(open + 1, (size_t)(close - open) - 1);
	}
	p->security = contains(p->version, "-security") || contains(p->version, "-Security");
	return true;
}

/* "NAME.ARCH": a name may have dots. */
static void split_arch(struct rp_str text, struct rp_package *p)
{
	const char *dot = text.len > 0 ? memrchr(text.p, '.', text.len) : NULL;
	p->name = text;
	if (dot != NULL) {
		size_t n = (size_t)(dot - text.p);
		p->name = rp_str_n(text.p, n);
		p->arch = rp_str_n(dot + 1, text.len - n - 1);
	}
}

static void keep_word(struct rp_packages_dnf *d, struct rp_str word)
{
	size_t len = RP_MIN(word.len, (size_t)RP_PACKAGES_WORD_MAX - 1);
	memcpy(d->words[d->n], word.p, len);
	d->words[d->n][len] = '\0';
	d->n++;
}

bool rp_packages_dnf(struct rp_packages_dnf *d, struct rp_str line, struct rp_package *p)
{
	struct rp_str words[WORDS_MAX];
	size_t n = split_words(line, words);
	bool folded = line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
	*p = (struct rp_package){0};
	d->obsoletes = d->obsoletes || rp_str_starts(line, "Obsoleting ");
	if (!folded) {
		d->n = 0;
	}
	if (n == 0 || d->n + n > 3 || d->obsoletes || (folded && d->n == 0)) {
		d->n = 0;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		keep_word(d, words[i]);
	}
	/* A message has no name with an architecture in front. */
	if (strchr(d->words[0], '.') == NULL) {
		d->n = 0;
		return false;
	}
	if (d->n < 3) {
		return false;
	}
	d->n = 0;
	split_arch(rp_str_c(d->words[0]), p);
	p->version = rp_str_c(d->words[1]);
	p->origin = rp_str_c(d->words[2]);
	return true;
}

bool rp_packages_zypper(struct rp_str line, struct rp_package *p)
{
	struct rp_str c[WORDS_MAX];
	*p = (struct rp_package){0};
	if (split_columns(line, c) != 6 || !rp_str_eq(c[0], "v") || c[2].len == 0) {
		return false;
	}
	p->name = c[2];
	p->version = c[4];
	p->arch = c[5];
	return true;
}

/* What goes on a command line. */
static bool is_patch_name(struct rp_str s)
{
	static const char others[] = "-_.+:~";
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9');
		if (!alnum && (i == 0 || memchr(others, c, sizeof(others) - 1) == NULL)) {
			return false;
		}
	}
	return s.len > 0 && s.len < RP_PACKAGES_WORD_MAX;
}

bool rp_packages_zypper_patch(struct rp_str line, struct rp_str *name)
{
	struct rp_str c[WORDS_MAX];
	if (split_columns(line, c) < 7 || rp_str_eq(c[0], "Repository") ||
	    rp_str_eq(c[5], "not needed") || rp_str_eq(c[5], "applied") || !is_patch_name(c[1])) {
		return false;
	}
	*name = c[1];
	return true;
}

bool rp_packages_zypper_info(struct rp_packages_patch *s, struct rp_str line, struct rp_package *p)
{
	struct rp_str words[WORDS_MAX];
	size_t n = split_words(line, words);
	*p = (struct rp_package){0};
	if (n == 0) {
		return false;
	}
	if (rp_str_starts(line, "Information for patch ")) {
		*s = (struct rp_packages_patch){0};
	} else if (n >= 3 && rp_str_eq(words[0], "Category") && rp_str_eq(words[1], ":")) {
		s->security = rp_str_eq(words[2], "security");
	} else if (n >= 3 && rp_str_eq(words[0], "Interactive") && rp_str_eq(words[1], ":")) {
		s->reboot = rp_str_eq(words[2], "reboot");
	} else if (rp_str_starts(line, "Conflicts")) {
		s->conflicts = true;
	} else if (s->conflicts && n == 3) {
		p->name = words[0];
		p->security = s->security;
		p->reboot = s->reboot;
		return true;
	}
	return false;
}

/* "a-b-1.2-r3": the version is the last two parts. */
bool rp_packages_apk(struct rp_str line, struct rp_package *p)
{
	struct rp_str words[WORDS_MAX];
	*p = (struct rp_package){0};
	if (split_words(line, words) < 2 || !contains(line, "[upgradable from:")) {
		return false;
	}
	struct rp_str full = words[0];
	const char *release = memrchr(full.p, '-', full.len);
	const char *version = release == NULL ? NULL
	                                      : memrchr(full.p, '-', (size_t)(release - full.p));
	if (version == NULL || version == full.p) {
		return false;
	}
	size_t n = (size_t)(version - full.p);
	p->name = rp_str_n(full.p, n);
	p->version = rp_str_n(version + 1, full.len - n - 1);
	p->arch = words[1];
	return true;
}
