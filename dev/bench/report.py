#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make tables, TSV, plots and lines about the targets from the raw figures.

report.py DIR [-t] ROLE...

DIR/raw/SEED/BOOT has the lines of kbench, see kbench.c. A figure is the median
of the first seed's boot; the other boot's median is beside it.
"""

import pathlib
import re
import shutil
import subprocess
import sys

OURS = "knetdemo"
NO_HOOK = "no hook"

# issue, what, figure, its limit: a number, or a factor and what it multiplies
# (the smallest of several). A figure is ROLE/CASE/WHO.
TARGETS = [
    (4, "monitor: a packet that is no SYN", "monitor/packet/knetdemo, no rule",
     85),
    (4, "monitor: a connection over no hook", "monitor/over/knetdemo, rules: 1",
     1000),
    (4, "monitor: off, a connection over no hook, within the spread",
     "monitor/over/knetdemo off", 150),
    (4, "monitor: off, a packet, within the spread",
     "monitor/packet/knetdemo off", 10),
    (5, "tcp: echo of 64 B", "tcp/echo-64/knetdemo",
     0.75, "tcp/echo-64/epoll"),
    (5, "tcp: echo of 1 KiB", "tcp/echo-1K/knetdemo",
     0.75, "tcp/echo-1K/epoll"),
    (5, "tcp: echo of 64 KiB", "tcp/echo-64K/knetdemo",
     0.8, "tcp/echo-64K/epoll"),
    (5, "tcp: a stream of echoes", "tcp/echo-stream/knetdemo",
     0.9, "tcp/echo-stream/epoll"),
    (5, "tcp: discard", "tcp/discard-send/knetdemo",
     0.78, "tcp/discard-send/recv(64K)"),
    (5, "tcp: discard", "tcp/discard-send/knetdemo",
     0.93, "tcp/discard-send/recv(MSG_TRUNC)"),
    (5, "tcp: chargen to a truncating client", "tcp/chargen-trunc/knetdemo",
     0.45, "tcp/chargen-trunc/send(64K)"),
    (5, "tcp: an idle connection, server's side, KiB",
     "tcp/server-10000/knetdemo", 3.3),
    (5, "tcp: tasks for 10,000 idle connections", "tcp/tasks-10000/knetdemo",
     3),
    (6, "udp: 64 B, plain", "udp/dummy-64/knetdemo", 2700),
    (6, "udp: 1,400 B, GSO, device takes it", "udp/dummy-1400/knetdemo GSO",
     0.8, "udp/dummy-1400/UDP_SEGMENT"),
    (6, "udp: 1,400 B, GSO, kernel segments",
     "udp/nogso-dummy-1400/knetdemo GSO",
     1.0, "udp/nogso-dummy-1400/UDP_SEGMENT"),
    (7, "ftp: against curl", "ftp/get-64MiB/knetdemo",
     0.7, "ftp/get-64MiB/curl"),
    (7, "ftp: against the better of wget and busybox",
     "ftp/get-64MiB/knetdemo",
     0.9, "ftp/get-64MiB/wget", "ftp/get-64MiB/busybox ftpget"),
]

# file, title, x axis, y axis, {curve: [(x, figure)]}
CURVES = [
    ("monitor-rules", "a connection, over no hook", "filter rules",
     "instructions", {OURS: [(n, f"monitor/over/knetdemo, rules: {n}")
                             for n in (1, 8, 64)]}),
    ("tcp-crowd", "an echo of 64 B while connections idle", "connections",
     "instructions a round trip",
     {who: [(n, f"tcp/crowd-{n}/{who}")
            for n in (1, 10, 100, 1000, 10000)]
      for who in ("epoll", OURS)}),
    ("udp-segments", "64 B to a device that takes large packets",
     "segments a call", "instructions a datagram",
     {who: [(n, f"udp/segments-{n}/{who}")
            for n in (1, 2, 4, 8, 16, 32, 64, 128)]
      for who in ("UDP_SEGMENT", "knetdemo GSO")}),
    ("udp-segments-nogso", "64 B to a device that does not",
     "segments a call", "instructions a datagram",
     {who: [(n, f"udp/nogso-segments-{n}/{who}")
            for n in (1, 2, 4, 8, 16, 32, 64, 128)]
      for who in ("UDP_SEGMENT", "knetdemo GSO")}),
]

# The cases in the bar chart of a role, by their unit and in this order
BARS = {
    "monitor": [("packet", "instructions a packet of a connection"),
                ("over", "instructions a connection, over no hook")],
    "tcp": [("echo-64 echo-1K echo-16K echo-64K",
             "instructions a round trip"),
            ("echo-stream discard-send discard-sendfile chargen-recv "
             "chargen-trunc", "instructions a MiB"),
            ("connect", "instructions a connection")],
    "udp": [("dummy-64 dummy-1400 nogso-dummy-64 nogso-dummy-1400 "
             "loopback-64 loopback-1400", "instructions a datagram")],
    "ftp": [("get-64MiB", "instructions a MiB")],
}


class Figure:
    """One line of the table"""

    def __init__(self, role, case, who, unit, reps, median, low, high):
        self.role, self.case, self.who, self.unit = role, case, who, unit
        self.reps = int(reps)
        self.median, self.low, self.high = map(float, (median, low, high))
        self.second = None

    def key(self):
        return f"{self.role}/{self.case}/{self.who}"


def read(top, roles):
    """({key: Figure}, [(key, reason)]) from both boots"""
    figures, cannot, seconds = {}, {}, {}
    for seed, into in (("1", figures), ("2", seconds)):
        for path in sorted((top / "raw" / seed).glob("*")):
            if path.suffix == ".err":
                continue
            for line in path.read_text(errors="replace").splitlines():
                word = line.rstrip("\r").split("\t")
                if word[1] not in roles:
                    continue
                if word[0] == "KB" and len(word) == 9:
                    figure = Figure(*word[1:])
                    into[figure.key()] = figure
                elif word[0] == "KB-" and seed == "1":
                    cannot["/".join(word[1:4])] = word[4]
    for key, figure in figures.items():
        if key in seconds:
            figure.second = seconds[key].median
    return figures, [(k, v) for k, v in cannot.items() if k not in figures]


def difference(figures, role, case, into, unit, base, divisor):
    """Add the differences to the figure of @base, for both boots"""
    for figure in [f for f in figures.values()
                   if f.role == role and f.case == case]:
        other = figures.get(f"{role}/{case}/{base}")
        if not other or figure is other:
            continue
        new = Figure(role, into, figure.who, unit, figure.reps,
                     (figure.median - other.median) / divisor,
                     (figure.low - other.median) / divisor,
                     (figure.high - other.median) / divisor)
        if figure.second is not None and other.second is not None:
            new.second = (figure.second - other.second) / divisor
        figures[new.key()] = new


def derive(figures):
    # A round trip has two packets, and every hook sees both
    difference(figures, "monitor", "round-trip", "packet", "instr/packet",
               NO_HOOK, 2)
    difference(figures, "monitor", "connect", "over", "instr/connection",
               NO_HOOK, 1)
    for n in (1000, 10000):
        difference(figures, "tcp", f"memory-{n}", f"server-{n}",
                   "KiB/connection", "client alone", 1)


def number(value):
    if value is None:
        return "-"
    if abs(value) < 100:
        return f"{value:,.1f}"
    return f"{value:,.0f}"


def order(key):
    return [int(part) if part.isdigit() else part
            for part in re.split(r"(\d+)", key)]


def table(figures, cannot, role):
    rows = [("case", "who", "unit", "median", "min", "max", "other boot")]
    cases = []
    for figure in figures.values():
        if figure.role == role and figure.case not in cases:
            cases.append(figure.case)
    for case in cases:
        for f in figures.values():
            if f.role == role and f.case == case:
                rows.append((case, f.who, f.unit, number(f.median),
                             number(f.low), number(f.high), number(f.second)))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    print(f"\n{role}")
    for row in rows:
        left = [row[i].ljust(widths[i]) for i in range(3)]
        right = [row[i].rjust(widths[i]) for i in range(3, 7)]
        print("  " + "  ".join(left + right))
    for key, reason in cannot:
        if key.startswith(role + "/"):
            print(f"  cannot run: {key}: {reason}")


def write_tsv(top, figures, cannot):
    with open(top / "results.tsv", "w", encoding="utf-8") as out:
        out.write("role\tcase\twho\tunit\trepetitions\tmedian\tmin\tmax\t"
                  "other_boot\tcannot\n")
        for f in figures.values():
            second = "" if f.second is None else f"{f.second:.1f}"
            out.write(f"{f.role}\t{f.case}\t{f.who}\t{f.unit}\t{f.reps}\t"
                      f"{f.median:.1f}\t{f.low:.1f}\t{f.high:.1f}\t{second}\t"
                      "\n")
        for key, reason in cannot:
            role, case, who = key.split("/", 2)
            out.write(f"{role}\t{case}\t{who}\t\t\t\t\t\t\t{reason}\n")


def spread(figures):
    both = [f for f in figures.values()
            if f.second is not None and f.second and f.median and
            f.case not in ("packet", "over")]
    if not both:
        return
    near = [f for f in both if abs(f.median / f.second - 1) <= 0.01]
    far = max(both, key=lambda f: abs(f.median / f.second - 1))
    print(f"\nspread: {len(near)} of {len(both)} figures are within 1 % in "
          f"another boot with another seed; the widest, {far.key()}, is "
          f"{abs(far.median / far.second - 1) * 100:.1f} % apart")


def targets(figures, roles):
    print("\ntargets")
    for issue, what, key, limit, *others in TARGETS:
        if key.split("/")[0] not in roles:
            continue
        head = f"  issue {issue}  {what}: "
        figure = figures.get(key)
        missing = [o for o in others if o not in figures]
        if not figure or missing:
            print(f"{head}not measured "
                  f"({', '.join(missing) if figure else key})")
            continue
        if others:
            best = min(others, key=lambda o: figures[o].median)
            name = best.split("/")[2]
            ratio = figure.median / figures[best].median
            says = f"{ratio:.2f} of {name}, at most {limit}"
            over = ratio / limit
        else:
            says = f"{number(figure.median)}, at most {number(limit)}"
            over = figure.median / limit
        if over <= 1:
            print(f"{head}met: {says}")
        else:
            print(f"{head}MISSED by {(over - 1) * 100:.0f} %: {says}")


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


HEAD = """set terminal svg size {width},{height} font 'sans,12' background 'white'
set output '{out}'
set title '{title}' noenhanced
set grid y lc rgb '#dddddd'
set border 3
set tics nomirror
"""


def plot_bars(top, figures, role):
    """Draw a chart for each role, with a row of bars for each unit"""
    panels = []
    for cases, unit in BARS[role]:
        bars = [f for case in cases.split() for f in figures.values()
                if f.role == role and f.case == case]
        if bars:
            panels.append((bars, unit))
    if not panels:
        return
    height = 30 + sum(90 + 22 * len(bars) for bars, _ in panels)
    script = [f"set terminal svg size 900,{height} font 'sans,12' "
              "background 'white'", f"set output '{top}/{role}.svg'",
              f"set multiplot title '{role}'", "set border 3",
              "set tics nomirror", "set grid x lc rgb '#dddddd'", "unset key",
              "set style fill solid noborder", "set lmargin 36",
              "set rmargin 10",
              "set format x '%.1s%c'", "set xtics autofreq"]
    at = 1 - 30 / height
    for index, (bars, unit) in enumerate(panels):
        size = (90 + 22 * len(bars)) / height
        at -= size
        script += [f"set origin 0,{at:.4f}", f"set size 1,{size:.4f}",
                   f"set xlabel '{unit}'", "set xrange [0:*]",
                   f"set yrange [{len(bars) - 0.4}:-0.6]",
                   f"$data{index} << EOD"]
        for row, f in enumerate(bars):
            colour = 0xC0392B if OURS in f.who else 0x7F8C8D
            value = max(f.median, 0)
            script.append(f'{row} {value} {colour} "{f.case}  {f.who}" '
                          f'"{number(f.median)}"')
        script += ["EOD",
                   f"plot $data{index} using ($2/2):1:($2/2):(0.36):3:"
                   "ytic(4) with boxxyerror lc rgb variable, "
                   f"$data{index} using 2:1:5 with labels left offset 0.5,0 "
                   "font ',10' noenhanced"]
    script.append("unset multiplot")
    text = "\n".join(script) + "\n"
    gnuplot(text.replace("set tics nomirror",
                         "set tics nomirror\nset ytics noenhanced", 1))


def plot_curves(top, figures, roles):
    for name, title, xlabel, ylabel, curves in CURVES:
        if name.split("-")[0] not in roles:
            continue
        script = HEAD.format(width=700, height=420, out=top / f"{name}.svg",
                             title=title)
        script += (f"set xlabel '{xlabel}'\nset ylabel '{ylabel}'\n"
                   "set logscale x\nset yrange [0:*]\n"
                   "set key outside bottom center horizontal\n"
                   "set format y '%.0s%c'\n")
        plots = []
        for index, (who, points) in enumerate(curves.items()):
            points = [(x, figures[key].median) for x, key in points
                      if key in figures]
            if not points:
                continue
            colour = "#c0392b" if OURS in who else "#7f8c8d"
            script += f"$data{index} << EOD\n"
            script += "".join(f"{x} {y}\n" for x, y in points) + "EOD\n"
            plots.append(f"$data{index} using 1:2 with linespoints pt 7 lw 2 "
                         f"lc rgb '{colour}' title '{who}' noenhanced")
        if plots:
            gnuplot(script + "plot " + ", ".join(plots) + "\n")


def main():
    top = pathlib.Path(sys.argv[1])
    seconds = "-t" in sys.argv
    roles = [word for word in sys.argv[2:] if word != "-t"]
    figures, cannot = read(top, roles)
    derive(figures)
    if seconds:
        for figure in figures.values():
            figure.unit = figure.unit.replace("instr/", "ns/")
    for role in roles:
        table(figures, cannot, role)
    write_tsv(top, figures, cannot)
    spread(figures)
    if not seconds:
        targets(figures, roles)
    if not shutil.which("gnuplot"):
        print("\nno plots: gnuplot is not installed")
        return
    for role in roles:
        plot_bars(top, figures, role)
    plot_curves(top, figures, roles)
    print(f"\n{top}: results.tsv and "
          + ", ".join(sorted(p.name for p in top.glob("*.svg"))))


main()
