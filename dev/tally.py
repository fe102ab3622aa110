#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Count test results: tally.py kselftest|kunit|tap FILE

Prints "passed failed skipped" and, on standard error, what failed.
kselftest: what run_kselftest.sh printed; results inside a program count, or
the program itself where it has none. kunit: the JSON of kunit.py. tap:
lines.
"""

import json
import re
import sys

# Said by dev/check.sh between a run and that of what failed in it
ONCE_MORE = 'knetdemo: once more:'
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


def programs(text):
    """What run_kselftest.sh printed: the results of each program, and whether
    all that it planned came"""
    inner = []
    found = {}
    planned = re.search(r'^1\.\.(\d+)', text, re.M)
    for line in text.splitlines():
        nested = line.startswith('# ')
        match = RESULT.match(line[2:] if nested else line)
        if not match:
            continue
        if nested:
            inner.append(match.groups())
            continue
        status, name = match.groups()
        results = [(result, f'{name}: {what}') for result, what in inner]
        # A program that died, or that has no results of its own
        if not inner or (status != 'ok' and
                         all(result[0] == 'ok' for result in inner)):
            results.append((status, name))
        found[name.split(' #')[0]] = results
        inner = []
    whole = planned and len(found) == int(planned.group(1)) and not inner
    return found, whole


def kselftest(text, tally):
    """Results of run_kselftest.sh, with those inside the programs. A program
    that failed may have been run once more: that counts then, and is said."""
    first, _, again = text.partition(ONCE_MORE)
    found, whole = programs(first)
    if again:
        more, more_whole = programs(again)
        whole = whole and more_whole
        for name, results in more.items():
            for status, what in found.get(name, []):
                if status != 'ok':
                    print(f'    once more, failed before: {what}',
                          file=sys.stderr)
            found[name] = results
    for results in found.values():
        for status, name in results:
            tally.add(status, name)
    if not whole:
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
    {'kselftest': kselftest, 'kunit': kunit, 'tap': tap}[sys.argv[1]](text, tally)
    print(tally.passed, tally.failed, tally.skipped)


main()
