"""The environment of the peers: a folder of its own, made at the first run."""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venv-peers"
REQUIREMENTS = HERE / "requirements-peers.txt"


def python():
    """Return the interpreter that has pellucid and as many peers as can be had."""
    found = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp, wanted = FOLDER / "installed", _wanted()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return found
    print("Installing pellucid and its peers (once, some minutes)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
    _install(found, ["-e", str(HERE.parent)], check=True)
    if _install(found, ["-r", str(REQUIREMENTS)]):
        for line in _lines():  # what can be installed, is
            if _install(found, [line]):
                print(f"  {line} cannot be installed: a gap in the results", flush=True)
    stamp.write_text(wanted, encoding="utf-8")
    return found


def _install(found, what, check=False):
    command = [found, "-m", "pip", "install", "--quiet", *what]
    return subprocess.run(command, check=check).returncode


def _lines():
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _wanted():
    files = (REQUIREMENTS, HERE.parent / "pyproject.toml")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
