"Made from nbs/07_download.ipynb by tools/export.py: change the notebook, then `make export`."
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from ssnet.download import AddressError
from ssnet.download import begun
from ssnet.download import download
from ssnet.download import fetch
from ssnet.download import forget
from ssnet.download import note_of
from ssnet.download import open_source
from ssnet.download import receive
from ssnet.download import safe_path
from ssnet.download import unpack
from ssnet.files import InputError
from unittest.mock import patch
from zlib import crc32
import errno
import gzip
import hashlib
import io
import json
import numpy as np
import os
import pytest
import requests
import shutil
import stat
import sys
import tarfile
import tempfile
import threading
import time
import zipfile


class Answer(BaseHTTPRequestHandler):
    "Answers one request as the server's faults say, and notes it in the server's log."
    protocol_version = "HTTP/1.1"  # the connection stays open between requests, as with real servers

    def do_GET(self):
        "The file, or the rest of it from where the request asks; it breaks off where a drop says so."
        site, file = self.server, self.server.folder / self.path.lstrip("/")
        data = site.instead if site.instead is not None else file.read_bytes() if file.is_file() else None
        asked, mark = self.headers.get("Range"), f'"{crc32(data or b"")}"'
        first = int(asked[6:].rstrip("-")) if asked and not site.ignore_range else 0
        if self.headers.get("If-Range", mark) != mark: first = 0  # not the file that was begun
        status = 404 if data is None else 416 if first and first >= len(data) else 206 if first else 200
        body = data[first:] if status < 300 else b""
        sent = min(site.drops.pop(0) if site.drops else len(body), len(body))
        site.log.append({"path": self.path, "asked": asked, "status": status, "sent": sent})
        self.send_response(status)
        headers = {"Content-Length": len(body), "ETag": mark, "Content-Type": "application/octet-stream"}
        if first: headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        for name, value in (headers | site.headers).items():
            if value is not None: self.send_header(name, str(value))
        self.end_headers()
        time.sleep(site.slow)
        self.wfile.write(body[:sent])
        self.close_connection = sent < len(body)

    def log_message(self, *_):
        "Nothing is printed; `log` has it."


class LocalServer(ThreadingHTTPServer):
    "Serves the files of `folder` on this machine: `with LocalServer(folder) as site: fetch((site.url('a.zip'),), …)`."

    def __init__(self, folder, drops=(), ignore_range=False, instead=None, slow=0.0, headers=None):
        "`drops`: bytes after which the 1st, 2nd … answer breaks off; `instead`: what is sent for any file."
        self.folder, self.drops, self.ignore_range, self.instead = Path(folder), list(drops), ignore_range, instead
        self.slow, self.headers, self.log = slow, headers or {}, []
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, name):
        "The address of a file."
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, *_):
        "A client that hangs up is part of the game."

    def __exit__(self, *_):
        "Stop, as the end of a `with` block."
        self.shutdown()
        self.server_close()


DATA = bytes(range(256)) * 4096  # a file of 1,048,576 bytes
MD5 = hashlib.md5(DATA).hexdigest()


def tar_of(path, members, mode="w:gz"):
    "A tar archive of `members`, `(name, bytes)` or `TarInfo` each."
    with tarfile.open(path, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo): tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def zip_of(path, members):
    "A zip archive of `members`, `(name or ZipInfo, bytes)` each."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members: file.writestr(name, data)
    return path


GOOD = [("set/", b""), ("set/1.jpg", b"one" * 1000), ("set/2.jpg", b"two"), ("list.txt", b"1\n2\n")]
FORMS = {"set.tar": "w", "set.tgz": "w:gz", "set.tar.xz": "w:xz", "set.zip": None}


def archive_of(path, members):
    "An archive in the form that the end of its name says; `members`: `(name, bytes)`, a folder's name ends in `/`."
    mode = next(mode for form, mode in FORMS.items() if path.name.endswith(form[3:]))
    if mode is None: return zip_of(path, members)
    infos = {name: tarfile.TarInfo(name.rstrip("/")) for name, _ in members if name.endswith("/")}
    for info in infos.values(): info.type = tarfile.DIRTYPE
    return tar_of(path, [infos.get(name, (name, data)) for name, data in members], mode)


