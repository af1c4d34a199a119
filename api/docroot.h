/* SPDX-License-Identifier: MIT */
/*
 * Files of a web interface, [api] doc_root (rport-api 1.1): whatever is no path of the API. Nobody
 * has to log in for them, so all that they may cost has a limit.
 */
#ifndef RP_API_DOCROOT_H
#define RP_API_DOCROOT_H

#include "api/context.h"

struct rp_docroot;

/* path "": none, *out NULL. */
RP_NODISCARD int rp_docroot_new(const char *path, struct rp_docroot **out, struct rp_err *err);
void rp_docroot_free(struct rp_docroot *d);
/* Answers the call, now or later; what is not there by api/webui.h. False: there is no doc_root, or the
 * path is one of the API's. */
bool rp_docroot_serve(struct rp_api_call *c);

#endif
