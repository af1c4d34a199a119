#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long the API of a server with a large fleet takes for its answers, one at a time.

    fleet.py HOST:PORT USER:PASSWORD SECONDS

One row a question: what it may take, median, 99th percentile, longest, in milliseconds. Ends with
status 1 when a 99th percentile is above what it may take."""

import base64
import http.client
import sys
import time

# Limits in milliseconds
CLIENTS = 20
JOBS = 50
TUNNELS = 100

BUSY = "/clients/client-00001/commands"
MULTI = "00000000-0000-4000-9000-000000000100"
QUESTIONS = [
    ("clients, first page", CLIENTS, "/clients"),
    ("clients, last page", CLIENTS, "/clients?page[limit]=20&page[offset]=9980"),
    ("clients by name, backwards", CLIENTS, "/clients?sort=-name&page[limit]=20"),
    ("clients, one tag", CLIENTS, "/clients?filter[tags]=site-42&sort=hostname"),
    ("clients, any column", CLIENTS, "/clients?filter[*]=*host4711.*"),
    ("clients, 500 with all fields", CLIENTS,
     "/clients?page[limit]=500&fields[clients]=id,name,address,hostname,os,os_full_name,"
     "version,tags,ipv4,groups,connection_state,disconnected_at,client_auth_id"),
    ("clients in a group", CLIENTS, "/clients?filter[groups]=sites-4&page[limit]=50"),
    ("client groups with counts", CLIENTS,
     "/client-groups?fields[client_groups]=id,num_clients,num_clients_connected"),
    ("client tags", CLIENTS, "/client-tags?page[limit]=20"),
    ("one client", CLIENTS, "/clients/client-05000"),
    ("jobs of a busy client", JOBS, BUSY),
    ("its last page", JOBS, BUSY + "?page[limit]=100&page[offset]=9900"),
    ("its failed jobs", JOBS, BUSY + "?filter[status]=failed"),
    ("its jobs by user", JOBS, BUSY + "?sort=created_by&page[limit]=20"),
    ("its jobs of a time", JOBS,
     BUSY + "?filter[started_at][gt]=2020-01-01&sort=-started_at&page[limit]=20"),
    ("jobs of an idle client", JOBS, "/clients/client-07777/commands"),
    ("one job", JOBS, "/clients/client-00001/commands/00000000-0000-4000-8000-000000190000"),
    ("started together", JOBS, "/commands"),
    ("started together, one user", JOBS, "/commands?filter[created_by]=admin&sort=started_at"),
    ("stored tunnels, first page", TUNNELS, "/stored-tunnels"),
    ("stored tunnels, last page", TUNNELS, "/stored-tunnels?page[offset]=39950"),
    ("stored tunnels by their own name", TUNNELS, "/stored-tunnels?sort=name"),
    ("stored tunnels, some word", TUNNELS,
     "/stored-tunnels?filter[name|client_name|scheme|remote_ip|remote_port]=*site%2042*"),
    ("jobs of one start", JOBS, "/commands/" + MULTI + "/jobs?page[limit]=1000"),
]


def ask(conn, path, headers):
    start = time.perf_counter()
    conn.request("GET", "/api/v1" + path.replace("[", "%5B").replace("]", "%5D"), headers=headers)
    answer = conn.getresponse()
    answer.read()
    return answer.status, (time.perf_counter() - start) * 1000


def measure(conn, path, headers, seconds):
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 20:
        status, taken = ask(conn, path, headers)
        if status not in (200, 404):
            sys.exit("fleet.py: %s: status %d" % (path, status))
        times.append(taken)
    times.sort()
    return times


def main():
    host, user, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    conn = http.client.HTTPConnection(host, timeout=60)
    headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
    late = 0
    print("%-32s %8s %8s %8s %8s" % ("ms", "limit", "median", "99 %", "longest"))
    for name, limit, path in QUESTIONS:
        times = measure(conn, path, headers, seconds)
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        late += p99 > limit
        print("%-32s %8d %8.2f %8.2f %8.2f%s" % (
            name, limit, times[len(times) // 2], p99, times[-1], "  LATE" if p99 > limit else ""))
    sys.exit(1 if late else 0)


if __name__ == "__main__":
    main()
