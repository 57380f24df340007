"""The process that reads files has nothing to steal and nowhere to go, even for a decoder that was taken over."""

from __future__ import annotations

import ctypes
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own walls are Linux's")


# A function of 32-bit calls: it puts its arguments into eax, ebx and ecx, where `int 0x80` looks for them.
OLD_CALL = """
import ctypes, mmap
page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("53 89 f8 89 f3 89 d1 31 d2 cd 80 5b c3"))
place = ctypes.addressof(ctypes.c_char.from_buffer(page))
call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(place)
print(call(20, 0, 0), flush=True)  # getpid
"""


def confined(
    program: str, cpu_seconds: int = 5, before: str = "", folder: Path = Path("/nowhere")
) -> subprocess.CompletedProcess[str]:
    """Runs a program after `confine`; it prints what became of it."""
    start = (
        "from pathlib import Path\nfrom conversations.attachments.confinement import confine\nimport ctypes\n"
    )
    start += f"{before}confine({256 * MIB}, {cpu_seconds}, Path({str(folder)!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", start + program], cwd=ROOT, env={}, capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize(
    "act",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import subprocess; subprocess.run(['gs', '--version'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
    ],
)
def test_neither_the_network_nor_another_program_can_be_reached(act: str) -> None:
    done = confined(act)
    assert done.returncode == 1 and "is not allowed in this process" in done.stderr


@linux
@pytest.mark.parametrize(
    "call", ["socket(2, 1, 0)", "socket(1, 1, 0)", "socketpair(1, 1, 0, 0)", "execve(0, 0, 0)"]
)
def test_the_kernel_refuses_what_python_does_not_see(call: str) -> None:
    done = confined(f"libc = ctypes.CDLL(None, use_errno=True)\nprint(libc.{call}, ctypes.get_errno())")
    assert done.stdout.split() == ["-1", "1"], done.stderr


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the machine code is that of x86_64")
def test_calls_of_another_architecture_end_the_process() -> None:
    done = confined("print(call(359, 2, 1))  # socket, of i386", before=OLD_CALL)
    if not done.stdout and done.returncode == -signal.SIGSEGV:
        pytest.skip("this kernel takes no 32-bit calls")
    assert done.returncode == -signal.SIGSYS and len(done.stdout.split()) == 1, done.stdout + done.stderr


def needs_landlock(version: int) -> None:
    """Skips where the kernel cannot keep a process to its files."""
    if sys.platform != "linux" or ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < version:
        pytest.skip(f"this kernel has no Landlock of version {version}")


@pytest.mark.parametrize(
    "act",
    [
        "open('{outside}/secret')",
        "open('{outside}/secret', 'a')",
        "open('{outside}/new', 'w')",
        "os.truncate('{outside}/secret', 0)",
        "os.listdir('{outside}')",
        "os.remove('{outside}/secret')",
        "os.link('{outside}/secret', '{job}/original')",
        "os.rename('{outside}/secret', '{job}/original')",
        "os.symlink('{outside}/secret', '{job}/original')",
        "open('manage.py')",
        "open(f'/proc/{{os.getppid()}}/environ')",
    ],
)
def test_files_of_others_cannot_be_reached(act: str, tmp_path: Path) -> None:
    needs_landlock(3)
    outside, job = tmp_path / "outside", tmp_path / "job"
    outside.mkdir()
    job.mkdir()
    (outside / "secret").write_text("key")
    allowed = f"import colorsys, os; open('{job}/sent', 'w').write('x'); print('begun', flush=True)\n"
    done = confined(allowed + act.format(outside=outside, job=job), folder=job)
    assert done.stdout == "begun\n" and done.returncode == 1, done.stderr
    assert "Permission denied" in done.stderr or "cross-device link" in done.stderr
    found = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"secret": "key", "sent": "x"}


def test_no_signal_reaches_the_server() -> None:
    needs_landlock(6)
    assert "PermissionError" in confined("import os; os.kill(os.getppid(), 0)").stderr


@linux
def test_memory_and_time_end_where_they_should() -> None:
    assert "MemoryError" in confined("bytearray(300 << 20)").stderr
    assert confined("while True: pass", cpu_seconds=1).returncode == -24
