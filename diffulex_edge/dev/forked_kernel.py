"""Kernels that begin with the slow imports done: children of one process that has them.

`serve SOCKET MODULE…` imports the modules and waits; `start SOCKET FILE` asks it for a kernel with
this connection file, and lives as long as that.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading


def serve(path, modules):
    """Import `modules`; then fork a kernel for everyone who connects to the socket `path`."""
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # a collection in a kernel leaves these pages shared
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                server.close()
                become_kernel(client)
            client.close()


def become_kernel(client):
    """Run a kernel in this process, until it is shut down or `client` is gone."""
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked = json.loads(client.makefile().readline())
    os.chdir(asked['folder'])
    sys.path[0] = ''
    client.sendall(f'{os.getpid()}\n'.encode())
    threading.Thread(target=end_with, args=(client,), daemon=True).start()
    IPKernelApp.launch_instance(argv=['-f', asked['file']])
    sys.stdout.flush()
    os._exit(0)


def end_with(client):
    """End this process when the other end of the connection is closed."""
    client.recv(1)
    os._exit(1)


def start(path, file):
    """Ask for a kernel, pass signals on to it, and wait for its end."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        server.sendall(json.dumps(dict(folder=os.getcwd(), file=file)).encode() + b'\n')
        kernel = int(server.makefile().readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: os.kill(kernel, number))
        server.recv(1)


if __name__ == '__main__':
    command, path, *rest = sys.argv[1:]
    if command == 'serve':
        serve(path, rest)
    else:
        start(path, *rest)
