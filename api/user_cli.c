/* SPDX-License-Identifier: MIT */
/*
 * Works on the store that the server's configuration names, as the API does: with the same lock,
 * rules and limits. Arguments that are not its own are the server's (-c and so on).
 */
#include "api/user_cli.h"

#include <stdio.h>
#include <string.h>

#include "api/prompt.h"
#include "api/user_rules.h"
#include "api/users.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/loop.h"

#include "core/banned.h"

#define FAILED 1
#define USAGE  2

static const char help[] =
    "rport user: users of the API, in the file or database that the server's configuration names\n\n"
    "usage: rport user add    -u NAME [-g GROUP,...] [--2fa-sendto TEXT] [OPTION...]\n"
    "       rport user change -u NAME [-p] [-g GROUP,...] [--2fa-sendto TEXT] [OPTION...]\n"
    "       rport user delete -u NAME [OPTION...]\n"
    "       rport user list   [OPTION...]\n\n"
    "  -u, --username NAME      whom it is about\n"
    "  -g, --group GROUP,...    groups, instead of those there were; Administrators may do everything\n"
    "  -p, --password           change: ask for a new password\n"
    "      --2fa-sendto TEXT    where codes of the second factor are sent to\n"
    "  -c, --config FILE        configuration of the server (./rportd.conf if it exists)\n"
    "  -h, --help               this text\n\n"
    "Other options are those of rport server. Passwords are asked for twice, or read from standard\n"
    "input line by line if that is no terminal. Exit status: 0, 1 (it failed), 2 (wrong use).\n";

enum verb {
	ADD,
	CHANGE,
	DELETE,
	LIST
};
static const char *const verbs[] = {"add", "change", "delete", "list"};

struct cli {
	enum verb verb;
	bool help;
	bool ask; /* for a password */
	const char *username;
	const char *send_to;
	struct rp_strlist groups;
	bool has_groups;
	char **rest; /* arguments of the server */
	int n_rest;
	struct rp_server_config cfg;
	struct rp_loop *loop;
	struct rp_users *users;
	bool started;
	int code; /* of the change */
	struct rp_err err;
};

/* --- arguments --- */

static int misused(const char *what, const char *arg)
{
	(void)fprintf(stderr, "rport user: %s%s; see rport user --help\n", what, arg);
	return USAGE;
}

static int find_verb(const char *word)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i], word) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/* Does arg begin option letter or name, and with which value? *value NULL: the next argument. */
static bool is_option(const char *arg, char letter, const char *name, const char **value)
{
	size_t n = strlen(name);
	*value = NULL;
	if (letter != '\0' && arg[0] == '-' && arg[1] == letter) {
		*value = arg[2] != '\0' ? arg + 2 : NULL;
		return true;
	}
	if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, n) != 0) {
		return false;
	}
	*value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
	return arg[2 + n] == '=' || arg[2 + n] == '\0';
}

static int take_groups(struct cli *c, const char *text)
{
	struct rp_str rest = rp_str_c(text);
	struct rp_str part;
	c->has_groups = true;
	while (rp_str_split(&rest, ',', &part)) {
		part = rp_str_trim(part);
		if (part.len > 0 && rp_strlist_add(&c->groups, part) != 0) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

/* An option with a value, from argv[*i] on; false: none of ours. */
static bool take_value(struct cli *c, int argc, char **argv, int *i, int *status)
{
	const char *value;
	const char **slot = NULL;
	const char *arg = argv[*i];
	bool groups = is_option(arg, 'g', "group", &value);
	if (!groups && is_option(arg, 'u', "username", &value)) {
		slot = &c->username;
	} else if (!groups && is_option(arg, '\0', "2fa-sendto", &value)) {
		slot = &c->send_to;
	}
	if (!groups && slot == NULL) {
		return false;
	}
	if (value == NULL && *i + 1 < argc) {
		value = argv[++*i];
	}
	if (value == NULL) {
		*status = misused("a value is missing behind ", arg);
	} else if (slot != NULL) {
		*slot = value;
	} else {
		*status = take_groups(c, value) == 0 ? 0 : FAILED;
	}
	return true;
}

static int parse(struct cli *c, int argc, char **argv)
{
	int status = 0;
	bool found = false;
	for (int i = 0; i < argc && status == 0; i++) {
		const char *value;
		if (is_option(argv[i], 'h', "help", &value)) {
			c->help = true;
		} else if (is_option(argv[i], 'p', "password", &value) && value == NULL) {
			c->ask = true;
		} else if (take_value(c, argc, argv, &i, &status)) {
			continue;
		} else if (!found && argv[i][0] != '-' && find_verb(argv[i]) >= 0) {
			c->verb = (enum verb)find_verb(argv[i]);
			found = true;
		} else if (!found && argv[i][0] != '-' && c->n_rest == 0) {
			status = misused("there is nothing called ", argv[i]);
		} else {
			c->rest[c->n_rest++] = argv[i];
		}
	}
	if (status == 0 && !c->help && !found) {
		status = misused("expected add, change, delete or list", "");
	}
	return status;
}

static int check_use(const struct cli *c)
{
	if (c->verb != LIST && (c->username == NULL || c->username[0] == '\0')) {
		return misused("the option -u is needed", "");
	}
	if (c->verb == LIST && c->username != NULL) {
		return misused("list takes no -u", "");
	}
	if ((c->verb == LIST || c->verb == DELETE) &&
	    (c->has_groups || c->send_to != NULL || c->ask)) {
		return misused("this is not for ", verbs[c->verb]);
	}
	return 0;
}

/* --- the work --- */

static int fail(const char *text)
{
	(void)fprintf(stderr, "rport user: %s\n", text);
	return FAILED;
}

static int load_config(struct cli *c)
{
	struct rp_err err = {0};
	int mode = rp_server_config_load(&c->cfg, c->n_rest, c->rest, &err);
	const struct rp_conf_api *api = &c->cfg.api;
	if (mode < 0 || (mode == RP_CONF_RUN && rp_server_config_validate(&c->cfg, &err) != 0)) {
		(void)fprintf(stderr, "rport user: Invalid config: %s\n", err.msg);
		return FAILED;
	}
	if (mode != RP_CONF_RUN) {
		return misused("this option is for the server alone", "");
	}
	if (api->auth[0] != '\0') {
		return fail(
		    "the configuration has a single static user (api.auth): there is nothing "
		    "to administrate");
	}
	if (api->auth_file[0] == '\0' && api->auth_user_table[0] == '\0') {
		return fail("the configuration names no users of the API ('auth_file' or "
		            "'auth_user_table')");
	}
	return 0;
}

/* Whatever stands in a store: one line of the terminal. */
static void print_text(const char *text)
{
	for (; *text != '\0'; text++) {
		(void)putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
	}
}

static void print_user(void *ctx, const struct rp_user *user)
{
	(void)ctx;
	print_text(user->username);
	for (size_t i = 0; i < user->groups.n; i++) {
		(void)putchar(i == 0 ? '\t' : ',');
		print_text(user->groups.v[i]);
	}
	(void)puts(user->password_expired ? "\t(password expired)" : "");
}

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	struct cli *c = ctx;
	c->code = code;
	c->err = *err;
	rp_users_close(c->users);
	rp_loop_stop(c->loop);
}

static int start(struct cli *c, const struct rp_user_change *change)
{
	switch (c->verb) {
	case ADD:
		return rp_users_add(c->users, change, on_done, c);
	case CHANGE:
		return rp_users_change(c->users, c->username, change, on_done, c);
	case DELETE:
		return rp_users_delete(c->users, c->username, on_done, c);
	case LIST:
		break;
	}
	return RP_EINVAL;
}

static int print_problems(const struct rp_user_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct rp_user_problem *p = &problems->v[i];
		(void)fprintf(stderr, "rport user: %s%s%s\n", p->title,
		    p->detail[0] != '\0' ? ": " : "", p->detail);
	}
	return FAILED;
}

