#!/usr/bin/python3
"""Check that the documentation names what the code has: counters and sysctls.

abi.py TOP: prints each difference, and fails if there is one.

Users rely on these names, ranges and defaults, which stand in the code and in
Documentation/networking/knetdemo.rst.
"""

import re
import sys
from pathlib import Path

CODE = "net/knetdemo"
PAGE = "Documentation/networking/knetdemo.rst"
LIMITS = {"INT_MAX": 2**31 - 1, "NSEC_PER_SEC": 10**9, "U32_MAX": 2**32 - 1}


def number(text, defines):
    """The value of a constant expression of the code."""
    text = text.strip()
    while text in defines:
        text = defines[text]
    return LIMITS.get(text) if text in LIMITS else int(text, 0)


def constants(top):
    """Macros and the enumerators that sysctl.c uses as limits."""
    found = {"KND_UDP_DF_MAX": "2"}
    for file in (top / CODE).glob("*.h"):
        for name, value in re.findall(r"^#define (KND_\w+)\s+(\w+)$",
                                      file.read_text(), re.M):
            found[name] = value
    return found


def counters_in_code(top):
    """Names of the counters in their order; each enumerator has its name."""
    text = (top / CODE / "stats.h").read_text()
    pairs = re.findall(r'\bEM\((\w+), "(\w+)"\)', text)
    bad = [f"{id_} is called {name}" for id_, name in pairs
           if id_.lower() != name]
    return [name for _, name in pairs], bad


def counters_on_page(page):
    """Names in the tables under the headings "Counters"."""
    names = []
    for table in re.findall(r"\nCounters\n-+\n+=+ +=+\nCounter .*?\n=+ +=+\n"
                            r"(.*?)\n=+ +=+\n", page, re.S):
        names += re.findall(r"^``(\w+)``", table, re.M)
    return names


def sysctls_in_code(top):
    """Name: (range or None, default) for each sysctl."""
    text = (top / CODE / "sysctl.c").read_text()
    defines = constants(top)
    defaults = {}
    table = re.search(r"knd_config_defaults = \{(.*?)\n\};", text, re.S)
    for name, value in re.findall(r"\.(\w+)\s*= (.*?),\n", table[1] + "\n"):
        defaults[name] = value.strip('"')
    found = {}
    table = re.search(r"knd_\w+\[\] = \{\n(\tKND_.*?)\n\};", text, re.S)
    for kind, args in re.findall(r"\tKND_(\w+)\((.*?)\),\n", table[1] + "\n",
                                 re.S):
        args = [arg.strip() for arg in re.sub(r"\s+", " ", args).split(",")]
        name, limits = args[0], None
        if kind == "NUMBER":
            limits = (number(args[2], defines), number(args[3], defines))
        elif kind == "SWITCH":
            limits = (0, 2)
        value = defaults.get(name, "0" if limits else "")
        found[name] = (limits, value)
    # Its default is the first service
    found["tcp_service"] = (None, "accept")
    return found


def sysctls_on_page(page):
    """The same of the lists under the headings "Sysctls"."""
    found = {}
    for section in re.findall(r"\nSysctls\n-+\n(.*?)\n(?=\S[^\n]*\n[-=]{4})",
                              page, re.S):
        for name, kind, text in re.findall(
                r"^(\w+) - ([A-Z]+)[^\n]*\n((?:\t[^\n]*\n|\n)+)",
                section + "\n", re.M):
            value = re.search(r"Default: (.*)", text)
            limits = re.search(r"Range: (\d+) - (\d+)\.", text)
            if limits:
                limits = (int(limits[1]), int(limits[2]))
            elif kind == "BOOLEAN":
                limits = (0, 1)
            default = value[1] if value else None
            found[name] = (limits, "" if default == "empty" else default)
    return found


def main():
    """Compare."""
    top = Path(sys.argv[1])
    page = (top / PAGE).read_text()
    code, bad = counters_in_code(top)
    text = counters_on_page(page)
    if code != text:
        bad += [f"counter {name}: not on the page"
                for name in code if name not in text]
        bad += [f"counter {name}: not in the code"
                for name in text if name not in code]
        if sorted(code) == sorted(text):
            bad.append("counters: the page has another order")
    code, text = sysctls_in_code(top), sysctls_on_page(page)
    for name in sorted(code.keys() | text.keys()):
        if code.get(name) != text.get(name):
            bad.append(f"sysctl {name}: range and default are "
                       f"{code.get(name)} in the code, "
                       f"{text.get(name)} on the page")
    if len(code) < 10 or "monitor" not in code:
        bad.append("sysctl.c cannot be read")
    for line in bad:
        print(line)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
