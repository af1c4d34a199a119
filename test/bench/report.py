# SPDX-License-Identifier: MIT
"""The results of test/bench/run as a table for the terminal, as JSON, or in the README with a plot.

    report.py ABOUT VALUES text
    report.py ABOUT VALUES json
    report.py ABOUT VALUES readme README.md PLOT.svg

ABOUT has lines "NAME TEXT" about the run, VALUES lines "PATH ROW VALUE", one for each measurement.
"""

import json
import statistics
import sys

import plot

TITLES = {"direct": "direct", "openssh": "OpenSSH -R", "chisel": "chisel", "rport": "rport"}

# row, unit, decimals, text; a text without a row is a heading. {name} is what ABOUT says of it.
ROWS = [
    ("", "", 0, "Loopback"),
    ("to", "Mbit/s", 0, "one stream, to the client"),
    ("from", "Mbit/s", 0, "one stream, from the client"),
    ("streams8_to", "Mbit/s", 0, "8 streams, to the client"),
    ("streams8_from", "Mbit/s", 0, "8 streams, from the client"),
    ("", "", 0, "100 ms round trip"),
    ("far_to", "Mbit/s", 0, "one stream, to the client"),
    ("far_from", "Mbit/s", 0, "one stream, from the client"),
    ("go_to", "Mbit/s", 0, "the same, from a Go server to our client"),
    ("go_from", "Mbit/s", 0, "the same, from a Go client to our server"),
    ("lossy_to", "Mbit/s", 0, "0.1 % loss, to the client"),
    ("lossy_from", "Mbit/s", 0, "0.1 % loss, from the client"),
    ("", "", 0, "64 bytes there and back, loopback"),
    ("idle_p50", "ms", 3, "idle, p50"),
    ("idle_p99", "ms", 3, "idle, p99"),
    ("beside_to_p50", "ms", 3, "beside a transfer to the client, p50"),
    ("beside_to_p99", "ms", 3, "beside a transfer to the client, p99"),
    ("beside_from_p50", "ms", 3, "beside a transfer from the client, p50"),
    ("beside_from_p99", "ms", 3, "beside a transfer from the client, p99"),
    ("", "", 0, "Connections"),
    ("connections", "1/s", 0, "new ones through a tunnel"),
    ("crowd_whole", "intact", 0, "{crowd} at once, each with its own data"),
    ("crowd_rate", "MB/s", 1, "{crowd} at once, 32 KiB echoed on each"),
    ("", "", 0, "UDP, datagrams of 1,200 bytes"),
    ("udp_paced_lost", "%", 2, "20,000 in a second (192 Mbit/s): lost"),
    ("udp_flood_rate", "Mbit/s", 0, "as fast as they can be sent: arrived"),
    ("udp_flood_lost", "%", 2, "as fast as they can be sent: lost"),
    ("", "", 0, "CPU time for each byte of one stream"),
    ("to_server_ns", "ns/byte", 2, "to the client: server"),
    ("to_client_ns", "ns/byte", 2, "to the client: client"),
    ("from_server_ns", "ns/byte", 2, "from the client: server"),
    ("from_client_ns", "ns/byte", 2, "from the client: client"),
    ("", "", 0, "Memory (RSS)"),
    ("rest_server_kb", "MB", 1, "server, at rest"),
    ("rest_client_kb", "MB", 1, "client, at rest"),
    ("peak_server_kb", "MB", 1, "server, peak on loopback"),
    ("peak_client_kb", "MB", 1, "client, peak on loopback"),
    ("far_peak_server_kb", "MB", 1, "server, peak at 100 ms"),
    ("far_peak_client_kb", "MB", 1, "client, peak at 100 ms"),
    ("idle_client_kb", "kB", 1, "server, for each of {idle_clients} idle clients with a tunnel"),
    ("", "", 0, "API, requests answered"),
    ("api_status", "1/s", 0, "GET /status"),
    ("api_clients", "1/s", 0, "GET /clients"),
    ("wrk_status", "1/s", 0, "GET /status, 16 connections (wrk), 20 clients"),
    ("wrk_clients", "1/s", 0, "GET /clients?page[limit]=20, the same"),
    ("wrk_bcrypt", "1/s", 0, "GET /status, the same, user with bcrypt hash"),
]
# What a unit in VALUES is multiplied with for the table
SCALES = {"ms": 0.001, "MB": 0.001}
START = "<!-- bench: begin; `make bench BENCH=--readme` writes this -->"
END = "<!-- bench: end -->"


