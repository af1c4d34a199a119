/* SPDX-License-Identifier: MIT */
/*
 * The decision. Without a shell the text has to be a plain list of words with an absolute
 * program, and the owner's expressions have to agree twice: on the text as it was sent and on the
 * command as it would run. Every doubt (a limit reached, no memory) is a refusal.
 */
#include "cmdpolicy/cmdpolicy.h"

#include <string.h>

#include "cmdpolicy/regex.h"
#include "cmdpolicy/rules.h"
#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define EXPRESSIONS_MAX 1024
#define RESOLVED_MAX    4096
#define JOINED_MAX      (2 * RP_COMMAND_TEXT_MAX)

struct expressions {
	struct rp_regex **v;
	struct rp_strlist texts;
	size_t n;
};

struct rp_cmdpolicy {
	bool enabled;
	bool scripts_enabled;
	bool shell;
	bool no_sudo;
	bool deny_first; /* order deny,allow */
	struct expressions allow;
	struct expressions deny;
	struct rp_cmd_rules *rules; /* NULL: the expressions decide */
	struct rp_strlist interpreters;
};

static void expressions_fini(struct expressions *e)
{
	for (size_t i = 0; i < e->n; i++) {
		rp_regex_free(e->v[i]);
	}
	rp_free(e->v);
	rp_strlist_fini(&e->texts);
	*e = (struct expressions){0};
}

static int compile(
    const struct rp_strlist *list, const char *name, struct expressions *e, struct rp_err *err)
{
	if (list == NULL || list->n == 0) {
		return 0;
	}
	if (list->n > EXPRESSIONS_MAX) {
		return rp_err_set(err, RP_ELIMIT, "remote commands: more than %d %s expressions",
		    EXPRESSIONS_MAX, name);
	}
	e->v = rp_calloc(list->n, sizeof(struct rp_regex *));
	if (e->v == NULL) {
		return rp_err_no_memory(err);
	}
	for (; e->n < list->n; e->n++) {
		int rc = rp_regex_new(list->v[e->n], &e->v[e->n], err);
		if (rc != 0) {
			(void)rp_err_wrap(err, "remote commands: %s regexp", name);
			return rc;
		}
	}
	return rp_strlist_copy(&e->texts, list) == 0 ? 0 : rp_err_no_memory(err);
}

/* No list at all is the default order. */
static int parse_order(const struct rp_strlist *order, bool *deny_first, struct rp_err *err)
{
	*deny_first = false;
	if (order == NULL) {
		return 0;
	}
	if (order->n == 2 && strcmp(order->v[0], "allow") == 0 &&
	    strcmp(order->v[1], "deny") == 0) {
		return 0;
	}
	if (order->n == 2 && strcmp(order->v[0], "deny") == 0 &&
	    strcmp(order->v[1], "allow") == 0) {
		*deny_first = true;
		return 0;
	}
	return rp_err_set(err, RP_EINVAL,
	    "remote commands: invalid order: %.32s%s%.32s, expected 'allow','deny' or 'deny','allow'",
	    order->n > 0 ? order->v[0] : "empty", order->n > 1 ? "," : "",
	    order->n > 1 ? order->v[1] : "");
}

