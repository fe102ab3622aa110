#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Divide a C file of the overlay among the patches of a series.

A file that several services share (main.c, sysctl.c, a header) is read as a
list of units: functions, types, members, elements of tables, statements of
set-up functions. Three rules give each unit its patch:

- No unit comes before what it names: a table's element that names a function
  comes with that function or later.
- A definition comes no earlier than its first user: a helper, a counter or a
  member comes with the patch that needs it.
- A patch can say "not before me", for what the text alone does not show.

This is no compiler. It knows the layout that checkpatch enforces, and what it
gets wrong is seen when the prefix of the series is built.
"""

import os
import re

LATE = 10 ** 6
WORD = re.compile(r'[A-Za-z_]\w*')
CONDITION = re.compile(r'\s*#\s*(if|ifdef|ifndef)\b')
# A list of names as an argument of a macro that is given as another's
LIST = re.compile(r'#define (\w+)\((EM)\w*(?:, *EM\w*)*\)\s*\\\n')
# What a file keeps from its first patch on: guards and set-up of headers
KEPT_DEFINE = re.compile(r'#\s*(undef|define\s+(\w+_H|TRACE_\w+|pr_fmt|'
                         r'CREATE_TRACE_POINTS|_GNU_SOURCE)\b)')
TRACEPOINT = re.compile(r'(TRACE_EVENT|DECLARE_EVENT_CLASS|DEFINE_EVENT)'
                        r'\((\w+),\s*(\w*)')
PROTOTYPE = re.compile(r'^[A-Za-z_][\w\s]*[\s*]+\**(\w+)\(')
VARIABLE = re.compile(r'(\w+)\s*(?:\[[^=]*\])?\s*(?:__\w+\s*)*(?:=.*)?;$')
LABEL = re.compile(r'^(\w+):$')
LOCAL = re.compile(r'^\t(?!return |goto )(?:\w+ )+\**(\w+)(?:\[\w*\])?'
                   r'(?: = [^,;]*)?;$')
FUNCTION = re.compile(r'^(?!return|else)((?:[A-Za-z_]\w*[ \n*]+)+)'
                      r'(\w+)\([^;{}]*\)\s*(?:__\w+(?:\([^)]*\))?\s*)*\{', re.M)
# Functions whose statements are divided; others are named by the series
DIVIDED = re.compile(r'__(net_)?(init|exit)\b')


class Unit:
    """Some lines of a file that come with one patch.

    names: what they define. uses: what they need to be there. soft: enumerators
    and members that they name without being their user, as tables do.
    wanted: comes with its first user; if not, as soon as what it uses is there.
    """

    def __init__(self, lines, code, names=(), wanted=False):
        self.lines = lines
        self.code = code
        self.names = set(names)
        self.tokens = set(WORD.findall(code))
        self.uses = set()
        self.soft = set()
        self.wanted = wanted
        self.floor = 0
        # A patch that uses it, though its text does not show that
        self.user = LATE
        self.ready = 0
        self.pos = LATE
        self.parts = None
        self.head = self.tail = ()
        self.comment = []
        self.kind = ''
        self.group = None
        # The file, where the name is static in it
        self.scope = None
        self.file = None
        # What it is a part of
        self.whole = None

    def there(self):
        """From which patch on the unit is in the file"""
        return max(self.pos, self.whole.pos) if self.whole else self.pos

    def leaves(self):
        """The unit and its parts"""
        yield self
        for part in self.parts or ():
            yield from part.leaves()


def blank_out(text):
    """The text with comments and strings replaced by blanks, line for line"""
    def blanks(match):
        found = match.group(0)
        if found[0] in '"\'':
            return found[0] + ' ' * (len(found) - 2) + found[0]
        return re.sub(r'[^\n]', ' ', found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])*'", blanks, text, flags=re.S)


def depth_of(code, depth=0):
    """How many brackets are open behind a line"""
    for char in code:
        depth += (char in '({[') - (char in ')}]')
    return depth


class Reader:
    """Divides the lines of a file into units"""

    def __init__(self, name, text, divided):
        self.name = name
        self.lines = text.split('\n')
        if self.lines[-1] == '':
            self.lines.pop()
        self.code = blank_out(text).split('\n')
        self.divided = divided
        # What programs see has its numbers and its layout from the first
        self.whole_types = name.startswith('include/uapi/')
        self.units = []
        self.pending = []
        self.at = 0
        self.guards = self.find_guards()

    def find_guards(self):
        """Conditions around half of the file or more, such as #ifndef _X_H"""
        open_ones = []
        guards = set()
        for i, line in enumerate(self.code):
            if CONDITION.match(line):
                open_ones.append(i)
            elif re.match(r'\s*#\s*endif', line) and open_ones:
                first = open_ones.pop()
                if i - first > len(self.lines) // 2:
                    guards |= {first, i}
        return guards

    def take(self, last):
        """The lines from here to the last one, and their code"""
        first, self.at = self.at, last + 1
        return self.lines[first:last + 1], self.code[first:last + 1]

    def add(self, unit, kind=''):
        """A unit with the comment in front of it"""
        unit.kind = kind
        unit.comment, self.pending = self.pending, []
        self.units.append(unit)
        return unit

    def read(self):
        """All units; blank lines between them are those of kind 'blank'"""
        while self.at < len(self.lines):
            line = self.code[self.at]
            text = self.lines[self.at]
            if not text.strip():
                self.flush()
                self.add(Unit(*self.joined(self.at)), 'blank')
            elif text.lstrip().startswith(('/*', '//')) and not line.strip():
                self.read_comment()
            elif line.lstrip().startswith('#'):
                self.read_directive()
            else:
                self.read_declaration()
        self.flush()
        return self.units

    def joined(self, last):
        """The same as take(), the code as one text"""
        lines, code = self.take(last)
        return lines, '\n'.join(code)

    def flush(self):
        """A comment in front of nothing is kept with what follows"""
        if self.pending:
            pending, self.pending = self.pending, []
            unit = self.add(Unit(pending, ''), 'comment')
            unit.comment = []

    def read_comment(self):
        """A comment: of what stands below it, or of a section"""
        last = self.at
        if self.lines[last].lstrip().startswith('/*'):
            while '*/' not in self.lines[last]:
                last += 1
        self.flush()
        self.pending = self.take(last)[0]

    def read_directive(self):
        """A line for the preprocessor, or all between #if and #endif"""
        last = self.at
        line = self.code[last]
        if last in self.guards or KEPT_DEFINE.match(line):
            while self.lines[last].endswith('\\'):
                last += 1
            self.add(Unit(*self.joined(last)), 'kept')
            return
        if CONDITION.match(line):
            depth = 0
            while True:
                depth += bool(CONDITION.match(self.code[last]))
                depth -= bool(re.match(r'\s*#\s*endif', self.code[last]))
                if not depth:
                    break
                last += 1
            lines, code = self.joined(last)
            names = re.findall(r'^(?:static[\w\s]*?[\s*])?\w[\w\s*]*?\b(\w+)\(',
                               code, re.M)
            names += re.findall(r'#\s*define (\w+)', code)
            self.add(Unit(lines, code, names, wanted=True), 'conditional')
            return
        while self.lines[last].endswith('\\'):
            last += 1
        lines, code = self.joined(last)
        # The lines of a comment that began behind a definition
        while self.at < len(self.lines) and \
                self.lines[self.at].startswith('\t\t\t') and \
                not self.code[self.at].strip():
            lines += self.take(self.at)[0]
        match = re.match(r'#\s*define (\w+)', code)
        if LIST.match(code):
            self.add(self.list_of_names(lines, code), 'list')
        elif match:
            self.add(Unit(lines, code, [match.group(1)], wanted=True), 'macro')
        elif '#include' in line:
            self.add(Unit(lines, ''), 'include')
        else:
            self.add(Unit(lines, code), 'kept')

    @staticmethod
    def list_of_names(lines, code):
        """A list of names, of which each EM() is a part"""
        match = LIST.match(code)
        unit = Unit(lines, lines[0], [match.group(1)], wanted=True)
        unit.parts = []
        unit.head = lines[:1]
        comment = []
        for line in lines[1:]:
            found = re.match(r'\s*' + match.group(2) + r'\w*\((\w+)', line)
            if not found:
                comment.append(line)
                continue
            part = Unit([line], found.group(1), [found.group(1)], wanted=True)
            part.comment, comment = comment, []
            part.kind = 'name'
            unit.parts.append(part)
        return unit

    def read_declaration(self):
        """A declaration or definition"""
        last = self.at
        depth = 0
        while True:
            code = self.code[last]
            depth = depth_of(code, depth)
            if not depth and (code.rstrip().endswith(';') or
                              code.startswith('}')):
                break
            last += 1
            if last == len(self.lines):
                raise SystemExit(f'{self.name}:{self.at + 1}: '
                                 'no end of what begins here')
        lines, codes = self.take(last)
        code = '\n'.join(codes)
        if re.match(r'(struct|union|enum) \w+;$', code):
            self.add(Unit(lines, code), 'forward')
        elif re.match(r'(typedef )?(struct|union|enum)\s*\w*\s*\{', code):
            self.add(self.block(lines, codes, 'type'), 'type')
        elif TRACEPOINT.match(code):
            match = TRACEPOINT.match(code)
            names = {match.group(2), 'trace_' + match.group(2)}
            if match.group(3):
                names |= {'trace_' + match.group(3)}
            self.add(Unit(lines, code, names, wanted=True), 'tracepoint')
        elif re.search(r'=\s*\{$', codes[0].rstrip()) or \
                re.search(r'^[^({]*=\s*\{\n', code):
            self.add(self.table(lines, codes), 'table')
        elif code.endswith('}'):
            self.add(self.function(lines, codes), 'function')
        elif re.match(r"[A-Z_]*[A-Z]+[A-Z_]*\(|module_\w+\(|static_assert\(", code):
            self.add(Unit(lines, code), 'invocation')
        elif PROTOTYPE.match(code) and 'DEFINE_' not in code.split('(')[0]:
            name = PROTOTYPE.match(code).group(1)
            self.add(Unit(lines, code, [], wanted=True), 'prototype')
            self.units[-1].group = name
        else:
            self.read_variable(lines, code)

    def read_variable(self, lines, code):
        """A variable, declared or defined"""
        match = re.search(r'DEFINE_\w+\((\w+)', code) or VARIABLE.search(code)
        name = match.group(1) if match else WORD.findall(code)[-1]
        if code.startswith('extern'):
            self.add(Unit(lines, code, [], wanted=True), 'prototype')
            self.units[-1].group = name
        else:
            self.add(Unit(lines, code, [name], wanted=True), 'variable')

    def table(self, lines, codes):
        """An array, divided, or a structure, divided where the series says"""
        code = '\n'.join(codes)
        name, array = re.search(r'(\w+)\s*(\[[^{=]*\])?\s*(?:__\w+\s*)*=',
                                code).groups()
        if array or name in self.divided:
            return self.block(lines, codes, 'table')
        return Unit(lines, code, [name], wanted=True)

    def block(self, lines, codes, kind):
        """A type or a table, of which each member or element is a part"""
        head = 0
        while '{' not in codes[head]:
            head += 1
        text = '\n'.join(codes[:head + 1])
        if kind == 'type':
            name = re.search(r'(?:struct|union|enum)\s*(\w*)', text).group(1)
        else:
            name = re.search(r'(\w+)\s*(\[[^{]*\])?\s*(__\w+\s*)*=',
                             text).group(1)
        if codes[0].rstrip().endswith(';') or self.whole_types:
            names = [name] if name else []
            if text.startswith('enum'):
                names += re.findall(r'^\s*(\w+)', '\n'.join(codes[head + 1:]),
                                    re.M)
            return Unit(lines, '\n'.join(codes), names, wanted=True)
        unit = Unit(lines, text, [name] if name else [], wanted=bool(name))
        unit.parts = []
        first = head + 1
        depth = 0
        comment = []
        for i in range(head + 1, len(lines) - 1):
            depth = depth_of(codes[i], depth)
            if not codes[i].strip():
                # A comment, or a line of one that began behind a member
                if i == first and unit.parts and '/*' not in lines[i] and \
                        not comment and lines[i].strip():
                    unit.parts[-1].lines.append(lines[i])
                    first = i + 1
                elif i == first:
                    comment.append(lines[i])
                    first = i + 1
                continue
            if depth or not codes[i].rstrip().endswith((',', ';')) and \
                    i < len(lines) - 2:
                continue
            code = '\n'.join(codes[first:i + 1])
            part = Unit(lines[first:i + 1], code)
            part.comment, comment = comment, []
            part.kind = 'element'
            if kind == 'type':
                part.kind = 'member'
                part.wanted = True
                if text.startswith('enum'):
                    part.names = {WORD.findall(code)[0]}
                else:
                    part.names = {member_name(line) for line in
                                  re.findall(r'[^{;]*;', code)}
            unit.parts.append(part)
            first = i + 1
        unit.head = lines[:head + 1]
        unit.tail = comment + lines[first:]
        unit.code = text
        return unit

    def function(self, lines, codes):
        """A function, divided where it is one of those that set things up"""
        text = '\n'.join(codes)
        header = text.split('{', 1)[0]
        name = next((n for n in re.findall(r'(\w+)\s*\(', header)
                     if not n.startswith('__')), 'unnamed')
        macro = re.match(r'[A-Z][A-Z_0-9]*\(', header)
        unit = Unit(lines, text, [] if macro else [name], wanted=not macro)
        if name not in self.divided and not DIVIDED.search(header):
            return unit
        first = next(i for i, line in enumerate(codes) if line == '{') + 1
        unit.head = lines[:first]
        unit.tail = lines[-1:]
        unit.code = header
        unit.tokens = set(WORD.findall(header))
        unit.parts = statements(lines[first:-1], codes[first:-1])
        return unit


