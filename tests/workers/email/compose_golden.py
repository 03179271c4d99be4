#!/usr/bin/python3
"""From facts to message and back: what the e-mail driver makes, read by Python's email package.

usage: compose_golden.py PREPARE_DUMP SOURCE_ROOT
"""
import csv
import email
import email.policy
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

DUMP, ROOT = sys.argv[1], sys.argv[2]

FACTS = {
    "creditor": {"name": "Creditor Ltd", "email": "help@creditor.example.test", "payment": ["IBAN: sample"]},
    "debtor": {"id": "D-1", "name": "上海样品有限公司"},
    "contact": {"name": "张三", "role": "primary"},
    "case": "INV-2013-001", "reference": "INV-2013-001", "channel": "email", "purpose": "reminder",
    "date": "2013-02-22", "statement": "detailed",
    "items": [
        {"id": "INV-2013-001", "issued": "2013-01-05", "due": "2013-02-04", "amount_minor": 1234567,
         "paid_minor": 234567, "open_minor": 1000000, "currency": "CNY", "days_overdue": 18,
         "description": "第一批货款"},
        {"id": "INV-2013-002", "due": "2013-03-04", "amount_minor": 500000, "paid_minor": 0,
         "open_minor": 500000, "currency": "CNY", "days_overdue": 0, "description": "=cmd()"},
    ],
}


def facts(**changes):
    made = json.loads(json.dumps(FACTS))
    made.update(changes)
    return made


