/* SPDX-License-Identifier: MIT */
/*
 * The table of the client's options: rport-config.md sections 3.1 to 3.9.
 */
#include <stddef.h>
#include <stdint.h>

#include "client/config.h"
#include "core/clock.h"
#include "core/defs.h"
#include "tunnel/budget.h"

#include "core/banned.h"

#define S    RP_NS_PER_S
#define MIN  (60 * S)
#define MANY INT64_MAX

/* A row of a section; the struct member has the key's name unless AT says otherwise. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member in parentheses is no member */
#define AT(part, member)      .offset = offsetof(struct rp_client_config, part.member)
#define WORD(sect, k, t)      .section = (sect), .key = #k, .type = RP_CONF_##t
#define ROW(sect, part, k, t) WORD(sect, k, t), AT(part, k)
#define CLIENT(k, t)          ROW("client", client, k, t)
#define CONN(k, t)            ROW("connection", connection, k, t)
#define MON(k, t)             ROW("monitoring", monitoring, k, t)
#define SECRET                .flags = RP_CONF_F_SECRET

static const struct rp_conf_opt opts[] = {
    {CLIENT(server, STR)},
    {CLIENT(fallback_servers, STRLIST), .flag = "fallback-server",
        .help = "Another server to try when the first does not answer; may be repeated."},
    {CLIENT(server_switchback_interval, DURATION), .def = "2m", .min = S, .max = MANY,
        .flag = "server-switchback-interval",
        .help = "How often to try to go back to the first server."},
    {CLIENT(fingerprint, STR), .flag = "fingerprint", .env = "RPORT_FINGERPRINT",
        .help = "Fingerprint of the server's host key, or its beginning. Without it the server "
                "is not verified."},
    {CLIENT(auth, STR), SECRET, .flag = "auth", .env = "RPORT_AUTH",
        .help = "Credentials as ID:PASSWORD."},
    {CLIENT(proxy, STR), SECRET, .flag = "proxy",
        .help = "HTTP CONNECT or SOCKS5 proxy as http://USER:PASSWORD@HOST:PORT or socks://..."},
    {CLIENT(id, STR), .flag = "id", .help = "Unique id of this client."},
    {CLIENT(use_system_id, BOOL), .def = "true", .flag = "use-system-id",
        .help = "Take the machine's id if no id is given."},
    {CLIENT(name, STR), .flag = "name", .help = "Name shown to users."},
    {CLIENT(use_hostname, BOOL), .def = "true", .flag = "use-hostname",
        .help = "Take the host's name if no name is given."},
    {CLIENT(tags, STRLIST), .flags = RP_CONF_F_ONE, .flag = "tag", .letter = 't',
        .help = "A tag; may be repeated."},
    {CLIENT(labels, STRMAP)},
    {CLIENT(attributes_file_path, STR)},
    {CLIENT(remotes, STRLIST)},
    {CLIENT(tunnel_allowed, STRLIST)},
    {CLIENT(tunnel_memory, SIZE), .def = "256MiB", .min = RP_BUDGET_MIN, .max = MANY},
    {CLIENT(allow_root, BOOL), .def = "false", .flag = "allow-root",
        .help = "Do not refuse to run as root."},
    {CLIENT(data_dir, STR), .def = "/var/lib/rport", .flag = "data-dir",
        .help = "Directory for scripts and received files."},
    {CLIENT(updates_interval, DURATION), .def = "4h", .flag = "updates-interval",
        .help = "How often to look for pending updates of the system; 0 is never."},
    {CLIENT(bind_interface, STR), .flag = "bind-interface",
        .help = "Network interface for the connection to the server."},
    {CLIENT(ip_api_url, STR)},
    {CLIENT(ip_refresh_min, DURATION), .flags = RP_CONF_F_MINUTES, .def = "30m", .min = MIN,
        .max = MANY},

    {CONN(keep_alive, DURATION), .def = "3m", .flag = "keepalive",
        .help = "How often to ask whether the connection still works; 0 is never."},
    {CONN(keep_alive_timeout, DURATION), .def = "30s", .min = S, .max = MANY},
    {CONN(max_retry_count, INT), .def = "-1", .min = -1, .max = INT32_MAX,
        .flag = "max-retry-count",
        .help = "How often to try to connect again before giving up; -1 is endless."},
    {CONN(max_retry_interval, DURATION), .def = "5m", .flag = "max-retry-interval",
        .help = "Longest wait before another try."},
    {CONN(hostname, STR), .flag = "hostname", .help = "Host header for the connection."},
    {CONN(headers, STRLIST), .flags = RP_CONF_F_ONE, .flag = "header",
        .help = "Another header as \"Name: value\"; may be repeated."},
    {CONN(watchdog_integration, BOOL), .def = "false"},

    {ROW("logging", logging, log_file, STR), .flag = "log-file", .letter = 'l',
        .help = "File for the log; without it standard output."},
    {ROW("logging", logging, log_level, STR), .def = "info", .flag = "log-level",
        .help = "error, info or debug."},

    {ROW("remote-commands", remote_commands, enabled, BOOL), .def = "true",
        .flag = "remote-commands-enabled", .help = "Run commands that the server sends."},
    {ROW("remote-commands", remote_commands, shell, BOOL)},
    {ROW("remote-commands", remote_commands, sudo, BOOL), .def = "true"},
    {WORD("remote-commands", rule, TABLES), AT(remote_commands, rules)},
    {ROW("remote-commands", remote_commands, send_back_limit, INT), .def = "4194304",
        .flag = "remote-commands-send-back-limit",
        .help = "Most bytes of each output stream that are sent back."},
    {ROW("remote-commands", remote_commands, allow, STRLIST),
        .def = "^/usr/bin/.*\n^/usr/local/bin/.*\n^C:\\\\Windows\\\\System32\\\\.*"},
    {ROW("remote-commands", remote_commands, deny, STRLIST), .def = RP_CLIENT_DENY_DEFAULT},
    {ROW("remote-commands", remote_commands, order, STRLIST), .def = "allow\ndeny"},

    {ROW("remote-scripts", remote_scripts, enabled, BOOL), .def = "false",
        .flag = "remote-scripts-enabled", .help = "Run scripts that the server sends."},
    {ROW("remote-scripts", remote_scripts, interpreters, STRLIST)},

    {MON(enabled, BOOL), .def = "true", .flag = "monitoring-enabled",
        .help = "Measure the system's load."},
    {MON(interval, DURATION), .flags = RP_CONF_F_SECONDS, .def = "60s",
        .flag = "monitoring-interval", .help = "How often to measure; at least 60s."},
    {MON(fs_type_include, STRLIST),
        .def = "ext3\next4\nxfs\njfs\nntfs\nbtrfs\nhfs\napfs\nexfat\nsmbfs\nnfs",
        .flag = "monitoring-fs-type-include", .help = "Types of file systems to measure."},
    {MON(fs_path_exclude, STRLIST), .flag = "monitoring-fs-path-exclude",
        .help = "Mount points to leave out."},
    {MON(fs_path_exclude_recurse, BOOL), .def = "false",
        .flag = "monitoring-fs-path-exclude-recurse",
        .help = "Leave out what is mounted below them, too."},
    {MON(fs_identify_mountpoints_by_device, BOOL), .def = "true",
        .flag = "monitoring-fs-identify-mountpoints-by-device",
        .help = "Measure each device once only."},
    {MON(pm_enabled, BOOL), .def = "true", .flag = "monitoring-pm-enabled",
        .help = "List the processes."},
    {MON(pm_kerneltasks_enabled, BOOL), .def = "true", .flag = "monitoring-pm-kerneltasks-enabled",
        .help = "List the kernel's threads, too."},
    {MON(pm_max_number_processes, INT), .def = "500", .min = 0, .max = 100000,
        .flag = "monitoring-pm-max-number-processes", .help = "Most processes in the list."},
    {MON(net_lan, STRLIST), .flag = "monitoring-net-lan",
        .help = "Device and maximum speed in Mbit/s of the local network."},
    {MON(net_wan, STRLIST), .flag = "monitoring-net-wan",
        .help = "Device and maximum speed in Mbit/s of the outer network."},
    /* So spelled in RPort's example file. */
    {WORD("monitoring", pm_enable_kerneltask_monitoring, BOOL), .flags = RP_CONF_F_ALIAS,
        AT(monitoring, pm_kerneltasks_enabled)},
    {WORD("monitoring", pm_max_number_monitored_processes, INT), .flags = RP_CONF_F_ALIAS,
        AT(monitoring, pm_max_number_processes), .min = 0, .max = 100000},

    {.section = "interpreter-aliases",
        .type = RP_CONF_LISTMAP,
        .offset = offsetof(struct rp_client_config, interpreter_aliases)},

    {ROW("file-reception", file_reception, enabled, BOOL), .def = "true",
        .flag = "file-reception-enabled", .help = "Receive files from the server."},
    {ROW("file-reception", file_reception, protected, STRLIST),
        .def = "/bin\n/sbin\n/boot\n/usr/bin\n/usr/sbin\n/dev\n/lib*\n/run",
        .flag = "file-reception-protected",
        .help = "Folders into which no file is received; wildcards are allowed."},

    {.type = RP_CONF_STR,
        AT(tunnel, scheme),
        .flag = "scheme",
        .help = "Scheme of the REMOTEs on the command line, for users of the web interface."},
    {.type = RP_CONF_BOOL,
        AT(tunnel, enable_reverse_proxy),
        .flag = "enable-reverse-proxy",
        .help = "Put an HTTPS proxy before the REMOTEs on the command line."},
    {.type = RP_CONF_STR,
        AT(tunnel, host_header),
        .flag = "host-header",
        .help = "Host header of that proxy."},
};

const struct rp_conf_spec rp_client_config_spec = {
    .program = "rport client",
    .usage =
        "[OPTION...] [SERVER [REMOTE...]]\n       rport client policy show|test ... (--help tells more)\n       rport client pair URL CODE        (--help tells more)",
    .default_file = "./rport.conf",
    .service_file = "/etc/rport/rport.conf",
    .opts = opts,
    .n_opts = RP_ARRAY_LEN(opts),
    .takes_args = true,
};
