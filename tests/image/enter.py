#!/usr/bin/env python3
"""Runs one program as a container runs it: in the file system at ROOT, which is
mounted read-only, as a user that owns nothing and has no rights, with
/scratch and /tmp as places to write.

usage: enter.py ROOT SCRATCH [--over FILE=PATH]... PROGRAM [ARG]...

       enter.py --try

SCRATCH is what /scratch is; FILE is laid over PATH. Root is not needed where
user namespaces are allowed; --try fails where neither will do.
"""

import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_REMOUNT = 1, 2, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS = 38
USER = 65532

LIBC = ctypes.CDLL(None, use_errno=True)


def check(status):
    if status != 0:
        error = ctypes.get_errno()
        print("enter: " + os.strerror(error), file=sys.stderr)
        sys.exit(71)


def mount(source, target, kind, flags):
    check(LIBC.mount(source.encode(), target.encode(),
                     kind.encode() if kind else None,
                     ctypes.c_ulong(flags), None))


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def separate():
    """Mounts of our own; without root, users of our own first."""
    is_root, user, group = os.geteuid() == 0, os.geteuid(), os.getegid()
    check(LIBC.unshare(CLONE_NEWNS if is_root
                       else CLONE_NEWNS | CLONE_NEWUSER))
    if not is_root:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", "%d %d 1" % (USER, user))
        write("/proc/self/gid_map", "%d %d 1" % (USER, group))
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    return is_root


def lay(source, target, flags=0):
    mount(source, target, None, MS_BIND)
    if flags:
        mount("none", target, None, MS_REMOUNT | MS_BIND | flags)


def lay_devices(root):
    mount("tmpfs", root + "/dev", "tmpfs", MS_NOSUID)
    for name in ("null", "zero", "full", "random", "urandom"):
        write(root + "/dev/" + name, "")
        lay("/dev/" + name, root + "/dev/" + name)


def main():
    if sys.argv[1:] == ["--try"]:
        separate()
        return
    root, scratch, words = sys.argv[1], sys.argv[2], sys.argv[3:]
    over = []
    while words and words[0] == "--over":
        over.append(words[1].split("=", 1))
        words = words[2:]
    is_root = separate()
    lay(root, root, MS_RDONLY | MS_NOSUID)
    lay_devices(root)
    mount("/proc", root + "/proc", None, MS_BIND | MS_REC)
    lay(scratch, root + "/scratch")
    lay(scratch, root + "/tmp")
    for file, path in over:
        lay(file, root + path)
    os.chdir(root)
    os.chroot(root)
    if is_root:
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    try:
        os.execve(words[0], words, dict(os.environ))
    except OSError as error:
        print("enter: %s: %s" % (words[0], error.strerror), file=sys.stderr)
        sys.exit(127)


main()
