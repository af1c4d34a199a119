/* SPDX-License-Identifier: MIT */
/*
 * This program as a service of systemd: `--service install|uninstall|start|stop` of both roles. What
 * an installed service may do follows from its configuration. Installing again only renews the unit:
 * configuration, data and drop-ins of the administrator stay, also when it is uninstalled.
 */
#ifndef RP_CORE_SERVICE_H
#define RP_CORE_SERVICE_H

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"

/* What takes a hole in the sandbox. */
#define RP_SERVICE_SUDO      1u  /* sudo: nothing of the machine can be kept from it */
#define RP_SERVICE_PROGRAMS  2u  /* programs of others, which may make code as they run */
#define RP_SERVICE_FILES     4u  /* writes wherever its user may */
#define RP_SERVICE_LOW_PORTS 8u  /* listens below 1024 */
#define RP_SERVICE_WATCHDOG  16u /* tells systemd that it is well */

/* All borrowed. */
struct rp_service {
	const char *name;    /* of the unit, without ".service" */
	const char *summary; /* "rport client" */
	const char *docs;    /* as Documentation= has it */
	const char *role;    /* first argument of the program */
	const char *reload;  /* signal that makes it read again; NULL: none */
	const char *data_dir;
	const struct rp_strlist *writes; /* further folders */
	bool waits;                      /* starts when the network is up, not before */
	unsigned holes;
};

/* As the command line has it; borrowed. */
struct rp_service_ask {
	const char *action; /* NULL: none */
	const char *user;   /* NULL: rport */
	const char *root;   /* prepares an image below this folder; NULL: this machine */
	const char *config; /* NULL: the role's own in /etc/rport */
};

/* Adds the folder of a file, once; "" adds nothing. RP_EINVAL: no absolute path; RP_ENOMEM. */
RP_NODISCARD int rp_service_add_folder(
    struct rp_strlist *folders, const char *file, struct rp_err *err);

/* The text of the unit for a program at exe. RP_EINVAL: a path or name that no unit can hold. */
RP_NODISCARD int rp_service_unit(const struct rp_service *s, const struct rp_service_ask *ask,
    const char *exe, struct rp_buf *out, struct rp_err *err);

/* Does it and says so. s needs no more than its name for all but install. Blocks. */
RP_NODISCARD int rp_service_do(
    const struct rp_service *s, const struct rp_service_ask *ask, struct rp_err *err);

#endif
