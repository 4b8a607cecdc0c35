"""A child process for confined_test.py: does one thing that a hostile file might."""

import json
import os
import socket
import sys
import time
from pathlib import Path

from export.verify import confined

confined.confine()
what, *arguments = sys.argv[1:]
said: dict[str, object] = {}
if what == "environment":
    said = dict(os.environ)
elif what == "allocate":
    bytearray(int(arguments[0]))
elif what == "write":
    Path(arguments[0]).write_text("harm")
elif what == "connect":
    socket.create_connection(("127.0.0.1", int(arguments[0])), 5).close()
elif what == "sleep":
    time.sleep(600)
elif what == "abort":
    os.abort()
elif what == "kill":
    os.kill(os.getpid(), 9)
elif what == "babble":
    sys.stdout.write("{" * (4 << 20))
print(json.dumps(said))
