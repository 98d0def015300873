"""A proxy on loopback that stands in for hosts of AWS: CONNECT to a name gets
what the test says that this host answers, over TLS with a certificate of its
own, which AWS_CA_BUNDLE lets the client trust."""

import datetime
import os
import socketserver
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_certificate(folder, names):
    """One that signs itself, for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None),
                           critical=True)
            .sign(key, hashes.SHA256()))
    path = os.path.join(folder, "certificate.pem")
    with open(path, "wb") as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        file.write(cert.public_bytes(serialization.Encoding.PEM))
    return path


class Handler(socketserver.StreamRequestHandler):
    def head(self, file):
        lines = []
        while True:
            line = file.readline(65536)
            if line in (b"\r\n", b"\n", b""):
                return lines
            lines.append(line.decode("latin-1").strip())

    def handle(self):
        lines = self.head(self.rfile)
        host = lines[0].split()[1].partition(":")[0] if lines else ""
        answer = self.server.answers.get(host)
        self.server.asked.append(host)
        if answer is None:
            self.wfile.write(b"HTTP/1.1 502 no such host\r\n"
                             b"content-length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 connected\r\n\r\n")
        try:
            with self.server.tls.wrap_socket(self.connection,
                                             server_side=True) as inner:
                self.answer(inner, answer)
        except (ssl.SSLError, OSError):
            pass

    def answer(self, inner, answer):
        status, headers, body = answer
        with inner.makefile("rb") as file:
            lines = self.head(file)
            length = [line.split(":")[1] for line in lines
                      if line.lower().startswith("content-length:")]
            file.read(int(length[0]) if length else 0)
        text = "HTTP/1.1 %d x\r\ncontent-length: %d\r\n" \
            "connection: close\r\n" % (status, len(body))
        for name, value in headers.items():
            text += "%s: %s\r\n" % (name, value)
        inner.sendall((text + "\r\n").encode() + body)


class Proxy:
    """answers: host -> (status, headers, body)"""

    def __init__(self, folder, answers):
        self.certificate = make_certificate(folder, sorted(answers))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate)
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.server.tls = tls
        self.server.answers = self.answers = dict(answers)
        self.server.asked = self.asked = []
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