int rp_cmdpolicy_new(
    const struct rp_cmdpolicy_options *opt, struct rp_cmdpolicy **out, struct rp_err *err)
{
	struct rp_cmdpolicy *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return rp_err_no_memory(err);
	}
	p->enabled = opt->enabled;
	p->scripts_enabled = opt->scripts_enabled;
	p->shell = opt->shell;
	p->no_sudo = opt->no_sudo;
	int rc = parse_order(opt->order, &p->deny_first, err);
	rc = rc != 0 ? rc : compile(opt->allow, "allow", &p->allow, err);
	rc = rc != 0 ? rc : compile(opt->deny, "deny", &p->deny, err);
	if (rc == 0 && opt->rules != NULL) {
		rc = rp_cmd_rules_parse(opt->rules, opt->file, &p->rules, err);
	}
	if (rc == 0 && opt->interpreters != NULL &&
	    rp_strlist_copy(&p->interpreters, opt->interpreters) != 0) {
		rc = rp_err_no_memory(err);
	}
	if (rc != 0) {
		rp_cmdpolicy_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void rp_cmdpolicy_free(struct rp_cmdpolicy *p)
{
	if (p == NULL) {
		return;
	}
	expressions_fini(&p->allow);
	expressions_fini(&p->deny);
	rp_cmd_rules_free(p->rules);
	rp_strlist_fini(&p->interpreters);
	rp_free(p);
}

/* 1 and the index of the first that matches, 0, or an error. */
static int search(const struct expressions *e, struct rp_str text, size_t *index)
{
	for (size_t i = 0; i < e->n; i++) {
		int rc = rp_regex_match(e->v[i], text);
		if (rc != 0) {
			*index = i;
			return rc;
		}
	}
	return 0;
}

static int unclear(int rc, const char *list, size_t i, struct rp_err *reason)
{
	(void)rp_err_set(reason, RP_EDENIED, "%s expression %zu could not decide: %s", list, i + 1,
	    rp_err_text(rc));
	return rc == RP_ENOMEM ? rc : RP_EDENIED;
}

/* 0: no expression forbids it. */
static int forbid(
    const struct rp_cmdpolicy *p, struct rp_str text, const char *which, struct rp_err *reason)
{
	size_t d = 0;
	int deny = search(&p->deny, text, &d);
	if (deny < 0) {
		return unclear(deny, "deny", d, reason);
	}
	return deny == 0 ? 0
	                 : rp_err_set(reason, RP_EDENIED, "%s command matches deny expression %zu",
	                       which, d + 1);
}

/* which: "given" or "resolved". 0 = allowed. */
static int match(
    const struct rp_cmdpolicy *p, struct rp_str text, const char *which, struct rp_err *reason)
{
	size_t a = 0;
	int allow = search(&p->allow, text, &a);
	if (allow < 0) {
		return unclear(allow, "allow", a, reason);
	}
	if (p->deny_first && allow == 1) {
		(void)rp_err_set(
		    reason, 0, "%s command matches allow expression %zu", which, a + 1);
		return 0;
	}
	int deny = forbid(p, text, which, reason);
	if (deny != 0) {
		return deny;
	}
	if (!p->deny_first && allow == 0) {
		(void)rp_err_set(
		    reason, RP_EDENIED, "%s command matches no allow expression", which);
		return RP_EDENIED;
	}
	if (p->deny_first) {
		(void)rp_err_set(reason, 0, "%s command matches no deny expression", which);
	} else {
		(void)rp_err_set(reason, 0,
		    "%s command matches allow expression %zu and no deny expression", which, a + 1);
	}
	return 0;
}

/* What a resolver may give back: absolute, nothing to resolve left, printable. */
static bool is_clean_path(const char *path)
{
	size_t n = strnlen(path, RESOLVED_MAX);
	if (n == RESOLVED_MAX || path[0] != '/' || !rp_utf8_valid(path, n)) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f) {
			return false;
		}
	}
	struct rp_str rest = rp_str_n(path + 1, n - 1);
	struct rp_str part;
	while (rp_str_split(&rest, '/', &part)) {
		if (part.len == 0 || rp_str_eq(part, ".") || rp_str_eq(part, "..")) {
			return false;
		}
	}
	return true;
}

/* One call of rp_cmdpolicy_decide. */
struct question {
	const struct rp_cmdpolicy *p;
	const struct rp_cmd_request *req;
	rp_cmd_resolve_fn resolve;
	void *ctx;
	struct rp_cmd_plan *plan;
	struct rp_err *reason;
};

/* Words of the command with the program's path resolved, and what the program was called. */
static int make_plan(const struct question *q)
{
	struct rp_cmd_plan *plan = q->plan;
	char *resolved = NULL;
	int rc = rp_words_split(q->req->command, &plan->argv, q->reason);
	if (rc != 0) {
		return rc == RP_ENOMEM ? rc : RP_EDENIED;
	}
	if (plan->argv.v[0][0] != '/') {
		return rp_err_set(q->reason, RP_EDENIED, "program is not an absolute path");
	}
	rc = q->resolve(q->ctx, plan->argv.v[0], &resolved);
	if (rc != 0) {
		(void)rp_err_set(q->reason, rc, "program cannot be resolved: %s", rp_err_text(rc));
		return rc == RP_ENOMEM ? rc : RP_EDENIED;
	}
	if (!is_clean_path(resolved)) {
		rp_free(resolved);
		return rp_err_set(q->reason, RP_EDENIED, "program resolves to an unclean path");
	}
	plan->argv0 = plan->argv.v[0];
	plan->argv.v[0] = resolved;
	return 0;
}

/* The resolved program and its arguments, joined by blanks. */
static int join(const struct rp_strlist *argv, struct rp_buf *out)
{
	int rc = 0;
	for (size_t i = 0; i < argv->n && rc == 0; i++) {
		if (i > 0) {
			rc = rp_buf_add_u8(out, ' ');
		}
		if (rc == 0) {
			rc = rp_buf_add_str(out, argv->v[i]);
		}
	}
	return rc;
}

typedef int (*look_fn)(
    const struct rp_cmdpolicy *p, struct rp_str text, const char *which, struct rp_err *reason);

