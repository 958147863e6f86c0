"""What all of these servers do: say on which ports they listen, and end when their input does."""

import json
import os
import signal
import ssl
import sys
import tempfile

# Whoever started this may have done so from a thread that hears no signals.
signal.pthread_sigmask(signal.SIG_SETMASK, [])


def certificates():
    """A directory with an authority, one that nobody here uses, and a certificate of this machine."""
    # Only here, so that what needs no certificate runs with Python alone.
    import trustme

    directory = tempfile.mkdtemp(prefix="ledger-servers-")
    os.chmod(directory, 0o755)
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(f"{directory}/authority.pem")
    other.cert_pem.write_to_path(f"{directory}/other-authority.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(f"{directory}/server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/server.pem")
    return directory, context


def ready(**facts):
    print(json.dumps(facts), flush=True)


def wait_for_end():
    while sys.stdin.readline():
        pass
