/* SPDX-License-Identifier: MIT */
/*
 * A look: the first package manager that is there, its steps in order, then the status. A step that
 * fails ends the look with an error, or, where it only brings lists up to date, leaves a hint.
 */
#include "client/updates.h"

#include <stdio.h>
#include <string.h>

#include "client/facts.h"
#include "client/packages.h"
#include "client/tool.h"
#include "client/updates_status.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/err.h"
#include "core/log.h"

#include "core/banned.h"

#define LOG           "updates"
#define REFRESH_MS    300000u /* over the network */
#define LIST_MS       180000u
#define PATCHES_MAX   500
#define PAYLOAD_MAX   ((size_t)256 * 1024)
#define SUDO          "/usr/bin/sudo"
#define REBOOT_ZYPPER 102 /* status of needs-rebooting */

struct look;

/* One program. */
struct step {
	const char *argv[10];
	unsigned timeout_ms;
	int64_t also_fine[2]; /* a status besides 0, from and to */
	size_t root_words;    /* so many of the words without sudo; 0: all */
	bool sudo;            /* changes the system's lists */
	bool may_fail;        /* a hint, no error */
	bool may_lack;        /* is left out without its program */
	bool with_patches;    /* their names follow; is left out without any */
	void (*on_line)(struct look *k, struct rp_str line);
	void (*on_status)(struct look *k, int64_t status);
};

struct manager {
	const char *name;
	const char *program;
	const char *database; /* not empty where it is in use; NULL: the program tells */
	const struct step *steps;
	size_t n_steps;
};

struct look {
	const struct manager *manager;
	size_t step;
	int rc; /* of what a line was for */
	struct rp_updates_status status;
	struct rp_packages_dnf dnf;
	struct rp_packages_patch patch;
	struct rp_strlist patches;
};

struct rp_updates {
	struct rp_updates_options opt;
	uv_timer_t timer;
	struct look *look; /* NULL: none under way */
	struct rp_tool *tool;
	bool looked;
	uint64_t looked_ms;
};

/* --- lines of the programs --- */

static void keep_rc(struct look *k, int rc)
{
	k->rc = k->rc != 0 ? k->rc : rc;
}

static void on_apt(struct look *k, struct rp_str line)
{
	struct rp_package p;
	if (rp_packages_apt(line, &p)) {
		keep_rc(k, rp_updates_status_add(&k->status, &p, p.name));
	}
}

static void on_dnf_security(struct look *k, struct rp_str line)
{
	struct rp_package p;
	if (rp_packages_dnf(&k->dnf, line, &p)) {
		p.security = true;
		keep_rc(k, rp_updates_status_mark(&k->status, p.name, &p));
	}
}

static void on_dnf(struct look *k, struct rp_str line)
{
	struct rp_package p;
	if (rp_packages_dnf(&k->dnf, line, &p)) {
		keep_rc(k, rp_updates_status_add(&k->status, &p, p.name));
	}
}

static void on_dnf_reboot(struct look *k, struct rp_str line)
{
	if (memmem(line.p, line.len, "Reboot is required", 18) != NULL) {
		k->status.reboot_pending = true;
	}
}

static void on_patch(struct look *k, struct rp_str line)
{
	struct rp_str name;
	if (k->patches.n < PATCHES_MAX && rp_packages_zypper_patch(line, &name)) {
		keep_rc(k, rp_strlist_add(&k->patches, name));
	}
}

static void on_patch_info(struct look *k, struct rp_str line)
{
	struct rp_package p;
	if (rp_packages_zypper_info(&k->patch, line, &p)) {
		keep_rc(k, rp_updates_status_mark(&k->status, p.name, &p));
	}
}

static void on_zypper(struct look *k, struct rp_str line)
{
	struct rp_package p;
	char key[2 * RP_PACKAGES_WORD_MAX];
	if (rp_packages_zypper(line, &p)) {
		int n = snprintf(key, sizeof(key), "%.*s.%.*s", (int)RP_MIN(p.name.len, 255),
		    p.name.p, (int)RP_MIN(p.arch.len, 255), p.arch.p);
		keep_rc(k, rp_updates_status_add(&k->status, &p, rp_str_n(key, (size_t)n)));
	}
}

static void on_zypper_reboot(struct look *k, int64_t status)
{
	k->status.reboot_pending = status == REBOOT_ZYPPER;
}

static void on_apk(struct look *k, struct rp_str line)
{
	struct rp_package p;
	if (rp_packages_apk(line, &p)) {
		keep_rc(k, rp_updates_status_add(&k->status, &p, p.name));
	}
}

/* --- the package managers --- */

