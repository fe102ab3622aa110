#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What netdev's CI wants of a kselftest directory: ksft_format.py DIR...

Names in config and .gitignore are sorted, where "_" does not count. Each
variable of the Makefile that is a list is assigned once, with one name a line,
sorted, and ends with a comment. Each program is in the Makefile and, if it is
built, in .gitignore.
"""

import os
import re
import sys


def read(path):
    """Lines of a file"""
    with open(path, encoding='utf-8') as file:
        return file.read().splitlines()


def unsorted(names, key):
    """Names that are smaller than the one before"""
    return [name for last, name in zip(names, names[1:]) if key(name) < key(last)]


def check_names(path):
    """config, .gitignore"""
    names = [line.split('=')[0].strip() for line in read(path)
             if line.strip() and not line.startswith('#') and
             ('=' in line or path.endswith('.gitignore'))]
    for name in unsorted(names, lambda name: name.replace('_', '')):
        yield f'{path}: {name} is not in its place'


def lists_of(lines):
    """(variable, lines) of assignments that go on in the next line"""
    at = 0
    while at < len(lines):
        match = re.match(r'([A-Z_]{3,}) *(?::|\+)?= *\\$', lines[at])
        at += 1
        if not match:
            continue
        found = []
        while at < len(lines):
            found.append(lines[at])
            at += 1
            if not found[-1].endswith('\\'):
                break
        yield match.group(1), found


def check_makefile(path):
    """The lists of a Makefile"""
    seen = set()
    for variable, lines in lists_of(read(path)):
        if variable in seen:
            yield f'{path}: {variable} is assigned twice'
        seen.add(variable)
        if not lines[-1].startswith('#') or variable not in lines[-1]:
            yield f'{path}: {variable} does not end with a comment'
        items = [line.rstrip('\\').strip() for line in lines[:-1]]
        items = [item for item in items if not item.startswith('$')]
        for item in items:
            if ' ' in item:
                yield f'{path}: several names in "{item}"'
        for name in unsorted(items, lambda name: (name.count('/'),
                                                  name.lower())):
            yield f'{path}: {name} is not in its place'


def check(directory):
    """All findings of a directory"""
    makefile = os.path.join(directory, 'Makefile')
    ignored = os.path.join(directory, '.gitignore')
    yield from check_names(os.path.join(directory, 'config'))
    yield from check_names(ignored)
    yield from check_makefile(makefile)
    built = '\n'.join(read(makefile))
    for name in sorted(os.listdir(directory)):
        stem, extension = os.path.splitext(name)
        word = {'.sh': name, '.py': name, '.c': stem}.get(extension)
        if not word:
            continue
        if not re.search(r'(?<![\w.])' + re.escape(word) + r'\b', built):
            yield f'{makefile}: {word} is missing'
        if extension == '.c' and not any(
                line.split('.')[0] == stem for line in read(ignored)):
            yield f'{ignored}: {stem} is missing'


def main():
    """Print what is found"""
    findings = [finding for directory in sys.argv[1:]
                for finding in check(directory)]
    print('\n'.join(findings))
    sys.exit(bool(findings))


main()