def test_a_part_is_continued_only_where_it_came_from():
    "nbs/07_download.ipynb, cell 13"
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "set.tar.part"
        assert begun(part, "http://a/set.tar") == (0, {})
        note = {"address": "http://a/set.tar", "mark": '"1"', "size": 1000}
        part.write_bytes(bytes(300))
        assert begun(part, "http://a/set.tar") == (0, {})  # without a note
        note_of(part).write_text(json.dumps(note))
        assert begun(part, "http://a/set.tar") == (300, note)
        assert begun(part, "http://b/set.tar") == (0, {})  # another server
        part.write_bytes(bytes(1001))
        assert begun(part, "http://a/set.tar") == (0, {})  # more bytes than the file has
        note_of(part).write_text(json.dumps(note | {"mark": ""}))
        part.write_bytes(bytes(300))
        assert begun(part, "http://a/set.tar") == (0, {})  # no mark: nobody knows whether it is the same file
        note_of(part).write_text("half a no")
        assert begun(part, "http://a/set.tar") == (0, {})
        forget(part)
        assert list(Path(folder).iterdir()) == []



def test_only_the_missing_bytes_are_asked_for():
    "nbs/07_download.ipynb, cell 20"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        part = Path(folder, "mine.tar.part")
        with LocalServer(folder, drops=[700_000]) as site:
            with pytest.raises(Exception, match="IncompleteRead|broken"): receive(site.url("set.tar"), part, 5)
            kept = part.stat().st_size
            assert 700_000 - 2 ** 14 <= kept <= 700_000 and part.read_bytes() == DATA[:kept]
            receive(site.url("set.tar"), part, 5)
            receive(site.url("set.tar"), part, 5)  # nothing is missing: no request
            assert [(line["asked"], line["status"], line["sent"]) for line in site.log] == [
                (None, 200, 700_000), (f"bytes={kept}-", 206, len(DATA) - kept)]
        assert part.read_bytes() == DATA



def test_a_server_without_ranges_and_a_changed_file_are_started_again():
    "nbs/07_download.ipynb, cell 21"
    with tempfile.TemporaryDirectory() as folder:
        file, part = Path(folder, "set.tar"), Path(folder, "mine.tar.part")
        for change in (False, True):
            file.write_bytes(DATA)
            with LocalServer(folder, drops=[700_000], ignore_range=not change) as site:
                with pytest.raises(Exception, match="IncompleteRead|broken"): receive(site.url("set.tar"), part, 5)
                if change: file.write_bytes(DATA[::-1])  # as long as before
                receive(site.url("set.tar"), part, 5)
                assert site.log[1]["asked"] and site.log[1]["status"] == 200
            assert part.read_bytes() == file.read_bytes()
            forget(part)



def test_an_answer_that_is_not_the_rest_is_thrown_away():
    "nbs/07_download.ipynb, cell 22"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        part = Path(folder, "mine.tar.part")
        for wrong in ({"Content-Range": "bytes 0-9/10"}, {"ETag": '"another"'}, {"Content-Range": None}):
            with LocalServer(folder, drops=[700_000]) as site:
                with pytest.raises(Exception, match="IncompleteRead|broken"): receive(site.url("set.tar"), part, 5)
                site.headers = wrong
                with pytest.raises(requests.ConnectionError, match="not the one that was begun"):
                    receive(site.url("set.tar"), part, 5)
                assert not part.exists()



def test_an_archive_is_stored_as_it_lies_on_the_server():
    "nbs/07_download.ipynb, cell 23"
    with tempfile.TemporaryDirectory() as folder:
        packed = gzip.compress(DATA)
        Path(folder, "set.tgz").write_bytes(packed)
        with LocalServer(folder, headers={"Content-Encoding": "x-gzip"}) as site:
            receive(site.url("set.tgz"), Path(folder, "mine.part"), 5)
        assert Path(folder, "mine.part").read_bytes() == packed



def test_a_web_page_and_an_unknown_length_are_refused():
    "nbs/07_download.ipynb, cell 24"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.zip").write_bytes(DATA)
        part = Path(folder, "mine.part")
        for headers, why in (({"Content-Type": "text/html; charset=utf-8"}, "a web page came"),
                             ({"Content-Length": None, "Connection": "close"}, "does not say how long"),
                             ({"Content-Length": "many"}, "does not say how long")):
            with LocalServer(folder, headers=headers) as site, pytest.raises(AddressError, match=why):
                receive(site.url("set.zip"), part, 5)
        with LocalServer(folder) as site, pytest.raises(AddressError, match="404 Not Found"):
            receive(site.url("none.zip"), part, 5)
        assert not part.exists()



