/* SPDX-License-Identifier: MIT */
/*
 * The text of --help from the table of options, and what --check-config says.
 */
#include <stdio.h>

#include "core/config.h"

#include "core/banned.h"

#define WIDTH    80
#define INDENT   8
#define HELP_MAX 65536

static const char *value_name(const struct rp_conf_opt *opt)
{
	switch (opt->type) {
	case RP_CONF_BOOL:
		return "";
	case RP_CONF_INT:
	case RP_CONF_FLOAT:
	case RP_CONF_DAYS:
		return " NUMBER";
	case RP_CONF_DURATION:
	case RP_CONF_STORAGE:
		return " TIME";
	case RP_CONF_SIZE:
		return " SIZE";
	case RP_CONF_STRLIST:
	case RP_CONF_PORTS:
		return " LIST";
	default:
		return " TEXT";
	}
}

/* Words of text, wrapped; *column is where the output stands. */
static int add_words(struct rp_buf *out, const char *text, size_t *column)
{
	struct rp_str rest = rp_str_c(text);
	struct rp_str word;
	int rc = 0;
	while (rc == 0 && rp_str_split(&rest, ' ', &word)) {
		if (word.len == 0) {
			continue;
		}
		bool wrap = *column > 0 && *column + 1 + word.len > WIDTH;
		bool start = *column == 0 || wrap;
		rc = rp_buf_printf(out, "%s%*s%.*s", wrap ? "\n" : "", start ? INDENT : 1, "",
		    (int)word.len, word.p);
		*column = (start ? INDENT : *column + 1) + word.len;
	}
	return rc;
}

static int add_option(struct rp_buf *out, const struct rp_conf_opt *opt)
{
	char letter[8] = "    ";
	char origin[160] = "";
	size_t column = 0;
	if (opt->letter != '\0') {
		(void)snprintf(letter, sizeof(letter), "-%c, ", opt->letter);
	}
	if (opt->section != NULL) {
		(void)snprintf(origin, sizeof(origin), "[%s.%s%s%s%s%s]", opt->section, opt->key,
		    opt->def == NULL ? "" : " = ", opt->def == NULL ? "" : opt->def,
		    opt->env == NULL ? "" : ", ", opt->env == NULL ? "" : opt->env);
	}
	for (char *p = origin; *p != '\0'; p++) {
		*p = *p == '\n' ? ',' : *p;
	}
	int rc = rp_buf_printf(out, "  %s--%s%s\n", letter, opt->flag, value_name(opt));
	rc = rc != 0 ? rc : add_words(out, opt->help == NULL ? "" : opt->help, &column);
	rc = rc != 0 ? rc : add_words(out, origin, &column);
	return rc != 0 ? rc : rp_buf_add_str(out, "\n");
}

int rp_conf_help(const struct rp_conf_spec *spec, struct rp_buf *out)
{
	size_t column = 0;
	int rc = rp_buf_printf(out,
	    "Usage: %s %s\n\n"
	    "Options; in brackets the key of the configuration file and its default. What is\n"
	    "true there is turned off with --NAME=false.\n"
	    "  -c, --config FILE\n"
	    "        Configuration file in TOML form. The command line has precedence.\n"
	    "        Without this option the following is read if it exists:\n",
	    spec->program, spec->usage);
	rc = rc != 0 ? rc : add_words(out, spec->default_file, &column);
	rc = rc != 0 ? rc
	             : rp_buf_add_str(out,
	                   "\n      --check-config\n"
	                   "        Check the configuration and end.\n"
	                   "      --version\n"
	                   "        Print the version and end.\n"
	                   "  -h, --help\n"
	                   "        Print this text and end.\n"
	                   "      --service install|uninstall|start|stop\n"
	                   "        Install the service of systemd, and so on; for root. -c names\n"
	                   "        its configuration file, by default\n");
	column = 0;
	rc = rc != 0 ? rc : add_words(out, spec->service_file, &column);
	rc = rc != 0 ? rc
	             : rp_buf_add_str(out,
	                   "\n      --service-user NAME\n"
	                   "        User that it runs as, made if missing: rport\n"
	                   "      --service-root DIR\n"
	                   "        Install into an image below DIR instead of this machine.\n");
	for (size_t i = 0; rc == 0 && i < spec->n_opts; i++) {
		if (spec->opts[i].flag != NULL) {
			rc = add_option(out, &spec->opts[i]);
		}
	}
	return rc;
}

int rp_conf_print_help(const struct rp_conf_spec *spec)
{
	struct rp_buf text;
	rp_buf_init(&text, HELP_MAX);
	int err = rp_conf_help(spec, &text);
	if (err == 0) {
		(void)fwrite(rp_buf_head(&text), 1, text.len, stdout);
	}
	rp_buf_fini(&text);
	return err == 0 ? 0 : 1;
}

void rp_conf_print_valid(const struct rp_conf *c)
{
	for (size_t i = 0; i < c->warnings.n; i++) {
		(void)printf("warning: %s\n", c->warnings.v[i]);
	}
	(void)puts("configuration is valid");
}
