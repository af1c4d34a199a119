/* SPDX-License-Identifier: MIT */
/*
 * Reading, checking and starting what is to run on clients.
 */
#include "api/job_request.h"

#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/call.h"
#include "api/router.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/jsonw.h"
#include "tunnel/hello.h"

#include "core/banned.h"

#define TAGS_MAX (64u * 1024)

/* RAW: whether a key was named counts. */
struct body {
	char *command;
	char *script;
	char *interpreter;
	char *cwd;
	bool is_sudo;
	int64_t timeout_sec;
	char *client_ids;
	char *group_ids;
	char *tags;
	bool execute_concurrently;
	char *abort_on_error;
};

#define F(key, kind)                                                       \
	{                                                                  \
#key, RP_FIELD_##kind, 0, offsetof(struct body, key), NULL \
	}
/* The original takes both texts everywhere, so that one kind of body serves for all. */
#define FIELDS_ONE                                                                           \
	F(command, STR), F(script, STR), F(interpreter, STR), F(cwd, STR), F(is_sudo, BOOL), \
	    F(timeout_sec, INT)
#define FIELDS_MANY                                                      \
	FIELDS_ONE, F(client_ids, RAW), F(group_ids, RAW), F(tags, RAW), \
	    F(execute_concurrently, BOOL), F(abort_on_error, RAW)
static const struct rp_json_field one_fields[] = {FIELDS_ONE};
static const struct rp_json_field many_fields[] = {FIELDS_MANY};
/* by many */
static const struct rp_json_table tables[2] = {
    RP_JSON_TABLE(one_fields, struct body), RP_JSON_TABLE(many_fields, struct body)};

static int bad_json(struct rp_problem *p, const char *detail)
{
	return rp_problem_bad(p, "Invalid JSON data.", detail);
}

static int no_memory(struct rp_problem *p)
{
	rp_problem_set(p, 500, rp_err_text(RP_ENOMEM), "");
	return RP_ENOMEM;
}

/* Audience */

struct strings {
	struct rp_strlist list;
};
static const struct rp_json_field strings_fields[] = {
    {"list", RP_FIELD_STRLIST, 0, offsetof(struct strings, list), NULL},
};
static const struct rp_json_table strings_table = RP_JSON_TABLE(strings_fields, struct strings);

/* The text of an array of strings, as the decoder of a body takes it. */
static int read_list(
    const char *key, const char *text, struct rp_strlist *out, struct rp_problem *p)
{
	struct strings s = {0};
	struct rp_err err = {0};
	char *doc = rp_asprintf("{\"list\":%s}", text);
	int code = doc == NULL
	    ? RP_ENOMEM
	    : rp_json_decode_text(doc, strlen(doc), &strings_table, true, &s, &err);
	rp_free(doc);
	if (code == RP_ENOMEM) {
		return no_memory(p);
	}
	if (code != 0) {
		char detail[64];
		(void)snprintf(detail, sizeof(detail), "%s is not an array of strings", key);
		return bad_json(p, detail);
	}
	*out = s.list;
	return 0;
}

static int read_tags(const char *json, bool strict, struct rp_job_request *r, struct rp_problem *p)
{
	struct rp_err err = {0};
	int code = rp_audience_read_tags(&r->audience, json, strict, &r->tags, &err);
	return code == 0 ? 0 : code == RP_ENOMEM ? no_memory(p) : bad_json(p, err.msg);
}

static int read_audience(
    const struct body *b, bool strict, struct rp_job_request *r, struct rp_problem *p)
{
	struct rp_audience *a = &r->audience;
	int code = 0;
	a->has_clients = b->client_ids != NULL;
	a->has_groups = b->group_ids != NULL;
	if (a->has_clients) {
		code = read_list("client_ids", b->client_ids, &a->client_ids, p);
	}
	if (code == 0 && a->has_groups) {
		code = read_list("group_ids", b->group_ids, &a->group_ids, p);
	}
	if (code == 0 && b->tags != NULL) {
		code = read_tags(b->tags, strict, r, p);
	}
	return code;
}

/* Text */

static int decode_script(const char *b64, char **text, struct rp_problem *p)
{
	uint8_t *bytes;
	size_t n;
	int code = rp_base64_decode(rp_str_c(b64), &bytes, &n);
	if (code == RP_ENOMEM) {
		return no_memory(p);
	}
	if (code != 0) {
		return rp_problem_bad(p, "failed to decode script payload from base64",
		    "script is not standard base64");
	}
	if (memchr(bytes, '\0', n) != NULL) {
		rp_free(bytes);
		return rp_problem_bad(p, "Invalid script.", "script has a NUL byte");
	}
	*text = (char *)bytes;
	return 0;
}