def test_a_line_that_breaks_again_and_again_is_followed():
    "nbs/07_download.ipynb, cell 27"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        part = Path(folder, "mine.part")
        with LocalServer(folder, drops=[300_000] * 3) as site:
            download(site.url("set.tar"), part, tries=4, timeout=5, pause=0)
            starts = [int(line["asked"][6:-1]) for line in site.log[1:]]
            assert starts == sorted(set(starts)) and sum(line["sent"] for line in site.log) < len(DATA) + 3 * 2 ** 14
        assert part.read_bytes() == DATA
        forget(part)
        with LocalServer(folder, drops=[300_000] * 3) as site:
            with pytest.raises(AddressError, match="IncompleteRead"): download(site.url("set.tar"), part, 2, 5, 0)
            assert len(site.log) == 2 and 500_000 < part.stat().st_size <= 600_000  # kept for the next run



def test_a_file_that_changes_between_two_requests_is_started_again():
    "nbs/07_download.ipynb, cell 28"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        part = Path(folder, "mine.part")
        with LocalServer(folder, drops=[300_000]) as site:
            with pytest.raises(AddressError): download(site.url("set.tar"), part, 1, 5, 0)
            Path(folder, "set.tar").write_bytes(DATA[:400_000][::-1])
            download(site.url("set.tar"), part, 2, 5, 0)
        assert part.read_bytes() == DATA[:400_000][::-1]



def test_silence_and_a_refused_connection_are_named():
    "nbs/07_download.ipynb, cell 29"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        part = Path(folder, "mine.part")
        with LocalServer(folder, slow=0.5) as site:
            with pytest.raises(AddressError, match="timed out"): download(site.url("set.tar"), part, 1, 0.1, 0)
        forget(part)
        with pytest.raises(AddressError, match="refused"): download(site.url("set.tar"), part, 5, 5, 9)  # no patience
        try: raise KeyError("something else that is handled at the moment")
        except KeyError:
            with pytest.raises(AddressError, match="refused"): download(site.url("set.tar"), part, 5, 5, 9)



def test_running_twice_does_not_touch_the_network():
    "nbs/07_download.ipynb, cell 36"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        path = Path(folder, "new", "mine.tar")
        for md5 in (MD5, None, MD5.upper()):
            with LocalServer(folder) as site:
                for _ in range(2): assert fetch([site.url("set.tar")], path, md5) == path
                assert len(site.log) == (1 if md5 == MD5 else 0)  # the later rounds find the file of the first
            fetch([site.url("set.tar")], path, md5)  # the server is gone
        assert path.read_bytes() == DATA and [p.name for p in path.parent.iterdir()] == ["mine.tar"]
        path.write_bytes(b"another file")
        with LocalServer(folder) as site, patch("sys.stderr", io.StringIO()) as said:
            fetch([site.url("set.tar")], path, MD5)
        assert "mine.tar is not the right file (expected md5" in said.getvalue() and path.read_bytes() == DATA



def test_an_interrupted_download_is_continued_in_the_next_run():
    "nbs/07_download.ipynb, cell 37"
    with tempfile.TemporaryDirectory() as folder, patch("sys.stderr", io.StringIO()):
        Path(folder, "set.tar").write_bytes(DATA)
        path, part = Path(folder, "mine.tar"), Path(folder, "mine.tar.part")
        for md5 in (MD5, None):
            with LocalServer(folder, drops=[300_000]) as site:
                with pytest.raises(InputError, match="mine.tar could not be fetched: http.*IncompleteRead"):
                    fetch([site.url("set.tar")], path, md5, tries=1)
                kept = part.stat().st_size
                assert not path.exists() and kept > 280_000
                fetch([site.url("set.tar")], path, md5)
                assert [line["asked"] for line in site.log] == [None, f"bytes={kept}-"]
            assert path.read_bytes() == DATA and not part.exists() and not note_of(part).exists()
            path.unlink()



