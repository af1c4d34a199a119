/* SPDX-License-Identifier: MIT */
/*
 * The command: its words, and the steps one after the other.
 */
#include "client/pair.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/config.h"
#include "client/service.h"
#include "core/alloc.h"

#include "core/banned.h"

#define WRONG        2
#define DEFAULT_FILE "/etc/rport/rport.conf"
#define CODE_MAX     128

static const char usage[] =
    "usage: rport client pair [OPTION...] URL CODE\n"
    "\n"
    "Gets this machine's settings from the server whose API is at URL, for a code that one of its\n"
    "administrators has made; writes them as configuration and installs and starts the service.\n"
    "CODE - reads it from standard input. It is safe also where URL is not https.\n"
    "\n"
    "  -c, --config FILE   file to write; by default " DEFAULT_FILE "\n"
    "  --fingerprint TEXT  the server's fingerprint must be this one, SHA256:...\n"
    "  --force             replace the file; the old one is kept as FILE.bak\n"
    "  --no-service        only write the file\n"
    "  --service-user NAME user of the service; by default rport\n"
    "\n"
    "Exit status: 0 done, 1 not done, 2 called wrongly.\n";

struct order {
	const char *file;
	const char *fingerprint;
	const char *user;
	const char *url;
	const char *code;
	bool force;
	bool no_service;
	bool help;
};

static bool wrong(const char *what, const char *word)
{
	(void)fprintf(stderr, "rport client pair: %s%s\n", what, word);
	return false;
}

/* The option that takes the value, or NULL. */
static const char **value_of(struct order *o, const char *option)
{
	if (strcmp(option, "-c") == 0 || strcmp(option, "--config") == 0) {
		return &o->file;
	}
	if (strcmp(option, "--fingerprint") == 0) {
		return &o->fingerprint;
	}
	return strcmp(option, "--service-user") == 0 ? &o->user : NULL;
}

static bool take_switch(struct order *o, const char *option)
{
	if (strcmp(option, "--force") == 0) {
		o->force = true;
	} else if (strcmp(option, "--no-service") == 0) {
		o->no_service = true;
	} else if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0) {
		o->help = true;
	} else {
		return wrong("unknown option ", option);
	}
	return true;
}

static bool take_word(struct order *o, const char *word)
{
	if (o->url == NULL) {
		o->url = word;
	} else if (o->code == NULL) {
		o->code = word;
	} else {
		return wrong("one word too many", "");
	}
	return true;
}

static bool parse(int argc, char **argv, struct order *o)
{
	o->file = DEFAULT_FILE;
	for (int i = 0; i < argc; i++) {
		const char **value = value_of(o, argv[i]);
		if (value != NULL && i + 1 >= argc) {
			return wrong("a value is missing behind ", argv[i]);
		}
		if (value != NULL) {
			*value = argv[++i];
		} else if (argv[i][0] == '-' && argv[i][1] != '\0' ? !take_switch(o, argv[i])
		                                                   : !take_word(o, argv[i])) {
			return false;
		}
	}
	if (o->help) {
		return true;
	}
	/* The server's answer has this form alone; asking with another would use the code up. */
	if (o->fingerprint != NULL && strncmp(o->fingerprint, "SHA256:", 7) != 0) {
		return wrong("--fingerprint: expected SHA256:..., as the server shows it with the "
		             "code, not ",
		    o->fingerprint);
	}
	return o->code != NULL || wrong("expected URL and CODE", "");
}

static bool read_code(const struct order *o, struct rp_paircode *code)
{
	char line[CODE_MAX] = "";
	const char *text = o->code;
	if (strcmp(text, "-") == 0) {
		text = fgets(line, sizeof(line), stdin) != NULL ? line : "";
	}
	int err = rp_paircode_parse(rp_str_trim(rp_str_c(text)), code);
	rp_secret_wipe(line, sizeof(line));
	return err == 0 ||
	    wrong("expected a code of 24 letters and digits, as the server shows it", "");
}

