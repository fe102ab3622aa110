#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The overlay as two series of patches: see dev/README.md.

series.py build SRC REPO    a git repository with one commit for each patch and
                            a tag for the end of each series (base0, base, ...)
series.py edits SRC DIR     the files of the kernel that the series edit, edited
series.py list              the patches: number, series, subject
series.py where FILE        each line of a file with the number of its patch

dev/series/SERIES/NUMBER-NAME.txt is a patch: its message and, behind a line
"---", which files it has. A directive is a line; PATTERN is a glob.

files PATTERN...            come with this patch
cut PATTERN...              C files that are divided (dev/cut.py); no part comes
                            before this patch
lines PATTERN...            lists of files (Makefile, .gitignore): a line comes
                            with the file that it names
sections PATTERN...         documents: a section comes with the one around it
divide NAME...              functions whose statements are divided
used-by FILE REGEX          units of a C file that match are used by this patch,
                            though its text does not show that
not-before FILE REGEX       units, lines or sections of a divided file that match
                            come with this patch or later
until FILE                  before this patch the file has the "+" lines that
                            follow where it has the "-" lines in the end
kernel FILE after|before REGEX
                            add the "+" lines that follow to a file of the kernel
"""

import fnmatch
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import cut  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERIES = os.path.join(TOP, 'dev/series')
DATE = '2026-11-29T00:00:00+0000'


def die(text):
    """End with a message"""
    raise SystemExit(f'knetdemo: {text}')


def overlay_files():
    """Names of all files of the overlay"""
    listed = subprocess.run(
        ['git', '-C', TOP, 'ls-files', '-co', '--exclude-standard', '--',
         'net', 'include', 'Documentation', 'tools', 'samples'],
        stdout=subprocess.PIPE, text=True, check=True)
    return sorted(name for name in set(listed.stdout.splitlines())
                  if os.path.isfile(os.path.join(TOP, name)))


def content(name):
    """Text of a file of the overlay"""
    with open(os.path.join(TOP, name), encoding='utf-8') as file:
        return file.read()


class Patch:
    """A message and the directives"""

    def __init__(self, path, series, number):
        self.path = os.path.relpath(path, TOP)
        self.series = series
        self.number = number
        with open(path, encoding='utf-8') as file:
            message, _, rules = file.read().partition('\n---\n')
        self.message = message.strip() + '\n'
        self.subject = message.strip().split('\n', 1)[0]
        self.rules = []
        for line in rules.splitlines():
            if line.startswith(('+', '-')):
                self.rules[-1][-1].append(line)
            elif line.strip() and not line.startswith('#'):
                verb, rest = line.split(None, 1)
                self.rules.append([verb, rest.strip(), []])

    def rules_of(self, verb):
        """Arguments and following lines of a kind of directive"""
        return [(rest, lines) for kind, rest, lines in self.rules
                if kind == verb]


class ListFile:
    """A file of lines that name other files"""

    def __init__(self, name, text, base):
        self.name = name
        self.base = base
        self.blocks = []
        for block in self.split(text):
            self.blocks.append([[line, base] for line in block])

    def split(self, text):
        """Paragraphs; in Kconfig, an option with all that belongs to it"""
        if os.path.basename(self.name) == 'Kconfig':
            pieces = re.split(r'\n(?=\n+(?:config|menuconfig) )',
                              text.rstrip('\n'))
            return [piece.strip('\n').split('\n') for piece in pieces]
        return [piece.split('\n')
                for piece in re.split(r'\n\n+', text.rstrip('\n'))]

    def place(self, there, hints):
        """there: function from a name in a line to the patch of the file that
        it names, or None; hints: (patch, regex)"""
        kconfig = os.path.basename(self.name) == 'Kconfig'
        for block in self.blocks:
            whole = [n for n, regex in hints
                     if any(regex.search(line) for line, _ in block)]
            rule = kconfig or \
                any(line.startswith(('\t', 'if', '#')) and
                    not line.endswith('\\') and not re.match(r'\t\S+$', line)
                    and not line.startswith('# end') and len(block) > 1 and
                    not line.startswith('# SPDX')
                    for line, _ in block)
            if rule and not kconfig:
                words = {word for line, _ in block if not line.startswith('#')
                         for word in re.findall(r'[\w./-]+', line)}
                whole += [n for n in map(there, words) if n is not None]
            for item in block:
                if rule:
                    item[1] = max([self.base] + whole)
                    continue
                words = re.findall(r'[\w./-]+', item[0])
                found = [n for n in map(there, words) if n is not None]
                found += [n for n, regex in hints if regex.search(item[0])]
                item[1] = max([self.base] + found)

    def render(self, k):
        """The text after patch k; None where it is not there"""
        if k < self.base:
            return None
        blocks = []
        for block in self.blocks:
            kept = [line for line, pos in block if pos <= k]
            if len(kept) <= 2 < len(block) and kept and \
                    kept[0].endswith('\\'):
                continue
            if kept and not all(line.startswith('#') for line in kept) or \
                    kept and len(kept) == len(block):
                blocks.append('\n'.join(kept))
        return '\n\n'.join(blocks) + '\n' if blocks else None


class Document:
    """A page in reStructuredText, divided by its sections"""

    def __init__(self, name, text, base):
        self.name = name
        self.base = base
        self.text = text
        self.lines = text.rstrip('\n').split('\n')
        self.pos = [base] * len(self.lines)

    def place(self, _there, hints):
        """hints: (patch, regex) for titles, paragraphs and rows"""
        titles = []
        order = []
        for i in range(len(self.lines) - 1):
            under = self.lines[i + 1]
            if re.match(r'([=~^"#*+-])\1{2,}$', under) and \
                    re.match(r'\S', self.lines[i]) and \
                    not re.match(r'([=~^"#*+-])\1{2,}', self.lines[i]):
                over = i and self.lines[i - 1] == under
                key = under[0] * (2 if over else 1)
                if key not in order:
                    order.append(key)
                first = i - 1 if over else i
                while first and self.lines[first - 1].startswith('.. _'):
                    first -= 1
                    while first and not self.lines[first - 1].strip():
                        first -= 1
                titles.append((first, order.index(key), self.lines[i]))
        for number, (first, level, title) in enumerate(titles):
            end = next((f for f, lev, _ in titles[number + 1:] if lev <= level),
                       len(self.lines))
            for n, regex in hints:
                if regex.search(title):
                    for i in range(first, end):
                        self.pos[i] = max(self.pos[i], n)

    def render(self, k):
        """The text after patch k; None where it is not there"""
        if k < self.base:
            return None
        if k >= max(self.pos):
            return self.text
        text = '\n'.join(line for line, pos in zip(self.lines, self.pos)
                         if pos <= k)
        return re.sub(r'\n{3,}', '\n\n', text).rstrip('\n') + '\n'


class Series:
    """The patches, and what they add to files of the kernel"""

    def __init__(self):
        self.patches = []
        self.ends = {}
        for series in sorted(os.listdir(SERIES)):
            directory = os.path.join(SERIES, series)
            for name in sorted(os.listdir(directory)):
                if re.match(r'\d.*\.txt$', name):
                    self.patches.append(Patch(os.path.join(directory, name),
                                              series, len(self.patches) + 1))
            self.ends[series] = len(self.patches)

    def edits(self, name, text, number):
        """What a patch adds to a file of the kernel"""
        for rest, lines in self.patches[number - 1].rules_of('kernel'):
            file, place, regex = rest.split(None, 2)
            if file != name:
                continue
            found = text.split('\n')
            at = next((i for i, line in enumerate(found)
                       if re.search(regex, line)), None)
            if at is None:
                die(f'{self.patches[number - 1].path}: {file} has no line '
                    f'that matches {regex}')
            at += place == 'after'
            found[at:at] = [line[1:] for line in lines]
            text = '\n'.join(found)
        return text

    def kernel_files(self):
        """Files of the kernel that are edited"""
        return sorted({rest.split()[0] for patch in self.patches
                       for rest, _ in patch.rules_of('kernel')})


class Overlay(Series):
    """All files, and what each patch has of them"""

    def __init__(self, src=''):
        super().__init__()
        self.src = src
        self.headers = {}
        self.troubles = []
        self.files = overlay_files()
        self.owners = {name: self.owner(name) for name in self.files}
        self.divided = {}
        self.place_all()
        self.ends_at = [(rest, patch.number, lines, patch.path)
                        for patch in self.patches
                        for rest, lines in patch.rules_of('until')]
        self.ends_at.reverse()

    def owner(self, name):
        """(patch, kind) of the rule with the longest pattern that matches"""
        found = []
        for patch in self.patches:
            for verb in ('files', 'cut', 'lines', 'sections'):
                for rest, _ in patch.rules_of(verb):
                    found += [(pattern == name, len(pattern), patch.number,
                               verb) for pattern in rest.split()
                              if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            die(f'no patch has {name} yet: add "files {name}" to one of '
                'dev/series/*/*.txt, or a new patch there')
        found.sort(reverse=True)
        if len(found) > 1 and found[0][:2] == found[1][:2]:
            die(f'{name}: as much claimed by '
                f'{self.patches[found[0][2] - 1].path} as by '
                f'{self.patches[found[1][2] - 1].path}')
        return found[0][2:]

    def hints(self, name, verb='not-before'):
        """(patch, regex) of the directives about units of a file"""
        found = []
        for patch in self.patches:
            for rest, _ in patch.rules_of(verb):
                file, regex = rest.split(None, 1)
                if fnmatch.fnmatchcase(name, file):
                    found.append((patch.number, re.compile(regex)))
        return found

    def place_all(self):
        """Divide what is divided"""
        functions = {name for patch in self.patches
                     for rest, _ in patch.rules_of('divide')
                     for name in rest.split()}
        groups = {}
        for name in self.files:
            pos, kind = self.owners[name]
            # One name space for the kernel's side, one for each directory else
            group = 'kernel' if name.startswith(('net/', 'include/')) else \
                os.path.dirname(name)
            cuts, whole = groups.setdefault(group, ([], {}))
            if kind == 'cut':
                file = cut.CutFile(name, content(name), pos, functions)
                for number, regex in self.hints(name):
                    self.hint(file, number, regex)
                for number, regex in self.hints(name, 'used-by'):
                    for unit in file.leaves():
                        if unit.parts is None and regex.search(unit.code):
                            unit.user = min(unit.user, number)
                cuts.append(file)
                self.divided[name] = file
            elif name.endswith(('.c', '.h')):
                whole[name] = (pos, content(name))
        for cuts, whole in groups.values():
            placer = cut.Placer(cuts, whole)
            placer.settle()
            self.troubles += placer.check()
            for file in cuts:
                self.place_includes(file, placer)
        for name in self.files:
            pos, kind = self.owners[name]
            if kind in ('lines', 'sections'):
                form = ListFile if kind == 'lines' else Document
                file = form(name, content(name), pos)
                file.place(lambda word, name=name: self.named(name, word),
                           self.hints(name))
                self.divided[name] = file

    @staticmethod
    def hint(file, number, regex):
        """Units that match do not come before a patch"""
        for unit in file.units:
            if unit.parts is None:
                if regex.search(unit.code):
                    unit.floor = max(unit.floor, number)
                continue
            if regex.search(unit.code):
                unit.floor = max(unit.floor, number)
                for part in unit.parts:
                    part.floor = max(part.floor, number)
            for part in unit.parts:
                if regex.search(part.code):
                    part.floor = max(part.floor, number)

    def place_includes(self, file, placer):
        """An included header comes when it exists and something uses it"""
        for unit in file.units:
            if unit.kind != 'include':
                continue
            begins = file.base
            match = re.search(r'#include [<"](?:uapi/)?([^>"]*)[>"]',
                              unit.lines[0])
            for place in (os.path.dirname(file.name) + '/', 'include/',
                          'include/uapi/'):
                name = os.path.normpath(place + match.group(1))
                if name in self.owners:
                    begins = max(begins, self.begins(name))
                    declared = placer.declared(name)
                    break
            else:
                declared = self.declared(match.group(1))
            users = [later.there() for later in file.leaves()
                     if later.tokens & declared]
            if file.name.endswith('.h'):
                # Also for those who include this file
                users += [placer.first_use[None][token] for token in declared
                          if token in placer.first_use[None]]
            unit.pos = max(begins, min(users, default=begins))

    def declared(self, header):
        """Names that a header of the kernel declares"""
        for place in ('include', 'include/uapi'):
            path = os.path.join(self.src, place, header)
            if os.path.isfile(path):
                break
        else:
            return set()
        if path not in self.headers:
            code = cut.blank_out(read(path))
            names = set(re.findall(r'#\s*define\s+(\w+)', code))
            names |= set(re.findall(r'^(?:struct|union|enum) (\w+) \{', code,
                                    re.M))
            names |= set(re.findall(r'^[a-z][^\n;{}=]*?\b(\w+)\(', code, re.M))
            names |= set(re.findall(r'^typedef [^\n]*?(\w+);$', code, re.M))
            for body in re.findall(r'^enum \w* ?\{([^}]*)\}', code, re.M):
                names |= set(re.findall(r'^\s*(\w+)', body, re.M))
            self.headers[path] = names
        return self.headers[path]

    def begins(self, name):
        """The first patch that has anything of a file"""
        pos, kind = self.owners[name]
        if kind != 'cut':
            return pos
        return next((k for k in range(pos, len(self.patches) + 1)
                     if self.divided[name].render(k)), len(self.patches))

    def named(self, name, word):
        """The patch of the file that a word in another file means, or None"""
        directory = os.path.dirname(name)
        stem = re.sub(r'\.(o|so)$', '', word)
        for candidate in (word, stem + '.c'):
            path = os.path.normpath(os.path.join(directory, candidate))
            if path in self.owners and path != name:
                return self.begins(path)
        return None

    def render(self, name, k):
        """The text of a file after patch k, or None"""
        pos, kind = self.owners[name]
        if k < pos:
            return None
        text = content(name) if kind == 'files' else \
            self.divided[name].render(k)
        if text is None:
            return None
        for file, number, lines, path in self.ends_at:
            if file != name or k >= number:
                continue
            old = ''.join(line[1:] + '\n' for line in lines if line[0] == '-')
            new = ''.join(line[1:] + '\n' for line in lines if line[0] == '+')
            if old not in text:
                die(f'{path}: "until {file}" does not find its "-" lines')
            text = text.replace(old, new, 1)
        return text

    def explain(self):
        """Say what is used before it is there"""
        for name, pos, token, there in self.troubles:
            print(f'knetdemo: patch {pos} has {name}, which uses {token}; that '
                  f'comes with patch {there} ({self.patches[there - 1].path})'
                  if there <= len(self.patches) else
                  f'knetdemo: {name} uses {token}, which is placed nowhere',
                  file=sys.stderr)
        return bool(self.troubles)


def read(path):
    """Text of a file of the kernel"""
    with open(path, encoding='utf-8') as file:
        return file.read()


def write(directory, name, text, mode=0o644):
    """Write a file, with its directories"""
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


def build(overlay, src, repo):
    """Make the commits"""
    env = {'PATH': os.environ['PATH'], 'HOME': repo,
           'GIT_CONFIG_NOSYSTEM': '1', 'LC_ALL': 'C'}
    for who in ('AUTHOR', 'COMMITTER'):
        for what in ('NAME', 'EMAIL'):
            env[f'GIT_{who}_{what}'] = os.environ.get(
                f'GIT_{who}_{what}', 'knetdemo' if what == 'NAME' else
                'knetdemo@localhost')
        env[f'GIT_{who}_DATE'] = DATE

    def git(*arguments, stdin=None):
        return subprocess.run(('git', '-C', repo) + arguments, env=env,
                              input=stdin, text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    subprocess.run(['rm', '-rf', repo], check=True)
    os.makedirs(repo)
    git('init', '-q', '-b', 'series')
    git('config', 'core.abbrev', '12')
    kernel = {}
    for name in overlay.kernel_files():
        kernel[name] = read(os.path.join(src, name))
        write(repo, name, kernel[name])
    git('add', '-A', '-f')
    git('commit', '-q', '-m', os.path.basename(src))
    git('tag', 'start')
    before = {}
    for patch in overlay.patches:
        touched = []
        for name in overlay.files:
            text = overlay.render(name, patch.number)
            if text is None or before.get(name) == text:
                continue
            before[name] = text
            executable = os.access(os.path.join(TOP, name), os.X_OK)
            write(repo, name, text, 0o755 if executable else 0o644)
            touched.append(name)
        for name, text in kernel.items():
            edited = overlay.edits(name, text, patch.number)
            if edited != text:
                kernel[name] = edited
                write(repo, name, edited)
                touched.append(name)
        if not touched:
            die(f'{patch.path} has no files')
        git('add', '-f', '--', *touched)
        git('commit', '-q', '-F', '-', stdin=patch.message)
        if overlay.ends[patch.series] == patch.number:
            git('tag', patch.series)
    for name in overlay.files:
        if before.get(name) != content(name):
            die(f'{name} is not whole after the last patch')


def where(overlay, name):
    """Print each line of a file with the patch that brings it"""
    if name not in overlay.owners:
        die(f'{name} is no file of the overlay')
    versions = [(overlay.render(name, k) or '').split('\n')
                for k in range(1, len(overlay.patches) + 1)]
    lines = content(name).split('\n')
    marks = [len(overlay.patches)] * len(lines)
    for k in range(len(versions), 0, -1):
        i = 0
        for line in versions[k - 1]:
            while i < len(lines) and lines[i] != line:
                i += 1
            if i < len(lines):
                marks[i] = k
                i += 1
    for mark, line in zip(marks, lines):
        print(f'{mark:3} {line}')


def main():
    """Do what the arguments say"""
    arguments = sys.argv[1:]
    if arguments[:1] == ['list']:
        for patch in Series().patches:
            print(f'{patch.number}\t{patch.series}\t{patch.subject}')
    elif arguments[:1] == ['where'] and len(arguments) == 2:
        where(Overlay(), arguments[1])
    elif arguments[:1] == ['edits'] and len(arguments) == 3:
        series = Series()
        for name in series.kernel_files():
            text = read(os.path.join(arguments[1], name))
            for patch in series.patches:
                text = series.edits(name, text, patch.number)
            write(arguments[2], name, text)
    elif arguments[:1] == ['build'] and len(arguments) == 3:
        overlay = Overlay(arguments[1])
        overlay.explain()
        build(overlay, arguments[1], arguments[2])
    else:
        die(__doc__)


if __name__ == '__main__':
    main()
