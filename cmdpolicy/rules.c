/* SPDX-License-Identifier: MIT */
/*
 * The program has to fit twice, as it was sent and as it resolves. Where a rule names it by its
 * path, what that path resolves to is the owner's own doing; a pattern has to match both.
 */
#include "cmdpolicy/rules.h"

#include <stdio.h>
#include <string.h>

#include "cmdpolicy/hours.h"
#include "cmdpolicy/matcher.h"
#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define SECTION   "remote-commands.rule"
#define ARGS_MAX  256
#define HOURS_MAX 64
#define USER_MAX  64
#define TEXT_MAX  512

struct rule {
	unsigned line;
	struct rp_matcher path;
	struct rp_matcher *args;
	size_t n_args;
	struct rp_matcher rest; /* of each further argument; without texts there may be none */
	struct rp_matcher cwd;  /* without texts: no directory may be asked for */
	char *user;             /* NULL: without sudo */
	int64_t max_runtime;
	struct rp_hours *hours;
	size_t n_hours;
	char *comment;
};

struct rp_cmd_rules {
	struct rule *v;
	size_t n;
	const char *file; /* while it is parsed */
};

static bool is_given(const struct rp_matcher *m)
{
	return m->texts.n > 0;
}

/* --- reading --- */

static void rule_fini(struct rule *r)
{
	rp_matcher_fini(&r->path);
	for (size_t i = 0; i < r->n_args; i++) {
		rp_matcher_fini(&r->args[i]);
	}
	rp_free(r->args);
	rp_matcher_fini(&r->rest);
	rp_matcher_fini(&r->cwd);
	rp_free(r->user);
	rp_free(r->hours);
	rp_free(r->comment);
}

void rp_cmd_rules_free(struct rp_cmd_rules *rules)
{
	if (rules == NULL) {
		return;
	}
	for (size_t i = 0; i < rules->n; i++) {
		rule_fini(&rules->v[i]);
	}
	rp_free(rules->v);
	rp_free(rules);
}

static int take_path(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	int rc = rp_matcher_parse(v, &r->path, err);
	for (size_t i = 0; rc == 0 && r->path.pattern == NULL && i < r->path.texts.n; i++) {
		if (r->path.texts.v[i][0] != '/') {
			rc = rp_err_set(err, RP_EINVAL, "is not absolute, expected \"/...\"");
		}
	}
	return rc;
}

static int take_args(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	size_t n = 0;
	if (v->type != RP_TOML_ARRAY) {
		return rp_err_set(err, RP_EINVAL,
		    "is a %s, expected a list with an entry for each argument",
		    rp_toml_type_name(v->type));
	}
	for (const struct rp_toml *item = v->first; item != NULL; item = item->next) {
		n++;
	}
	if (n > ARGS_MAX) {
		return rp_err_set(
		    err, RP_EINVAL, "has %zu entries, expected at most %d", n, ARGS_MAX);
	}
	r->args = rp_calloc(n + 1, sizeof(*r->args));
	if (r->args == NULL) {
		return rp_err_no_memory(err);
	}
	for (const struct rp_toml *item = v->first; item != NULL; item = item->next) {
		int rc = rp_matcher_parse(item, &r->args[r->n_args++], err);
		if (rc != 0) {
			return rp_err_wrap(err, "argument %zu", r->n_args);
		}
	}
	return 0;
}

static int take_rest(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	return rp_matcher_parse(v, &r->rest, err);
}

static int take_cwd(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	return rp_matcher_parse(v, &r->cwd, err);
}

static int need_text(const struct rp_toml *v, struct rp_err *err)
{
	return v->type == RP_TOML_STRING
	    ? 0
	    : rp_err_set(err, RP_EINVAL, "is a %s, expected a text", rp_toml_type_name(v->type));
}

/* It becomes a word of sudo's: nothing that could be an option or a number of its own. */
static bool is_user_name(const char *s)
{
	size_t n = strnlen(s, USER_MAX);
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		bool other = (c >= '0' && c <= '9') || c == '-' || c == '.';
		if (!letter && !(other && i > 0)) {
			return false;
		}
	}
	return n > 0 && n < USER_MAX;
}