def member_name(code):
    """The name that a member of a structure declares"""
    match = re.search(r'\(\*(\w+)\)', code) or \
        re.search(r'(\w+)\s*(?:\[[^\]]*\]|:\s*\d+)*\s*(?:__\w+(?:\([^)]*\))?'
                  r'\s*)*;', code)
    return match.group(1) if match else ''


def statements(lines, codes):
    """The statements of a function, with the check of a result as part of the
    statement that gave it"""
    parts = []
    comment = []
    first = 0
    depth = 0
    for i, code in enumerate(codes):
        depth = depth_of(code, depth)
        if not lines[i].strip() and not depth:
            if comment:
                parts.append(Unit(comment, ''))
                comment = []
            parts.append(Unit([''], ''))
            parts[-1].kind = 'blank'
            first = i + 1
            continue
        if not code.strip() and i == first:
            comment.append(lines[i])
            first = i + 1
            continue
        label = LABEL.match(code)
        following = codes[i + 1] if i + 1 < len(codes) else ''
        if depth or not label and not code.rstrip().endswith((';', '}')) or \
                following.startswith('\telse') or \
                following.startswith('\t} else'):
            continue
        unit = Unit(lines[first:i + 1], '\n'.join(codes[first:i + 1]))
        unit.comment, comment = comment, []
        unit.kind = 'statement'
        first = i + 1
        if label:
            unit.kind = 'label'
            unit.tokens = set()
        elif LOCAL.match(unit.code):
            unit.kind = 'local'
        elif parts and parts[-1].kind == 'statement' and \
                not unit.comment and \
                re.match(r'\tif \(!?(err|ret|rc|[\w.>-]+)( < 0)?\)', unit.code):
            tested = re.match(r'\tif \(!?([\w.>-]+)', unit.code).group(1)
            if re.match(r'\t' + re.escape(tested) + r' = ', parts[-1].code):
                parts[-1].lines += unit.lines
                parts[-1].code += '\n' + unit.code
                parts[-1].tokens |= unit.tokens
                continue
        parts.append(unit)
    return parts


