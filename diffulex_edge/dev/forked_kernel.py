"""Kernels that begin with the slow imports done: children of one process that has them.

`serve SOCKET MODULE…` imports the modules and waits; `start SOCKET FILE` asks it for a kernel with
this connection file, and lives as long as that. The standard input of `serve` is a pipe from who
started it: when that process is gone, however it ended, the server and its kernels end too.
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
    end_when_over(sys.stdin.buffer.raw.read)
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


def end_when_over(read):
    """End this process when `read(1)`, of a pipe or a connection, has nothing more to read."""

    def wait():
        read(1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def become_kernel(client):
    """Run a kernel in this process, until it is shut down or `client` is gone."""
    from ipykernel.kernelapp import IPKernelApp

    end_when_over(sys.stdin.buffer.raw.read)  # a child has none of its parent's threads
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked = json.loads(client.makefile().readline())
    os.chdir(asked['folder'])
    sys.path[0] = ''
    client.sendall(f'{os.getpid()}\n'.encode())
    end_when_over(client.recv)
    IPKernelApp.launch_instance(argv=['-f', asked['file']])
    sys.stdout.flush()
    os._exit(0)


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