def read_about(path):
    about = {}
    for line in open(path, encoding="utf-8", errors="replace"):
        name, _, text = line.rstrip("\n").partition(" ")
        about.setdefault(name, []).append(text)
    return about


def read_values(path):
    values = {}
    for line in open(path, encoding="utf-8"):
        where, row, value = line.split()
        values.setdefault((where, row), []).append(float(value))
    return values


class Results:
    """Medians, in the units of the table."""

    def __init__(self, about, values):
        self.about = about
        self.values = values
        self.paths = about["paths"][0].split()
        self.units = {row: unit for row, unit, _, _ in ROWS}

    def median(self, path, row):
        all_of_it = self.values.get((path, row))
        if not all_of_it:
            return None
        return statistics.median(all_of_it) * SCALES.get(self.units.get(row), 1)

    def ratio(self, row):
        ours, theirs = self.median("rport", row), self.median("openssh", row)
        if not ours or not theirs or row == "crowd_whole":
            return ""
        return f"{ours / theirs:.2f}" if ours / theirs >= 0.01 else "< 0.01"

    def lines(self):
        """Each row of the table that has a value: its text, its unit, a cell for each path and the
        ratio. A heading has nothing but its text."""
        heading = None
        numbers = {name: f"{int(self.about[name][0]):,}" for name in ("idle_clients", "crowd")}
        for row, unit, decimals, text in ROWS:
            if not row:
                heading = text
                continue
            cells = [number(self.median(path, row), decimals) for path in self.paths]
            if not any(cells):
                continue
            if heading:
                yield heading, "", [], ""
                heading = None
            yield text.format(**numbers), unit, cells, self.ratio(row)

    def notes(self):
        for name, text in (("absent", "Not here: "), ("failed", "Failed: ")):
            for what in self.about.get(name, []):
                yield text + what


def number(value, decimals):
    return "" if value is None else f"{value:,.{decimals}f}"


def text_table(results):
    about = results.about
    yield about["machine"][0]
    yield from about["version"]
    yield about["run"][0]
    head = [TITLES[path] for path in results.paths]
    yield f"\n{'':54}{'unit':>9}" + "".join(f"{h:>12}" for h in head) + f"{'rport/OpenSSH':>15}"
    for text, unit, cells, ratio in results.lines():
        if not cells:
            yield text
        else:
            yield f"  {text:52}{unit:>9}" + "".join(f"{c:>12}" for c in cells) + f"{ratio:>15}"
    yield ""
    yield from results.notes()


def markdown(results, plot_path):
    about = results.about
    head = [TITLES[path] for path in results.paths]
    yield START
    yield ""
    yield f"{about['machine'][0]}; {about['run'][0]}; {'; '.join(about['version'])}."
    yield ""
    yield f"![The same as bars]({plot_path})"
    yield ""
    yield "| | unit | " + " | ".join(head) + " | rport / OpenSSH |"
    yield "| --- | --- |" + " ---: |" * (len(head) + 1)
    for text, unit, cells, ratio in results.lines():
        if not cells:
            yield f"| **{text}** |" + " |" * (len(head) + 2)
        else:
            yield f"| {text} | {unit} | " + " | ".join(cells) + f" | {ratio} |"
    yield ""
    for note in results.notes():
        yield f"- {note}"
    yield END


def rewrite(readme, results, plot_path):
    """Everything between the two comments is made anew."""
    text = open(readme, encoding="utf-8").read()
    if START not in text or END not in text:
        sys.exit(f"report.py: {readme} has no line {START}")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    with open(readme, "w", encoding="utf-8") as out:
        out.write(before + "\n".join(markdown(results, plot_path)) + after)


def as_json(results):
    values = [
        {"path": path, "row": row, "median": statistics.median(all_of_it), "all": all_of_it}
        for (path, row), all_of_it in results.values.items()
    ]
    return json.dumps({"about": results.about, "values": values}, indent=1)


def main(about, values, how, *files):
    results = Results(read_about(about), read_values(values))
    if how == "json":
        print(as_json(results))
    elif how == "readme":
        readme, plot_path = files
        with open(plot_path, "w", encoding="utf-8") as out:
            out.write(plot.draw(results, TITLES))
        rewrite(readme, results, plot_path)
    else:
        print("\n".join(text_table(results)))


if __name__ == "__main__":
    main(*sys.argv[1:])