def tidy_function(lines):
    """Remove from a divided function what is left without use: labels, the
    jumps to a bare return, variables"""
    body = '\n'.join(lines)
    changed = True
    while changed:
        before = body
        for label in re.findall(r'^(\w+):$', body, re.M):
            if not re.search(r'\bgoto ' + label + ';', body):
                body = re.sub(r'^' + label + r':\n', '', body, flags=re.M)
        # Nothing comes to what stands behind a return, but by a label
        body = re.sub(r'(\n\treturn [^\n]*;\n)(?:(?:\t[^\n]*)?\n)+(?=\w+:\n|\})',
                      lambda m: m.group(1) + '\n' * (m.group(0)[-2:] == '\n\n'),
                      body)
        changed = body != before
    changed = True
    while changed:
        changed = False
        match = re.search(r'\n\n?(\w+):\n(?:\w+:\n)*\t(return [^\n]*;)\n\}$',
                          body)
        if match and re.search(r'return [^\n]*;$', body[:match.start()]):
            label, result = match.groups()
            body = body[:match.start()].replace(f'goto {label};', result) + \
                '\n}'
            changed = True
        match = re.search(r'(\n\t[^\n]*;\n)\n(\treturn \w+;\n)\n?(\treturn \w+;'
                          r'\n)\}$', body)
        if match:
            body = body[:match.end(2)] + '}'
            changed = True
    for match in re.finditer(LOCAL.pattern, body, re.M):
        if len(re.findall(r'\b' + match.group(1) + r'\b', body)) == 1:
            body = body.replace(match.group(0) + '\n', '', 1)
    body = re.sub(r'\n{3,}', '\n\n', body)
    body = re.sub(r'\{\n\n', '{\n', body)
    body = re.sub(r'\n\n\}', '\n}', body)
    return body.split('\n')


