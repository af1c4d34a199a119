/* SPDX-License-Identifier: MIT */
/*
 * `rport client pair URL CODE`: gets server, fingerprint and credentials for a code that an
 * administrator of the server has made (core/paircode.h), writes them as the client's configuration,
 * and starts the service.
 */
#ifndef RP_CLIENT_PAIR_H
#define RP_CLIENT_PAIR_H

#include "core/defs.h"
#include "core/err.h"
#include "core/paircode.h"
#include "core/str.h"

/* argv behind the word pair. Exit status: 0 done, 1 not done, 2 called wrongly. */
int rp_client_pair_main(int argc, char **argv);

/* The steps of it, each with a text in err. */

struct rp_pair_settings {
	char *server;
	char *fingerprint;
	char *auth; /* secret */
};
void rp_pair_settings_fini(struct rp_pair_settings *s);

/* Asks the API at url (http or https, without /api/v1). Blocks. */
RP_NODISCARD int rp_pair_fetch(const char *url, const struct rp_paircode *code,
    struct rp_pair_settings *out, struct rp_err *err);
/* Writes the file, mode 0600, if it is a valid configuration afterwards. One that is there already
 * is kept as FILE.bak with replace, and else RP_EEXIST. */
RP_NODISCARD int rp_pair_write(
    const struct rp_pair_settings *s, const char *file, bool replace, struct rp_err *err);

#endif
