"""Small HTTP helpers: REST of viperd, JSON-RPC of nodes and of the gateway."""

import base64
import http.client
import json
import urllib.error
import urllib.request


class RpcError(ValueError):
    pass


def get(url, timeout=5.0):
    """JSON of a GET; RpcError with the status and body on anything but 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RpcError(f"{url}: {error.code} {error.read()[:300]!r}") from None


def post(url, value, timeout=10.0):
    data = json.dumps(value).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RpcError(f"{url}: {error.code} {error.read()[:300]!r}") from None


class JsonRpc:
    """One keep-alive connection; not for several threads."""

    def __init__(self, host, port, path="/", auth=None, timeout=10.0):
        self.host, self.port, self.path, self.timeout = host, port, path, timeout
        self.headers = {"Content-Type": "application/json"}
        if auth:
            self.headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
        self.connection = None
        self.number = 0

    def raw(self, body):
        """(status, headers, bytes) of one POST."""
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port,
                                                             timeout=self.timeout)
                attempt = 1
            try:
                self.connection.request("POST", self.path, body, self.headers)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                if attempt:
                    raise

    def call(self, method, params=()):
        self.number += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method,
                           "params": list(params) if isinstance(params, tuple) else params})
        status, _, data = self.raw(body.encode())
        answer = json.loads(data)
        if answer.get("error"):
            raise RpcError(f"{method}: {status} {answer['error']}")
        return answer["result"]
