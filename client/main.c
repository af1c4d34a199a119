/* SPDX-License-Identifier: MIT */
/*
 * Start of the client role: configuration, checks, log, then the loop. Whatever keeps it from
 * starting is one line on stderr and status 1 (rport-config section 1); nothing else ever goes
 * there.
 */
#include "client/main.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/pair.h"
#include "client/policy.h"
#include "client/service.h"
#include "core/file.h"
#include "core/footprint.h"
#include "core/log.h"
#include "ssh/session.h"

#include "core/banned.h"

static int fail(const char *before, const struct rp_err *err, const char *behind)
{
	(void)fprintf(stderr, "%s: %s%s\n", before, err->msg, behind);
	return 1;
}

static int fail_check(const struct rp_err *err)
{
	return fail("config validation failed", err, "");
}

static int run(struct rp_agent *a)
{
	const struct rp_client_config *cfg = a->cfg;
	struct rp_err err = {0};
	if (rp_log_open(cfg->logging.log_file, cfg->logging.level, &err) != 0) {
		return fail("failed starting log output", &err, "");
	}
	rp_file_raise_limit();
	rp_footprint_stay_small();
	(void)signal(SIGPIPE, SIG_IGN);
	rp_log_info(RP_CLIENT_LOG, "rport client " RP_VERSION " starts");
	for (size_t i = 0; i < cfg->conf.warnings.n; i++) {
		rp_log_info(RP_CLIENT_LOG, "config warning: %s", cfg->conf.warnings.v[i]);
	}
	if (rp_ssh_global_init(&err) != 0) {
		rp_log_error(RP_CLIENT_LOG, "cannot start: %s", err.msg);
		return fail("client cannot start", &err, "");
	}
	int code = rp_agent_start(a, &err);
	if (code == 0) {
		rp_agent_run(a);
	} else {
		rp_log_error(RP_CLIENT_LOG, "cannot start: %s", err.msg);
		(void)fail("client cannot start", &err, "");
		rp_agent_abandon(a);
	}
	rp_log_info(RP_CLIENT_LOG, "rport client ended");
	rp_ssh_global_fini();
	return code == 0 ? 0 : 1;
}

/* The configuration is read and its texts are checked by the parts that use them. */
static int check_and_run(const struct rp_client_config *cfg, int mode)
{
	struct rp_agent a;
	struct rp_err err = {0};
	int status;
	if (rp_agent_open(&a, cfg, &err) != 0) {
		status = fail_check(&err);
	} else if (mode == RP_CONF_CHECK) {
		rp_conf_print_valid(&cfg->conf);
		status = 0;
	} else if (geteuid() == 0 && !cfg->client.allow_root) {
		(void)fputs(
		    "root check failed: by default running as root is not allowed\n", stderr);
		status = 1;
	} else {
		status = run(&a);
	}
	rp_agent_fini(&a);
	rp_log_close();
	return status;
}

/* As the original: the file is checked before it is installed. */
static int service(struct rp_client_config *cfg)
{
	struct rp_err err = {0};
	bool install = strcmp(cfg->conf.service.action, "install") == 0;
	if (install && rp_client_config_validate(cfg, &err) != 0) {
		return fail_check(&err);
	}
	int code = rp_client_service(cfg, &err);
	return code == 0 ? 0 : fail("rport client", &err, "");
}

static int by_mode(struct rp_client_config *cfg, int mode, const struct rp_err *err)
{
	struct rp_err bad = {0};
	switch (mode) {
	case RP_CONF_VERSION:
		(void)puts("version " RP_VERSION);
		return 0;
	case RP_CONF_HELP:
		return rp_conf_print_help(&rp_client_config_spec);
	case RP_CONF_SERVICE:
		return service(cfg);
	case RP_CONF_RUN:
	case RP_CONF_CHECK:
		return rp_client_config_validate(cfg, &bad) != 0 ? fail_check(&bad)
		                                                 : check_and_run(cfg, mode);
	default:
		return fail("invalid config", err, ". Check your config file");
	}
}

int rp_client_main(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "policy") == 0) {
		return rp_client_policy_main(argc - 1, argv + 1);
	}
	if (argc > 0 && strcmp(argv[0], "pair") == 0) {
		return rp_client_pair_main(argc - 1, argv + 1);
	}
	struct rp_client_config cfg;
	struct rp_err err = {0};
	int mode = rp_client_config_load(&cfg, argc, argv, &err);
	if (mode == RP_CONF_RUN) {
		rp_conf_hide_secrets(&rp_client_config_spec, argc, argv);
	}
	int status = mode < 0 ? fail("invalid config", &err, ". Check your config file")
	                      : by_mode(&cfg, mode, &err);
	rp_client_config_fini(&cfg);
	return status;
}
