/* SPDX-License-Identifier: MIT */
/*
 * The command line in the GNU way: --name value, --name=value, -n value, -nvalue, --bool,
 * --bool=false, "--" ends the options. Values are only collected here; core/config.c applies
 * them after the file.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/config_impl.h"

#include "core/banned.h"

#define DISTANCE_MAX 3

enum builtin {
	B_NONE,
	B_CONFIG,
	B_CHECK,
	B_VERSION,
	B_HELP,
	B_SERVICE,
	B_SERVICE_USER,
	B_SERVICE_ROOT
};

static const struct builtin_flag {
	const char *name;
	char letter;
	bool has_value;
	enum builtin what;
} builtins[] = {
    {"config", 'c', true, B_CONFIG},
    {"check-config", '\0', false, B_CHECK},
    {"version", '\0', false, B_VERSION},
    {"help", 'h', false, B_HELP},
    {"service", '\0', true, B_SERVICE},
    {"service-user", '\0', true, B_SERVICE_USER},
    {"service-root", '\0', true, B_SERVICE_ROOT},
};

struct walk {
	struct rp_conf *c;
	struct rp_conf_cmdline *line;
	char *const *argv;
	int argc;
	int at;
	struct rp_err *err;
};

/* An option as found: one of opt and builtin is set. */
struct found {
	const struct rp_conf_opt *opt;
	const struct builtin_flag *builtin;
};

static struct found find(const struct rp_conf *c, struct rp_str name, char letter)
{
	struct found f = {0};
	for (size_t i = 0; i < RP_ARRAY_LEN(builtins); i++) {
		const struct builtin_flag *b = &builtins[i];
		if (letter != '\0' ? b->letter == letter : rp_str_eq(name, b->name)) {
			f.builtin = b;
		}
	}
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->flag != NULL &&
		    (letter != '\0' ? opt->letter == letter : rp_str_eq(name, opt->flag))) {
			f.opt = opt;
		}
	}
	return f;
}

static int unknown(const struct walk *w, struct rp_str name)
{
	char text[65];
	const char *best = NULL;
	size_t best_distance = DISTANCE_MAX + 1;
	(void)snprintf(text, sizeof(text), "%.*s", (int)RP_MIN(name.len, (size_t)64), name.p);
	for (size_t i = 0; i < w->c->spec->n_opts; i++) {
		const char *flag = w->c->spec->opts[i].flag;
		size_t d = flag == NULL ? SIZE_MAX : rp_str_distance(flag, text);
		if (d < best_distance) {
			best = flag;
			best_distance = d;
		}
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(builtins); i++) {
		size_t d = rp_str_distance(builtins[i].name, text);
		if (d < best_distance) {
			best = builtins[i].name;
			best_distance = d;
		}
	}
	if (best != NULL) {
		return rp_err_set(
		    w->err, RP_EINVAL, "unknown option --%s, did you mean --%s?", text, best);
	}
	return rp_err_set(w->err, RP_EINVAL, "unknown option --%s", text);
}

static int service(struct walk *w, const char *action)
{
	static const char *const actions[] = {"install", "uninstall", "start", "stop"};
	for (size_t i = 0; i < RP_ARRAY_LEN(actions); i++) {
		if (strcmp(action, actions[i]) == 0) {
			w->line->mode = RP_CONF_SERVICE;
			w->c->service.action = actions[i];
			return 0;
		}
	}
	return rp_err_set(
	    w->err, RP_EINVAL, "--service: expected one of install, uninstall, start, stop");
}

static int use_builtin(struct walk *w, enum builtin what, const char *text)
{
	enum rp_conf_mode *mode = &w->line->mode;
	switch (what) {
	case B_CONFIG:
		w->line->file = text;
		return 0;
	case B_CHECK:
		*mode = *mode == RP_CONF_RUN ? RP_CONF_CHECK : *mode;
		return 0;
	case B_VERSION:
		*mode = RP_CONF_VERSION;
		return 0;
	case B_HELP:
		*mode = RP_CONF_HELP;
		return 0;
	case B_SERVICE:
		return service(w, text);
	case B_SERVICE_USER:
		w->c->service.user = text;
		return 0;
	case B_SERVICE_ROOT:
		w->c->service.root = text;
		return 0;
	case B_NONE:
		break;
	}
	return 0;
}