def without_docs(comment, gone):
    """A kernel-doc comment without the members that are not there yet"""
    kept = []
    skip = False
    for line in comment:
        match = re.match(r'\s*\* @(\w+)', line)
        if match:
            skip = match.group(1) in gone
        elif re.match(r'\s*\*(/|\s*$)', line):
            skip = False
        if not skip:
            kept.append(line)
    return kept


class CutFile:
    """A file of the overlay and the patch of each of its units"""

    def __init__(self, name, text, base, divided=()):
        self.name = name
        self.base = base
        self.text = text
        self.units = Reader(name, text, divided).read()

    def leaves(self):
        """All units and their parts"""
        for unit in self.units:
            yield from unit.leaves()

    def render(self, k):
        """The text of the file after patch k; None where it is not there"""
        if all(unit.pos <= k for unit in self.leaves()
               if unit.kind not in ('kept', 'comment', 'blank')):
            return self.text
        out = []
        body = False
        for i, unit in enumerate(self.units):
            if unit.kind == 'comment':
                # Of what follows it, up to the next comment of this kind
                following = []
                for later in self.units[i + 1:]:
                    if later.kind == 'comment':
                        break
                    if later.kind not in ('blank', 'kept'):
                        following.append(later.pos)
                if i and following and min(following) > k:
                    continue
                out += unit.lines
            elif unit.kind == 'blank':
                out.append('')
            elif unit.kind == 'kept' or unit.pos <= k and (
                    unit.kind not in ('type', 'table', 'list') or not unit.parts or
                    any(part.pos <= k for part in unit.parts)):
                lines = self.render_unit(unit, k)
                if unit.kind not in ('kept', 'include', 'forward'):
                    body = True
                out += self.section(i, k) + lines
            elif unit.comment and self.heads_section(i):
                # The heading of a section whose first unit comes later
                self.units[i].group_comment = True
        if not body:
            return None
        return self.tidy(out)

    def heads_section(self, i):
        """Is the comment of a unit one for several declarations?"""
        unit = self.units[i]
        return unit.kind in ('prototype', 'macro') and unit.comment and \
            not unit.comment[0].startswith('/**') and \
            i + 1 < len(self.units) and self.units[i + 1].kind == unit.kind

    def section(self, i, k):
        """The heading of a section whose own unit is not there yet"""
        j = i - 1
        while j >= 0 and self.units[j].kind == self.units[i].kind and \
                not self.units[j + 1].comment:
            if self.units[j].pos <= k:
                return []
            if self.heads_section(j):
                return self.units[j].comment
            j -= 1
        return []

    @staticmethod
    def render_unit(unit, k):
        """One unit that is there after patch k"""
        if unit.parts is None:
            return unit.comment + unit.lines
        gone = set()
        lines = list(unit.head)
        for part in unit.parts:
            if part.pos > k:
                gone |= part.names
                continue
            lines += part.comment + part.lines
        lines += unit.tail
        if unit.kind == 'list':
            lines[-1] = lines[-1].rstrip('\\').rstrip()
            if unit.parts[-1].lines[0].lstrip().startswith('EMe('):
                lines[-1] = re.sub(r'\bEM\(', 'EMe(', lines[-1])
        if unit.kind == 'function':
            lines = tidy_function(lines)
        return without_docs(unit.comment, gone) + lines

    @staticmethod
    def tidy(lines):
        """No double blank lines, no forward declarations without use"""
        text = '\n'.join(lines) + '\n'
        code = re.sub(r'#include.*', '', blank_out(text))
        for match in re.finditer(r'^(struct|union|enum) (\w+);\n', text, re.M):
            if len(re.findall(r'\b' + match.group(2) + r'\b', code)) == 1:
                text = text.replace(match.group(0), '', 1)
        text = re.sub(r'\n{3,}', '\n\n', text)
        return text.lstrip('\n').rstrip('\n') + '\n'


