#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What became of modules, one line for each: verdict.py RESULTS.json [NAMES]

NAMES has lines "ID NAME": what to call them, and perhaps "ID NAME: why" for one
that could not be built. Succeeds where all passed.
"""

import json
import sys


def verdict(case):
    """Passed? And a line about it"""
    points = case['points']
    passed = sum(point['ok'] for point in points)
    if case['crash']:
        return False, f"{passed} points passed, then: {case['crash'][0]}"
    if case['end'] == 0:
        return True, f'{passed} of {len(points)} points'
    if case['end'] == 124:
        return False, f'{passed} points passed, then the checker hung'
    if case['end'] not in (1, 3, 4):
        return False, 'the checker failed'
    bad = next(point for point in points if not point['ok'])
    return False, (f"{passed} of {len(points)} points; first: "
                   f"{bad['name']}: {bad['hint']}")


def main():
    """Print all"""
    with open(sys.argv[1], encoding='utf-8') as file:
        cases = json.load(file)
    names = {one: one for one in cases}
    broken = {}
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding='utf-8') as file:
            for line in file:
                one, name = line.rstrip('\n').split(' ', 1)
                name, _, why = name.partition(': ')
                names[one] = name
                if why:
                    broken[one] = why
    bad = 0
    for one, name in names.items():
        if one in broken:
            good, text = False, f'does not build: {broken[one]}'
        else:
            good, text = verdict(cases[one])
        bad += not good
        print(f"{'passed' if good else 'FAILED'}  {name}: {text}")
    sys.exit(bool(bad))


main()
