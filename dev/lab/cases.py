#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check modules in guests: cases.py [--show] NAME LIST

LIST has a line "ID EXERCISE MODULE.ko" for each module. One guest checks them
one after the other, see guest.sh. A module that crashes or spoils its guest
ends it, and the next guest has the rest. PRODUCT names the guest's kernel.

The results go to build/lab/NAME.json. With --show the output is shown as it
comes. Fails only where no guest could be run.
"""

import json
import os
import re
import shutil
import subprocess
import sys

LAB = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(LAB))
WORK = os.path.join(TOP, 'build', 'lab')
RESULT = re.compile(r'^(not ok|ok) \d+ (.*)$')
# Seconds that a guest has to boot, and for each case
BOOT, CASE = 120, 100

# What the kernel says in the last lines of a guest that crashed
FATAL = re.compile(r'BUG:|Oops|Kernel panic|RIP: |general protection|kernel BUG'
                   r'|soft lockup|stall|WARNING:|refcount_t:|Call Trace:'
                   r'|corruption|hard LOCKUP|Attempted to')


def new_case(exercise, module):
    """A case without results"""
    return {'exercise': exercise, 'module': module, 'points': [],
            'lines': [], 'end': None, 'crash': None}


def take(case, line):
    """One line of a checker"""
    case['lines'].append(line)
    match = RESULT.match(line)
    if match:
        case['points'].append({'ok': match.group(1) == 'ok',
                               'name': match.group(2), 'hint': ''})
    elif line.startswith('# hint: ') and case['points'] \
            and not case['points'][-1]['ok']:
        case['points'][-1]['hint'] += line[8:]


def crash_text(status, console):
    """What became of a guest, in words, and what its kernel said"""
    if status == 124:
        text = ['The guest hangs: something never ends, and may hold a lock '
                'or a processor.']
    else:
        text = ['The guest crashed: the kernel did not survive a fault.']
    with open(console, encoding='utf-8', errors='replace') as file:
        lines = [line.rstrip() for line in file]
    if any(re.search(r'RIP: 0010:0x[0-9a-f]+', line) for line in lines):
        text.append('A function of a module that was unloaded was called: what '
                    'did the exit function leave behind that has a pointer to '
                    'it?')
    first = next((i for i, line in enumerate(lines) if FATAL.search(line)),
                 None)
    if first is None:
        text.append('The last lines of its log:')
        text += lines[-12:]
    else:
        text.append('What the kernel said first:')
        text += lines[first:first + 24]
    return text


def run_guest(name, cases, ids, show):
    """Check what IDS names in one guest; returns the IDs that are left"""
    guest = os.path.join(WORK, 'guest', name)
    shutil.rmtree(guest, ignore_errors=True)
    os.makedirs(guest)
    for file in ('labcheck', 'guest.sh'):
        shutil.copy(os.path.join(WORK if file == 'labcheck' else LAB, file),
                    guest)
    with open(os.path.join(guest, 'list'), 'w', encoding='utf-8') as file:
        for one in ids:
            module = cases[one]['module']
            directory = os.path.join(guest, 'cases', one)
            os.makedirs(directory)
            shutil.copy(module, directory)
            file.write(f"{one} {cases[one]['exercise']} "
                       f'{os.path.basename(module)}\n')

    # Memory that is freed is overwritten by the kernel, and so is what is not
    # written yet: what is read behind the end of a packet is 0x6b, where a SYN
    # without an ACK would be.
    env = dict(os.environ)
    with open(os.path.join(os.environ['PRODUCT'], 'kind'),
              encoding='utf-8') as file:
        if file.read().strip() == 'lab':
            env.setdefault('MEMORY', '512')
    env['APPEND'] = 'slab_debug=FP ' + env.get('APPEND', '')
    log = os.path.join(TOP, 'build', 'logs', f'lab-{name}.err')
    current = None
    left = list(ids)
    with open(log, 'w', encoding='utf-8') as err, \
         subprocess.Popen([os.path.join(TOP, 'dev', 'vm.sh'), '-n',
                           f'lab-{name}', '-t', str(BOOT + CASE * len(ids)),
                           '-f', guest, '--', 'bash /files/guest.sh'],
                          stdout=subprocess.PIPE, stderr=err, env=env,
                          stdin=subprocess.DEVNULL, encoding='utf-8',
                          errors='replace') as vm:
        for line in vm.stdout:
            line = line.rstrip('\r\n')
            word = line.split()
            if line.startswith('knetdemo-case: begin '):
                current = word[2]
            elif line.startswith('knetdemo-case: end '):
                cases[current]['end'] = int(word[3])
                left.remove(current)
                current = None
            elif line.startswith('knetdemo-case: '):
                continue
            elif current:
                take(cases[current], line)
                if show:
                    print(line, flush=True)
        status = vm.wait()
    if current:
        console = os.path.join(TOP, 'build', 'logs', f'console-lab-{name}.log')
        cases[current]['crash'] = crash_text(status, console)
        if show:
            for line in cases[current]['crash']:
                print(f'# kernel: {line}')
        left.remove(current)
    if len(left) == len(ids):
        with open(log, encoding='utf-8', errors='replace') as err:
            sys.stderr.write(err.read())
        sys.exit(f'knetdemo: no guest could be run (status {status})')
    return left


def main():
    """Check all"""
    args = sys.argv[1:]
    show = args[0] == '--show'
    if show:
        args.pop(0)
    name, listed = args
    cases = {}
    with open(listed, encoding='utf-8') as file:
        for line in file:
            one, exercise, module = line.split()
            cases[one] = new_case(exercise, module)
    left = list(cases)
    while left:
        left = run_guest(name, cases, left, show)
    with open(os.path.join(WORK, name + '.json'), 'w', encoding='utf-8') as out:
        json.dump(cases, out, indent=1)


main()