class Placer:
    """Gives the units of all files their patches"""

    def __init__(self, cut_files, whole_files):
        """cut_files: CutFile objects; whole_files: {name: (patch, text)}"""
        self.files = cut_files
        self.whole = {}
        self.defs = {}
        self.members = {}
        self.whole_tokens = {}
        self.first_use = {}
        self.troubles = []
        for name, (pos, text) in whole_files.items():
            self.scan_whole(name, pos, text)
        self.sight = {}
        texts = {name: text for name, (_, text) in whole_files.items()}
        texts.update((file.name, file.text) for file in cut_files)
        for name in texts:
            self.sight[name] = set()
            self.look(name, texts, self.sight[name])
        self.name_lists()
        for file in cut_files:
            for unit in file.leaves():
                unit.file = file.name
                unit.floor = max(unit.floor, file.base)
                if file.name.endswith('.c') and (
                        unit.kind in ('macro', 'type', 'member') or
                        re.search(r'\bstatic\b', unit.code.split('{')[0])):
                    unit.scope = file.name
                table = self.members if unit.kind == 'member' and \
                    not self.is_enum(file, unit) else self.defs
                for name in unit.names:
                    table.setdefault(name, []).append(unit)

    def look(self, name, texts, seen):
        """The headers that a file includes, directly or not, and itself"""
        seen.add(name)
        for header in re.findall(r'#include ["<]([^">]*)[">]', texts[name]):
            for path in (os.path.normpath(os.path.join(os.path.dirname(name),
                                                       header)),
                         'include/' + header, 'include/uapi/' + header):
                if path in texts and path not in seen:
                    self.look(path, texts, seen)

    def name_lists(self):
        """EM(NAME) defines what macros make of NAME: PREFIX_##name"""
        prefixes = {''}
        for file in self.files:
            prefixes |= set(re.findall(r'\b(\w+_)##', file.text))
        for file in self.files:
            for unit in file.leaves():
                if unit.kind == 'name':
                    (name,) = unit.names
                    unit.names |= {prefix + name for prefix in prefixes}

    @staticmethod
    def is_enum(file, member):
        """Is a member an enumerator?"""
        return any(member in (unit.parts or ()) and
                   unit.head[0].lstrip().startswith(('enum', 'typedef enum'))
                   for unit in file.units)

    def scan_whole(self, name, pos, text):
        """What a file that comes with one patch uses and defines for others"""
        code = blank_out(text)
        self.whole[name] = (pos, code)
        for token in set(WORD.findall(code)):
            if pos < self.whole_tokens.get(token, LATE):
                self.whole_tokens[token] = pos
        names = set()
        if name.endswith('.h'):
            names |= set(re.findall(r'^\s*#\s*define\s+(\w+)', code, re.M))
            names |= set(re.findall(r'^(?:typedef )?(?:struct|union|enum) '
                                    r'(\w+) \{', code, re.M))
            for match in re.finditer(r'^(?:typedef )?enum \w* ?\{([^}]*)\}',
                                     code, re.M | re.S):
                names |= set(re.findall(r'^\s*(\w+)', match.group(1), re.M))
            for match in TRACEPOINT.finditer(code):
                names |= {'trace_' + match.group(2)}
        for match in re.finditer(FUNCTION, code):
            if name.endswith('.h') or 'static' not in match.group(1):
                names.add(match.group(2))
        if name.endswith('.c'):
            names |= set(re.findall(r'^(?!static|return|extern|typedef)(?:\w+ )+'
                                    r'[* ]*(\w+)(?:\[[^\n=]*\])* =', code, re.M))
        for defined in names:
            unit = Unit([], '', [defined])
            unit.floor = unit.ready = unit.pos = pos
            unit.kind = 'whole'
            unit.file = name
            self.defs.setdefault(defined, []).append(unit)

    def seen(self, token, file):
        """The definitions of a name that a file can see"""
        return [u for u in self.defs.get(token, ())
                if u.scope in (None, file) and
                (not u.file.endswith('.h') or u.file in self.sight[file])]

    def ready_at(self, token, file):
        """From which patch on a name can be used"""
        return min((u.ready for u in self.seen(token, file)), default=0)

    def settle(self):
        """Compute all positions"""
        units = []
        for file in self.files:
            for unit in file.leaves():
                units.append(unit)
                for part in unit.parts or ():
                    part.whole = unit
        for file in self.files:
            self.link(file)
        changed = True
        while changed:
            changed = False
            for unit in units:
                ready = max([unit.floor] + [self.ready_at(t, unit.file)
                                            for t in unit.uses])
                if unit.kind == 'function' and unit.parts:
                    # None without a statement
                    ready = max(ready, min(
                        (part.ready for part in unit.parts
                         if part.kind == 'statement' and
                         not part.code.startswith('\treturn')), default=0))
                if ready > unit.ready:
                    unit.ready = ready
                    changed = True
        for unit in units:
            unit.pos = unit.ready
            if unit.wanted:
                unit.pos = max(unit.ready, unit.user)
        self.pull(units)
        self.place_tables(units)
        self.place_rest(units)

    def link(self, file):
        """What each unit of a file uses"""
        for unit in file.units:
            for leaf in unit.leaves():
                used = {t for t in leaf.tokens
                        if self.seen(t, file.name)} - leaf.names
                if leaf.kind == 'prototype' and leaf.group in self.defs:
                    used.add(leaf.group)
                if leaf.kind == 'forward':
                    used = set()
                leaf.uses = used
                if leaf.kind == 'element':
                    self.soften(leaf, unit)

    def soften(self, leaf, table):
        """A table is no user of the enumerators and members that it names"""
        for token in list(leaf.uses):
            if any(u.kind == 'member' for u in self.defs[token]):
                leaf.soft.add(token)
        leaf.uses -= leaf.soft
        owner = re.search(r'struct (\w+)', table.code)
        # Members of a kernel's structure are no business of ours
        if owner and owner.group(1) in self.defs:
            leaf.soft |= {t for t in leaf.tokens if t in self.members}

    def declared(self, header):
        """Names that a header of ours declares"""
        names = set()
        for table in (self.defs, self.members):
            for name, units in table.items():
                if any(unit.file == header for unit in units):
                    names.add(name)
        for file in self.files:
            if file.name == header:
                names |= {unit.group for unit in file.units if unit.group}
        if header in self.whole:
            names |= {match.group(1) for match in re.finditer(
                PROTOTYPE.pattern, self.whole[header][1], re.M)}
        return names

    def definers(self, token):
        """The units that define a name"""
        return self.defs.get(token, []) + self.members.get(token, [])

    def pull(self, units):
        """Give what is wanted the patch of its first user"""
        first_use = self.first_use
        first_use[None] = dict(self.whole_tokens)
        changed = True
        while changed:
            changed = False
            for unit in units:
                if unit.there() == LATE or unit.kind in ('prototype', 'forward',
                                                     'include'):
                    continue
                for scope in (None, unit.file):
                    seen = first_use.setdefault(scope, {})
                    for token in unit.tokens - unit.soft - unit.names:
                        if unit.there() < seen.get(token, LATE):
                            seen[token] = unit.there()
            for unit in units:
                if not unit.wanted or unit.kind == 'prototype':
                    continue
                seen = first_use.get(unit.scope, {})
                names = set(unit.names)
                if unit.parts and 'enum ' in unit.code:
                    names = names.union(*(part.names for part in unit.parts))
                need = min((seen.get(n, LATE) for n in names), default=LATE)
                pos = max(unit.ready, need)
                if need < LATE and pos < unit.pos:
                    unit.pos = pos
                    changed = True

    def place_tables(self, units):
        """Elements come with the enumerators and members that they name"""
        alone = {}
        for unit in units:
            if unit.kind != 'element':
                continue
            for token in unit.soft:
                alone[token] = min(alone.get(token, LATE), unit.ready)
        for unit in units:
            if unit.kind == 'member' and unit.pos == LATE:
                unit.pos = max(unit.ready, min(alone.get(n, LATE)
                                               for n in unit.names))
        for unit in units:
            if unit.kind == 'element' and unit.soft:
                unit.pos = max([unit.ready] + [
                    min(u.pos for u in self.definers(token))
                    for token in unit.soft])

    def place_rest(self, units):
        """Prototypes come with the function, includes with the header; what
        nobody uses comes as soon as it can"""
        for unit in units:
            if unit.pos == LATE and unit.kind != 'prototype':
                unit.pos = unit.ready
        for unit in units:
            if unit.kind == 'prototype':
                unit.pos = min((max(u.pos, unit.floor)
                                for u in self.defs.get(unit.group, [])),
                               default=unit.ready)

    def check(self):
        """Names that are used before they are there: (file, patch, name,
        where it comes)"""
        found = []
        for name, (pos, code) in sorted(self.whole.items()):
            for token in sorted(set(WORD.findall(code))):
                there = min((u.pos for u in self.seen(token, name)), default=0)
                if there > pos:
                    found.append((name, pos, token, there))
        return found