/* look at the command as it would run. */
static int look_at_resolved(const struct question *q, look_fn look)
{
	struct rp_buf joined;
	rp_buf_init(&joined, JOINED_MAX);
	int rc = join(&q->plan->argv, &joined);
	if (rc == 0) {
		rc = look(q->p, rp_str_n(rp_buf_head(&joined), joined.len), "resolved", q->reason);
	} else {
		(void)rp_err_set(q->reason, rc, "%s", rp_err_text(rc));
	}
	rp_buf_fini(&joined);
	return rc == 0 || rc == RP_ENOMEM ? rc : RP_EDENIED;
}

static int decide_by_expressions(const struct question *q)
{
	int rc = match(q->p, rp_str_c(q->req->command), "given", q->reason);
	rc = rc != 0 ? rc : make_plan(q);
	return rc != 0 ? rc : look_at_resolved(q, match);
}

static int take_verdict(struct rp_cmd_plan *plan, const struct rp_cmd_verdict *v)
{
	plan->max_runtime = v->max_runtime;
	plan->user = v->user == NULL ? NULL : rp_strdup(v->user);
	return v->user != NULL && plan->user == NULL ? RP_ENOMEM : 0;
}

static int decide_by_rules(const struct question *q)
{
	const char *cwd = q->req->cwd;
	struct rp_cmd_verdict verdict = {0};
	int rc = forbid(q->p, rp_str_c(q->req->command), "given", q->reason);
	rc = rc != 0 ? rc : make_plan(q);
	rc = rc != 0 ? rc : look_at_resolved(q, forbid);
	if (rc != 0) {
		return rc;
	}
	if (cwd != NULL && cwd[0] != '\0' && !is_clean_path(cwd)) {
		return rp_err_set(
		    q->reason, RP_EDENIED, "working directory has \".\", \"..\" or \"//\" in it");
	}
	const struct rp_cmd_facts facts = {
	    .given = q->plan->argv0,
	    .resolved = q->plan->argv.v[0],
	    .argv = &q->plan->argv,
	    .cwd = cwd,
	    .sudo = q->req->is_sudo,
	    .minute = q->req->minute,
	};
	rc = rp_cmd_rules_decide(q->p->rules, &facts, &verdict, q->reason);
	return rc != 0 ? rc : take_verdict(q->plan, &verdict);
}

/* Empty, or an absolute path without control characters. */
static bool is_directory_text(const char *cwd)
{
	if (cwd == NULL || *cwd == '\0') {
		return true;
	}
	size_t n = strnlen(cwd, RESOLVED_MAX);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)cwd[i] < 0x20 || cwd[i] == 0x7f) {
			return false;
		}
	}
	return n < RESOLVED_MAX && cwd[0] == '/' && rp_utf8_valid(cwd, n);
}

static int decide_command(const struct question *q)
{
	const struct rp_cmd_request *req = q->req;
	size_t n = strnlen(req->command, RP_COMMAND_TEXT_MAX + 1);
	if (n > RP_COMMAND_TEXT_MAX) {
		return rp_err_set(q->reason, RP_EDENIED, "text is too long");
	}
	if (req->interpreter != NULL && *req->interpreter != '\0') {
		return rp_err_set(q->reason, RP_EDENIED, "a command takes no interpreter");
	}
	if (!is_directory_text(req->cwd)) {
		return rp_err_set(
		    q->reason, RP_EDENIED, "working directory is not an absolute path");
	}
	if (q->p->rules != NULL) {
		return decide_by_rules(q);
	}
	if (!q->p->shell) {
		return decide_by_expressions(q);
	}
	q->plan->shell = true;
	return match(q->p, rp_str_n(req->command, n), "given", q->reason);
}

/* The texts that the wire protocol documents (6.1) go to the server, the reason stays here. */
static int refuse(struct rp_err *err, struct rp_err *reason, const char *text)
{
	(void)rp_err_set(reason, RP_EDENIED, "%s", text);
	return rp_err_set(err, RP_EDENIED, "%s", text);
}

static int decide_script(const struct question *q)
{
	const char *interpreter = q->req->interpreter != NULL ? q->req->interpreter : "";
	const struct rp_strlist *list = &q->p->interpreters;
	if (list->n > 0 && !rp_strlist_has(list, interpreter)) {
		return rp_err_set(
		    q->reason, RP_EDENIED, "the interpreter is none of those that are allowed");
	}
	/* That line names an interpreter of its own. */
	if (list->n > 0 && q->req->command != NULL && strncmp(q->req->command, "#!", 2) == 0) {
		return rp_err_set(q->reason, RP_EDENIED,
		    "interpreters are listed, so a script may not name its own");
	}
	q->plan->shell = true;
	(void)rp_err_set(q->reason, 0, "remote scripts are enabled");
	return 0;
}

