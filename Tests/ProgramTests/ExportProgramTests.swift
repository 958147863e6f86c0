import Foundation
import Testing

/// Exports as other programs read them.
@Suite("Exports that other programs read", .timeLimit(.minutes(30)))
struct ExportProgramTests {
  let ledger: ProgramLedger
  let folder: TemporaryFolder
  static let python = ProgramLedger.repository + "/.build-test-python/bin/python"

  init() throws {
    ledger = try ProgramLedger()
    folder = try TemporaryFolder()
    try #"{"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}"#
      .write(toFile: ledger.path + "/config.json", atomically: true, encoding: .utf8)
    let requests = ProgramLedger.requests
    for name in ["open-ended", "closed-ended", "unknown-program"] {
      _ = try ledger.operate(["dispatch", "\(requests)/\(name).json", "--key", name])
    }
    _ = try ledger.operate(["deliver", "--once"])
  }

  private func audit(_ arguments: String...) throws -> Ended {
    try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
  }

  private func export(_ format: String, _ arguments: String..., to name: String) throws -> String {
    let path = "\(folder.path)/\(name)"
    let ended = try Shell.run(
      "ledger-audit",
      ["export", "--format", format, "--out", path, "-C", ledger.path] + arguments)
    #expect(ended.status == 0, "\(ended.talk)")
    return path
  }

  @discardableResult
  private func shell(_ script: String, status: Int32 = 0) throws -> String {
    let ended = try Shell.run("/bin/sh", ["-c", "set -eu; cd \"$0\"; \(script)", folder.path])
    #expect(ended.status == status, "\(script): \(ended.output)\(ended.talk)")
    return ended.output + ended.talk
  }

  private func python(_ program: String, _ arguments: String...) throws -> String {
    let ended = try Shell.run(Self.python, ["-B", "-c", program] + arguments)
    #expect(ended.status == 0, "\(ended.talk)")
    return ended.output
  }

  private func vkey() throws -> String {
    let identity = String(decoding: try ledger.bytes(of: "LEDGER"), as: UTF8.self)
    return try #require(try object(identity)["vkey"] as? String)
  }

  private func files(in path: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let names = try FileManager.default.subpathsOfDirectory(atPath: path)
    for name in names {
      files[name] = try? Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    return files
  }

  @Test("jq and the SDK of CloudEvents read the lines, which are the stored ones")
  func lines() throws {
    let stored = try ledger.eventLines().map { $0 + "\n" }.joined()
    let plain = try export("jsonl", to: "plain.jsonl")
    #expect(try String(contentsOfFile: plain, encoding: .utf8) == stored)
    #expect(try audit("export", "--format", "cloudevents", "--out", "-").output == stored)
    let path = try export("cloudevents", "--leaf-hashes", to: "events.jsonl")
    let count = try ledger.eventLines().count
    #expect(try shell("jq -r .id events.jsonl | tail -1") == "\(count - 1)\n")
    let read = try python(
      """
      import sys
      from cloudevents.core.formats.json import JSONFormat
      for line in open(sys.argv[1], "rb"):
          event = JSONFormat().read(None, line)
          assert event.get_specversion() == "1.0" and event.get_extension("leafhash")
          print(event.get_id(), event.get_type(), event.get_subject(), event.get_source())
      """, path)
    let expected = try ledger.eventLines().map { line in
      let event = try object(line)
      return ["id", "type", "subject", "source"].map { "\(event[$0] ?? "")" }
        .joined(separator: " ")
    }
    #expect(read.split(separator: "\n").map(String.init) == expected)
  }

  @Test("the tables say of each recipient what a recheck says, and who was left out and why")
  func tables() throws {
    let path = try export("csv", to: "tables")
    let report = try audit("recheck", "--json").output
    let said = try python(
      """
      import csv, json, sys
      told = set()
      for row in csv.DictReader(open(sys.argv[1] + "/recipients.csv", newline="")):
          if row["recipient"] == "true":
              told.add((row["dispatch_id"], row["user_id"], row["state"], row["verdict"],
                        row["minutes"], row["told_at"], row["told_event"]))
          else:
              print(row["user_id"], row["exclusion"])
      expected = set()
      for dispatch in json.loads(sys.argv[2])["dispatches"]:
          for modification in dispatch["modifications"]:
              for user in modification["told"]:
                  expected.add((dispatch["dispatch"], user["user"], user["state"],
                                user["verdict"], str(user.get("minutes", "")),
                                user.get("told_at", ""), user.get("event", "")))
      assert told == expected and told, (told, expected)
      """, path, report)
    #expect(said.isEmpty || said.contains(" "))
    let manifest = try object(
      String(contentsOfFile: path + "/manifest.json", encoding: .utf8))
    for file in try #require(manifest["files"] as? [[String: String]]) {
      let name = try #require(file["path"])
      #expect(try shell("sha256sum tables/\(name)").hasPrefix(try #require(file["sha256"])))
      let rows = try python(
        "import csv,sys; print(sum(1 for _ in csv.reader(open(sys.argv[1],newline='')))-1)",
        "\(path)/\(name)")
      #expect(rows == "\(file["rows"] ?? "-")\n", "\(name)")
    }
    #expect(try shell("cat tables/rejections.csv").contains(",unknown-program,program_id,"))
  }

