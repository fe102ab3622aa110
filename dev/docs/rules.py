#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that the tour's table of rules says what dev/rules has: rules.py TOP

Prints each difference, and fails if there is one. Where the test of a rule is
no program of the kselftests, the table names "make break RULE=N".
"""

import re
import sys
from pathlib import Path

PAGE = 'Documentation/networking/knetdemo-tour.rst'


def plain(text):
    """Words without markup"""
    return re.sub(r'``|\*|\(\)', '', text).split()


def rules(top):
    """Number: (text, function, test) in dev/rules"""
    found = {}
    for path in (top / 'dev/rules').glob('[0-9]*'):
        field = dict(line.split(': ', 1)
                     for line in path.read_text().splitlines() if ': ' in line)
        number = int(path.name[:2])
        test = re.sub(r'\./', '', field['test'])
        if ';' in test:
            test = f'make break RULE={number}'
        elif field['kernel'] == 'debug':
            test += ' on a debug kernel'
        found[number] = (plain(f"{field['rule']} Otherwise: {field['why']}"),
                         plain(field['function']), plain(test))
    return found


def table(top):
    """The same in the tour"""
    text = (top / PAGE).read_text()
    text = re.search(r'\nRules with proofs\n=+\n(.*?)\nChecklists\n=', text,
                     re.S)[1]
    found = {}
    for row in re.split(r'\n   \* - (?=\d+\n)', text)[1:]:
        number, *cells = re.split(r'\n     - ', row)
        found[int(number)] = tuple(plain(cell) for cell in cells)
    return found


def main():
    """Compare"""
    top = Path(sys.argv[1])
    want, have = rules(top), table(top)
    bad = [number for number in sorted(want.keys() | have.keys())
           if want.get(number) != have.get(number)]
    for number in bad:
        print(f'rule {number}: dev/rules and the tour differ:')
        for what in (want, have):
            for cell in what.get(number, ['missing']):
                print('    ' + ' '.join(cell))
    sys.exit(bool(bad))


main()
