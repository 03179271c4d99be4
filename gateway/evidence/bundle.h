/* bundle.h - names and limits of an exported evidence bundle, shared by export and dunlin-verify.
 *
 * A ZIP of stored members (zipfile.h), laid out for ASiC-E (ETSI EN 319 162): `mimetype` first,
 * META-INF/ left free for its manifests, signatures and timestamps.
 *   mimetype                              application/vnd.etsi.asic-e+zip
 *   records/<case>/<cseq>.json            exact leaf bytes; cases ascending, cseq gapless
 *   proofs/<case>/<cseq>.tlog-proof       c2sp.org/tlog-proof@v1
 *   disclosures/<case>/<cseq>.json        {"contents":[{"disclosure","file","id"}],"private":[...]}
 *                                         or {"erased":1}; absent: nothing to open, or redacted
 *   content/<case>/<cseq>-<n>-<role>.<ext>   decrypted originals
 *   export/record.json, export/record.tlog-proof   the log's own x-Export record of this export
 *   export/heads.txt                      "<case> <cseq> <hex leaf hash>" a line, cases ascending;
 * that record carries the file's SHA-256 trust/log-<n>.vkey, trust/policy.txt  keys
 * (c2sp.org/signed-note) and tlog-policy timeline.csv, report.html             for people
 *   manifest.txt                          "<hex SHA-256>  <name>" of every member before it
 *   manifest.note                         signed note over the manifest's hash, by the log's key
 *                                         under the name "<origin>/bundle"; absent: not signed
 * The note's text: "dunlin-bundle@v1", origin, base64 SHA-256 of manifest.txt, a line each. */
#ifndef EVIDENCE_BUNDLE_H
#define EVIDENCE_BUNDLE_H

#define BUNDLE_MIME          "application/vnd.etsi.asic-e+zip"
#define BUNDLE_RECORD        "records/"
#define BUNDLE_PROOF         "proofs/"
#define BUNDLE_PROOF_END     ".tlog-proof"
#define BUNDLE_DISCLOSURE    "disclosures/"
#define BUNDLE_CONTENT       "content/"
#define BUNDLE_EXPORT_RECORD "export/record.json"
#define BUNDLE_EXPORT_PROOF  "export/record.tlog-proof"
#define BUNDLE_HEADS         "export/heads.txt"
#define BUNDLE_TRUST         "trust/"
#define BUNDLE_MANIFEST      "manifest.txt"
#define BUNDLE_SIGNATURE     "manifest.note"
#define BUNDLE_NOTE_HEAD     "dunlin-bundle@v1"
#define BUNDLE_KEY_SUFFIX    "/bundle"

enum {
    BUNDLE_DISCLOSURES_MAX = 80 * 1024 * 1024, /* one record's private values */
    BUNDLE_LOGS_MAX = 64,
};

#endif
