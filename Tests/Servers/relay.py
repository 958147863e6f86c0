#!/usr/bin/env python3
"""A relay: exim with a configuration of its own, which delivers into one mailbox file.

It wants STARTTLS and a login (ledger, pass-word). It refuses nobody@ for good and busy@ for now.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

from _server import certificates, ready, wait_for_end

CONFIGURATION = """
primary_hostname = relay.test
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
pid_file_path =
acl_smtp_rcpt = check_recipient
tls_advertise_hosts = *
tls_certificate = {directory}/server.pem
never_users =
host_lookup =
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 1000
queue_run_max = 0
{drop}
begin acl
check_recipient:
  deny local_parts = nobody
       message = 550 5.1.1 no such user
  defer local_parts = busy
       message = 451 4.2.1 mailbox busy
  require authenticated = *
       message = 530 5.7.0 log in first
  accept
begin routers
everybody:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = {directory}/mailbox
  envelope_to_add = true
  return_path_add = true
  {user}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{ledger}}}}{{eq{{$auth3}}{{pass-word}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def start(directory):
    program = next(path for path in ("/usr/sbin/exim4", shutil.which("exim4"), shutil.which("exim"))
                   if path and os.path.exists(path))
    for _ in range(5):
        port = free_port()
        exim = subprocess.Popen(
            [program, "-C", f"{directory}/exim.conf", "-bdf", "-oX", f"127.0.0.1.{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if answers(port):
                return exim, port
            if exim.poll() is not None:
                break
            time.sleep(0.05)
        exim.kill()
        exim.wait()
    raise SystemExit("exim didn't start")


def main():
    directory, _ = certificates()
    is_root = os.geteuid() == 0
    user = "user = Debian-exim" if is_root else ""
    with open(f"{directory}/exim.conf", "w") as file:
        drop = "" if is_root else "deliver_drop_privilege = true"
        file.write(CONFIGURATION.format(directory=directory, user=user, drop=drop))
    os.chmod(f"{directory}/exim.conf", 0o644)
    if is_root:
        account = pwd.getpwnam("Debian-exim")
        for name in (directory, f"{directory}/server.pem"):
            os.chown(name, account.pw_uid, account.pw_gid)
    exim, port = start(directory)
    ready(port=port, directory=directory)
    wait_for_end()
    exim.send_signal(signal.SIGTERM)
    exim.wait()
    shutil.rmtree(directory, ignore_errors=True)


main()
