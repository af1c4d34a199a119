/* SPDX-License-Identifier: MIT */
/*
 * One binary, several roles: the name it was called by chooses, then the first argument. This
 * table is the map of the
 * program; everything else is in the folders.
 */
#include <stdio.h>
#include <string.h>

#include "client/main.h"
#include "core/defs.h"
#include "core/str.h"
#ifndef RP_CLIENT_ONLY
#include "api/api.h"
#include "api/user_cli.h"
#include "server/server.h"
#endif

#include "core/banned.h"

/* So few letters changed are a typing error. */
#define EDITS_MAX 2

struct applet {
	const char *name;
	const char *const *aliases; /* names of the program that mean this applet; ends with NULL */
	int (*main)(int argc, char **argv); /* arguments without the role word */
	const char *help;
};

#ifndef RP_CLIENT_ONLY
static int server_main(int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "user") == 0) {
		return rp_user_cli_main(argc - 1, argv + 1); /* rportd user, as RPort has it */
	}
	return rp_server_main(argc, argv, rp_api_hooks());
}

static const char *const server_names[] = {"rportd", "rport-server", NULL};
#endif

static int version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)puts("version " RP_VERSION " (" RP_CRYPTO ")");
	return 0;
}

static int help_main(int argc, char **argv);

static const char *const client_names[] = {"rport-client", NULL};
static const char *const no_names[] = {NULL};

static const struct applet applets[] = {
#ifndef RP_CLIENT_ONLY
    {"server", server_names, server_main, "accept clients, open tunnels, serve the API"},
    {"user", no_names, rp_user_cli_main, "add, change, delete and list users of the API"},
#endif
    {"client", client_names, rp_client_main, "dial out to a server and let it reach this machine"},
    {"version", no_names, version_main, "print the version"},
    {"help", no_names, help_main, "this overview; help APPLET for its options"},
};

static const struct applet *find(const char *name)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(applets); i++) {
		if (strcmp(applets[i].name, name) == 0) {
			return &applets[i];
		}
		for (const char *const *alias = applets[i].aliases; *alias != NULL; alias++) {
			if (strcmp(*alias, name) == 0) {
				return &applets[i];
			}
		}
	}
	return NULL;
}

static void overview(FILE *out)
{
	(void)fputs("rport " RP_VERSION ": remote access to machines behind NAT\n\n"
	            "usage: rport APPLET [OPTIONS]\n"
	            "       rport [OPTIONS] SERVER [REMOTE...]   (same as rport client)\n\n",
	    out);
	for (size_t i = 0; i < RP_ARRAY_LEN(applets); i++) {
		(void)fprintf(out, "  %-8s %s\n", applets[i].name, applets[i].help);
	}
	(void)fputs("\nAlso chosen by the program's name: "
#ifndef RP_CLIENT_ONLY
	            "rportd = rport server, "
#endif
	            "rport-client = rport client.\n"
	            "Try: rport help APPLET\n",
	    out);
}

static int help_main(int argc, char **argv)
{
	char help[] = "--help";
	char *args[] = {help, NULL};
	const struct applet *a = argc > 0 ? find(argv[0]) : NULL;
	if (a != NULL && a->main != help_main) {
		return a->main(1, args);
	}
	if (argc > 0 && a == NULL) {
		(void)fprintf(stderr, "rport: no applet is called \"%s\"\n", argv[0]);
		return 1;
	}
	overview(stdout);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* The applet that was probably meant by a word which would be dialled as a server; NULL if it looks
 * like a server's name (a dot, a colon, a scheme) or like no applet's. */
static const struct applet *meant(const char *word)
{
	const struct applet *best = NULL;
	size_t least = EDITS_MAX + 1;
	if (word[0] == '-' || strpbrk(word, ".:/") != NULL) {
		return NULL;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(applets); i++) {
		size_t n = rp_str_distance(word, applets[i].name);
		if (n < least) {
			least = n;
			best = &applets[i];
		}
	}
	return best;
}

static int misspelt(const char *word, const struct applet *a)
{
	(void)fprintf(stderr,
	    "rport: no applet is called \"%s\", did you mean 'rport %s'? For a server of that name: "
	    "rport client %s\n",
	    word, a->name, word);
	return 2;
}

int main(int argc, char **argv)
{
	const struct applet *a = argc > 0 ? find(base_name(argv[0])) : NULL;
	if (a != NULL && strcmp(base_name(argv[0]), a->name) != 0) {
		/* By an alias: rportd, rport-client. The role may stand behind it all the same, as
		 * in the units of services. */
		int words = argc > 1 && strcmp(argv[1], a->name) == 0 ? 2 : 1;
		return a->main(argc - words, argv + words);
	}
	if (argc < 2) {
		/* As the original: a client that finds its rport.conf in the current directory,
		 * or says what is missing. */
		return rp_client_main(0, argv + argc);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		overview(stdout);
		return 0;
	}
	a = find(argv[1]);
	if (a != NULL && strcmp(argv[1], a->name) == 0) {
		return a->main(argc - 2, argv + 2);
	}
	a = meant(argv[1]);
	return a != NULL ? misspelt(argv[1], a) : rp_client_main(argc - 1, argv + 1);
}
