"""Landlock: which files this process may still open, also for a decoder that was taken over. Used by `confinement`.

It leaves open what needs no open file: the size, mode, owner and times of any file whose name is known can be asked
for, and, where they are the server's own, changed.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from pathlib import Path

# The same numbers on every machine that `confinement` knows.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION = _PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _MAKE_REG, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 8, 1 << 14
_READ, _WRITE = _READ_FILE | _READ_DIR, _WRITE_FILE | _MAKE_REG | _TRUNCATE
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE
_CODE = Path(__file__).resolve().parents[1]
# What Python loads late: modules, and the libraries that these need.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
# Of no use to anybody; the second stands for a full disk.
_DEVICES = ("/dev/null", "/dev/full")


def keep_to(folder: Path) -> None:
    """From here on, files can be read where Python and this site's code are, and made and written in the folder, and no
    other process can be looked into or, with Linux 6.12, signalled. Does nothing on a kernel without Landlock. Needs
    PR_SET_NO_NEW_PRIVS.
    """
    call = ctypes.CDLL(None).syscall
    call.argtypes, call.restype = [ctypes.c_long] * 5, ctypes.c_long
    version = call(_CREATE, 0, 0, _ASK_VERSION, 0)
    if version < 1:
        return
    rights = (1 << 13 + (version >= 2) + (version >= 3) + (version >= 5)) - 1
    # Files, network (there is none anyway), and from version 6 what may go to other processes.
    ruled = ctypes.create_string_buffer(struct.pack("QQQ", rights, 0, 3 if version >= 6 else 0), 24)
    rules = call(_CREATE, ctypes.addressof(ruled), 24, 0, 0)
    code = [path for path in (*sys.path, str(_CODE), *_LIBRARIES) if path]
    # Where this site is installed as a package, its folder, with the data in it, may be among them.
    allowed = {path: _READ for path in code if not folder.is_relative_to(path)}
    allowed |= dict.fromkeys((str(folder), *_DEVICES), _WRITE)
    for path, access in allowed.items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # not every system has all of them
            continue
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_A_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access & rights, place))
        if call(_ADD, rules, _PATH_BENEATH, ctypes.addressof(rule), 0):
            return  # a file system that it does not know: better no walls than none of the work
    call(_RESTRICT, rules, 0, 0, 0)
