"""What the product is made of, as CycloneDX 1.6: ``make sbom`` writes it, ``make audit`` checks that it can be written.

Python's libraries with the hashes of ``run.txt`` and npm's with those of the lock files, as far as they travel with
the product; each with its licence. The same input gives the same bytes: no time of day, a serial number of the rest.

A licence that is not in ``ALLOWED`` ends with status 1: the product is Apache-2.0, and whoever passes it on must be
able to keep to every licence in it without opening what is theirs.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ("web", "widget")
ALLOWED = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BlueOak-1.0.0 CC0-1.0 ISC MIT MIT-0 MPL-2.0 PSF-2.0 Python-2.0"
    " Unlicense".split()
)
SPDX = {  # what older packages say, in the words of today
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
ELSEWHERE = {"colorama": "BSD-3-Clause", "tzdata": "Apache-2.0"}  # installed on Windows only
_PINNED = re.compile(
    r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)((?:.*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE
)


def licence_of(package: str) -> str:
    """The SPDX expression of an installed package; what it says itself where that is none; "" where it says nothing."""
    try:
        said = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return ELSEWHERE.get(package, "")
    if expression := said.get("License-Expression"):
        return str(expression)
    classified = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License :: ")]
    known = [SPDX.get(name, name) for name in classified if name != "OSI Approved"]
    said_itself = str(said.get("License") or "").partition("\n")[0].strip()
    return " OR ".join(known) or SPDX.get(said_itself, said_itself)


def is_allowed(expression: str) -> bool:
    """Of alternatives one is enough; of what holds together, all have to be allowed (SPDX 2.3 annex D, one level)."""
    choices = [choice.split(" AND ") for choice in expression.strip("()").split(" OR ")]
    return any(all(part.strip("() ") in ALLOWED for part in choice) for choice in choices)


def from_pip(lock: str) -> Iterator[dict[str, Any]]:
    """Components of a requirements file with hashes."""
    for name, version, hashes in _PINNED.findall(lock):
        yield _component(
            name, version, f"pkg:pypi/{name}@{version}", licence_of(name),
            [{"alg": "SHA-256", "content": digest} for digest in re.findall(r"sha256:([0-9a-f]{64})", hashes)],
        )  # fmt: skip


def from_npm(lock: str) -> Iterator[dict[str, Any]]:
    """Components of a package-lock.json, without those that only build or test."""
    for path, one in json.loads(lock)["packages"].items():
        name = path.rpartition("node_modules/")[2]
        if not name or one.get("dev") or one.get("link"):
            continue
        algorithm, _, digest = one.get("integrity", "").partition("-")
        hashes = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}] if algorithm == "sha512" else []
        purl = f"pkg:npm/{quote(name, safe='/')}@{one['version']}"
        yield _component(name, one["version"], purl, one.get("license", ""), hashes)


def _component(name: str, version: str, purl: str, licence: str, hashes: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        "licenses": [{"expression": licence}] if is_allowed(licence) else [{"license": {"name": licence or "unknown"}}],
        "hashes": hashes,
    }  # fmt: skip


def made() -> dict[str, Any]:
    """The whole bill."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = list(from_pip((ROOT / "requirements/run.txt").read_text()))
    for screens in SCREENS:
        found += from_npm((ROOT / screens / "package-lock.json").read_text())
    components = {one["purl"]: one for one in found}
    product = {"type": "application", "name": project["name"], "version": project["version"]}
    product["bom-ref"] = f"pkg:pypi/{project['name']}@{project['version']}"
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**product, "licenses": [{"expression": project["license"]}]}},
        "components": [components[purl] for purl in sorted(components)],
    }
    return {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill))}", **bill}


def wrong(bill: dict[str, Any]) -> list[str]:
    """What is wrong with it, in sentences: licences, missing hashes, and what the format does not allow."""
    found = []
    for one in bill["components"]:
        (licence,) = one["licenses"]
        if "license" in licence:
            found.append(f"{one['purl']}: its licence is {licence['license']['name']}, which is not in ALLOWED")
        if not one["hashes"]:
            found.append(f"{one['purl']} has no hash")
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)):
        found.append(f"not CycloneDX 1.6: {str(error.data)[:200]}")
    return found


def main() -> int:
    bill = made()
    problems = wrong(bill)
    for sentence in problems:
        print(f"sbom: {sentence}")
    if not problems and sys.argv[1:] != ["--check"]:
        path = ROOT / "dist" / f"frontdesk-{bill['metadata']['component']['version']}.cdx.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(bill, indent=1) + "\n")
        print(f"sbom: {len(bill['components'])} components in {path.relative_to(ROOT)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
