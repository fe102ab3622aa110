#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Count test results: tally.py kselftest|kunit|ktap|tap FILE

Prints "passed failed skipped" and, on standard error, what failed.
kselftest: what run_kselftest.sh printed; results inside a program count, or
the program itself where it has none. kunit: the JSON of kunit.py. ktap:
the results of suites as debugfs has them. tap: lines.
"""

import json
import re
import sys

RESULT = re.compile(r'^(not ok|ok) \d+ ?-? ?(.*)$')


class Tally:
    """What was counted so far"""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, status, name):
        """One result"""
        if re.search(r'# ?skip', name, re.I) or status == 'SKIP':
            self.skipped += 1
            print(f'    skipped: {name}', file=sys.stderr)
        elif status in ('ok', 'PASS'):
            self.passed += 1
        else:
            self.failed += 1
            print(f'    FAILED: {name}', file=sys.stderr)


def kselftest(text, tally):
    """Results of run_kselftest.sh, with those inside the programs"""
    inner = []
    seen = 0
    plan = re.search(r'^1\.\.(\d+)', text, re.M)
    for line in text.splitlines():
        nested = line.startswith('# ')
        match = RESULT.match(line[2:] if nested else line)
        if not match:
            continue
        if nested:
            inner.append(match.groups())
            continue
        status, name = match.groups()
        seen += 1
        for result in inner:
            tally.add(result[0], f'{name}: {result[1]}')
        # A program that died, or that has no results of its own
        if not inner or (status != 'ok' and
                         all(result[0] == 'ok' for result in inner)):
            tally.add(status, name)
        inner = []
    if not plan or seen != int(plan.group(1)) or inner:
        tally.add('not ok', 'run_kselftest.sh came to its end')


def kunit(text, tally):
    """Results of kunit.py --json"""
    def walk(group):
        for case in group.get('test_cases', []):
            tally.add(case['status'], f"{group['name']}.{case['name']}")
        for sub in group.get('sub_groups', []):
            walk(sub)

    before = tally.passed + tally.failed
    walk(json.loads(text))
    if tally.passed + tally.failed == before:
        tally.add('not ok', 'any KUnit case')


def ktap(text, tally):
    """Cases of suites, from /sys/kernel/debug/kunit"""
    before = tally.passed + tally.failed
    for line in text.splitlines():
        match = re.match(r'^kunit:     (not ok|ok) \d+ (.*)$', line)
        if match:
            tally.add(*match.groups())
    if tally.passed + tally.failed == before:
        tally.add('not ok', 'any KUnit case')


def tap(text, tally):
    """Lines that say ok or not ok"""
    for line in text.splitlines():
        match = re.match(r'^(not ok|ok)\b ?(.*)$', line)
        if match:
            tally.add(*match.groups())


def main():
    """Count one file"""
    tally = Tally()
    with open(sys.argv[2], encoding='utf-8', errors='replace') as file:
        text = file.read()
    {'kselftest': kselftest, 'kunit': kunit, 'ktap': ktap,
     'tap': tap}[sys.argv[1]](text, tally)
    print(tally.passed, tally.failed, tally.skipped)


main()
