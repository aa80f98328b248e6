"""The harness stands beside ``src``: let the tests import it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
