# SPDX-License-Identifier: MIT
"""The main rows of the table as bars, in SVG. Readable on light and on dark ground."""

import math
from html import escape

# title, unit, below the title, [(row, label)]
PANELS = [
    ("Loopback", "Mbit/s", "more is better", [
        ("to", "one stream, to the client"),
        ("from", "one stream, from the client"),
        ("streams8_to", "8 streams, to the client"),
        ("streams8_from", "8 streams, from the client")]),
    ("100 ms round trip", "Mbit/s", "more is better", [
        ("far_to", "one stream, to the client"),
        ("far_from", "one stream, from the client"),
        ("lossy_to", "0.1 % loss, to the client"),
        ("lossy_from", "0.1 % loss, from the client"),
        ("go_to", "Go server to our client"),
        ("go_from", "Go client to our server")]),
    ("64 bytes there and back, p99", "ms", "less is better, logarithmic", [
        ("idle_p99", "idle"),
        ("beside_to_p99", "beside a transfer to the client"),
        ("beside_from_p99", "beside a transfer from it")]),
    ("CPU time", "ns/byte", "less is better", [
        ("to_server_ns", "to the client: server"),
        ("to_client_ns", "to the client: client"),
        ("from_server_ns", "from the client: server"),
        ("from_client_ns", "from the client: client")]),
    ("New connections through a tunnel", "1/s", "more is better", [
        ("connections", "connect, a byte and back, close")]),
    ("Memory of both ends", "MB", "less is better", [
        ("rest_server_kb", "server, at rest"),
        ("rest_client_kb", "client, at rest"),
        ("peak_server_kb", "server, peak on loopback"),
        ("peak_client_kb", "client, peak on loopback")]),
]
LOGARITHMIC = {"64 bytes there and back, p99"}
# No tunnel at all is so much faster that the bars of the others would not be told apart: its
# figures are in the table.
LEFT_OUT = {"direct"}

WIDTH = 960
COLUMN = WIDTH // 2
MARGIN = 24
BAR = 13
GAP = 2
BETWEEN = 24  # from group to group: room for its label
HEAD = 46  # title and unit of a panel
FOOT = 36  # its axis
TOP = 44  # the legend

STYLE = """
  svg { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .ground { fill: #ffffff; } text { fill: #1f2328; } .weak { fill: #59636e; }
  .title { font-size: 14px; font-weight: 600; } .line { stroke: #d1d9e0; }
  .openssh { fill: #d98200; } .chisel { fill: #1f9d70; } .rport { fill: #1763b8; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #f0f6fc; } .weak { fill: #9198a1; }
    .line { stroke: #3d444d; }
    .openssh { fill: #f0a742; } .chisel { fill: #45c796; } .rport { fill: #58a6ff; }
  }
"""


def text(x, y, words, css="", anchor="start"):
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{css}">{escape(words)}</text>'


def short(value):
    """Three digits that mean something."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}"


class Linear:
    def __init__(self, values, width):
        top = max(values) or 1
        step = 10 ** math.floor(math.log10(top / 4))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if top / (step * m) <= 5)
        self.top = step * math.ceil(top / step)
        self.ticks = [step * i for i in range(round(self.top / step) + 1)]
        self.width = width

    def __call__(self, value):
        return value / self.top * self.width


class Logarithmic:
    def __init__(self, values, width):
        positive = [v for v in values if v > 0] or [1]
        self.low = math.floor(math.log10(min(positive) / 1.5))
        high = max(math.ceil(math.log10(max(positive))), self.low + 1)
        self.ticks = [10.0**e for e in range(self.low, high + 1)]
        self.scale = width / (high - self.low)

    def __call__(self, value):
        return max(0.0, math.log10(max(value, 1e-9)) - self.low) * self.scale


class Panel:
    def __init__(self, results, spec, paths):
        self.title, self.unit, self.note, rows = spec
        self.groups = []
        for row, label in rows:
            bars = [(path, results.median(path, row)) for path in paths]
            bars = [(path, value) for path, value in bars if value is not None]
            if bars:
                self.groups.append((label, bars))

    def height(self):
        bars = sum(len(bars) for _, bars in self.groups)
        return HEAD + len(self.groups) * BETWEEN + bars * (BAR + GAP) + FOOT

    def draw(self, left, top):
        width = COLUMN - 2 * MARGIN - 52  # room for the number behind the longest bar
        values = [value for _, bars in self.groups for _, value in bars]
        scale = (Logarithmic if self.title in LOGARITHMIC else Linear)(values, width)
        bottom = top + self.height() - FOOT
        yield text(left, top + 14, self.title, "title")
        yield text(left, top + 31, f"{self.unit}, {self.note}", "weak")
        for tick in scale.ticks:
            x = left + scale(tick)
            yield f'<path class="line" d="M{x:.1f} {top + HEAD}V{bottom + 4}"/>'
            yield text(x, bottom + 18, f"{tick:,.10g}", "weak", "middle")
        yield text(left + width + 26, bottom + 18, self.unit, "weak")
        y = top + HEAD
        for label, bars in self.groups:
            yield text(left + 4, y + BETWEEN - 6, label)
            y += BETWEEN
            for path, value in bars:
                length = max(1.0, scale(value))
                yield (f'<rect class="{path}" x="{left}" y="{y}" width="{length:.1f}" '
                       f'height="{BAR}" rx="1"/>')
                yield text(left + length + 4, y + BAR - 2.5, short(value))
                y += BAR + GAP


def legend(paths, titles):
    x = MARGIN
    for path in paths:
        yield f'<rect class="{path}" x="{x}" y="18" width="14" height="14" rx="1"/>'
        yield text(x + 20, 29.5, titles[path])
        x += 40 + 8 * len(titles[path])


def draw(results, titles):
    paths = [path for path in results.paths if path not in LEFT_OUT]
    panels = [Panel(results, spec, paths) for spec in PANELS]
    panels = [panel for panel in panels if panel.groups]
    body = list(legend(paths, titles))
    y = TOP
    for i in range(0, len(panels), 2):
        row = panels[i : i + 2]
        for column, panel in enumerate(row):
            body += panel.draw(MARGIN + column * COLUMN, y)
        y += max(panel.height() for panel in row) + 16
    machine = f"{results.about['machine'][0]}; {results.about['run'][0]}"
    body.append(text(MARGIN, y + 4, machine, "weak"))
    height = y + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">\n<title>Speed of tunnels side by side</title>\n'
        f'<style>{STYLE}</style>\n<rect class="ground" width="100%" height="100%"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )
