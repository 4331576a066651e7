"""A server that sends given bytes in answer to each request, whether they are valid HTTP or not.

It keeps nothing of a request.
"""

from __future__ import annotations

import socket
import threading
import time


class RawServer:
    """Answers requests one after the other, on as many connections as the client opens.

    Args:
        answers: for each request, the pieces of bytes to send.
    """

    def __init__(self, answers):
        self._answers = iter(answers)
        self.connections = 0
        self.answered = 0  # requests whose pieces are all sent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            while self._read_request(connection):
                for piece in next(self._answers):
                    connection.sendall(piece)
                    time.sleep(0.02)
                self.answered += 1

    @staticmethod
    def _read_request(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                received = connection.recv(65536)
            except OSError:
                return False
            if not received:
                return False
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        left = length - len(body)
        while left > 0:
            received = connection.recv(65536)
            if not received:
                return False
            left -= len(received)
        return True

    def close(self):
        self._listener.close()
