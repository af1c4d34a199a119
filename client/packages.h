/* SPDX-License-Identifier: MIT */
/*
 * What the package managers print about pending updates, line by line. Pure.
 */
#ifndef RP_CLIENT_PACKAGES_H
#define RP_CLIENT_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "core/str.h"

/* Borrowed from the line, or from the state of its parser; empty where a manager does not say it. */
struct rp_package {
	struct rp_str name;
	struct rp_str version;
	struct rp_str arch;
	struct rp_str origin;
	bool security;
	bool reboot;
};

/* Each: true if the line is about one package. */

/* apt-get -s upgrade: "Inst NAME [OLD] (VERSION ORIGIN, ORIGIN [ARCH]) []". The version has all
 * that is in the brackets; an origin that has to do with security makes it a security update. */
bool rp_packages_apt(struct rp_str line, struct rp_package *p);

/* dnf and yum check-update: "NAME.ARCH VERSION REPOSITORY", which yum folds when it is too long.
 * Zeroed at the beginning. What stands behind the heading about obsolete packages is no update. */
#define RP_PACKAGES_WORD_MAX 256
struct rp_packages_dnf {
	bool obsoletes;
	size_t n; /* words of an unfinished line */
	char words[3][RP_PACKAGES_WORD_MAX];
};
bool rp_packages_dnf(struct rp_packages_dnf *d, struct rp_str line, struct rp_package *p);

/* zypper list-updates: "v | REPOSITORY | NAME | OLD | VERSION | ARCH". */
bool rp_packages_zypper(struct rp_str line, struct rp_package *p);
/* zypper list-patches: "REPOSITORY | NAME | CATEGORY | SEVERITY | INTERACTIVE | STATUS | ...", those
 * that are needed. */
bool rp_packages_zypper_patch(struct rp_str line, struct rp_str *name);
/* zypper patch-info: what a patch is for, then under "Conflicts" what it replaces: name ("NAME.ARCH"),
 * security and reboot of *p are set. Zeroed at the beginning. */
struct rp_packages_patch {
	bool security;
	bool reboot;
	bool conflicts;
};
bool rp_packages_zypper_info(struct rp_packages_patch *s, struct rp_str line, struct rp_package *p);

/* apk list --upgradable: "NAME-VERSION ARCH {ORIGIN} (LICENCE) [upgradable from: ...]". */
bool rp_packages_apk(struct rp_str line, struct rp_package *p);

#endif
