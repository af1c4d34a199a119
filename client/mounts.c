/* SPDX-License-Identifier: MIT */
#include "client/mounts.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "client/facts.h"
#include "client/procfs.h"
#include "core/alloc.h"
#include "core/err.h"
#include "core/jsonw.h"

#include "core/banned.h"

struct list {
	const struct rp_mounts_options *opt;
	struct rp_jsonw w;
	struct rp_strlist devices;
	struct rp_strlist paths;
	int rc;
	struct rp_mount mount;
	struct rp_fact_file file;
};

static bool type_wanted(const struct rp_mounts_options *opt, const char *type)
{
	for (size_t i = 0; i < opt->types->n; i++) {
		if (rp_ascii_ieq(opt->types->v[i], type)) {
			return true;
		}
	}
	return false;
}

static bool matches(const struct rp_strlist *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (fnmatch(patterns->v[i], path, FNM_PATHNAME) == 0) {
			return true;
		}
	}
	return false;
}

/* With exclude_below the path's parents count too; its text is cut for that and comes back whole. */
static bool excluded(const struct rp_mounts_options *opt, char *path)
{
	bool found = matches(opt->exclude, path);
	for (char *p = path + 1; opt->exclude_below && !found && *p != '\0'; p++) {
		if (*p == '/') {
			*p = '\0';
			found = matches(opt->exclude, path);
			*p = '/';
		}
	}
	return found;
}

static void put(struct list *l, const char *what, uint64_t bytes)
{
	char key[RP_MOUNT_PATH_MAX + 16];
	(void)snprintf(key, sizeof(key), "%s.%s", what, l->mount.path);
	rp_jsonw_put_uint(&l->w, key, bytes);
}

/* A device that is mounted at several places counts at the first that is wanted. */
static bool seen(const struct list *l)
{
	return (l->opt->once_per_device && rp_strlist_has(&l->devices, l->mount.device)) ||
	    rp_strlist_has(&l->paths, l->mount.path);
}

static int add_mount(struct list *l)
{
	struct statvfs st;
	int rc = rp_strlist_add(&l->devices, rp_str_c(l->mount.device));
	rc = rc != 0 ? rc : rp_strlist_add(&l->paths, rp_str_c(l->mount.path));
	if (rc != 0) {
		return rc;
	}
	do {
		rc = statvfs(l->mount.path, &st);
	} while (rc != 0 && errno == EINTR);
	if (rc == 0) {
		put(l, "free_b", (uint64_t)st.f_bavail * st.f_frsize);
		put(l, "total_b", (uint64_t)st.f_blocks * st.f_frsize);
	}
	return 0;
}

static bool on_line(void *ctx, struct rp_str line)
{
	struct list *l = ctx;
	if (rp_procfs_mount(line, &l->mount) == 0 && type_wanted(l->opt, l->mount.type) &&
	    !excluded(l->opt, l->mount.path) && !seen(l)) {
		l->rc = add_mount(l);
	}
	return l->rc == 0 && l->w.out->len < RP_MOUNTS_JSON_MAX;
}

int rp_mounts_list(const struct rp_mounts_options *opt, struct rp_buf *out)
{
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		return RP_ENOMEM;
	}
	l->opt = opt;
	rp_jsonw_init(&l->w, out);
	rp_jsonw_obj(&l->w);
	rp_fact_lines(opt->root, "/proc/self/mountinfo", &l->file, on_line, l);
	rp_jsonw_obj_end(&l->w);
	int rc = rp_jsonw_end(&l->w);
	rc = l->rc != 0 ? l->rc : rc;
	rp_strlist_fini(&l->devices);
	rp_strlist_fini(&l->paths);
	rp_free(l);
	return rc;
}
