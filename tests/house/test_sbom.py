"""What the product is made of can be listed, and nothing in it has a licence that would open what is built on it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", PROJECT / "requirements" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bill_is_whole_and_every_licence_is_one_that_we_may_pass_on(sbom: ModuleType) -> None:
    bill = sbom.made()
    assert sbom.wrong(bill) == []
    names = {one["purl"].partition("@")[0] for one in bill["components"]}
    pinned = [line for line in (PROJECT / "requirements/run.txt").read_text().splitlines() if line[:1].isalnum()]
    assert len([name for name in names if name.startswith("pkg:pypi/")]) == len(pinned)
    assert {"pkg:pypi/litestar", "pkg:npm/react", "pkg:npm/%40tiptap/core", "pkg:npm/preact"} <= names
    assert not {"pkg:pypi/pytest", "pkg:npm/vitest", "pkg:npm/eslint"} & names, "these do not travel with it"
    assert sbom.made() == bill, "the same input, the same bytes"


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "AGPL-3.0", "SSPL-1.0", "MIT AND GPL-2.0", "", "proprietary", "LGPL-3.0"]
)
def test_a_licence_that_nobody_allowed_is_found(sbom: ModuleType, licence: str) -> None:
    lock = {"packages": {"": {}, "node_modules/@a/b": {"version": "1", "license": licence, "integrity": "sha512-AAAA"}}}
    (component,) = sbom.from_npm(json.dumps(lock))
    (sentence,) = [one for one in sbom.wrong({**sbom.made(), "components": [component]}) if "licence" in one]
    assert sentence.startswith("pkg:npm/%40a/b@1: its licence is ")


@pytest.mark.parametrize("licence", ["MIT", "(MIT OR GPL-2.0)", "MIT AND PSF-2.0", "Apache-2.0 OR BSD-3-Clause"])
def test_of_alternatives_one_is_enough(sbom: ModuleType, licence: str) -> None:
    assert sbom.is_allowed(licence)


def test_what_is_no_cyclonedx_is_found(sbom: ModuleType) -> None:
    assert any("not CycloneDX" in one for one in sbom.wrong({**sbom.made(), "bomFormat": "SPDX"}))
    bare = {"packages": {"node_modules/c": {"version": "1", "license": "MIT"}}}
    found = sbom.wrong({**sbom.made(), "components": list(sbom.from_npm(json.dumps(bare)))})
    assert found == ["pkg:npm/c@1 has no hash"]