/* Words as in the sudo rules that the original documents. Without sudo we keep to the locks. */
static const struct step apt_steps[] = {
    {.argv = {"/usr/bin/apt-get", "update", "-o", "Debug::NoLocking=true"},
        .timeout_ms = REFRESH_MS,
        .root_words = 2,
        .sudo = true,
        .may_fail = true},
    {.argv = {"/usr/bin/apt-get", "-s", "-o", "Debug::NoLocking=true", "upgrade"},
        .timeout_ms = LIST_MS,
        .on_line = on_apt},
};

#define DNF_STEPS(program)                                                              \
	{.argv = {program, "clean", "expire-cache", "--quiet"},                         \
	    .timeout_ms = LIST_MS,                                                      \
	    .may_fail = true},                                                          \
	    {.argv = {program, "check-update", "--quiet", "--security"},                \
	        .timeout_ms = REFRESH_MS,                                               \
	        .also_fine = {100, 100},                                                \
	        .may_fail = true,                                                       \
	        .on_line = on_dnf_security},                                            \
	{                                                                               \
		.argv = {program, "check-update", "--quiet"}, .timeout_ms = REFRESH_MS, \
		.also_fine = {100, 100}, .on_line = on_dnf                              \
	}

/* A status other than 0 says that a reboot is due, or that there is no such plug-in. */
static const struct step dnf_steps[] = {
    DNF_STEPS("/usr/bin/dnf"),
    {.argv = {"/usr/bin/dnf", "needs-restarting", "-r"},
        .timeout_ms = LIST_MS,
        .also_fine = {1, 255},
        .on_line = on_dnf_reboot},
};

static const struct step yum_steps[] = {
    DNF_STEPS("/usr/bin/yum"),
    {.argv = {"/usr/bin/needs-restarting", "-r"},
        .timeout_ms = LIST_MS,
        .also_fine = {1, 255},
        .may_lack = true,
        .on_line = on_dnf_reboot},
};

/* 100 and above are no errors (zypper(8), exit codes). */
static const struct step zypper_steps[] = {
    {.argv = {"/usr/bin/zypper", "refresh"},
        .timeout_ms = REFRESH_MS,
        .also_fine = {100, 109},
        .sudo = true,
        .may_fail = true},
    {.argv = {"/usr/bin/zypper", "--terse", "--quiet", "list-patches"},
        .timeout_ms = LIST_MS,
        .also_fine = {100, 109},
        .on_line = on_patch},
    {.argv = {"/usr/bin/zypper", "--terse", "--quiet", "patch-info"},
        .timeout_ms = LIST_MS,
        .also_fine = {100, 109},
        .with_patches = true,
        .on_line = on_patch_info},
    {.argv = {"/usr/bin/zypper", "--terse", "--quiet", "list-updates"},
        .timeout_ms = LIST_MS,
        .also_fine = {100, 109},
        .on_line = on_zypper},
    {.argv = {"/usr/bin/zypper", "needs-rebooting"},
        .timeout_ms = LIST_MS,
        .also_fine = {1, 255},
        .on_status = on_zypper_reboot},
};

static const struct step apk_steps[] = {
    {.argv = {"/sbin/apk", "update", "--quiet"},
        .timeout_ms = REFRESH_MS,
        .sudo = true,
        .may_fail = true},
    {.argv = {"/sbin/apk", "list", "--upgradable"}, .timeout_ms = LIST_MS, .on_line = on_apk},
};

#define STEPS(s) .steps = (s), .n_steps = RP_ARRAY_LEN(s)

/* Managers are installed on systems of other kinds, too: their databases tell which one is in use. */
static const struct manager managers[] = {
    {"apk", "/sbin/apk", "/lib/apk/db/installed", STEPS(apk_steps)},
    {"apk", "/sbin/apk", "/usr/lib/apk/db/installed", STEPS(apk_steps)},
    {"apt", "/usr/bin/apt-get", "/var/lib/dpkg/status", STEPS(apt_steps)},
    {"zypper", "/usr/bin/zypper", NULL, STEPS(zypper_steps)},
    {"dnf", "/usr/bin/dnf", NULL, STEPS(dnf_steps)},
    {"yum", "/usr/bin/yum", NULL, STEPS(yum_steps)},
};

static bool in_use(const char *root, const struct manager *m)
{
	struct rp_fact_file *f;
	if (!rp_fact_exists(root, m->program)) {
		return false;
	}
	if (m->database == NULL) {
		return true;
	}
	f = rp_malloc(sizeof(*f));
	if (f != NULL) {
		rp_fact_read(root, m->database, f);
	}
	bool filled = f != NULL && f->n > 0;
	rp_free(f);
	return filled;
}

static const struct manager *find_manager(const char *root)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(managers); i++) {
		if (in_use(root, &managers[i])) {
			return &managers[i];
		}
	}
	return NULL;
}

/* --- the look --- */

static void next_step(struct rp_updates *u);
static void on_timer(uv_timer_t *t);

