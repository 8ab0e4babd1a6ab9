"""The server never fetches a URL and never unpickles: by its source, and by a run that the interpreter watches."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = sorted((Path(__file__).parents[1] / "smserve").rglob("*.py"))
MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "copyreg", "yaml"),
    *("urllib.request", "http.client", "http.server", "ftplib", "telnetlib", "smtplib", "xmlrpc", "socket", "asyncore"),
    *("requests", "httpx", "aiohttp", "urllib3", "fsspec", "smart_open", "boto3"),
    *("subprocess", "multiprocessing", "pty", "code", "codeop"),
}
ALLOWED = {"port.py": ["socket"]}  # binds the port that workers share
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "np.load",  # reads pickles, where it is told to
    "numpy.load",
    "os.system",
    "os.popen",
    "torch.load",
    "pd.read_pickle",
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def findings(source: str) -> list[str]:
    """Return what source code has that ours must not."""
    tree = ast.parse(source)
    found = [
        name for name in imported(tree) if any(name == module or name.startswith(f"{module}.") for module in MODULES)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS | METHODS:
                found.append(name)
            found += ["allow_pickle" for keyword in node.keywords if keyword.arg == "allow_pickle"]
    return found


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: path.stem)
def test_the_source_has_no_way_to(path: Path) -> None:
    assert findings(path.read_text(encoding="utf-8")) == ALLOWED.get(path.name, [])


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import http.client as h",
        "def f():\n    import socket",
        "import numpy as np\nnp.load('x')",
        "load(x, allow_pickle=True)",
        "eval('1')",
    ],
)
def test_what_is_looked_for_is_found(source: str) -> None:
    assert findings(source)


def test_parsing_a_uri_is_allowed() -> None:
    assert findings("from urllib.parse import urlsplit") == []


RUN = """
import sys
from pathlib import Path

import numpy as np

model, other, gallery, pictures, folder = map(Path, sys.argv[1:])
from smserve.client import Client
from smserve.errors import SmserveError
from smserve.model_file import fingerprint
from smserve.server import Server, ServerSettings, open_engine
from smserve.types import UpsertItem
import smserve.service.open_inference, onnxruntime, faiss, PIL.Image, PIL.JpegImagePlugin, PIL.PngImagePlugin

told = []
LOOKED_FOR = ("pickle.", "urllib.", "http.", "ftplib.", "socket.connect", "socket.getaddrinfo",
              "socket.bind", "socket.__new__", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
              "webbrowser.")

def hook(event, arguments):
    if event.startswith(LOOKED_FOR):
        told.append(event)

def tries(call):
    try:
        call()
    except SmserveError:
        pass

engine = open_engine(model, [], folder=gallery.parent, models=folder, writable=True)
with Server(ServerSettings(port=0)) as server:
    server.start(engine)
    with Client(server.address, timeout_s=60) as client:
        client.search(pictures / "red" / "0.png", gallery="photos")  # whatever is imported at first use, is
        sys.addaudithook(hook)
        image = (pictures / "red" / "0.png").read_bytes()
        uris = ["http://127.0.0.1:9/a.png", "https://example.org/a.png", "ftp://example.org/a", "//example.org/a",
                "file://example.org/etc/passwd", "s3://bucket/a.png", "data:image/png;base64,AAAA"]
        for number, uri in enumerate(uris):
            client.upsert([UpsertItem(item_id=f"u{number}", image=image, source_uri=uri, payload={"image_url": uri})],
                          gallery="photos")
            tries(lambda: client.search(uri.encode(), gallery="photos"))
            tries(lambda: client.embed([uri.encode()], gallery="photos"))
            tries(lambda: client.compare(uri.encode(), image, gallery="photos"))
        for pickled in (b"\\x80\\x04\\x95", b"cos\\nsystem\\n(S'true'\\ntR.", b"\\x93NUMPY\\x01\\x00"):
            tries(lambda: client.search(pickled, gallery="photos"))
        progress = list(client.stage_model(fingerprint(other.read_bytes()), gallery="photos"))
        assert progress[-1].refused_count == len(uris), progress[-1]
        client.create_gallery("new", model_fingerprint=fingerprint(other.read_bytes()))
        client.compact(gallery="photos")
        client.verify(gallery="photos")
        client.drop_gallery("new")
        client.search_stream([image])
        client.info()
    assert told == [], told
    __import__("socket").socket().close()
    assert told == ["socket.__new__"], "the hook listens"
print("nothing")
"""


def test_a_server_that_is_asked_to_fetches_nothing(
    tiny_model: Path, other_model: Path, drawn_gallery: Path, pictures: Path, tmp_path: Path
) -> None:
    """Python's audit events tell of sockets, programs and pickles, whatever library uses them."""
    shutil.copytree(drawn_gallery, tmp_path / "galleries" / "photos")
    (tmp_path / "models").mkdir()
    shutil.copy(other_model, tmp_path / "models")
    arguments = [tiny_model, other_model, tmp_path / "galleries" / "photos", pictures, tmp_path / "models"]
    run = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False
    )
    assert (run.returncode, run.stdout) == (0, "nothing\n"), run.stderr
