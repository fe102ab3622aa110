#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare what dev/lab/check.sh has run with what it should say, as TAP.

proof.py DIR RESULTS.json: DIR has "expect", with a line "ID EXERCISE WHAT
MISTAKE" (tabs) for each module, the compiler's "log" and the tasks' texts. A
mistake's file begins with "# point: NAME", the point that catches it, and
"# hint: TEXT", which is part of the hint there.
"""

import json
import os
import re
import sys

LAB = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(LAB))


class Tap:
    """Results, numbered"""

    def __init__(self):
        self.number = 0
        self.failed = 0

    def result(self, name, why):
        """One: WHY says what is wrong, or is empty"""
        self.number += 1
        if why:
            self.failed += 1
            print(f'not ok {self.number} {name}')
            for line in why.split('\n'):
                print(f'# {line}')
        else:
            print(f'ok {self.number} {name}')


def read(path):
    """A file's text"""
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


def compiled(directory, one, log):
    """Nothing to say about a module's build, or what"""
    if not os.path.exists(f'{directory}/{one}/knd-{one}.ko'):
        return 'does not compile\n' + said(directory, one, log)
    text = said(directory, one, log)
    return text and 'compiles with warnings\n' + text


def said(directory, one, log):
    """What the compiler says about it"""
    return '\n'.join(line for line in log.split('\n')
                     if re.match(rf'(?:{directory}/)?{one}/.*: ', line))


def outcome(case):
    """All that a checker printed"""
    return '\n'.join(case['lines'] + (case['crash'] or []))


def skeleton(case):
    """Fails, without a crash and without a complaint of the kernel"""
    if case['crash'] or case['end'] not in (1, 3, 4):
        return 'should fail, and no more\n' + outcome(case)
    for point in case['points']:
        if point['name'] == 'the kernel has no complaint' and not point['ok']:
            return 'the kernel complains\n' + outcome(case)
    return ''


def plain(line):
    """Without what differs from run to run"""
    line = re.sub(r'^\s*', '', line)
    line = re.sub(r'^knd_\w+: ', '', line)
    return re.sub(r':\d{4,5}\b', ':PORT', line)


def sample(case, text):
    """Passes, and shows the lines of the log that the task promises"""
    if case['crash'] or case['end'] != 0:
        return outcome(case)
    shown = {plain(line[7:]) for line in case['lines']
             if line.startswith('# log: ')}
    for line in text.split('\n'):
        if re.match(r'\s*knd_sample_\w+: ', line) and plain(line) not in shown:
            return f'the task promises "{line.strip()}"\n' + outcome(case)
    return ''


def mistake(case, path):
    """Caught where it should be, with its hint"""
    text = read(path)
    name = re.search(r'^# point: (.*)$', text, re.M).group(1)
    want = re.search(r'^# hint: (.*)$', text, re.M).group(1)
    if name == 'crash':
        found = '\n'.join(case['crash'] or [])
        return '' if want in found else outcome(case)
    for point in case['points']:
        if point['name'] == name:
            if point['ok']:
                return f'the point "{name}" passes\n' + outcome(case)
            if want not in point['hint']:
                return (f'the hint does not say "{want}": {point["hint"]}\n'
                        + outcome(case))
            return ''
    return f'there is no point "{name}"\n' + outcome(case)


def references(exercise, tests):
    """The functions and tests that a sample names exist"""
    text = read(f'{TOP}/samples/knetdemo/{exercise}.c')
    own = set(re.findall(r'^\w.*?\b(knd_\w+)\(', text, re.M))
    code = ''.join(read(f'{TOP}/net/knetdemo/{name}')
                   for name in sorted(os.listdir(f'{TOP}/net/knetdemo'))
                   if name.endswith('.c'))
    bad = []
    tail = text[text.find('What this lacks'):]
    for name in set(re.findall(r'\b(knd_\w+)\(\)', tail)) - own:
        if not re.search(rf'^[a-z].*\b{name}\(', code, re.M):
            bad.append(f'net/knetdemo has no {name}()')
    flat = re.sub(r'\n \*\s*', ' ', tail)
    for program, test in re.findall(r'tested by (\w+)(?::(\w+))?', flat):
        files = [f'{tests}/{program}{ext}' for ext in ('.c', '.sh')
                 if os.path.exists(f'{tests}/{program}{ext}')]
        if not files or (test and test not in read(files[0])):
            bad.append(f'there is no test {program}:{test}')
    return '\n'.join(bad)


def main():
    """Print all"""
    directory, results = sys.argv[1:]
    cases = json.loads(read(results))
    log = read(f'{directory}/log')
    tests = f'{TOP}/tools/testing/selftests/net/knetdemo'
    tap = Tap()
    done = set()
    for line in read(f'{directory}/expect').rstrip('\n').split('\n'):
        one, exercise, what, path = line.split('\t')
        task = f'{directory}/{exercise}.txt'
        if exercise not in done:
            done.add(exercise)
            tap.result(f'{exercise}: the task names functions that exist',
                       '' if os.path.exists(task) else 'see the message above')
            tap.result(f'{exercise}: the sample names functions and tests '
                       'that exist', references(exercise, tests))
        why = compiled(directory, one, log)
        tap.result(f'{exercise}: {what} compiles without a warning', why)
        case = cases.get(one)
        if not case:
            case = {'crash': None, 'end': None, 'points': [], 'lines': []}
        if what == 'skeleton':
            tap.result(f'{exercise}: the skeleton fails', skeleton(case))
        elif what == 'sample':
            tap.result(f'{exercise}: the sample passes and shows what the '
                       'task promises',
                       sample(case, read(task) if os.path.exists(task) else ''))
        else:
            tap.result(f'{exercise}: {what} is caught with its hint',
                       mistake(case, path))
    print(f'1..{tap.number}')
    sys.exit(bool(tap.failed))


main()
