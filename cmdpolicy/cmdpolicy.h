/* SPDX-License-Identifier: MIT */
/*
 * May this command run? The client owner's policy, decided on what will really run: the text is
 * split into words by POSIX shell rules without expansions, the program is resolved, and the
 * owner's expressions (PCRE2 with match limits) must agree on the given and on the resolved text.
 * An owner who has written rules (cmdpolicy/rules.h) has them decide instead; of the expressions
 * only those that forbid count then.
 * Pure: file system look-ups come through a resolver callback.
 */
#ifndef RP_CMDPOLICY_CMDPOLICY_H
#define RP_CMDPOLICY_CMDPOLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "core/toml.h"

#define RP_COMMAND_TEXT_MAX  65536
#define RP_COMMAND_WORDS_MAX 1024

struct rp_cmdpolicy;

struct rp_cmdpolicy_options {
	bool enabled;
	const struct rp_strlist *allow;
	const struct rp_strlist *deny;
	const struct rp_strlist *order; /* exactly "allow","deny" or "deny","allow" */
	bool scripts_enabled;
	bool shell;   /* the owner lets the text go to /bin/sh as the original does */
	bool no_sudo; /* requests with sudo are refused, also those of scripts */
	const struct rp_toml
	    *rules;       /* [[remote-commands.rule]], NULL = none; needed during _new only */
	const char *file; /* where they stand, for messages */
	const struct rp_strlist *interpreters; /* of scripts; NULL or empty: any */
};

struct rp_cmd_request {
	const char *command;
	const char *interpreter;
	const char *cwd;
	bool is_sudo;
	bool is_script;
	int minute; /* of the week (rp_hours_minute), -1 = not known */
};

/* What to run: the file argv[0] (resolved), which sees argv0 as its name, as programs with
 * several names (busybox, systemctl as reboot) need it. For shell and scripts argv is empty and
 * the runner writes a script file. */
struct rp_cmd_plan {
	struct rp_strlist argv;
	char *argv0; /* the program as it was given: absolute, perhaps through symbolic links */
	char *user;  /* whom sudo is asked for, NULL = its default */
	int64_t max_runtime; /* ns, 0 = no limit by the policy */
	bool shell;
};

/* Resolves a program name to an absolute path without "..", symlinks followed (realpath, PATH
 * look-up for names without a slash is refused by the policy); 0 or negative. */
typedef int (*rp_cmd_resolve_fn)(void *ctx, const char *program, char **resolved);

/* Errors with the documented texts (rport-config 3.5): `remote commands: allow regexp: invalid
 * regular expression "x": …`. */
RP_NODISCARD int rp_cmdpolicy_new(
    const struct rp_cmdpolicy_options *opt, struct rp_cmdpolicy **out, struct rp_err *err);
void rp_cmdpolicy_free(struct rp_cmdpolicy *p);
/* 0 = allowed, plan filled (owned by the caller). RP_EDENIED with the documented text for the
 * failure reply (wire protocol 6.1: `remote commands execution is disabled`, `remote scripts are
 * disabled`, `command is not allowed: <command>`); reason (static or in err2) says which rule
 * decided, for the local log. */
RP_NODISCARD int rp_cmdpolicy_decide(const struct rp_cmdpolicy *p, const struct rp_cmd_request *req,
    rp_cmd_resolve_fn resolve, void *ctx, struct rp_cmd_plan *plan, struct rp_err *err,
    struct rp_err *reason);
void rp_cmd_plan_fini(struct rp_cmd_plan *plan);
/* The whole policy in plain words. */
RP_NODISCARD int rp_cmdpolicy_text(const struct rp_cmdpolicy *p, struct rp_buf *out);

/* POSIX shell word splitting (quotes, backslash) without any expansion. RP_EDENIED with the
 * reason when the text would need a shell (operators, substitutions, globs, assignments before
 * the command, tilde, comments, newlines, control bytes), RP_EINVAL for unbalanced quotes. */
RP_NODISCARD int rp_words_split(const char *text, struct rp_strlist *words, struct rp_err *err);

#endif