static int report(const struct cli *c)
{
	static const char *const done[] = {
	    [ADD] = "added", [CHANGE] = "changed", [DELETE] = "deleted", [LIST] = "listed"};
	if (c->code != 0) {
		return fail(c->err.msg[0] != '\0' ? c->err.msg : rp_err_text(c->code));
	}
	(void)printf("User %s successfully.\n", done[c->verb]);
	if (strcmp(rp_users_source(c->users), "File") == 0) {
		(void)puts(
		    "A running server reads the file again when it is restarted or gets SIGUSR1.");
	}
	return 0;
}

static int change_user(struct cli *c, const char *password)
{
	const struct rp_user_change change = {
	    .username = c->verb == ADD ? c->username : NULL,
	    .password = password,
	    .groups = c->has_groups ? &c->groups : NULL,
	    .two_fa_send_to = c->send_to,
	};
	struct rp_user_problems problems = {0};
	if (c->verb != DELETE) {
		rp_user_rules_check(
		    &c->cfg.api, &change, c->verb == ADD ? NULL : c->username, &problems);
	}
	if (problems.n > 0) {
		return print_problems(&problems);
	}
	c->code = start(c, &change);
	c->started = c->code == 0;
	return c->started ? 0 : report(c);
}

static int run(struct cli *c)
{
	char password[RP_PROMPT_MAX] = "";
	bool ask = c->ask || c->verb == ADD;
	if (c->verb == LIST) {
		rp_users_each(c->users, print_user, NULL);
		return 0;
	}
	bool there = rp_users_find(c->users, c->username) != NULL;
	if (there == (c->verb == ADD)) {
		return fail(there ? "Another user with this username already exists"
		                  : "there is no user of this name");
	}
	if (ask && rp_prompt_password(password, &c->err) != 0) {
		return fail(c->err.msg);
	}
	int status = change_user(c, ask ? password : NULL);
	rp_secret_wipe(password, sizeof(password));
	return status;
}

static int open_and_run(struct cli *c)
{
	int status = load_config(c);
	if (status != 0) {
		return status;
	}
	if (rp_loop_new(&c->loop, "user") != 0 ||
	    rp_users_new(c->loop, &c->cfg, &c->users, &c->err) != 0) {
		status = fail(c->err.msg[0] != '\0' ? c->err.msg : rp_err_text(RP_ENOMEM));
	} else {
		status = run(c);
	}
	if (!c->started) {
		rp_users_close(c->users);
	}
	if (!c->started && c->loop != NULL) {
		rp_loop_stop(c->loop);
	}
	if (c->loop != NULL) {
		(void)rp_loop_run(c->loop);
	}
	status = c->started ? report(c) : status;
	rp_users_free(c->users);
	rp_loop_free(c->loop);
	return status;
}

int rp_user_cli_main(int argc, char **argv)
{
	struct cli c = {0};
	c.rest = rp_calloc((size_t)argc + 1, sizeof(*c.rest));
	if (c.rest == NULL) {
		return fail(rp_err_text(RP_ENOMEM));
	}
	int status = parse(&c, argc, argv);
	if (status == 0 && c.help) {
		(void)fputs(help, stdout);
	} else if (status == 0) {
		status = check_use(&c);
		status = status != 0 ? status : open_and_run(&c);
		rp_server_config_fini(&c.cfg);
	}
	rp_strlist_fini(&c.groups);
	rp_free(c.rest);
	return status;
}
