#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make a script for the guest of the commands that pages show.

extract.py [--blocks] OUT PAGE...

What counts as a command, in a README (Markdown) and in reStructuredText:

  a block "console": lines that begin with "# " are commands of root, lines
  between them are what the command before prints, "..." stands for any text,
  on a line of its own for any lines. A command without output below it has
  only to succeed.
  a block "sh": commands, which have to succeed.

In front of a block, in a comment ("<!-- doc: ... -->" or ".. doc: ..."):

  no-run REASON   it cannot run in the guest; these are counted
  numbers         all numbers in its output may differ
  status N        its last command ends with that status
  transcript FILE the block is what a program in FILE prints, numbers may differ

Any other block that looks like commands is an error: nothing is left out by
mistake. A page begins with the module loaded anew.
"""

import os
import re
import shlex
import subprocess
import sys

# First words that make a line a command, in blocks that say nothing
COMMANDS = re.compile(r'^\s*(sudo |# |\$ )?(make|sysctl|modprobe|rmmod|insmod|nc|'
                      r'ss|ip|nft|cat|echo|dmesg|knetdemo|git|cd|tc|mount|'
                      r'systemctl|journalctl|tools/\S+\.py)\s')


class Block:
    """A literal block: where it is, its language, the mark, its lines"""

    def __init__(self, page, line, lang, mark, lines):
        self.page, self.line, self.lang = page, line, lang
        self.mark, self.lines = mark, lines

    def where(self):
        """For messages"""
        return f'{self.page}:{self.line}'


def dedent(lines):
    """Without the common margin and empty lines at both ends"""
    while lines and not lines[-1].strip():
        lines.pop()
    margin = min((len(l) - len(l.lstrip()) for l in lines if l.strip()),
                 default=0)
    return [l[margin:] for l in lines]


def indented(lines, at, margin):
    """The lines from a place on that are indented by more than margin"""
    body = []
    while at < len(lines):
        line = lines[at]
        if line.strip() and len(line) - len(line.lstrip()) <= margin:
            break
        body.append(line)
        at += 1
    return body, at


def markdown(page, lines):
    """Fenced and indented blocks"""
    blocks, mark, at = [], '', 0
    while at < len(lines):
        line = lines[at]
        match = re.match(r'<!-- doc: (.*?) -->$', line.strip())
        if match:
            mark, at = match[1], at + 1
            continue
        if line.startswith('```'):
            start, body = at + 1, []
            at += 1
            while not lines[at].startswith('```'):
                body.append(lines[at])
                at += 1
            blocks.append(Block(page, start + 1, line[3:].strip(), mark, body))
            mark = ''
        elif line.startswith('    ') and not (at and lines[at - 1].strip()):
            body, end = indented(lines, at, 3)
            blocks.append(Block(page, at + 1, '', mark, dedent(body)))
            mark, at = '', end - 1
        elif line.strip():
            mark = ''
        at += 1
    return blocks


def restructured(page, lines):
    """Literal blocks and code-block directives"""
    blocks, mark, at = [], '', 0
    while at < len(lines):
        line = lines[at]
        margin = len(line) - len(line.lstrip())
        match = re.match(r'\s*\.\. doc: (.*)$', line)
        if match:
            mark, at = match[1], at + 1
            continue
        match = re.match(r'\s*\.\. code-block:: (\S+)$', line)
        if match or (line.rstrip().endswith('::') and
                     not line.lstrip().startswith('..')):
            body, end = indented(lines, at + 1, margin)
            start = at + 2
            while body and not body[0].strip():
                body.pop(0)
                start += 1
            blocks.append(Block(page, start, match[1] if match else '', mark,
                                dedent(body)))
            mark, at = '', end
            continue
        if line.strip():
            mark = ''
        at += 1
    return blocks


def whole(text):
    """Is this a complete command?"""
    if text.endswith('\\'):
        return False
    done = subprocess.run(['bash', '-n', '-c', text], capture_output=True,
                          check=False)
    return done.returncode == 0 and b'here-document' not in done.stderr


def pattern(lines, numbers):
    """A regular expression of bash for output"""
    parts = []
    for line in lines:
        if line.strip() == '...':
            parts.append('(.*\n)?')
            continue
        text = ''
        # What differs from run to run: times, dates, ports that the kernel
        # chose, numbers of namespaces
        tokens = [r'\[ *\d+\.\d+\]', r'\d{4}-\d\d-\d\dT[\d:.]+Z',
                  r':(?:3[3-9]|[45]\d|60)\d{3}\b', r'\b402653\d{4}\b',
                  r'\.\.\.', r' {2,}']
        if numbers:
            tokens.append(r'\d+(?:\.\d+)?')
        for piece in re.split('(' + '|'.join(tokens) + ')', line):
            if re.fullmatch(r'\[ *\d+\.\d+\]', piece):
                text += r'\[ *[0-9.]+\]'
            elif re.fullmatch(r'\d{4}-\d\d-\d\dT[\d:.]+Z', piece):
                text += '[-0-9T:.]+Z'
            elif re.fullmatch(r':(?:3[3-9]|[45]\d|60)\d{3}', piece) and \
                    not re.fullmatch(r':6000[01]', piece):
                text += ':[0-9]+'
            elif re.fullmatch(r'402653\d{4}', piece):
                text += '[0-9]+'
            elif piece == '...':
                text += '[^\n]*'
            elif re.fullmatch(' {2,}', piece):
                text += ' +'
            elif numbers and re.fullmatch(r'\d+(?:\.\d+)?', piece):
                text += ' *[0-9.]+'
            else:
                text += re.sub(r'([][\\.^$*+?(){}|])', r'\\\1', piece)
        parts.append(text.rstrip() + ' *\n')
    return '^' + ''.join(parts) + '$'


def commands(block):
    """Pairs of a command and the lines that it prints"""
    pairs, lines, at = [], block.lines, 0
    prompt = block.lang == 'console'
    while at < len(lines):
        line = lines[at]
        if prompt and not line.startswith('# '):
            sys.exit(f'{block.where()}: output before any command')
        text = line[2:] if prompt else line
        at += 1
        if not text.strip():
            continue
        while not whole(text):
            if at == len(lines):
                sys.exit(f'{block.where()}: the command does not end: {text}')
            text += '\n' + lines[at].removeprefix('> ')
            at += 1
        out = []
        while prompt and at < len(lines) and not lines[at].startswith('# '):
            out.append(lines[at])
            at += 1
        while out and not out[-1].strip():
            out.pop()
        pairs.append((text, out))
    return pairs


def main():
    """Read the pages, write the script"""
    show = sys.argv[1] == '--blocks'
    out, pages = sys.argv[1 + show], sys.argv[2 + show:]
    script, skipped, count, errors = ['. /files/lib.sh'], [], 0, 0
    for page in pages:
        with open(page, encoding='utf-8') as file:
            lines = file.read().split('\n')
        read = restructured if page.endswith('.rst') else markdown
        script.append(f'page {shlex.quote(os.path.basename(page))}')
        for block in read(page, lines):
            word, _, rest = block.mark.partition(' ')
            runs = block.lang in ('console', 'sh')
            if show:
                print(block.where(), block.lang or '-', block.mark)
            if word == 'no-run':
                skipped.append(f'{block.where()}: {rest}')
                continue
            if word == 'transcript':
                numbers = pattern([l for l in block.lines if l.strip()], True)
                script.append(f'transcript {shlex.quote(block.where())} '
                              f'{shlex.quote(rest)} {shlex.quote(numbers)}')
                count += 1
                continue
            if not runs:
                if any(COMMANDS.match(line) for line in block.lines):
                    print(f'{block.where()}: commands in a block that is not '
                          'said to run', file=sys.stderr)
                    errors += 1
                continue
            pairs = commands(block)
            for i, (text, output) in enumerate(pairs):
                status = rest if word == 'status' and i == len(pairs) - 1 \
                    else '0'
                want = pattern(output, word == 'numbers') if output else ''
                script.append(' '.join(
                    ['run', shlex.quote(block.where()), status,
                     shlex.quote(text), shlex.quote(want)]))
                count += 1
        script.append('page_end')
    script.append(f'plan {count}')
    with open(out, 'w', encoding='utf-8') as file:
        file.write('\n'.join(script) + '\n')
    for line in skipped:
        print(f'# not run: {line}')
    print(f'# {count} commands, {len(skipped)} blocks that cannot run')
    sys.exit(1 if errors else 0)


main()