static bool interpreter_known(const char *s)
{
	return s == NULL || s[0] == '\0' || strcmp(s, "cmd") == 0 || strcmp(s, "powershell") == 0;
}

static int read_text(const struct body *b, struct rp_job_request *r, struct rp_problem *p)
{
	if (r->is_script) {
		if (b->script == NULL || b->script[0] == '\0') {
			return rp_problem_bad(p, "Missing script body", "");
		}
		int code = decode_script(b->script, &r->command, p);
		if (code != 0) {
			return code;
		}
	} else if (b->command != NULL) {
		r->command = rp_strdup(b->command);
		if (r->command == NULL) {
			return no_memory(p);
		}
	}
	if (r->command == NULL || r->command[0] == '\0') {
		return rp_problem_bad(p, "Command cannot be empty.", "");
	}
	if (strlen(r->command) > RP_JOB_TEXT_MAX) {
		return rp_problem_bad(p, "Command is too long.", "at most 131072 bytes");
	}
	if (!r->is_script && !interpreter_known(b->interpreter)) {
		return rp_problem_bad(p, "Invalid interpreter.",
		    "of a command: cmd, powershell or nothing for the platform's shell");
	}
	return 0;
}

static int take(struct body *b, bool strict, struct rp_job_request *r, struct rp_problem *p)
{
	int code = read_text(b, r, p);
	code = code != 0 ? code : read_audience(b, strict, r, p);
	if (code != 0) {
		return code;
	}
	const char *abort = b->abort_on_error;
	if (abort != NULL && strcmp(abort, "true") != 0 && strcmp(abort, "false") != 0) {
		return bad_json(p, "abort_on_error is not a bool");
	}
	r->abort_on_error = abort == NULL || abort[0] == 't';
	r->concurrent = b->execute_concurrently;
	r->interpreter = b->interpreter;
	r->cwd = b->cwd;
	r->is_sudo = b->is_sudo;
	r->timeout_sec = b->timeout_sec;
	b->interpreter = NULL;
	b->cwd = NULL;
	return 0;
}

int rp_job_request_read(struct rp_str text, const struct rp_job_request_kind *kind,
    struct rp_job_request *r, struct rp_problem *p)
{
	const struct rp_json_table *t = &tables[kind->many];
	struct body b = {0};
	struct rp_err err = {0};
	*r = (struct rp_job_request){.is_script = kind->is_script};
	if (rp_str_trim(text).len == 0) {
		return rp_problem_bad(p, "Missing body with json data.", "");
	}
	int code = rp_json_decode_text(text.p, text.len, t, !kind->lenient, &b, &err);
	if (code != 0) {
		return code == RP_ENOMEM ? no_memory(p) : bad_json(p, err.msg);
	}
	code = take(&b, !kind->lenient, r, p);
	rp_json_release(t, &b);
	if (code != 0) {
		rp_job_request_fini(r);
	}
	return code;
}

void rp_job_request_fini(struct rp_job_request *r)
{
	rp_free(r->command);
	rp_free(r->interpreter);
	rp_free(r->cwd);
	rp_free(r->tags);
	rp_audience_fini(&r->audience);
	*r = (struct rp_job_request){0};
}

/* Start */

/* Names those that the user may not use. */
static int check_access(
    const struct rp_strlist *ids, const struct rp_job_requester *who, struct rp_problem *p)
{
	const struct rp_action a = rp_route_action(who->route);
	struct rp_registry *registry = who->api->parts.registry;
	size_t at = 0;
	for (size_t i = 0; i < ids->n; i++) {
		const struct rp_client *client = rp_registry_get(registry, ids->v[i]);
		if (client == NULL || rp_api_decide(who->user, &a, client) == RP_ALLOWED) {
			continue;
		}
		if (at == 0) {
			rp_problem_set(p, 403, "Access denied to client(s) with ID(s): ", "");
			at = strlen(p->title);
			(void)snprintf(p->title + at, sizeof(p->title) - at, "%s", ids->v[i]);
		} else if (at + 2 < sizeof(p->title)) {
			(void)snprintf(p->title + at, sizeof(p->title) - at, ", %s", ids->v[i]);
		}
		at = strlen(p->title);
	}
	return at == 0 ? 0 : RP_EDENIED;
}

