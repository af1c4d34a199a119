/* SPDX-License-Identifier: MIT */
/*
 * What a new client fetches, without a login: the script and the program for whoever knows a code's
 * first part, the sealed settings for whoever proves that he knows all of it. Every failure there
 * counts for the address, and too many end the code.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <uv.h>

#include "api/audit.h"
#include "api/auth.h"
#include "api/call.h"
#include "api/docfile.h"
#include "api/embedded.h"
#include "api/handlers.h"
#include "api/pairing.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define SCRIPT_MAX  16384
#define ARCH_MAX    32
#define PATH_LEN    4096
#define CLIENTS_DIR "clients"
/* Reads under way, and bytes that wait for those who do not take them: of all, of one source. */
#define READS_MAX         4
#define WAITING_MAX       ((size_t)64 * 1024 * 1024)
#define WAITING_OF_SOURCE ((size_t)32 * 1024 * 1024)

static void not_found(struct rp_api_call *c)
{
	rp_reply_fail(c, 404, "There is no such pairing code, or it has ended.");
}

/* An open pairing of that id is looked for; false: the call was answered. */
static bool find(struct rp_api_call *c, rp_pairing_list_cb cb)
{
	if (!rp_paircode_is_id(c->params[0])) {
		not_found(c);
		return false;
	}
	int err = rp_pairing_find(c->api->parts.store, c->params[0], cb, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
	return err == 0;
}

/* The pairing that was found, or NULL: the call was answered. */
static const struct rp_pairing *found(
    struct rp_api_call *c, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(c, code, err);
		return NULL;
	}
	if (list->n == 0) {
		not_found(c);
		return NULL;
	}
	return &list->v[0];
}

/* The script */

static int add_word(
    struct rp_buf *out, struct rp_str name, const struct rp_api_call *c, const struct rp_pairing *p)
{
	if (rp_str_eq(name, "URL")) {
		return rp_buf_add_str(out, p->api_url);
	}
	if (rp_str_eq(name, "ID")) {
		return rp_buf_add_str(out, p->id);
	}
	RP_VERIFY(rp_str_eq(name, "FINGERPRINT"));
	return rp_buf_add_str(out, rp_hostkey_sha256(c->api->parts.hostkey));
}

/* Words between two '@' are replaced, and there is no other '@'. What they stand for has no quote in
 * it. */
static int write_script(const struct rp_api_call *c, const struct rp_pairing *p, struct rp_buf *out)
{
	size_t n;
	const void *bytes = rp_embedded_find("install.sh", &n);
	struct rp_str rest = rp_str_n(bytes, bytes == NULL ? 0 : n);
	struct rp_str part;
	bool word = false;
	int err = 0;
	while (err == 0 && rp_str_split(&rest, '@', &part)) {
		err = word ? add_word(out, part, c, p) : rp_buf_add(out, part.p, part.len);
		word = !word;
	}
	return err;
}

static void on_script(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	const struct rp_pairing *p = found(c, code, list, err);
	struct rp_buf text;
	if (p == NULL) {
		return;
	}
	rp_buf_init(&text, SCRIPT_MAX);
	code = write_script(c, p, &text);
	if (code == 0) {
		rp_reply_bytes(c, "text/x-shellscript", rp_str_n(rp_buf_head(&text), text.len));
	} else {
		rp_reply_code(c, code, NULL);
	}
	rp_buf_fini(&text);
}

void rp_api_pairing_script(struct rp_api_call *c)
{
	(void)find(c, on_script);
}

/* The program */

struct program {
	uv_work_t work;
	struct rp_api_call *call;
	struct rp_docfile file;
	int code;
};

static int read_in(const char *folder, const char *name, struct rp_docfile *f)
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return RP_ENOENT;
	}
	int code = rp_docfile_read(fd, name, f);
	(void)close(fd);
	return code;
}

/* This program itself, for machines like this one. */
static int read_own(const char *arch, struct rp_docfile *f)
{
	char path[PATH_LEN];
	size_t n = sizeof(path);
	struct utsname host;
	if (uname(&host) != 0 || strcmp(host.machine, arch) != 0 || uv_exepath(path, &n) != 0) {
		return RP_ENOENT;
	}
	char *slash = strrchr(path, '/');
	if (slash == NULL) {
		return RP_ENOENT;
	}
	*slash = '\0';
	return read_in(slash == path ? "/" : path, slash + 1, f);
}

static void on_read(uv_work_t *work)
{
	struct program *p = work->data;
	const char *arch = p->call->params[1];
	char *folder = rp_asprintf("%s/" CLIENTS_DIR, p->call->api->parts.cfg->server.data_dir);
	char *name = rp_asprintf("rport-%s", arch);
	p->code = folder == NULL || name == NULL ? RP_ENOMEM : read_in(folder, name, &p->file);
	if (p->code == RP_ENOENT) {
		p->code = read_own(arch, &p->file);
	}
	rp_free(folder);
	rp_free(name);
}