static void plan(struct rp_updates *u, uint64_t ms)
{
	RP_VERIFY(uv_timer_start(&u->timer, on_timer, ms, 0) == 0);
}

static void look_free(struct look *k)
{
	if (k != NULL) {
		rp_updates_status_fini(&k->status);
		rp_strlist_fini(&k->patches);
		rp_free(k);
	}
}

static void log_status(const struct rp_updates_status *s)
{
	if (s->error[0] != '\0') {
		rp_log_info(LOG, "Looking for pending updates failed: %s", s->error);
	} else {
		rp_log_info(
		    LOG, "%zu updates are pending, %zu of them for security", s->n, s->n_security);
	}
}

static void tell(struct rp_updates *u, const struct rp_updates_status *s)
{
	struct rp_buf payload;
	rp_buf_init(&payload, PAYLOAD_MAX);
	int rc = rp_updates_status_write(s, &payload);
	if (rc != 0) {
		rp_log_error(LOG, "the status of updates is lost: %s", rp_err_text(rc));
	} else {
		u->opt.on_status(u->opt.ctx, (const char *)rp_buf_head(&payload), payload.len);
	}
	rp_buf_fini(&payload);
}

/* Debian and its kind say so by a file. */
static bool reboot_file(const struct rp_updates *u)
{
	return rp_fact_exists(u->opt.root, "/run/reboot-required") ||
	    rp_fact_exists(u->opt.root, "/var/run/reboot-required");
}

static void finish(struct rp_updates *u)
{
	struct look *k = u->look;
	u->look = NULL;
	u->looked = true;
	u->looked_ms = rp_clock_ms();
	k->status.reboot_pending = k->status.reboot_pending || reboot_file(u);
	log_status(&k->status);
	tell(u, &k->status);
	look_free(k);
	plan(u, (uint64_t)(u->opt.interval / RP_NS_PER_MS));
}

static void fail(struct rp_updates *u, const char *what, const char *why)
{
	char *error = u->look->status.error;
	(void)snprintf(error, sizeof(u->look->status.error), "%s: %s", what, why);
	finish(u);
}

static const struct step *current(const struct look *k)
{
	return &k->manager->steps[k->step];
}

static void on_line(void *ctx, struct rp_str line)
{
	const struct rp_updates *u = ctx;
	const struct step *s = current(u->look);
	if (s->on_line != NULL) {
		s->on_line(u->look, line);
	}
}

static bool succeeded(const struct step *s, const struct rp_tool_end *end)
{
	return end->exited && !end->timed_out && end->signal == 0 &&
	    (end->status == 0 ||
	        (end->status >= s->also_fine[0] && end->status <= s->also_fine[1]));
}

static void say_why(const struct rp_tool_end *end, char *text, size_t max)
{
	if (end->timed_out) {
		(void)snprintf(text, max, "does not end in time");
	} else if (end->text[0] != '\0') {
		(void)snprintf(text, max, "%s", end->text);
	} else if (end->signal != 0) {
		(void)snprintf(text, max, "ended by signal %d", end->signal);
	} else {
		(void)snprintf(text, max, "exit status %lld", (long long)end->status);
	}
}

/* The first hint counts: later ones mostly follow from it. */
static void step_failed(struct rp_updates *u, const char *why)
{
	struct look *k = u->look;
	const struct step *s = current(k);
	char what[64];
	(void)snprintf(what, sizeof(what), "%s %s", k->manager->name, s->argv[1]);
	if (!s->may_fail) {
		fail(u, what, why);
		return;
	}
	rp_log_debug(LOG, "%s: %s", what, why);
	if (k->status.hint[0] == '\0') {
		(void)snprintf(k->status.hint, sizeof(k->status.hint),
		    s->sudo ? "the lists of packages may be old: %s: %s" : "%s: %s", what, why);
	}
	k->step++;
	next_step(u);
}

static void on_end(void *ctx, const struct rp_tool_end *end)
{
	struct rp_updates *u = ctx;
	struct look *k = u->look;
	const struct step *s = current(k);
	char why[RP_TOOL_TEXT_MAX];
	u->tool = NULL;
	if (k->rc != 0) {
		fail(u, k->manager->name, rp_err_text(k->rc));
	} else if (!succeeded(s, end)) {
		say_why(end, why, sizeof(why));
		step_failed(u, why);
	} else {
		if (s->on_status != NULL) {
			s->on_status(k, end->status);
		}
		k->step++;
		next_step(u);
	}
}

static int add_program(const struct rp_updates *u, struct rp_strlist *argv, const char *path)
{
	char *full = rp_asprintf("%s%s", u->opt.root, path);
	int rc = full == NULL ? RP_ENOMEM : rp_strlist_add(argv, rp_str_c(full));
	rp_free(full);
	return rc;
}

