#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The text of a task: task.py EXERCISE [SOURCE]

In dev/lab/tasks/EXERCISE.txt "@FILE:FUNCTION@" stands for a function of the
kernel, and "@FUNCTION@" for one of net/knetdemo: both become the file, the line
on which it begins in this tree and in SOURCE, and its name. Where there is no
SOURCE, a function of the kernel has no line. A function that is in neither is
an error, so that the texts follow the code. So is an exercise for which the
tour has no section.
"""

import glob
import os
import re
import sys

LAB = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(LAB))


def find(path, function):
    """The line on which a function begins, or None"""
    begin = re.compile(rf'^(?:[a-z].*[ *])?{re.escape(function)}\('
                       rf'|^SYSCALL_DEFINE\d\({re.escape(function)}\b'
                       rf'|^#define {re.escape(function)}\(')
    with open(path, encoding='utf-8', errors='replace') as file:
        lines = file.read().split('\n')
    for number, line in enumerate(lines, 1):
        if not begin.match(line):
            continue
        # Not a declaration, which ends before a body begins
        for follow in lines[number - 1:number + 12]:
            if follow.endswith(';'):
                break
            if follow == '{' or follow.endswith('{') or '#define' in line:
                return number
    return None


def ours(function):
    """Where net/knetdemo has a function"""
    for path in sorted(glob.glob(os.path.join(TOP, 'net/knetdemo/*.c'))):
        line = find(path, function)
        if line:
            return f'{os.path.relpath(path, TOP)}:{line} {function}()'
    sys.exit(f'task.py: net/knetdemo has no {function}()')


def kernel(source, name, function):
    """Where the kernel has one"""
    if not source:
        return f'{name} {function}()'
    line = find(os.path.join(source, name), function)
    if not line:
        sys.exit(f'task.py: {name} has no {function}()')
    return f'{name}:{line} {function}()'


def tour(exercise):
    """The section of the tour that explains an exercise"""
    page = 'Documentation/networking/knetdemo-tour.rst'
    with open(os.path.join(TOP, page), encoding='utf-8') as file:
        title = re.search(rf'^{exercise.partition("-")[0]}\. .*(?=\n=+$)',
                          file.read(), re.M)
    if not title:
        sys.exit(f'task.py: {page} has no section for {exercise}')
    return (f'\nRead first\n    "{title.group()}" in {page}:\n'
            '    the idea, a figure, and the mistake that everybody makes\n')


def by_hand(exercise):
    """How to run the commands of the expected output"""
    return ('\nTo run such commands yourself\n'
            f'    make shell MODULES=exercises/{exercise}\n'
            '    boots, builds the module and loads it; in the guest it is in '
            '/modules.\n')


def main():
    """Print the text"""
    exercise = sys.argv[1]
    source = sys.argv[2] if len(sys.argv) > 2 else ''
    with open(os.path.join(LAB, 'tasks', exercise + '.txt'),
              encoding='utf-8') as file:
        text = file.read()
    text = re.sub(r'@([\w/.-]+):(\w+)@',
                  lambda m: kernel(source, m.group(1), m.group(2)), text)
    text = re.sub(r'@(\w+)@', lambda m: ours(m.group(1)), text)
    # Behind the title
    title, _, text = text.partition('\n')
    text = title + '\n' + tour(exercise) + text + by_hand(exercise)
    if source:
        text += f'\nFiles outside of net/knetdemo: {source}\n'
    sys.stdout.write(text)


main()
