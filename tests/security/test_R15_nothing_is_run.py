"""R15: what is uploaded or delivered becomes code: by a template, an unpacker, a loader of objects or a shell.

Nothing of the kind is in the product, and each would have to be named here first.
"""

from __future__ import annotations

import ast
import io
import zipfile
from pathlib import Path

import httpx
import pytest

from frontdesk.kit.context import Resources
from house.reading import House, Module

SOURCE = House(Path(__file__).parents[2] / "src" / "frontdesk")

# module or call -> where it is allowed, and why
DANGEROUS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("pickle marshal shelve dill cloudpickle jsonpickle yaml ruamel toml".split(), ()),
    **dict.fromkeys("tarfile rarfile py7zr bz2 lzma".split(), ()),
    "zipfile": ("app/backup", "app/restore"),  # the operator's own backups
    "shutil.unpack_archive": (),
    **dict.fromkeys("xml lxml defusedxml html5lib bs4".split(), ()),
    **dict.fromkeys("jinja2 mako chameleon string.Template".split(), ()),
    **dict.fromkeys("PIL wand cairosvg cv2 imageio".split(), ()),  # nothing decodes an image
    **dict.fromkeys("pty code codeop runpy ctypes".split(), ()),
    "subprocess": ("kit/postgres/", "channels/email/safe", "app/"),  # programs of ours with arguments of ours
    **dict.fromkeys("paramiko fabric sh plumbum pexpect".split(), ()),
}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.spawnv"}
CALLS |= {"asyncio.create_subprocess_shell", "importlib.import_module", "pkgutil.resolve_name"}
LOADS_BY_NAME = ("channels/__init__",)  # folders beside it, by their names on the disk


def problems(module: Module) -> list[str]:
    found = []
    for line, name in module.imports():
        for library, allowed in DANGEROUS.items():
            if f"{name}.".startswith(f"{library}.") and not module.where.startswith(allowed or ("nowhere",)):
                found.append(module.at(line, f"imports {name}"))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS and not module.where.startswith(LOADS_BY_NAME):
                found.append(module.at(node.lineno, f"calls {called}"))
            if any(key.arg == "shell" and getattr(key.value, "value", True) for key in node.keywords):
                found.append(module.at(node.lineno, "starts a shell"))
    return found


def test_nothing_turns_data_into_code() -> None:
    assert [problem for module in SOURCE.modules for problem in problems(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from xml.etree import ElementTree",
        "import zipfile",
        "eval(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import os\nos.system(text)",
        "from jinja2 import Template",
        "from PIL import Image",
    ],
)
def test_it_would_be_seen(code: str) -> None:
    assert problems(Module("conversations/actions/x.py", code))


async def test_an_archive_stays_one_file(signed_in: httpx.AsyncClient, resources: Resources, tmp_path: Path) -> None:
    """Classes 180–182: a bomb, names that climb, links: kept byte for byte, never opened."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../../tmp/evil", "x")
        archive.writestr("/etc/evil", "x")
        archive.writestr("bomb", b"\0" * 20_000_000)
    headers = {"Content-Type": "application/zip"}
    made = await signed_in.post("/api/v1/files?name=a.zip", content=packed.getvalue(), headers=headers)
    assert made.json()["size"] == len(packed.getvalue())
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [packed.getvalue()]
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "{0.__class__}", "%(x)s", "{{contact.name}}"]
)
async def test_a_text_is_no_template(text: str, signed_in: httpx.AsyncClient) -> None:
    """Classes 84–88, through what is kept and given back."""
    made = await signed_in.post("/api/v1/contacts", json={"name": text})
    assert made.status_code == 201, made.text
    assert made.json()["name"] == text


async def test_a_compressed_request_is_not_unfolded(signed_in: httpx.AsyncClient) -> None:
    """Class 21: a small gzip that would be large. What is declared as gzip is bytes, or refused."""
    import gzip

    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await signed_in.post("/api/v1/contacts", content=bomb, headers=headers)
    assert answer.status_code in (400, 415)