static void too_busy(struct rp_api_call *c)
{
	rp_reply_fail(c, 503, "Too many clients are being fetched. Please try later.");
}

static void send_program(struct rp_api_call *c, const struct rp_docfile *f)
{
	struct rp_api_waiting w;
	rp_api_waiting(c, &w);
	if (w.all + f->n > WAITING_MAX || w.of_source + f->n > WAITING_OF_SOURCE) {
		too_busy(c);
		return;
	}
	const struct rp_answer a = {
	    .status = 200,
	    .content_type = "application/octet-stream",
	    .body = rp_str_n(f->data, f->n),
	    .packed = true,
	};
	rp_answer_send(c, &a);
}

static void on_program_read(uv_work_t *work, int status)
{
	struct program *p = work->data;
	int code = status != 0 ? status : p->code;
	p->call->api->pairing_reads--;
	if (code == RP_ENOENT || code == RP_EEXIST || code == RP_ELIMIT) {
		rp_reply_fail(
		    p->call, 404, "This server has no client for %s.", p->call->params[1]);
	} else if (code != 0) {
		rp_reply_code(p->call, code, NULL);
	} else {
		send_program(p->call, &p->file);
	}
	rp_docfile_fini(&p->file);
	rp_free(p);
}

static void on_client(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (found(c, code, list, err) == NULL) {
		return;
	}
	if (c->api->pairing_reads >= READS_MAX) {
		too_busy(c);
		return;
	}
	struct program *p = rp_calloc(1, sizeof(*p));
	int failed = RP_ENOMEM;
	if (p != NULL) {
		p->work.data = p;
		p->call = c;
		failed = uv_queue_work(
		    rp_loop_uv(c->api->parts.loop), &p->work, on_read, on_program_read);
	}
	if (failed != 0) {
		rp_free(p);
		rp_reply_code(c, failed, NULL);
		return;
	}
	c->api->pairing_reads++;
}

static bool is_arch(const char *text)
{
	size_t n = strlen(text);
	return n > 0 && n <= ARCH_MAX &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

void rp_api_pairing_client(struct rp_api_call *c)
{
	if (!is_arch(c->params[1])) {
		rp_reply_fail(c, 404, "expected a machine as uname -m names it");
		return;
	}
	(void)find(c, on_client);
}

/* The settings */

struct use_body {
	char *proof;
};
static const struct rp_json_field use_fields[] = {
    {"proof", RP_FIELD_STR, RP_FIELD_F_REQUIRED, offsetof(struct use_body, proof), NULL}};
static const struct rp_json_table use_table = RP_JSON_TABLE(use_fields, struct use_body);

static void refuse(struct rp_api_call *c)
{
	rp_log_info("api", "pairing refused for %s", rp_api_peer(c));
	if (rp_gate_failed(c->api->gate, rp_api_peer(c), NULL, rp_clock_ms())) {
		rp_log_error("api", "%s is banned after repeated failed logins", rp_api_peer(c));
	}
	not_found(c);
}

static void tell_audit(const struct rp_api_call *c, const struct rp_pairing *p)
{
	const struct rp_audit_actor who = {
	    .api = c->api, .username = p->created_by, .peer = rp_api_peer(c)};
	const struct rp_audit_note note = {
	    .application = "client.pairing", .action = "use", .id = p->id};
	rp_api_audit_as(&who, &note);
	rp_log_info("api", "pairing %s was used by %s", p->id, rp_api_peer(c));
}

static void on_used(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply r;
	if (code == RP_ENOENT || code == RP_EAUTH) {
		refuse(c);
		return;
	}
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	tell_audit(c, &list->v[0]);
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "sealed", list->v[0].sealed);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

void rp_api_pairing_use(struct rp_api_call *c)
{
	char hash[RP_PAIRCODE_HEX_MAX];
	struct use_body b = {0};
	if (rp_gate_banned(c->api->gate, rp_api_peer(c), rp_clock_ms())) {
		const struct rp_auth_result banned = {.verdict = RP_AUTH_BANNED};
		rp_api_refuse(c, &banned);
		return;
	}
	if (rp_api_body(c, &use_table, true, &b) != 0) {
		return;
	}
	int err = rp_paircode_hash(b.proof, hash);
	rp_json_release(&use_table, &b);
	if (err == 0 && !rp_paircode_is_id(c->params[0])) {
		refuse(c);
		return;
	}
	err = err != 0 ? err : rp_pairing_use(c->api->parts.store, c->params[0], hash, on_used, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
