#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the same work for each processor costs on one, two and four.

cpus.py DIR CPUS...: DIR/N-counted has the lines of kbench, DIR/N-counted.lines
what lines.c counted, DIR/N-time the lines of a boot without it.
"""

import collections
import pathlib
import re
import sys

OURS = re.compile(r"knd_")
# Functions that touch what their callers own: charged to the caller
HELPERS = re.compile(
    r"_raw_(spin|read|write)_|(__)?mutex_|(native_)?queued_|"
    r"(__)?(u|)refcount_|rb_(insert|erase|next|first)|__rb_|"
    r"(__)?x(a|as)_|mem(cpy|set|cmp|move)|__memcpy|__memset|str|"
    r"osq_|down_|up_|_find_|complete|__wake_up|prepare_to_wait|finish_wait|"
    r"autoremove_wake|__rcu_read|__local_bh|__fentry|list_|hlist_")
WAITING = re.compile(r"(native_)?queued_(spin|read|write)_lock_slowpath$|"
                     r"osq_lock$|(mutex|rwsem)_spin_on_owner")
IDLE = re.compile(r"do_idle$|default_idle|cpuidle_|tick_nohz_|"
                  r"cpu_startup_entry|arch_cpu_idle|sched_ttwu_pending|"
                  r"flush_smp_call_function_queue|nohz_")


class Measurement:
    """One case in one boot, in instructions and lines"""

    def __init__(self, cpus):
        self.cpus = [0] * cpus
        self.total = self.transfers = self.ours = self.waiting = 0
        self.by_function = collections.Counter()

    def add(self, function, caller, transfers, instructions):
        if IDLE.match(function):
            return
        for cpu, count in enumerate(instructions[:len(self.cpus)]):
            self.cpus[cpu] += count
            self.total += count
        if WAITING.match(function):
            self.waiting += sum(instructions)
        self.transfers += transfers
        owner = caller if HELPERS.match(function) else function
        if OURS.match(owner):
            self.ours += transfers
            name = owner if owner == function else f"{owner} > {function}"
            self.by_function[name] += transfers


def read_counts(path, cpus):
    measurements = []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            word = line.split()
            if word == ["measurement"]:
                measurements.append(Measurement(cpus))
            elif measurements:
                measurements[-1].add(word[0], word[1], int(word[2]),
                                     [int(n) for n in word[3:]])
    return measurements


def read_cases(path):
    """[(case, who, unit, ns)], and what could not run"""
    cases, cannot = [], []
    for line in path.read_text(errors="replace").splitlines():
        word = line.rstrip("\r").split("\t")
        if word[0] == "KB":
            cases.append((word[2], word[3], word[4].split("/")[1],
                          float(word[6])))
        elif word[0] == "KB-":
            cannot.append(" ".join(word[2:]))
    return cases, cannot


def sizes():
    """{case: units of a processor}, as cpus.c has them"""
    source = pathlib.Path(__file__).with_name("cpus.c").read_text(
        encoding="utf-8")
    return {name: int(size) for name, size in re.findall(
        r'CASE\("([^"]+)", "[^"]+", P_\w+, (\d+)\)', source)}


def main():
    """Print the table of all cases"""
    top = pathlib.Path(sys.argv[1])
    counts = [int(n) for n in sys.argv[2:]]
    units = sizes()
    found, times, hot, order = {}, {}, {}, []
    for n in counts:
        path = top / f"{n}-counted"
        if not path.exists():
            continue
        cases, cannot = read_cases(path)
        measured = read_counts(f"{path}.lines", n)
        for reason in cannot:
            print(f"  cannot run on {n}: {reason}")
        if len(measured) != len(cases):
            sys.exit(f"{path}: {len(cases)} cases, {len(measured)} measured")
        for (case, who, unit, _), m in zip(cases, measured):
            if (case, who, unit) not in order:
                order.append((case, who, unit))
            found[case, who, n] = m
        path = top / f"{n}-time"
        if path.exists():
            for case, who, _, taken in read_cases(path)[0]:
                times[case, who, n] = taken

    print("\ncpus: instructions of all processors for one unit; how many times "
          "as much is done\nwhile the busiest processor executes as much as "
          "one alone; instructions spent\nwaiting for a lock; cache lines "
          "taken from another processor, and those of\nknetdemo's own; how "
          "many times as much is done in the same time\n")
    head = ("case", "who", "of a", "CPUs", "instr", "scales", "waiting",
            "lines", "ours", "in time")
    rows = [head]
    for case, who, unit in order:
        first = found.get((case, who, counts[0]))
        for n in counts:
            m = found.get((case, who, n))
            if not m:
                continue
            done = units[case] * n
            scale = n * max(first.cpus) / max(m.cpus) if first else 0
            now, once = times.get((case, who, n)), times.get(
                (case, who, counts[0]))
            rows.append((case, who, unit, str(n), f"{m.total / done:,.0f}",
                         f"{scale:.2f}", f"{m.waiting / done:,.1f}",
                         f"{m.transfers / done:,.2f}",
                         f"{m.ours / done:,.2f}",
                         f"{once / now:.2f}" if now and once else "-"))
            if who == "knetdemo" and n == counts[-1]:
                hot[case] = [(name, count / done) for name, count
                             in m.by_function.most_common(8)
                             if count / done >= 0.005]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  " + "  ".join(
            [row[i].ljust(widths[i]) for i in range(3)]
            + [row[i].rjust(widths[i]) for i in range(3, len(head))]))
    print(f"\nlines of knetdemo's own on {counts[-1]} processors, for one unit")
    for case, functions in hot.items():
        print(f"  {case}: " + (", ".join(
            f"{name} {count:.2f}" for name, count in functions) or "none"))


main()