class Golden(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dunlin-golden-")

    def tearDown(self):
        shutil.rmtree(self.dir)

    def run_dump(self, data, locale, template="payment-reminder", pdf=False, unsubscribe=""):
        source, out = os.path.join(self.dir, "facts.json"), os.path.join(self.dir, "out.eml")
        with open(source, "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False)
        bundle = os.path.join(ROOT, "templates", locale, template)
        done = subprocess.run([DUMP, bundle, locale, source, out, "pdf" if pdf else "-", unsubscribe],
                              capture_output=True, text=True)
        return done, out

    def make(self, data, locale, **more):
        done, out = self.run_dump(data, locale, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, "rb") as f:
            raw = f.read()
        self.check_lines(raw)
        return raw, email.message_from_bytes(raw, policy=email.policy.default)

    def check_lines(self, raw):
        self.assertTrue(raw.endswith(b"\r\n"))
        for line in raw[:-2].split(b"\r\n"):
            self.assertNotIn(b"\r", line)
            self.assertNotIn(b"\n", line)
            self.assertLessEqual(len(line), 998)
            self.assertTrue(line.isascii())

    def test_headers_say_who_what_and_when(self):
        _, m = self.make(facts(), "zh-CN")
        self.assertEqual(m["Date"].datetime.isoformat(), "2013-01-22T10:00:00+00:00")
        self.assertEqual(m["From"].addresses[0].display_name, "Creditor")
        self.assertEqual(m["From"].addresses[0].addr_spec, "billing@creditor.example.test")
        self.assertEqual(m["To"].addresses[0].display_name, "张三")
        self.assertEqual(m["To"].addresses[0].addr_spec, "zhang@debtor.example.test")
        self.assertEqual(m["Cc"].addresses[0].display_name, "Müller, Eva")
        self.assertEqual(m["Reply-To"].addresses[0].addr_spec, "help@creditor.example.test")
        self.assertEqual(m["Message-ID"], "<0123456789abcdefghjkmnpqrs@creditor.example.test>")
        self.assertRegex(m["References"], r"^<case\.[0-9a-f]{32}@creditor\.example\.test>$")
        self.assertEqual(m["Auto-Submitted"], "auto-generated")
        self.assertFalse(m["Subject"].startswith(" "))
        self.assertIn("15,000.00", m["Subject"])
        self.assertEqual(m["X-Dunlin-Reference"], "0123456789abcdefghjkmnpqrs")
        self.assertEqual(m["Content-Language"], "zh-CN")
        self.assertIn("<https://creditor.example.test/stop/0123456789abcdefghjkmnpqrs>", m["List-Unsubscribe"])
        self.assertIn("<mailto:stop@creditor.example.test", m["List-Unsubscribe"])
        self.assertEqual(m["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertEqual(m.defects, [])

    def test_a_source_may_have_its_own_way_out(self):
        _, m = self.make(facts(), "en", unsubscribe="mailto:no-more@creditor.example.test?subject=x")
        self.assertIn("<mailto:no-more@creditor.example.test?subject=unsubscribe", m["List-Unsubscribe"])
        self.assertIn("no-more@creditor.example.test", m.get_body(("plain",)).get_content())
        _, m = self.make(facts(), "en", unsubscribe="https://own.example.test/{id}")
        self.assertIn("<https://own.example.test/0123456789abcdefghjkmnpqrs>", m["List-Unsubscribe"])

    def test_the_tree_is_mixed_of_alternative_and_files(self):
        _, m = self.make(facts(), "zh-CN", pdf=True)
        self.assertEqual(m.get_content_type(), "multipart/mixed")
        parts = list(m.iter_parts())
        self.assertEqual([p.get_content_type() for p in parts],
                         ["multipart/alternative", "application/pdf", "text/csv"])
        self.assertEqual([p.get_content_type() for p in parts[0].iter_parts()],
                         ["text/plain", "text/html"])
        self.assertEqual([p.get_filename() for p in parts[1:]],
                         ["对账单-2013-02.pdf", "对账单-2013-02.csv"])
        self.assertEqual([p.get_content_disposition() for p in parts[1:]], ["attachment"] * 2)
        for part in m.walk():
            self.assertEqual(part.defects, [])

    def test_texts_are_in_the_recipients_language(self):
        _, m = self.make(facts(), "zh-CN")
        text = m.get_body(("plain",)).get_content()
        page = m.get_body(("html",)).get_content()
        for words in ("张三", "上海样品有限公司", "2013年2月4日", "15,000.00", "INV-2013-001"):
            self.assertIn(words, text)
            self.assertIn(words, page)
        _, m = self.make(facts(), "en")
        text = m.get_body(("plain",)).get_content()
        for words in ("February 4, 2013", "CNY\N{NO-BREAK SPACE}15,000.00", "stop@creditor.example.test"):
            self.assertIn(words, text)

    def test_the_csv_holds_the_statement_and_no_formula(self):
        _, m = self.make(facts(), "en")
        part = [p for p in m.iter_attachments()][0]
        self.assertEqual(part.get_filename(), "statement-2013-02.csv")
        raw = part.get_payload(decode=True)
        self.assertTrue(raw.startswith(b"\xef\xbb\xbf"))
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
        cells = [cell for row in rows for cell in row]
        self.assertIn("10000.00", cells)
        self.assertIn("第一批货款", cells)
        self.assertFalse([c for c in cells if c.startswith("=")])

    def test_the_pdf_holds_the_statement(self):
        if not shutil.which("pdftotext"):
            self.skipTest("pdftotext is not here")
        _, m = self.make(facts(), "zh-CN", pdf=True)
        part = [p for p in m.iter_attachments() if p.get_content_type() == "application/pdf"][0]
        raw = part.get_payload(decode=True)
        self.assertTrue(raw.startswith(b"%PDF-"))
        text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=raw, capture_output=True).stdout.decode()
        for words in ("上海样品有限公司", "10,000.00", "INV-2013-002"):
            self.assertIn(words, text)

    def test_levels_say_what_is_attached(self):
        for level, pdf, want in (("none", True, []), ("summary", True, ["pdf"]), ("summary", False, ["csv"]),
                                 ("detailed", False, ["csv"]), ("detailed", True, ["pdf", "csv"])):
            _, m = self.make(facts(statement=level), "en", pdf=pdf)
            self.assertEqual([p.get_filename().rsplit(".")[-1] for p in m.iter_attachments()], want, level)

    def test_the_same_task_gives_the_same_bytes(self):
        first, _ = self.make(facts(), "zh-CN", pdf=True)
        second, _ = self.make(facts(), "zh-CN", pdf=True)
        self.assertEqual(first, second)

    def test_every_email_template_can_be_rendered_from_the_gateways_facts(self):
        for locale in ("en", "zh-CN"):
            for name in ("statement-notice", "reminder-letter", "formal-notice", "payment-reminder"):
                _, m = self.make(facts(), locale, template=name)
                self.assertTrue(m["Subject"])

    def test_facts_that_break_a_header_or_the_statement_refuse_the_reminder(self):
        for bad in (facts(reference="a\r\nBcc: spy@example.test"), facts(statement="all"),
                    facts(items=[dict(FACTS["items"][0], currency="XXX")]),
                    facts(items=[dict(FACTS["items"][0], due="2013-02-31")])):
            done, out = self.run_dump(bad, "en", template="statement-notice")
            self.assertEqual(done.returncode, 1)
            self.assertNotIn("spy", done.stderr)
            self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
