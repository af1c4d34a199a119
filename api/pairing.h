/* SPDX-License-Identifier: MIT */
/*
 * What the parts of pairing share: words of a shell command, and the end of credentials that were
 * made for nothing.
 */
#ifndef RP_API_PAIRING_H
#define RP_API_PAIRING_H

#include "api/context.h"
#include "api/pairing_store.h"

#define RP_PAIRING_URL_MAX 512

/* Has the URL only characters that mean nothing to a shell, and not too many? They stand in commands
 * that people copy. */
bool rp_pairing_url_ok(const char *url);
/* Of this server as the caller sees it, without a slash at the end; owned. RP_EINVAL: his Host is
 * none. */
RP_NODISCARD int rp_pairing_api_url(const struct rp_api_call *c, char **url);
/* Where new clients find the server: [server] url; owned. Its wildcard is replaced by the host of
 * api_url. */
RP_NODISCARD int rp_pairing_connect_url(
    const struct rp_api_call *c, const char *api_url, char **url);
/* Removes credentials that were made for pairings that nobody has used. */
void rp_pairing_drop_credentials(struct rp_api *api, const struct rp_pairing_list *ended);

#endif
