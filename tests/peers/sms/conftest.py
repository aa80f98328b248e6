"""The npm packages of the SMSC, installed once per session."""

from pathlib import Path

import pytest

from peers.sms.rig import install_modules


@pytest.fixture(scope="session")
def smsc_modules() -> Path:
    return install_modules()
