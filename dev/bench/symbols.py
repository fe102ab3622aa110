#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Name the functions in what profile.c counted.

symbols.py NAME SYSTEM.MAP KBENCH: reads NAME.raw and NAME.kb (what kbench
reported), prints the functions by their share and writes all to NAME.tsv.
"""

import bisect
import collections
import subprocess
import sys

TOP = 40


def symbols(system_map, kbench):
    table = []
    with open(system_map, encoding="ascii") as lines:
        for line in lines:
            address, kind, name = line.split()
            if kind in "tTwW":
                table.append((int(address, 16), name))
    for line in subprocess.run(["nm", kbench], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        word = line.split()
        if len(word) == 3 and word[1] in "tTwWi":
            table.append((int(word[0], 16), "kbench: " + word[2]))
    return sorted(table)


def main():
    """Print the counts of a run by function"""
    name, system_map, kbench = sys.argv[1:4]
    table = symbols(system_map, kbench)
    starts = [address for address, _ in table]
    counts = collections.Counter()
    with open(name + ".raw", encoding="ascii") as lines:
        for line in lines:
            address, count = line.split()
            address = int(address, 16)
            at = bisect.bisect_right(starts, address) - 1
            if address >= 1 << 63:
                function = table[at][1] if at >= 0 else "kernel, no symbol"
            elif 0x400000 <= address < 0x800000 or \
                    0x10000000 <= address < 0x10002000:
                function = table[at][1] if at >= 0 else "kbench"
            else:
                function = "another program or a library"
            counts[function] += int(count)
    total = sum(counts.values())
    if not total:
        sys.exit("nothing was executed between the marks")
    per_unit, unit = None, ""
    with open(name + ".kb", encoding="utf-8") as lines:
        for line in lines:
            word = line.rstrip().split("\t")
            print(" ".join(word[1:]))
            if word[0] == "KB":
                per_unit = None if per_unit else float(word[6])
                unit = word[4]
    print(f"\n   share  {unit if per_unit else 'instr in all':>18}  function")
    with open(name + ".tsv", "w", encoding="utf-8") as out:
        out.write("function\tshare\tinstructions\n")
        for row, (function, count) in enumerate(counts.most_common()):
            out.write(f"{function}\t{count / total:.5f}\t{count}\n")
            if row < TOP:
                value = per_unit * count / total if per_unit else count
                print(f"  {count / total * 100:5.1f} %  {value:18,.0f}  "
                      f"{function}")
    print(f"\n{name}.tsv has all {len(counts)} functions")


main()