static int take_user(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	int rc = need_text(v, err);
	if (rc != 0) {
		return rc;
	}
	if (!is_user_name(v->text)) {
		return rp_err_set(
		    err, RP_EINVAL, "is no name of a user, expected such as \"root\"");
	}
	r->user = rp_strdup(v->text);
	return r->user == NULL ? rp_err_no_memory(err) : 0;
}

static int take_max_runtime(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	if (v->type != RP_TOML_STRING ||
	    rp_duration_parse(rp_str_c(v->text), &r->max_runtime) != 0 || r->max_runtime <= 0) {
		return rp_err_set(err, RP_EINVAL, "is no time, expected a text such as \"90s\"");
	}
	return 0;
}

static int add_hours(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	int rc = need_text(v, err);
	return rc != 0 ? rc : rp_hours_parse(rp_str_c(v->text), &r->hours[r->n_hours++], err);
}

static int take_hours(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	const struct rp_toml *item = v->type == RP_TOML_ARRAY ? v->first : v;
	if (item == NULL) {
		return rp_err_set(err, RP_EINVAL,
		    "is an empty list, expected texts such as \"Mon-Fri 08:00-18:00\"");
	}
	r->hours = rp_calloc(HOURS_MAX, sizeof(*r->hours));
	if (r->hours == NULL) {
		return rp_err_no_memory(err);
	}
	if (item == v) {
		return add_hours(r, v, err);
	}
	for (int rc = 0; item != NULL; item = item->next) {
		rc = r->n_hours < HOURS_MAX
		    ? add_hours(r, item, err)
		    : rp_err_set(err, RP_EINVAL, "expected at most %d entries", HOURS_MAX);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int take_comment(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	int rc = need_text(v, err);
	if (rc != 0) {
		return rc;
	}
	r->comment = rp_strdup(v->text);
	return r->comment == NULL ? rp_err_no_memory(err) : 0;
}

static const struct {
	const char *key;
	int (*take)(struct rule *r, const struct rp_toml *v, struct rp_err *err);
} keys[] = {
    {"path", take_path},
    {"args", take_args},
    {"rest", take_rest},
    {"cwd", take_cwd},
    {"user", take_user},
    {"max_runtime", take_max_runtime},
    {"hours", take_hours},
    {"comment", take_comment},
};

/* An unknown key is no warning here: what the owner wrote there was meant to restrict. */
static int take_key(struct rule *r, const struct rp_toml *v, struct rp_err *err)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(keys); i++) {
		if (strcmp(v->key, keys[i].key) == 0) {
			return keys[i].take(r, v, err);
		}
	}
	return rp_err_set(err, RP_EINVAL,
	    "is unknown, expected path, args, rest, cwd, user, max_runtime, hours or comment");
}

static int parse_rule(struct rp_cmd_rules *rules, const struct rp_toml *table, struct rp_err *err)
{
	struct rule *r = &rules->v[rules->n++];
	r->line = table->line;
	for (const struct rp_toml *v = table->first; v != NULL; v = v->next) {
		int rc = take_key(r, v, err);
		if (rc != 0) {
			return rp_err_wrap(
			    err, "%s:%u: " SECTION ".%.32s", rules->file, v->line, v->key);
		}
	}
	if (!is_given(&r->path)) {
		return rp_err_set(err, RP_EINVAL,
		    "%s:%u: " SECTION ": has no path, expected path = \"/...\"", rules->file,
		    table->line);
	}
	return 0;
}