static int make_argv(const struct rp_updates *u, const struct step *s, struct rp_strlist *argv)
{
	int rc = 0;
	if (s->sudo && !u->opt.root_user) {
		rc = add_program(u, argv, SUDO);
		rc = rc != 0 ? rc : rp_strlist_add(argv, rp_str_c("-n"));
	}
	size_t max = u->opt.root_user && s->root_words > 0 ? s->root_words : RP_ARRAY_LEN(s->argv);
	rc = rc != 0 ? rc : add_program(u, argv, s->argv[0]);
	for (size_t i = 1; rc == 0 && i < max && s->argv[i] != NULL; i++) {
		rc = rp_strlist_add(argv, rp_str_c(s->argv[i]));
	}
	for (size_t i = 0; rc == 0 && s->with_patches && i < u->look->patches.n; i++) {
		rc = rp_strlist_add(argv, rp_str_c(u->look->patches.v[i]));
	}
	return rc;
}

static int run_step(struct rp_updates *u, const struct step *s)
{
	struct rp_strlist argv = {0};
	int rc = make_argv(u, s, &argv);
	const struct rp_tool_options opt = {
	    .argv = &argv,
	    .timeout_ms = s->timeout_ms,
	    .on_line = on_line,
	    .on_end = on_end,
	    .ctx = u,
	};
	u->look->dnf = (struct rp_packages_dnf){0};
	rc = rc != 0 ? rc : rp_tool_start(u->opt.loop, &opt, &u->tool);
	rp_strlist_fini(&argv);
	return rc;
}

static bool left_out(const struct rp_updates *u, const struct step *s)
{
	return (s->with_patches && u->look->patches.n == 0) ||
	    (s->may_lack && !rp_fact_exists(u->opt.root, s->argv[0]));
}

static void next_step(struct rp_updates *u)
{
	struct look *k = u->look;
	while (k->step < k->manager->n_steps && left_out(u, current(k))) {
		k->step++;
	}
	if (k->step == k->manager->n_steps) {
		finish(u);
		return;
	}
	const struct step *s = current(k);
	if (s->sudo && !u->opt.root_user && !rp_fact_exists(u->opt.root, SUDO)) {
		step_failed(u, "not the root user, and there is no sudo");
		return;
	}
	int rc = run_step(u, s);
	if (rc != 0) {
		step_failed(u, rp_err_text(rc));
	}
}

static void start_look(struct rp_updates *u)
{
	struct look *k = rp_calloc(1, sizeof(*k));
	u->look = k;
	if (k == NULL) {
		rp_log_error(LOG, "cannot look for updates: %s", rp_err_text(RP_ENOMEM));
		plan(u, (uint64_t)(u->opt.interval / RP_NS_PER_MS));
		return;
	}
	rp_updates_status_init(&k->status);
	k->manager = find_manager(u->opt.root);
	if (k->manager == NULL) {
		(void)snprintf(
		    k->status.error, sizeof(k->status.error), "no supported package manager found");
		finish(u);
		return;
	}
	rp_log_debug(LOG, "asking %s for pending updates", k->manager->name);
	next_step(u);
}

static void on_timer(uv_timer_t *t)
{
	struct rp_updates *u = t->data;
	if (u->look == NULL) {
		start_look(u);
	}
}

/* --- interface --- */

int rp_updates_new(const struct rp_updates_options *opt, struct rp_updates **out)
{
	struct rp_updates *u = rp_calloc(1, sizeof(*u));
	*out = u;
	if (u == NULL) {
		return RP_ENOMEM;
	}
	u->opt = *opt;
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &u->timer) == 0);
	u->timer.data = u;
	if (opt->interval > 0) {
		plan(u, RP_UPDATES_FIRST_MS + rp_random_below(RP_UPDATES_FIRST_MS));
	}
	return 0;
}

/* To whoever asks, as often as they do; it is nothing for the log. */
static void tell_off(struct rp_updates *u)
{
	struct rp_updates_status s;
	rp_updates_status_init(&s);
	(void)snprintf(s.error, sizeof(s.error),
	    "looking for updates is turned off on this client (updates_interval)");
	tell(u, &s);
	rp_updates_status_fini(&s);
}

void rp_updates_refresh(struct rp_updates *u)
{
	uint64_t since = rp_clock_ms() - u->looked_ms;
	if (u->opt.interval <= 0) {
		tell_off(u);
	} else if (u->look == NULL) {
		plan(u,
		    u->looked && since < RP_UPDATES_DISTANCE_MS ? RP_UPDATES_DISTANCE_MS - since
		                                                : 0);
	}
}

static void on_timer_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

void rp_updates_close(struct rp_updates *u)
{
	if (u == NULL) {
		return;
	}
	rp_tool_cancel(u->tool);
	look_free(u->look);
	u->look = NULL;
	uv_close((uv_handle_t *)&u->timer, on_timer_closed);
}