/* The next word is the value, unless it stood in the same word. */
static int take_value(struct walk *w, const char *flag, const char **text)
{
	if (*text != NULL) {
		return 0;
	}
	if (w->at + 1 >= w->argc) {
		return rp_err_set(w->err, RP_EINVAL, "--%s: the value is missing", flag);
	}
	*text = w->argv[++w->at];
	return 0;
}

/* name and letter are the option as written; value is what stands behind it in the same word,
 * or NULL. */
static int option(struct walk *w, struct rp_str name, char letter, const char *text)
{
	struct found f = find(w->c, name, letter);
	if (f.opt == NULL && f.builtin == NULL) {
		return letter == '\0' ? unknown(w, name)
		                      : rp_err_set(w->err, RP_EINVAL, "unknown option -%c", letter);
	}
	if (f.builtin != NULL) {
		if (!f.builtin->has_value && text != NULL) {
			return rp_err_set(
			    w->err, RP_EINVAL, "--%s: expected no value", f.builtin->name);
		}
		int rc = f.builtin->has_value ? take_value(w, f.builtin->name, &text) : 0;
		return rc != 0 ? rc : use_builtin(w, f.builtin->what, text == NULL ? "" : text);
	}
	int rc = f.opt->type != RP_CONF_BOOL ? take_value(w, f.opt->flag, &text) : 0;
	if (rc != 0) {
		return rc;
	}
	w->line->given[w->line->n++] = (struct rp_conf_given){
	    .opt = f.opt, .text = text == NULL ? "true" : text};
	return 0;
}

static int positional(struct walk *w, const char *word)
{
	if (!w->c->spec->takes_args) {
		return rp_err_set(
		    w->err, RP_EINVAL, "unexpected argument \"%.64s\", expected an option", word);
	}
	int rc = rp_strlist_add(&w->c->args, rp_str_c(word));
	return rc == 0 ? 0 : rp_err_set(w->err, rc, "%s", rp_err_text(rc));
}

static int word(struct walk *w)
{
	const char *s = w->argv[w->at];
	if (s[0] != '-' || s[1] == '\0') {
		return positional(w, s);
	}
	if (s[1] == '-') {
		struct rp_str rest = rp_str_c(&s[2]);
		struct rp_str name;
		(void)rp_str_split(&rest, '=', &name);
		return option(w, name, '\0', rest.p);
	}
	const char *behind = s[2] == '=' ? &s[3] : &s[2];
	return option(w, rp_str_c(""), s[1], s[2] == '\0' ? NULL : behind);
}

int rp_conf_args(struct rp_conf *c, int argc, char *const *argv, struct rp_conf_cmdline *line,
    struct rp_err *err)
{
	struct walk w = {.c = c, .line = line, .argv = argv, .argc = argc, .err = err};
	line->given = rp_calloc((size_t)argc + 1, sizeof(*line->given));
	if (line->given == NULL) {
		return rp_err_no_memory(err);
	}
	bool options = true;
	for (; w.at < argc; w.at++) {
		if (options && strcmp(argv[w.at], "--") == 0) {
			options = false;
			continue;
		}
		int rc = options ? word(&w) : positional(&w, argv[w.at]);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static bool is_secret(const struct rp_conf_spec *spec, struct rp_str name)
{
	for (size_t i = 0; i < spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &spec->opts[i];
		if (opt->flag != NULL && rp_str_eq(name, opt->flag)) {
			return (opt->flags & RP_CONF_F_SECRET) != 0;
		}
	}
	return false;
}

void rp_conf_hide_secrets(const struct rp_conf_spec *spec, int argc, char *const *argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		size_t n = strcspn(argv[i], "=");
		if (strncmp(argv[i], "--", 2) != 0 ||
		    !is_secret(spec, rp_str_n(&argv[i][2], n - 2))) {
			continue;
		}
		char *value = argv[i][n] == '=' ? &argv[i][n + 1] : NULL;
		if (value == NULL && i + 1 < argc) {
			value = argv[++i];
		}
		if (value != NULL) {
			memset(value, '*', strlen(value));
		}
	}
}