  @Test("of one user's export no other user's row is a part")
  func oneUser() throws {
    _ = try export("csv", "--user", "u-1", to: "mine")
    let users = try shell("tail -q -n +2 mine/recipients.csv | cut -d, -f5 | sort -u")
    #expect(users == "u-1\n")
    #expect(try shell("cut -d, -f5 mine/attempts.csv | sort -u") == "u-1\nuser_id\n")
    #expect(try !shell("cat mine/*.csv").contains("u-2"))
    let bag = try export("bundle", "--user", "u-1", to: "bag")
    #expect(try files(in: bag).keys.allSatisfy { !$0.hasPrefix("data/transaction-logs/") })
    #expect(try audit("proof", "check", bag, "--vkey", vkey()).status == 0)
  }

  @Test("sqlite3 reads the views, which are one file and the same every time")
  func database() throws {
    _ = try export("sqlite", to: "views.db")
    _ = try export("sqlite", to: "again.db")
    #expect(
      try shell("sqlite3 -readonly views.db 'PRAGMA integrity_check; PRAGMA user_version'")
        == "ok\n1\n")
    #expect(try shell("sqlite3 -readonly views.db 'select count(*) from dispatch'") == "2\n")
    #expect(
      try shell("cmp views.db again.db; ls") == "again.db\nagain.db.manifest.json\n"
        + "views.db\nviews.db.manifest.json\n")
  }

  @Test("sha256sum and proof check accept a bundle, and name what was changed in one")
  func bundle() throws {
    let bag = try export("bundle", to: "bag")
    try shell("cd bag; sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt")
    let key = try vkey()
    let check = { try Shell.run("ledger-audit", ["proof", "check", bag, "--vkey", key]) }
    #expect(try check().status == 0)
    let dispatch = try #require(
      try ledger.eventLines().compactMap { try object($0)["subject"] as? String }
        .first { $0.hasPrefix("dispatch/") })
    let id = dispatch.dropFirst("dispatch/".count)
    let log = try String(
      contentsOfFile: "\(bag)/data/transaction-logs/\(id).log", encoding: .utf8)
    #expect(try audit("replay", String(id)).output == log)
    for (change, named) in [
      ("sed -i 's/,late,/,on-time,/' data/tables/recipients.csv", "data/tables/recipients.csv"),
      ("sed -i '8s/u-1/u-9/' data/events.jsonl", "event 7 "),
      ("sed -i '8d' data/events.jsonl", "event 7 "),
      ("sed -i 8p data/events.jsonl", "event 7 "),
      ("sed -i '8s/}$//' data/events.jsonl", "data/events.jsonl line 8 "),
      ("sed -i '5s/./9/' data/proofs/*", "data/proofs/0000000000000000.tlog-proofs "),
      ("rm data/proofs/*", "data/proofs/0000000000000000.tlog-proofs "),
      ("cp data/proofs/0* data/proofs/1.tlog-proofs", "data/proofs/1.tlog-proofs "),
      ("rm data/tree-proof", "data/tree-proof "),
      ("rm data/vkey", "data/vkey "),
      ("echo x > data/more", "data/more "),
      ("ln -s vkey data/link", "data/link "),
      ("sed -i '3s/ 1 / 2 /' data/tree-proof", "data/tree-proof "),
      ("sed -i '2s/./9/' data/checkpoint", "data/checkpoint "),
      ("sed -i 's/\"size\":\"/&1/' manifest.json", "manifest.json "),
    ] {
      try shell("rm -rf copy; cp -r bag copy; cd copy; \(change)")
      let ended = try Shell.run(
        "ledger-audit", ["proof", "check", folder.path + "/copy", "--vkey", key])
      #expect(ended.status == 4, "\(change)")
      let lines = ended.output.split(separator: "\n")
      #expect(lines.contains { $0.hasPrefix(named) }, "\(change): \(ended.output)\(ended.talk)")
      // Whoever makes the sums of files again doesn't get an altered event past the checkpoint.
      guard named.hasPrefix("event") || named.contains("line") else { continue }
      try shell(
        """
        cd copy; find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt
        sha256sum bag-info.txt bagit.txt manifest.json manifest-sha256.txt > tagmanifest-sha256.txt
        sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt
        """)
      let again = try Shell.run(
        "ledger-audit", ["proof", "check", folder.path + "/copy", "--vkey", key])
      #expect(again.status == 4, "\(change)")
      #expect(again.output.hasPrefix(named), "\(change): \(again.output)")
    }
    let other = try ProgramLedger()
    let foreign = try #require(
      try object(String(decoding: other.bytes(of: "LEDGER"), as: UTF8.self))["vkey"] as? String)
    #expect(try Shell.run("ledger-audit", ["proof", "check", bag, "--vkey", foreign]).status == 4)
  }

  @Test("the same range is the same export, whatever came since")
  func repeated() throws {
    let bag = try export("bundle", "--as-of", "9", to: "one")
    let first = try files(in: bag)
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    // The checkpoint is a newer one, and with it the proof.
    let second = try files(in: export("bundle", "--as-of", "9", to: "two"))
    let grown = [
      "data/checkpoint", "data/tree-proof", "data/proofs/0000000000000000.tlog-proofs",
      "manifest-sha256.txt", "manifest.json",
      "bag-info.txt", "tagmanifest-sha256.txt",
    ]
    for (name, bytes) in first where !grown.contains(name) {
      #expect(second[name] == bytes, "\(name)")
    }
    let third = try files(in: export("bundle", "--as-of", "9", to: "three"))
    #expect(third == second)
  }

  @Test("what is there already stays, and --resume goes on with the same export alone")
  func resume() throws {
    let path = try export("csv", to: "tables")
    let whole = try files(in: path)
    func again(_ arguments: String...) throws -> Int32 {
      try Shell.run(
        "ledger-audit",
        ["export", "--format", "csv", "--out", path, "-C", ledger.path] + arguments
      ).status
    }
    #expect(try again() == 73)
    #expect(try again("--resume") == 0)
    // As if it had been interrupted: the plan is there, a file is cut, others are missing.
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    try shell(
      """
      cd tables
      jq -cj 'del(.events,.files,.first,.last,.root)' manifest.json > plan.json
      echo >> plan.json
      head -c 300 attempts.csv > attempts.csv.partial
      rm manifest.json attempts.csv results.csv
      """)
    #expect(try again("--resume", "--test", "exclude") == 73)
    #expect(try again("--resume") == 0)
    #expect(try files(in: path) == whole)
    try shell("mkdir other; echo mine > other/file; ln -s /nowhere link")
    for out in ["other", "link", "other/file"] {
      let ended = try Shell.run(
        "ledger-audit",
        [
          "export", "--format", "csv", "--out", "\(folder.path)/\(out)", "--resume", "-C",
          ledger.path,
        ])
      #expect([73, 74].contains(ended.status), "\(out): \(ended.talk)")
    }
    #expect(try shell("cat other/file; ls other link").contains("mine"))
    let inside = try Shell.run(
      "ledger-audit",
      ["export", "--format", "csv", "--out", ledger.path + "/x", "-C", ledger.path])
    #expect(inside.status == 64)
  }

  @Test("each event of a bundle is proved by itself, as others check it; a changed proof is named")
  func proofs() throws {
    let bag = try export("bundle", "--type", "notification.", to: "bag")
    let key = try vkey()
    // Whoever cuts the file at its titles has C2SP tlog-proofs.
    let said = try python(
      """
      import json, os, subprocess, sys
      bag, verifier, key = sys.argv[1:]
      lines = open(bag + "/data/events.jsonl", "rb").read().splitlines()
      title = b"c2sp.org/tlog-proof@v1\\n"
      proofs = []
      for name in sorted(os.listdir(bag + "/data/proofs")):
          proofs += open(bag + "/data/proofs/" + name, "rb").read().split(title)[1:]
      assert len(proofs) == len(lines) > 1
      for line, proof in zip(lines, proofs):
          open(bag + "/../one.leaf", "wb").write(line)
          open(bag + "/../one.tlog-proof", "wb").write(title + proof)
          assert proof.startswith(b"index %s\\n" % json.loads(line)["id"].encode())
          subprocess.run(["python3", "-B", verifier, "--proof", bag + "/../one.tlog-proof",
                          "--event", bag + "/../one.leaf", "--vkey", key], check=True)
      """, bag, ProgramLedger.repository + "/tools/verify-ledger.py", key)
    #expect(said.split(separator: "\n").allSatisfy { $0 == "proved" } && !said.isEmpty)
    #expect(
      try Shell.run(
        "ledger-audit", ["proof", "check", folder.path + "/one.tlog-proof", "--vkey", key]
      ).status == 0)
    for (change, named) in [
      // The first hash of the first proof stands there twice.
      ("sed '3p'", "data/proofs/"),
      ("sed '2s/index /index 1/'", "data/proofs/"),
      ("sed '/^index/,$!d'", "data/proofs/"),
      ("sed 's/^c2sp.*/&x/'", "data/proofs/"),
      ("head -c 200", "data/proofs/"),
      ("cat; echo", "data/proofs/"),
      ("cat /dev/null", "event "),
    ] {
      try shell(
        """
        rm -rf copy; cp -r bag copy; cd copy
        for f in data/proofs/*; do { \(change); } < $f > ../x; cp ../x $f; done
        find data -type f | LC_ALL=C sort | xargs sha256sum > manifest-sha256.txt
        sha256sum bag-info.txt bagit.txt manifest.json manifest-sha256.txt > tagmanifest-sha256.txt
        """)
      let ended = try Shell.run(
        "ledger-audit", ["proof", "check", folder.path + "/copy", "--vkey", key])
      #expect(ended.status == 4, "\(change)")
      #expect(
        ended.output.split(separator: "\n").contains { $0.hasPrefix(named) },
        "\(change): \(ended.output)")
    }
    let misplaced = try audit("export", "--format", "csv", "--proofs", "--out", folder.path + "/no")
    #expect(misplaced.status == 64)
  }

  @Test("an export with times like -2h goes on with the times that it was begun with")
  func relativeTimes() throws {
    func call(_ out: String, _ arguments: [String]) throws -> Ended {
      try Shell.run(
        "ledger-audit",
        ["export", "--format", "csv", "--out", folder.path + "/" + out, "-C", ledger.path]
          + arguments)
    }
    for (name, times) in [
      ("since", ["--since", "-2h"]), ("until", ["--until", "now"]), ("as-of", ["--as-of", "-0s"]),
      ("known-at", ["--known-at", "now"]),
    ] {
      // The disk is full for the last table, so the plan and some files stay.
      let limited = try Shell.run(
        "/bin/sh",
        [
          "-c", "ulimit -f 1; exec \"$@\"", "sh",
          Shell.products.appendingPathComponent("ledger-audit").path, "export", "--format", "csv",
          "--out", folder.path + "/" + name, "-C", ledger.path,
        ] + times)
      #expect(limited.status == 74, "\(name): \(limited.talk)")
      let plan = try object(
        String(contentsOfFile: "\(folder.path)/\(name)/plan.json", encoding: .utf8))
      #expect(plan["asked_at"] is String)
      // What was recorded since isn't a part of it, and neither are two seconds more or less.
      _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
      let other = [times[0], "-3h"]
      #expect(try call(name, other + ["--resume"]).status == 73, "\(name)")
      let resumed = try call(name, times + ["--resume"])
      #expect(resumed.status == 0, "\(name): \(resumed.talk)")
      let manifest = try object(
        String(contentsOfFile: "\(folder.path)/\(name)/manifest.json", encoding: .utf8))
      #expect(manifest["asked_at"] == nil)
      #expect(manifest["size"] as? String == plan["size"] as? String)
      let again = try call(name, times + ["--resume"])
      #expect(again.status == 73 && again.talk.contains("manifest has the times"), "\(again.talk)")
    }
  }

  @Test(
    "on a full disk nothing half done has its name, and --resume ends it",
    arguments: ["jsonl", "csv", "parquet", "sqlite", "openadr", "bundle"])
  func fullDisk(format: String) throws {
    let whole = try export(format, to: "whole")
    for blocks in [0, 1, 3, 8] {
      let path = "\(folder.path)/\(format)-\(blocks)"
      let arguments = ["export", "--format", format, "--out", path, "-C", ledger.path]
      let limited = try Shell.run(
        "/bin/sh",
        [
          "-c", "ulimit -f \(blocks); exec \"$@\"", "sh",
          Shell.products.appendingPathComponent("ledger-audit").path,
        ] + arguments)
      if limited.status == 0 { continue }
      #expect(limited.status == 74, "\(blocks): \(limited.talk)")
      // SQLite says it in its own words.
      let reasons = ["File too large"] + (format == "sqlite" ? ["disk I/O error"] : [])
      #expect(reasons.contains { limited.talk.contains($0) }, "\(limited.talk)")
      for (name, bytes) in try files(in: folder.path)
      where name.hasPrefix("\(format)-\(blocks)") && !name.contains(".partial") {
        let original = name.replacingOccurrences(of: "\(format)-\(blocks)", with: "whole")
        if name.hasSuffix("plan.json") || name.hasSuffix(".plan") { continue }
        let expected = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(original)"))
        #expect(bytes == expected, "\(name)")
      }
      let resumed = try Shell.run("ledger-audit", arguments + ["--resume"])
      #expect(resumed.status == 0, "\(blocks): \(resumed.talk)")
      try shell("diff -r whole \(format)-\(blocks)")
    }
    #expect(FileManager.default.fileExists(atPath: whole))
  }

  @Test("an option that the format has no use for is refused")
  func misplaced() throws {
    for arguments in [
      ["--format", "sqlite", "--user", "u-1"], ["--format", "csv", "--leaf-hashes"],
      ["--format", "jsonl", "--tables", "attempts"], ["--format", "csv", "--event", "1"],
      ["--format", "tlog", "--since", "2026-01-01"], ["--format", "tlog", "--resume"],
      ["--format", "csv", "--tables", "attempts,nothing"],
    ] {
      let ended = try Shell.run(
        "ledger-audit",
        ["export", "--out", folder.path + "/none", "-C", ledger.path] + arguments)
      #expect(ended.status == 64, "\(arguments): \(ended.talk)")
    }
    #expect(
      try Shell.run(
        "ledger-audit", ["export", "--format", "csv", "--out", "-", "-C", ledger.path]
      ).status == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("what left the house is put on record once, and only if it is of this history")
  func record() throws {
    let bag = try export("bundle", to: "bag")
    let manifest = bag + "/manifest.json"
    let recorded = try ledger.operate(
      ["record-export", manifest, "--to", "FERC", "--reason", "request 26-114"])
    #expect(recorded.status == 0, "\(recorded.talk)")
    let event = try object(try #require(try ledger.eventLines().last))
    let data = try #require(event["data"] as? [String: Any])
    #expect(event["type"] as? String == "ledger.export-issued.v1")
    let sum = try #require(
      try shell("sha256sum bag/manifest.json").split(separator: " ").first.map(String.init))
    #expect(data["sha256"] as? String == sum)
    #expect(data["export_id"] as? String == String(sum.prefix(32)))
    #expect(data["format"] as? String == "bundle")
    let count = try ledger.eventLines().count
    let repeated = try ledger.operate(
      ["record-export", manifest, "--to", "FERC", "--reason", "request 26-114", "--json"])
    #expect(try object(repeated.output)["repeated"] as? Bool == true)
    #expect(try ledger.operate(["record-export", manifest, "--to", "CPUC"]).status == 3)
    try shell("jq -c '.root=\"\(Data(count: 32).base64EncodedString())\"' bag/manifest.json > m1")
    #expect(try ledger.operate(["record-export", folder.path + "/m1"]).status == 4)
    try shell("jq -c '.size=\"999999\"' bag/manifest.json > m2; echo '{}' > m3")
    #expect(try ledger.operate(["record-export", folder.path + "/m2"]).status == 4)
    #expect(try ledger.operate(["record-export", folder.path + "/m3"]).status == 65)
    let other = try ProgramLedger()
    #expect(try other.operate(["record-export", manifest]).status == 65)
    #expect(try ledger.eventLines().count == count)
    #expect(try audit("verify", "--vkey", vkey()).status == 0)
    #expect(try audit("recheck").status == 0)
  }

  @Test("no export opens anything in the ledger for writing")
  func readsOnly() throws {
    for format in ["tlog", "jsonl", "csv", "sqlite", "bundle"] {
      let trace = try Shell.run(
        "/usr/bin/strace",
        [
          "-f", "-y", "-e",
          "trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,flock",
          Shell.products.appendingPathComponent("ledger-audit").path, "export", "--format", format,
          "--out", "\(folder.path)/\(format)", "-C", ledger.path,
        ])
      #expect(trace.status == 0, "\(trace.talk)")
      let lines = trace.talk.split(separator: "\n").filter { $0.contains(ledger.path) }
      #expect(!lines.isEmpty)
      for line in lines {
        for word in ["O_RDWR", "O_WRONLY", "O_CREAT", "rename", "unlink", "flock"] {
          #expect(!line.contains(word), "\(line)")
        }
      }
    }
  }
}