def test_ctrl_c_leaves_the_part_for_the_next_time():
    "nbs/07_download.ipynb, cell 38"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "set.tar").write_bytes(DATA)
        path, part = Path(folder, "mine.tar"), Path(folder, "mine.tar.part")
        with LocalServer(folder) as site:
            with patch("tqdm.tqdm.update", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
                fetch([site.url("set.tar")], path, MD5)
            assert part.stat().st_size == 2 ** 14 and not path.exists()  # one chunk
            fetch([site.url("set.tar")], path, MD5)
            assert site.log[1]["asked"] == f"bytes={2 ** 14}-"
        assert path.read_bytes() == DATA
        assert sorted(p.name for p in Path(folder).iterdir()) == ["mine.tar", "set.tar"]



def test_a_wrong_checksum_tries_the_next_address():
    "nbs/07_download.ipynb, cell 39"
    folder, found = tempfile.TemporaryDirectory(), hashlib.md5(b"not the set").hexdigest()
    with folder as folder, LocalServer(folder, instead=b"not the set") as bad, patch("sys.stderr", io.StringIO()):
        Path(folder, "set.tar").write_bytes(DATA)
        path = Path(folder, "mine.tar")
        with LocalServer(folder) as good: fetch((bad.url("set.tar"), good.url("set.tar")), path, MD5)
        assert path.read_bytes() == DATA and len(bad.log) == len(good.log) == 1
        path.unlink()
        with pytest.raises(InputError, match=f"mine.tar could not be fetched.*expected md5 {MD5} but found {found}"):
            fetch((bad.url("set.tar"), bad.url("again.tar")), path, MD5)
        assert len(bad.log) == 3 and [p.name for p in Path(folder).iterdir()] == ["set.tar"]



def test_an_altered_part_is_caught_by_the_checksum():
    "nbs/07_download.ipynb, cell 40"
    with tempfile.TemporaryDirectory() as folder, patch("sys.stderr", io.StringIO()):
        Path(folder, "set.tar").write_bytes(DATA)
        path, part = Path(folder, "mine.tar"), Path(folder, "mine.tar.part")
        with LocalServer(folder, drops=[500_000]) as site:
            with pytest.raises(InputError): fetch([site.url("set.tar")], path, MD5, tries=1)
            part.write_bytes(bytes(part.stat().st_size))
            with pytest.raises(InputError, match=f"expected md5 {MD5} but found"): fetch([site.url("set.tar")], path, MD5)
            assert not path.exists() and not part.exists()
            fetch([site.url("set.tar")], path, MD5)
        assert path.read_bytes() == DATA



def test_a_dead_address_is_told_in_one_line():
    "nbs/07_download.ipynb, cell 41"
    with tempfile.TemporaryDirectory() as folder, patch("sys.stderr", io.StringIO()) as said:
        Path(folder, "set.tar").write_bytes(DATA)
        with LocalServer(folder) as dead: pass
        with LocalServer(folder) as site:
            wrong = (dead.url("set.tar"), site.url("gone.tar"), "ftp://127.0.0.1/set.tar", "/etc/passwd")
            fetch((*wrong, site.url("set.tar")), Path(folder, "mine.tar"), MD5)
        lines = [line for line in said.getvalue().splitlines() if "did not come from" in line]
        assert [line.split(" from ")[1].split(": ")[0] for line in lines] == list(wrong)
        assert "refused" in lines[0] and "404 Not Found" in lines[1]



def test_a_missing_package_is_named():
    "nbs/07_download.ipynb, cell 42"
    with tempfile.TemporaryDirectory() as folder, patch.dict(sys.modules, {"requests": None}):
        with pytest.raises(InputError, match="needs the package requests: pip install"):
            fetch(["http://127.0.0.1/set.tar"], Path(folder, "mine.tar"))



def test_a_full_disk_stops_at_once_and_says_so():
    "nbs/07_download.ipynb, cell 43"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory() as folder, LocalServer(folder) as site:
        Path(folder, "set.tar").write_bytes(DATA)
        with patch("os.fsync", side_effect=full), pytest.raises(InputError, match=os.strerror(errno.ENOSPC)):
            fetch([site.url("set.tar"), site.url("set.tar")], Path(folder, "mine.tar"), MD5)
        assert len(site.log) == 1 and not Path(folder, "mine.tar").exists()
        Path(folder, "a file").write_bytes(b"")
        with pytest.raises(InputError, match="could not be written"):
            fetch([site.url("set.tar")], Path(folder, "a file", "mine.tar"), MD5)



def test_names_that_lead_elsewhere_are_refused():
    "nbs/07_download.ipynb, cell 50"
    outside = ("../a", "a/../../b", "/etc/passwd", "//server/a", "C:/a", "c:a", "a\\..\\b", "\\a", "a\x00b", "..", "a\nb")
    for name in outside:
        with pytest.raises(InputError, match="would be written outside"): safe_path(name)
    for name in ("a.jpg", "./a/b.jpg", "a/..b/c...jpg", "Ünïcode ☺/ä b.jpg", ".", "a/"):
        assert not safe_path(name).is_absolute() and ".." not in safe_path(name).parts



def test_all_forms_are_unpacked_alike():
    "nbs/07_download.ipynb, cell 59"
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            archive, out = archive_of(Path(folder, form), GOOD), Path(folder, "new folder", form)
            assert unpack(archive, out) == out
            files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
            assert files == {name: data for name, data in GOOD if not name.endswith("/")}
            assert [p.name for p in out.parent.iterdir()] == [form]
            with pytest.raises(InputError, match="is there already and not empty"): unpack(archive, out)
            shutil.rmtree(out.parent)



def test_hostile_names_are_refused_in_all_forms_and_leave_nothing():
    "nbs/07_download.ipynb, cell 60"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "inner", "out")
        for form in FORMS:
            for name in ("../../evil", "/tmp/ssnet-evil", "set/../../../evil", "C:\\evil", "..\\evil"):
                archive = archive_of(Path(folder, form), [*GOOD, (name, b"I was here")])
                with pytest.raises(InputError, match="would be written outside"): unpack(archive, out)
                archive.unlink()
                assert list(Path(folder).rglob("*")) in ([], [out.parent]) and not Path("/tmp/ssnet-evil").exists()



