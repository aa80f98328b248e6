"""The benches stand beside ``src``: let the tests import them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
