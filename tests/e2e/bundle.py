"""Reading exported evidence bundles (gateway/evidence/bundle.h has their layout), with the standard
library alone. Whether proofs and signatures hold is dunlin-verify's to say; this reads what is told.
"""
import csv
import datetime
import glob
import hashlib
import io
import json
import os
import zipfile


class Record:
    """One leaf with what its bundle opens of it."""

    def __init__(self, case, name, leaf, disclosures, contents):
        doc = json.loads(leaf)
        self.case, self.case_name = case, name
        self.id, self.ev, self.cseq = doc["id"], doc["ev"], doc["cseq"]
        self.cprev = doc.get("cprev")
        self.leaf_hash = hashlib.sha256(b"\x00" + leaf).hexdigest()
        self.t = datetime.datetime.fromisoformat(doc["t"].replace("Z", "+00:00"))
        self.why, self.fact = doc.get("why", ""), doc.get("fact", {})
        message = doc.get("msg", {})
        self.rid, self.attempt = message.get("rid"), message.get("attempt", 0)
        self.private = {name: value for _, name, value in disclosures.get("private", [])}
        self.contents = contents


def names_of_cases(bundle):
    """{pseudonym: case name} from the timeline."""
    text = bundle.read("timeline.csv").decode("utf-8-sig")
    return {row["case"]: row["case name"] for row in csv.DictReader(io.StringIO(text))}


def read(path):
    records = []
    with zipfile.ZipFile(path) as bundle:
        names = names_of_cases(bundle)
        members = set(bundle.namelist())
        for member in members:
            parts = member.split("/")
            if parts[0] != "records":
                continue
            case, cseq = parts[1], parts[2].removesuffix(".json")
            disclosures, contents = {}, []
            opened = f"disclosures/{case}/{cseq}.json"
            if opened in members:
                disclosures = json.loads(bundle.read(opened))
                contents = [bundle.read(c["file"]) for c in disclosures.get("contents", [])]
            records.append(Record(case, names.get(case), bundle.read(member), disclosures, contents))
    return records


def read_all(folder):
    """The records of every bundle in a folder, each once, in order of case and number."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.zip"))):
        for record in read(path):
            found[record.id] = record
    return sorted(found.values(), key=lambda r: (r.case, r.cseq))
