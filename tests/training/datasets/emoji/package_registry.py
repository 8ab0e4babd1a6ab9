"""A real npm registry in small, on this machine: as much of its protocol as `npm pack` asks for."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def make_package(name: str, version: str, files: Mapping[str, bytes]) -> bytes:
    """Return an npm archive; the same arguments give the same bytes."""
    buffer = io.BytesIO()
    files = {"package.json": json.dumps({"name": name, "version": version}).encode(), **files}
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


class Registry(ThreadingHTTPServer):
    """Knows the given packages: name and version to archive; `seen` has the path of each request so far."""

    daemon_threads = True

    def __init__(self, packages: Mapping[tuple[str, str], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.packages = dict(packages)
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        path = urllib.parse.unquote(self.path).lstrip("/")
        self.server.seen.append(path)
        for (name, version), archive in self.server.packages.items():
            if path == f"archives/{name}/{version}":
                self._answer(200, archive)
                return
        versions = {
            version: {
                "name": name,
                "version": version,
                "dist": {
                    "tarball": f"{self.server.url}archives/{name}/{version}",
                    "integrity": "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode(),
                },
            }
            for (name, version), archive in self.server.packages.items()
            if name == path
        }
        if versions:
            document = {"name": path, "versions": versions, "dist-tags": {"latest": next(iter(versions))}}
            self._answer(200, json.dumps(document).encode())
        else:
            self._answer(404, b'{"error": "not found"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(packages: Mapping[tuple[str, str], bytes]) -> Iterator[Registry]:
    """Run a registry for the time of a block."""
    with Registry(packages) as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield registry
        finally:
            registry.shutdown()
            thread.join(timeout=10)
