"""Loading pymilvus changes nothing of the process's log."""

import subprocess
import sys

SCRIPT = """
import io, logging

class Closing(logging.StreamHandler):
    def close(self):
        self.stream.close()
        super().close()

stream = io.StringIO()
logging.getLogger().addHandler(Closing(stream))
from smserve.gallery.milvus.library import load_pymilvus
load_pymilvus().MilvusException
logging.getLogger("ours").warning("still %s", "there")
print(stream.getvalue())
"""


def test_handlers_stay_open() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "still there", "")
