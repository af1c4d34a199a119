/* SPDX-License-Identifier: MIT */
/*
 * `rport client policy`: the same decision as for a request of a server, for people.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/policy.h"
#include "client/runner.h"
#include "cmdpolicy/hours.h"
#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define TEXT_MAX ((size_t)1024 * 1024)
#define WRONG    2

static const char usage[] =
    "usage: rport client policy show [-c FILE]\n"
    "       rport client policy test [-c FILE] [--sudo] [--cwd DIR] COMMAND\n"
    "       rport client policy test [-c FILE] [--sudo] [--cwd DIR] --script [--interpreter X] TEXT\n"
    "\n"
    "show tells in plain words what the server may run here. test tells whether a command may\n"
    "run, and which rule decided; COMMAND is one word, so quote it. Without -c ./rport.conf is\n"
    "read if it exists.\n"
    "\n"
    "Exit status: 0 shown or allowed, 1 refused, 2 called wrongly.\n";

struct question {
	const char *file;
	const char *text;
	struct rp_cmd_request req;
	bool test;
	bool help;
};

/* Takes the value behind an option. */
static bool take(int argc, char **argv, int *i, const char **value)
{
	if (*i + 1 >= argc) {
		(void)fprintf(stderr, "rport client policy: %s needs a value\n", argv[*i]);
		return false;
	}
	*value = argv[++*i];
	return true;
}

static bool take_word(struct question *q, const char *word)
{
	if (q->text != NULL) {
		(void)fprintf(stderr,
		    "rport client policy: one word too many: \"%s\"; quote the command\n", word);
		return false;
	}
	q->text = word;
	return true;
}

static bool take_option(int argc, char **argv, int *i, struct question *q)
{
	const char *a = argv[*i];
	if (strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0) {
		return take(argc, argv, i, &q->file);
	}
	if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0) {
		q->help = true;
		return true;
	}
	if (q->test && strcmp(a, "--sudo") == 0) {
		q->req.is_sudo = true;
		return true;
	}
	if (q->test && strcmp(a, "--script") == 0) {
		q->req.is_script = true;
		return true;
	}
	if (q->test && strcmp(a, "--cwd") == 0) {
		return take(argc, argv, i, &q->req.cwd);
	}
	if (q->test && strcmp(a, "--interpreter") == 0) {
		return take(argc, argv, i, &q->req.interpreter);
	}
	(void)fprintf(stderr, "rport client policy: unknown option %s\n", a);
	return false;
}

static bool parse(int argc, char **argv, struct question *q)
{
	bool rest = false;
	q->req.minute = rp_hours_minute(time(NULL));
	if (argc > 0 && (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0)) {
		q->help = true;
		return true;
	}
	if (argc == 0 || (strcmp(argv[0], "show") != 0 && strcmp(argv[0], "test") != 0)) {
		(void)fputs("rport client policy: expected show or test\n", stderr);
		return false;
	}
	q->test = argv[0][0] == 't';
	for (int i = 1; i < argc; i++) {
		if (!rest && strcmp(argv[i], "--") == 0) {
			rest = true;
		} else if (!rest && argv[i][0] == '-') {
			if (!take_option(argc, argv, &i, q)) {
				return false;
			}
		} else if (!take_word(q, argv[i])) {
			return false;
		}
	}
	if (q->help || q->test == (q->text != NULL)) {
		return true;
	}
	(void)fputs(q->test ? "rport client policy: which command?\n"
	                    : "rport client policy: show takes no command\n",
	    stderr);
	return false;
}

static int show(const struct rp_cmdpolicy *p)
{
	struct rp_buf out;
	rp_buf_init(&out, TEXT_MAX);
	int rc = rp_cmdpolicy_text(p, &out);
	if (rc == 0) {
		(void)fwrite(rp_buf_head(&out), 1, out.len, stdout);
	} else {
		(void)fprintf(stderr, "rport client policy: %s\n", rp_err_text(rc));
	}
	rp_buf_fini(&out);
	return rc == 0 ? 0 : WRONG;
}

static void print_plan(const struct question *q, const struct rp_cmd_plan *plan)
{
	if (q->req.is_sudo) {
		(void)printf("runs by sudo -n%s%s\n", plan->user != NULL ? " -u " : "",
		    plan->user != NULL ? plan->user : "");
	}
	if (plan->shell) {
		(void)puts(q->req.is_script ? "runs as a script" : "runs by /bin/sh");
		return;
	}
	(void)printf("runs %s", plan->argv.v[0]);
	if (strcmp(plan->argv0, plan->argv.v[0]) != 0) {
		(void)printf(" (called %s)", plan->argv0);
	}
	(void)puts("");
	for (size_t i = 1; i < plan->argv.n; i++) {
		(void)printf("  argument %zu: %s\n", i, plan->argv.v[i]);
	}
}

static int test(const struct rp_cmdpolicy *p, struct question *q)
{
	struct rp_cmd_plan plan = {0};
	struct rp_err err = {0};
	struct rp_err reason = {0};
	q->req.command = q->text;
	int rc = rp_cmdpolicy_decide(p, &q->req, rp_runner_resolve, NULL, &plan, &err, &reason);
	(void)printf("%s: %s\n", rc == 0 ? "allowed" : "refused", reason.msg);
	if (rc == 0) {
		print_plan(q, &plan);
		rp_cmd_plan_fini(&plan);
	}
	return rc == 0 ? 0 : 1;
}

/* Only the section about commands has to be right: a file without a server is fine here. */
static int load(const struct question *q, struct rp_client_config *cfg, struct rp_err *err)
{
	char option[] = "-c";
	char *path = q->file == NULL ? NULL : rp_strdup(q->file);
	char *args[] = {option, path, NULL};
	if (q->file != NULL && path == NULL) {
		return rp_err_no_memory(err);
	}
	int mode = rp_client_config_load(cfg, path == NULL ? 0 : 2, args, err);
	rp_free(path);
	return mode < 0 ? mode : rp_client_config_check_commands(cfg, err);
}

static int answer(struct question *q)
{
	struct rp_client_config cfg;
	struct rp_cmdpolicy *p = NULL;
	struct rp_err err = {0};
	int status = WRONG;
	int rc = load(q, &cfg, &err);
	rc = rc != 0 ? rc : rp_client_policy_warn(&cfg);
	rc = rc != 0 ? rc : rp_client_policy_new(&cfg, &p, &err);
	if (rc != 0) {
		(void)fprintf(stderr, "rport client policy: %s\n",
		    err.msg[0] != '\0' ? err.msg : rp_err_text(rc));
	} else {
		for (size_t i = 0; i < cfg.conf.warnings.n; i++) {
			(void)printf("warning: %s\n", cfg.conf.warnings.v[i]);
		}
		status = q->test ? test(p, q) : show(p);
	}
	rp_cmdpolicy_free(p);
	rp_client_config_fini(&cfg);
	return status;
}

int rp_client_policy_main(int argc, char **argv)
{
	struct question q = {0};
	if (!parse(argc, argv, &q)) {
		(void)fputs(usage, stderr);
		return WRONG;
	}
	if (q.help) {
		(void)fputs(usage, stdout);
		return 0;
	}
	return answer(&q);
}
