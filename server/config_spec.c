/* SPDX-License-Identifier: MIT */
/*
 * The table of the server's options: rport-config.md sections 2.1 to 2.5, and the keys of
 * this program (server.tunnel_memory, server.workers, api.tunnel_default_acl, api.show_client_passwords, trusted_proxies in both).
 */
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/defs.h"
#include "server/config.h"
#include "tunnel/budget.h"

#include "core/banned.h"

#define S    RP_NS_PER_S
#define MIN  (60 * S)
#define HOUR (60 * MIN)
#define MANY INT64_MAX

/* A row of a section; the struct member has the key's name unless AT says otherwise. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member in parentheses is no member */
#define AT(part, member)      .offset = offsetof(struct rp_server_config, part.member)
#define WORD(sect, k, t)      .section = (sect), .key = #k, .type = RP_CONF_##t
#define ROW(sect, part, k, t) WORD(sect, k, t), AT(part, k)
#define SERVER(k, t)          ROW("server", server, k, t)
#define API(k, t)             ROW("api", api, k, t)
#define DATABASE(k, t)        ROW("database", database, k, t)
#define CADDY(k, t)           ROW("caddy-integration", caddy, k, t)
#define SECRET                .flags = RP_CONF_F_SECRET
#define OLD(sect, k, t)       WORD(sect, k, t), .flags = RP_CONF_F_OLD