/* The URL as people copy it. */
static char *base_url(const char *url)
{
	struct rp_str s = rp_str_c(url);
	while (s.len > 0 && s.p[s.len - 1] == '/') {
		s.len--;
	}
	return rp_str_dup(s);
}

static int check_fingerprint(
    const struct order *o, const struct rp_pair_settings *s, struct rp_err *err)
{
	const char *have = s->fingerprint != NULL ? s->fingerprint : "";
	if (o->fingerprint == NULL || strcmp(o->fingerprint, have) == 0) {
		return 0;
	}
	return rp_err_set(err, RP_EAUTH,
	    "the server's fingerprint is another one than --fingerprint says: nothing was written");
}

static int get_settings(const struct order *o, const struct rp_paircode *code, struct rp_err *err)
{
	struct rp_pair_settings s = {0};
	char *url = base_url(o->url);
	int rc = url == NULL ? rp_err_no_memory(err) : rp_pair_fetch(url, code, &s, err);
	rc = rc != 0 ? rc : check_fingerprint(o, &s, err);
	rc = rc != 0 ? rc : rp_pair_write(&s, o->file, o->force, err);
	if (rc == 0) {
		(void)printf(
		    "%s written: server %s, fingerprint %s\n", o->file, s.server, s.fingerprint);
	}
	rp_pair_settings_fini(&s);
	rp_free(url);
	return rc;
}

static int start_service(const struct order *o, struct rp_err *err)
{
	char option[] = "-c";
	char *file = rp_strdup(o->file);
	char *args[] = {option, file, NULL};
	struct rp_client_config cfg;
	if (file == NULL) {
		return rp_err_no_memory(err);
	}
	int mode = rp_client_config_load(&cfg, 2, args, err);
	int rc = mode < 0 ? mode : rp_client_config_validate(&cfg, err);
	cfg.conf.service = (struct rp_service_ask){
	    .action = "install", .user = o->user, .config = o->file};
	rc = rc != 0 ? rc : rp_client_service(&cfg, err);
	/* One that ran before has other settings. */
	cfg.conf.service.action = "restart";
	rc = rc != 0 ? rc : rp_client_service(&cfg, err);
	rp_client_config_fini(&cfg);
	rp_free(file);
	return rc;
}

static int pair(const struct order *o, const struct rp_paircode *code, struct rp_err *err)
{
	bool service = !o->no_service && access("/run/systemd/system", F_OK) == 0;
	if (!o->force && access(o->file, F_OK) == 0) {
		return rp_err_set(err, RP_EEXIST,
		    "%s is there already: --force replaces it and keeps it as %s.bak", o->file,
		    o->file);
	}
	if (service && geteuid() != 0) {
		return rp_err_set(err, RP_EDENIED,
		    "installing the service needs root; --no-service only writes the file");
	}
	int rc = get_settings(o, code, err);
	if (rc != 0) {
		return rc;
	}
	if (service) {
		rc = start_service(o, err);
		return rc == 0 ? 0
		               : rp_err_wrap(err, "the file is written, but there is no service");
	}
	(void)printf("start the client with: rport client -c %s\n", o->file);
	return 0;
}

int rp_client_pair_main(int argc, char **argv)
{
	struct order o = {0};
	struct rp_paircode code;
	struct rp_err err = {0};
	if (!parse(argc, argv, &o)) {
		(void)fputs(usage, stderr);
		return WRONG;
	}
	if (o.help) {
		(void)fputs(usage, stdout);
		return 0;
	}
	if (!read_code(&o, &code)) {
		return WRONG;
	}
	int rc = pair(&o, &code, &err);
	rp_secret_wipe(&code, sizeof(code));
	if (rc != 0) {
		(void)fprintf(stderr, "rport client pair: %s\n", err.msg);
	}
	return rc == 0 ? 0 : 1;
}
