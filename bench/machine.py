"""What a benchmark ran on: processor, memory, versions, commit."""
import datetime
import os
import platform
import re
import subprocess
from pathlib import Path


def first_match(pattern, text, default="unknown"):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1).strip() if match else default


def commit():
    """The commit of this checkout, with "+changes" if files differ from it."""
    def git(*arguments):
        run = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True)
        return run.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+changes" if changed else "")


def describe():
    cpuinfo = Path("/proc/cpuinfo").read_text()
    flags = first_match(r"^flags\s*:(.*)$", cpuinfo).split()
    memory_kb = int(first_match(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), "0"))
    return {
        "cpu": first_match(r"^model name\s*:(.*)$", cpuinfo),
        "family, model, stepping": ", ".join(first_match(rf"^{field}\s*:(.*)$", cpuinfo)
                                             for field in ("cpu family", "model", "stepping")),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_kb / 2**20, 1),
        "avx512f": "avx512f" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
        "amx_bf16": "amx_bf16" in flags,
        "system": platform.platform(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }
