/* SPDX-License-Identifier: MIT */
/*
 * The text of a unit. With RP_SERVICE_SUDO there is little to forbid: most of systemd's settings
 * switch NoNewPrivileges on for a service that is not root's, and what sudo runs has to be able to
 * do what an administrator does.
 */
#include "core/service.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define STATE_DIR "/var/lib/rport"
#define LOGS_DIR  "/var/log/rport"

/* Restarts for ever: a server that cannot be reached is no reason to give up. */
static const char restart_text[] = "StartLimitIntervalSec=0\n"
                                   "\n"
                                   "[Service]\n";

static const char up_text[] = "Wants=network-online.target\n"
                              "After=network-online.target\n";

static const char open_text[] =
    "\n"
    "# The configuration lets the server use sudo, which needs new privileges and the whole machine.\n"
    "# With sudo = false in [remote-commands] installing again makes a sandbox.\n"
    "KeyringMode=private\n";

static const char closed_text[] = "\n"
                                  "NoNewPrivileges=yes\n"
                                  "KeyringMode=private\n"
                                  "LockPersonality=yes\n"
                                  "PrivateDevices=yes\n"
                                  "ProtectClock=yes\n"
                                  "ProtectControlGroups=yes\n"
                                  "ProtectHostname=yes\n"
                                  "ProtectKernelLogs=yes\n"
                                  "ProtectKernelModules=yes\n"
                                  "ProtectKernelTunables=yes\n"
                                  "RemoveIPC=yes\n"
                                  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
                                  "RestrictNamespaces=yes\n"
                                  "RestrictRealtime=yes\n"
                                  "RestrictSUIDSGID=yes\n"
                                  "SystemCallArchitectures=native\n"
                                  "SystemCallFilter=@system-service\n"
                                  "SystemCallErrorNumber=EPERM\n";

/* A word as units quote it; in ExecStart a '$' would be a variable. */
static int add_word(struct rp_buf *out, const char *text, bool command)
{
	int err = rp_buf_add_u8(out, '"');
	for (const char *p = text; err == 0 && *p != '\0'; p++) {
		bool doubled = *p == '%' || (command && *p == '$');
		if (*p == '"' || *p == '\\') {
			err = rp_buf_add_u8(out, '\\');
		} else if (doubled) {
			err = rp_buf_add_u8(out, (uint8_t)*p);
		}
		err = err != 0 ? err : rp_buf_add_u8(out, (uint8_t)*p);
	}
	return err != 0 ? err : rp_buf_add_u8(out, '"');
}

static bool is_path(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			return false;
		}
	}
	return text[0] == '/';
}