static int start(const struct rp_job_request *r, const struct rp_job_requester *who,
    const struct rp_strlist *ids, const struct rp_multi_ops *ops, void *ctx)
{
	char empty[] = "";
	const struct rp_multi_job job = {
	    .created_by = who->user->name,
	    .client_ids = r->audience.client_ids,
	    .group_ids = r->audience.group_ids,
	    .tags = r->tags,
	    .command = r->command,
	    .cwd = r->cwd != NULL ? r->cwd : empty,
	    .interpreter = r->interpreter != NULL ? r->interpreter : empty,
	    .timeout_sec = r->timeout_sec,
	    .concurrent = r->concurrent,
	    .abort_on_err = r->abort_on_error,
	    .is_sudo = r->is_sudo,
	    .is_script = r->is_script,
	};
	const struct rp_multi_order order = {
	    .job = &job,
	    .targets = ids,
	    .ops = ops,
	    .ctx = ctx,
	};
	return rp_multi_start(who->api->parts.multis, &order);
}

int rp_job_request_start(const struct rp_job_request *r, const struct rp_job_requester *who,
    const struct rp_multi_ops *ops, void *ctx, struct rp_problem *p)
{
	struct rp_strlist ids;
	int code = rp_audience_resolve(who->api->parts.registry, &r->audience, &ids, p);
	if (code != 0) {
		return code;
	}
	code = check_access(&ids, who, p);
	if (code == 0) {
		code = start(r, who, &ids, ops, ctx);
		if (code != 0) {
			rp_problem_set(p, code == RP_ENOMEM ? 500 : 503,
			    code == RP_EBUSY ? "too many jobs are running, please try later"
			                     : rp_err_text(code),
			    "");
		}
	}
	rp_strlist_fini(&ids);
	return code;
}

int rp_job_request_check(
    const struct rp_job_request *r, const struct rp_job_requester *who, struct rp_problem *p)
{
	struct rp_strlist ids;
	int code = rp_audience_resolve(who->api->parts.registry, &r->audience, &ids, p);
	if (code != 0) {
		return code;
	}
	code = check_access(&ids, who, p);
	rp_strlist_fini(&ids);
	return code;
}

/* Audit */

static char *audit_text(const struct rp_job_request *r)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, 2 * RP_JOB_TEXT_MAX + TAGS_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, r->is_script ? "script" : "command", r->command);
	rp_jsonw_put_strlist(&w, "client_ids", &r->audience.client_ids);
	rp_jsonw_put_strlist(&w, "group_ids", &r->audience.group_ids);
	rp_jsonw_key(&w, "tags");
	rp_jsonw_raw(&w, r->tags);
	rp_jsonw_put_str(&w, "interpreter", r->interpreter != NULL ? r->interpreter : "");
	rp_jsonw_put_str(&w, "cwd", r->cwd != NULL ? r->cwd : "");
	rp_jsonw_put_bool(&w, "is_sudo", r->is_sudo);
	rp_jsonw_put_int(&w, "timeout_sec", r->timeout_sec);
	rp_jsonw_put_bool(&w, "execute_concurrently", r->concurrent);
	rp_jsonw_put_bool(&w, "abort_on_error", r->abort_on_error);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_take(&w);
}

void rp_job_request_audit(
    const struct rp_job_request *r, const struct rp_job_requester *who, const char *jid)
{
	struct rp_strlist ids;
	struct rp_problem p;
	char response[64];
	if (who->api->parts.audit == NULL ||
	    rp_audience_resolve(who->api->parts.registry, &r->audience, &ids, &p) != 0) {
		return;
	}
	(void)snprintf(response, sizeof(response), "{\"jid\":\"%s\"}", jid);
	char *request = audit_text(r);
	const struct rp_audit_actor actor = {
	    .api = who->api, .username = who->user->name, .peer = who->peer};
	for (size_t i = 0; i < ids.n; i++) {
		const struct rp_audit_note note = {
		    .application = r->is_script ? "client.script" : "client.command",
		    .action = "execute.start",
		    .id = jid,
		    .client_id = ids.v[i],
		    .request = request,
		    .response = response,
		};
		rp_api_audit_as(&actor, &note);
	}
	rp_free(request);
	rp_strlist_fini(&ids);
}