int rp_cmd_rules_parse(
    const struct rp_toml *tables, const char *file, struct rp_cmd_rules **out, struct rp_err *err)
{
	size_t n = 0;
	for (const struct rp_toml *t = tables->first; t != NULL; t = t->next) {
		n++;
	}
	if (n > RP_CMD_RULES_MAX) {
		return rp_err_set(err, RP_EINVAL, "%s:%u: " SECTION ": more than %d rules", file,
		    tables->line, RP_CMD_RULES_MAX);
	}
	struct rp_cmd_rules *rules = rp_calloc(1, sizeof(*rules));
	if (rules == NULL || (rules->v = rp_calloc(n + 1, sizeof(*rules->v))) == NULL) {
		rp_free(rules);
		return rp_err_no_memory(err);
	}
	rules->file = file;
	int rc = 0;
	for (const struct rp_toml *t = tables->first; t != NULL && rc == 0; t = t->next) {
		rc = parse_rule(rules, t, err);
	}
	rules->file = NULL;
	if (rc != 0) {
		rp_cmd_rules_free(rules);
		return rc;
	}
	*out = rules;
	return 0;
}

/* --- deciding --- */

/* The steps in their order; the rule that gets furthest explains a refusal. */
enum step {
	STEP_PROGRAM,
	STEP_USER,
	STEP_CWD,
	STEP_ARGS,
	STEP_HOURS,
	STEP_DONE
};

struct progress {
	enum step at;
	size_t arg; /* that does not fit, from 1 */
	bool no_memory;
};

/* Anything unclear counts as a mismatch. */
static bool fits(const struct rp_matcher *m, const char *word, struct progress *p)
{
	int rc = rp_matcher_match(m, word);
	p->no_memory = p->no_memory || rc == RP_ENOMEM;
	return rc == 1;
}

static bool program_fits(const struct rule *r, const struct rp_cmd_facts *f, struct progress *p)
{
	return fits(&r->path, f->given, p) &&
	    (r->path.pattern == NULL || fits(&r->path, f->resolved, p));
}

static bool user_fits(const struct rule *r, const struct rp_cmd_facts *f)
{
	return (r->user != NULL) == f->sudo;
}

static bool cwd_fits(const struct rule *r, const struct rp_cmd_facts *f, struct progress *p)
{
	bool asked = f->cwd != NULL && f->cwd[0] != '\0';
	return !asked || (is_given(&r->cwd) && fits(&r->cwd, f->cwd, p));
}

static bool args_fit(const struct rule *r, const struct rp_cmd_facts *f, struct progress *p)
{
	size_t n = f->argv->n - 1;
	for (size_t i = 0; i < RP_MAX(n, r->n_args); i++) {
		p->arg = i + 1;
		const struct rp_matcher *m = i < r->n_args ? &r->args[i] : &r->rest;
		if (i >= n || !is_given(m) || !fits(m, f->argv->v[i + 1], p)) {
			return false;
		}
	}
	return true;
}

static bool hours_fit(const struct rule *r, const struct rp_cmd_facts *f)
{
	for (size_t i = 0; i < r->n_hours; i++) {
		if (rp_hours_has(&r->hours[i], f->minute)) {
			return true;
		}
	}
	return r->n_hours == 0;
}

static struct progress try_rule(const struct rule *r, const struct rp_cmd_facts *f)
{
	struct progress p = {.at = STEP_PROGRAM};
	if (!program_fits(r, f, &p)) {
		return p;
	}
	p.at = STEP_USER;
	if (!user_fits(r, f)) {
		return p;
	}
	p.at = STEP_CWD;
	if (!cwd_fits(r, f, &p)) {
		return p;
	}
	p.at = STEP_ARGS;
	if (!args_fit(r, f, &p)) {
		return p;
	}
	p.at = hours_fit(r, f) ? STEP_DONE : STEP_HOURS;
	return p;
}

static void explain(const struct rule *r, size_t index, struct progress p, struct rp_err *reason)
{
	static const char *const why[] = {
	    [STEP_PROGRAM] = "",
	    [STEP_USER] = "the user",
	    [STEP_CWD] = "the directory",
	    [STEP_HOURS] = "the time of the week",
	};
	if (p.at == STEP_PROGRAM) {
		(void)rp_err_set(reason, RP_EDENIED, "no rule names this program");
	} else if (p.at == STEP_ARGS) {
		(void)rp_err_set(reason, RP_EDENIED,
		    "no rule fits: rule %zu (line %u) comes nearest, argument %zu does not fit",
		    index + 1, r->line, p.arg);
	} else {
		(void)rp_err_set(reason, RP_EDENIED,
		    "no rule fits: rule %zu (line %u) comes nearest, %s does not fit", index + 1,
		    r->line, why[p.at]);
	}
}

