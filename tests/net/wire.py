"""Raw bytes for the tests of bad input: HTTP, ABCI frames and protobuf by hand, with nothing
between us and the socket that would mend what we send."""

import re
import socket


def exchange(address, data, patience=5.0, half_close=True):
    """Everything that comes back for `data` on a connection of its own."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    out = b""
    try:
        s.settimeout(patience)
        s.connect(address)
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough; what did it say?
        while part := s.recv(1 << 16):
            out += part
    except ConnectionResetError:
        pass
    finally:
        s.close()
    return out


def request(verb, target, headers=(), body=b"", length=True):
    lines = [f"{verb} {target} HTTP/1.1", "Host: a", "Connection: close", *headers]
    if length and (body or verb == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def statuses(answer):
    return [int(s) for s in re.findall(rb"(?:^|\n|\r\n|\})HTTP/1\.1 (\d{3}) ", answer)]


def parts(answer):
    """(status, headers, body) of the one answer there is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), answer[:200]
    headers = {k.lower(): v.strip() for k, _, v in
               (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])}
    return int(head[9:12]), headers, body


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    return varint(number << 3 | 2) + varint(len(value)) + value


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) * 1024


# ---- ABCI ----

def frame(message):
    return varint(len(message)) + message


def abci(address, *messages, raw=b"", count=None):
    """Responses as [(field of the oneof, its bytes)]: one for each message, or `count`. To end
    the sending is to leave: nothing more is answered then."""
    count = len(messages) if count is None else count
    data, out = b"", []
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(address)
        try:
            s.sendall(b"".join(frame(m) for m in messages) + raw)
        except OSError:
            pass
        while len(out) < count:
            part = s.recv(1 << 16)
            if not part:
                break
            data += part
            while (size := whole(data)) is not None:
                out.append(response(data[:size]))
                data = data[size:]
    return out


def number(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def whole(data):
    """Bytes of the first frame, None if it is not there as a whole."""
    for i, byte in enumerate(data[:5]):
        if byte < 128:
            size, at = number(data, 0)
            assert at == i + 1
            return at + size if len(data) >= at + size else None
    return None


def response(data):
    _, at = number(data, 0)
    tag, at = number(data, at)
    size, at = number(data, at)
    assert tag & 7 == 2 and at + size == len(data), data[:100]
    return tag >> 3, data[at:]


def exception(answers):
    assert answers and answers[-1][0] == 1, answers
    return answers[-1][1].decode()