static bool is_user(const char *text)
{
	static const char chars[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strlen(text);
	return n > 0 && n <= 31 && strspn(text, chars) == n && text[0] != '-' &&
	    (text[0] < '0' || text[0] > '9');
}

static int check(const struct rp_service *s, const struct rp_service_ask *ask, const char *exe,
    struct rp_err *err)
{
	if (!is_user(ask->user)) {
		return rp_err_set(err, RP_EINVAL,
		    "--service-user: expected a user name of letters, digits, '_' and '-'");
	}
	if (!is_path(exe) || !is_path(ask->config)) {
		return rp_err_set(err, RP_EINVAL,
		    "program and configuration file need absolute paths without control characters");
	}
	bool fine = is_path(s->data_dir);
	for (size_t i = 0; i < s->writes->n; i++) {
		fine = fine && is_path(s->writes->v[i]);
	}
	return fine ? 0
	            : rp_err_set(err, RP_EINVAL,
	                  "a service needs absolute paths for its folders and files");
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int add_start(const struct rp_service *s, const struct rp_service_ask *ask, const char *exe,
    struct rp_buf *out)
{
	bool watched = (s->holes & RP_SERVICE_WATCHDOG) != 0;
	int err = rp_buf_printf(out, "Type=%s\nExecStart=", watched ? "notify" : "simple");
	err = err != 0 ? err : add_word(out, exe, true);
	err = err != 0 ? err : rp_buf_printf(out, " %s -c ", s->role);
	err = err != 0 ? err : add_word(out, ask->config, true);
	err = err != 0 ? err : rp_buf_add_str(out, "\n");
	if (err == 0 && s->reload != NULL) {
		err = rp_buf_printf(out, "ExecReload=/bin/kill -%s $MAINPID\n", s->reload);
	}
	if (err == 0 && watched) {
		/* Longer than the client's own deadlines for a peer that has fallen silent. */
		err = rp_buf_add_str(out, "NotifyAccess=main\nWatchdogSec=10min\n");
	}
	return err != 0 ? err
	                : rp_buf_printf(out,
	                      "User=%s\nGroup=%s\nRestart=always\nRestartSec=10\n"
	                      "LimitNOFILE=1048576\nUMask=0027\n",
	                      ask->user, ask->user);
}

/* Folders that it writes to, where the rest of the machine is not to be changed. '-': it need not be
 * there yet. */
static int add_folders(const struct rp_service *s, struct rp_buf *out)
{
	int err = 0;
	bool logs = false;
	if (is_below(s->data_dir, STATE_DIR)) {
		err = rp_buf_add_str(out, "StateDirectory=rport\nStateDirectoryMode=0700\n");
	} else {
		err = rp_buf_add_str(out, "ReadWritePaths=-");
		err = err != 0 ? err : add_word(out, s->data_dir, false);
		err = err != 0 ? err : rp_buf_add_str(out, "\n");
	}
	for (size_t i = 0; err == 0 && i < s->writes->n; i++) {
		if (is_below(s->writes->v[i], LOGS_DIR)) {
			logs = true;
			continue;
		}
		err = rp_buf_add_str(out, "ReadWritePaths=-");
		err = err != 0 ? err : add_word(out, s->writes->v[i], false);
		err = err != 0 ? err : rp_buf_add_str(out, "\n");
	}
	return err != 0 || !logs ? err : rp_buf_add_str(out, "LogsDirectory=rport\n");
}

static int add_sandbox(const struct rp_service *s, struct rp_buf *out)
{
	if ((s->holes & RP_SERVICE_SUDO) != 0) {
		return rp_buf_add_str(out, open_text);
	}
	int err = rp_buf_add_str(out, closed_text);
	if ((s->holes & RP_SERVICE_LOW_PORTS) != 0) {
		err = err != 0 ? err
		               : rp_buf_add_str(out,
		                     "AmbientCapabilities=CAP_NET_BIND_SERVICE\n"
		                     "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n");
	} else {
		err = err != 0 ? err : rp_buf_add_str(out, "CapabilityBoundingSet=\n");
	}
	if ((s->holes & RP_SERVICE_PROGRAMS) == 0) {
		err = err != 0 ? err : rp_buf_add_str(out, "MemoryDenyWriteExecute=yes\n");
	}
	bool strict = (s->holes & RP_SERVICE_FILES) == 0;
	return err != 0
	    ? err
	    : rp_buf_add_str(out,
	          strict ? "ProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\n"
	                 : "ProtectSystem=full\n");
}

int rp_service_add_folder(struct rp_strlist *folders, const char *file, struct rp_err *err)
{
	if (file[0] == '\0') {
		return 0;
	}
	const char *slash = strrchr(file, '/');
	if (file[0] != '/' || slash == file) {
		return rp_err_set(
		    err, RP_EINVAL, "a service needs absolute paths for its files, below a folder");
	}
	char *folder = rp_strndup(file, (size_t)(slash - file));
	int code = folder == NULL             ? RP_ENOMEM
	    : rp_strlist_has(folders, folder) ? 0
	                                      : rp_strlist_add(folders, rp_str_c(folder));
	rp_free(folder);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

int rp_service_unit(const struct rp_service *s, const struct rp_service_ask *ask, const char *exe,
    struct rp_buf *out, struct rp_err *err)
{
	int code = check(s, ask, exe, err);
	if (code != 0) {
		return code;
	}
	code = rp_buf_printf(out,
	    "# Made by %s --service install, which replaces it. Changes go into a drop-in:\n"
	    "# systemctl edit %s\n"
	    "[Unit]\nDescription=%s\nDocumentation=%s\n%s%s",
	    s->summary, s->name, s->summary, s->docs, s->waits ? up_text : "After=network.target\n",
	    restart_text);
	code = code != 0 ? code : add_start(s, ask, exe, out);
	code = code != 0 ? code : add_folders(s, out);
	code = code != 0 ? code : add_sandbox(s, out);
	code = code != 0 ? code : rp_buf_add_str(out, "\n[Install]\nWantedBy=multi-user.target\n");
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}
