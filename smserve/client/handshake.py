"""Why no connection came about, in words: gRPC tells it in those of the library that it is linked with."""

import re
from typing import Final

from smserve.client.tls import Tls

__all__ = ["handshake_problem"]

_PROBLEMS: Final = {
    # The first that is found in gRPC's sentence.
    "Hostname Verification": "its TLS certificate is for another name; ask by a name that is in it, or give one: "
    "smserve.Tls(server_name=...), --tls-server-name",
    "WRONG_VERSION_NUMBER": "it speaks no TLS; connect without, or start it with --tls-certificate and --tls-key",
    "certificate has expired": "its TLS certificate has expired; the server needs a new one",
    "CERTIFICATE_VERIFY_FAILED": "its TLS certificate is of no authority that this client trusts; name the right one: "
    "smserve.Tls(ca=...), --tls-ca",
}
_ENDED: Final = re.compile(r"last error: .*(Socket closed|Connection reset|Broken pipe|recvmsg|EOF)")
"""Before the first call could be sent; one that is under way has a shorter sentence."""


def handshake_problem(details: str, tls: Tls | None) -> str | None:
    """Return what is wrong and the way out; None where nothing hints at TLS.

    Args:
        details: Of a status that gRPC itself made, UNAVAILABLE.
        tls: What the client connected with.
    """
    for sign, problem in _PROBLEMS.items():
        if sign in details:
            return problem
    if not _ENDED.search(details):
        return None
    if tls is None:
        return "it ended the connection at once; it may want TLS: tls=smserve.Tls(...), --tls or --tls-ca"
    if tls.certificate is None:
        return (
            "it ended the TLS handshake; it may want a client certificate: smserve.Tls(certificate=..., key=...), "
            "--tls-client-certificate and --tls-client-key"
        )
    return (
        "it ended the TLS handshake; the client certificate may have expired, or be of no authority that the server "
        "trusts (its --tls-client-ca)"
    )
