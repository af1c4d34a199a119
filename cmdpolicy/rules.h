/* SPDX-License-Identifier: MIT */
/*
 * Rules of the client's owner, one for each command that may run ([[remote-commands.rule]]):
 * program, arguments, user, directory, time. Everything that a rule does not mention is not
 * allowed. Pure.
 */
#ifndef RP_CMDPOLICY_RULES_H
#define RP_CMDPOLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "core/toml.h"

#define RP_CMD_RULES_MAX 1024

struct rp_cmd_rules;

/* tables: the array of tables; file: its name, for messages. RP_EINVAL as `file:line:
 * remote-commands.rule.KEY: what is wrong, what is expected`, RP_ENOMEM. */
RP_NODISCARD int rp_cmd_rules_parse(
    const struct rp_toml *tables, const char *file, struct rp_cmd_rules **out, struct rp_err *err);
void rp_cmd_rules_free(struct rp_cmd_rules *r); /* NULL is fine */

/* A command as it would run. All borrowed. */
struct rp_cmd_facts {
	const char *given;    /* absolute path as it was sent */
	const char *resolved; /* the file behind it */
	const struct rp_strlist *argv;
	const char *cwd; /* "" = none was asked for */
	bool sudo;
	int minute; /* of the week (cmdpolicy/hours.h), -1 = not known */
};

/* What the rule that allowed a command says about running it. Borrowed from the rules. */
struct rp_cmd_verdict {
	const char *user;    /* for sudo; NULL = the client's own */
	int64_t max_runtime; /* ns, 0 = no limit of its own */
};

/* 0: allowed by the first rule that fits; RP_EDENIED: by none. reason says which rule it was, or
 * how far the one that came nearest goes; RP_ENOMEM. */
RP_NODISCARD int rp_cmd_rules_decide(const struct rp_cmd_rules *r, const struct rp_cmd_facts *f,
    struct rp_cmd_verdict *verdict, struct rp_err *reason);

/* All rules in plain words, a line each. */
RP_NODISCARD int rp_cmd_rules_text(const struct rp_cmd_rules *r, struct rp_buf *out);

#endif
