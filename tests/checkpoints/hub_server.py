"""A local server that speaks the protocol of the Hugging Face Hub, with the faults that networks and hubs have."""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0de"
SECOND_COMMIT = "beef" * 10


@dataclass
class Repo:
    """Files by name; ``token`` is needed where it is set; ``gated`` asks for agreement."""

    files: dict[str, bytes] = field(default_factory=dict)
    commit: str = COMMIT
    licence: str = "apache-2.0"
    token: str | None = None
    gated: bool = False


@dataclass
class Hub:
    """What the server holds, the faults it shows, and what it was asked."""

    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)  # bytes after which the next downloads break off
    corrupt: bool = False  # downloads carry other bytes than announced
    short: int = 0  # bytes that downloads lack at the end, told as if they were whole
    status: int = 0  # answer everything with this
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    tokens: list[str] = field(default_factory=list)
    commits: list[dict] = field(default_factory=list)
    url: str = ""
    cdn: str = ""  # large files lie on another host, which must not see the token

    def downloads(self):
        return [(path, span) for method, path, span in self.asked if method == "GET" and path.startswith("/cdn/")]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value, status=200):
        self.answer(status, json.dumps(value).encode(), Content_Type="application/json")

    def refuse(self, status, code=""):
        headers = {"X_Error_Code": code} if code else {}
        self.answer(status, json.dumps({"error": code or "refused"}).encode(), **headers)

    def handle_one(self):
        path = unquote(urlsplit(self.path).path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.hub.asked.append((self.command, path, self.headers.get("Range", "")))
        self.hub.tokens.append(self.headers.get("Authorization", ""))
        if self.hub.status:
            return self.refuse(self.hub.status)
        parts = path.strip("/").split("/")
        if parts[0] == "cdn":
            return self.blob(self.hub.blobs[parts[1]])
        if parts[0] == "lfs":
            self.hub.blobs[parts[1]] = self.body
            return self.answer(200)
        if parts[0] == "verify":
            return self.answer(200)
        if parts[0] == "api":
            return self.api(parts[1:])
        if path.endswith(".git/info/lfs/objects/batch"):
            return self.batch()
        if len(parts) >= 5 and parts[2] == "resolve":
            return self.resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self.refuse(404)

    do_GET = do_HEAD = do_POST = do_PUT = handle_one  # noqa: N815

    def allowed(self, name):
        repo = self.hub.repos.get(name)
        authorized = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if repo is None:
            self.refuse(404, "RepoNotFound")
        elif repo.gated and authorized != repo.token:
            self.refuse(403, "GatedRepo")
        elif repo.token and not authorized:
            self.refuse(401, "RepoNotFound")
        elif repo.token and authorized != repo.token:
            self.refuse(403)
        else:
            return repo
        return None

    def resolve(self, name, revision, file):
        repo = self.allowed(name)
        if repo is None:
            return None
        if revision not in ("main", repo.commit):
            return self.refuse(404, "RevisionNotFound")
        if file not in repo.files:
            return self.refuse(404, "EntryNotFound")
        data = repo.files[file]
        sha256 = hashlib.sha256(data).hexdigest()
        self.hub.blobs[sha256] = data
        return self.answer(
            302,
            Location=f"{self.hub.cdn}/cdn/{sha256}",
            X_Repo_Commit=repo.commit,
            X_Linked_Size=len(data),
            X_Linked_Etag=f'"{sha256}"',
            Accept_Ranges="bytes",
        )

    def blob(self, data):
        total = len(data)
        if self.hub.corrupt:
            data = bytes([data[0] ^ 1]) + data[1:]
        if self.hub.short:
            data = data[: -self.hub.short]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        rest = data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        if self.hub.cut_after:
            self.wfile.write(rest[: self.hub.cut_after.pop(0)])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.wfile.write(rest)

    def api(self, parts):
        if parts[0] == "validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if parts[:2] == ["repos", "create"]:
            return self.create(json.loads(self.body))
        repo = self.allowed("/".join(parts[1:3]))
        if repo is None:
            return None
        action = parts[3] if len(parts) > 3 else ""
        if action == "preupload":
            wanted = json.loads(self.body)["files"]
            modes = ["lfs" if file["path"].endswith((".safetensors", ".png")) else "regular" for file in wanted]
            return self.json(
                {
                    "files": [
                        {"path": f["path"], "uploadMode": m, "shouldIgnore": False}
                        for f, m in zip(wanted, modes, strict=True)
                    ]
                }
            )
        if action == "commit":
            return self.commit("/".join(parts[1:3]), repo)
        name = "/".join(parts[1:3])
        siblings = [{"rfilename": file} for file in repo.files]
        return self.json({"id": name, "sha": repo.commit, "cardData": {"license": repo.licence}, "siblings": siblings})

    def create(self, wanted):
        name = f"{wanted['organization']}/{wanted['name']}"
        if not self.headers.get("Authorization"):
            return self.refuse(401)
        if name in self.hub.repos:
            return self.json({"error": "exists", "url": f"{self.hub.url}/{name}"}, 409)
        self.hub.repos[name] = Repo()
        return self.json({"url": f"{self.hub.url}/{name}"})

    def batch(self):
        objects = json.loads(self.body)["objects"]
        return self.json(
            {
                "transfer": "basic",
                "objects": [
                    {
                        **thing,
                        "actions": {
                            "upload": {"href": f"{self.hub.url}/lfs/{thing['oid']}"},
                            "verify": {"href": f"{self.hub.url}/verify"},
                        },
                    }
                    for thing in objects
                ],
            }
        )

    def commit(self, name, repo):
        if repo.token is None and not self.headers.get("Authorization"):
            return self.refuse(401)
        for line in self.body.decode().splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                repo.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            elif entry["key"] == "lfsFile":
                repo.files[entry["value"]["path"]] = self.hub.blobs[entry["value"]["oid"]]
            else:
                self.hub.commits.append(entry["value"])
        repo.commit = SECOND_COMMIT
        url = f"{self.hub.url}/{name}/commit/{SECOND_COMMIT}"
        return self.json({"success": True, "commitOid": SECOND_COMMIT, "commitUrl": url})


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is nothing to report."""


def serve():
    """Start a server on a free port of this machine; returns it and its :class:`Hub`."""
    hub = Hub()
    server = QuietServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.cdn = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server, hub
