/* SPDX-License-Identifier: MIT */
/*
 * The decision. Without a shell the text has to be a plain list of words with an absolute
 * program, and the owner's expressions have to agree twice: on the text as it was sent and on the
 * command as it would run. Every doubt (a limit reached, no memory) is a refusal.
 */
#include "cmdpolicy/cmdpolicy.h"

#include <string.h>

#include "cmdpolicy/regex.h"
#include "core/alloc.h"
#include "core/buf.h"

#include "core/banned.h"

#define EXPRESSIONS_MAX 1024
#define RESOLVED_MAX    4096
#define JOINED_MAX      (2 * RP_COMMAND_TEXT_MAX)

struct expressions {
	struct rp_regex **v;
	size_t n;
};

struct rp_cmdpolicy {
	bool enabled;
	bool scripts_enabled;
	bool shell;
	bool deny_first; /* order deny,allow */
	struct expressions allow;
	struct expressions deny;
};

static void expressions_fini(struct expressions *e)
{
	for (size_t i = 0; i < e->n; i++) {
		rp_regex_free(e->v[i]);
	}
	rp_free(e->v);
	*e = (struct expressions){0};
}

static int no_memory(struct rp_err *err)
{
	return rp_err_set(err, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
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
		return no_memory(err);
	}
	for (; e->n < list->n; e->n++) {
		int rc = rp_regex_new(list->v[e->n], &e->v[e->n], err);
		if (rc != 0) {
			(void)rp_err_wrap(err, "remote commands: %s regexp", name);
			return rc;
		}
	}
	return 0;
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
		return no_memory(err);
	}
	p->enabled = opt->enabled;
	p->scripts_enabled = opt->scripts_enabled;
	p->shell = opt->shell;
	int rc = parse_order(opt->order, &p->deny_first, err);
	if (rc == 0) {
		rc = compile(opt->allow, "allow", &p->allow, err);
	}
	if (rc == 0) {
		rc = compile(opt->deny, "deny", &p->deny, err);
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

/* which: "given" or "resolved". 0 = allowed. */
static int match(
    const struct rp_cmdpolicy *p, struct rp_str text, const char *which, struct rp_err *reason)
{
	size_t a = 0;
	size_t d = 0;
	int allow = search(&p->allow, text, &a);
	if (allow < 0) {
		return unclear(allow, "allow", a, reason);
	}
	if (p->deny_first && allow == 1) {
		(void)rp_err_set(
		    reason, 0, "%s command matches allow expression %zu", which, a + 1);
		return 0;
	}
	int deny = search(&p->deny, text, &d);
	if (deny < 0) {
		return unclear(deny, "deny", d, reason);
	}
	if (deny == 1) {
		(void)rp_err_set(
		    reason, RP_EDENIED, "%s command matches deny expression %zu", which, d + 1);
		return RP_EDENIED;
	}
	if (!p->deny_first && allow == 0) {
		(void)rp_err_set(
		    reason, RP_EDENIED, "%s command matches no allow expression", which);
		return RP_EDENIED;
	}
	(void)rp_err_set(reason, 0,
	    p->deny_first ? "%s command matches no deny expression"
	                  : "%s command matches an allow expression and no "
	                    "deny expression",
	    which);
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

static int decide_words(const struct question *q)
{
	struct rp_buf joined;
	int rc = match(q->p, rp_str_c(q->req->command), "given", q->reason);
	if (rc != 0 || (rc = make_plan(q)) != 0) {
		return rc;
	}
	rp_buf_init(&joined, JOINED_MAX);
	rc = join(&q->plan->argv, &joined);
	if (rc == 0) {
		rc = match(q->p, rp_str_n(rp_buf_head(&joined), joined.len), "resolved", q->reason);
	} else {
		(void)rp_err_set(q->reason, rc, "%s", rp_err_text(rc));
	}
	rp_buf_fini(&joined);
	return rc == 0 || rc == RP_ENOMEM ? rc : RP_EDENIED;
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
	if (!q->p->shell) {
		return decide_words(q);
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

int rp_cmdpolicy_decide(const struct rp_cmdpolicy *p, const struct rp_cmd_request *req,
    rp_cmd_resolve_fn resolve, void *ctx, struct rp_cmd_plan *plan, struct rp_err *err,
    struct rp_err *reason)
{
	*plan = (struct rp_cmd_plan){0};
	if (!p->enabled) {
		return refuse(err, reason, "remote commands execution is disabled");
	}
	if (req->is_script) {
		if (!p->scripts_enabled) {
			return refuse(err, reason, "remote scripts are disabled");
		}
		plan->shell = true;
		(void)rp_err_set(reason, 0, "remote scripts are enabled");
		return 0;
	}
	if (req->command == NULL) {
		return refuse(err, reason, "command is not allowed: ");
	}
	struct rp_err local;
	struct question q = {p, req, resolve, ctx, plan, reason == NULL ? &local : reason};
	int rc = decide_command(&q);
	if (rc == 0) {
		return 0;
	}
	rp_cmd_plan_fini(plan);
	if (rc == RP_ENOMEM) {
		return no_memory(err);
	}
	return rp_err_set(err, RP_EDENIED, "command is not allowed: %s", req->command);
}

void rp_cmd_plan_fini(struct rp_cmd_plan *plan)
{
	rp_strlist_fini(&plan->argv);
	rp_free(plan->argv0);
	*plan = (struct rp_cmd_plan){0};
}