int rp_cmdpolicy_decide(const struct rp_cmdpolicy *p, const struct rp_cmd_request *req,
    rp_cmd_resolve_fn resolve, void *ctx, struct rp_cmd_plan *plan, struct rp_err *err,
    struct rp_err *reason)
{
	struct rp_err local;
	*plan = (struct rp_cmd_plan){0};
	struct question q = {p, req, resolve, ctx, plan, reason == NULL ? &local : reason};
	if (!p->enabled) {
		return refuse(err, q.reason, "remote commands execution is disabled");
	}
	if (req->is_script && !p->scripts_enabled) {
		return refuse(err, q.reason, "remote scripts are disabled");
	}
	if (!req->is_script && req->command == NULL) {
		return refuse(err, q.reason, "command is not allowed: ");
	}
	int rc = 0;
	if (req->is_sudo && p->no_sudo) {
		rc = rp_err_set(q.reason, RP_EDENIED, "sudo is off");
	}
	rc = rc != 0 ? rc : req->is_script ? decide_script(&q) : decide_command(&q);
	if (rc == 0) {
		return 0;
	}
	rp_cmd_plan_fini(plan);
	if (rc == RP_ENOMEM) {
		return rp_err_no_memory(err);
	}
	return req->is_script
	    ? rp_err_set(err, RP_EDENIED, "script is not allowed: %s", q.reason->msg)
	    : rp_err_set(err, RP_EDENIED, "command is not allowed: %s", req->command);
}

/* --- in words --- */

static int show_expressions(
    struct rp_buf *out, const char *title, const struct expressions *e, const char *none)
{
	int rc = rp_buf_printf(out, "%s%s\n", title, e->n == 0 ? none : "");
	for (size_t i = 0; i < e->n && rc == 0; i++) {
		rc = rp_buf_printf(out, "  %zu  %s\n", i + 1, e->texts.v[i]);
	}
	return rc;
}

static int show_commands(const struct rp_cmdpolicy *p, struct rp_buf *out)
{
	int rc;
	if (p->rules != NULL) {
		rc = rp_buf_add_str(
		    out, "What one of these rules describes may run, nothing else:\n");
		rc = rc != 0 ? rc : rp_cmd_rules_text(p->rules, out);
		return rc != 0 || p->deny.n == 0
		    ? rc
		    : show_expressions(out, "but nothing that matches:", &p->deny, "");
	}
	rc = rp_buf_add_str(out,
	    p->shell
	        ? "Commands go to /bin/sh as they are (shell = true).\n"
	        : "Commands run without a shell; expressions have to agree on the command as it "
	          "was sent and as it resolves.\n");
	rc = rc != 0
	    ? rc
	    : rp_buf_add_str(out,
	          p->deny_first ? "May run: what matches allow, and what does not match deny.\n"
	                        : "May run: what matches allow and does not match deny.\n");
	rc = rc != 0 ? rc : show_expressions(out, "allow:", &p->allow, " nothing");
	return rc != 0 ? rc : show_expressions(out, "deny:", &p->deny, " nothing");
}

static int show_scripts(const struct rp_cmdpolicy *p, struct rp_buf *out)
{
	int rc = rp_buf_printf(out, "Remote scripts: %s\n",
	    p->enabled && p->scripts_enabled ? "may run, whatever is in them" : "off");
	for (size_t i = 0; i < p->interpreters.n && rc == 0; i++) {
		rc = rp_buf_printf(out, "%s%s%s", i == 0 ? "  only by: " : ", ",
		    p->interpreters.v[i][0] == '\0' ? "/bin/sh" : p->interpreters.v[i],
		    i + 1 == p->interpreters.n ? "\n" : "");
	}
	return rc;
}

int rp_cmdpolicy_text(const struct rp_cmdpolicy *p, struct rp_buf *out)
{
	int rc = rp_buf_printf(out, "Remote commands: %s\n", p->enabled ? "on" : "off");
	rc = rc != 0 || !p->enabled ? rc : show_commands(p, out);
	rc = rc != 0
	    ? rc
	    : rp_buf_printf(out, "sudo: %s\n", p->no_sudo ? "off" : "as sudoers decides (sudo -n)");
	return rc != 0 ? rc : show_scripts(p, out);
}

void rp_cmd_plan_fini(struct rp_cmd_plan *plan)
{
	rp_strlist_fini(&plan->argv);
	rp_free(plan->argv0);
	rp_free(plan->user);
	*plan = (struct rp_cmd_plan){0};
}