def test_links_and_devices_are_refused_by_name():
    "nbs/07_download.ipynb, cell 61"
    kinds = {tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "hard link", tarfile.FIFOTYPE: "device",
             tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device"}
    with tempfile.TemporaryDirectory() as folder:
        for kind, name in kinds.items():
            info = tarfile.TarInfo("set/shortcut")
            info.type, info.linkname = kind, "list.txt"
            archive = tar_of(Path(folder, "set.tgz"), [("list.txt", b"1"), info])
            with pytest.raises(InputError, match=f"set.tgz is not unpacked: its member 'set/shortcut' is a {name}"):
                unpack(archive, Path(folder, "out"))
        for mode, name in ((stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "device"), (stat.S_IFCHR, "device")):
            info = zipfile.ZipInfo("set/shortcut")
            info.external_attr, info.create_system = (mode | 0o777) << 16, 3
            archive = zip_of(Path(folder, "set.zip"), [("list.txt", b"1"), (info, b"/etc/passwd")])
            with pytest.raises(InputError, match=f"its member 'set/shortcut' is a {name}"):
                unpack(archive, Path(folder, "out"))
        assert sorted(p.name for p in Path(folder).iterdir()) == ["set.tgz", "set.zip"]



def test_a_bomb_stops_at_the_limit():
    "nbs/07_download.ipynb, cell 62"
    with tempfile.TemporaryDirectory() as folder, patch("shutil.rmtree"):  # leave what was written, to measure it
        for form in FORMS:
            archive = archive_of(Path(folder, form), [("a", bytes(3_000_000)), ("b", bytes(50_000_000))])
            out = Path(folder, "out-" + form)
            with pytest.raises(InputError, match="holds more bytes than a set"): unpack(archive, out, max_bytes=10_000_000)
            written = sum(p.stat().st_size for p in Path(folder).glob(f".{out.name}*/*"))
            assert 3_000_000 <= written <= 10_000_000 and not out.exists()
            with pytest.raises(InputError, match="holds more than 3 files"):
                unpack(archive_of(Path(folder, form), GOOD), Path(folder, "many-" + form), max_files=3)



def test_a_header_of_gigabytes_is_refused():
    "nbs/07_download.ipynb, cell 63"
    with tempfile.TemporaryDirectory() as folder:
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 * 10 ** 9
        archive = Path(folder, "set.tgz")
        archive.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
        with pytest.raises(InputError, match="one of its headers claims 3,000,000,"): unpack(archive, Path(folder, "out"))



def test_names_that_differ_by_case_do_not_replace_each_other():
    "nbs/07_download.ipynb, cell 64"
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            archive = archive_of(Path(folder, form), [*GOOD, ("SET/2.JPG", b"II")])
            with pytest.raises(InputError, match="'SET/2.JPG' would replace another"): unpack(archive, Path(folder, "out"))
        tar_of(archive, [("a", b"1"), ("./a", b"2")])
        with pytest.raises(InputError, match="'./a' would replace another"): unpack(archive, Path(folder, "out"))



def test_an_archive_cut_anywhere_is_refused():
    "nbs/07_download.ipynb, cell 65"
    members = [(f"{number}.bin", np.random.default_rng(number).bytes(700)) for number in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            archive = archive_of(Path(folder, form), members)
            whole, out = archive.read_bytes(), Path(folder, "out")
            end = 3 * (512 + 1024) if form == "set.tar" else len(whole)  # behind a tar come only zeros
            for length in range(1, end, 97 if form != "set.tar" else 512):
                archive.write_bytes(whole[:length])
                with pytest.raises(InputError, match="damaged|cut off|ends too early|is no .tar"): unpack(archive, out)
            assert [p.name for p in Path(folder).iterdir()] == [form]
            archive.unlink()



def test_one_wrong_bit_in_a_compressed_archive_is_noticed():
    "nbs/07_download.ipynb, cell 66"
    members = [(f"{number}.bin", np.random.default_rng(number).bytes(700)) for number in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        for form in ("set.tgz", "set.tar.xz", "set.zip"):
            archive, out = archive_of(Path(folder, form), members), Path(folder, "out")
            whole = archive.read_bytes()
            for place in (len(whole) // 4, len(whole) // 2, len(whole) - 6 if form == "set.tgz" else 800):
                archive.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:])
                with pytest.raises(InputError, match="damaged|not unpacked"): unpack(archive, out)
        tar = archive_of(Path(folder, "set.tar"), members)
        tar.write_bytes(tar.read_bytes()[:1536] + b"X" + tar.read_bytes()[1537:])  # the second header
        with pytest.raises(InputError, match="damaged or ends too early"): unpack(tar, out)
        file = archive_of(Path(folder, "set.zip"), members).read_bytes()
        comment = file.index(b"PK\x01\x02") + 32  # where the first entry of the directory says how long its comment is
        Path(folder, "set.zip").write_bytes(file[:comment] + bytes([51]) + file[comment + 1:])  # it eats the second entry
        with pytest.raises(InputError, match="does not have as many members"): unpack(Path(folder, "set.zip"), out)



def test_rights_are_not_taken_over_and_an_empty_folder_is_filled():
    "nbs/07_download.ipynb, cell 67"
    with tempfile.TemporaryDirectory() as folder:
        locked = tarfile.TarInfo("set")
        locked.type, locked.mode = tarfile.DIRTYPE, 0
        archive, out = tar_of(Path(folder, "set.tgz"), [locked, ("set/a.txt", b"a")]), Path(folder, "out")
        out.mkdir()
        assert (unpack(archive, out) / "set" / "a.txt").read_bytes() == b"a"
        assert out.stat().st_mode == Path(folder, "out", "set").stat().st_mode



def test_an_error_of_the_disk_and_ctrl_c_leave_nothing():
    "nbs/07_download.ipynb, cell 68"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_of(Path(folder, "set.tgz"), GOOD)
        with patch("os.replace", side_effect=full), pytest.raises(InputError, match="out could not be written .No space"):
            unpack(archive, Path(folder, "out"))
        with patch("tarfile.TarFile.extractfile", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            unpack(archive, Path(folder, "out"))
        assert [p.name for p in Path(folder).iterdir()] == ["set.tgz"]



def test_a_source_is_a_folder_or_an_archive():
    "nbs/07_download.ipynb, cell 69"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        archive = archive_of(folder / "set.zip", GOOD)
        assert open_source(archive, folder / "out") == folder / "out" and (folder / "out" / "list.txt").is_file()
        assert open_source(folder / "out", folder / "unused") == folder / "out" and not (folder / "unused").exists()
        (folder / "page.zip").write_text("<!DOCTYPE html><title>We have moved</title>")
        with pytest.raises(InputError, match=r"page.zip is no .tar.*begins with b'<!DOCTYPE html>"):
            open_source(folder / "page.zip", folder / "new")
        (folder / "empty.tar").write_bytes(b"")
        with pytest.raises(InputError, match="There is no archive .*none.zip"):
            open_source(folder / "none.zip", folder / "new")
        with pytest.raises(InputError, match="empty.tar is no .tar"): open_source(folder / "empty.tar", folder / "new")