static const struct rp_conf_opt opts[] = {
    {SERVER(address, STR), .def = "0.0.0.0:8080", .flag = "addr", .letter = 'a',
        .help = "Address and port to which clients connect."},
    {SERVER(url, STRLIST), .flag = "url",
        .help = "URLs under which clients reach the server; shown in its status. "
                "Default: http://ADDRESS."},
    {SERVER(pairing_url, STR), .def = "https://pairing.openrport.io"},
    {SERVER(key_seed, STR), SECRET, .flag = "key",
        .help = "Seed of the host key: the same seed gives the same fingerprint. Without it a "
                "key is made once and kept in the data directory."},
    {SERVER(auth, STR), SECRET, .flag = "auth",
        .help = "Credentials of clients as ID:PASSWORD, one pair for all."},
    {SERVER(auth_file, STR), .flag = "authfile", .help = "JSON file with credentials of clients."},
    {SERVER(auth_table, STR), .flag = "auth-table",
        .help = "Database table with credentials of clients."},
    {SERVER(auth_write, BOOL), .def = "true", .flag = "auth-write",
        .help = "Let the API change credentials of clients."},
    {SERVER(auth_multiuse_creds, BOOL), .def = "true", .flag = "auth-multiuse-creds",
        .help = "Let several clients use the same credentials."},
    {SERVER(equate_clientauthid_clientid, BOOL), .def = "false",
        .flag = "equate-clientauthid-clientid",
        .help = "Use the name of the credentials as the client's id, if it has none."},
    {SERVER(proxy, STR), SECRET, .flag = "proxy",
        .help = "URL to which ordinary HTTP requests on the clients' port are passed on."},
    {SERVER(used_ports, PORTS), .def = "20000-30000", .flag = "use-ports",
        .help =
            "Ports and ranges that tunnels get without being asked for, such as 20000-30000,4000."},
    {SERVER(excluded_ports, PORTS), .def = "1-1024", .flag = "exclude-ports", .letter = 'e',
        .help = "Ports and ranges taken out of the former."},
    {SERVER(data_dir, STR), .def = "/var/lib/rport", .flag = "data-dir",
        .help = "Directory for databases, keys and uploads."},
    {SERVER(sqlite_wal, BOOL), .def = "true"},
    {SERVER(max_concurrent_ssh_handshakes, INT), .min = 0, .max = MANY},
    {SERVER(purge_disconnected_clients, BOOL), .def = "false"},
    {SERVER(keep_disconnected_clients, DURATION), .def = "1h"},
    {SERVER(purge_disconnected_clients_interval, DURATION), .def = "1m", .min = S, .max = MANY},
    {SERVER(check_clients_connection_interval, DURATION), .def = "5m"},
    {SERVER(check_clients_connection_timeout, DURATION), .def = "30s", .min = S, .max = MANY},
    {SERVER(max_request_bytes_client, INT), .def = "524288", .min = 1024, .max = INT32_MAX,
        .flag = "max-request-bytes-client", .help = "Largest message from a client."},
    {SERVER(check_port_timeout, DURATION), .def = "2s", .min = RP_NS_PER_MS, .max = MIN,
        .flag = "check-port-timeout",
        .help = "How long a client may take to find out whether a tunnel's destination answers; "
                "at most 1m."},
    {SERVER(run_remote_cmd_timeout_sec, INT), .def = "60", .min = 1, .max = INT32_MAX,
        .flag = "run-remote-cmd-timeout-sec", .help = "Time for a command, if it names none."},
    {SERVER(allow_root, BOOL), .def = "false", .flag = "allow-root",
        .help = "Do not refuse to run as root."},
    {SERVER(client_login_wait, FLOAT), .def = "2", .min = 0, .max = 3600},
    {SERVER(max_failed_login, INT), .def = "5", .min = 0, .max = INT32_MAX},
    {SERVER(ban_time, INT), .def = "3600", .min = 0, .max = INT32_MAX},
    {SERVER(jobs_max_results, INT), .def = "10000", .min = 1, .max = INT32_MAX},
    {SERVER(tls_min, STR), .def = "1.3"},
    {SERVER(tunnel_host, STR)},
    {SERVER(tunnel_proxy_cert_file, STR), .flag = "tunnel-proxy-cert-file",
        .help = "Certificate of the HTTPS proxies before tunnels; needs the key file too."},
    {SERVER(tunnel_proxy_key_file, STR), .flag = "tunnel-proxy-key-file",
        .help = "Private key of the HTTPS proxies before tunnels."},
    {SERVER(tunnel_enable_acme, BOOL), .def = "false"},
    {SERVER(acme_http_port, INT), .min = 0, .max = 65535},
    {SERVER(tunnel_cors, STRLIST)},
    {SERVER(novnc_root, STR), .flag = "novnc-root", .help = "Directory of noVNC."},
    {SERVER(guacd_address, STR), .flag = "guacd-address", .help = "Address of guacd."},
    {SERVER(trusted_proxies, STRLIST)},
    {SERVER(tunnel_memory, SIZE), .def = "256MiB", .min = RP_BUDGET_MIN, .max = MANY},
    {SERVER(workers, INT), .def = "0", .min = 0, .max = 1024},
    {OLD("server", cleanup_lost_clients, BOOL), AT(server, purge_disconnected_clients)},
    {OLD("server", keep_lost_clients, DURATION), AT(server, keep_disconnected_clients)},
    {OLD("server", cleanup_clients_interval, DURATION),
        AT(server, purge_disconnected_clients_interval), .min = S, .max = MANY},
    {OLD("server", max_request_bytes, INT), AT(api, max_request_bytes), .min = 1024,
        .max = INT32_MAX},
    {OLD("server", max_filepush_size, INT), AT(api, max_filepush_size), .min = 0, .max = MANY},
    {OLD("server", enable_ws_test_endpoints, BOOL), AT(api, enable_ws_test_endpoints)},

    {ROW("logging", logging, log_file, STR), .flag = "log-file", .letter = 'l',
        .help = "File for the log; without it standard output."},
    {ROW("logging", logging, log_level, STR), .def = "info", .flag = "log-level",
        .help = "error, info or debug."},

    {API(address, STR), .flag = "api-addr",
        .help = "Address and port of the API and the web interface; without it there is none."},
    {API(base_url, STR)},
    {API(enable_acme, BOOL), .def = "false"},
    {API(auth, STR), SECRET, .flag = "api-auth", .help = "One administrator as USER:PASSWORD."},
    {API(auth_file, STR), .flag = "api-authfile", .help = "JSON file with users of the API."},
    {API(auth_user_table, STR), .flag = "api-auth-user-table",
        .help = "Database table with users of the API."},
    {API(auth_group_table, STR), .flag = "api-auth-group-table",
        .help = "Database table with the groups of users."},
    {API(auth_group_details_table, STR)},
    {API(auth_header, STR)},
    {API(user_header, STR), .def = "Authentication-User"},
    {API(create_missing_users, BOOL), .def = "false"},
    {API(default_user_group, STR), .def = "Administrators"},
    {API(jwt_secret, STR), SECRET, .flag = "api-jwt-secret",
        .help = "Key of the login tokens; without it a new one at each start, which logs "
                "everybody out."},
    {API(doc_root, STR), .flag = "api-doc-root",
        .help = "Directory with a web interface to serve instead of the built-in one."},
    {API(cert_file, STR), .flag = "api-cert-file",
        .help = "Certificate for HTTPS; needs the key file too."},
    {API(key_file, STR), .flag = "api-key-file", .help = "Private key for HTTPS."},
    {API(access_log_file, STR), .flag = "api-access-log-file",
        .help = "File for the access log in Apache's combined format."},
    {API(user_login_wait, FLOAT), .def = "2", .min = 0, .max = 3600},
    {API(max_failed_login, INT), .def = "10", .min = 0, .max = INT32_MAX},
    {API(ban_time, INT), .def = "600", .min = 0, .max = INT32_MAX},
    {API(max_token_lifetime, INT), .def = "0", .min = 0, .max = 2160},
    {API(password_min_length, INT), .def = "14", .min = 0, .max = 1024},
    {API(password_zxcvbn_minscore, INT), .def = "0", .min = -1, .max = 4},
    {API(tls_min, STR), .def = "1.3"},
    {API(enable_ws_test_endpoints, BOOL), .def = "false"},
    {API(max_request_bytes, INT), .def = "10240", .min = 1024, .max = INT32_MAX,
        .flag = "max-request-bytes", .help = "Largest body of an API request."},
    {API(max_filepush_size, INT), .def = "10485760", .min = 0, .max = MANY,
        .flag = "max-filepush-bytes", .help = "Largest file that may be sent to clients."},
    {API(cors, STRLIST)},
    {API(two_fa_token_delivery, STR)},
    {API(two_fa_token_ttl_seconds, INT), .def = "600", .min = 1, .max = INT32_MAX},
    {API(two_fa_send_timeout, DURATION), .def = "10s", .min = S, .max = MANY},
    {API(two_fa_send_to_type, STR)},
    {API(two_fa_send_to_regex, STR)},
    {API(totp_enabled, BOOL), .def = "false"},
    {API(totp_login_session_ttl, DURATION), .def = "10m", .min = S, .max = MANY},
    {API(totp_account_name, STR), .def = "RPort"},
    {API(enable_audit_log, BOOL), .def = "true"},
    {API(use_ip_obfuscation, BOOL), .def = "false"},
    {API(audit_log_rotation, STR), .def = "monthly"},
    {API(tunnel_default_acl, STR), .def = "requester"},
    {API(show_client_passwords, BOOL), .def = "true"},
    {API(trusted_proxies, STRLIST)},

    {DATABASE(db_type, STR), .flag = "db-type", .help = "sqlite or mysql."},
    {DATABASE(db_host, STR), .flag = "db-host", .help = "HOST:PORT or socket:/PATH."},
    {DATABASE(db_user, STR), .flag = "db-user", .help = "User of the database."},
    {DATABASE(db_password, STR), SECRET, .flag = "db-password", .help = "Password of that user."},
    {DATABASE(db_name, STR), .flag = "db-name", .help = "Name of the database, or its file."},

    {ROW("smtp", smtp, server, STR)},
    {ROW("smtp", smtp, sender_email, STR)},
    {ROW("smtp", smtp, auth_username, STR)},
    {ROW("smtp", smtp, auth_password, STR), SECRET},
    {ROW("smtp", smtp, secure, BOOL), .def = "false"},

    {ROW("pushover", pushover, api_token, STR), SECRET},
    {ROW("pushover", pushover, user_key, STR), SECRET},

    {ROW("monitoring", monitoring, enabled, BOOL), .def = "true"},
    {ROW("monitoring", monitoring, data_storage_duration, STORAGE), .def = "7d"},
    {OLD("monitoring", data_storage_days, DAYS), AT(monitoring, data_storage_duration),
        .flag = "monitoring-data-storage-days",
        .help = "How many days measurements are kept (old: use the file's data_storage_duration)."},

    {ROW("notifications", notifications, notification_script_dir, STR),
        .def = "/usr/local/lib/rport/notification_scripts"},
    {ROW("notifications", notifications, log_storage_duration, STORAGE), .def = "7d"},
    {ROW("notifications", notifications, cleanup_interval, STORAGE), .def = "1d", .min = HOUR,
        .max = MANY},

    {CADDY(caddy, STR)},
    {CADDY(address, STR)},
    {CADDY(subdomain_prefix, STR)},
    {CADDY(cert_file, STR)},
    {CADDY(key_file, STR)},
    {CADDY(api_hostname, STR)},
    {CADDY(api_cert_file, STR)},
    {CADDY(api_key_file, STR)},
    {CADDY(api_port, STR)},
    {CADDY(tls_min, STR)},
};

/* Of the original's closed plugin. */
static const char *const ignored[] = {"plus-plugin", "plus-license", "plus-oauth", NULL};

const struct rp_conf_spec rp_server_config_spec = {
    .program = "rport server",
    .usage = "[OPTION...]",
    .default_file = "./rportd.conf",
    .service_file = "/etc/rport/rportd.conf",
    .opts = opts,
    .n_opts = RP_ARRAY_LEN(opts),
    .ignored_sections = ignored,
    .takes_args = false,
};
