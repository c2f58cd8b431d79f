"""Print the README's own command of a kind (``demo`` or ``test``), so that CI runs what newcomers read."""

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def command(kind: str) -> str:
    """The code block that follows the marker ``<!-- ci: KIND -->``."""
    found = re.search(
        rf"<!-- ci: {kind} -->\s*```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    if found is None:
        raise SystemExit(f"README.md has no block marked <!-- ci: {kind} -->")
    return found.group(1).strip()


if __name__ == "__main__":
    print(command(sys.argv[1]))