int rp_cmd_rules_decide(const struct rp_cmd_rules *rules, const struct rp_cmd_facts *f,
    struct rp_cmd_verdict *verdict, struct rp_err *reason)
{
	struct progress best = {.at = STEP_PROGRAM};
	size_t nearest = 0;
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->v[i];
		struct progress p = try_rule(r, f);
		if (p.no_memory) {
			return rp_err_no_memory(reason);
		}
		if (p.at == STEP_DONE) {
			verdict->user = r->user;
			verdict->max_runtime = r->max_runtime;
			(void)rp_err_set(reason, 0, "rule %zu (line %u) fits%s%s%s", i + 1, r->line,
			    r->comment != NULL ? " (" : "", r->comment != NULL ? r->comment : "",
			    r->comment != NULL ? ")" : "");
			return 0;
		}
		if (p.at > best.at || (p.at == best.at && p.arg > best.arg)) {
			best = p;
			nearest = i;
		}
	}
	explain(&rules->v[nearest], nearest, best, reason);
	return RP_EDENIED;
}

/* --- showing --- */

static int show(struct rp_buf *out, const char *before, const struct rp_matcher *m)
{
	char text[TEXT_MAX];
	rp_matcher_text(m, text, sizeof(text));
	return rp_buf_printf(out, "%s%s", before, text);
}

static int show_hours(const struct rule *r, struct rp_buf *out)
{
	static const char names[] = "MonTueWedThuFriSatSun";
	int rc = 0;
	for (size_t i = 0; i < r->n_hours && rc == 0; i++) {
		const struct rp_hours *h = &r->hours[i];
		rc = rp_buf_add_str(out, i == 0 ? ", only" : " and");
		for (size_t d = 0; d < 7 && rc == 0; d++) {
			if ((h->days >> d & 1) != 0) {
				rc = rp_buf_printf(out, " %.3s", names + 3 * d);
			}
		}
		rc = rc != 0 ? rc
		             : rp_buf_printf(out, " %02d:%02d-%02d:%02d", h->from / 60,
		                   h->from % 60, h->to / 60, h->to % 60);
	}
	return rc;
}

static int show_rule(const struct rule *r, size_t i, struct rp_buf *out)
{
	char limit[RP_TIME_TEXT_MAX];
	int rc = rp_buf_printf(out, "rule %zu (line %u): run", i + 1, r->line);
	rc = rc != 0 ? rc : show(out, " ", &r->path);
	for (size_t k = 0; k < r->n_args && rc == 0; k++) {
		rc = show(out, k == 0 ? " with " : ", then ", &r->args[k]);
	}
	if (rc == 0 && is_given(&r->rest)) {
		rc = show(out, ", then any number of ", &r->rest);
	}
	rc = rc != 0
	    ? rc
	    : rp_buf_printf(out, ", as %s%s", r->user != NULL ? r->user : "the client's own user",
	          r->user != NULL ? " by sudo" : "");
	if (rc == 0 && is_given(&r->cwd)) {
		rc = show(out, ", in ", &r->cwd);
	}
	rc = rc != 0 ? rc : show_hours(r, out);
	if (rc == 0 && r->max_runtime > 0) {
		rp_duration_format(r->max_runtime, limit);
		rc = rp_buf_printf(out, ", for at most %s", limit);
	}
	if (rc == 0 && r->comment != NULL) {
		rc = rp_buf_printf(out, "  # %s", r->comment);
	}
	return rc != 0 ? rc : rp_buf_add_u8(out, '\n');
}

int rp_cmd_rules_text(const struct rp_cmd_rules *rules, struct rp_buf *out)
{
	int rc = 0;
	for (size_t i = 0; i < rules->n && rc == 0; i++) {
		rc = show_rule(&rules->v[i], i, out);
	}
	return rc;
}
